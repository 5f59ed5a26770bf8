/** What answers of the server mean: a push result, a durable mark, a feed page (field_forms/client/feed.py). Pure. */
import type { HouseholdItem } from "../field/record";
import { type Envelope, type ErasedPart, envelopeHash } from "../seal/event";
import type { EventState, Receipt } from "../store/events";
import type { Page } from "../store/households";
import type { Hello, PushResult } from "./server";

const ARRIVED = new Set(["stored", "duplicate", "held", "equivocation"]);

export interface Settled {
  state: EventState;
  status: string;
  reasons: string[];
  receipt: Receipt | null;
}

/** What a push result leads to; null: it stays in the queue. An unknown status has arrived only with a receipt. */
export function settle(result: PushResult): Settled | null {
  const { status, receipt } = result;
  if (status === "retry") return null;
  const reasons = result.reasons ?? (result.detail ? [result.detail] : []);
  if (ARRIVED.has(status) || receipt) return { state: "received", status, reasons, receipt: receipt ?? null };
  return { state: status === "too_large" ? "too_large" : "refused", status, reasons, receipt: null };
}

/** Whether a receipt lies under the durable mark. */
export function isDurable(receipt: Receipt | null, region: string, durable: Hello["durable"]): boolean {
  if (!receipt || !durable) return false;
  // After a restore: what was safe before it, by the epoch of its receipt.
  const position = (receipt.epoch === durable.epoch ? durable.positions : durable.earlier?.[receipt.epoch])?.[region];
  return typeof position === "number" && receipt.position <= position;
}

/** Sort the items of a page by what is to be done with them. An unknown kind is skipped: an older app goes on working. */
export function readPage(items: readonly Record<string, unknown>[]): Page {
  const page: Page = { households: [], joined: [], removed: [], events: [], erasedEvents: [], erasedPersons: [], erasedParts: [] };
  for (const item of items) {
    const id = String(item["household_id"] ?? "");
    const kind = item["kind"] ?? "household";
    if (kind === "household") {
      const household = item as unknown as HouseholdItem;
      page.households.push(household);
      page.events.push(...(household.events ?? []).filter(isWhole));
    } else if (kind === "alias") {
      page.joined.push([id, String(item["canonical_id"])]);
    } else if (kind === "removed") {
      page.removed.push(id);
    } else if (kind === "erased") {
      page.erasedPersons.push(...((item["persons"] as string[] | undefined) ?? []));
      page.erasedEvents.push(...((item["refs"] as string[] | undefined) ?? []));
      page.erasedParts.push(...((item["parts"] as ErasedPart[] | undefined) ?? []));
      if (item["household"]) page.removed.push(id);
    }
  }
  return page;
}

/** Damaged on the way or no envelope: not kept, for it could not be handed back. */
function isWhole(envelope: Envelope): boolean {
  try {
    return envelopeHash(envelope) === envelope.payload_hash;
  } catch {
    return false;
  }
}

/** The version of each form with which new ones are opened: the newest that is not retired, or the newest. */
export function newest(forms: readonly { id: string; version: string; retired?: boolean }[]): Map<string, string> {
  const found = new Map<string, { version: string; rank: string }>();
  for (const form of forms) {
    const known = found.get(form.id);
    const rank = order(form);
    if (known === undefined || rank >= known.rank) found.set(form.id, { version: form.version, rank });
  }
  return new Map([...found].map(([id, { version }]) => [id, version]));
}

function order({ version, retired }: { version: string; retired?: boolean }): string {
  return (retired ? "0" : "1") + (/^[0-9]+$/.test(version) ? version : "0").padStart(20, "0") + version;
}
