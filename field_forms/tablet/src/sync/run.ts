/**
 * One synchronisation: hello, have, push, boxes of others, forms, feed, photos; in steps that can be cut off anywhere
 * and begun again. The steps and their order are those of field_forms/client/sync_run.py: each state is saved before the
 * next call, and an event leaves the queue only with the server's answer on the disk.
 */
import { type Clock, believedMs } from "../field/time";
import { unboxing } from "../field/boxing";
import { type ErasedPart, erasedParts, refOf } from "../seal/event";
import { timeHolds } from "../seal/signing";
import { type Standing, unsentState } from "../store/events";
import type { OfficerStore } from "../store/officer";
import type { Settings } from "../store/settings";
import type { Write } from "../store/vault";
import { depositBoxes, depositUnsent } from "./deposits";
import { Backoff, GaveUp, Pace } from "./pace";
import { pullFeed, pullForms } from "./pull";
import { pushAll } from "./push";
import { type Hello, Refused, Server } from "./server";
import { isDurable } from "./settle";
import { type Transport, Unreachable } from "./transport";
import { askAboutPhotos, uploadPhotos } from "./photos";

const HAVE_EVERY_MS = 24 * 3_600_000;
const HAVE_MAX = 1_000;
const STAMPS_MAX = 500;
const STAFF_BATCH = 50;
/** Answers of 400 that say the line broke the body, not that the body was wrong. */
const CUT_ON_THE_WAY = new Set(["cut_off", "bad_gzip"]);

export type Step = "hello" | "have" | "push" | "deposit" | "forms" | "feed" | "photos";

/** Where a sync is; bytes are of the request that is going out. */
export interface Progress {
  step: Step;
  done: number;
  total: number | null;
  bytesDone: number;
  bytesTotal: number;
}

export type OnProgress = (progress: Progress) => void;

/** Why a sync ended early. `code` of the server's problem, or `network`. */
export interface Stopped {
  why: "network" | "busy" | "refused" | "cut_off";
  code: string;
  waitS: number | null;
}

export interface SyncResult {
  complete: boolean;
  stopped: Stopped | null;
  pushed: number;
  households: number;
  deposited: number;
  photos: number;
  epochChanged: boolean;
  feedReset: boolean;
  fork: boolean;
  returnedToServer: number;
}

/** What the steps share. */
export interface Run {
  store: OfficerStore;
  server: Server;
  transport: Transport;
  clock: Clock;
  backoff: Backoff;
  result: SyncResult;
  tell: OnProgress;
  attempt<T>(call: () => Promise<T>, pace?: Pace): Promise<T>;
}

/** Everything, or with `receiveOnly` forms and feed. Never throws for the network's or the server's sake. */
export async function synchronise(
  store: OfficerStore,
  transport: Transport,
  clock: Clock,
  tell: OnProgress = () => {},
  options: { receiveOnly?: boolean } = {},
): Promise<SyncResult> {
  const run = makeRun(store, transport, clock, tell);
  try {
    try {
      await (options.receiveOnly ? receive(run) : everything(run));
      run.result.complete = true;
    } catch (error) {
      if (!(error instanceof Refused) || (error.status !== 401 && error.status !== 403)) throw error;
      await cutOff(run, error);
    }
  } catch (error) {
    run.result.stopped = stoppedBy(error);
  }
  await store.settings.set({
    lastSyncStopped: run.result.stopped?.code ?? "",
    ...(run.result.complete ? { lastSyncMs: clock.nowMs() } : {}),
  });
  return run.result;
}

function makeRun(store: OfficerStore, transport: Transport, clock: Clock, tell: OnProgress): Run {
  const { depositToken, readToken } = store.settings.all;
  const backoff = new Backoff((ms) => clock.sleep(ms));
  const result: SyncResult = {
    complete: false,
    stopped: null,
    pushed: 0,
    households: 0,
    deposited: 0,
    photos: 0,
    epochChanged: false,
    feedReset: false,
    fork: false,
    returnedToServer: 0,
  };
  const server = new Server(transport, { deposit: depositToken, read: readToken });
  const attempt = <T>(call: () => Promise<T>, pace?: Pace) => untilAnswered(call, backoff, pace);
  return { store, server, transport, clock, backoff, result, tell, attempt };
}

async function everything(run: Run): Promise<void> {
  const hello = await stampAll(run);
  await offerAgain(run);
  await pushAll(run);
  await pushStaff(run);
  await markDurable(run, hello);
  await depositBoxes(run);
  await run.store.vault.write(await unboxing(run.store));
  if (run.store.settings.all.readToken === null) return;
  await pullForms(run, hello.forms ?? []);
  await pullFeed(run);
  await uploadPhotos(run);
  if (hello.durable) await askAboutPhotos(run);
}

