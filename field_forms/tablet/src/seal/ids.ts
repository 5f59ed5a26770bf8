/** Identifiers and area codes, as schemas/ids.py and schemas/areas.py have them. */

const AREA = /^[0-9]{2}(\.[0-9]{2}(\.[0-9]{2}(\.[0-9]{4})?)?)?$/;
const VILLAGE_DOTS = 3;

/** A random UUID in lower case. */
export function newUuid(): string {
  return crypto.randomUUID();
}

export function isVillage(code: string): boolean {
  return AREA.test(code) && code.split(".").length === VILLAGE_DOTS + 1;
}

/** The kabupaten of an area: `19.03` of `19.03.01.1001`. */
export function regionOf(code: string): string {
  return code.slice(0, 5);
}

/** Whether an area lies in a scope: a prefix at a dot, or the whole nation. */
export function covers(scope: string, code: string): boolean {
  return scope === "ID" || code === scope || code.startsWith(`${scope}.`);
}
