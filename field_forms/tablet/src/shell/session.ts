/**
 * Officers' stores on this tablet: made, enrolled, unlocked, locked anew. Knows no screen. The raw data key lives only as
 * long as something has to be wrapped with it.
 */
import { APP } from "../field/app";
import { reboxing } from "../field/boxing";
import type { Clock } from "../field/time";
import { waitAfterS } from "../lock/delay";
import { newScreenCredential } from "../lock/screen";
import { WrongSecret, lockWithPin, lockWithScreen, recoveryBox, unwrap } from "../lock/wrap";
import { boxPublicKey, openBox } from "../seal/box";
import { type Bytes, fromHex, randomBytes, toBase64, toHex } from "../seal/bytes";
import { newUuid } from "../seal/ids";
import { publicKey } from "../seal/signing";
import { DATA_KEY_BYTES, DataKeyCipher } from "../store/cipher";
import type { DepositRight, Device, LockRecord, Profile } from "../store/device";
import { type OfficerStore, openOfficerStore } from "../store/officer";
import { TabletFull, isFull, openDatabase } from "../store/vault";
import { type Enrolled, Refused, Server } from "../sync/server";
import type { Transport } from "../sync/transport";

/** An unlocked store. `rawKey` is there until the store can be recovered by the operator, then no more. */
export interface Session {
  profile: Profile;
  store: OfficerStore;
  cipher: DataKeyCipher;
  rawKey: Bytes | null;
}

/** How a new store is locked. */
export type Secret = { kind: "pin"; pin: string } | { kind: "screen" };

const PAUSE_OF_THE_FULL_MS = 5_000;

/** The code belongs to another officer than this store. */
export class OtherOfficer extends Error {}

export function databaseOf(profile: Profile): string {
  return `padan-${profile.id}`;
}

/** A store for an officer who is not enrolled yet. */
export async function makeProfile(device: Device, secret: Secret, clock: Clock): Promise<Session> {
  const rawKey = randomBytes(DATA_KEY_BYTES);
  const lock = await lockBy(rawKey, secret);
  const profile: Profile = {
    id: toHex(randomBytes(8)),
    account: "",
    createdMs: clock.nowMs(),
    lock,
    failures: 0,
    deposit: null,
    recovery: null,
  };
  const session = await openSession(profile, rawKey);
  await device.save(profile);
  return session;
}

/**
 * Open a store. The failure is written before the PIN is tried, so that pulling the plug does not save a guess.
 * Throws `WrongSecret`; for a lock screen that was dismissed whatever the browser throws.
 */
export async function unlock(device: Device, profileId: string, pin: string, clock: Clock): Promise<Session> {
  const before = await counted(device, profileId, clock);
  const rawKey = await unwrap(before.lock, pin);
  const profile = await device.change(profileId, (each) => ({ ...each, failures: 0 })).catch(unlessFull(before));
  const session = await openSession(profile, rawKey);
  await ensureRecovery(device, session).catch(unlessFull(undefined));
  return session;
}

/** The profile with one wrong PIN more. A full tablet can count nothing: it opens all the same, each try after a pause. */
async function counted(device: Device, profileId: string, clock: Clock): Promise<Profile> {
  const count = (each: Profile) => (each.lock.kind === "pin" ? { ...each, failures: each.failures + 1 } : each);
  try {
    return await device.change(profileId, count);
  } catch (error) {
    const found = await device.profile(profileId);
    if (!isFull(error) || !found) throw error;
    await clock.sleep(PAUSE_OF_THE_FULL_MS);
    return found;
  }
}

function unlessFull<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (!isFull(error) && !(error instanceof TabletFull)) throw error;
    return instead;
  };
}

/** Seconds to wait before the next PIN. */
export function waitS(profile: Profile): number {
  return profile.lock.kind === "pin" ? waitAfterS(profile.failures) : 0;
}

/**
 * Exchange a one-time code for tokens. Install id and key are on the disk before, so that the same install can ask again
 * when the answer was lost. An install that was revoked, or that a copy of this tablet uses too, is given up for a new
 * one (client.py `enrol`). Throws `Refused`, `Unreachable`, `OtherOfficer`.
 */
