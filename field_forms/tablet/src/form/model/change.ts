/**
 * What a change event (birth, death, move, split, correction, work accident) says about household and persons. Pure.
 *
 * The counterpart of schemas/changes.py; tests/tablet/form/test_same_as_python.py feeds both the same events. Every
 * answer is kept with the event (part `e`, never merged); what changes the record is asserted beside it, and moves stand
 * in the body, without personal data.
 */
import type { Assertion, ChangeTarget, FormDefinition, Json } from "../../contract";
import { evidenceLevel, fieldsOf, type Field } from "./definition";
import { says, pathOf, type Filling } from "./filling";
import { isEmpty } from "./values";

/** The event lacks what its type needs; the code is a word of `words.ts`. */
export class ChangeProblem extends Error {}

export interface ChangePart {
  name: string;
  assertions: Record<string, Assertion>;
}

export interface Change {
  parts: ChangePart[];
  body: Record<string, Json>;
  /** Ids of the other households it is filed under. */
  also: string[];
}

const [PRESENT, DEAD, MOVED, ABROAD, NEW_MEMBER] = ["1", "2", "3", "4", "5"];
const MOVE_ABROAD = "6";
const NOT_REGISTERED_YET = "1";
const OUTSIDE = "outside";
const VERIFIED = 5;
const CORRECTED: Record<string, ["p" | "h", string]> = {
  nik: ["p", "nik"], name: ["p", "m_name"], birth_date: ["p", "birth_date"], sex: ["p", "sex"], no_kk: ["h", "no_kk"],
  address: ["h", "address"],
};

/** The content of a change event. `household`: whose record it is filed under. Raises `ChangeProblem`. */
export function changeOf(filling: Filling, target: ChangeTarget, household: string): Change {
  const told = new Told(filling);
  const kind = told.text("event_type");
  const maker = MAKERS[kind];
  if (maker === undefined) throw new ChangeProblem("change_kind");
  const change = maker(told, target, household);
  const parts = change.parts.filter((part) => Object.keys(part.assertions).length > 0);
  return {
    parts: [...parts, { name: "e", assertions: told.assertions() }],
    body: { type: kind, ...change.body },
    also: change.also,
  };
}

/** The answers that are relevant, with the evidence of each. */
class Told {
  readonly #answers = new Map<string, { field: Field; value?: Json; state?: Assertion["state"] }>();

  constructor(filling: Filling) {
    for (const cell of filling.cells()) {
      const answer = filling.data.answers[pathOf(cell)];
      const field = filling.field(cell.question);
      if (!says(answer) || field.type === "calculate" || !filling.relevant(cell)) continue;
      this.#answers.set(field.name, { field, value: answer.value, state: answer.state });
    }
  }

  text(name: string): string {
    const value = this.#answers.get(name)?.value;
    return typeof value === "string" ? value : "";
  }

  evidence(name: string): number {
    const told = this.#answers.get(name);
    return told === undefined ? 1 : evidenceLevel(told.field.evidence, (each) => this.#answers.get(each)?.value);
  }

  assertions(): Record<string, Assertion> {
    return Object.fromEntries([...this.#answers].map(([name, { value, state }]) => {
      const evidence = this.evidence(name);
      return [name, state === undefined ? { evidence, value: value ?? null } : { evidence, state }];
    }));
  }

  /** An assertion on the evidence of `source`: its own answer, or `value`. */
  asserts(source: string, value?: Json): Assertion {
    return { evidence: this.evidence(source), value: value ?? this.text(source) };
  }
}

type Maker = (told: Told, target: ChangeTarget, household: string) => Change;
const plain = (value: Json, evidence = 1): Assertion => ({ evidence, value });
const person = (key: string): string => `p/${key}`;

