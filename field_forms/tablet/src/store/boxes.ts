/**
 * Sealed boxes with unsent work, in the open: only the server can open one, so they may lie and go out while the store
 * is locked. Made when a form is sealed; a box that was never sent grows until it is full (docs/protocol.md, "Deposits").
 */
import type { IDBPDatabase } from "idb";
import type { Write } from "./vault";

export interface BoxRecord {
  /** The box as it is sent, JSON. */
  box: string;
  /** Opaque names of the events inside (`EventStore` knows them by `Vault.keyOf`); empty for another tablet's box. */
  refs: string[];
  items: number;
  /** tried: it went out once, so the server may have it; it is not made anew. */
  state: "ready" | "tried" | "sent";
  /** From an export file of another tablet. */
  foreign: boolean;
  madeMs: number;
  /** Why the server did not open it; shown on the page of troubles. */
  problem: string | null;
}

export interface KeptBox extends BoxRecord {
  number: number;
}

export class BoxStore {
  constructor(private readonly db: IDBPDatabase) {}

  async all(): Promise<KeptBox[]> {
    const tx = this.db.transaction("boxes");
    const [keys, values] = await Promise.all([tx.store.getAllKeys(), tx.store.getAll() as Promise<BoxRecord[]>]);
    return values.map((box, at) => ({ ...box, number: Number(keys[at]) }));
  }

  async waiting(): Promise<KeptBox[]> {
    return (await this.all()).filter((each) => each.state !== "sent");
  }

  adding(box: BoxRecord): Write {
    return { store: "boxes", add: box };
  }

  saving(box: KeptBox): Write {
    const { number, ...record } = box;
    return { store: "boxes", key: number, put: record };
  }

  removing(box: KeptBox): Write {
    return { store: "boxes", key: box.number, remove: true };
  }

  /** On the disk when it returns; for use while the store is locked. */
  async save(box: KeptBox): Promise<void> {
    const { number, ...record } = box;
    const tx = this.db.transaction("boxes", "readwrite", { durability: "strict" });
    await tx.store.put(record, number);
    await tx.done;
  }
}