async function receive(run: Run): Promise<void> {
  const hello = await sayHello(run, []);
  await pullForms(run, hello.forms ?? []);
  await pullFeed(run);
}

async function stampAll(run: Run): Promise<Hello> {
  let hello: Hello | null = null;
  for (;;) {
    const named = run.store.events.unstamped(STAMPS_MAX);
    if (hello && named.length === 0) return hello;
    hello = await sayHello(run, named);
    // The server gives none for these: they go without.
    if (named.length === 0 || !named.some((each) => run.store.events.get(each.ref)?.stamp)) return hello;
  }
}

/** One hello; what it says is saved, stamps and time together, before anything is sent. */
async function sayHello(run: Run, named: readonly Standing[]): Promise<Hello> {
  run.tell({ step: "hello", done: 0, total: null, bytesDone: 0, bytesTotal: 0 });
  const refs = named.map(({ ref, householdId, homeRegion, also }) => ({
    ref,
    household_id: householdId,
    home_region: homeRegion,
    ...(also.length > 0 ? { also } : {}),
  }));
  const hello = await run.attempt(() => run.server.hello(refs));
  const { store, clock } = run;
  await store.vault.exclusive(async () => {
    const stamped: Standing[] = [];
    for (const each of named) {
      const stamp = hello.stamps?.[each.ref];
      const now = store.events.get(each.ref);
      if (!stamp || !now || now.stamp) continue;
      stamped.push({ ...now, stamp, state: now.state === "sealed" ? "stamped" : now.state });
    }
    // Who is stamped now is unsent, who is in doubt was received: nobody is both.
    const epoch = await newEpoch(run, hello);
    const changed = [...stamped, ...epoch.standings];
    const writes = [...(await store.events.writes(changed)), ...epoch.writes];
    await store.settings.set({ ...heard(store.settings.all, hello, clock), ...epoch.changes }, writes);
    store.events.took(changed);
  });
  return hello;
}

/** What a hello changes in the settings. */
function heard(settings: Settings, hello: Hello, clock: Clock): Partial<Settings> {
  const changes: Partial<Settings> = { revoked: hello.revoked ?? false, backup: hello.durable !== null };
  const keys = hello.signing_keys ?? settings.signingKeys;
  if (hello.time && (keys.length === 0 || timeHolds(hello.time, hello, keys))) {
    changes.serverTime = hello.time.time;
    changes.serverTimeHeardMs = clock.nowMs();
  }
  if (hello.sealing_key) changes.sealingKey = hello.sealing_key;
  if (hello.signing_keys) changes.signingKeys = hello.signing_keys;
  if (hello.areas) changes.scopes = hello.areas;
  if (hello.slot_s !== undefined) changes.slotS = hello.slot_s;
  if (hello.campaign) changes.closes = hello.campaign.closes;
  return changes;
}

/** A restored server, another server, or a day gone by: what was received is offered again. */
async function newEpoch(run: Run, hello: Hello): Promise<{ changes: Partial<Settings>; standings: Standing[]; writes: Write[] }> {
  const { store, clock } = run;
  const settings = store.settings.all;
  const now = clock.nowMs();
  const changes: Partial<Settings> = { epoch: hello.epoch, serverId: hello.server_id };
  if (settings.epoch === null) return { changes: { ...changes, lastHaveMs: now }, standings: [], writes: [] };
  const restored = settings.epoch !== hello.epoch || settings.serverId !== hello.server_id;
  if (!restored && Math.abs(now - settings.lastHaveMs) <= HAVE_EVERY_MS) return { changes, standings: [], writes: [] };
  const standings = store.events
    .all()
    .filter((each) => each.offer === null && (each.state === "received" || each.state === "durable"))
    .map((each): Standing => {
      if (!restored) return { ...each, offer: each.state };
      // A photo that is still here is asked about again as well.
      const photos = each.photos.map((one) => (one.file === null ? one : { ...one, state: "waiting" as const }));
      return { ...each, offer: each.state, state: unsentState(each), photos };
    });
  if (restored) {
    Object.assign(changes, store.households.startingOver());
    run.result.epochChanged = true;
  }
  return { changes: { ...changes, lastHaveMs: now }, standings, writes: await store.staff.offeringAll() };
}

