/** The screens of a form: a page of it, the list of its sections, the check at the end. */
import { useState } from "preact/hooks";
import { isAsked } from "../model/assertions";
import { pathOf, says, type Cell } from "../model/filling";
import type { Remark } from "../model/remarks";
import { shownDate } from "../model/values";
import { Items } from "./items";
import { Ask } from "./overlay";
import { isShown, placeOf, repeatOf, type Page } from "./pages";
import { plainText } from "./rich";
import { RowEnd } from "./rows";
import type { View } from "./view";

export function pageTitle(view: View, page: Page): string {
  const { outermost } = view.filling;
  const path = page.group?.path ?? page.repeat?.path ?? "";
  const title = plainText(view.text(page.title, outermost, path));
  return title || view.words.part(view.pages.indexOf(page) + 1);
}

export function PageScreen({ view }: { view: View }) {
  const { filling, page, place, words } = view;
  const row = place.rows.at(-1);
  const repeat = row === undefined ? undefined : repeatOf(view.sheet, filling, row);
  const shown = view.pages.filter((each) => isShown(filling, each));
  const number = shown.indexOf(page) + 1;
  const title = row === undefined || repeat === undefined ? pageTitle(view, page) : view.rowName(repeat, row);
  return (
    <main class="pf-main" id="pf-main">
      <p class="pf-where">{words.section(number, shown.length)}{row !== undefined && ` · ${pageTitle(view, page)}`}</p>
      <h2 class="pf-title" tabIndex={-1}>{title}</h2>
      {row === undefined && place.page === 0 && <ReturnNote view={view} />}
      {row === undefined || repeat === undefined
        ? <Items view={view} items={page.group === null ? page.items : page.group.items} part={filling.outermost} depth={0} />
        : <Items view={view} items={repeat.items} part={row} depth={1} />}
      {row !== undefined && repeat !== undefined && <RowEnd view={view} repeat={repeat} row={row} />}
    </main>
  );
}

/** Why the form came back, and the way to each comment. */
function ReturnNote({ view }: { view: View }) {
  const { words } = view;
  const { returned, comments } = view.session.request;
  if (!returned && comments.length === 0) return null;
  return (
    <section class="pf-returned">
      <h3>{words.returned}</h3>
      {returned?.note && <p>{returned.note}</p>}
      {returned?.due && <p>{words.returnedDue(shownDate(returned.due))}</p>}
      <ul>{comments.map((comment, index) => <li key={index}><CommentLine view={view} path={comment.path} text={comment.text} /></li>)}</ul>
    </section>
  );
}

function CommentLine({ view, path, text }: { view: View; path: string; text: string }) {
  const cell = view.cellAt(path);
  if (cell === null || !view.filling.relevant(cell)) return <p>{text} <span class="pf-small-text">({view.words.commentElsewhere})</span></p>;
  return (
    <button type="button" class="pf-line" onClick={() => view.jump(cell)}>
      <span class="pf-small-text">{whereOf(view, cell)}</span>
      <span>{text}</span>
    </button>
  );
}

export function SectionsScreen({ view }: { view: View }) {
  const { words, filling } = view;
  const [asked, setAsked] = useState(false);
  return (
    <main class="pf-main" id="pf-main">
      <h2 class="pf-title" tabIndex={-1}>{words.sections}</h2>
      <ReturnNote view={view} />
      <ol class="pf-sections">
        {view.pages.map((page, index) => isShown(filling, page) && (
          <li key={index}>
            <button type="button" class="pf-line" aria-current={index === view.place.page || undefined} onClick={() => view.go(index)}>
              <span>{pageTitle(view, page)}</span>
              <PageState view={view} page={page} />
            </button>
          </li>
        ))}
      </ol>
      <button type="button" class="pf-button pf-primary" onClick={() => view.show("check")}>{words.check}</button>
      <Languages view={view} />
      <button type="button" class="pf-button pf-danger-line" onClick={() => setAsked(true)}>{words.discard}</button>
      {asked && <Ask title={words.discardAsk} yes={words.discardYes} words={words} onYes={() => void view.discard()} onNo={() => setAsked(false)} />}
    </main>
  );
}

