/** Reads an XForm (XML) into a `Sheet`. Raises `XFormUnreadable` for what is no XForm; judges nothing else. */
import { JR, Texts } from "./read_texts";
import type { Calculation, Choice, Choices, Control, Group, Item, ListRow, Meta, Note, Question, Repeat, Sheet } from "./sheet";
import { functionsOf, steps } from "./xpath";

export class XFormUnreadable extends Error {}

/** An XForm as a document. */
export function parseXForm(xml: string): Document {
  const document = new DOMParser().parseFromString(xml, "text/xml");
  const broken = document.getElementsByTagName("parsererror")[0];
  if (broken !== undefined) throw new XFormUnreadable(broken.textContent ?? "not XML");
  return document;
}

export const modelOf = (document: Document): Element => need(document.getElementsByTagName("model")[0], "model");

/** The element of the model that holds the answers. */
export function primaryInstance(document: Document): Element {
  const instance = children(modelOf(document), "instance")[0];
  return need(instance?.firstElementChild, "instance");
}

/**
 * The sheet of an XForm. `known`: names of the definition's questions, true where they are computed (`derive`), which an
 * XForm alone does not tell; a read-only text that is no known question is a note.
 */
export function readSheet(document: Document, known: ReadonlyMap<string, boolean> = new Map()): Sheet {
  return new Reader(document, known).sheet();
}

const UNREPEATABLE = ["once", "random", "uuid", "now", "today", "randomize"];
/** Elements of the body that ask something. */
export const CONTROLS = new Set(["input", "select1", "select", "rank", "range", "upload", "trigger"]);
const BY_TYPE: Record<string, Control> = {
  int: "integer", decimal: "decimal", date: "date", time: "time", dateTime: "dateTime", geopoint: "geopoint",
  barcode: "barcode", geotrace: "unsupported", geoshape: "unsupported", binary: "file",
};

class Reader {
  readonly #root: string;
  readonly #instance: Element;
  readonly #model: Element;
  readonly #texts: Texts;
  readonly #binds = new Map<string, Element>();
  readonly #names = new Map<string, number>();
  readonly #repeats: Repeat[] = [];
  readonly #questions: Question[] = [];
  readonly #repeatPaths: string[];

  constructor(readonly document: Document, readonly known: ReadonlyMap<string, boolean>) {
    this.#model = modelOf(document);
    this.#instance = primaryInstance(document);
    this.#root = this.#instance.localName;
    this.#texts = new Texts(this.#model);
    for (const bind of this.#model.getElementsByTagName("bind")) {
      this.#binds.set(normal(bind.getAttribute("nodeset") ?? ""), bind);
    }
    for (const path of leafPaths(this.#instance)) {
      const name = steps(path).at(-1)!;
      this.#names.set(name, (this.#names.get(name) ?? 0) + 1);
    }
    const repeats = document.getElementsByTagName("repeat");
    this.#repeatPaths = [...repeats].map((each) => normal(each.getAttribute("nodeset") ?? ""));
  }

  sheet(): Sheet {
    const body = need([...this.document.documentElement.children].find((each) => each.localName === "body"), "body");
    const head = [...this.document.getElementsByTagName("*")].find((each) => each.localName === "title");
    const items = this.#items(body);
    const { lists, files } = this.#lists();
    const actions = [...this.document.getElementsByTagName("*")].filter((each) =>
      ["setvalue", "setgeopoint"].includes(each.localName),
    );
    return {
      id: this.#instance.getAttribute("id") ?? "",
      version: this.#instance.getAttribute("version") ?? "",
      title: head?.textContent?.trim() ?? "",
      languages: this.#texts.languages,
      defaultLanguage: this.#texts.defaultLanguage,
      root: this.#root,
      items,
      questions: this.#questions,
      repeats: this.#repeats,
      calculations: this.#calculations(),
      metas: this.#metas(),
      actionTargets: [...new Set(actions.map((each) => normal(each.getAttribute("ref") ?? "")))],
      firstLoad: actions.some((each) => isFirstLoad(each)),
      lists,
      files,
    };
  }

  #items(parent: Element): Item[] {
    return [...parent.children].flatMap((element) => this.#item(element) ?? []);
  }

  #item(element: Element): Item | null {
    if (element.localName === "group") return this.#group(element);
    if (element.localName === "repeat") return this.#repeat(element, null);
    return CONTROLS.has(element.localName) ? this.#control(element) : null;
  }

