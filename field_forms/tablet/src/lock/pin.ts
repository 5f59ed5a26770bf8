/** What may be a PIN. Pure. */

export const PIN_MIN = 6;
export const PIN_MAX = 32;

export type PinProblem = "short" | "long" | "same" | "row";

/** Why a PIN is refused, or null. Whoever wants more than digits may have it. */
export function pinProblem(pin: string): PinProblem | null {
  if (pin.length < PIN_MIN) return "short";
  if (pin.length > PIN_MAX) return "long";
  if (new Set(pin).size === 1) return "same";
  if (/^[0-9]+$/.test(pin) && isRow(pin)) return "row";
  return null;
}

/** 123456, 654321, 121212, 123123 and the like. */
function isRow(pin: string): boolean {
  const steps = new Set<number>();
  for (let at = 1; at < pin.length; at++) steps.add((Number(pin[at]) - Number(pin[at - 1]) + 10) % 10);
  if (steps.size === 1) return true;
  for (const length of [2, 3]) {
    if (pin.length % length === 0 && pin === pin.slice(0, length).repeat(pin.length / length)) return true;
  }
  return false;
}
