/** The members, and rows of other repeats: cards to look over, then one at a time. */
import { useState } from "preact/hooks";
import type { Part } from "../engine/instance";
import { isAsked } from "../model/assertions";
import { pathOf, says } from "../model/filling";
import type { Repeat } from "../xform/sheet";
import { Ask } from "./overlay";
import { plainText } from "./rich";
import type { View } from "./view";

export function Rows({ view, repeat, part }: { view: View; repeat: Repeat; part: Part }) {
  const { filling, words } = view;
  const rows = filling.rows(repeat, part);
  const title = plainText(view.text(repeat.label, part, repeat.path));
  return (
    <section class="pf-rows" aria-label={title || undefined}>
      {rows.length === 0 && <p class="pf-hint">{words.noRows}</p>}
      <ul>{rows.map((row) => <li key={row}><Card view={view} repeat={repeat} row={row} /></li>)}</ul>
      {!repeat.counted && (
        <button type="button" class="pf-button pf-add" onClick={() => view.addRow(repeat, part)}>
          + {view.isRoster(repeat) ? words.addMember : words.add(title || repeat.name)}
        </button>
      )}
    </section>
  );
}

function Card({ view, repeat, row }: { view: View; repeat: Repeat; row: Part }) {
  const { filling, words } = view;
  const cells = filling.cells(repeat.items, row).filter((cell) => isAsked(filling, cell.question) && filling.relevant(cell));
  const needed = cells.filter((cell) => filling.engine.required(cell.part, cell.question.path));
  const missing = needed.filter((cell) => !says(filling.answer(pathOf(cell)))).length;
  const wrong = view.remarks.filter((remark) => remark.blocks && remark.code !== "required" && inside(view, remark.cell.part, row)).length;
  const comments = [...view.comments.keys()].filter((path) => path.startsWith(`${row}/`)).length;
  const gone = view.isRoster(repeat) ? words.presence[String(filling.raw(row, "presence")) as "2"] : undefined;
  return (
    <button type="button" class="pf-card" data-gone={gone !== undefined || undefined} onClick={() => view.openRow(row)}>
      <span class="pf-card-name">{view.rowName(repeat, row)}</span>
      <span class="pf-card-about">{aboutPerson(view, repeat, row)}</span>
      <span class="pf-card-state">
        {comments > 0 && <span class="pf-chip pf-changed">{words.comments(comments)}</span>}
        {gone !== undefined && <span class="pf-chip pf-prefilled">{gone}</span>}
        {isNew(view, row) && <span class="pf-chip pf-confirmed">{words.newMember}</span>}
        {wrong > 0 ? <span class="pf-chip pf-blocks">{words.rowErrors(wrong)}</span>
          : missing > 0 ? <span class="pf-chip pf-prefilled">{words.rowOpen}</span>
          : <span class="pf-chip pf-confirmed">✓ {words.rowDone}</span>}
      </span>
    </button>
  );
}

/** Relation, age and whether the NIK is there: enough to know which of two Sitis it is. */
function aboutPerson(view: View, repeat: Repeat, row: Part): string {
  if (!view.isRoster(repeat)) return "";
  const pieces: string[] = [];
  const relation = view.filling.byKey.get("relation");
  const code = view.filling.raw(row, "relation");
  if (relation !== undefined && typeof code === "string") pieces.push(view.choiceLabel({ part: row, question: relation }, code));
  const age = view.filling.computed(row, "age");
  if (/^\d+$/.test(age)) pieces.push(view.words.age(Number(age)));
  const origin = row.split("/")[1];
  if (origin !== undefined && origin !== view.session.request.target.householdId && !isNew(view, row)) {
    const known = Object.keys(view.filling.data.prefill).some((path) => path.startsWith(`${row}/`));
    if (known && !view.originIsOwn(origin)) pieces.push(view.words.otherFamily);
  }
  return pieces.join(" · ");
}

/** Whether a row was added in this form: only such a one can be taken out again. */
export function isNew(view: View, row: Part): boolean {
  return row.startsWith("p/") && !Object.keys(view.filling.data.prefill).some((path) => path.startsWith(`${row}/`));
}

function inside(view: View, part: Part, row: Part): boolean {
  return part === row || view.rowsAround(part).includes(row);
}

/** At the end of a row's page: the next one, the list, and taking the row out. */
export function RowEnd({ view, repeat, row }: { view: View; repeat: Repeat; row: Part }) {
  const { words } = view;
  const [asked, setAsked] = useState(false);
  const removable = !repeat.counted && (isNew(view, row) || !row.startsWith("p/"));
  if (!removable) return null;
  return (
    <div class="pf-row-end">
      <button type="button" class="pf-button" onClick={() => setAsked(true)}>{words.removeRow}</button>
      {asked && (
        <Ask
          title={words.removeAsk(view.rowName(repeat, row))} yes={words.removeRow} words={words}
          onYes={() => view.removeRow(repeat, row)} onNo={() => setAsked(false)}
        />
      )}
    </div>
  );
}
