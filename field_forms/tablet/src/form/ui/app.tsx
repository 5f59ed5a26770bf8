/** The frame around a form: the bar with the way back and the language, the progress, the way on. */
import { useEffect, useRef } from "preact/hooks";
import { isShown } from "./pages";
import { CheckScreen, PageScreen, SectionsScreen } from "./screens";
import type { View } from "./view";

export function App({ view, version }: { view: View; version: number }) {
  const frame = useRef<HTMLDivElement>(null);
  const where = `${view.screen} ${view.place.page} ${view.place.rows.join(" ")}`;
  const first = useRef(true);
  useEffect(() => {
    // A new page is told to a screen reader by its title; at the opening the scroll of last time counts.
    if (first.current) scrollTo(0, view.place.scroll);
    else if (!view.arrived) frame.current?.querySelector<HTMLElement>(".pf-title")?.focus({ preventScroll: true });
    first.current = false;
    view.arrived = false;
  }, [where]);
  useEffect(() => {
    const scrolled = (): void => {
      view.place.scroll = Math.round(scrollY);
    };
    addEventListener("scroll", scrolled, { passive: true });
    return () => removeEventListener("scroll", scrolled);
  }, [view]);
  return (
    <div ref={frame} class="pf" data-version={version}>
      <Bar view={view} />
      <Notices view={view} />
      {view.screen === "page" && <PageScreen key={where} view={view} />}
      {view.screen === "sections" && <SectionsScreen view={view} />}
      {view.screen === "check" && <CheckScreen view={view} />}
      <Foot view={view} />
    </div>
  );
}

function Bar({ view }: { view: View }) {
  const { words, sheet } = view;
  const { name, done, total } = view.summary;
  const at = sheet.languages.findIndex((each) => each.name === view.language);
  const other = sheet.languages[(at + 1) % sheet.languages.length];
  const code = (other?.code || other?.name.slice(0, 2) || "").toUpperCase();
  return (
    <header class="pf-bar">
      <button type="button" class="pf-bar-button" aria-label={words.back} onClick={() => view.back() || void view.leave()}>
        <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M15 5l-7 7 7 7" /></svg>
      </button>
      <h1>{name}</h1>
      {other !== undefined && sheet.languages.length > 1 && (
        <button type="button" class="pf-bar-button" aria-label={`${code}, ${words.language}: ${other.name}`} onClick={() => view.setLanguage(other.name)}>
          {code}
        </button>
      )}
      <progress class="pf-progress" max={Math.max(1, total)} value={done} aria-label={words.progress(done, total)} />
    </header>
  );
}

function Notices({ view }: { view: View }) {
  const { words, session } = view;
  const drifted = session.request.draft != null && session.request.draft.formVersion !== session.request.definition.version;
  return (
    <div aria-live="polite">
      {view.saveProblem !== null && <p class="pf-bad pf-sticky" role="alert">{words.notSaved} {view.saveProblem}</p>}
      {view.filling.broken !== null && <p class="pf-bad">{words.broken} <code>{view.filling.broken}</code></p>}
      {drifted && view.place.page === 0 && <p class="pf-note">{words.olderVersion}</p>}
    </div>
  );
}

function Foot({ view }: { view: View }) {
  const { words, place, filling } = view;
  if (view.screen !== "page") return null;
  const row = place.rows.at(-1);
  const nextRow = view.nextRow;
  const previous = view.previousPage;
  const last = !view.pages.some((page, index) => index > place.page && isShown(filling, page));
  return (
    <nav class="pf-foot" aria-label={words.sections}>
      {row === undefined
        ? <button type="button" class="pf-button" disabled={previous < 0} onClick={() => view.go(previous)}>{words.previous}</button>
        : <button type="button" class="pf-button" onClick={() => view.closeRow()}>{words.toList}</button>}
      <button type="button" class="pf-button" onClick={() => view.show("sections")}>{words.sections}</button>
      {row === undefined
        ? <button type="button" class="pf-button pf-primary" onClick={() => view.next()}>{last ? words.check : words.next}</button>
        : nextRow === null
          ? <button type="button" class="pf-button pf-primary" onClick={() => view.closeRow()}>{words.done}</button>
          : <button type="button" class="pf-button pf-primary" onClick={() => view.go(place.page, [...place.rows.slice(0, -1), nextRow])}>{words.nextMember}</button>}
    </nav>
  );
}