  #group(element: Element): Group | Repeat {
    const repeat = children(element, "repeat")[0];
    // pyxform wraps a repeat into a group that only carries its label.
    if (repeat !== undefined) return this.#repeat(repeat, children(element, "label")[0] ?? null);
    const path = normal(element.getAttribute("ref") ?? "");
    return { kind: "group", ...this.#placed(element, path), items: this.#items(element) };
  }

  #repeat(element: Element, label: Element | null): Repeat {
    const path = normal(element.getAttribute("nodeset") ?? "");
    const found: Repeat = {
      kind: "repeat",
      ...this.#placed(element, path),
      label: this.#texts.of(label ?? children(element, "label")[0] ?? null),
      items: this.#items(element),
      counted: element.hasAttributeNS(JR, "count") || element.hasAttributeNS(JR, "noAddRemove"),
      within: this.#within(path),
    };
    this.#repeats.push(found);
    return found;
  }

  #control(element: Element): Question | Note {
    const path = normal(element.getAttribute("ref") ?? element.getAttribute("bind") ?? "");
    const bind = this.#binds.get(path);
    const placed = this.#placed(element, path);
    const hint = children(element, "hint")[0] ?? null;
    const readonly = /^\s*true\(\)\s*$/.test(bind?.getAttribute("readonly") ?? "");
    const calculated = (bind?.hasAttribute("calculate") ?? false) || this.known.get(placed.name) === true;
    const within = this.#within(path);
    const typed = bind?.getAttribute("type") ?? "string";
    if (element.localName === "input" && readonly && !calculated && typed === "string" && this.#isNote(path)) {
      return { kind: "note", ...placed, hint: this.#texts.of(hint), within };
    }
    const question: Question = {
      kind: "question",
      ...placed,
      control: controlOf(element, typed, placed.appearance),
      key: this.#keyOf(path),
      hint: this.#texts.of(hint),
      guidance: this.#texts.guidance(hint),
      constraintMessage: this.#texts.ofAttribute(bind?.getAttributeNS(JR, "constraintMsg") ?? null),
      requiredMessage: this.#texts.ofAttribute(bind?.getAttributeNS(JR, "requiredMsg") ?? null),
      readonly,
      calculated,
      choices: choicesOf(element),
      parameters: parametersOf(element, bind),
      fixedChoices: this.#fixedChoices(element),
      within,
    };
    this.#questions.push(question);
    return question;
  }

  /** A note has no answer of its own: nothing stands in the model, and nothing else is asked for. */
  #isNote(path: string): boolean {
    if (this.known.has(steps(path).at(-1) ?? "")) return false;
    const node = nodeAt(this.#instance, path);
    return node === null || (node.textContent ?? "") === "";
  }

  #placed(element: Element, path: string) {
    return {
      path,
      name: steps(path).at(-1) ?? "",
      label: this.#texts.of(children(element, "label")[0] ?? null),
      appearance: (element.getAttribute("appearance") ?? "").split(/\s+/).filter((word) => word !== ""),
      relevant: this.#binds.get(path)?.getAttribute("relevant") ?? "",
    };
  }

  #fixedChoices(element: Element): Choice[] {
    return children(element, "item").map((item) => ({
      value: children(item, "value")[0]?.textContent?.trim() ?? "",
      label: this.#texts.of(children(item, "label")[0] ?? null) ?? this.#texts.plain(""),
    }));
  }

  #calculations(): Calculation[] {
    return [...this.#binds].flatMap(([path, bind]) => {
      const expression = bind.getAttribute("calculate");
      if (expression === null) return [];
      const used = functionsOf(expression);
      const unrepeatable = UNREPEATABLE.some((name) => used.has(name));
      return [{ path, key: this.#keyOf(path), expression, unrepeatable, within: this.#within(path) }];
    });
  }

  #metas(): Meta[] {
    return [...this.#binds].flatMap(([path, bind]) => {
      const kind = bind.getAttributeNS(JR, "preload");
      if (kind === null || kind === "uid" || kind === "") return [];
      const what = kind === "date" ? "today" : (bind.getAttributeNS(JR, "preloadParams") ?? kind);
      return [{ path, key: this.#keyOf(path), what }];
    });
  }

  #lists(): Pick<Sheet, "lists" | "files"> {
    const lists: Record<string, ListRow[]> = {};
    const files: Record<string, string> = {};
    for (const instance of children(this.#model, "instance").slice(1)) {
      const id = instance.getAttribute("id") ?? "";
      const source = instance.getAttribute("src");
      if (source !== null) files[id] = source.split("/").at(-1) ?? "";
      else lists[id] = [...(instance.firstElementChild?.children ?? [])].map((item) => this.#row(item));
    }
    return { lists, files };
  }

  #row(item: Element): ListRow {
    const columns = Object.fromEntries([...item.children].map((cell) => [cell.localName, cell.textContent ?? ""]));
    const itext = columns["itextId"];
    return { columns, label: itext === undefined ? null : this.#texts.get(itext) };
  }

  #within(path: string): string {
    const around = this.#repeatPaths.filter((repeat) => path.startsWith(`${repeat}/`));
    return around.sort((a, b) => b.length - a.length)[0] ?? "";
  }

  #keyOf(path: string): string {
    const name = steps(path).at(-1) ?? "";
    return (this.#names.get(name) ?? 1) === 1 ? name : steps(path).slice(1).join(".");
  }
}

