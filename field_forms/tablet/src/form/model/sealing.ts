/** From a filling to what the shell seals. Pure. */
import type { Assertion, ChangeTarget, SealAnswers } from "../../contract";
import { assertions } from "./assertions";
import { changeOf } from "./change";
import { pathOf, rowsKey, type Filling } from "./filling";
import { valueOf } from "./values";

export interface SealingContext {
  household: string;
  /** Village of the record, where the form does not ask for one. */
  area: string;
  corrects: Readonly<Record<string, string>> | null;
  change: ChangeTarget | null;
}

/** What the event says. Raises `ChangeProblem` where a change lacks what its type needs. */
export function sealAnswers(filling: Filling, context: SealingContext): SealAnswers {
  const { change } = context;
  if (change !== null) {
    const made = changeOf(filling, change, context.household);
    const also = made.also.map((id) => ({ household_id: id, home_region: change.regions[id] ?? "" }));
    const parts = made.parts.map((part) => ({ ...part, text: {} }));
    return { ...common(filling, context, parts), body: made.body, kind: "change", also };
  }
  const chosen = filling.outermost === "h" ? assertions(filling, context.corrects ?? {}) : asOnePart(filling);
  const parts = [...chosen].map(([name, fields]) => ({ name, assertions: fields, text: {} }));
  return { ...common(filling, context, parts), body: {}, kind: "submission", also: [] };
}

function common(filling: Filling, context: SealingContext, parts: SealAnswers["parts"]) {
  const asserted = new Set(parts.flatMap((part) => Object.keys(part.assertions).map((name) => `${part.name}/${name}`)));
  const attachments: SealAnswers["attachments"] = {};
  for (const cell of filling.cells()) {
    const file = filling.data.answers[pathOf(cell)]?.file;
    const path = eventPath(filling, cell.part, filling.field(cell.question).name);
    if (file !== undefined && asserted.has(path)) {
      attachments[path] = { file: file.name, sha256: file.sha256, bytes: file.bytes, mime: file.mime };
    }
  }
  return { area: areaOf(filling, context.area), parts, attachments };
}

/** The village that the officer says the visit was in, else that of the record. */
function areaOf(filling: Filling, area: string): string {
  const told = filling.raw(filling.outermost, "village_code");
  return typeof told === "string" && told !== "" ? told : area;
}

/**
 * A form that is about no household: all its answers stand in one part, kept with the event and merged with nothing.
 * A question in a repeat carries the number of its row: `crop.2.yield_kg`.
 */
function asOnePart(filling: Filling): Map<string, Record<string, Assertion>> {
  const fields: Record<string, Assertion> = {};
  for (const [part, given] of assertions(filling)) {
    for (const [name, assertion] of Object.entries(given)) fields[numbered(filling, part, name)] = assertion;
  }
  for (const calculation of filling.sheet.calculations) {
    const question = filling.byKey.get(calculation.key);
    const parts = calculation.within === "" ? [filling.outermost] : partsWithin(filling, calculation.within);
    for (const part of parts) {
      const text = filling.engine.text(part, calculation.path);
      const value = question === undefined ? text : valueOf(filling.field(question).type, text);
      if (text !== "") fields[numbered(filling, part, calculation.key)] = { evidence: 1, value };
    }
  }
  return new Map(Object.keys(fields).length === 0 ? [] : [["e", fields]]);
}

function partsWithin(filling: Filling, repeatPath: string): string[] {
  const repeat = filling.sheet.repeats.find((each) => each.path === repeatPath)!;
  const parents = repeat.within === "" ? [filling.outermost] : partsWithin(filling, repeat.within);
  return parents.flatMap((parent) => filling.rows(repeat, parent));
}

function eventPath(filling: Filling, part: string, name: string): string {
  return filling.outermost === "h" || part === filling.outermost ? `${part}/${name}` : `e/${numbered(filling, part, name)}`;
}

/** `yield_kg` in the third row of `crop` in the second of `plot` is `plot.2.crop.3.yield_kg`. */
function numbered(filling: Filling, part: string, name: string): string {
  for (const repeat of filling.sheet.repeats) {
    for (const [key, rows] of Object.entries(filling.data.rows)) {
      const index = key.startsWith(`${repeat.path} `) ? rows.indexOf(part) : -1;
      if (index < 0) continue;
      const outer = key.slice(rowsKey(repeat.path, "").length);
      return numbered(filling, outer, `${repeat.name}.${index + 1}.${name}`);
    }
  }
  return name;
}
