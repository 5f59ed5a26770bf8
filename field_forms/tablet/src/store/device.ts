/**
 * What the tablet itself must know before anybody unlocks it: which officers have a store here, and how each store is
 * locked. A database of its own, in the open; so nothing in it may tell about a family (docs/security.md lists it all).
 */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Box } from "../seal/box";
import type { Bytes } from "../seal/bytes";

/** One officer's store on this tablet. `account` is the officer's account, shown when the tablet is shared. */
export interface Profile {
  id: string;
  account: string;
  createdMs: number;
  lock: LockRecord;
  /** Wrong PINs in a row; written before a PIN is tried. */
  failures: number;
  /** What may go out while the store is locked; null before enrolment. The token writes and reads nothing. */
  deposit: DepositRight | null;
  /** The data key, sealed to the server: only the operator's word opens it again. Null before enrolment. */
  recovery: { box: Box; install: string } | null;
}

export interface DepositRight {
  token: string;
  install: string;
}

export type LockRecord = PinLock | ScreenLock;

/** Data key wrapped by Argon2id of the PIN and a secret of this device. */
export interface PinLock {
  kind: "pin";
  salt: Bytes;
  deviceSecret: Bytes;
  memoryKib: number;
  passes: number;
  nonce: Bytes;
  wrapped: Bytes;
}

/** Data key wrapped by what the tablet's own lock screen gives (WebAuthn, PRF extension). */
export interface ScreenLock {
  kind: "screen";
  credential: Bytes;
  salt: Bytes;
  nonce: Bytes;
  wrapped: Bytes;
}

interface DeviceSchema extends DBSchema {
  profiles: { key: string; value: Profile };
  settings: { key: string; value: unknown };
}

export const DEVICE_DATABASE = "padan-device";

export class Device {
  private constructor(private readonly db: IDBPDatabase<DeviceSchema>) {}

  static async open(): Promise<Device> {
    const db = await openDB<DeviceSchema>(DEVICE_DATABASE, 1, {
      upgrade(made) {
        made.createObjectStore("profiles", { keyPath: "id" });
        made.createObjectStore("settings");
      },
    });
    return new Device(db);
  }

  /** Oldest first. */
  async profiles(): Promise<Profile[]> {
    const found = await this.db.getAll("profiles");
    return found.sort((one, other) => one.createdMs - other.createdMs);
  }

  async profile(id: string): Promise<Profile | undefined> {
    return this.db.get("profiles", id);
  }

  /** On the disk when it returns. */
  async save(profile: Profile): Promise<void> {
    const tx = this.db.transaction("profiles", "readwrite", { durability: "strict" });
    await tx.store.put(profile);
    await tx.done;
  }

  /** Change a profile as it stands on the disk now; nothing else gets in between. */
  async change(id: string, change: (profile: Profile) => Profile): Promise<Profile> {
    const tx = this.db.transaction("profiles", "readwrite", { durability: "strict" });
    const found = await tx.store.get(id);
    if (!found) throw new Error("no such profile");
    const changed = change(found);
    await tx.store.put(changed);
    await tx.done;
    return changed;
  }

  async remove(id: string): Promise<void> {
    const tx = this.db.transaction("profiles", "readwrite", { durability: "strict" });
    await tx.store.delete(id);
    await tx.done;
  }

  /** `language`, `last` (profile used last): nothing else belongs here. */
  async setting<T>(name: "language" | "last"): Promise<T | undefined> {
    return (await this.db.get("settings", name)) as T | undefined;
  }

  async set(name: "language" | "last", value: unknown): Promise<void> {
    await this.db.put("settings", value, name);
  }

  close(): void {
    this.db.close();
  }
}
