/**
 * The one place that talks to `@getodk/xforms-engine`: it evaluates relevance, required, constraints and calculations.
 *
 * The answers themselves are ours (`model/filling.ts`): the engine is told each of them as text and asked what follows.
 * It may forget them, blank them or be made anew at any time; nothing is lost by it. Traps: docs/decisions/0045.
 */
import { loadForm } from "@getodk/xforms-engine";
import type {
  AnyLeafNode,
  AnyNode,
  GroupNode,
  InputNode,
  InstanceData,
  LoadFormResult,
  RepeatRangeNode,
  RepeatRangeUncontrolledNode,
  RootNode,
  SelectNode,
} from "@getodk/xforms-engine";
import type { Sheet } from "../xform/sheet";
import type { SlimForm } from "../xform/slim";
import { steps } from "../xform/xpath";
import type { Part } from "./instance";

/** A rule of the form cannot be computed. The answer was kept; the message is the engine's, for whoever wrote the form. */
export class RuleBroken extends Error {}

export interface Option {
  value: string;
  label: string;
}

const XML_FILE = "xml_submission_file";
const EMPTY_LIST = "name,label\n";

/** A form as the engine has read it. Good for one opening: one that is used twice keeps the memory of the first (T5). */
export type LoadedForm = Extract<LoadFormResult, { status: "success" | "warning" }>;

/** Let the engine read a form. `media`: texts of the files by name. Raises `RuleBroken`. */
export async function load(slim: SlimForm, media: Readonly<Record<string, string>>): Promise<LoadedForm> {
  const fetchFormAttachment = async (url: URL) => {
    const text = media[decodeURIComponent(String(url).split("/").at(-1) ?? "")] ?? EMPTY_LIST;
    return new Response(text, { headers: { "content-type": "text/csv" } });
  };
  const loaded = await loadForm(slim.xml, { fetchFormAttachment });
  if (loaded.status === "failure") throw new RuleBroken(loaded.error.message);
  return loaded;
}

/** Rows of a repeat inside a part, as the caller counts them. */
export type RowsOf = (repeatPath: string, part: Part) => readonly Part[];

export class Engine {
  readonly #leaves = new Map<string, AnyLeafNode>();
  readonly #groups = new Map<string, GroupNode | RepeatRangeNode>();

  private constructor(
    readonly root: RootNode,
    readonly sheet: Sheet,
    readonly slim: SlimForm,
    readonly outermost: Part,
    readonly rowsOf: RowsOf,
  ) {
    this.index();
  }

  /** Open the form on answers. Raises `RuleBroken`. */
  static async restore(
    loaded: LoadedForm, xml: string, sheet: Sheet, slim: SlimForm, outermost: Part, rowsOf: RowsOf,
  ): Promise<Engine> {
    const data = new FormData();
    data.set(XML_FILE, new File([xml], XML_FILE, { type: "text/xml" }));
    const instance = await guarded(() => loaded.restoreInstance({ data: [data as InstanceData] }));
    return new Engine(instance.root, sheet, slim, outermost, rowsOf);
  }

  /** Open the form as at its very first time, with everything its actions fill in. Raises `RuleBroken`. */
  static async create(loaded: LoadedForm, sheet: Sheet, slim: SlimForm, outermost: Part, rowsOf: RowsOf) {
    const instance = await guarded(() => Promise.resolve(loaded.createInstance()));
    return new Engine(instance.root, sheet, slim, outermost, rowsOf);
  }

  /** Find every node again; after rows were added or taken away. */
  index(): void {
    this.#leaves.clear();
    this.#groups.clear();
    this.#walk(this.root.currentState.children as readonly AnyNode[], `/${this.sheet.root}`, this.outermost);
  }

  has(part: Part, path: string): boolean {
    return this.#leaves.has(at(part, path));
  }

  /** The text of a question or calculation; empty where it is not relevant. */
  text(part: Part, path: string): string {
    return this.#leaves.get(at(part, path))?.currentState.instanceValue ?? "";
  }

  /** Tell the engine an answer. Raises `RuleBroken` where a rule that follows from it cannot be computed. */
  set(part: Part, path: string, text: string): void {
    const node = this.#leaves.get(at(part, path));
    if (node === undefined) return;
    // A node that is not relevant shows the empty text and may hold another: only a relevant one tells what it holds.
    if (node.currentState.relevant && node.currentState.instanceValue === text) return;
    try {
      if (node.nodeType === "select") (node as SelectNode).selectValues(text.split(" ").filter((code) => code !== ""));
      else if (node.nodeType === "input") (node as InputNode<"string">).setValue(text);
    } catch (error) {
      throw new RuleBroken(error instanceof Error ? error.message : String(error));
    }
  }

