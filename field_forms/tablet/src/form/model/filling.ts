/**
 * A form with answers in it. The answers are here; what follows from them the engine says.
 *
 * What was answered stays when it is no longer relevant, so that one wrong tap empties nothing (trap T2), and codes that
 * a list does not offer stay as they are (T4). The rules are those of field_forms/client/filling.py; the tests feed both
 * the same fillings. No clock, no storage.
 */
import type { Json } from "../../contract";
import { RuleBroken, type Engine, type Option } from "../engine/engine";
import type { Part } from "../engine/instance";
import type { Calculation, Item, Question, Repeat, Sheet } from "../xform/sheet";
import { fieldFor, type Field } from "./definition";
import { engineText, instanceText, isEmpty, valueOf } from "./values";

export type State = "declined" | "unknown" | "not_applicable" | "cleared";

/** A file that answers a question: its name in the file store, and what of it goes into the event. */
export interface FileInfo {
  name: string;
  sha256: string;
  bytes: number;
  mime: string;
}

export interface Answer {
  value?: Json;
  state?: State;
  file?: FileInfo;
}

/** All that is saved of a filling. Plain JSON. */
export interface FillingData {
  /** The day on which the form was opened, in western Indonesian time. */
  opened: string;
  /** Answers of this visit by path, relevant now or not. */
  answers: Record<string, Answer>;
  /** Answers of the merged record as they stood at opening, by path. */
  prefill: Record<string, Answer>;
  /** Rows of each repeat: `<path of the repeat> <part it stands in>` -> parts. */
  rows: Record<string, Part[]>;
  /** What was typed and is no answer yet: half a date. */
  typed: Record<string, string>;
  /** Values that computing again would not give, and the form's own stamps: path -> text. */
  kept: Record<string, string>;
}

export interface Cell {
  part: Part;
  question: Question;
}

export class Filling {
  /** Counts changes; the pages are drawn anew when it has grown. */
  version = 0;
  /** The rule that broke last, in the engine's words; the answer was kept. */
  broken: string | null = null;
  /** Path of a question -> text that a new row begins with. */
  defaults: ReadonlyMap<string, string> = new Map();
  readonly outermost: Part;
  readonly byKey: ReadonlyMap<string, Question>;
  readonly #byPath: ReadonlyMap<string, Question>;
  readonly #calculations: ReadonlyMap<string, Calculation>;
  readonly #fields = new Map<string, Field>();
  #engine: Engine | null = null;

  constructor(
    readonly sheet: Sheet,
    fields: ReadonlyMap<string, Field>,
    readonly data: FillingData,
  ) {
    this.byKey = new Map(sheet.questions.map((question) => [question.key, question]));
    this.#byPath = new Map(sheet.questions.map((question) => [question.path, question]));
    this.#calculations = new Map(sheet.calculations.map((each) => [each.key, each]));
    for (const question of sheet.questions) {
      this.#fields.set(question.key, fields.get(question.key) ?? fieldFor(question));
    }
    const outside = sheet.questions.find((question) => question.within === "");
    const scope = outside === undefined ? "e" : this.field(outside).scope;
    this.outermost = scope === "p" ? "h" : scope;
  }