const MAKERS: Record<string, Maker> = {
  birth(told, target, household) {
    const key = newKey(target, household);
    const fields = newcomer(told, "event_date");
    if (told.text("child_nik") !== "") {
      fields["nik"] = told.asserts("child_nik");
      fields["nik_status"] = plain(nikStatus(told), told.evidence("child_nik"));
    } else {
      fields["nik_status"] = plain("3");
      fields["no_nik_reason"] = plain(NOT_REGISTERED_YET);
    }
    return { parts: [{ name: person(key), assertions: fields }], body: { person: key }, also: [] };
  },
  death(told, target) {
    const key = onePerson(target);
    const assertions = { presence: told.asserts("event_date", DEAD), death_date: told.asserts("event_date") };
    return { parts: [{ name: person(key), assertions }], body: { person: key }, also: [] };
  },
  move_out(told, target, household) {
    if (target.persons.length === 0) {
      const key = newKey(target, household);
      const assertions = {
        ...newcomer(told, "subject_birth_date"), presence: told.asserts("event_date", gone(told)),
      };
      return { parts: [{ name: person(key), assertions }], body: { person: key, ...moves([key], OUTSIDE) }, also: [] };
    }
    if (target.to !== null) return moved(told, target, target.to, NEW_MEMBER!, [target.to]);
    const presence = told.asserts("event_date", gone(told));
    const parts = target.persons.map((key) => ({ name: person(key), assertions: { presence } }));
    return { parts, body: moves(target.persons, OUTSIDE), also: [] };
  },
  move_in(told, target, household) {
    const card: Record<string, Assertion> = told.text("new_no_kk") === "" ? {} : { no_kk: told.asserts("new_no_kk") };
    if (target.persons.length > 0) {
      const also = target.from === null || target.from === household ? [] : [target.from];
      const change = moved(told, target, household, NEW_MEMBER!, also);
      return { ...change, parts: [{ name: "h", assertions: card }, ...change.parts] };
    }
    const key = newKey(target, household);
    const fields = newcomer(told, "subject_birth_date");
    if (told.text("subject_nik") !== "") {
      fields["nik"] = told.asserts("subject_nik");
      fields["nik_status"] = plain(nikStatus(told), told.evidence("subject_nik"));
    }
    const parts = [{ name: "h", assertions: card }, { name: person(key), assertions: fields }];
    return { parts, body: { person: key }, also: [] };
  },
  split(told, target, household) {
    if (target.persons.length === 0) throw new ChangeProblem("change_some_persons");
    if (target.to === null || target.to === household) throw new ChangeProblem("change_new_family");
    return moved(told, target, target.to, PRESENT!, [target.to]);
  },
  correction(told, target) {
    const corrected = CORRECTED[told.text("corr_field")];
    if (corrected === undefined) throw new ChangeProblem("change_corrected");
    const [scope, name] = corrected;
    const key = scope === "p" ? onePerson(target) : null;
    const part = key === null ? "h" : person(key);
    const assertions = { [name]: correcting(told.asserts("corr_value"), target.known[`${part}/${name}`]) };
    for (const other of unitOf(target.visitForm, scope, name)) {
      const known = target.known[`${part}/${other}`];
      if (other !== name && known !== undefined) {
        assertions[other] = correcting(plain(known.value, told.evidence("corr_value")), known);
      }
    }
    return { parts: [{ name: part, assertions }], body: aboutPerson(key), also: [] };
  },
  work_accident(_, target) {
    const key = target.persons.length === 0 ? null : onePerson(target);
    return { parts: [], body: aboutPerson(key), also: [] };
  },
};

/** A person nobody has on record. */
function newcomer(told: Told, born: string): Record<string, Assertion> {
  const fields = {
    m_name: told.asserts("subject_name"), sex: told.asserts("subject_sex"), birth_date: told.asserts(born),
    relation: told.asserts("subject_relation"), presence: plain(NEW_MEMBER!),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, assertion]) => assertion.value !== ""));
}

/** A move carries the person's values: they are assertions in the household moved to. */
function moved(told: Told, target: ChangeTarget, to: string, presence: string, also: string[]): Change {
  const parts = target.persons.map((key) => {
    const prefix = `${person(key)}/`;
    const assertions: Record<string, Assertion> = {};
    for (const [path, known] of Object.entries(target.known)) {
      if (!path.startsWith(prefix) || isEmpty(known.value)) continue;
      assertions[path.slice(prefix.length)] = plain(known.value, Math.min(known.evidence, VERIFIED - 1));
    }
    assertions["presence"] = told.asserts("event_date", presence);
    if (told.text("subject_relation") !== "") assertions["relation"] = told.asserts("subject_relation");
    return { name: person(key), assertions };
  });
  return { parts, body: moves(target.persons, to), also };
}

/** Names of the unit that a question of the household form is in; only itself where it is in none. */
function unitOf(form: FormDefinition, scope: "h" | "p", name: string): string[] {
  const fields = fieldsOf(form).filter((field) => field.scope === scope);
  const unit = fields.find((field) => field.name === name)?.unit;
  return unit ? fields.filter((field) => field.unit === unit).map((field) => field.name) : [name];
}

function correcting(assertion: Assertion, known: { ref: string | null } | undefined): Assertion {
  return known?.ref == null ? assertion : { ...assertion, corrects: known.ref };
}

const gone = (told: Told): string => (told.text("move_scope") === MOVE_ABROAD ? ABROAD! : MOVED!);
const nikStatus = (told: Told): string => (told.text("doc_seen") === "1" ? "1" : "2");
const moves = (keys: readonly string[], to: string): Record<string, Json> => ({
  moves: [...keys].sort().map((key) => ({ person: key, to })),
});

const aboutPerson = (key: string | null): Record<string, Json> => (key === null ? {} : { person: key });

function newKey(target: ChangeTarget, household: string): string {
  if (target.newPerson === null) throw new ChangeProblem("change_new_person");
  return `${household}/${target.newPerson}`;
}

function onePerson(target: ChangeTarget): string {
  if (target.persons.length !== 1) throw new ChangeProblem("change_one_person");
  return target.persons[0]!;
}
