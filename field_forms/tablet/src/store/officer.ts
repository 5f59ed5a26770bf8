/** An officer's unlocked store: all its parts over one database and one data key. */
import type { IDBPDatabase } from "idb";
import { BoxStore } from "./boxes";
import type { Cipher } from "./cipher";
import { DraftStore, FileStore } from "./drafts";
import { EventStore } from "./events";
import { FormStore } from "./forms";
import { HouseholdStore, StaffStore } from "./households";
import { type Settings, SettingsStore } from "./settings";
import { Vault } from "./vault";

export interface OfficerStore {
  vault: Vault;
  settings: SettingsStore;
  events: EventStore;
  drafts: DraftStore;
  files: FileStore;
  households: HouseholdStore;
  staff: StaffStore;
  forms: FormStore;
  boxes: BoxStore;
  /** Six-digit NIK prefixes of all districts, where they were fetched. */
  districts(): Promise<string[] | null>;
  saveDistricts(prefixes: string[]): Promise<void>;
}

/** Open what is there; `identity` makes the store where it was never made. */
export async function openOfficerStore(
  db: IDBPDatabase,
  cipher: Cipher,
  identity: Pick<Settings, "install" | "installKey">,
): Promise<OfficerStore> {
  const vault = new Vault(db, cipher);
  const settings = (await SettingsStore.load(vault)) ?? (await SettingsStore.make(vault, identity));
  const [events, drafts, households, forms] = await Promise.all([
    EventStore.load(vault),
    DraftStore.load(vault),
    HouseholdStore.load(vault, settings),
    FormStore.load(vault),
  ]);
  return {
    vault,
    settings,
    events,
    drafts,
    households,
    forms,
    files: new FileStore(vault),
    staff: new StaffStore(vault),
    boxes: new BoxStore(db),
    districts: async () => (await vault.read<string[]>("settings", "districts")) ?? null,
    saveDistricts: async (prefixes) => vault.write([await vault.putting("settings", "districts", prefixes)]),
  };
}
