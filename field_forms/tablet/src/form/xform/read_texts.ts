/** Texts of an XForm: labels, hints, messages, in each language, with the expressions that stand in them. */
import type { Language, Pieces, Text } from "./sheet";

export const JR = "http://openrosa.org/javarosa";
const ITEXT = /^\s*jr:itext\(\s*(?:'([^']*)'|"([^"]*)")\s*\)\s*$/;
const CODE = /\(([A-Za-z-]+)\)\s*$/;
const NO_LANGUAGE: Language = { name: "", code: "" };

interface Entry {
  text: Record<string, Pieces>;
  guidance: Record<string, Pieces>;
  image?: string;
}

/** Every translated text of a form. */
export class Texts {
  readonly languages: readonly Language[];
  readonly defaultLanguage: string;
  readonly #entries = new Map<string, Entry>();

  constructor(model: Element) {
    const translations = [...model.getElementsByTagName("translation")];
    this.languages = translations.length === 0 ? [NO_LANGUAGE] : translations.map((each) => languageOf(each));
    const marked = translations.find((each) => each.hasAttribute("default"));
    this.defaultLanguage = (marked ?? translations[0])?.getAttribute("lang") ?? "";
    for (const translation of translations) this.#read(translation);
  }

  /** The text with an id, or null. */
  get(id: string): Text | null {
    const entry = this.#entries.get(id);
    if (entry === undefined || (Object.keys(entry.text).length === 0 && entry.image === undefined)) return null;
    return entry.image === undefined ? { by: entry.text } : { by: entry.text, image: entry.image };
  }

  /** The guidance that goes with a hint, or null. */
  guidance(element: Element | null): Text | null {
    const id = element === null ? null : itextId(element.getAttribute("ref") ?? "");
    const entry = id === null ? undefined : this.#entries.get(id);
    return entry === undefined || Object.keys(entry.guidance).length === 0 ? null : { by: entry.guidance };
  }

  /** The text of a `label` or `hint` element. */
  of(element: Element | null): Text | null {
    if (element === null) return null;
    const ref = element.getAttribute("ref");
    if (ref === null) return this.#same(pieces(element));
    const id = itextId(ref);
    return id === null ? this.#same([{ output: ref }]) : this.get(id);
  }

  /** The text of an attribute such as `jr:constraintMsg`: an itext call, or plain words. */
  ofAttribute(value: string | null): Text | null {
    if (value === null || value === "") return null;
    const id = itextId(value);
    return id === null ? this.#same([value]) : this.get(id);
  }

  /** A text that is the same in every language. */
  plain(text: string): Text {
    return this.#same([text])!;
  }

  #same(found: Pieces): Text | null {
    if (found.length === 0) return null;
    return { by: Object.fromEntries(this.languages.map(({ name }) => [name, found])) };
  }

  #read(translation: Element): void {
    const language = translation.getAttribute("lang") ?? "";
    for (const element of translation.getElementsByTagName("text")) {
      const id = element.getAttribute("id") ?? "";
      const entry = this.#entries.get(id) ?? { text: {}, guidance: {} };
      this.#entries.set(id, entry);
      for (const value of element.getElementsByTagName("value")) {
        const form = value.getAttribute("form");
        if (form === null) entry.text[language] = pieces(value);
        else if (form === "guidance") entry.guidance[language] = pieces(value);
        else if (form === "image") entry.image ??= value.textContent?.trim() ?? "";
      }
    }
  }
}

/** The expressions that stand in a text, in any language. */
export function outputsOf(text: Text | null): string[] {
  const all = Object.values(text?.by ?? {}).flat();
  return [...new Set(all.flatMap((piece) => (typeof piece === "string" ? [] : [piece.output])))];
}

function languageOf(translation: Element): Language {
  const name = translation.getAttribute("lang") ?? "";
  return { name, code: CODE.exec(name)?.[1]?.toLowerCase() ?? "" };
}

function itextId(expression: string): string | null {
  const match = ITEXT.exec(expression);
  return match === null ? null : (match[1] ?? match[2] ?? "");
}

function pieces(element: Element): Pieces {
  const found: (string | { output: string })[] = [];
  for (const node of element.childNodes) {
    if (node.nodeType === Node.TEXT_NODE || node.nodeType === Node.CDATA_SECTION_NODE) found.push(node.nodeValue ?? "");
    else if ((node as Element).localName === "output") {
      const output = node as Element;
      found.push({ output: output.getAttribute("value") ?? output.getAttribute("ref") ?? "''" });
    }
  }
  return found.every((piece) => typeof piece === "string" && piece.trim() === "") ? [] : found;
}
