/**
 * Passes over the queue, oldest first. What is answered `retry` is met again in the next pass, so that it never blocks
 * what stands behind it; a pass in which nothing moved is a failure to be waited out.
 */
import { type PushItem, type Standing, unsentState } from "../store/events";
import { BATCH_BYTES_MAX, Pace } from "./pace";
import type { Run } from "./run";
import { type PushResult, Refused } from "./server";
import { settle } from "./settle";

/** Answers about a whole body after which the items are tried by themselves. */
const ABOUT_THE_BODY = new Set([400, 413, 422]);

export async function pushAll(run: Run): Promise<void> {
  await requeueRefused(run);
  const pace = new Pace();
  while (run.store.events.queue().length > 0) {
    const before = run.result.pushed;
    let after = 0;
    for (;;) {
      const batch = fitting(run.store.events.queue().filter((each) => each.seq > after).slice(0, pace.size));
      if (batch.length === 0) break;
      await pushBatch(run, batch, pace);
      after = batch[batch.length - 1]!.seq;
    }
    if (run.result.pushed > before) run.backoff.succeeded();
    else await run.backoff.wait("busy");
  }
}

/** What was refused or too large is tried once more in each sync: the server may have been mended. */
async function requeueRefused(run: Run): Promise<void> {
  const refused = run.store.events.all().filter((each) => each.state === "too_large" || each.state === "refused");
  await run.store.events.change(refused.map((each) => ({ ...each, state: unsentState(each) })));
}

/** Send and save what came of it. A body refused as a whole is halved until the one item is found. */
async function pushBatch(run: Run, batch: readonly Standing[], pace: Pace): Promise<void> {
  const started = run.clock.monotonicMs();
  const total = run.result.pushed + run.store.events.queue().length;
  const items: PushItem[] = await Promise.all(batch.map((each) => run.store.events.item(each)));
  const onBytes = (bytesDone: number, bytesTotal: number) =>
    run.tell({ step: "push", done: run.result.pushed, total, bytesDone, bytesTotal });
  let results: PushResult[];
  try {
    onBytes(0, 0);
    results = await run.attempt(() => run.server.push(items, onBytes), pace);
  } catch (error) {
    if (!(error instanceof Refused) || !ABOUT_THE_BODY.has(error.status)) throw error;
    if (batch.length > 1) {
      const middle = Math.floor(batch.length / 2);
      await pushBatch(run, batch.slice(0, middle), pace);
      await pushBatch(run, batch.slice(middle), pace);
      return;
    }
    results = [{ status: error.status === 413 ? "too_large" : "refused", detail: error.code }];
  }
  await settleBatch(run, batch, results);
  pace.measured(batch.length, (run.clock.monotonicMs() - started) / 1000);
  run.tell({ step: "push", done: run.result.pushed, total, bytesDone: 0, bytesTotal: 0 });
}

async function settleBatch(run: Run, batch: readonly Standing[], results: readonly PushResult[]): Promise<void> {
  const { store } = run;
  await store.vault.exclusive(async () => {
    const changed: Standing[] = [];
    batch.forEach((each, at) => {
      const settled = results[at] && settle(results[at]);
      const now = store.events.get(each.ref);
      if (settled && now) changed.push({ ...now, ...settled, receipt: settled.receipt ?? now.receipt });
    });
    await store.events.change(changed);
    run.result.pushed += changed.length;
  });
  if (results.some((each) => each.fork) && !run.result.fork) {
    run.result.fork = true;
    await store.settings.set({ fork: true });
  }
}

/** As many from the front as fit into one body; at least one. */
function fitting(batch: readonly Standing[]): Standing[] {
  const found: Standing[] = [];
  let size = 0;
  for (const each of batch) {
    size += each.size;
    if (found.length > 0 && size > BATCH_BYTES_MAX) break;
    found.push(each);
  }
  return found;
}
