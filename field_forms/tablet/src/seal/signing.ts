/** Ed25519 over events and deposits (docs/protocol.md, "Signatures"). Keys are handed in and are not kept here. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { type Bytes, concat, fromBase64, fromHex, toBase64, utf8 } from "./bytes";
import { canonicalBytes, sha256Hex } from "./canonical";
import type { Envelope } from "./event";

const EVENT = "padan event v1\n";
const TIME = "padan time v1\n";
const DEPOSIT = "padan deposit v1\n";

/** Name of a public key: the first 16 hex digits of its SHA-256. */
export function keyId(publicKey: Uint8Array): string {
  return sha256Hex(publicKey).slice(0, 16);
}

export function publicKey(privateKey: Uint8Array): Bytes {
  return ed25519.getPublicKey(privateKey) as Bytes;
}

export function signEvent<T extends Pick<Envelope, "payload_hash">>(privateKey: Uint8Array, envelope: T) {
  const value = sign(privateKey, EVENT, fromHex(envelope.payload_hash));
  return { ...envelope, signature: { key: keyId(publicKey(privateKey)), value } };
}

export function signDeposit(privateKey: Uint8Array, install: string, body: string): string {
  return sign(privateKey, DEPOSIT, utf8(`${install}\n${body}`));
}

export interface SignedTime {
  time: string;
  key: string;
  signature: string;
}

/** Whether the server's signed time was signed by one of its keys (id -> base64). */
export function timeHolds(
  said: SignedTime,
  server: { server_id: string; epoch: string },
  keys: readonly { id: string; key: string }[],
): boolean {
  const found = keys.find((each) => each.id === said.key);
  if (!found) return false;
  const message = canonicalBytes({ server_id: server.server_id, epoch: server.epoch, time: said.time });
  try {
    return ed25519.verify(fromBase64(said.signature), concat(utf8(TIME), message), fromBase64(found.key));
  } catch {
    return false;
  }
}

function sign(privateKey: Uint8Array, purpose: string, message: Uint8Array): string {
  return toBase64(ed25519.sign(concat(utf8(purpose), message), privateKey));
}
