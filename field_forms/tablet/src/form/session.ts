/**
 * One opening of a form: from the request to a filling with the engine behind it, and every change on its way to the disk.
 *
 * Draws nothing. What is fixed at opening (event id, context, prefilled answers) is copied into each draft and never
 * changed.
 */
import type { Draft, FormHost, FormRequest, SealAnswers } from "../contract";
import { Engine, RuleBroken, type LoadedForm, type RowsOf } from "./engine/engine";
import { instanceXml, type InstanceContent } from "./engine/instance";
import { defaultsOf, firstLoadTexts } from "./engine/first_load";
import { isAsked } from "./model/assertions";
import { Filling, newRow, pathOf, rowsKey, says, type Cell, type FillingData } from "./model/filling";
import { beginning, firstRows, moved } from "./model/opening";
import { personName, remarks, type Remark, type Surroundings } from "./model/remarks";
import { sealAnswers } from "./model/sealing";
import { readTyped, valueOf } from "./model/values";
import { fileRows, loadForOpening, readForm, type ReadForm } from "./read_form";
import type { CsvRow } from "./xform/csv";

/** Where the officer is: a page, inside of it a row, on it a question. */
export interface Place {
  page: number;
  rows: string[];
  scroll: number;
}

interface Saved {
  v: 1;
  filling: FillingData;
}

export interface Session {
  readonly request: FormRequest;
  readonly read: ReadForm;
  readonly filling: Filling;
  readonly around: Surroundings;
  /** Rows of the form's files of choices, by id of the list. */
  readonly files: Readonly<Record<string, readonly CsvRow[]>>;
}

/** Open a form, new or as it was left. Raises `RuleBroken`, `XFormUnreadable`. */
export async function openSession(request: FormRequest): Promise<Session> {
  const read = readForm(request.definition, request.xform);
  const { sheet, fields } = read;
  const loading = loadForOpening(read, request);
  const saved = (request.draft?.instance ?? undefined) as Saved | undefined;
  const data = saved === undefined ? beginning(sheet, fields, request) : afterDrift(saved.filling, request, fields);
  const filling = new Filling(sheet, fields, data);
  filling.defaults = defaultsOf(read.slim.instance, sheet);
  const rowsOf = (path: string, part: string) => data.rows[rowsKey(path, part)] ?? [];
  if (saved === undefined) await begin(filling, read, request, rowsOf);
  await restore(filling, read, request, await loading, rowsOf);
  const districts = request.districts ? new Set(request.districts) : null;
  settleTyped(filling);
  return { request, read, filling, around: { districts, area: request.target.area }, files: fileRows(sheet, request.media) };
}

async function begin(
  filling: Filling, read: ReadForm, request: FormRequest, rowsOf: RowsOf,
): Promise<void> {
  const { data, sheet } = filling;
  firstRows(data, sheet, read.fields, filling.outermost, newRow);
  const told = sheet.firstLoad ? await firstLoadTexts(read, request, filling.outermost, data.opened, rowsOf) : new Map<string, string>();
  for (const { part, question } of filling.cells()) {
    const path = pathOf({ part, question });
    const text = told.get(path) ?? filling.defaults.get(question.path) ?? "";
    if (text === "" || question.calculated || filling.answer(path) !== undefined) continue;
    data.answers[path] = { value: valueOf(filling.field(question).type, text) };
  }
  const stamps: Record<string, string> = {
    start: request.now().toISOString(), today: data.opened, username: request.officer.id,
  };
  for (const meta of sheet.metas) {
    const text = stamps[meta.what] ?? told.get(`${filling.outermost}/${meta.key}`) ?? "";
    if (text !== "") data.kept[`${filling.outermost}/${meta.key}`] = text;
  }
}

/** Puts the engine behind the filling. Raises `RuleBroken` where a rule cannot be computed even without answers. */
async function restore(
  filling: Filling, read: ReadForm, request: FormRequest, loaded: LoadedForm, rowsOf: RowsOf,
): Promise<void> {
  const { sheet, slim } = read;
  const xml = (text: InstanceContent["text"]): string => instanceXml(sheet, slim, {
    text,
    rows: (repeat, part) => rowsOf(repeat.path, part),
    outermost: filling.outermost,
    opened: filling.data.opened,
    instanceId: `uuid:${request.fixed.eventId}`,
  });
  const answered = xml((part, key) => filling.instanceText(part, key));
  try {
    filling.attach(await Engine.restore(loaded, answered, sheet, slim, filling.outermost, rowsOf));
  } catch (error) {
    if (!(error instanceof RuleBroken)) throw error;
    // A rule breaks on these answers. The form is opened empty and told them one by one: only that rule is missing then.
    const again = await loadForOpening(read, request);
    filling.attach(await Engine.restore(again, xml(() => ""), sheet, slim, filling.outermost, rowsOf));
    filling.broken = error.message;
    filling.tellAll();
  }
}

