/**
 * What came down from the server: households, the ids they had before, signed events behind them. A feed page and its
 * cursor are one transaction (field_forms/client/store_feed.py); the lines of the list are in memory while unlocked.
 */
import type { Bytes } from "../seal/bytes";
import { type Envelope, type ErasedPart, type ErasedParts, refOf, withoutParts } from "../seal/event";
import { type HouseholdItem, type Row, rowOf } from "../field/record";
import { closeJson, openJson } from "./cipher";
import type { Settings, SettingsStore } from "./settings";
import type { StaffRecord, Vault, Write } from "./vault";

/** One feed page, sorted by what is to be done with it (sync/settle.ts `readPage`). */
export interface Page {
  households: HouseholdItem[];
  joined: [alias: string, present: string][];
  removed: string[];
  events: Envelope[];
  erasedEvents: string[];
  erasedPersons: string[];
  erasedParts: ErasedPart[];
}

interface Alias {
  alias: string;
  present: string;
}

export class HouseholdStore {
  private readonly rows = new Map<string, Row>();
  private readonly aliases = new Map<string, string>();

  private constructor(
    private readonly vault: Vault,
    private readonly settings: SettingsStore,
  ) {}

  static async load(vault: Vault, settings: SettingsStore): Promise<HouseholdStore> {
    const store = new HouseholdStore(vault, settings);
    const [rows, aliases] = await Promise.all([vault.all<Row>("rows"), vault.all<Alias>("aliases")]);
    for (const row of rows) store.rows.set(row.id, row);
    for (const each of aliases) store.aliases.set(each.alias, each.present);
    return store;
  }

  all(): Row[] {
    return [...this.rows.values()];
  }

  /** By its id or by any former id of the family. */
  row(id: string): Row | undefined {
    return this.rows.get(this.aliases.get(id) ?? id);
  }

  /** Present and former ids of a family; the id itself where it is on no list. */
  ids(id: string): Set<string> {
    const row = this.row(id);
    if (!row) return new Set([id]);
    const former = [...this.aliases].filter(([, present]) => present === row.id).map(([alias]) => alias);
    return new Set([row.id, ...row.aliases, ...former]);
  }

  /** The newest version of a household as it came; undefined where the tablet may know the name only. */
  async item(id: string): Promise<HouseholdItem | undefined> {
    const row = this.row(id);
    return row && this.vault.read<HouseholdItem>("items", row.id);
  }

  /** One page with its cursor. `last`: drop what a restart of the feed did not bring again. */
  async apply(page: Page, changes: Partial<Settings>, last: boolean, others: readonly Write[]): Promise<void> {
    const rows = new Map(this.rows);
    const aliases = new Map(this.aliases);
    const writes: Write[] = [...others];
    const generation = this.settings.all.generation;
    for (const item of page.households) {
      const row = rowOf(item, generation);
      for (const alias of row.aliases) this.join(alias, row.id, rows, aliases);
      aliases.delete(row.id);
      rows.set(row.id, row);
      const { events: _, ...kept } = item;
      if (row.level === "full") writes.push(await this.vault.putting("items", row.id, kept));
    }
    for (const [alias, present] of page.joined) this.join(alias, present, rows, aliases);
    for (const id of page.removed) rows.delete(id);
    if (last) for (const row of [...rows.values()]) if (row.generation < generation) rows.delete(row.id);
    writes.push(...(await this.staffWrites(page)), ...(await this.differences(rows, aliases)));
    await this.settings.set(changes, writes);
    this.replace(this.rows, rows);
    this.replace(this.aliases, aliases);
  }

  /** Forget the cursor. The list stays readable until the new one has come to its end. */
  startingOver(): Partial<Settings> {
    return { cursor: null, generation: this.settings.all.generation + 1, feedWhole: false };
  }

  private join(alias: string, present: string, rows: Map<string, Row>, aliases: Map<string, string>): void {
    for (const [other, id] of aliases) if (id === alias) aliases.set(other, present);
    aliases.set(alias, present);
    rows.delete(alias);
  }

