/** Drafts, and the files of forms (photos, signatures). Every change is on the disk when a method returns. */
import type { ChangeTarget, Draft, FormRequest } from "../contract";
import { type Bytes, concat, fromUtf8, utf8 } from "../seal/bytes";
import type { Vault, Write } from "./vault";

/** A draft and what was fixed when it was opened. */
export interface StoredDraft {
  id: string;
  householdId: string;
  homeRegion: string;
  area: string;
  isNew: boolean;
  form: { id: string; version: string };
  fixed: FormRequest["fixed"];
  /** The record as it was shown when the form was opened. */
  shown: FormRequest["shown"];
  visits: number;
  listed: boolean;
  corrects: Record<string, string> | null;
  change: Omit<ChangeTarget, "visitForm"> | null;
  openedMs: number;
  savedMs: number;
  /** Null until the form saved itself the first time. */
  draft: Draft | null;
}

export class DraftStore {
  private readonly drafts = new Map<string, StoredDraft>();

  private constructor(private readonly vault: Vault) {}

  static async load(vault: Vault): Promise<DraftStore> {
    const store = new DraftStore(vault);
    for (const each of await vault.all<StoredDraft>("drafts")) store.drafts.set(each.id, each);
    return store;
  }

  /** Saved last first. */
  all(): StoredDraft[] {
    return [...this.drafts.values()].sort((one, other) => other.savedMs - one.savedMs);
  }

  get(id: string): StoredDraft | undefined {
    return this.drafts.get(id);
  }

  forHousehold(ids: ReadonlySet<string>): StoredDraft[] {
    return this.all().filter((each) => ids.has(each.householdId));
  }

  async save(draft: StoredDraft): Promise<void> {
    await this.vault.write([await this.vault.putting("drafts", draft.id, draft)]);
    this.drafts.set(draft.id, draft);
  }

  /** Throw a draft away with its files; on the officer's word only. */
  async discard(id: string): Promise<void> {
    const draft = this.drafts.get(id);
    if (!draft) return;
    const files = draft.draft?.files ?? [];
    await this.vault.write([this.dropping(id), ...files.map((name) => this.vault.removing("files", fileId(id, name)))]);
    this.dropped(id);
  }

  dropping(id: string): Write {
    return this.vault.removing("drafts", id);
  }

  dropped(id: string): void {
    this.drafts.delete(id);
  }
}

/** Name of a form's file in the file store. */
export function fileId(eventId: string, name: string): string {
  return `${eventId}/${name}`;
}

/** Photos and signatures; each is its media type, a line feed, and its bytes, closed. */
export class FileStore {
  constructor(private readonly vault: Vault) {}

  async put(id: string, blob: Blob): Promise<void> {
    const key = this.vault.keyOf("files", id);
    const content = concat(utf8(`${blob.type}\n`), new Uint8Array(await blob.arrayBuffer()));
    await this.vault.write([{ store: "files", key, put: await this.vault.cipher.close("files", key, content) }]);
  }

  async get(id: string): Promise<Blob | null> {
    const content = await this.vault.readBytes("files", id);
    if (!content) return null;
    const line = content.indexOf(10);
    return new Blob([content.slice(line + 1) as Bytes], { type: fromUtf8(content.slice(0, line)) });
  }

  dropping(id: string): Write {
    return this.vault.removing("files", id);
  }

  async drop(id: string): Promise<void> {
    await this.vault.write([this.dropping(id)]);
  }
}
