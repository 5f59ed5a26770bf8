/** Form versions, kept for the whole campaign: definition and XForm. Nothing of a person is in them. */
import type { FormDefinition } from "../contract";
import type { Vault } from "./vault";

export interface FormHead {
  id: string;
  version: string;
  hash: string;
  title: string;
  current: boolean;
}

interface FormRecord extends FormHead {
  definition: FormDefinition;
  xform: string;
  media: Record<string, string>;
}

export interface KeptForm {
  definition: FormDefinition;
  xform: string;
  /** CSV files that were published with the form. */
  media: Record<string, string>;
}

export class FormStore {
  private readonly heads = new Map<string, FormHead>();
  private readonly read = new Map<string, KeptForm>();

  private constructor(private readonly vault: Vault) {}

  static async load(vault: Vault): Promise<FormStore> {
    const store = new FormStore(vault);
    store.take((await vault.read<FormHead[]>("settings", "forms")) ?? []);
    return store;
  }

  all(): FormHead[] {
    return [...this.heads.values()];
  }

  has(id: string, version: string, hash: string): boolean {
    return this.heads.get(`${id} ${version}`)?.hash === hash;
  }

  current(id: string): FormHead | undefined {
    return this.all().find((each) => each.id === id && each.current);
  }

  async get(id: string, version: string): Promise<KeptForm | undefined> {
    const name = `${id} ${version}`;
    const known = this.read.get(name);
    if (known) return known;
    const found = await this.vault.read<FormRecord>("forms", name);
    if (!found) return undefined;
    const kept = { definition: found.definition, xform: found.xform, media: found.media };
    this.read.set(name, kept);
    return kept;
  }

  async save(head: Omit<FormHead, "current" | "title">, form: KeptForm): Promise<void> {
    const title = String(form.definition["title"] ?? head.id);
    const full: FormRecord = { ...head, title, current: false, ...form };
    const heads = [...this.all().filter((each) => nameOf(each) !== nameOf(head)), { ...head, title, current: false }];
    await this.vault.write([
      await this.vault.putting("forms", nameOf(head), full),
      await this.vault.putting("settings", "forms", heads),
    ]);
    this.take(heads);
  }

  /** The versions with which new forms are opened: id -> version. */
  async setCurrent(versions: ReadonlyMap<string, string>): Promise<void> {
    const heads = this.all().map((each) => ({ ...each, current: versions.get(each.id) === each.version }));
    await this.vault.write([await this.vault.putting("settings", "forms", heads)]);
    this.take(heads);
  }

  private take(heads: readonly FormHead[]): void {
    this.heads.clear();
    for (const each of heads) this.heads.set(nameOf(each), each);
  }
}

function nameOf(form: { id: string; version: string }): string {
  return `${form.id} ${form.version}`;
}
