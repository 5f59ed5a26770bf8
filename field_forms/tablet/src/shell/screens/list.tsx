/** The work list. */
import { useMemo, useState } from "preact/hooks";
import type { Point } from "../../field/record";
import { type Line, NO_WISH, type Order, type Show, type Wish, chosen, linesOf, rtsOf, tally } from "../../field/worklist";
import type { App } from "../app";
import { Icon, Page, TextInput, useSignal } from "../parts";
import { Warnings } from "./work";

const AT_ONCE = 40;
const POSITION_MS = 15_000;

/** Kept while the store is open: whoever comes back from a family finds the list as it was. */
let kept: Wish = NO_WISH;

export function ListPage({ app }: { app: App }) {
  const active = useSignal(app.active);
  const [wish, setKept] = useState<Wish>(kept);
  const [shown, setShown] = useState(AT_ONCE);
  const store = active!.store;
  const lines = useMemo(() => {
    const drafted = new Set(store.drafts.all().map((each) => each.householdId));
    return linesOf(store.households.all(), store.events.all(), drafted);
  }, [active]);
  const found = useMemo(() => chosen(lines, wish), [lines, wish]);
  const setWish = (change: Partial<Wish>) => {
    kept = { ...kept, ...change };
    setKept(kept);
    setShown(AT_ONCE);
  };
  const words = app.words.list;
  const sum = tally(lines);
  return (
    <Page app={app} title={words.title}>
      <Warnings app={app} />
      <div>
        <p class="strong">{words.progress(app.words.number(sum.done), app.words.number(sum.mine))}</p>
        <progress max={Math.max(1, sum.mine)} value={sum.done} aria-label={words.progress(app.words.number(sum.done), app.words.number(sum.mine))} />
      </div>
      <TextInput id="search" kind="search" label={words.search} hideLabel value={wish.search} onInput={(search) => setWish({ search })} />
      <Filters app={app} wish={wish} setWish={setWish} sum={sum} />
      <Narrow app={app} lines={lines} wish={wish} setWish={setWish} areas={store.settings.all.areas} />
      <ul>
        {found.slice(0, shown).map((line) => (
          <li key={line.row.id}>
            <FamilyLine app={app} line={line} areas={store.settings.all.areas} />
          </li>
        ))}
      </ul>
      {found.length === 0 && <p class="note">{lines.length === 0 ? words.nothing : words.empty}</p>}
      {found.length > shown && (
        <button type="button" class="secondary" onClick={() => setShown(shown + AT_ONCE)}>
          {words.more(app.words.number(Math.min(AT_ONCE, found.length - shown)))}
        </button>
      )}
      <button type="button" class="secondary" onClick={() => app.routes.go({ at: "newFamily" })}>
        <Icon name="plus" /> {words.newFamily}
      </button>
    </Page>
  );
}

/** Forgets what was searched for; called when the store is closed or changed. */
export function forgetWish(): void {
  kept = NO_WISH;
}

interface Part {
  app: App;
  wish: Wish;
  setWish: (change: Partial<Wish>) => void;
}

function Filters({ app, wish, setWish, sum }: Part & { sum: ReturnType<typeof tally> }) {
  const words = app.words.list;
  const shows: [Show, string, number][] = [
    ["mine", words.all, sum.mine],
    ["returned", words.returned, sum.returned],
    ["todo", words.todo, sum.todo],
    ["drafts", words.drafts, sum.drafts],
    ["done", words.done, sum.done],
    ["others", words.others, sum.others],
  ];
  return (
    <div class="filters" role="group" aria-label={words.title}>
      {shows.map(([show, label, count]) => (
        <button type="button" key={show} aria-pressed={wish.show === show} onClick={() => setWish({ show })}>
          {label} {app.words.number(count)}
        </button>
      ))}
    </div>
  );
}

/** Village, RT and order. */
function Narrow({ app, lines, wish, setWish, areas }: Part & { lines: readonly Line[]; areas: Record<string, string> }) {
  const words = app.words.list;
  const villages = [...new Set(lines.map((line) => line.row.area))].sort();
  const order = async (wanted: Order) => {
    if (wanted !== "distance") return setWish({ order: wanted });
    const here = await position();
    if (here) return setWish({ order: "distance", here });
    setWish({ order: "rt" });
    app.say(words.noPosition, true);
  };
  return (
    <details>
      <summary class="link" style={{ minHeight: "48px", lineHeight: "48px" }}>
        {words.order}, {words.village}, {words.rt}
      </summary>
      <label for="order">{words.order}</label>
      <select id="order" autocomplete="off" value={wish.order} onChange={(event) => void order(event.currentTarget.value as Order)}>
        <option value="rt">{words.byRt}</option>
        <option value="name">{words.byName}</option>
        <option value="distance">{words.byDistance}</option>
      </select>
      {villages.length > 1 && (
        <>
          <label for="village">{words.village}</label>
          <select id="village" autocomplete="off" value={wish.village} onChange={(event) => setWish({ village: event.currentTarget.value, rt: "" })}>
            <option value="">{words.allVillages}</option>
            {villages.map((code) => (
              <option value={code} key={code}>
                {areas[code] ?? code}
              </option>
            ))}
          </select>
        </>
      )}
      <label for="rt">{words.rt}</label>
      <select id="rt" autocomplete="off" value={wish.rt} onChange={(event) => setWish({ rt: event.currentTarget.value })}>
        <option value="">{words.allRt}</option>
        {rtsOf(lines, wish.village).map((rt) => (
          <option value={rt} key={rt}>
            {rt}
          </option>
        ))}
      </select>
    </details>
  );
}

export function FamilyLine({ app, line, areas }: { app: App; line: Line; areas: Record<string, string> }) {
  const words = app.words.list;
  const { row, work } = line;
  return (
    <button type="button" class={`card tap ${work}`} onClick={() => app.routes.go({ at: "household", id: row.id })}>
      <span class="title">{row.name || words.noName}</span>
      <span class="meta">
        <span class={`chip ${work}`}>{words.work[work]}</span>
        <span>
          {areas[row.area] ?? row.area}
          {row.rt && `, RT ${row.rt}`}
        </span>
        {row.level === "full" && row.members.length > 0 && <span>{words.members(row.members.length + 1)}</span>}
        {line.distanceM !== null && <span>{app.words.metres(line.distanceM)}</span>}
        {row.level === "full" && row.state && work === "done" && <span>{app.words.state[row.state] ?? row.state}</span>}
      </span>
      {line.comments > 0 && (
        <span class="meta">
          <strong>{words.comments(line.comments)}</strong>
          {line.due && <span>{words.due(app.words.day(line.due))}</span>}
        </span>
      )}
    </button>
  );
}

async function position(): Promise<Point | null> {
  return new Promise((resolve) => {
    if (!("geolocation" in navigator)) return resolve(null);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ lat: coords.latitude, lon: coords.longitude }),
      () => resolve(null),
      { enableHighAccuracy: true, timeout: POSITION_MS, maximumAge: 60_000 },
    );
  });
}
