/**
 * The backup file: everything unsent as sealed boxes that only the server opens, photos too, and drafts closed with a
 * transfer code. Any tablet may carry the boxes on, `padan import-bundle` takes them in at the server; drafts are for the
 * officer's replacement tablet. One JSON object a line, so that of a file that was cut off the rest is still good
 * (docs/protocol.md, "Backup file").
 */
import { reboxing } from "../field/boxing";
import type { Clock } from "../field/time";
import { type Box, sealBox } from "../seal/box";
import { type Bytes, fromBase64, fromHex, fromUtf8, randomBytes, toBase64, utf8 } from "../seal/bytes";
import { canonicalText } from "../seal/canonical";
import { signDeposit } from "../seal/signing";
import type { BoxRecord } from "../store/boxes";
import { type StoredDraft, fileId } from "../store/drafts";
import type { Photo } from "../store/events";
import type { OfficerStore } from "../store/officer";
import { TabletFull, type Write } from "../store/vault";

const FORMAT = 1;
const ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
const CODE_LENGTH = 16;
const PHOTOS_PER_BOX_BYTES = 1_500_000;
const DRAFTS = utf8("padan drafts v1\n");

export interface Exported {
  name: string;
  blob: Blob;
  /** Sealed forms inside. */
  events: number;
  photos: number;
  drafts: number;
  /** What the replacement tablet asks for; null where there are no drafts. */
  code: string | null;
}

export interface Imported {
  /** Items of boxes that were not here before. */
  boxes: number;
  /** The drafts' line, still closed. */
  drafts: ClosedDrafts | null;
  cut: boolean;
}

export interface ClosedDrafts {
  officer: string;
  nonce: string;
  sealed: string;
}

/** The file is none of ours. */
export class NoBundle extends Error {}
/** The code does not open the drafts, or they are another officer's. */
export class WrongCode extends Error {}

interface CarriedDraft {
  draft: StoredDraft;
  files: { name: string; mime: string; content: string }[];
}

/** Everything unsent in one file; null where there is nothing. */
export async function exportBundle(store: OfficerStore, clock: Clock): Promise<Exported | null> {
  const boxes = await boxesNow(store, clock);
  const photos = await photoBoxes(store);
  const drafts = store.drafts.all();
  if (boxes.length === 0 && photos.boxes.length === 0 && drafts.length === 0) return null;
  const { install, officer } = store.settings.all;
  const lines: unknown[] = [{ padan_bundle: FORMAT, install, made_ms: clock.nowMs() }];
  for (const box of boxes) lines.push({ box: JSON.parse(box.box) as Box, items: box.items });
  for (const box of photos.boxes) lines.push({ box, items: 0 });
  let code: string | null = null;
  if (drafts.length > 0) {
    code = newCode();
    lines.push({ drafts: await closeDrafts(store, drafts, officer?.id ?? "", code) });
  }
  lines.push({ end: lines.length });
  const day = new Date(clock.nowMs()).toISOString().slice(0, 10);
  return {
    name: `padan-${day}-${install.slice(0, 8)}.padan`,
    blob: new Blob([lines.map((line) => `${JSON.stringify(line)}\n`).join("")], { type: "application/octet-stream" }),
    events: boxes.reduce((sum, box) => sum + box.items, 0),
    photos: photos.count,
    drafts: drafts.length,
    code,
  };
}

/** Every box that waits, made anew where that is needed; on a full tablet without saving them. */
async function boxesNow(store: OfficerStore, clock: Clock): Promise<{ box: string; items: number }[]> {
  const writes = await reboxing(store, clock);
  try {
    await store.vault.write(writes);
    return await store.boxes.waiting();
  } catch (error) {
    if (!(error instanceof TabletFull)) throw error;
    const gone = new Set(writes.flatMap((each) => ("remove" in each ? [Number(each.key)] : [])));
    const made = writes.flatMap((each) => ("add" in each ? [each.add as BoxRecord] : []));
    return [...(await store.boxes.waiting()).filter((each) => !gone.has(each.number)), ...made];
  }
}

/** Take a file's boxes in; they go on with the next sync. Throws `NoBundle`. */
export async function importBundle(store: OfficerStore, file: Blob, clock: Clock): Promise<Imported> {
  const lines = (await file.text()).split("\n");
  const head = read(lines.shift() ?? "");
  if (!head || typeof head["padan_bundle"] !== "number") throw new NoBundle();
  const known = new Set((await store.boxes.all()).map((each) => each.box));
  const writes: Write[] = [];
  let boxes = 0;
  let drafts: ClosedDrafts | null = null;
  let ended = false;
  for (const line of lines.map(read)) {
    if (!line) continue;
    if ("end" in line) ended = true;
    if ("drafts" in line) drafts = line["drafts"] as ClosedDrafts;
    if (!isBox(line["box"])) continue;
    const box = JSON.stringify(line["box"]);
    if (known.has(box)) continue;
    const items = typeof line["items"] === "number" ? line["items"] : 0;
    const record: BoxRecord = { box, refs: [], items, state: "ready", foreign: true, madeMs: clock.nowMs(), problem: null };
    writes.push(store.boxes.adding(record));
    boxes += 1;
  }
  await store.vault.write(writes);
  return { boxes, drafts, cut: !ended };
}

