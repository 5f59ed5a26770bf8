/**
 * One officer's database: closed values under opaque keys, written in transactions that are on the disk when they end.
 *
 * A transaction of IndexedDB ends as soon as anything else is waited for, so everything is closed first and written
 * then, as a list of writes. Who reads and then writes does it inside `exclusive`, one after the other.
 */
import { type IDBPDatabase, openDB } from "idb";
import type { Bytes } from "../seal/bytes";
import { type Cipher, closeJson, openJson } from "./cipher";

/** Stores of closed values. `boxes` lies beside them: its content can be opened by the server only (boxes.ts). */
export const CLOSED_STORES = [
  "settings",
  "rows",
  "items",
  "aliases",
  "staff",
  "events",
  "standing",
  "drafts",
  "files",
  "forms",
] as const;
export type ClosedStore = (typeof CLOSED_STORES)[number];
export type AnyStore = ClosedStore | "boxes";

/** A signed event handed down: closed, and whether it is to be asked for or sent again after a restore. */
export interface StaffRecord {
  closed: Bytes;
  offer?: "ask" | "send";
}

export type Write =
  | { store: AnyStore; key: IDBValidKey; put: unknown }
  | { store: "boxes"; add: unknown }
  | { store: AnyStore; key: IDBValidKey; remove: true }
  | { store: AnyStore; clear: true };

/** The tablet is full: nothing of the transaction was written. */
export class TabletFull extends Error {}

const VERSION = 1;

export async function openDatabase(name: string): Promise<IDBPDatabase> {
  return openDB(name, VERSION, {
    upgrade(db) {
      for (const store of CLOSED_STORES) db.createObjectStore(store);
      db.createObjectStore("boxes", { autoIncrement: true });
    },
  });
}

export class Vault {
  private last: Promise<unknown> = Promise.resolve();
  /** Whether the last write found no room: a browser's own estimate of room is no longer honest, to tell nobody apart. */
  full = false;

  constructor(
    readonly db: IDBPDatabase,
    readonly cipher: Cipher,
  ) {}

  keyOf(store: ClosedStore, id: string): string {
    return this.cipher.keyOf(store, id);
  }

  /** A write that puts a JSON value. */
  async putting(store: ClosedStore, id: string, value: unknown): Promise<Write> {
    const key = this.keyOf(store, id);
    return { store, key, put: await closeJson(this.cipher, store, key, value) };
  }

  removing(store: ClosedStore, id: string): Write {
    return { store, key: this.keyOf(store, id), remove: true };
  }

  /** All or nothing, and on the disk when it returns. Throws `TabletFull`. */
  async write(writes: readonly Write[]): Promise<void> {
    if (writes.length === 0) return;
    const stores = [...new Set(writes.map((each) => each.store))];
    try {
      const tx = this.db.transaction(stores, "readwrite", { durability: "strict" });
      for (const each of writes) {
        const store = tx.objectStore(each.store);
        // Not awaited one by one: what fails, fails the transaction.
        if ("clear" in each) void store.clear().catch(ignore);
        else if ("remove" in each) void store.delete(each.key).catch(ignore);
        else if ("add" in each) void store.add(each.add).catch(ignore);
        else void store.put(each.put, each.key).catch(ignore);
      }
      await tx.done;
      this.full = false;
    } catch (error) {
      this.full = isFull(error);
      throw this.full ? new TabletFull() : error;
    }
  }

  async read<T>(store: ClosedStore, id: string): Promise<T | undefined> {
    const key = this.keyOf(store, id);
    const closed = (await this.db.get(store, key)) as Bytes | undefined;
    return closed && openJson<T>(this.cipher, store, key, closed);
  }

  async readBytes(store: ClosedStore, id: string): Promise<Bytes | undefined> {
    const key = this.keyOf(store, id);
    const closed = (await this.db.get(store, key)) as Bytes | undefined;
    return closed && this.cipher.open(store, key, closed);
  }

  /** Every value of a store, in no order. */
  async all<T>(store: ClosedStore): Promise<T[]> {
    const tx = this.db.transaction(store);
    const [keys, values] = await Promise.all([tx.store.getAllKeys(), tx.store.getAll() as Promise<Bytes[]>]);
    return Promise.all(values.map((closed, at) => openJson<T>(this.cipher, store, String(keys[at]), closed)));
  }

  /** One after the other: for whoever reads, thinks and then writes. */
  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work, work);
    this.last = turn.catch(ignore);
    return turn;
  }

  close(): void {
    this.db.close();
  }
}

/** Whether a failure of the browser's storage means that there is no room left. */
export function isFull(error: unknown): boolean {
  return error instanceof DOMException && error.name === "QuotaExceededError";
}

function ignore(): void {
  // The transaction as a whole says what went wrong.
}
