/** The event: head, salted parts, hash. The same rules as schemas/event.py; a test compares the bytes. */
import { concat, fromHex } from "./bytes";
import { canonicalBytes, sha256Hex } from "./canonical";

export const EVENT_BYTES_MAX = 262_144;
const REF_HEX = 32;

export interface Filing {
  household_id: string;
  home_region: string;
}

export interface Head {
  v: number;
  id: string;
  kind: string;
  household_id: string;
  home_region: string;
  form: { id: string; version: string; hash: string } | null;
  actor: string;
  area: string;
  context: { ref: string; household_id: string }[];
  also: Filing[];
  not_before: string | null;
  paths: Record<string, string[]>;
  attachments: Record<string, Attachment>;
  body: Record<string, unknown>;
}

export interface Attachment {
  sha256: string;
  bytes: number;
  mime: string;
}

export interface Part {
  name: string;
  salt: string;
  assertions: Record<string, unknown>;
  text: Record<string, unknown>;
}

/** A part of another family, or of somebody who was erased, travels as its hash. */
export type WirePart = Part | { name: string; hash: string };

export interface Envelope {
  head: Head;
  parts: WirePart[];
  payload_hash: string;
  signature?: { key: string; value: string };
}

/** What `seal` is given; lists in any order. */
export interface ToSeal extends Omit<Head, "v" | "paths"> {
  parts: Omit<Part, "salt">[];
  /** Part name -> 32 hex digits. */
  salts: Record<string, string>;
}

/** Make an envelope and its hash. Throws `NotCanonical`. */
export function seal(event: ToSeal): Envelope {
  const head: Head = {
    v: 1,
    id: event.id,
    kind: event.kind,
    household_id: event.household_id,
    home_region: event.home_region,
    form: event.form,
    actor: event.actor,
    area: event.area,
    context: sortedBy(event.context, (each) => each.ref),
    also: sortedBy(event.also, (each) => `${each.household_id} ${each.home_region}`),
    not_before: event.not_before,
    paths: Object.fromEntries(event.parts.map((part) => [part.name, Object.keys(part.assertions).sort()])),
    attachments: event.attachments,
    body: event.body,
  };
  const parts = sortedBy(event.parts, (each) => each.name).map(({ name, assertions, text }) => {
    const salt = event.salts[name];
    if (!salt) throw new Error(`no salt for part ${name}`);
    return { name, salt, assertions, text };
  });
  const envelope = { head, parts, payload_hash: "" };
  return { ...envelope, payload_hash: envelopeHash(envelope) };
}

/** The payload hash that the envelope's content really has. */
export function envelopeHash(envelope: Pick<Envelope, "head" | "parts">): string {
  const hashes = Object.fromEntries(
    envelope.parts.map((part) => [part.name, "hash" in part ? part.hash : partHash(part)]),
  );
  return sha256Hex(canonicalBytes({ head: envelope.head, parts: hashes }));
}

export function partHash(part: Part): string {
  const content = canonicalBytes({ assertions: part.assertions, text: part.text });
  return sha256Hex(concat(fromHex(part.salt), content));
}

export function refOf(payloadHash: string): string {
  return payloadHash.slice(0, REF_HEX);
}

/** The envelope with a part emptied to its hash; null where it has no such part in the open. */
export function withoutPart(envelope: Envelope, name: string): Envelope | null {
  let found = false;
  const parts = envelope.parts.map((part) => {
    if (part.name !== name || "hash" in part) return part;
    found = true;
    return { name, hash: partHash(part) };
  });
  return found ? { ...envelope, parts } : null;
}

/** A part of one event that was erased. */
export interface ErasedPart {
  ref: string;
  part: string;
}

/** Names of the parts that are gone, of the event with this ref. */
export type ErasedParts = (ref: string) => readonly string[];

/** The parts of erased persons in every event, and single parts that named them. */
export function erasedParts(persons: readonly string[], parts: readonly ErasedPart[]): ErasedParts {
  const own = persons.map((key) => `p/${key}`);
  const named = new Map<string, string[]>();
  for (const { ref, part } of parts) named.set(ref, [...(named.get(ref) ?? []), part]);
  return (ref) => [...own, ...(named.get(ref) ?? [])];
}

/** As `withoutPart`, of several parts. */
export function withoutParts(envelope: Envelope, names: readonly string[]): Envelope | null {
  const left = names.reduce((now, name) => withoutPart(now, name) ?? now, envelope);
  return left === envelope ? null : left;
}

function sortedBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...items].sort((one, other) => (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0));
}
