/** How things stand: three numbers, what was returned, what is held (field_forms/client/standing.py). Pure. */
import { type Standing, TABLET_ONLY } from "../store/events";
import type { HouseholdItem, Row, Trail } from "./record";

export interface Counts {
  tabletOnly: number;
  received: number;
  safe: number;
  /** Refused or too large: tried again in each sync. */
  refused: number;
  photosWaiting: number;
}

export function counts(events: readonly Standing[]): Counts {
  const count = (keep: (each: Standing) => boolean) => events.filter(keep).length;
  return {
    tabletOnly: count((each) => TABLET_ONLY.includes(each.state)),
    received: count((each) => each.state === "received"),
    safe: count((each) => each.state === "durable"),
    refused: count((each) => each.state === "too_large" || each.state === "refused"),
    photosWaiting: events.reduce((sum, each) => sum + each.photos.filter((one) => one.state === "waiting").length, 0),
  };
}

/** Ticks of one form: on this tablet, received, safe. */
export function ticks(event: Standing): 1 | 2 | 3 {
  return event.state === "durable" ? 3 : event.state === "received" ? 2 : 1;
}

/** Whether the family waits for this officer: a return that no own later form has seen. */
export function openReturns(row: Row, own: readonly Standing[]): Row["returns"] {
  const seen = new Set(own.flatMap((each) => (each.state === "erased" ? [] : each.context)));
  return row.returns.filter((each) => !seen.has(each.ref));
}

/** The comments of open returns, by path; the note and the date by which they are wanted. */
export function commentsOf(item: HouseholdItem | undefined, own: readonly Standing[]) {
  const seen = new Set(own.flatMap((each) => each.context));
  const open = (item?.trail?.returns ?? []).filter((each) => !seen.has(each.ref));
  return {
    comments: open.flatMap((each) => Object.entries(each.comments ?? {}).map(([path, text]) => ({ path, text }))),
    note: open.map((each) => each.note ?? "").filter(Boolean).join(" "),
    due: open.map((each) => each.due ?? null).find((each) => each !== null) ?? null,
    open: open.length,
  };
}

/** Why an own form is kept out of the record: the push's word, then what the feed said since. Empty: it is not. */
export function heldReasons(event: Standing, trail: Trail | undefined): string[] {
  const live = trail?.refs?.find((each) => each.ref === event.ref)?.status === "live";
  const told = trail?.held?.find((each) => each.ref === event.ref);
  if (told) return (told.reasons ?? [told.reason ?? ""]).filter(Boolean);
  if (live || event.status !== "held") return [];
  return event.reasons.length > 0 ? event.reasons : ["held"];
}

export type Work = "returned" | "draft" | "todo" | "done";

/** States in which a family waits to be visited. */
const WAITING = new Set(["listed", "assigned", ""]);

/** What is to be done about a family. */
export function workOf(row: Row, own: readonly Standing[], hasDraft: boolean): Work {
  if (openReturns(row, own).length > 0) return "returned";
  if (hasDraft) return "draft";
  const filled = own.some((each) => each.kind === "submission" && each.state !== "erased");
  return filled || !WAITING.has(row.state) ? "done" : "todo";
}