  get engine(): Engine {
    if (this.#engine === null) throw new Error("the form is not open yet");
    return this.#engine;
  }

  /** From now on this engine says what follows. */
  attach(engine: Engine): void {
    this.#engine = engine;
    this.#follow();
  }

  field(question: Question): Field {
    return this.#fields.get(question.key)!;
  }

  // Reading

  /** The answer of this visit, else the prefilled one. */
  answer(path: string): Answer | undefined {
    return this.data.answers[path] ?? this.data.prefill[path];
  }

  /** The value at a path whether or not it is relevant; undefined for a state or no answer. */
  raw(part: Part, key: string): Json | undefined {
    return this.answer(`${part}/${key}`)?.value;
  }

  /** The text that stands at a place of the model. */
  instanceText(part: Part, key: string): string {
    const answer = this.answer(`${part}/${key}`);
    return answer === undefined ? (this.data.kept[`${part}/${key}`] ?? "") : engineText(instanceText(answer.value));
  }

  relevant({ part, question }: Cell): boolean {
    return this.engine.relevant(part, question.path);
  }

  /** What rules see: undefined where not relevant, unanswered or a state. */
  told(part: Part, name: string): Json | undefined {
    const question = this.byKey.get(name);
    if (question === undefined) return undefined;
    const place = question.within === "" ? this.outermost : part;
    if (!this.engine.relevant(place, question.path)) return undefined;
    if (question.calculated) return this.engine.text(place, question.path);
    return this.raw(place, name);
  }

  /** The value on the screen; of a computed question the engine's. */
  shown({ part, question }: Cell): Json | undefined {
    if (!question.calculated) return this.raw(part, question.key);
    return valueOf(this.field(question).type, this.engine.text(part, question.path));
  }

  computed(part: Part, key: string): string {
    const calculation = this.#calculations.get(key);
    return calculation === undefined ? "" : this.engine.text(part, calculation.path);
  }

  options({ part, question }: Cell): readonly Option[] | null {
    return this.engine.options(part, question.path);
  }

  touched(path: string): boolean {
    const given = this.data.answers[path];
    return given !== undefined && !sameSaid(given, this.data.prefill[path]);
  }

  /** Rows of a repeat that are there now. */
  rows(repeat: Repeat, part: Part): readonly Part[] {
    const all = this.data.rows[rowsKey(repeat.path, part)] ?? [];
    // Where a count rules, rows beyond it are kept for the day it grows again.
    return repeat.counted && this.#engine !== null ? all.slice(0, this.engine.rowCount(part, repeat.path)) : all;
  }

  /** Every question with the part it stands in, in the sheet's order; rows one after another. */
  cells(items: readonly Item[] = this.sheet.items, part: Part = this.outermost): Cell[] {
    return items.flatMap((item): Cell[] => {
      if (item.kind === "question") return [{ part, question: item }];
      if (item.kind === "group") return this.cells(item.items, part);
      if (item.kind === "repeat") return this.rows(item, part).flatMap((row) => this.cells(item.items, row));
      return [];
    });
  }

  // Writing. Each keeps the answer first and asks the engine afterwards: what the engine throws loses nothing.

  setValue(cell: Cell, value: Json, file?: FileInfo): void {
    const path = pathOf(cell);
    this.data.answers[path] = file === undefined ? { value } : { value, file };
    delete this.data.typed[path];
    this.#tell(cell);
  }

  setState(cell: Cell, state: State): void {
    const path = pathOf(cell);
    this.data.answers[path] = { state };
    delete this.data.typed[path];
    this.#tell(cell);
  }

  /** Takes an answer back: the prefilled one shows again and counts as untouched. */
  leave(cell: Cell): void {
    const path = pathOf(cell);
    delete this.data.answers[path];
    delete this.data.typed[path];
    this.#tell(cell);
  }

  /** Tells the engine every answer, one at a time: one that breaks a rule does not keep the others from it. */
  tellAll(): void {
    for (const cell of this.cells()) this.#write(cell);
    this.#follow();
  }

  /** Keeps what is being typed, before anything is made of it. */
  keepTyped(cell: Cell, text: string): void {
    this.data.typed[pathOf(cell)] = text;
  }

  addRow(repeat: Repeat, part: Part, row: Part): void {
    (this.data.rows[rowsKey(repeat.path, part)] ??= []).push(row);
    this.#try(() => this.engine.addRow(part, repeat.path));
    this.#beginRow(repeat, row);
    this.#follow();
  }

  /** What a row begins with: defaults of the form, and what a shadow of it remembers. */
  #beginRow(repeat: Repeat, row: Part): void {
    for (const inner of this.sheet.repeats.filter((each) => each.within === repeat.path && !each.counted)) {
      const key = rowsKey(inner.path, row);
      if (this.data.rows[key] === undefined) this.addRow(inner, row, newRow());
    }
    for (const cell of this.cells(repeat.items, row)) {
      if (cell.part !== row) continue;
      const text = this.defaults.get(cell.question.path) ?? "";
      if (text !== "" && !cell.question.calculated && this.answer(pathOf(cell)) === undefined) {
        this.data.answers[pathOf(cell)] = { value: valueOf(this.field(cell.question).type, text) };
      }
      // Where nobody said anything yet, what an action of the form put there stays.
      if (this.answer(pathOf(cell)) !== undefined) this.#write(cell);
    }
  }

