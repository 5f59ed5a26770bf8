/**
 * Canonical JSON (docs/protocol.md): the same bytes as schemas/canonical.py makes. Keys are ASCII and sorted, no white
 * space, integers within 53 bits, no floats, no NUL, no lone surrogates, at most 32 deep.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, toHex, utf8 } from "./bytes";

const DEPTH_MAX = 32;
const ASCII = /^[\x01-\x7f]*$/;
const LONE_SURROGATE = /[\ud800-\udfff]/u;

/** Says where and why a value cannot be written. */
export class NotCanonical extends Error {}

/** The canonical UTF-8 bytes of a JSON value. Throws `NotCanonical`. */
export function canonicalBytes(value: unknown): Bytes {
  return utf8(canonicalText(value));
}

/** The same as text. */
export function canonicalText(value: unknown): string {
  return write(value, "$", 0);
}

export function sha256Hex(bytes: Uint8Array): string {
  return toHex(sha256(bytes));
}

function write(value: unknown, where: string, depth: number): string {
  if (depth > DEPTH_MAX) throw new NotCanonical(`${where}: nested deeper than ${DEPTH_MAX}`);
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return writeText(value, where);
  if (typeof value === "number") return writeInteger(value, where);
  if (Array.isArray(value)) {
    return `[${value.map((item, at) => write(item, `${where}[${at}]`, depth + 1)).join(",")}]`;
  }
  if (typeof value === "object") return writeObject(value as Record<string, unknown>, where, depth);
  throw new NotCanonical(`${where}: ${typeof value} is not allowed; write decimals as strings`);
}

function writeText(text: string, where: string): string {
  if (text.includes("\0")) throw new NotCanonical(`${where}: NUL character`);
  if (LONE_SURROGATE.test(text)) throw new NotCanonical(`${where}: lone surrogate`);
  return JSON.stringify(text);
}

function writeInteger(value: number, where: string): string {
  if (!Number.isSafeInteger(value)) throw new NotCanonical(`${where}: no whole number within 53 bits`);
  return Object.is(value, -0) ? "0" : String(value);
}

function writeObject(value: Record<string, unknown>, where: string, depth: number): string {
  const members: string[] = [];
  for (const key of Object.keys(value).sort(byCodeUnit)) {
    if (!ASCII.test(key)) throw new NotCanonical(`${where}: key ${JSON.stringify(key)} is not ASCII text`);
    members.push(`${JSON.stringify(key)}:${write(value[key], `${where}.${key}`, depth + 1)}`);
  }
  return `{${members.join(",")}}`;
}

function byCodeUnit(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
