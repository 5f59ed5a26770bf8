/**
 * The compiled definition of a form, as schemas/form.py writes it: what of a question the XForm does not tell.
 *
 * A form that was not compiled by Padan has no fields; `fieldFor` then makes one from the question alone.
 */
import type { FormDefinition } from "../../contract";
import type { Question } from "../xform/sheet";

export type Scope = "h" | "p" | "e";
export type FieldType =
  | "text" | "integer" | "decimal" | "date" | "time" | "select_one" | "select_multiple" | "geopoint" | "image"
  | "calculate";

export interface EvidenceRule {
  readonly constant: number;
  readonly source?: string;
  readonly levels?: Readonly<Record<string, number>>;
}

/** One question (schemas/question.py, `Field`). What is not there has its default. */
export interface Field {
  readonly name: string;
  readonly scope: Scope;
  readonly type: FieldType;
  readonly policy?: string;
  readonly unit?: string;
  readonly evidence?: EvidenceRule;
  readonly list_name?: string;
  readonly media?: string;
  readonly required?: string;
  readonly relevant?: string;
  readonly constraint?: string;
  readonly constraint_message_id?: string;
  readonly constraint_message_en?: string;
  readonly warning?: string;
  readonly warning_message_id?: string;
  readonly warning_message_en?: string;
  readonly calculation?: string;
  readonly readonly?: boolean;
  readonly exclusive?: readonly string[];
  readonly aliases?: readonly string[];
  readonly label_id?: string;
  readonly label_en?: string;
}

interface RowJson {
  kind: string;
  name: string;
  field?: Field;
}

export interface ChoiceJson {
  name: string;
  id: string;
  en: string;
  retired?: boolean;
}

/** Questions and calculations in the sheet's order. */
export function fieldsOf(definition: FormDefinition): Field[] {
  const rows = (definition["rows"] ?? []) as RowJson[];
  return rows.flatMap((row) => (row.field === undefined ? [] : [row.field]));
}

/** Choice lists of the form, retired codes too. */
export function choicesOf(definition: FormDefinition): Record<string, ChoiceJson[]> {
  return (definition["choices"] ?? {}) as Record<string, ChoiceJson[]>;
}

const TYPES: Partial<Record<Question["control"], FieldType>> = {
  integer: "integer", decimal: "decimal", date: "date", time: "time", one: "select_one", many: "select_multiple",
  geopoint: "geopoint", photo: "image", signature: "image", file: "image",
};

/** The field of a question that no definition knows: its answer is kept with the event and merged with nothing. */
export function fieldFor(question: Question): Field {
  const decimal = /\./.test((question.parameters["step"] ?? "") + (question.parameters["start"] ?? ""));
  const range: FieldType = decimal ? "decimal" : "integer";
  const type = question.control === "range" ? range : (TYPES[question.control] ?? "text");
  return { name: question.key, scope: "e", type, policy: "keep_all", readonly: question.readonly };
}

/** Evidence (0-5) of an answer given beside others (`EvidenceRule.level`). `told`: the value of a question by name. */
export function evidenceLevel(rule: EvidenceRule | undefined, told: (name: string) => unknown): number {
  if (rule === undefined) return 1;
  if (!rule.source) return rule.constant;
  const answer = told(rule.source);
  return typeof answer === "string" ? (rule.levels?.[answer] ?? rule.constant) : rule.constant;
}
