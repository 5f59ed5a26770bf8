/** Shapes of what the feed brings (docs/protocol.md, "Feed"), and what a list shows of a household. Pure. */
import type { Envelope } from "../seal/event";

export interface Cell {
  value?: unknown;
  state?: string;
}

export interface PersonRecord {
  key: string;
  keys?: string[];
  fields: Record<string, Cell>;
  moved_to?: string;
}

export interface RecordData {
  household_id: string;
  home_region: string;
  area?: string;
  aliases?: string[];
  state?: string;
  household: Record<string, Cell>;
  persons: PersonRecord[];
  conflicts?: Record<string, unknown>[];
  [key: string]: unknown;
}

export interface TrailRef {
  ref: string;
  household_id: string;
  kind?: string;
  status?: string;
  id?: string;
  actor?: string;
}

export interface ReturnNote {
  ref: string;
  comments?: Record<string, string>;
  due?: string | null;
  note?: string;
}

export interface Trail {
  refs?: TrailRef[];
  values?: Record<string, { ref: string; evidence?: number; actor?: string; heads?: string[] }>;
  returns?: ReturnNote[];
  held?: { ref: string; reason?: string; reasons?: string[] }[];
  [key: string]: unknown;
}

export interface HouseholdItem {
  kind: "household";
  level: "full" | "brief";
  household_id: string;
  home_region: string;
  area?: string;
  state?: string;
  name?: string;
  rt?: string;
  niks?: string[];
  data?: RecordData;
  trail?: Trail;
  identity?: Record<string, unknown>[];
  events?: Envelope[];
}

/** One line of the work list. */
export interface Row {
  id: string;
  homeRegion: string;
  area: string;
  level: "full" | "brief";
  name: string;
  /** Names of the others, for the search. */
  members: string[];
  rt: string;
  state: string;
  /** In full where the family is assigned, masked where not. */
  niks: string[];
  noKk: string;
  /** Its id in the list it came from. */
  familyId: string;
  aliases: string[];
  at: Point | null;
  conflicts: number;
  /** Refs of returns, for what is answered and what is not. */
  returns: { ref: string; due: string | null; comments: number }[];
  generation: number;
}

export interface Point {
  lat: number;
  lon: number;
}

/** Code of `relation` (REGSOSEK 409). */
export const HEAD_OF_FAMILY = "1";
const MICRO = 1_000_000;

export function rowOf(item: HouseholdItem, generation: number): Row {
  const data = item.data;
  const household = data?.household ?? {};
  const persons = (data?.persons ?? []).filter((each) => !each.moved_to);
  const name = item.name || headName(data) || "";
  return {
    id: item.household_id,
    homeRegion: item.home_region,
    area: item.area ?? data?.area ?? item.home_region,
    level: item.level ?? (item.trail ? "full" : "brief"),
    name,
    members: persons.map((each) => textOf(each.fields["m_name"])).filter((each) => each && each !== name),
    rt: item.rt || textOf(household["rt"]),
    state: data?.state ?? item.state ?? "",
    niks: item.niks ?? persons.map((each) => textOf(each.fields["nik"])).filter(Boolean),
    noKk: textOf(household["no_kk"]),
    familyId: textOf(household["family_id"]),
    aliases: (data?.aliases ?? []).filter((each) => each !== item.household_id),
    at: pointOf(household),
    conflicts: data?.conflicts?.length ?? 0,
    returns: (item.trail?.returns ?? []).map((each) => ({
      ref: each.ref,
      due: each.due ?? null,
      comments: Object.keys(each.comments ?? {}).length,
    })),
    generation,
  };
}

/** Name by which a family is found: the head's as asked, else that of the member who is head, else the first one's. */
export function headName(data: RecordData | undefined): string {
  if (!data) return "";
  const asked = textOf(data.household["head_name"]);
  if (asked) return asked;
  const heads = data.persons.filter((each) => each.fields["relation"]?.value === HEAD_OF_FAMILY);
  const head = heads[0] ?? data.persons[0];
  return head ? textOf(head.fields["name"]) || textOf(head.fields["m_name"]) : "";
}

export function textOf(cell: Cell | undefined): string {
  return typeof cell?.value === "string" ? cell.value : "";
}

/** Where the house stands: the first answer that is a point. */
function pointOf(household: Record<string, Cell>): Point | null {
  for (const cell of Object.values(household)) {
    const value = cell.value as { lat?: unknown; lon?: unknown } | undefined;
    if (value && typeof value === "object" && typeof value.lat === "number" && typeof value.lon === "number") {
      return { lat: value.lat / MICRO, lon: value.lon / MICRO };
    }
  }
  return null;
}