function controlOf(element: Element, type: string, appearance: readonly string[]): Control {
  switch (element.localName) {
    case "select1":
      return "one";
    case "select":
      return "many";
    case "rank":
      return "rank";
    case "range":
      return "range";
    case "trigger":
      return "acknowledge";
    case "upload":
      return uploadOf(element.getAttribute("mediatype") ?? "", appearance);
    default:
      return BY_TYPE[type] ?? "text";
  }
}

function uploadOf(media: string, appearance: readonly string[]): Control {
  if (!media.startsWith("image/")) return "file";
  return appearance.includes("signature") || appearance.includes("draw") ? "signature" : "photo";
}

const NODESET = /^\s*(randomize\s*\()?\s*(?:instance\(\s*['"]([^'"]+)['"]\s*\))?([^\]]*?)(\[.*\])?[^\]]*$/s;

function choicesOf(element: Element): Choices | null {
  const itemset = children(element, "itemset")[0];
  if (itemset === undefined) return null;
  const nodeset = itemset.getAttribute("nodeset") ?? "";
  const match = NODESET.exec(nodeset);
  return {
    list: match?.[2] ?? null,
    nodeset,
    filtered: match?.[4] !== undefined,
    shuffled: match?.[1] !== undefined,
    value: children(itemset, "value")[0]?.getAttribute("ref") ?? "name",
    label: children(itemset, "label")[0]?.getAttribute("ref") ?? "label",
  };
}

function parametersOf(element: Element, bind: Element | undefined): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of ["start", "end", "step", "rows", "accuracyThreshold", "unacceptableAccuracyThreshold", "mediatype"]) {
    const value = element.getAttribute(name);
    if (value !== null) found[name] = value;
  }
  for (const attribute of [...(bind?.attributes ?? []), ...element.attributes]) {
    if (attribute.localName === "max-pixels" || attribute.localName === "quality") {
      found[attribute.localName] = attribute.value;
    }
  }
  return found;
}

function isFirstLoad(action: Element): boolean {
  const meta = /\/meta\//.test(action.getAttribute("ref") ?? "");
  return !meta && /odk-instance-(first-)?load/.test(action.getAttribute("event") ?? action.getAttribute("ev:event") ?? "");
}

const normal = (path: string): string => path.trim().replace(/\/$/, "");
const children = (element: Element, name: string): Element[] =>
  [...element.children].filter((child) => child.localName === name);

function need<T>(found: T | null | undefined, what: string): T {
  if (found === null || found === undefined) throw new XFormUnreadable(`<${what}> is missing`);
  return found;
}

function leafPaths(element: Element, path = `/${element.localName}`): string[] {
  const inside = [...new Map([...element.children].map((child) => [child.localName, child])).values()];
  return inside.length === 0 ? [path] : inside.flatMap((child) => leafPaths(child, `${path}/${child.localName}`));
}

/** The first node at a path inside the answers, or null. */
export function nodeAt(instance: Element, path: string): Element | null {
  let node: Element | null = instance;
  for (const name of steps(path).slice(1)) node = node === null ? null : (children(node, name)[0] ?? null);
  return node;
}
