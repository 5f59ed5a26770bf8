/**
 * What a form says when it is sealed: touched, confirmed, untouched; units; evidence (docs/merge.md).
 *
 * Pure functions over a filling; the counterpart of `Filled.assertions` in field_forms/client/filling.py, with which
 * tests/tablet/form/test_same_as_python.py compares every part byte for byte.
 */
import type { Assertion } from "../../contract";
import { evidenceLevel } from "./definition";
import { pathOf, says, type Cell, type Filling } from "./filling";
import type { Part } from "../engine/instance";
import type { Question } from "../xform/sheet";

export type Corrects = Readonly<Record<string, string>>;
export type Assertions = Record<string, Assertion>;

/** Part -> question -> assertion. `corrects`: path -> ref of the own event whose answer there is corrected. */
export function assertions(filling: Filling, corrects: Corrects = {}): Map<Part, Assertions> {
  const chosen = new Map<Part, Assertions>();
  for (const cell of filling.cells()) {
    if (!isAsserted(filling, cell)) continue;
    const fields = chosen.get(cell.part) ?? {};
    chosen.set(cell.part, fields);
    assert(filling, fields, cell, corrects);
  }
  for (const [part, fields] of chosen) completeUnits(filling, part, fields, corrects);
  return chosen;
}

/** Whether a question is one that the officer answers: not computed, not derived. */
export function isAsked(filling: Filling, question: Question): boolean {
  const field = filling.field(question);
  return field.type !== "calculate" && field.policy !== "derived" && !question.calculated;
}

/** Whether a prefilled answer is confirmed: its evidence question was answered in this visit. */
export function isConfirmed(filling: Filling, { part, question }: Cell): boolean {
  const source = filling.field(question).evidence?.source;
  if (!source) return false;
  const told = filling.byKey.get(source);
  return told !== undefined && filling.data.answers[`${part}/${source}`] !== undefined
    && filling.relevant({ part, question: told });
}

function isAsserted(filling: Filling, cell: Cell): boolean {
  if (!isAsked(filling, cell.question) || !filling.relevant(cell)) return false;
  const path = pathOf(cell);
  return says(filling.answer(path)) && (filling.touched(path) || isConfirmed(filling, cell));
}

function assert(filling: Filling, fields: Assertions, cell: Cell, corrects: Corrects): void {
  const path = pathOf(cell);
  const answer = filling.answer(path) ?? {};
  const field = filling.field(cell.question);
  const evidence = evidenceLevel(field.evidence, (name) => filling.told(cell.part, name));
  const said: Assertion = answer.state === undefined
    ? { evidence, value: answer.value ?? null }
    : { evidence, state: answer.state };
  const ref = filling.touched(path) ? corrects[path] : undefined;
  fields[field.name] = ref === undefined ? said : { ...said, corrects: ref };
}

/** A unit is asserted whole and has one evidence, its lowest: no merge states what nobody said. */
function completeUnits(filling: Filling, part: Part, fields: Assertions, corrects: Corrects): void {
  const cells = filling.sheet.questions
    .filter((question) => (question.within === "") === (part === filling.outermost))
    .map((question) => ({ part, question }))
    .filter((cell) => filling.field(cell.question).unit);
  const unitOf = (cell: Cell) => filling.field(cell.question).unit!;
  const nameOf = (cell: Cell) => filling.field(cell.question).name;
  const units = new Set(cells.filter((cell) => nameOf(cell) in fields).map(unitOf));
  for (const unit of units) {
    const members = cells.filter((cell) => unitOf(cell) === unit);
    for (const cell of members) {
      if (!(nameOf(cell) in fields) && says(filling.answer(pathOf(cell))) && filling.relevant(cell)) {
        assert(filling, fields, cell, corrects);
      }
    }
    const inside = members.map(nameOf).filter((name) => name in fields);
    const lowest = Math.min(...inside.map((name) => fields[name]!.evidence));
    for (const name of inside) fields[name] = { ...fields[name]!, evidence: lowest };
  }
}
