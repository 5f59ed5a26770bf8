/**
 * What the pages look at and act on: the session, where the officer is, the language. Draws nothing itself.
 *
 * Every change goes the same way: into the filling, to the disk, and then the page that is open is drawn anew, once for
 * all that changed in the same moment.
 */
import type { FormHost, Json, ReturnComment } from "../../contract";
import type { Part } from "../engine/instance";
import { newRow, pathOf, type Cell, type FileInfo, type State } from "../model/filling";
import { personName, remarksOn, repeatedNiks, type Remark } from "../model/remarks";
import { allRemarks, Keeper, sealable, summaryOf, type Place, type Session } from "../session";
import { WORDS, type Words } from "../words";
import type { Repeat, Text } from "../xform/sheet";
import { plainText } from "./rich";
import { isShown, pagesOf, parentOf, placeOf, repeatOf, type Page } from "./pages";

export type Screen = "page" | "sections" | "check";
const SUMMARY_MS = 400;

export class View {
  readonly pages: readonly Page[];
  readonly keeper: Keeper;
  readonly comments = new Map<string, ReturnComment[]>();
  screen: Screen = "page";
  language: string;
  /** The shell's sentence while saving does not work. */
  saveProblem: string | null = null;
  sealProblem: string | null = null;
  sealing = false;
  /** Whether the check was looked at; from then on everything that is missing is said at its place. */
  checked = false;
  /** Path of the question that was jumped to, until it has the focus. */
  target: string | null = null;
  /** Whether the focus went there already, so that the page's title leaves it. */
  arrived = false;
  /** Path of the question that is being typed at. */
  focused: string | null = null;
  readonly #left = new Set<string>();
  #queued = false;
  #gone = false;
  #summaryTimer: ReturnType<typeof setTimeout> | undefined;
  #summary = { name: "", done: 0, total: 0, errors: 0 };
  #remarks: { version: number; all: Remark[] } | null = null;
  #twice: { version: number; paths: ReadonlyMap<string, string> } | null = null;
  #pending = new Set<() => void>();