/** Open the drafts of a file on this tablet; those that are here already are left alone. Throws `WrongCode`. */
export async function importDrafts(store: OfficerStore, closed: ClosedDrafts, code: string): Promise<number> {
  if (closed.officer !== store.settings.all.officer?.id) throw new WrongCode();
  let carried: CarriedDraft[];
  try {
    const opened = await crypto.subtle.decrypt(algorithm(fromBase64(closed.nonce)), await keyOf(code), fromBase64(closed.sealed));
    carried = JSON.parse(fromUtf8(new Uint8Array(opened))) as CarriedDraft[];
  } catch {
    throw new WrongCode();
  }
  let count = 0;
  for (const { draft, files } of carried) {
    if (store.drafts.get(draft.id) || store.events.byId(draft.id)) continue;
    for (const file of files) {
      await store.files.put(fileId(draft.id, file.name), new Blob([fromBase64(file.content)], { type: file.mime }));
    }
    await store.drafts.save(draft);
    count += 1;
  }
  return count;
}

/** Photos that are not at the server, sealed to it. */
async function photoBoxes(store: OfficerStore): Promise<{ boxes: Box[]; count: number }> {
  const { sealingKey, install, installKey } = store.settings.all;
  if (!sealingKey) return { boxes: [], count: 0 };
  const waiting = store.events.all().flatMap((each) => each.photos.filter((photo) => photo.state === "waiting" && photo.file));
  const boxes: Box[] = [];
  for (const group of photoGroups(waiting)) {
    const files = [];
    for (const photo of group) {
      const blob = await store.files.get(photo.file!);
      if (blob) files.push({ sha256: photo.sha256, content: toBase64(new Uint8Array(await blob.arrayBuffer())) });
    }
    const body = JSON.stringify({ files });
    const signature = signDeposit(fromHex(installKey), install, body);
    const content = utf8(canonicalText({ install, body, signature }));
    boxes.push(await sealBox(content, fromBase64(sealingKey.key)));
  }
  return { boxes, count: waiting.length };
}

function photoGroups(photos: readonly Photo[]): Photo[][] {
  const groups: Photo[][] = [];
  let size = 0;
  for (const photo of photos) {
    const last = groups[groups.length - 1];
    if (!last || size + photo.bytes > PHOTOS_PER_BOX_BYTES) {
      groups.push([photo]);
      size = photo.bytes;
    } else {
      last.push(photo);
      size += photo.bytes;
    }
  }
  return groups;
}

async function closeDrafts(store: OfficerStore, drafts: readonly StoredDraft[], officer: string, code: string): Promise<ClosedDrafts> {
  const carried: CarriedDraft[] = [];
  for (const draft of drafts) {
    const files: CarriedDraft["files"] = [];
    for (const name of draft.draft?.files ?? []) {
      const blob = await store.files.get(fileId(draft.id, name));
      if (blob) files.push({ name, mime: blob.type, content: toBase64(new Uint8Array(await blob.arrayBuffer())) });
    }
    carried.push({ draft, files });
  }
  const nonce = randomBytes(12);
  const sealed = await crypto.subtle.encrypt(algorithm(nonce), await keyOf(code), utf8(JSON.stringify(carried)));
  return { officer, nonce: toBase64(nonce), sealed: toBase64(new Uint8Array(sealed)) };
}

/** 79 random bits in letters that can be read aloud: nothing slower than one hash is needed. */
function newCode(): string {
  let code = "";
  while (code.length < CODE_LENGTH) {
    for (const byte of randomBytes(CODE_LENGTH)) {
      if (byte < 8 * ALPHABET.length && code.length < CODE_LENGTH) code += ALPHABET[byte % ALPHABET.length];
    }
  }
  return code.replace(/(.{4})(?=.)/g, "$1-");
}

async function keyOf(code: string): Promise<CryptoKey> {
  const plain = utf8(code.replace(/[\s-]/g, "").toUpperCase());
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array([...DRAFTS, ...plain]));
  return crypto.subtle.importKey("raw", digest, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function algorithm(nonce: Bytes): AesGcmParams {
  return { name: "AES-GCM", iv: nonce, additionalData: DRAFTS };
}

function read(line: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function isBox(value: unknown): value is Box {
  const box = value as Partial<Box> | null | undefined;
  return box?.v === 1 && [box.key, box.ephemeral, box.sealed].every((each) => typeof each === "string");
}
