/**
 * Handing in boxes that only the server opens: unsent work of this tablet when it may no longer push, work of other
 * tablets from an export file, and, while the store is locked, whatever lies ready. Needs no data key.
 */
import { reboxing } from "../field/boxing";
import { type BoxStore, type KeptBox } from "../store/boxes";
import type { Standing } from "../store/events";
import type { Run } from "./run";
import { type PushResult, Refused, Server } from "./server";
import { settle } from "./settle";
import type { OnBytes, Transport } from "./transport";

/** Boxes of other tablets; this tablet's own are left while it may push. */
export async function depositBoxes(run: Run): Promise<void> {
  const foreign = (await run.store.boxes.waiting()).filter((box) => box.foreign);
  await hand(run, foreign);
}

/** Everything unsent, in boxes. */
export async function depositUnsent(run: Run): Promise<void> {
  await run.store.vault.write(await reboxing(run.store, run.clock));
  await hand(run, await run.store.boxes.waiting());
}

async function hand(run: Run, boxes: readonly KeptBox[]): Promise<void> {
  const total = boxes.reduce((sum, box) => sum + box.items, 0);
  for (const box of boxes) {
    const onBytes: OnBytes = (bytesDone, bytesTotal) =>
      run.tell({ step: "deposit", done: run.result.deposited, total, bytesDone, bytesTotal });
    const results = await run.attempt(() => handIn(run.server, run.store.boxes, box, onBytes));
    run.result.deposited += box.items;
    if (results && !box.foreign) await settleBox(run, box, results);
  }
}

/** The events of a box of ours whose results came: each arrived or not, as after a push. */
async function settleBox(run: Run, box: KeptBox, results: readonly PushResult[]): Promise<void> {
  const { store } = run;
  await store.vault.exclusive(async () => {
    const places = new Map(box.refs.map((name, at) => [name, at]));
    const changed: Standing[] = [];
    for (const each of store.events.unsent()) {
      const at = places.get(store.vault.keyOf("events", each.ref));
      const settled = at === undefined ? null : results[at] && settle(results[at]);
      if (settled?.state === "received") changed.push({ ...each, ...settled, offer: null });
    }
    await store.events.change(changed);
  });
}

/** Hand in one box. Its results; null where the server could keep it but not open it. */
async function handIn(server: Server, boxes: BoxStore, box: KeptBox, onBytes: OnBytes): Promise<PushResult[] | null> {
  if (box.state === "ready") await boxes.save({ ...box, state: "tried" });
  const answer = await server.deposit(box.box, onBytes);
  await boxes.save({ ...box, state: "sent", problem: answer.problem ?? (answer.opened ? null : "box_unreadable") });
  return answer.opened ? answer.results : null;
}

export interface LockedDeposit {
  handed: number;
  /** Items that still wait. */
  left: number;
  /** Problem code where the server refused; `network` where there was no answer. */
  stopped: string | null;
}

/** Hand in what lies ready while the store is locked. One try; never throws for the network's sake. */
export async function depositWhileLocked(boxes: BoxStore, token: string, transport: Transport, onBytes: OnBytes): Promise<LockedDeposit> {
  const server = new Server(transport, { deposit: token, read: null });
  let handed = 0;
  let stopped: string | null = null;
  for (const box of await boxes.waiting()) {
    try {
      await handIn(server, boxes, box, onBytes);
      handed += box.items;
    } catch (error) {
      stopped = error instanceof Refused ? error.code : "network";
      break;
    }
  }
  const left = (await boxes.waiting()).reduce((sum, box) => sum + box.items, 0);
  return { handed, left, stopped };
}