export async function enrol(device: Device, session: Session, code: string, transport: Transport, clock: Clock): Promise<void> {
  const { store } = session;
  const settings = store.settings.all;
  if (settings.fork || settings.replaced > 1) await newInstall(store);
  let answer;
  try {
    answer = await ask(store, code, transport);
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "install_taken") throw error;
    await newInstall(store);
    answer = await ask(store, code, transport);
  }
  const known = store.settings.all.officer;
  if (known && known.id !== answer.officer.id) {
    // The code is spent and this install is the other's now: what is unsent may still go out, but nothing comes in.
    await store.settings.set({ depositToken: answer.deposit_token, readToken: null });
    await device.change(session.profile.id, (each) => ({ ...each, deposit: depositOf(answer) }));
    throw new OtherOfficer();
  }
  await store.settings.set({
    depositToken: answer.deposit_token,
    readToken: answer.read_token,
    officer: answer.officer,
    scopes: answer.areas.map((each) => each.code),
    sealingKey: answer.sealing_key,
    signingKeys: answer.signing_keys ?? [],
    revoked: false,
  });
  session.profile = await device.change(session.profile.id, (each) => ({
    ...each,
    account: answer.officer.id,
    deposit: depositOf(answer),
  }));
  await ensureRecovery(device, session);
  await store.vault.write(await reboxing(store, clock));
}

/** Another PIN, or the lock screen instead. Throws `WrongSecret` for the present PIN. */
export async function changeSecret(device: Device, session: Session, present: string, secret: Secret): Promise<void> {
  const rawKey = await unwrap(session.profile.lock, present);
  const lock = await lockBy(rawKey, secret);
  session.profile = await device.change(session.profile.id, (each) => ({ ...each, lock, failures: 0 }));
}

/**
 * The data key by an operator's unlock code: the tablet brings the key as sealed to the server, the server seals it to a
 * key made for this call alone. Throws `Refused`, `Unreachable`.
 */
export async function unlockByCode(profile: Profile, code: string, transport: Transport): Promise<Bytes> {
  if (!profile.recovery || !profile.deposit) throw new Error("never enrolled");
  const oneTime = randomBytes(32);
  const server = new Server(transport, { deposit: profile.deposit.token, read: null });
  const public_key = toBase64(boxPublicKey(oneTime));
  const answer = await server.unlock({ code, box: profile.recovery.box, public_key });
  return openBox(answer.box, oneTime);
}

/** Lock a store anew with a data key that the operator's code brought back, and open it. */
export async function relock(device: Device, profileId: string, rawKey: Bytes, secret: Secret): Promise<Session> {
  const found = await device.profile(profileId);
  if (!found) throw new Error("no such profile");
  const session = await openSession(found, rawKey);
  const lock = await lockBy(rawKey, secret);
  session.profile = await device.change(profileId, (each) => ({ ...each, lock, failures: 0 }));
  await ensureRecovery(device, session);
  return session;
}

async function lockBy(rawKey: Bytes, secret: Secret): Promise<LockRecord> {
  if (secret.kind === "pin") return lockWithPin(rawKey, secret.pin);
  const made = await newScreenCredential("Padan");
  return lockWithScreen(rawKey, made.credential, made.salt, made.secret);
}

async function openSession(profile: Profile, rawKey: Bytes): Promise<Session> {
  const cipher = await DataKeyCipher.of(rawKey);
  const db = await openDatabase(databaseOf(profile));
  const identity = { install: newUuid(), installKey: toHex(randomBytes(32)) };
  const store = await openOfficerStore(db, cipher, identity);
  return { profile, store, cipher, rawKey };
}

/** The data key sealed to the server's present key; made anew where the server has another, or this is another install. */
async function ensureRecovery(device: Device, session: Session): Promise<void> {
  const { sealingKey, install } = session.store.settings.all;
  if (!session.rawKey || !sealingKey) return;
  const known = session.profile.recovery;
  if (known?.box.key !== sealingKey.id || known.install !== install) {
    const box = await recoveryBox(session.rawKey, install, sealingKey.key);
    session.profile = await device.change(session.profile.id, (each) => ({ ...each, recovery: { box, install } }));
  }
  session.rawKey.fill(0);
  session.rawKey = null;
}

/** A new identity of this installation. What was sealed before bears the signature of the old one. */
async function newInstall(store: OfficerStore): Promise<void> {
  const identity = { install: newUuid(), installKey: toHex(randomBytes(32)) };
  await store.settings.set({ ...identity, fork: false, replaced: 0 });
}

function depositOf(answer: Enrolled): DepositRight {
  return { token: answer.deposit_token, install: answer.install };
}

async function ask(store: OfficerStore, code: string, transport: Transport) {
  const { install, installKey } = store.settings.all;
  const public_key = toBase64(publicKey(fromHex(installKey)));
  return new Server(transport, { deposit: null, read: null }).enrol({ code, install, public_key, app: APP });
}

export { WrongSecret };
