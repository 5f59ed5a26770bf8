/**
 * Sealed boxes: what only the holder of an X25519 key opens (schemas/sealing.py). A box made here for the server cannot
 * be opened here again; `openBox` is for the answer to an unlock, sealed to a key of this tablet's own.
 */
import { x25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, fromBase64, randomBytes, toBase64, utf8 } from "./bytes";
import { canonicalBytes, canonicalText } from "./canonical";
import { keyId, signDeposit } from "./signing";

export interface Box {
  v: number;
  key: string;
  ephemeral: string;
  sealed: string;
}

const INFO = utf8("padan sealed box v1");

/** Seal content to a public key. `oneTime`: 32 fresh random bytes, given by tests only. */
export async function sealBox(content: Uint8Array, recipient: Uint8Array, oneTime = randomBytes(32)): Promise<Box> {
  const ephemeral = x25519.getPublicKey(oneTime);
  const { key, nonce } = await derive(x25519.getSharedSecret(oneTime, recipient), ephemeral, recipient);
  const header = { v: 1, key: keyId(recipient), ephemeral: toBase64(ephemeral) };
  const sealed = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv: nonce, additionalData: canonicalBytes(header) },
    key,
    content as Bytes,
  );
  return { ...header, sealed: toBase64(new Uint8Array(sealed)) };
}

/** Open a box with a private key. Throws where it is damaged or sealed to another key. */
export async function openBox(box: Box, privateKey: Uint8Array): Promise<Bytes> {
  const recipient = x25519.getPublicKey(privateKey);
  const ephemeral = fromBase64(box.ephemeral);
  const { key, nonce } = await derive(x25519.getSharedSecret(privateKey, ephemeral), ephemeral, recipient);
  const header = { v: box.v, key: box.key, ephemeral: box.ephemeral };
  const content = await crypto.subtle.decrypt(
    { name: "AES-GCM", iv: nonce, additionalData: canonicalBytes(header) },
    key,
    fromBase64(box.sealed),
  );
  return new Uint8Array(content);
}

export function boxPublicKey(privateKey: Uint8Array): Bytes {
  return x25519.getPublicKey(privateKey) as Bytes;
}

/** What goes into a deposit: a push body as text, the install that made it, its signature over both. */
export function depositContent(install: string, body: string, privateKey: Uint8Array): Bytes {
  return utf8(canonicalText({ install, body, signature: signDeposit(privateKey, install, body) }));
}

async function derive(shared: Uint8Array, ephemeral: Uint8Array, recipient: Uint8Array) {
  const material = hkdf(sha256, shared, concat(ephemeral, recipient), INFO, 44);
  const key = await crypto.subtle.importKey("raw", material.slice(0, 32), "AES-GCM", false, ["encrypt", "decrypt"]);
  return { key, nonce: material.slice(32) };
}