function PageState({ view, page }: { view: View; page: Page }) {
  const { filling, words } = view;
  const cells = filling.cells(page.items).filter((cell) => isAsked(filling, cell.question) && filling.relevant(cell));
  const paths = new Set(cells.map(pathOf));
  const wrong = view.remarks.filter((remark) => remark.blocks && remark.code !== "required" && paths.has(pathOf(remark.cell))).length;
  const needed = cells.filter((cell) => filling.engine.required(cell.part, cell.question.path));
  const done = needed.filter((cell) => says(filling.answer(pathOf(cell)))).length;
  const comments = [...view.comments.keys()].filter((path) => paths.has(path)).length;
  return (
    <span class="pf-card-state">
      {comments > 0 && <span class="pf-chip pf-changed">{words.comments(comments)}</span>}
      {wrong > 0 && <span class="pf-chip pf-blocks">{words.rowErrors(wrong)}</span>}
      {needed.length > 0 && <span class={`pf-chip pf-${done === needed.length ? "confirmed" : "prefilled"}`}>{done}/{needed.length}</span>}
    </span>
  );
}

function Languages({ view }: { view: View }) {
  const languages = view.sheet.languages;
  if (languages.length < 2) return null;
  return (
    <fieldset class="pf-languages">
      <legend>{view.words.language}</legend>
      {languages.map((each) => (
        <button type="button" key={each.name} class="pf-button" aria-pressed={each.name === view.language} onClick={() => view.setLanguage(each.name)}>
          {each.name.replace(/\s*\([^)]*\)$/, "")}
        </button>
      ))}
    </fieldset>
  );
}

/** Where a question stands: the member, or the section. */
function placeName(view: View, cell: Cell): string {
  const names = view.rowsAround(cell.part).map((row) => view.rowName(repeatOf(view.sheet, view.filling, row)!, row));
  if (names.length > 0) return names.join(" · ");
  const { page } = placeOf(view.sheet, view.pages, view.filling, cell.question, cell.part);
  return pageTitle(view, view.pages[page]!);
}

/** The way to a question: the member or section, then its words. */
const whereOf = (view: View, cell: Cell): string => `${placeName(view, cell)} · ${view.label(cell)}`;

export function CheckScreen({ view }: { view: View }) {
  const { words, remarks } = view;
  const errors = remarks.filter((remark) => remark.blocks);
  const warnings = remarks.filter((remark) => !remark.blocks);
  const { done, total } = view.summary;
  return (
    <main class="pf-main" id="pf-main">
      <h2 class="pf-title" tabIndex={-1}>{words.check}</h2>
      <p>{words.progress(done, total)}</p>
      <Lines view={view} found={errors} title={words.errors(errors.length)} lead={words.errorsLead} kind="pf-wrong" />
      {errors.length === 0 && <p class="pf-good">{words.noErrors}</p>}
      <Lines view={view} found={warnings} title={words.warnings(warnings.length)} lead={words.warningsLead} kind="pf-odd" />
      {view.sealProblem !== null && <p class="pf-bad" role="alert">{words.sealFailed} {view.sealProblem}</p>}
      <p class="pf-hint">{words.sealLead}</p>
      <button type="button" class="pf-button pf-primary pf-seal" disabled={errors.length > 0 || view.sealing} onClick={() => void view.seal()}>
        {errors.length > 0 ? words.sealBlocked : view.sealing ? words.sealing : words.seal}
      </button>
    </main>
  );
}

function Lines(props: { view: View; found: readonly Remark[]; title: string; lead: string; kind: string }) {
  const { view, found, title, lead, kind } = props;
  if (found.length === 0) return null;
  const groups = new Map<string, Remark[]>();
  for (const remark of found) {
    const place = placeName(view, remark.cell);
    groups.set(place, [...(groups.get(place) ?? []), remark]);
  }
  return (
    <section>
      <h3>{title}</h3>
      <p class="pf-hint">{lead}</p>
      {[...groups].map(([place, remarks]) => (
        <div key={place}>
          <h4>{place}</h4>
          <ul>
            {remarks.map((remark, index) => (
              <li key={index}>
                <button type="button" class="pf-line" onClick={() => view.jump(remark.cell)}>
                  <span class="pf-small-text">{view.label(remark.cell)}</span>
                  <span class={kind}>{view.sentence(remark)}</span>
                </button>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}
