/**
 * Boxes for unsent work. The box that was made last and never went out is made anew with the new form in it, until it
 * holds as many as one may; so a tablet has few boxes, and each form lies in one from the moment it was sealed.
 */
import { depositContent, sealBox } from "../seal/box";
import { fromBase64, fromHex } from "../seal/bytes";
import { type BoxRecord, type KeptBox } from "../store/boxes";
import type { SealedEvent, Standing } from "../store/events";
import type { OfficerStore } from "../store/officer";
import type { Write } from "../store/vault";
import type { Clock } from "./time";

export const ITEMS_PER_BOX = 25;
const BOX_BYTES_MAX = 2_000_000;

interface ToBox {
  standing: Standing;
  event: SealedEvent;
}

/** The writes that put new events into boxes. None before the tablet was enrolled. */
export async function boxing(store: OfficerStore, added: readonly ToBox[], clock: Clock): Promise<Write[]> {
  const sealingKey = store.settings.all.sealingKey;
  if (!sealingKey) return [];
  const open = await openBoxOf(store);
  const together = [...(open ? await contentOf(store, open) : []), ...added];
  const writes: Write[] = open ? [store.boxes.removing(open)] : [];
  for (const group of groups(together)) {
    writes.push(store.boxes.adding(await makeBox(store, group, sealingKey.key, clock)));
  }
  return writes;
}

/** Boxes anew for everything unsent; those that never went out are replaced (a new sealing key, a new install). */
export async function reboxing(store: OfficerStore, clock: Clock): Promise<Write[]> {
  const sealingKey = store.settings.all.sealingKey;
  if (!sealingKey) return [];
  const boxes = await store.boxes.waiting();
  const replaced = boxes.filter((box) => !box.foreign && box.state === "ready");
  const boxed = new Set(boxes.filter((box) => !replaced.includes(box)).flatMap((box) => box.refs));
  const waiting: ToBox[] = [];
  for (const standing of store.events.unsent()) {
    if (boxed.has(store.vault.keyOf("events", standing.ref))) continue;
    waiting.push({ standing, event: await store.events.event(standing.ref) });
  }
  const writes: Write[] = replaced.map((box) => store.boxes.removing(box));
  for (const group of groups(waiting)) {
    writes.push(store.boxes.adding(await makeBox(store, group, sealingKey.key, clock)));
  }
  return writes;
}

/** The writes that drop boxes of this tablet whose every event the server has. */
export async function unboxing(store: OfficerStore): Promise<Write[]> {
  const unsent = new Set(store.events.unsent().map((each) => store.vault.keyOf("events", each.ref)));
  const boxes = (await store.boxes.all()).filter((box) => !box.foreign && !box.refs.some((ref) => unsent.has(ref)));
  return boxes.map((box) => store.boxes.removing(box));
}

async function openBoxOf(store: OfficerStore): Promise<KeptBox | undefined> {
  const waiting = (await store.boxes.waiting()).filter((box) => !box.foreign);
  const last = waiting[waiting.length - 1];
  return last?.state === "ready" && last.items < ITEMS_PER_BOX ? last : undefined;
}

async function contentOf(store: OfficerStore, box: KeptBox): Promise<ToBox[]> {
  const names = new Set(box.refs);
  const found = store.events.unsent().filter((each) => names.has(store.vault.keyOf("events", each.ref)));
  return Promise.all(found.map(async (standing) => ({ standing, event: await store.events.event(standing.ref) })));
}

function groups(events: readonly ToBox[]): ToBox[][] {
  const made: ToBox[][] = [];
  let size = 0;
  for (const each of events) {
    const last = made[made.length - 1];
    if (!last || last.length >= ITEMS_PER_BOX || size + each.standing.size > BOX_BYTES_MAX) {
      made.push([each]);
      size = each.standing.size;
    } else {
      last.push(each);
      size += each.standing.size;
    }
  }
  return made;
}

async function makeBox(store: OfficerStore, group: readonly ToBox[], sealingKey: string, clock: Clock): Promise<BoxRecord> {
  const { install, installKey } = store.settings.all;
  const items = group.map(({ standing, event }) => ({
    ...event.envelope,
    transport: event.transport,
    ...(standing.stamp ? { stamp: standing.stamp } : {}),
  }));
  const content = depositContent(install, JSON.stringify({ items }), fromHex(installKey));
  const box = await sealBox(content, fromBase64(sealingKey));
  return {
    box: JSON.stringify(box),
    refs: group.map(({ standing }) => store.vault.keyOf("events", standing.ref)),
    items: group.length,
    state: "ready",
    foreign: false,
    madeMs: clock.nowMs(),
    problem: null,
  };
}
