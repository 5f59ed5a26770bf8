/**
 * Training: a store of its own beside the officer's, with invented families and the campaign's own forms. Nothing of it
 * is ever sent: `pretendToSend` is all there is of a network.
 */
import { trainingFamilies } from "../field/families";
import { isVillage } from "../seal/ids";
import { randomBytes, toHex } from "../seal/bytes";
import type { Standing } from "../store/events";
import { type OfficerStore, openOfficerStore } from "../store/officer";
import { openDatabase } from "../store/vault";
import type { SyncResult } from "../sync/run";
import { readPage } from "../sync/settle";
import { type Session, databaseOf } from "./session";

export interface Training {
  store: OfficerStore;
  name: string;
}

const NOT_ENROLLED = { depositToken: null, readToken: null, sealingKey: null };
const FALLBACK_VILLAGE = "19.03.01.1001";

/** The training's store; made with five families where it is new, or `afresh`. */
export async function beginTraining(session: Session, afresh: boolean): Promise<Training> {
  const name = `${databaseOf(session.profile)}-latihan`;
  if (afresh) await removed(name);
  const db = await openDatabase(name);
  const identity = { install: crypto.randomUUID(), installKey: toHex(randomBytes(32)) };
  const store = await openOfficerStore(db, session.cipher, identity);
  await copyWork(session.store, store);
  if (store.households.all().length === 0) {
    const page = readPage(trainingFamilies(villageOf(session.store), () => toHex(randomBytes(16))) as never);
    await store.households.apply(page, { feedWhole: true, cursor: "latihan" }, true, []);
  }
  return { store, name };
}

export async function endTraining(training: Training): Promise<void> {
  training.store.vault.close();
}

/** What a sync would show, without a network: everything counts as received, and what was received as safe. */
export async function pretendToSend(store: OfficerStore): Promise<SyncResult> {
  const waiting = store.events.unsent();
  const changed = store.events.all().map((each): Standing => {
    if (waiting.includes(each)) {
      return { ...each, state: "received", status: "stored", photos: each.photos.map((one) => ({ ...one, state: "sent" })) };
    }
    return each.state === "received" ? { ...each, state: "durable" } : each;
  });
  await store.events.change(changed);
  return {
    complete: true,
    stopped: null,
    pushed: waiting.length,
    households: 0,
    deposited: 0,
    photos: 0,
    epochChanged: false,
    feedReset: false,
    fork: false,
    returnedToServer: 0,
  };
}

/** Officer, areas and forms of the campaign, without its families and without its tokens. */
async function copyWork(from: OfficerStore, to: OfficerStore): Promise<void> {
  const { officer, scopes, areas, serverTime, lockAfterMin } = from.settings.all;
  await to.settings.set({ officer, scopes, areas, serverTime, lockAfterMin, backup: true, ...NOT_ENROLLED });
  const current = new Map<string, string>();
  for (const head of from.forms.all().filter((each) => each.current)) {
    const form = await from.forms.get(head.id, head.version);
    if (form && !to.forms.has(head.id, head.version, head.hash)) await to.forms.save(head, form);
    current.set(head.id, head.version);
  }
  await to.forms.setCurrent(current);
  const districts = await from.districts();
  if (districts) await to.saveDistricts(districts);
}

function villageOf(store: OfficerStore): string {
  const lived = store.households.all().find((row) => row.level === "full" && isVillage(row.area))?.area;
  return lived ?? Object.keys(store.settings.all.areas).find(isVillage) ?? FALLBACK_VILLAGE;
}

async function removed(name: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const asked = indexedDB.deleteDatabase(name);
    asked.onsuccess = () => resolve();
    asked.onblocked = () => reject(new Error("blocked"));
    asked.onerror = () => reject(asked.error);
  });
}