  private async differences(rows: Map<string, Row>, aliases: Map<string, string>): Promise<Write[]> {
    const writes: Write[] = [];
    for (const [id, row] of rows) {
      if (this.rows.get(id) === row) continue;
      writes.push(await this.vault.putting("rows", id, row));
      if (row.level !== "full") writes.push(this.vault.removing("items", id));
    }
    for (const id of this.rows.keys()) {
      if (!rows.has(id)) writes.push(this.vault.removing("rows", id), this.vault.removing("items", id));
    }
    for (const [alias, present] of aliases) {
      if (this.aliases.get(alias) !== present) writes.push(await this.vault.putting("aliases", alias, { alias, present }));
    }
    for (const alias of this.aliases.keys()) {
      if (!aliases.has(alias)) writes.push(this.vault.removing("aliases", alias));
    }
    return writes;
  }

  private replace<K, V>(target: Map<K, V>, source: Map<K, V>): void {
    target.clear();
    for (const [key, value] of source) target.set(key, value);
  }

  private async staffWrites(page: Page): Promise<Write[]> {
    const writes: Write[] = [];
    for (const envelope of page.events) {
      writes.push(await staffWrite(this.vault, envelope));
    }
    for (const ref of page.erasedEvents) writes.push(this.vault.removing("staff", ref));
    return writes;
  }
}

/** Signed events of staff and server that were handed down: a restored server gets them back from here. */
export class StaffStore {
  constructor(private readonly vault: Vault) {}

  /** The writes that offer all of them again. */
  async offeringAll(): Promise<Write[]> {
    const writes: Write[] = [];
    for (const [key, record] of await this.records()) writes.push({ store: "staff", key, put: { ...record, offer: "ask" } });
    return writes;
  }

  async offered(offer: "ask" | "send", limit: number): Promise<Envelope[]> {
    const found = (await this.records()).filter(([, record]) => record.offer === offer).slice(0, limit);
    return Promise.all(found.map(([key, record]) => openJson<Envelope>(this.vault.cipher, "staff", key, record.closed)));
  }

  /** What became of refs that were asked for or sent. */
  async settling(refs: Iterable<string>, become: (ref: string) => "send" | "none" | "erased"): Promise<Write[]> {
    const writes: Write[] = [];
    for (const ref of refs) {
      const key = this.vault.keyOf("staff", ref);
      const record = (await this.vault.db.get("staff", key)) as StaffRecord | undefined;
      if (!record) continue;
      const next = become(ref);
      if (next === "erased") writes.push({ store: "staff", key, remove: true });
      else writes.push({ store: "staff", key, put: next === "send" ? { ...record, offer: "send" } : { closed: record.closed } });
    }
    return writes;
  }

  /** The writes that empty a person's part in all of them. */
  async erasing(gone: ErasedParts): Promise<Write[]> {
    const writes: Write[] = [];
    for (const [key, record] of await this.records()) {
      const envelope = await openJson<Envelope>(this.vault.cipher, "staff", key, record.closed);
      const without = withoutParts(envelope, gone(refOf(envelope.payload_hash)));
      if (without) writes.push({ store: "staff", key, put: { ...record, closed: await closeJson(this.vault.cipher, "staff", key, without) } });
    }
    return writes;
  }

  private async records(): Promise<[string, StaffRecord][]> {
    const tx = this.vault.db.transaction("staff");
    const [keys, values] = await Promise.all([tx.store.getAllKeys(), tx.store.getAll() as Promise<StaffRecord[]>]);
    return values.map((record, at) => [String(keys[at]), record]);
  }
}

async function staffWrite(vault: Vault, envelope: Envelope): Promise<Write> {
  const key = vault.keyOf("staff", refOf(envelope.payload_hash));
  const closed: Bytes = await closeJson(vault.cipher, "staff", key, envelope);
  return { store: "staff", key, put: { closed } satisfies StaffRecord };
}