/** What was typed when the tablet went dark becomes an answer, where it is one already. */
function settleTyped(filling: Filling): void {
  for (const cell of filling.cells()) {
    const text = filling.data.typed[pathOf(cell)];
    const read = text === undefined ? null : readTyped(cell.question.control, text);
    if (read?.ok && read.value !== null) filling.setValue(cell, read.value);
  }
}

/** A draft of an older version: what it was answered under former names is found under the present ones. */
function afterDrift(data: FillingData, request: FormRequest, fields: ReadForm["fields"]): FillingData {
  return request.draft?.formVersion === request.definition.version ? data : moved(data, fields);
}

/** The session on its way to the disk. */
export class Keeper {
  #dirty = false;
  #saving: Promise<void> | null = null;
  #closed = false;
  /** Called when saving failed, with the shell's sentence, and with null when it works again. */
  onProblem: (sentence: string | null) => void = () => undefined;

  constructor(
    readonly session: Session,
    readonly host: FormHost,
    public place: Place,
    readonly summary: () => Draft["summary"],
  ) {}

  /** Something changed. Saved at once; what changes while it is being saved is saved right after. */
  changed(): void {
    this.#dirty = true;
    if (this.#saving === null && !this.#closed) this.#saving = this.#run();
  }

  /** Resolves when everything is saved. */
  async flush(): Promise<void> {
    while (this.#saving !== null) await this.#saving;
  }

  /** Nothing is saved any more: the form was sealed or thrown away. */
  close(): void {
    this.#closed = true;
  }

  draft(): Draft {
    const { request, filling } = this.session;
    const saved: Saved = { v: 1, filling: filling.data };
    const files = Object.values(filling.data.answers).flatMap((answer) => (answer.file ? [answer.file.name] : []));
    return {
      eventId: request.fixed.eventId,
      formId: request.definition.id,
      formVersion: request.definition.version,
      context: request.fixed.context,
      notBefore: request.fixed.notBefore,
      instance: saved,
      place: this.place,
      summary: this.summary(),
      files: [...new Set(files)],
    };
  }

  async #run(): Promise<void> {
    // A tick of its own: what one tap changes together is saved together.
    await Promise.resolve();
    while (this.#dirty && !this.#closed) {
      this.#dirty = false;
      try {
        await this.host.saveDraft(structuredClone(this.draft()));
        this.onProblem(null);
      } catch (error) {
        this.onProblem(error instanceof Error ? error.message : String(error));
      }
    }
    this.#saving = null;
  }
}

/** What the list shows of a form: who it is about, how far it is. */
export function summaryOf(session: Session, found: readonly Remark[]): Draft["summary"] {
  const { filling } = session;
  const asked = filling.cells().filter((cell) => isAsked(filling, cell.question) && filling.relevant(cell));
  const counted = asked.filter((cell) => isCounted(filling, cell));
  return {
    name: nameOf(session),
    done: counted.filter((cell) => says(filling.answer(pathOf(cell)))).length,
    total: counted.length,
    errors: found.filter((remark) => remark.blocks).length,
  };
}

/** Progress counts what has to be answered; a remark that may stay empty would keep it below all for ever. */
const isCounted = (filling: Filling, cell: Cell): boolean => filling.engine.required(cell.part, cell.question.path);

function nameOf({ filling, request }: Session): string {
  const head = filling.raw(filling.outermost, "head_name") ?? filling.raw(filling.outermost, "subject_name");
  if (typeof head === "string" && head !== "") return head;
  const first = filling.sheet.repeats.flatMap((repeat) => filling.rows(repeat, filling.outermost));
  return first.map((part) => personName(filling, part)).find((name) => name !== "") ?? request.definition.id;
}

export const allRemarks = (session: Session): Remark[] => remarks(session.filling, session.around);

export function sealable(session: Session): SealAnswers {
  const { request, filling } = session;
  return sealAnswers(filling, {
    household: request.target.householdId, area: request.target.area, corrects: request.corrects, change: request.change,
  });
}
