/**
 * A filling at its beginning: what the merged record shows, and what the app knows and the officer need not type.
 *
 * The counterpart of field_forms/client/opening.py. The shell has laid own sealed forms over the record already and has
 * fixed the context; what of the record a new visit begins with is decided here. Pure.
 */
import type { FormRequest, Json } from "../../contract";
import type { Part } from "../engine/instance";
import type { Sheet } from "../xform/sheet";
import type { Field } from "./definition";
import { rowsKey, type Answer, type FillingData, type State } from "./filling";

const OUTCOME = "visit_outcome";
const VISITS_MAX = 3;
const NOT_CARRIED_OVER = new Set(["keep_all", "derived"]);
const WIB_MS = 7 * 3_600_000;
const YES = "1";
const NO = "2";

interface Shown {
  household?: Record<string, Json>;
  persons?: { key: string; moved_to?: unknown; fields?: Record<string, Json> }[];
}

/** The day in western Indonesian time, the calendar of forms. */
export const dayOf = (time: Date): string => new Date(time.getTime() + WIB_MS).toISOString().slice(0, 10);

/** What a new form begins with. */
export function beginning(sheet: Sheet, fields: ReadonlyMap<string, Field>, request: FormRequest): FillingData {
  const data: FillingData = {
    opened: dayOf(request.now()), answers: {}, prefill: {}, rows: {}, typed: {}, kept: {},
  };
  if (request.change === null) {
    takeRecord(data, sheet, fields, (request.shown?.["data"] ?? request.shown ?? {}) as Shown);
    appAnswers(data, fields, request);
  } else changeAnswers(data, fields, request);
  return data;
}

function takeRecord(data: FillingData, sheet: Sheet, fields: ReadonlyMap<string, Field>, shown: Shown): void {
  take(data, fields, "h", shown.household ?? {});
  const roster = sheet.repeats.find((repeat) => sheet.questions.some(
    (question) => question.within === repeat.path && fields.get(question.key)?.scope === "p",
  ));
  if (roster === undefined) return;
  const present = (shown.persons ?? []).filter((person) => !person.moved_to);
  data.rows[rowsKey(roster.path, "h")] = present.map((person) => `p/${person.key}`);
  for (const person of present) take(data, fields, `p/${person.key}`, person.fields ?? {});
}

/** Cells of the record; a cell in conflict has no value and shows nothing. */
function take(data: FillingData, fields: ReadonlyMap<string, Field>, part: Part, cells: Record<string, Json>): void {
  for (const [name, cell] of Object.entries(cells)) {
    if (!carriedOver(fields, name) || cell === null || typeof cell !== "object" || Array.isArray(cell)) continue;
    if ("value" in cell) data.prefill[`${part}/${name}`] = { value: cell["value"] as Json };
    else if ("state" in cell) data.prefill[`${part}/${name}`] = { state: cell["state"] as State };
  }
}

/** Whether a new visit begins with the last answer to this question. */
export function carriedOver(fields: ReadonlyMap<string, Field>, name: string): boolean {
  const field = fields.get(name);
  if (field === undefined || field.type === "image" || field.type === "calculate") return false;
  if (NOT_CARRIED_OVER.has(field.policy ?? "ask")) return false;
  const outcome = fields.get(OUTCOME);
  return outcome === undefined || (name !== OUTCOME && (!outcome.unit || field.unit !== outcome.unit));
}

function appAnswers(data: FillingData, fields: ReadonlyMap<string, Field>, request: FormRequest): void {
  const wanted: Record<string, Json> = {
    visit_date: data.opened, visit_no: Math.min(request.visits + 1, VISITS_MAX),
  };
  if (!("h/village_code" in data.prefill)) wanted["village_code"] = request.target.area;
  if (!request.listed) wanted["prelist_mode"] = "2";
  else if (!("h/prelist_mode" in data.prefill)) wanted["prelist_mode"] = "1";
  for (const [name, value] of Object.entries(wanted)) {
    const field = fields.get(name);
    if (field !== undefined) data.answers[`${field.scope === "e" ? "e" : "h"}/${name}`] = { value };
  }
}

/** The type, the village and who it is about (field_forms/client/change.py, `_defaults`). */
function changeAnswers(data: FillingData, fields: ReadonlyMap<string, Field>, request: FormRequest): void {
  const { change } = request;
  if (change === null) return;
  const known = (path: string): Json => change.known[path]?.value ?? null;
  const wanted: Record<string, Json> = {
    event_type: change.kind,
    village_code: change.origin?.area ?? request.target.area,
    subject_listed: change.persons.length > 0 ? YES : NO,
    family_id: change.origin === undefined ? known("h/family_id") : change.origin.familyId,
  };
  if (change.persons.length === 1) {
    wanted["subject_name"] = known(`p/${change.persons[0]}/m_name`);
    wanted["subject_nik"] = known(`p/${change.persons[0]}/nik`);
  }
  for (const [name, value] of Object.entries(wanted)) {
    const field = fields.get(name);
    if (field !== undefined && value !== null && value !== "") data.answers[`${field.scope}/${name}`] = { value };
  }
}

/** A draft that was begun on an older version of the form: answers move to the present names of their questions. */
export function moved(data: FillingData, fields: ReadonlyMap<string, Field>): FillingData {
  const present = new Map<string, string>();
  for (const field of fields.values()) for (const alias of field.aliases ?? []) present.set(`${field.scope}/${alias}`, field.name);
  const renamed = (store: Record<string, Answer>): Record<string, Answer> =>
    Object.fromEntries(Object.entries(store).map(([path, answer]) => {
      const [part, name] = [path.slice(0, path.lastIndexOf("/")), path.slice(path.lastIndexOf("/") + 1)];
      const scope = part.startsWith("p/") ? "p" : part;
      return [`${part}/${present.get(`${scope}/${name}`) ?? name}`, answer];
    }));
  return { ...data, answers: renamed(data.answers), prefill: renamed(data.prefill) };
}

/** Rows that a form begins with where no record says otherwise: one of each repeat that people add to, as ODK has it. */
export function firstRows(
  data: FillingData, sheet: Sheet, fields: ReadonlyMap<string, Field>, outermost: Part, newRow: () => Part,
): void {
  const begin = (within: string, part: Part): void => {
    for (const repeat of sheet.repeats.filter((each) => each.within === within && !each.counted)) {
      const persons = sheet.questions.some((q) => q.within === repeat.path && fields.get(q.key)?.scope === "p");
      const rows = (data.rows[rowsKey(repeat.path, part)] ??= persons ? [] : [newRow()]);
      for (const row of rows) begin(repeat.path, row);
    }
  };
  begin("", outermost);
}
