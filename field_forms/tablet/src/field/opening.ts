/**
 * What is known when a form is opened on a household: its context, and the record shown, with own sealed forms laid over
 * it that the feed has not taken in yet. The rules are those of field_forms/client/opening.py. Pure.
 */
import type { Standing } from "../store/events";
import type { Envelope, Part } from "../seal/event";
import { isVillage, newUuid, regionOf } from "../seal/ids";
import type { HouseholdItem, PersonRecord, RecordData, Trail } from "./record";

export interface Opening {
  householdId: string;
  homeRegion: string;
  area: string;
  isNew: boolean;
  context: { ref: string; household_id: string }[];
  shown: { data: RecordData; trail: Trail; identity: Record<string, unknown>[] } | null;
  visits: number;
  listed: boolean;
}

/** An own sealed event with its content. */
export interface OwnEvent {
  standing: Standing;
  envelope: Envelope;
}

/** A family that is not on the list: id and home region are minted together. */
export function openNew(area: string): Opening {
  if (!isVillage(area)) throw new Error(`${area} is no village`);
  return {
    householdId: newUuid(),
    homeRegion: regionOf(area),
    area,
    isNew: true,
    context: [],
    shown: null,
    visits: 0,
    listed: false,
  };
}

/** A household of the list with own events filed under it, oldest first. `ids`: present and former ids. */
export function openKnown(item: HouseholdItem, own: readonly OwnEvent[], ids: ReadonlySet<string>): Opening {
  const data = structuredClone(item.data ?? emptyRecord(item));
  const trail = structuredClone(item.trail ?? {});
  const refs = trail.refs ?? [];
  const context = new Map(refs.map((each) => [each.ref, each.household_id]));
  const over = new Overlay(data, trail, ids);
  for (const { standing, envelope } of own) {
    if (context.has(standing.ref)) continue;
    context.set(standing.ref, standing.householdId);
    over.lay(standing.ref, envelope);
  }
  const visits = new Set(refs.filter((each) => each.kind === "submission").map((each) => each.ref));
  for (const { standing } of own) if (standing.kind === "submission") visits.add(standing.ref);
  return {
    householdId: item.household_id,
    homeRegion: item.home_region,
    area: item.area ?? data.area ?? item.home_region,
    isNew: false,
    context: [...context].sort(byRef).map(([ref, household_id]) => ({ ref, household_id })),
    shown: { data, trail, identity: item.identity ?? [] },
    visits: visits.size,
    listed: refs.some((each) => each.kind === "prelist"),
  };
}

/** Found in the field: what this tablet knows of it is its own forms. */
export function itemOfOwn(householdId: string, own: readonly OwnEvent[]): HouseholdItem {
  const head = own[0]!.envelope.head;
  return {
    kind: "household",
    level: "full",
    household_id: householdId,
    home_region: head.home_region,
    area: head.area,
    data: emptyRecord({ household_id: householdId, home_region: head.home_region, area: head.area }),
    trail: {},
  };
}

function emptyRecord(item: { household_id: string; home_region: string; area?: string }): RecordData {
  return {
    household_id: item.household_id,
    home_region: item.home_region,
    area: item.area ?? item.home_region,
    household: {},
    persons: [],
  };
}

/** The record on the screen while it is put together (`_Shown` of opening.py). */
class Overlay {
  private readonly present: Map<string, string>;

  constructor(
    private readonly data: RecordData,
    private readonly trail: Trail,
    private readonly ids: ReadonlySet<string>,
  ) {
    this.present = new Map(data.persons.flatMap((each) => (each.keys ?? [each.key]).map((key) => [key, each.key])));
  }

  lay(ref: string, envelope: Envelope): void {
    const head = envelope.head;
    const here = this.ids.has(head.household_id);
    const told = (head.body["moves"] ?? []) as { person: string; to: string }[];
    const moves = new Map(told.map((move) => [this.key(move.person), this.ids.has(move.to)]));
    for (const part of envelope.parts) {
      if (part.name === "e" || !("assertions" in part)) continue;
      if (!part.name.startsWith("p/")) {
        if (here) this.take(part.name, this.data.household, part, ref);
        continue;
      }
      const key = this.key(part.name.slice(2));
      const present = moves.get(key) ?? here;
      if (moves.has(key) || here) this.keep(key, present);
      const person = this.data.persons.find((each) => each.key === key && !each.moved_to);
      if (present && person) this.take(`p/${key}`, person.fields, part, ref);
    }
  }

  private take(name: string, fields: PersonRecord["fields"], part: Part, ref: string): void {
    this.trail.values ??= {};
    for (const [question, raw] of Object.entries(part.assertions)) {
      const said = raw as { value?: unknown; state?: string; evidence?: number };
      fields[question] = "value" in said ? { value: said.value } : { state: said.state ?? "unknown" };
      this.trail.values[`${name}/${question}`] = { ref, evidence: said.evidence ?? 1, heads: [ref] };
    }
  }

  private keep(key: string, present: boolean): void {
    const at = this.data.persons.findIndex((each) => each.key === key);
    const found = this.data.persons[at];
    if (found && (!present || found.moved_to)) this.data.persons.splice(at, 1);
    if (present && (!found || found.moved_to)) this.data.persons.push({ key, keys: found?.keys ?? [key], fields: {} });
  }

  private key(key: string): string {
    return this.present.get(key) ?? key;
  }
}

function byRef(one: [string, string], other: [string, string]): number {
  return one[0] < other[0] ? -1 : 1;
}
