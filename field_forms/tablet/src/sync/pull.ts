/** Forms and feed: what comes down. A feed page and its cursor are one transaction. */
import { type ErasedPart, erasedParts } from "../seal/event";
import type { StoredDraft } from "../store/drafts";
import type { Write } from "../store/vault";
import type { Run } from "./run";
import { type ListedForm, Refused } from "./server";
import { newest, readPage } from "./settle";

const FEED_PAGE = 50;

/** The newest version of each form that is not here yet, with the names of the areas and the NIK prefixes. */
export async function pullForms(run: Run, listed: readonly ListedForm[]): Promise<void> {
  const { store, server } = run;
  await pullAreas(run);
  const wanted = newest(listed);
  const missing = listed.filter(
    (each) => wanted.get(each.id) === each.version && !store.forms.has(each.id, each.version, each.hash),
  );
  let done = 0;
  for (const form of missing) {
    run.tell({ step: "forms", done, total: missing.length, bytesDone: 0, bytesTotal: 0 });
    const definition = await run.attempt(() => server.form(form.id, form.version));
    const xform = await orNone(run.attempt(() => server.xform(form.id, form.version)), "");
    await store.forms.save(form, { definition, xform, media: {} });
    done += 1;
  }
  if (listed.length > 0) await store.forms.setCurrent(wanted);
}

export async function pullFeed(run: Run): Promise<void> {
  const { store } = run;
  let resets = 0;
  for (;;) {
    const cursor = store.settings.all.cursor;
    run.tell({ step: "feed", done: run.result.households, total: null, bytesDone: 0, bytesTotal: 0 });
    let answer;
    try {
      answer = await run.attempt(() => run.server.feed(cursor, FEED_PAGE));
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 409 || resets > 0) throw error;
      resets += 1;
      await store.settings.set(store.households.startingOver());
      run.result.feedReset = true;
      continue;
    }
    const page = readPage(answer.items);
    const changes = { cursor: answer.cursor, ...(answer.more ? {} : { feedWhole: true }) };
    await store.vault.exclusive(async () => {
      const erasures = await erasing(run, page.erasedPersons, page.erasedParts);
      await store.households.apply(page, changes, !answer.more, erasures);
    });
    run.result.households += page.households.length;
    if (!answer.more) return;
  }
}

async function pullAreas(run: Run): Promise<void> {
  const { store, server } = run;
  const of = [...store.settings.all.scopes].sort().join(" ");
  if (of === store.settings.all.areasOf) return;
  const areas = await orNone(run.attempt(() => server.areas()), []);
  const prefixes = await orNone(run.attempt(() => server.prefixes()), []);
  if (prefixes.length > 0) await store.saveDistricts(prefixes);
  if (areas.length === 0) return;
  await store.settings.set({ areas: Object.fromEntries(areas.map((each) => [each.code, each.name])), areasOf: of });
}

/** What the server does not have is gone without. */
async function orNone<T>(answer: Promise<T>, none: T): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return none;
    throw error;
  }
}

/** The writes that take erased persons, and erased parts about them, out of everything that is kept. */
async function erasing(run: Run, persons: readonly string[], parts: readonly ErasedPart[]): Promise<Write[]> {
  if (persons.length === 0 && parts.length === 0) return [];
  const gone = erasedParts(persons, parts);
  const writes = [...(await run.store.events.erasing(gone)), ...(await run.store.staff.erasing(gone))];
  for (const key of persons) {
    for (const draft of run.store.drafts.all()) {
      const without = withoutPerson(draft, key);
      if (without) await run.store.drafts.save(without);
    }
  }
  return writes;
}

/** A draft without what was prefilled about a person; null where nothing was. What the form itself keeps is the form's. */
function withoutPerson(draft: StoredDraft, key: string): StoredDraft | null {
  const shown = draft.shown as { data?: { persons?: { key: string; keys?: string[] }[] } } | null;
  const persons = shown?.data?.persons;
  const left = persons?.filter((each) => each.key !== key && !each.keys?.includes(key));
  if (!shown || !persons || !left || left.length === persons.length) return null;
  return { ...draft, shown: { ...shown, data: { ...shown.data, persons: left } } };
}
