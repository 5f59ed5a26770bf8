/**
 * What is missing, wrong or odd in a form. What blocks sealing is what docs/decisions/0021 allows and nothing more; a NIK
 * never does: an officer who is stopped invents one.
 *
 * Pure functions over a filling; the counterpart of `Filled.remarks` in field_forms/client/filling.py, with the warnings
 * that need other members or a table beside them.
 */
import { kkWarnings, nikWarnings, parseKk, parseNik } from "./nik";
import { isAsked } from "./assertions";
import { pathOf, says, type Cell, type Filling } from "./filling";
import { isEmpty, isPoint, tidyCodes } from "./values";
import { isIsoDate } from "./nik";
import type { Field } from "./definition";

/** A remark's words are looked up by its code; `constraint` and `warning` have words of the form's own. */
export interface Remark {
  cell: Cell;
  code: string;
  blocks: boolean;
  /** Goes into the words: another member's name. */
  about?: string;
}

/** What the tablet knows beside the form. */
export interface Surroundings {
  /** Known NIK prefixes, or null. */
  districts: ReadonlySet<string> | null;
  /** Village of the household. */
  area: string;
}

const ELSEWHERE = "nik_prefix_elsewhere";
const PERSON_NAMES = ["name", "m_name"];

/** All remarks, in the sheet's order. */
export function remarks(filling: Filling, around: Surroundings): Remark[] {
  const twice = repeatedNiks(filling);
  return filling.cells().flatMap((cell) => remarksOn(filling, cell, around, twice));
}

/** Remarks on one question. `twice`: of `repeatedNiks`, so that a whole page looks through the members once. */
export function remarksOn(
  filling: Filling, cell: Cell, around: Surroundings, twice: ReadonlyMap<string, string>,
): Remark[] {
  if (!isAsked(filling, cell.question) || !filling.relevant(cell)) return [];
  const path = pathOf(cell);
  const answer = filling.answer(path);
  if (path in filling.data.typed) return [{ cell, code: `not_${filling.field(cell.question).type}`, blocks: true }];
  if (answer === undefined || answer.state === "cleared" || (answer.state === undefined && isEmpty(answer.value))) {
    const required = filling.engine.required(cell.part, cell.question.path);
    return required ? [{ cell, code: "required", blocks: true }] : [];
  }
  if (!(path in filling.data.answers) || answer.state !== undefined) {
    return answer.state === undefined ? oddities(filling, cell, answer.value, around, twice) : [];
  }
  const wrong = fault(filling, cell, answer.value);
  if (wrong !== null) return [{ cell, code: wrong, blocks: true }];
  if (filling.engine.warns(cell.part, cell.question.path)) return [{ cell, code: "warning", blocks: false }];
  return oddities(filling, cell, answer.value, around, twice);
}

/** Why an answer of this visit cannot stand, as a code; null where it can. */
function fault(filling: Filling, cell: Cell, value: unknown): string | null {
  const field = filling.field(cell.question);
  if (!fits(field, value)) return `not_${field.type}`;
  const offered = filling.options(cell);
  const given = Array.isArray(value) ? (value as string[]) : cell.question.control === "rank" ? String(value).split(" ") : [String(value)];
  if (offered !== null && given.some((code) => !offered.some((option) => option.value === code))) return "choice";
  if (isFixedList(filling, cell) && given.some((code) => !knowsCode(filling, cell, code))) return "choice";
  if (given.length > 1 && given.some((code) => field.exclusive?.includes(code))) return "exclusive";
  if (outOfRange(cell, value)) return "range";
  return filling.engine.constraintHolds(cell.part, cell.question.path) ? null : "constraint";
}

function isFixedList(filling: Filling, { question }: Cell): boolean {
  const { choices } = question;
  if (question.fixedChoices.length > 0) return true;
  return choices !== null && choices.list !== null && choices.list in filling.sheet.lists && !choices.filtered;
}

function knowsCode(filling: Filling, { question }: Cell, code: string): boolean {
  if (question.fixedChoices.some((choice) => choice.value === code)) return true;
  const { choices } = question;
  if (choices?.list == null) return false;
  return (filling.sheet.lists[choices.list] ?? []).some((row) => row.columns[choices.value] === code);
}

