/**
 * Own sealed events. What was sealed never changes (erasure excepted); how it stands lies beside it, and is in memory
 * while the store is unlocked. States and their changes are those of field_forms/client/store.py.
 */
import type { Attachment, Envelope } from "../seal/event";
import { type ErasedParts, withoutParts } from "../seal/event";
import type { Vault, Write } from "./vault";

export type EventState = "sealed" | "stamped" | "received" | "durable" | "too_large" | "refused" | "erased";
export const QUEUED: readonly EventState[] = ["sealed", "stamped"];
export const TABLET_ONLY: readonly EventState[] = ["sealed", "stamped", "too_large", "refused"];

/** The state of an event that the server is not known to have. */
export function unsentState(event: Pick<Standing, "stamp">): EventState {
  return event.stamp === null ? "sealed" : "stamped";
}

export interface Receipt {
  epoch: string;
  position: number;
}

export interface Photo extends Attachment {
  path: string;
  /** Name in the file store; null once it was dropped from this tablet. */
  file: string | null;
  /** waiting: not on the server; sent: there, verified; safe: in a backup too. */
  state: "waiting" | "sent" | "safe";
}

/** How an own event stands, and what a list of them shows. */
export interface Standing {
  seq: number;
  id: string;
  ref: string;
  payloadHash: string;
  householdId: string;
  homeRegion: string;
  area: string;
  /** Every household it is filed under. */
  filed: string[];
  also: { household_id: string; home_region: string }[];
  kind: string;
  form: { id: string; version: string };
  /** Refs it was made on. */
  context: string[];
  name: string;
  sealedMs: number;
  size: number;
  state: EventState;
  stamp: Envelope | null;
  status: string | null;
  reasons: string[];
  receipt: Receipt | null;
  /** The state before a restored server put it in doubt. */
  offer: EventState | null;
  photos: Photo[];
}

/** What was hashed, and what travels beside it. */
export interface SealedEvent {
  envelope: Envelope;
  transport: Record<string, unknown>;
}

export interface PushItem extends Envelope {
  transport: Record<string, unknown>;
  stamp?: Envelope;
}

export class EventStore {
  private readonly standings = new Map<string, Standing>();

  private constructor(private readonly vault: Vault) {}

  static async load(vault: Vault): Promise<EventStore> {
    const store = new EventStore(vault);
    for (const each of await vault.all<Standing>("standing")) store.standings.set(each.ref, each);
    return store;
  }

  /** Oldest first. */
  all(): Standing[] {
    return [...this.standings.values()].sort((one, other) => one.seq - other.seq);
  }

  get(ref: string): Standing | undefined {
    return this.standings.get(ref);
  }

  byId(id: string): Standing | undefined {
    return this.all().find((each) => each.id === id);
  }

  /** Filed under any of the households, oldest first. */
  filedUnder(ids: ReadonlySet<string>): Standing[] {
    return this.all().filter((each) => each.filed.some((id) => ids.has(id)));
  }

  nextSeq(): number {
    return Math.max(0, ...[...this.standings.values()].map((each) => each.seq)) + 1;
  }

  /** To be sent, oldest first; not what has to be asked for first. */
  queue(): Standing[] {
    return this.all().filter((each) => QUEUED.includes(each.state) && each.offer === null);
  }

  unstamped(limit: number): Standing[] {
    return this.all()
      .filter((each) => each.stamp === null && QUEUED.includes(each.state))
      .slice(0, limit);
  }

  /** What is not known to be with the server. */
  unsent(): Standing[] {
    return this.all().filter((each) => TABLET_ONLY.includes(each.state));
  }

  async event(ref: string): Promise<SealedEvent> {
    const found = await this.vault.read<SealedEvent>("events", ref);
    if (!found) throw new Error(`sealed event ${ref} is not in the store`);
    return found;
  }

  /** What is sent: the sealed event with its stamp and transport facts beside it. */
  async item(standing: Standing): Promise<PushItem> {
    const { envelope, transport } = await this.event(standing.ref);
    return { ...envelope, transport, ...(standing.stamp ? { stamp: standing.stamp } : {}) };
  }

  /** The writes of a new event; `took` is called once they are on the disk. */
  async adding(standing: Standing, event: SealedEvent): Promise<Write[]> {
    return [await this.vault.putting("events", standing.ref, event), ...(await this.writes([standing]))];
  }

  /** Change how some stand, in one transaction with other writes. */
  async change(changed: readonly Standing[], others: readonly Write[] = []): Promise<void> {
    await this.vault.write([...(await this.writes(changed)), ...others]);
    this.took(changed);
  }

  /** The writes of a change; `took` is called once they are on the disk. */
  async writes(changed: readonly Standing[]): Promise<Write[]> {
    return Promise.all(changed.map((each) => this.vault.putting("standing", each.ref, each)));
  }

  took(changed: readonly Standing[]): void {
    for (const each of changed) this.standings.set(each.ref, each);
  }

  /** The writes that empty an event the server erased. */
  emptying(ref: string): Write {
    return this.vault.removing("events", ref);
  }

  /** The writes that empty parts in what the server already has, one an event. What was never sent goes there first. */
  async erasing(gone: ErasedParts, arrived = (each: Standing) => each.state === "received" || each.state === "durable"): Promise<Write[]> {
    const writes: Write[] = [];
    for (const each of this.all()) {
      if (!arrived(each) || gone(each.ref).length === 0) continue;
      const event = await this.event(each.ref);
      const envelope = withoutParts(event.envelope, gone(each.ref));
      if (envelope) writes.push(await this.vault.putting("events", each.ref, { ...event, envelope }));
    }
    return writes;
  }
}