async function offerAgain(run: Run): Promise<void> {
  const { store } = run;
  for (;;) {
    const own = store.events.all().filter((each) => each.offer !== null).slice(0, HAVE_MAX);
    const staff = await store.staff.offered("ask", HAVE_MAX - own.length);
    const asked = [
      ...own.map((each) => [each.id, each.payloadHash] as const),
      ...staff.map((each) => [each.head.id, each.payload_hash] as const),
    ];
    if (asked.length === 0) return;
    run.tell({ step: "have", done: 0, total: asked.length, bytesDone: 0, bytesTotal: 0 });
    const answer = await run.attempt(() => run.server.have(asked));
    const missing = new Set((answer.missing ?? []).map((each) => each[1]));
    const erased = new Set((answer.erased ?? []).map((each) => each[1]));
    await store.vault.exclusive(async () => {
      const writes: Write[] = [];
      const gone: ErasedPart[] = [];
      const settled = own.map((each): Standing => {
        const now = store.events.get(each.ref) ?? each;
        const parts = answer.parts?.[each.payloadHash];
        if (parts?.length && erased.has(each.payloadHash)) {
          gone.push(...parts.map((part) => ({ ref: each.ref, part })));
          return { ...now, offer: null, state: now.offer ?? now.state };
        }
        if (erased.has(each.payloadHash)) {
          writes.push(store.events.emptying(each.ref));
          return { ...now, offer: null, state: "erased", name: "" };
        }
        if (missing.has(each.payloadHash)) return { ...now, offer: null, state: unsentState(now) };
        return { ...now, offer: null, state: now.offer ?? now.state };
      });
      const refs = new Map(staff.map((each) => [refOf(each.payload_hash), each.payload_hash]));
      writes.push(
        ...(await store.staff.settling(refs.keys(), (ref) => {
          const hash = refs.get(ref) ?? "";
          return erased.has(hash) ? "erased" : missing.has(hash) ? "send" : "none";
        })),
      );
      const named = new Set(gone.map((each) => each.ref));
      writes.push(...(await store.events.erasing(erasedParts([], gone), (each) => named.has(each.ref))));
      await store.events.change(settled, writes);
    });
  }
}

/** Signed events of staff and server that a restored server lacks. */
async function pushStaff(run: Run): Promise<void> {
  for (;;) {
    const events = await run.store.staff.offered("send", STAFF_BATCH);
    if (events.length === 0) return;
    const results = await run.attempt(() => run.server.push(events));
    const sent = events.filter((_, at) => results[at] && results[at].status !== "retry").map((each) => refOf(each.payload_hash));
    await run.store.vault.write(await run.store.staff.settling(sent, () => "none"));
    run.result.returnedToServer += sent.length;
    if (sent.length === 0) await run.backoff.wait("busy");
  }
}

async function markDurable(run: Run, hello: Hello): Promise<void> {
  await run.store.vault.exclusive(async () => {
    const safe = run.store.events
      .all()
      .filter((each) => each.state === "received" && isDurable(each.receipt, each.homeRegion, hello.durable));
    await run.store.events.change(safe.map((each): Standing => ({ ...each, state: "durable" })));
  });
}

/** The tablet may no longer push: its unsent work is handed in as boxes that only the server can open. */
async function cutOff(run: Run, error: Refused): Promise<void> {
  const { settings } = run.store;
  await settings.set(error.status === 401 ? { replaced: settings.all.replaced + 1 } : { revoked: true });
  await depositUnsent(run);
  run.result.stopped = { why: "cut_off", code: error.code, waitS: null };
}

/** Call until it is answered. What waiting cannot mend is thrown at once. */
async function untilAnswered<T>(call: () => Promise<T>, backoff: Backoff, pace?: Pace): Promise<T> {
  for (;;) {
    let reason = "network";
    let waitS: number | null = null;
    try {
      const answer = await call();
      if (!pace) backoff.succeeded();
      return answer;
    } catch (error) {
      if (error instanceof Refused) {
        if (!error.passing && !CUT_ON_THE_WAY.has(error.code)) throw error;
        reason = error.code;
        waitS = error.retryAfterS;
      } else if (!(error instanceof Unreachable)) throw error;
    }
    pace?.failed();
    await backoff.wait(reason, waitS);
  }
}

export function stoppedBy(error: unknown): Stopped {
  if (error instanceof GaveUp) {
    return { why: error.reason === "network" ? "network" : "busy", code: error.reason, waitS: error.waitS };
  }
  if (error instanceof Refused) return { why: "refused", code: error.code, waitS: error.retryAfterS };
  throw error;
}

/** When the next sync by itself is due: some seconds after a full hour, as the server told this tablet. */
export function nextSlotMs(settings: Settings, clock: Clock): number {
  const now = believedMs(clock, settings.serverTime);
  const hour = 3_600_000;
  const slot = Math.floor(now / hour) * hour + settings.slotS * 1000;
  return (slot > now ? slot : slot + hour) - now;
}
