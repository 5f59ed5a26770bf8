/**
 * Opening, correcting, changing: a new draft with everything that is fixed when a form is opened (client.py `open_draft`,
 * `open_correction`, `open_change`). Who opens the form saves the draft first: it is on the disk before the first answer.
 */
import type { ChangeTarget, Json } from "../contract";
import { newUuid } from "../seal/ids";
import type { StoredDraft } from "../store/drafts";
import type { OfficerStore } from "../store/officer";
import { CHANGE_FORM, VISIT_FORM } from "./app";
import { type Opening, type OwnEvent, itemOfOwn, openKnown, openNew } from "./opening";
import type { HouseholdItem } from "./record";
import { type Clock, believedMs } from "./time";

/** A form cannot be opened. `missing`: the form is not on the tablet; `notMine`: another officer's family. */
export class OpeningProblem extends Error {
  constructor(readonly why: "missing" | "notMine" | "gone") {
    super(why);
  }
}

/** What is known of a household on this tablet, own sealed forms laid over it. Throws `OpeningProblem`. */
export async function openingOf(store: OfficerStore, householdId: string): Promise<Opening> {
  const ids = store.households.ids(householdId);
  const row = store.households.row(householdId);
  const own = await ownEvents(store, ids);
  let item: HouseholdItem | undefined = row?.level === "full" ? await store.households.item(row.id) : undefined;
  // Found in the field and assigned to nobody yet: what this tablet knows is its own forms.
  if (!item && own.length > 0) item = itemOfOwn(row?.id ?? householdId, own);
  if (!item) throw new OpeningProblem(row ? "notMine" : "gone");
  return openKnown(item, own, ids);
}

/** A visit; `householdId` null: a family that is not on the list, in `village`. */
export async function openVisit(store: OfficerStore, householdId: string | null, village: string, clock: Clock): Promise<StoredDraft> {
  const opening = householdId === null ? openNew(village) : await openingOf(store, householdId);
  return drafted(store, opening, VISIT_FORM, clock, {});
}

/** A new form that corrects an own sealed one: what is changed there names it. */
export async function openCorrection(store: OfficerStore, ref: string, clock: Clock): Promise<StoredDraft> {
  const standing = store.events.get(ref);
  if (!standing || standing.state === "erased" || standing.kind !== "submission") throw new OpeningProblem("gone");
  const { envelope } = await store.events.event(ref);
  const paths = envelope.parts.flatMap((part) =>
    "assertions" in part ? Object.keys(part.assertions).map((name) => `${part.name}/${name}`) : [],
  );
  const corrects = Object.fromEntries(paths.map((path) => [path, ref]));
  return drafted(store, await openingOf(store, standing.householdId), standing.form.id, clock, { corrects });
}

export interface ChangeChoice {
  kind: string;
  /** Keys of the members it is about. */
  persons: string[];
  /** The listed household they move to, or come from. */
  to: string | null;
  from: string | null;
}

/** A birth, a death, a move, a new family card, a correction, an accident (change.py). */
export async function openChange(store: OfficerStore, householdId: string, choice: ChangeChoice, clock: Clock): Promise<StoredDraft> {
  const opening = await openingOf(store, householdId);
  const origin = choice.from === null ? opening : await openingOf(store, choice.from);
  const to = choice.kind === "split" && choice.to === null ? newUuid() : choice.to;
  const regions: Record<string, string> = { [origin.householdId]: origin.homeRegion };
  if (to !== null) regions[to] = store.households.row(to)?.homeRegion ?? opening.homeRegion;
  const change: StoredDraft["change"] = {
    kind: choice.kind,
    persons: choice.persons,
    newPerson: choice.persons.length > 0 ? null : newUuid(),
    to,
    from: origin === opening ? null : origin.householdId,
    known: known(opening, origin, choice.persons),
    ...(origin === opening ? {} : { origin: { area: origin.area, familyId: familyIdOf(origin) } }),
    regions,
  };
  const context = new Map([...origin.context, ...opening.context].map((each) => [each.ref, each]));
  const both = { ...opening, context: [...context.values()].sort((one, other) => (one.ref < other.ref ? -1 : 1)) };
  return drafted(store, both, CHANGE_FORM, clock, { change });
}

/** Own sealed events filed under a family, with their content; erased ones left out. */
export async function ownEvents(store: OfficerStore, ids: ReadonlySet<string>): Promise<OwnEvent[]> {
  const standings = store.events.filedUnder(ids).filter((each) => each.state !== "erased");
  return Promise.all(
    standings.map(async (standing) => ({ standing, envelope: (await store.events.event(standing.ref)).envelope })),
  );
}

function drafted(
  store: OfficerStore,
  opening: Opening,
  formId: string,
  clock: Clock,
  extra: Partial<Pick<StoredDraft, "corrects" | "change">>,
): StoredDraft {
  const form = store.forms.current(formId);
  if (!form) throw new OpeningProblem("missing");
  const now = believedMs(clock, store.settings.all.serverTime);
  const id = newUuid();
  const draft: StoredDraft = {
    id,
    householdId: opening.householdId,
    homeRegion: opening.homeRegion,
    area: opening.area,
    isNew: opening.isNew,
    form: { id: form.id, version: form.version },
    fixed: { eventId: id, context: opening.context, notBefore: store.settings.all.serverTime },
    shown: opening.shown as StoredDraft["shown"],
    visits: opening.visits,
    listed: opening.listed,
    corrects: null,
    change: null,
    openedMs: now,
    savedMs: now,
    draft: null,
    ...extra,
  };
  return draft;
}

function familyIdOf(opening: Opening): string | null {
  const value = opening.shown?.data.household["family_id"]?.value;
  return typeof value === "string" ? value : null;
}

/** Values of the household and of the people concerned, each with the event it came from. */
function known(opening: Opening, origin: Opening, persons: readonly string[]): ChangeTarget["known"] {
  const found: ChangeTarget["known"] = {};
  const take = (shown: Opening["shown"], part: string, fields: Record<string, { value?: unknown }>) => {
    for (const [name, cell] of Object.entries(fields)) {
      if (!("value" in cell)) continue;
      const told = shown?.trail.values?.[`${part}/${name}`];
      found[`${part}/${name}`] = { value: cell.value as Json, ref: told?.ref ?? null, evidence: told?.evidence ?? 1 };
    }
  };
  if (opening.shown) take(opening.shown, "h", opening.shown.data.household);
  for (const person of origin.shown?.data.persons ?? []) {
    if (persons.includes(person.key)) take(origin.shown, `p/${person.key}`, person.fields);
  }
  return found;
}