  /** Takes a row back with everything in it. */
  removeRow(repeat: Repeat, part: Part, row: Part): void {
    const rows = this.data.rows[rowsKey(repeat.path, part)] ?? [];
    const index = rows.indexOf(row);
    if (index < 0) return;
    for (const inner of this.sheet.repeats.filter((each) => each.within === repeat.path)) {
      for (const each of this.data.rows[rowsKey(inner.path, row)] ?? []) this.#forget(each);
      delete this.data.rows[rowsKey(inner.path, row)];
    }
    this.#forget(row);
    rows.splice(index, 1);
    this.#try(() => this.engine.removeRow(part, repeat.path, index));
    this.#follow();
  }

  #forget(part: Part): void {
    for (const store of [this.data.answers, this.data.typed, this.data.kept] as Record<string, unknown>[]) {
      for (const path of Object.keys(store)) if (path.startsWith(`${part}/`)) delete store[path];
    }
  }

  #tell(cell: Cell): void {
    this.#write(cell);
    this.#follow();
  }

  #write({ part, question }: Cell): void {
    const text = engineText(instanceText(this.raw(part, question.key)));
    if (!question.calculated) this.#try(() => this.engine.set(part, question.path, text));
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof RuleBroken)) throw error;
      this.broken = error.message;
    }
  }

  /** What the form itself changed because of the last answer: counted rows, values that its actions set. */
  #follow(): void {
    this.#followCounts(this.sheet.items, this.outermost);
    for (const path of this.sheet.actionTargets) {
      const question = this.#byPath.get(path);
      if (question === undefined || question.calculated) continue;
      for (const part of this.#partsOf(question)) {
        const cell = { part, question };
        const text = this.engine.text(part, path);
        const known = engineText(instanceText(this.raw(part, question.key)));
        if (this.relevant(cell) && text !== known) {
          this.data.answers[pathOf(cell)] = { value: valueOf(this.field(question).type, text) };
        }
      }
    }
    this.#keepUnrepeatable();
    this.version += 1;
  }

  #followCounts(items: readonly Item[], part: Part): void {
    for (const item of items) {
      if (item.kind === "group") this.#followCounts(item.items, part);
      if (item.kind !== "repeat") continue;
      if (item.counted) this.#grow(item, part);
      for (const row of this.rows(item, part)) this.#followCounts(item.items, row);
    }
  }

  #grow(repeat: Repeat, part: Part): void {
    const rows = (this.data.rows[rowsKey(repeat.path, part)] ??= []);
    const wanted = this.engine.rowCount(part, repeat.path);
    const missing = wanted > rows.length;
    while (rows.length < wanted) rows.push(newRow());
    const unknown = rows.slice(0, wanted).filter((row) => !this.cells(repeat.items, row).every(
      (cell) => this.engine.has(cell.part, cell.question.path),
    ));
    if (missing || unknown.length > 0) this.engine.index();
    for (const row of unknown) this.#beginRow(repeat, row);
  }

  #keepUnrepeatable(): void {
    for (const calculation of this.sheet.calculations.filter((each) => each.unrepeatable)) {
      for (const part of this.#partsOf(calculation)) {
        this.data.kept[`${part}/${calculation.key}`] = this.engine.text(part, calculation.path);
      }
    }
  }

  #partsOf(place: { within: string }): Part[] {
    if (place.within === "") return [this.outermost];
    const inside = Object.keys(this.data.rows).filter((key) => key.startsWith(`${place.within} `));
    return inside.flatMap((key) => this.data.rows[key]!);
  }
}

export const pathOf = ({ part, question }: Cell): string => `${part}/${question.key}`;
export const rowsKey = (repeatPath: string, part: Part): string => `${repeatPath} ${part}`;

/** The part of a new row that is no person. */
export const newRow = (): Part => `r/${crypto.randomUUID().slice(0, 8)}`;

/** Whether an answer says something: a value or a state. */
export function says(answer: Answer | undefined): answer is Answer {
  return answer !== undefined && (answer.state !== undefined || !isEmpty(answer.value));
}

function sameSaid(a: Answer, b: Answer | undefined): boolean {
  if (b === undefined) return a.value == null && a.state === undefined;
  return a.state === b.state && JSON.stringify(sorted(a.value ?? null)) === JSON.stringify(sorted(b.value ?? null));
}

function sorted(value: Json): Json {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
