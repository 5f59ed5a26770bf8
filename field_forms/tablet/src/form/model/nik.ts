/**
 * NIK and No. KK: what makes them no key, what is only worth a warning. The rules of schemas/nik.py, which explains
 * them; tests/tablet/form/test_nik_vectors.py holds both together.
 *
 * Pure: no clock, no table. Dates are `YYYY-MM-DD`.
 */
import { isDate, isoDate } from "./values";

export interface Nik {
  /** Without spaces, dots and dashes where that leaves digits alone, else as given. */
  readonly text: string;
  /** Reasons why it is no key, in a fixed order; empty for a valid one. */
  readonly malformed: readonly string[];
}

export interface NikContext {
  birthDate?: string | null;
  sex?: string | null;
  /** Dotted code of residence. */
  area?: string | null;
  /** Known six-digit prefixes; without them none is called unknown. */
  districts?: ReadonlySet<string> | null;
  /** The day on which an age is judged. */
  visitDate?: string | null;
  noKk?: string | null;
}

const LENGTH = 16;
const MALE = "1";
const FEMALE = "2";
const AGE_WARN_YEARS = 100;
const DROP = /[\s\x1c-\x1f\x85.\-\u00ad\u200b\u2010-\u2015\u2212\ufeff]+/gu;
const DIGITS = /^[0-9]+$/;
const SCIENTIFIC = /^\s*[0-9]+([.,][0-9]+)?[eE][+]?[0-9]+\s*$/;

/** Reads a NIK as given; never throws. */
export function parseNik(given: string): Nik {
  const { text, reasons } = sixteenDigits(given, "nik");
  return { text, malformed: reasons.length > 0 ? reasons : nikReasons(text) };
}

/** Reads a family-card number as given; never throws. */
export function parseKk(given: string): Nik {
  const { text, reasons } = sixteenDigits(given, "kk");
  if (reasons.length > 0) return { text, malformed: reasons };
  const found = [];
  if (new Set(text).size === 1) found.push("kk_all_same");
  if (text.slice(12) === "0000") found.push("kk_serial");
  return { text, malformed: found };
}

/** Codes of what is odd about a NIK beside what is stated of the person; none is a reason to refuse. */
export function nikWarnings(nik: Nik, context: NikContext): string[] {
  const codes: string[] = [];
  const { birthDate, sex, visitDate, noKk } = context;
  const born = typeof birthDate === "string" && isIsoDate(birthDate) ? birthDate : null;
  if (nik.malformed.length === 0) {
    codes.push(...prefixWarnings("nik", nik.text.slice(0, 6), context));
    if (born !== null && !birthDates(nik.text).includes(born)) codes.push("nik_birth_date_differs");
    if ((sex === MALE || sex === FEMALE) && sex !== sexOf(nik.text)) codes.push("nik_sex_differs");
    if (typeof noKk === "string" && parseKk(noKk).text === nik.text) codes.push("nik_is_kk");
  }
  if (born !== null && typeof visitDate === "string" && isIsoDate(visitDate)) {
    if (ageYears(born, visitDate) > AGE_WARN_YEARS) codes.push("age_over_100");
  }
  return codes;
}

/** Codes of what is odd about a family-card number. */
export function kkWarnings(kk: Nik, context: Pick<NikContext, "area" | "districts">): string[] {
  if (kk.malformed.length > 0) return [];
  const codes = prefixWarnings("kk", kk.text.slice(0, 6), context);
  const [day, month, year] = dateDigits(kk.text);
  if (datesOf(day, month, year).length === 0) {
    codes.push(day > 40 && datesOf(day - 40, month, year).length > 0 ? "kk_looks_like_nik" : "kk_date");
  }
  return codes;
}

/** Full years of age on a day; negative before birth. */
export function ageYears(birthDate: string, on: string): number {
  const years = Number(on.slice(0, 4)) - Number(birthDate.slice(0, 4));
  return on.slice(5) < birthDate.slice(5) ? years - 1 : years;
}

export function isIsoDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  return match !== null && isDate(Number(match[1]), Number(match[2]), Number(match[3]));
}

function sixteenDigits(given: string, kind: string): { text: string; reasons: string[] } {
  if (SCIENTIFIC.test(given)) return { text: given.trim(), reasons: [`${kind}_scientific`] };
  const stripped = given.replaceAll(DROP, "");
  if (stripped === "") return { text: "", reasons: [`${kind}_empty`] };
  const wrongLength = [...stripped].length === LENGTH ? [] : [`${kind}_length`];
  if (!DIGITS.test(stripped)) return { text: given.trim(), reasons: [`${kind}_not_digits`, ...wrongLength] };
  return { text: stripped, reasons: wrongLength };
}

function nikReasons(digits: string): string[] {
  const reasons = new Set(digits).size === 1 ? ["nik_all_same"] : [];
  const [day, month, year] = dateDigits(digits);
  const dayGood = (day >= 1 && day <= 31) || (day >= 41 && day <= 71);
  const monthGood = month >= 1 && month <= 12;
  if (!dayGood) reasons.push("nik_day");
  if (!monthGood) reasons.push("nik_month");
  if (dayGood && monthGood && datesOf(day % 40, month, year).length === 0) reasons.push("nik_date");
  if (digits.slice(12) === "0000") reasons.push("nik_serial");
  return reasons;
}

function prefixWarnings(kind: string, prefix: string, context: Pick<NikContext, "area" | "districts">): string[] {
  if (context.districts && !context.districts.has(prefix)) return [`${kind}_prefix_unknown`];
  const region = context.area?.replaceAll(".", "").slice(0, 4);
  return region && !prefix.startsWith(region) ? [`${kind}_prefix_elsewhere`] : [];
}

const dateDigits = (digits: string): [number, number, number] => [
  Number(digits.slice(6, 8)), Number(digits.slice(8, 10)), Number(digits.slice(10, 12)),
];

/** The dates of the 1900s and 2000s that a day, month and two-digit year can mean. */
function datesOf(day: number, month: number, year: number): string[] {
  return [1900 + year, 2000 + year].filter((each) => isDate(each, month, day)).map((each) => isoDate(each, month, day));
}

function birthDates(nik: string): string[] {
  const [day, month, year] = dateDigits(nik);
  return datesOf(day % 40, month, year);
}

const sexOf = (nik: string): string => (dateDigits(nik)[0] > 40 ? FEMALE : MALE);
