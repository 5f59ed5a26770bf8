/**
 * The files of choices that a form names, cut to what an officer may need: engines scan them line by line, and a hundred
 * villages more are a second more on a cheap tablet. What is in use already is always kept.
 */
import { isVillage } from "../seal/ids";
import type { Row } from "./record";

const VILLAGES_MAX = 60;

export interface Cut {
  areas: Record<string, string>;
  rows: readonly Row[];
  /** The village and family the form is about, and codes its record or draft names already. */
  village: string;
  householdId: string | null;
  used: readonly string[];
}

/** CSV name -> text, for the files a definition names. */
export function mediaFor(names: Iterable<string>, cut: Cut): Record<string, string> {
  const media: Record<string, string> = {};
  for (const name of names) {
    if (name === "villages.csv") media[name] = csv(["name", "label"], villages(cut));
    if (name === "prelist.csv") media[name] = csv(["name", "label", "village_code"], families(cut));
  }
  return media;
}

/** Villages of the officer's areas; of many, those where families of the officer live. */
function villages(cut: Cut): string[][] {
  let codes = Object.keys(cut.areas).filter(isVillage);
  if (codes.length > VILLAGES_MAX) {
    const lived = new Set(cut.rows.filter((row) => row.level === "full").map((row) => row.area));
    codes = codes.filter((code) => lived.has(code));
  }
  const wanted = new Set([...codes, cut.village, ...cut.used.filter(isVillage)]);
  return [...wanted].filter(isVillage).sort().map((code) => [code, cut.areas[code] ?? code]);
}

/** The family itself; for one that is not on the list, nobody: no choice of it is asked for. */
function families(cut: Cut): string[][] {
  return cut.rows
    .filter((row) => row.familyId && (row.id === cut.householdId || cut.used.includes(row.familyId)))
    .map((row) => [row.familyId, row.name || row.familyId, row.area]);
}

function csv(columns: readonly string[], rows: readonly string[][]): string {
  return [columns, ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("");
}

function cell(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