  relevant(part: Part, path: string): boolean {
    return this.#leaves.get(at(part, path))?.currentState.relevant ?? false;
  }

  /** Whether a section or a repeat is asked at all. One that is not in the model is. */
  groupRelevant(part: Part, path: string): boolean {
    const group = this.#groups.get(at(part, path));
    return group === undefined || group.currentState.relevant;
  }

  required(part: Part, path: string): boolean {
    return this.#leaves.get(at(part, path))?.currentState.required ?? false;
  }

  readonly(part: Part, path: string): boolean {
    return this.#leaves.get(at(part, path))?.currentState.readonly ?? false;
  }

  constraintHolds(part: Part, path: string): boolean {
    const node = this.#leaves.get(at(part, path));
    return node === undefined || node.validationState.constraint.valid;
  }

  /** Choices that depend on answers; null for a question whose list is fixed. */
  options(part: Part, path: string): readonly Option[] | null {
    const twin = this.slim.optionPaths.get(path);
    const node = twin === undefined ? undefined : this.#leaves.get(at(part, twin));
    if (node === undefined || node.nodeType !== "select") return null;
    return (node as SelectNode).currentState.valueOptions.map((each) => ({ value: each.value, label: each.label.asString }));
  }

  /** Whether the `warning` of a question speaks. */
  warns(part: Part, path: string): boolean {
    const twin = this.slim.warningPaths.get(path);
    return twin !== undefined && this.text(part, twin) === "1";
  }

  /** Value of an expression that stands in a text of a question or group. */
  output(part: Part, path: string, expression: string): string {
    const node = this.slim.outputPaths.get(path)?.get(expression);
    return node === undefined ? "" : this.text(part, node);
  }

  /** How many rows a repeat has in the engine. */
  rowCount(part: Part, repeatPath: string): number {
    return this.#groups.get(at(part, repeatPath))?.currentState.children.length ?? 0;
  }

  /** Append a row. The caller has put its part into `rowsOf` before. */
  addRow(part: Part, repeatPath: string): void {
    const range = this.#groups.get(at(part, repeatPath)) as RepeatRangeUncontrolledNode | undefined;
    if (range?.nodeType !== "repeat-range:uncontrolled") return;
    range.addInstances();
    this.index();
  }

  /** Take a row away. The caller has taken its part out of `rowsOf` before. */
  removeRow(part: Part, repeatPath: string, index: number): void {
    const range = this.#groups.get(at(part, repeatPath)) as RepeatRangeUncontrolledNode | undefined;
    if (range?.nodeType !== "repeat-range:uncontrolled") return;
    range.removeInstances(index, 1);
    this.index();
  }

  /** The language of texts that rules ask for (`jr:choice-name`). */
  setLanguage(name: string): void {
    const language = this.root.languages.find((each) => each.language === name && !each.isSyntheticDefault);
    if (language !== undefined) this.root.setLanguage(language as Parameters<RootNode["setLanguage"]>[0]);
  }

  #walk(nodes: readonly AnyNode[], path: string, part: Part): void {
    for (const node of nodes) {
      const name = steps(node.currentState.reference).at(-1) ?? "";
      const place = `${path}/${name}`;
      switch (node.nodeType) {
        case "group":
          this.#groups.set(at(part, place), node as GroupNode);
          this.#walk(node.currentState.children as readonly AnyNode[], place, part);
          break;
        case "repeat-range:controlled":
        case "repeat-range:uncontrolled": {
          this.#groups.set(at(part, place), node as RepeatRangeNode);
          const rows = this.rowsOf(place, part);
          (node as RepeatRangeNode).currentState.children.forEach((row, index) => {
            const rowPart = rows[index];
            if (rowPart !== undefined) this.#walk(row.currentState.children as readonly AnyNode[], place, rowPart);
          });
          break;
        }
        default:
          this.#leaves.set(at(part, place), node as AnyLeafNode);
      }
    }
  }
}

const at = (part: Part, path: string): string => `${part} ${path}`;

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new RuleBroken(error instanceof Error ? error.message : String(error));
  }
}
