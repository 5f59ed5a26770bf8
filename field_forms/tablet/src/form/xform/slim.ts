/**
 * The XForm that the engine gets: the model with its rules, and nothing to look at.
 *
 * Our pages take texts and choices from the `Sheet`. An engine that has to make each label and each choice of each
 * member reactive needs four times as long to open a form (docs/figures.md, "The tablet"). So labels, hints and
 * lists go, each question becomes an `input` that holds a text, and what our pages have to ask of the engine is added as
 * hidden calculations beside the question it belongs to. Why: docs/decisions/0045.
 */
import type { Field } from "../model/definition";
import { JR, outputsOf } from "./read_texts";
import { CONTROLS, modelOf, primaryInstance } from "./read_sheet";
import type { Item, Question, Sheet } from "./sheet";
import { functionsOf, pathBetween, resolved, steps, tokens, withoutEmpty, withToday } from "./xpath";

/** Names of what is added. No question has such a name (field_forms/rows.py would take it, an XLSForm never has it). */
const ADDED = "padan__";
const TODAY = `${ADDED}today`;
const OPENED = `${ADDED}opened`;
const ACTIONS = new Set(["setvalue", "setgeopoint"]);
const EXPRESSIONS = ["relevant", "required", "readonly", "constraint", "calculate"];

export interface SlimForm {
  /** The XForm as the engine loads it. */
  readonly xml: string;
  /** Primary instance of `xml`; copied for each opening. */
  readonly instance: Element;
  /** Path of the node that holds the day on which the form was opened. */
  readonly openedPath: string;
  /** What stands in the place of `today()`. */
  readonly today: string;
  /** Question path -> path of its hidden list of choices, where choices depend on answers. */
  readonly optionPaths: ReadonlyMap<string, string>;
  /** Question path -> path of the node that says `1` where the answer is odd (column `warning`). */
  readonly warningPaths: ReadonlyMap<string, string>;
  /** Path of a question, group or note -> expression in its texts -> path of its value. */
  readonly outputPaths: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Ids of the files of choices that the engine itself reads. */
  readonly files: ReadonlySet<string>;
}

/** `document` is used up. `fields`: questions of the definition by name. */
export function slimForm(document: Document, sheet: Sheet, fields: ReadonlyMap<string, Field>): SlimForm {
  return new Slimmer(document, sheet, fields).run();
}

class Slimmer {
  readonly #model: Element;
  readonly #instance: Element;
  readonly #binds = new Map<string, Element>();
  readonly #controls = new Map<string, Element>();
  readonly #repeats: readonly string[];
  readonly #paths: ReadonlyMap<string, string>;
  readonly #named: ReadonlySet<string>;
  readonly #options = new Map<string, string>();
  readonly #warnings = new Map<string, string>();
  readonly #outputs = new Map<string, Map<string, string>>();

  constructor(
    readonly document: Document,
    readonly sheet: Sheet,
    readonly fields: ReadonlyMap<string, Field>,
  ) {
    this.#model = modelOf(document);
    this.#instance = primaryInstance(document);
    for (const bind of this.#model.getElementsByTagName("bind")) {
      this.#binds.set((bind.getAttribute("nodeset") ?? "").trim(), bind);
    }
    for (const control of this.#body().querySelectorAll([...CONTROLS].join(","))) {
      this.#controls.set((control.getAttribute("ref") ?? "").trim(), control);
    }
    this.#repeats = sheet.repeats.map((repeat) => repeat.path);
    this.#paths = new Map([...sheet.questions, ...sheet.calculations].map((each) => [each.key, each.path]));
    this.#named = this.#namedChoices();
  }

  run(): SlimForm {
    this.#addToday();
    for (const question of this.sheet.questions) this.#question(question);
    this.#allTexts(this.sheet.items);
    for (const bind of this.#binds.values()) this.#bind(bind);
    this.#dropTexts();
    const files = this.#dropLists();
    return {
      xml: new XMLSerializer().serializeToString(this.document),
      instance: this.#instance,
      openedPath: `/${this.sheet.root}/${OPENED}`,
      today: this.#today(),
      optionPaths: this.#options,
      warningPaths: this.#warnings,
      outputPaths: this.#outputs,
      files,
    };
  }

  /**
   * `today()` is the day of the visit as the officer says it, else the day the form was opened: never the tablet's clock
   * at the moment, which may be years off.
   */
  #addToday(): void {
    const root = `/${this.sheet.root}`;
    const opened = `${root}/${OPENED}`;
    this.#addNode(opened);
    const visit = this.#paths.get("visit_date");
    const day = visit === undefined ? `string(${opened})` : `if(string(${visit}) != '', string(${visit}), string(${opened}))`;
    this.#addCalculation(`${root}/${TODAY}`, day);
  }

