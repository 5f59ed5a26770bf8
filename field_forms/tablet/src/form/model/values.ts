/**
 * Values as they travel (docs/protocol.md, "Answers"), as the engine holds them, and as people type them. Pure.
 *
 * NIK, No. KK and phones stay text from end to end; decimals are text; nothing here becomes a float.
 */
import type { Json } from "../../contract";
import type { Question } from "../xform/sheet";
import type { FieldType } from "./definition";

/** A point in whole micro-degrees, with its accuracy in decimetres. */
export interface Point {
  lat: number;
  lon: number;
  acc_dm: number;
}

export const isPoint = (value: unknown): value is Point =>
  typeof value === "object" && value !== null && !Array.isArray(value) && "lat" in value;

/** Whether a value is no answer. */
export const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);

/** A value as the engine's model holds it. */
export function instanceText(value: unknown): string {
  if (isEmpty(value)) return "";
  if (Array.isArray(value)) return value.join(" ");
  if (isPoint(value)) return `${degrees(value.lat)} ${degrees(value.lon)} 0 ${tenths(value.acc_dm)}`;
  return String(value);
}

const DATE_LIKE = /^(\d{4})-(\d{2})-(\d{2})(T.*)?$/s;
const TIME_LIKE = /^T(?:[01]\d|2[0-3])(?::[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)?$/;

/**
 * A text as the engine may see it. One that looks like a date and is none (`1990-02-30`) makes it throw wherever it is
 * compared or computed with, and takes the form down (trap T6): it is marked, so that it no longer looks like a date.
 */
export function engineText(text: string): string {
  const match = DATE_LIKE.exec(text);
  if (match === null) return text;
  const real = isDate(Number(match[1]), Number(match[2]), Number(match[3]));
  return real && (match[4] === undefined || TIME_LIKE.test(match[4])) ? text : `${text}?`;
}

/** The value that a text of the model stands for. */
export function valueOf(type: FieldType, text: string): Json {
  if (text === "") return null;
  if (type === "integer") return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  if (type === "select_multiple") return tidyCodes(text.split(/\s+/));
  if (type === "geopoint") return pointOf(text) as unknown as Json;
  return text;
}

/** Codes of a select_multiple: sorted by code point as Python sorts, each once. */
export function tidyCodes(codes: readonly string[]): string[] {
  return [...new Set(codes.filter((code) => code !== ""))].sort(byCodePoint);
}

export function byCodePoint(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const difference = left[index]!.codePointAt(0)! - right[index]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

const tenths = (tenth: number): string => decimalText(tenth, 1);
const degrees = (micro: number): string => decimalText(micro, 6);

/** `-2987650` with 6 places is `-2.98765`. */
function decimalText(whole: number, places: number): string {
  const digits = String(Math.abs(whole)).padStart(places + 1, "0");
  const fraction = digits.slice(-places).replace(/0+$/, "");
  return `${whole < 0 ? "-" : ""}${digits.slice(0, -places)}${fraction === "" ? "" : `.${fraction}`}`;
}

/** A point from `lat lon alt acc` in degrees and metres. */
function pointOf(text: string): Point {
  const [lat, lon, , accuracy] = text.split(/\s+/);
  return { lat: scaled(lat ?? "0", 6), lon: scaled(lon ?? "0", 6), acc_dm: scaled(accuracy ?? "0", 1) };
}

/** A decimal text as a whole number of its `places`-th parts, cut off. */
export function scaled(text: string, places: number): number {
  const [whole = "0", fraction = ""] = text.replace("-", "").split(".");
  const digits = Number(whole + fraction.padEnd(places, "0").slice(0, places));
  return text.startsWith("-") && digits !== 0 ? -digits : digits;
}

/** A place as the tablet measured it. */
export function pointFrom(latitude: number, longitude: number, accuracyM: number): Point {
  return {
    lat: Math.round(latitude * 1_000_000),
    lon: Math.round(longitude * 1_000_000),
    acc_dm: Math.min(1_000_000, Math.max(0, Math.round(accuracyM * 10))),
  };
}

// Typing

export type Typed = { ok: true; value: Json } | { ok: false };

/** What was typed as a value; `ok` false while it is not one (yet). */
export function readTyped(control: Question["control"], text: string): Typed {
  const typed = text.trim();
  if (typed === "") return { ok: true, value: null };
  switch (control) {
    case "integer":
      return /^-?\d{1,15}$/.test(typed) ? { ok: true, value: Number(typed) } : { ok: false };
    case "decimal":
      return readDecimal(typed);
    case "date":
      return readDate(typed);
    case "time":
      return readTime(typed);
    case "dateTime":
      return readDateTime(typed);
    default:
      return { ok: true, value: typed };
  }
}

function readDecimal(text: string): Typed {
  const plain = text.replace(",", ".");
  if (!/^-?\d{1,15}(\.\d{0,9})?$/.test(plain)) return { ok: false };
  const [whole = "", fraction = ""] = plain.split(".");
  const digits = whole.replace(/^(-?)0+(?=\d)/, "$1");
  const rest = fraction.replace(/0+$/, "");
  const value = rest === "" ? digits : `${digits}.${rest}`;
  return { ok: true, value: value === "-0" ? "0" : value };
}

const DAY_FIRST = /^(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})$/;
const YEAR_FIRST = /^(\d{4})-(\d{2})-(\d{2})$/;
const DIGITS = /^(\d{2})(\d{2})(\d{4})$/;

/** `31-12-1990`, `31/12/1990`, `31121990` or `1990-12-31`; a day that is in no calendar is none. */
export function readDate(text: string): Typed {
  const turned = DAY_FIRST.exec(text) ?? DIGITS.exec(text);
  const parts = turned !== null ? [turned[3]!, turned[2]!, turned[1]!] : (YEAR_FIRST.exec(text)?.slice(1) ?? null);
  if (parts === null) return { ok: false };
  const [year, month, day] = parts.map(Number) as [number, number, number];
  return isDate(year, month, day) ? { ok: true, value: isoDate(year, month, day) } : { ok: false };
}

export const isoDate = (year: number, month: number, day: number): string =>
  `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;

export function isDate(year: number, month: number, day: number): boolean {
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return day <= [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!;
}

/** An ISO date as people read it: `31-12-1990`. Anything else as it is. */
export function shownDate(value: string): string {
  const match = YEAR_FIRST.exec(value);
  return match === null ? value : `${match[3]}-${match[2]}-${match[1]}`;
}

function readTime(text: string): Typed {
  const match = /^(\d{1,2})[:.](\d{2})$/.exec(text) ?? /^(\d{2})(\d{2})$/.exec(text);
  if (match === null || Number(match[1]) > 23 || Number(match[2]) > 59) return { ok: false };
  return { ok: true, value: `${match[1]!.padStart(2, "0")}:${match[2]}` };
}

function readDateTime(text: string): Typed {
  const [day = "", time = ""] = text.split(/[ T]+/);
  const [date, clock] = [readDate(day), readTime(time)];
  return date.ok && clock.ok ? { ok: true, value: `${date.value as string}T${clock.value as string}` } : { ok: false };
}

/** A value as it stands in an input field. */
export function shownValue(control: Question["control"], value: unknown): string {
  if (isEmpty(value)) return "";
  if (control === "date") return shownDate(String(value));
  if (control === "time") return String(value).slice(0, 5);
  if (control === "dateTime") {
    const [day = "", time = ""] = String(value).split("T");
    return `${shownDate(day)} ${time.slice(0, 5)}`.trim();
  }
  return instanceText(value);
}

/** Dashes while a date is typed: `3112` becomes `31-12-`. Only where the officer types on, never while he deletes. */
export function withDashes(before: string, now: string): string {
  if (now.length <= before.length || !/^[\d-]*$/.test(now)) return now;
  const digits = now.replaceAll("-", "").slice(0, 8);
  if (digits.length < 2) return now;
  if (digits.length < 4) return `${digits.slice(0, 2)}-${digits.slice(2)}`;
  return `${digits.slice(0, 2)}-${digits.slice(2, 4)}-${digits.slice(4)}`;
}
