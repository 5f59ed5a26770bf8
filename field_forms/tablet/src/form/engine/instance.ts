/**
 * The answers as the XML that the engine restores. Every opening goes this way, new forms too: what the engine would
 * fill in at a first load it skips for questions that are not relevant yet (trap T3 of docs/decisions/0045).
 */
import type { Repeat, Sheet } from "../xform/sheet";
import type { SlimForm } from "../xform/slim";
import { steps } from "../xform/xpath";

/** Part of a row: what stands before the last slash of the paths of its answers (`h`, `p/<key>`, `r/<id>`). */
export type Part = string;

/** What the instance is made of. `rows`: parts of the rows of a repeat inside a part, in their order. */
export interface InstanceContent {
  /** Part -> key of a question or calculation -> text of the model. */
  text(part: Part, key: string): string;
  rows(repeat: Repeat, part: Part): readonly Part[];
  readonly outermost: Part;
  readonly opened: string;
  readonly instanceId: string;
}

/** XML of the primary instance. */
export function instanceXml(sheet: Sheet, slim: SlimForm, content: InstanceContent): string {
  const copy = slim.instance.cloneNode(true) as Element;
  new Builder(sheet, slim, content).fill(copy, `/${sheet.root}`, content.outermost);
  return new XMLSerializer().serializeToString(copy);
}

class Builder {
  readonly #repeats: ReadonlyMap<string, Repeat>;
  readonly #keys: ReadonlyMap<string, string>;

  constructor(
    sheet: Sheet,
    readonly slim: SlimForm,
    readonly content: InstanceContent,
  ) {
    this.#repeats = new Map(sheet.repeats.map((repeat) => [repeat.path, repeat]));
    this.#keys = new Map([...sheet.metas, ...sheet.calculations, ...sheet.questions].map((each) => [each.path, each.key]));
  }

  fill(element: Element, path: string, part: Part): void {
    for (const [name, same] of grouped(element)) {
      const child = `${path}/${name}`;
      const repeat = this.#repeats.get(child);
      if (repeat !== undefined) this.#rows(same, repeat, part);
      else for (const each of same) this.#node(each, child, part);
    }
  }

  #node(element: Element, path: string, part: Part): void {
    if (element.childElementCount > 0) this.fill(element, path, part);
    else if (path === this.slim.openedPath) element.textContent = this.content.opened;
    else if (/^\/[^/]+\/meta\/instanceID$/.test(path)) element.textContent = this.content.instanceId;
    else {
      const key = this.#keys.get(path);
      if (key !== undefined) element.textContent = this.content.text(part, key);
    }
  }

  #rows(same: readonly Element[], repeat: Repeat, part: Part): void {
    const pattern = same.find((each) => [...each.attributes].some((a) => a.localName === "template")) ?? same[0]!;
    for (const each of same) if (each !== pattern) each.remove();
    let last: Element = pattern;
    for (const row of this.content.rows(repeat, part)) {
      const copy = pattern.cloneNode(true) as Element;
      for (const attribute of [...copy.attributes]) if (attribute.localName === "template") copy.removeAttributeNode(attribute);
      this.fill(copy, repeat.path, row);
      last.after(copy);
      last = copy;
    }
    // The template itself stays in the form's definition; among answers it would count as a row.
    if (last !== pattern || repeat.counted) pattern.remove();
  }
}

function grouped(element: Element): Map<string, Element[]> {
  const found = new Map<string, Element[]>();
  for (const child of [...element.children]) {
    found.set(child.localName, [...(found.get(child.localName) ?? []), child]);
  }
  return found;
}

/** Name of the node at the end of a path. */
export const nameOf = (path: string): string => steps(path).at(-1) ?? "";
