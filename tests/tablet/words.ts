/** Every word of the shell in both languages, by its place: `node words.mjs` prints JSON. Functions are given samples. */
import { WORDS } from "../../field_forms/tablet/src/words/index";

function leaves(value: unknown, place: string, found: Record<string, string>): Record<string, string> {
  if (typeof value === "string") found[place] = value;
  else if (typeof value === "function") found[place] = String(value("3", "7") ?? "");
  else for (const [name, inner] of Object.entries(value as object)) leaves(inner, `${place}.${name}`, found);
  return found;
}

console.log(JSON.stringify({ id: leaves(WORDS.id, "", {}), en: leaves(WORDS.en, "", {}) }));