  constructor(
    readonly session: Session,
    readonly host: FormHost,
    readonly draw: () => void,
  ) {
    const { request, read } = session;
    this.pages = pagesOf(read.sheet);
    this.language = languageFor(read.sheet.languages, request.language, read.sheet.defaultLanguage);
    session.filling.engine.setLanguage(this.language);
    this.keeper = new Keeper(session, host, placeFrom(request.draft?.place), () => this.#summary);
    this.keeper.onProblem = (sentence) => {
      if (sentence === this.saveProblem) return;
      this.saveProblem = sentence;
      this.redraw();
    };
    for (const comment of request.comments) {
      this.comments.set(comment.path, [...(this.comments.get(comment.path) ?? []), comment]);
    }
    this.#stayInside();
    this.refreshSummary();
  }

  get filling() {
    return this.session.filling;
  }

  get sheet() {
    return this.session.read.sheet;
  }

  get place(): Place {
    return this.keeper.place;
  }

  get page(): Page {
    return this.pages[this.place.page] ?? this.pages[0]!;
  }

  get words(): Words {
    const code = this.sheet.languages.find((each) => each.name === this.language)?.code;
    return WORDS[code === "en" || code === "id" ? code : this.session.request.language];
  }

  get summary() {
    return this.#summary;
  }

  /** The words of a question without marks, for names of controls. */
  label({ part, question }: Cell): string {
    return plainText(this.text(question.label, part, question.path)) || question.name;
  }

  /** The question at a path of an event, or null. */
  cellAt(path: string): Cell | null {
    const part = path.slice(0, path.lastIndexOf("/"));
    const question = this.filling.byKey.get(path.slice(part.length + 1));
    const there = question !== undefined && this.filling.engine.has(part, question.path);
    return there ? { part, question } : null;
  }

  /** Rows around a part, outermost first, itself included. */
  rowsAround(part: Part): Part[] {
    const repeat = repeatOf(this.sheet, this.filling, part);
    return repeat === undefined ? [] : [...this.rowsAround(parentOf(this.filling, repeat, part)), part];
  }

  /** Whether a household id is one of this family's own, present or former. */
  originIsOwn(household: string): boolean {
    const data = (this.session.request.shown?.["data"] ?? this.session.request.shown ?? {}) as { aliases?: string[] };
    return household === this.session.request.target.householdId || (data.aliases ?? []).includes(household);
  }

  /** A text of the form in the language that is shown. */
  text(text: Text | null, part: Part, path: string): string {
    const pieces = text?.by[this.language] ?? Object.values(text?.by ?? {})[0] ?? [];
    const { engine } = this.filling;
    return pieces.map((piece) => (typeof piece === "string" ? piece : engine.output(part, path, piece.output))).join("");
  }

  // Answers

  answer(cell: Cell, value: Json, file?: FileInfo): void {
    this.filling.setValue(cell, value, file);
    this.#changed();
  }

  answerState(cell: Cell, state: State): void {
    this.filling.setState(cell, state);
    this.#changed();
  }

  takeBack(cell: Cell): void {
    this.filling.leave(cell);
    this.#changed();
  }

  /** An answer was emptied: a prefilled one is asserted as emptied, any other is no answer. */
  empty(cell: Cell): void {
    const path = pathOf(cell);
    if (path in this.filling.data.prefill) this.answerState(cell, "cleared");
    else this.takeBack(cell);
  }

  /** Keeps what is typed at once; what follows from it is worked out a little later. */
  keepTyped(cell: Cell, text: string): void {
    this.filling.keepTyped(cell, text);
    this.keeper.changed();
  }

  focus(path: string): void {
    this.focused = path;
  }

  /** A field was left: from now on what is missing or wrong there is said. */
  blur(path: string): void {
    if (this.focused === path) this.focused = null;
    this.#left.add(path);
    this.redraw();
  }

  /** Whether the officer was at a question already: an empty page does not begin with a column of reproaches. */
  wasLeft(path: string): boolean {
    return this.#left.has(path) || this.checked;
  }

  /** Typing that waits to become an answer; done early when the form is left. */
  pend(finish: () => void): () => void {
    this.#pending.add(finish);
    return () => this.#pending.delete(finish);
  }

  settle(): void {
    for (const finish of [...this.#pending]) finish();
  }

  addRow(repeat: Repeat, part: Part): void {
    const persons = this.isRoster(repeat);
    const household = this.session.request.target.householdId;
    const row = persons ? `p/${household}/${crypto.randomUUID()}` : newRow();
    this.filling.addRow(repeat, part, row);
    this.place.rows = [...this.place.rows, row];
    this.place.scroll = 0;
    this.#changed();
  }

  removeRow(repeat: Repeat, row: Part): void {
    this.filling.removeRow(repeat, parentOf(this.filling, repeat, row), row);
    this.place.rows = this.place.rows.filter((each) => each !== row);
    this.#changed();
  }

  isRoster(repeat: Repeat): boolean {
    return this.sheet.questions.some((q) => q.within === repeat.path && this.filling.field(q).scope === "p");
  }

  // Moving about

  go(page: number, rows: readonly Part[] = []): void {
    this.settle();
    this.keeper.place = { page, rows: [...rows], scroll: 0 };
    this.show("page");
  }

  show(screen: Screen): void {
    this.settle();
    if (screen === "check") this.checked = true;
    this.screen = screen;
    this.target = null;
    this.sealProblem = null;
    this.keeper.changed();
    this.refreshSummary();
    this.redraw();
    queueMicrotask(() => scrollTo(0, 0));
  }

  /** The next page that has something to see, or the check at the end. */
  next(): void {
    const next = this.pages.findIndex((page, index) => index > this.place.page && isShown(this.filling, page));
    if (next < 0) this.show("check");
    else this.go(next);
  }

  /** The page before, or -1. */
  get previousPage(): number {
    const before = this.pages.slice(0, this.place.page).map((page) => isShown(this.filling, page));
    return before.lastIndexOf(true);
  }

  openRow(row: Part): void {
    this.go(this.place.page, [...this.place.rows, row]);
  }

  closeRow(): void {
    this.go(this.place.page, this.place.rows.slice(0, -1));
  }

  /** The row after the one that is open, or null. */
  get nextRow(): Part | null {
    const row = this.place.rows.at(-1);
    const repeat = row === undefined ? undefined : repeatOf(this.sheet, this.filling, row);
    if (row === undefined || repeat === undefined) return null;
    const rows = this.filling.rows(repeat, parentOf(this.filling, repeat, row));
    return rows[rows.indexOf(row) + 1] ?? null;
  }

  jump(cell: Cell): void {
    const place = placeOf(this.sheet, this.pages, this.filling, cell.question, cell.part);
    this.go(place.page, place.rows);
    this.target = pathOf(cell);
  }

  /** Back inside the form; false where that would leave it. */
  back(): boolean {
    if (this.screen !== "page") return this.show("page"), true;
    if (this.place.rows.length === 0) return false;
    this.closeRow();
    return true;
  }

  async leave(): Promise<void> {
    this.settle();
    await this.keeper.flush();
    this.host.close();
  }

  // Remarks

  /** All remarks; worked out once for each state of the filling. */
  get remarks(): Remark[] {
    const { version } = this.filling;
    if (this.#remarks?.version !== version) this.#remarks = { version, all: allRemarks(this.session) };
    return this.#remarks.all;
  }

  remarksOn(cell: Cell): Remark[] {
    const { version } = this.filling;
    if (this.#twice?.version !== version) this.#twice = { version, paths: repeatedNiks(this.filling) };
    return remarksOn(this.filling, cell, this.session.around, this.#twice.paths);
  }

  /** A remark in words: the form's own where it has some. */
  sentence({ cell, code, about }: Remark): string {
    const { part, question } = cell;
    const english = this.words === WORDS.en;
    const field = this.filling.field(question);
    const own = {
      constraint: this.text(question.constraintMessage, part, question.path)
        || ((english ? field.constraint_message_en : "") || field.constraint_message_id || ""),
      required: this.text(question.requiredMessage, part, question.path),
      warning: (english ? field.warning_message_en : "") || field.warning_message_id || "",
    }[code];
    return (own || this.words.remarks[code] || code).replace("{about}", about || this.words.noName);
  }

  /** What a row is called on its card. */
  rowName(repeat: Repeat, row: Part): string {
    const name = personName(this.filling, row);
    if (name !== "") return name;
    const first = this.filling.cells(repeat.items, row).find(
      ({ question, part }) => part === row && ["text", "one", "integer"].includes(question.control),
    );
    const answer = first === undefined ? undefined : this.filling.shown(first);
    if (first !== undefined && answer != null && answer !== "") return this.choiceLabel(first, String(answer));
    const number = this.filling.rows(repeat, parentOf(this.filling, repeat, row)).indexOf(row) + 1;
    return this.isRoster(repeat) ? this.words.member(number) : this.words.row(number);
  }

  /** The label of a code, or the code. */
  choiceLabel({ part, question }: Cell, code: string): string {
    const fixed = question.fixedChoices.find((each) => each.value === code);
    if (fixed !== undefined) return this.text(fixed.label, part, question.path);
    const { choices } = question;
    const row = choices?.list == null ? undefined
      : this.sheet.lists[choices.list]?.find((each) => each.columns[choices.value] === code);
    if (row !== undefined) return row.label === null ? (row.columns[choices!.label] ?? code) : this.text(row.label, part, question.path);
    return this.session.files[choices?.list ?? ""]?.find((each) => each[choices!.value] === code)?.[choices!.label] ?? code;
  }

  // Sealing

  async seal(): Promise<void> {
    this.settle();
    if (this.sealing || this.remarks.some((remark) => remark.blocks)) return this.redraw();
    this.sealing = true;
    this.sealProblem = null;
    this.redraw();
    try {
      await this.keeper.flush();
      await this.host.seal(sealable(this.session));
      this.keeper.close();
      this.host.close();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.sealProblem = this.words.remarks[message] ?? message;
    }
    this.sealing = false;
    this.redraw();
  }

  async discard(): Promise<void> {
    this.keeper.close();
    await this.keeper.flush();
    await this.host.discard();
  }

  setLanguage(name: string): void {
    this.language = name;
    this.filling.engine.setLanguage(name);
    this.redraw();
  }

  redraw(): void {
    if (this.#queued) return;
    this.#queued = true;
    queueMicrotask(() => {
      this.#queued = false;
      if (!this.#gone) this.draw();
    });
  }

  refreshSummary(): void {
    this.#summary = summaryOf(this.session, this.remarks);
  }

  /** The form is gone from the screen; what still happens to it (a field loses the focus) draws nothing any more. */
  dispose(): void {
    this.#gone = true;
    clearTimeout(this.#summaryTimer);
  }

  #changed(): void {
    this.keeper.changed();
    clearTimeout(this.#summaryTimer);
    this.#summaryTimer = setTimeout(() => {
      this.refreshSummary();
      this.keeper.changed();
      this.redraw();
    }, SUMMARY_MS);
    this.redraw();
  }

  /** A place of a draft whose page or row is gone (an answer, a new version of the form) leads to the first page. */
  #stayInside(): void {
    const { page, rows } = this.place;
    const known = new Set(Object.values(this.filling.data.rows).flat());
    const there = this.pages[page] !== undefined && isShown(this.filling, this.pages[page]!);
    if (there && rows.every((row) => known.has(row))) return;
    const first = Math.max(0, this.pages.findIndex((each) => isShown(this.filling, each)));
    this.keeper.place = { page: there ? page : first, rows: [], scroll: 0 };
  }
}

function languageFor(languages: readonly { name: string; code: string }[], wanted: string, fallback: string): string {
  return (languages.find((each) => each.code === wanted) ?? languages.find((each) => each.name === fallback) ?? languages[0])?.name ?? "";
}

function placeFrom(saved: unknown): Place {
  const place = (saved ?? {}) as Partial<Place>;
  return {
    page: typeof place.page === "number" ? place.page : 0,
    rows: Array.isArray(place.rows) ? place.rows : [],
    scroll: typeof place.scroll === "number" ? place.scroll : 0,
  };
}
