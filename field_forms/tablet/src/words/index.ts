/** Both languages; which one is chosen is the device's setting. */
import { en } from "./en";
import { type Words, id } from "./id";

export type Language = "id" | "en";
export type { Words };

export const WORDS: Record<Language, Words> = { id, en };

/** The officer's words for the reasons of a held event. */
export function heldWords(words: Words, reasons: readonly string[]): string {
  return reasons.map((each) => words.sent.heldWords[each] ?? words.sent.heldOther(each)).join(" ");
}