function outOfRange({ question }: Cell, value: unknown): boolean {
  if (question.control !== "range") return false;
  const { start, end } = question.parameters;
  const [low, high] = [Number(start ?? "1"), Number(end ?? "10")].sort((a, b) => a - b) as [number, number];
  return Number(value) < low || Number(value) > high;
}

/** Whether a value is of the question's type (schemas/answers.py, `value_error`). */
export function fits(field: Field, value: unknown): boolean {
  switch (field.type) {
    case "integer":
      return typeof value === "number" && Number.isSafeInteger(value);
    case "decimal":
      return typeof value === "string" && /^-?(0|[1-9]\d{0,14})(\.\d{1,9})?$/.test(value);
    case "date":
      return typeof value === "string" && isIsoDate(value);
    case "time":
      return typeof value === "string" && /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/.test(value);
    case "select_one":
      return typeof value === "string" && value !== "" && !/\s/.test(value);
    case "select_multiple":
      return Array.isArray(value) && JSON.stringify(tidyCodes(value as string[])) === JSON.stringify(value);
    case "geopoint":
      return isPoint(value) && Math.abs(value.lat) <= 90_000_000 && Math.abs(value.lon) <= 180_000_000;
    case "image":
      return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
    default:
      return typeof value === "string";
  }
}

/** What is odd about an answer and lets go on. Prefilled answers are judged too: the officer stands before the card. */
function oddities(
  filling: Filling, cell: Cell, value: unknown, around: Surroundings, twice: ReadonlyMap<string, string>,
): Remark[] {
  const { part, question } = cell;
  const touched = pathOf(cell) in filling.data.answers;
  const remark = (code: string, about?: string): Remark => ({ cell, code, blocks: false, ...(about ? { about } : {}) });
  const found: Remark[] = [];
  const other = question.key === "nik" ? twice.get(pathOf(cell)) : undefined;
  if (other !== undefined) found.push(remark("nik_twice", other));
  const day = filling.raw(filling.outermost, "visit_date");
  const visitDate = typeof day === "string" ? day : filling.data.opened;
  const born = filling.raw(part, "birth_date");
  const birthDate = typeof born === "string" ? born : null;
  if (question.key === "nik" && typeof value === "string" && touched) {
    const nik = parseNik(value);
    const sex = filling.raw(part, "sex");
    const noKk = filling.raw(filling.outermost, "no_kk");
    const codes = nikWarnings(nik, {
      birthDate, sex: typeof sex === "string" ? sex : null, noKk: typeof noKk === "string" ? noKk : null,
      area: around.area, districts: around.districts,
    });
    // The mildest last: a NIK of another regency is the rule after a move.
    found.push(...codes.sort((a, b) => Number(a === ELSEWHERE) - Number(b === ELSEWHERE)).map((code) => remark(code)));
  }
  if (question.key === "no_kk" && typeof value === "string" && touched) {
    found.push(...kkWarnings(parseKk(value), around).map((code) => remark(code)));
  }
  if (question.key === "birth_date" && touched) {
    const codes = nikWarnings({ text: "", malformed: ["none"] }, { birthDate, visitDate });
    found.push(...codes.map((code) => remark(code)));
  }
  return found;
}

/** Paths of NIKs that stand on two members of this household -> the other member's name. */
export function repeatedNiks(filling: Filling): Map<string, string> {
  const question = filling.byKey.get("nik");
  const repeat = filling.sheet.repeats.find((each) => each.path === question?.within);
  const found = new Map<string, string>();
  if (question === undefined || repeat === undefined) return found;
  const first = new Map<string, string>();
  for (const part of filling.rows(repeat, filling.outermost)) {
    const value = filling.raw(part, "nik");
    if (typeof value !== "string" || !filling.relevant({ part, question })) continue;
    const nik = parseNik(value);
    if (nik.malformed.length > 0) continue;
    const before = first.get(nik.text);
    if (before === undefined) first.set(nik.text, part);
    else {
      found.set(`${part}/nik`, personName(filling, before));
      found.set(`${before}/nik`, personName(filling, part));
    }
  }
  return found;
}

/** What a member is called; empty where nobody said. */
export function personName(filling: Filling, part: string): string {
  for (const key of PERSON_NAMES) {
    const value = filling.raw(part, key);
    if (typeof value === "string" && value !== "") return value;
  }
  return "";
}

/** Whether anything was said at a question. */
export const isAnswered = (filling: Filling, cell: Cell): boolean => says(filling.answer(pathOf(cell)));
