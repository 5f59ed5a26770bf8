/** Wrapping the data key under a PIN, under the tablet's own lock screen, and to the server. */
import { type Box, sealBox } from "../seal/box";
import { type Bytes, fromBase64, randomBytes, toBase64, utf8 } from "../seal/bytes";
import { canonicalText } from "../seal/canonical";
import type { LockRecord, PinLock, ScreenLock } from "../store/device";
import { argon, calibrated } from "./argon";
import { screenSecret } from "./screen";

const WRAP = utf8("padan tablet data key v1");
export const UNLOCK_PURPOSE = "padan unlock v1";

/** The PIN (or the lock screen's answer) does not open this store. */
export class WrongSecret extends Error {}

export async function lockWithPin(dataKey: Bytes, pin: string): Promise<PinLock> {
  const salt = randomBytes(16);
  const deviceSecret = randomBytes(32);
  const cost = await calibrated(salt, deviceSecret);
  const key = await argon(pin, salt, deviceSecret, cost);
  return { kind: "pin", salt, deviceSecret, ...cost, ...(await wrap(dataKey, key)) };
}

export async function lockWithScreen(dataKey: Bytes, credential: Bytes, salt: Bytes, secret: Bytes): Promise<ScreenLock> {
  return { kind: "screen", credential, salt, ...(await wrap(dataKey, secret)) };
}

/** The data key. `pin` is not looked at where the lock screen opens the store. Throws `WrongSecret`. */
export async function unwrap(lock: LockRecord, pin: string): Promise<Bytes> {
  const secret =
    lock.kind === "pin"
      ? await argon(pin, lock.salt, lock.deviceSecret, lock)
      : await screenSecret(lock.credential, lock.salt);
  const key = await aesKey(secret);
  try {
    const opened = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv: lock.nonce, additionalData: WRAP },
      key,
      lock.wrapped,
    );
    return new Uint8Array(opened);
  } catch {
    throw new WrongSecret();
  }
}

/** The data key as only the server can read it: what an operator's unlock code brings back (docs/security.md). */
export async function recoveryBox(dataKey: Bytes, install: string, sealingKey: string): Promise<Box> {
  const content = { purpose: UNLOCK_PURPOSE, install, data_key: toBase64(dataKey) };
  return sealBox(utf8(canonicalText(content)), fromBase64(sealingKey));
}

async function wrap(dataKey: Bytes, secret: Bytes): Promise<{ nonce: Bytes; wrapped: Bytes }> {
  const nonce = randomBytes(12);
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: WRAP };
  const wrapped = await crypto.subtle.encrypt(algorithm, await aesKey(secret), dataKey);
  return { nonce, wrapped: new Uint8Array(wrapped) };
}

async function aesKey(secret: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["encrypt", "decrypt"]);
}
