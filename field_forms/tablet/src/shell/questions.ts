/** What a path is called on the screen: the question's label, and whose it is. */
import type { RecordData } from "../field/record";
import { VISIT_FORM } from "../field/app";
import type { OfficerStore } from "../store/officer";
import type { App } from "./app";

interface QuestionRow {
  name: string;
  label_id?: string;
  label_en?: string;
  field?: { label_id?: string; label_en?: string };
}

/** Labels by path, from the present visit form. */
export async function questionNames(app: App, store: OfficerStore, data: RecordData | null): Promise<(path: string) => string> {
  const head = store.forms.current(VISIT_FORM);
  const form = head && (await store.forms.get(head.id, head.version));
  const rows = ((form?.definition["rows"] ?? []) as QuestionRow[]).filter((each) => each.name);
  const key = app.language.value === "id" ? "label_id" : "label_en";
  const labels = new Map(rows.map((row) => [row.name, row.field?.[key] || row[key] || row.name]));
  return (path) => {
    const at = path.lastIndexOf("/");
    const label = labels.get(path.slice(at + 1)) ?? path.slice(at + 1);
    const person = data?.persons.find((each) => path.slice(0, at) === `p/${each.key}`);
    const name = person?.fields["m_name"]?.value;
    return typeof name === "string" ? `${name}: ${label}` : label;
  };
}
