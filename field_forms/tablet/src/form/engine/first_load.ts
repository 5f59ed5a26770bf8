/**
 * What a form fills in by itself at its very first opening: fixed defaults, and values its actions compute.
 *
 * The engine runs such actions only on questions that are relevant at that moment (trap T3), so they are run on a copy of
 * the form in which everything is.
 */
import type { FormRequest } from "../../contract";
import type { ReadForm } from "../read_form";
import { parseXForm } from "../xform/read_sheet";
import type { Sheet } from "../xform/sheet";
import { Engine, load, RuleBroken, type RowsOf } from "./engine";
import type { Part } from "./instance";

/** Path of a question -> text that stands in the model before anybody answers. */
export function defaultsOf(instance: Element, sheet: Sheet): Map<string, string> {
  const wanted = new Set(sheet.questions.map((question) => question.path));
  const found = new Map<string, string>();
  const walk = (element: Element, path: string): void => {
    if (element.childElementCount > 0) {
      for (const child of element.children) walk(child, `${path}/${child.localName}`);
    } else if (wanted.has(path) && !found.has(path) && (element.textContent ?? "") !== "") {
      found.set(path, element.textContent ?? "");
    }
  };
  walk(instance, `/${sheet.root}`);
  return found;
}

/** `<part>/<key>` -> text after the first load; empty where a rule of the form breaks. */
export async function firstLoadTexts(
  read: ReadForm, request: FormRequest, outermost: Part, opened: string, rowsOf: RowsOf,
): Promise<Map<string, string>> {
  const { sheet, slim } = read;
  // Actions run before anything is computed: the day has to stand in them as it is.
  const document = parseXForm(slim.xml.replaceAll(slim.today, `'${opened}'`));
  for (const bind of document.getElementsByTagName("bind")) bind.removeAttribute("relevant");
  const all = { ...slim, xml: new XMLSerializer().serializeToString(document) };
  const found = new Map<string, string>();
  try {
    const engine = await Engine.create(await load(all, request.media), sheet, slim, outermost, rowsOf);
    const parts = (within: string): Part[] => {
      if (within === "") return [outermost];
      const repeat = sheet.repeats.find((each) => each.path === within)!;
      return parts(repeat.within).flatMap((part) => rowsOf(within, part));
    };
    for (const place of [...sheet.questions, ...sheet.calculations, ...sheet.metas.map((m) => ({ ...m, within: "" }))]) {
      for (const part of parts(place.within)) found.set(`${part}/${place.key}`, engine.text(part, place.path));
    }
  } catch (error) {
    if (!(error instanceof RuleBroken)) throw error;
  }
  return found;
}
