/** A published form as the pages need it: read once and kept, because every family of a day is asked the same one. */
import type { FormDefinition, FormRequest } from "../contract";
import { load, type LoadedForm } from "./engine/engine";
import { fieldsOf, type Field } from "./model/definition";
import { readCsv, type CsvRow } from "./xform/csv";
import { parseXForm, readSheet } from "./xform/read_sheet";
import type { Sheet } from "./xform/sheet";
import { slimForm, type SlimForm } from "./xform/slim";

export interface ReadForm {
  readonly sheet: Sheet;
  readonly slim: SlimForm;
  readonly fields: ReadonlyMap<string, Field>;
}

const KEPT_MAX = 4;
const kept = new Map<string, ReadForm>();

/** The form of a definition and its XForm. Raises `XFormUnreadable`. */
export function readForm(definition: FormDefinition, xform: string): ReadForm {
  const key = `${definition.hash} ${xform}`;
  const found = kept.get(key);
  if (found !== undefined) return found;
  const fields = new Map(fieldsOf(definition).map((field) => [field.name, field]));
  const known = new Map([...fields.values()].map((field) => [field.name, field.policy === "derived"]));
  const sheet = readSheet(parseXForm(xform), known);
  const read = { sheet, fields, slim: slimForm(parseXForm(xform), sheet, fields) };
  if (kept.size >= KEPT_MAX) kept.delete(kept.keys().next().value!);
  kept.set(key, read);
  return read;
}

/** Rows of the form's files of choices, by id of the list. */
export function fileRows(sheet: Sheet, media: Readonly<Record<string, string>>): Record<string, CsvRow[]> {
  return Object.fromEntries(Object.entries(sheet.files).map(([id, name]) => [id, readCsv(media[name] ?? "")]));
}

/** The form in the engine, for one opening. */
export const loadForOpening = (read: ReadForm, request: FormRequest): Promise<LoadedForm> => load(read.slim, request.media);
