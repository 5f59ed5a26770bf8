/** The control of the scan at rest: the store's cipher switched off. Everything lies in the open, under its own name. */
import { type Bytes, fromUtf8, utf8 } from "../seal/bytes";

export const DATA_KEY_BYTES = 32;

export class Unopenable extends Error {}

export interface Cipher {
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

export class DataKeyCipher implements Cipher {
  static async of(_dataKey: Uint8Array): Promise<DataKeyCipher> {
    return new DataKeyCipher();
  }

  keyOf(store: string, id: string): string {
    return `${store} ${id}`;
  }

  async close(_store: string, _key: string, content: Uint8Array): Promise<Bytes> {
    return new Uint8Array(content);
  }

  async open(_store: string, _key: string, closed: Uint8Array): Promise<Bytes> {
    return new Uint8Array(closed);
  }
}
