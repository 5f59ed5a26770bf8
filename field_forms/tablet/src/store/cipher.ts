/**
 * What lies on the disk is closed with one data key: AES-256-GCM for values, HMAC for the keys they are found by.
 *
 * A closed value is `version | nonce (12) | ciphertext and tag`; the place where it lies (store and key) is bound in, so
 * that two values cannot be swapped. Keys of records are HMACs: the disk shows no id, no name, no number of anybody.
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, fromUtf8, randomBytes, toHex, utf8 } from "../seal/bytes";

export const DATA_KEY_BYTES = 32;
const VERSION = 1;
const NONCE_BYTES = 12;
const KEY_HEX = 32;

/** The value cannot be opened: damaged, or closed with another key. */
export class Unopenable extends Error {}

/** Opens and closes what lies in an officer's store. */
export interface Cipher {
  /** The key under which the record of `id` lies in a store. */
  keyOf(store: string, id: string): string;
  close(store: string, key: string, content: Uint8Array): Promise<Bytes>;
  open(store: string, key: string, closed: Uint8Array): Promise<Bytes>;
}

export async function closeJson(cipher: Cipher, store: string, key: string, value: unknown): Promise<Bytes> {
  return cipher.close(store, key, utf8(JSON.stringify(value)));
}

export async function openJson<T>(cipher: Cipher, store: string, key: string, closed: Uint8Array): Promise<T> {
  return JSON.parse(fromUtf8(await cipher.open(store, key, closed))) as T;
}

/** A data key at work. The raw bytes are not kept: what is derived from them cannot be read out of the page. */
export class DataKeyCipher implements Cipher {
  private constructor(
    private readonly aes: CryptoKey,
    private readonly names: Uint8Array,
  ) {}

  static async of(dataKey: Uint8Array): Promise<DataKeyCipher> {
    const values = hkdf(sha256, dataKey, undefined, utf8("padan tablet values v1"), 32);
    const names = hkdf(sha256, dataKey, undefined, utf8("padan tablet names v1"), 32);
    const aes = await crypto.subtle.importKey("raw", values as Bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
    return new DataKeyCipher(aes, names);
  }

  keyOf(store: string, id: string): string {
    return toHex(hmac(sha256, this.names, utf8(`${store}\n${id}`))).slice(0, KEY_HEX);
  }

  async close(store: string, key: string, content: Uint8Array): Promise<Bytes> {
    const nonce = randomBytes(NONCE_BYTES);
    const algorithm = { name: "AES-GCM", iv: nonce, additionalData: utf8(`${store}\n${key}`) };
    const closed = await crypto.subtle.encrypt(algorithm, this.aes, content as Bytes);
    return concat(new Uint8Array([VERSION]), nonce, new Uint8Array(closed));
  }

  async open(store: string, key: string, closed: Uint8Array): Promise<Bytes> {
    if (closed[0] !== VERSION) throw new Unopenable(`a value of version ${closed[0]}`);
    const iv = closed.slice(1, 1 + NONCE_BYTES) as Bytes;
    const algorithm = { name: "AES-GCM", iv, additionalData: utf8(`${store}\n${key}`) };
    try {
      const content = await crypto.subtle.decrypt(algorithm, this.aes, closed.slice(1 + NONCE_BYTES) as Bytes);
      return new Uint8Array(content);
    } catch {
      throw new Unopenable("damaged, or closed with another key");
    }
  }
}
