/** What an officer's store knows about itself and the server: one closed document, kept in memory while unlocked. */
import type { Vault, Write } from "./vault";

export interface Settings {
  install: string;
  /** Ed25519, hex. */
  installKey: string;
  readToken: string | null;
  depositToken: string | null;
  officer: { id: string; name: string } | null;
  /** Area codes. */
  scopes: string[];
  /** Code -> name of everything within the scopes, and above. */
  areas: Record<string, string>;
  areasOf: string;
  serverId: string | null;
  epoch: string | null;
  /** Newest signed server time: the `not_before` of what is opened next. */
  serverTime: string | null;
  /** What the tablet's own clock said then. */
  serverTimeHeardMs: number;
  sealingKey: { id: string; key: string } | null;
  signingKeys: { id: string; key: string }[];
  cursor: string | null;
  generation: number;
  feedWhole: boolean;
  slotS: number;
  lastHaveMs: number;
  lastSyncMs: number;
  lastSyncStopped: string;
  /** The server answered that another tablet counts with this install's numbers. */
  fork: boolean;
  /** How often this tablet's tokens were refused. */
  replaced: number;
  revoked: boolean;
  closes: string | null;
  /** Whether a backup was ever heard of: without one nothing is called safe. */
  backup: boolean;
  lockAfterMin: number;
}

export const FRESH: Omit<Settings, "install" | "installKey"> = {
  readToken: null,
  depositToken: null,
  officer: null,
  scopes: [],
  areas: {},
  areasOf: "",
  serverId: null,
  epoch: null,
  serverTime: null,
  serverTimeHeardMs: 0,
  sealingKey: null,
  signingKeys: [],
  cursor: null,
  generation: 0,
  feedWhole: false,
  slotS: 0,
  lastHaveMs: 0,
  lastSyncMs: 0,
  lastSyncStopped: "",
  fork: false,
  replaced: 0,
  revoked: false,
  closes: null,
  backup: false,
  lockAfterMin: 5,
};

const ID = "settings";

export class SettingsStore {
  private constructor(
    private readonly vault: Vault,
    private now: Settings,
  ) {}

  static async make(vault: Vault, identity: Pick<Settings, "install" | "installKey">): Promise<SettingsStore> {
    const settings = { ...FRESH, ...identity };
    await vault.write([await vault.putting("settings", ID, settings)]);
    return new SettingsStore(vault, settings);
  }

  /** Undefined where the store was never made. */
  static async load(vault: Vault): Promise<SettingsStore | undefined> {
    const found = await vault.read<Settings>("settings", ID);
    return found && new SettingsStore(vault, { ...FRESH, ...found });
  }

  get all(): Readonly<Settings> {
    return this.now;
  }

  /** Change some, on the disk when it returns, together with other writes. */
  async set(changes: Partial<Settings>, others: readonly Write[] = []): Promise<void> {
    const next = { ...this.now, ...changes };
    await this.vault.write([await this.vault.putting("settings", ID, next), ...others]);
    this.now = next;
  }
}