  /** As text: the engine's own dates carry the zone of the year they are in, and before 1924 that is +07:07:12. */
  #today(): string {
    return `string(/${this.sheet.root}/${TODAY})`;
  }

  #rewritten(expression: string): string {
    return withoutEmpty(withToday(expression, this.#today()));
  }

  #question(question: Question): void {
    const field = this.fields.get(question.key);
    const bind = this.#binds.get(question.path);
    const derived = field?.policy === "derived" && field.calculation && !bind?.hasAttribute("calculate");
    if (derived && bind !== undefined) {
      bind.setAttribute("calculate", this.#fromDefinition(field.calculation!, question.path, "."));
    }
    if (field?.warning) {
      const path = besides(question.path, `warn_${question.name}`);
      const self = `../${question.name}`;
      const holds = this.#fromDefinition(field.warning, path, self);
      this.#addCalculation(path, `if(string(${self}) = '' or (${holds}), '', '1')`);
      this.#warnings.set(question.path, path);
    }
    const { choices } = question;
    if (choices !== null && (choices.filtered || choices.shuffled || choices.list === null)) this.#addOptions(question);
    if (!this.#named.has(question.path)) this.#toInput(question);
  }

  #fromDefinition(expression: string, from: string, self: string): string {
    const resolve = (name: string) => pathBetween(from, this.#paths.get(name) ?? "''", this.#repeats);
    return resolved(expression, resolve, self);
  }

  /** A hidden twin of a question whose choices depend on answers: the engine keeps its list, we keep the answer. */
  #addOptions(question: Question): void {
    const path = besides(question.path, `list_${question.name}`);
    const control = this.#controls.get(question.path);
    const itemset = [...(control?.children ?? [])].find((each) => each.localName === "itemset");
    if (control === undefined || itemset === undefined) return;
    this.#addNode(path);
    this.#addBind(path);
    const list = this.#make("select1");
    list.setAttribute("ref", path);
    const copy = itemset.cloneNode(true) as Element;
    // Labels come from our own list; only rows of a repeat have no list but the engine's.
    if (question.choices!.list !== null) [...copy.children].find((each) => each.localName === "label")?.remove();
    list.append(copy);
    control.after(list);
    this.#options.set(question.path, path);
  }

  #toInput(question: Question): void {
    const control = this.#controls.get(question.path);
    if (control === undefined) return;
    const input = this.#make("input");
    input.setAttribute("ref", question.path);
    input.append(...[...control.children].filter((each) => ACTIONS.has(each.localName)));
    control.replaceWith(input);
    const bind = this.#binds.get(question.path);
    // As a text an answer is kept as it is; a type would blank what does not fit. Computed numbers keep theirs.
    if (bind !== undefined && !bind.hasAttribute("calculate")) bind.setAttribute("type", "string");
  }

  #allTexts(items: readonly Item[]): void {
    for (const item of items) {
      const texts = item.kind === "question"
        ? [item.label, item.hint, item.guidance, item.constraintMessage, item.requiredMessage]
        : [item.label, "hint" in item ? item.hint : null];
      for (const output of texts.flatMap(outputsOf)) this.#addOutput(item.path, output);
      if ("items" in item) this.#allTexts(item.items);
    }
  }

  #addOutput(path: string, output: string): void {
    if (path === "") return;
    const known = this.#outputs.get(path) ?? new Map<string, string>();
    if (known.has(output)) return;
    const node = besides(path, `text_${steps(path).at(-1)}_${known.size}`);
    this.#addCalculation(node, `string(${output})`);
    this.#outputs.set(path, known.set(output, node));
  }

  #bind(bind: Element): void {
    for (const name of EXPRESSIONS) {
      const expression = bind.getAttribute(name);
      if (expression === null) continue;
      const set = name === "readonly" && /^\s*true\(\)\s*$/.test(expression);
      if (set) bind.removeAttribute(name);
      else bind.setAttribute(name, this.#rewritten(expression));
    }
    for (const name of ["constraintMsg", "requiredMsg", "preload", "preloadParams"]) bind.removeAttributeNS(JR, name);
  }

  #dropTexts(): void {
    const keep = this.#named.size > 0;
    for (const element of this.#body().querySelectorAll("label, hint")) {
      const parent = element.parentElement;
      const ofKept = keep && this.#named.has((element.closest("select, select1")?.getAttribute("ref") ?? "").trim());
      const ofRows = parent?.localName === "itemset" && [...this.#options.values()].includes(
        (parent.parentElement?.getAttribute("ref") ?? "").trim(),
      );
      if (!ofKept && !ofRows) element.remove();
    }
    for (const count of this.#body().querySelectorAll("repeat")) {
      const expression = count.getAttributeNS(JR, "count");
      if (expression !== null) count.setAttributeNS(JR, "jr:count", this.#rewritten(expression));
    }
    for (const itemset of this.#body().querySelectorAll("itemset")) {
      const nodeset = itemset.getAttribute("nodeset") ?? "";
      itemset.setAttribute("nodeset", this.#rewritten(nodeset));
    }
    for (const action of [...this.document.getElementsByTagName("*")]) {
      const value = action.localName === "setvalue" ? action.getAttribute("value") : null;
      if (value !== null) action.setAttribute("value", this.#rewritten(value));
    }
    if (!keep) this.#model.getElementsByTagName("itext")[0]?.remove();
  }

  /** Lists that no rule and no hidden list reads any more. What is left of the files is said. */
  #dropLists(): Set<string> {
    const text = [...this.document.getElementsByTagName("*")]
      .flatMap((element) => [...element.attributes].map((each) => each.value))
      .filter((value) => value.includes("instance(") || value.includes("pulldata("))
      .join("\n");
    const used = new Set([...text.matchAll(/(?:instance|pulldata)\(\s*['"]([^'"]+)['"]/g)].map((match) => match[1]));
    const files = new Set<string>();
    for (const instance of [...this.#model.children].filter((each) => each.localName === "instance").slice(1)) {
      const id = instance.getAttribute("id") ?? "";
      if (!used.has(id)) instance.remove();
      else if (instance.hasAttribute("src")) files.add(id);
    }
    return files;
  }

  /** Questions whose labels a rule asks for by `jr:choice-name`: these stay as they are. */
  #namedChoices(): Set<string> {
    const found = new Set<string>();
    for (const element of this.document.getElementsByTagName("*")) {
      for (const { value } of element.attributes) {
        if (!value.includes("jr:choice-name") || !functionsOf(value).has("jr:choice-name")) continue;
        for (const token of tokens(value)) {
          const path = token.kind === "string" ? token.text.slice(1, -1).trim() : "";
          if (this.#controls.has(path)) found.add(path);
          for (const question of this.sheet.questions) {
            if (path.startsWith("..") && question.name === steps(path).at(-1)) found.add(question.path);
          }
        }
      }
    }
    return found;
  }

  #addCalculation(path: string, expression: string): void {
    this.#addNode(path);
    this.#addBind(path).setAttribute("calculate", expression);
  }

  #addBind(path: string): Element {
    const bind = this.#make("bind");
    bind.setAttribute("nodeset", path);
    bind.setAttribute("type", "string");
    this.#model.append(bind);
    this.#binds.set(path, bind);
    return bind;
  }

  /** In the template of a repeat and in its first row alike. */
  #addNode(path: string): void {
    const names = steps(path).slice(1);
    const name = names.pop()!;
    let parents: Element[] = [this.#instance];
    for (const step of names) parents = parents.flatMap((each) => [...each.children].filter((c) => c.localName === step));
    for (const parent of parents) parent.append(this.document.createElementNS(parent.namespaceURI, name));
  }

  #make(name: string): Element {
    return this.document.createElementNS(this.#model.namespaceURI, name);
  }

  #body(): Element {
    return [...this.document.documentElement.children].find((each) => each.localName === "body")!;
  }
}

/** A hidden node beside a question: it sees by the same relative paths. */
function besides(path: string, name: string): string {
  return `${path.slice(0, path.lastIndexOf("/"))}/${ADDED}${name}`;
}

/** Whether a node was added here, so that it never becomes an answer. */
export const isAdded = (name: string): boolean => name.startsWith(ADDED);
