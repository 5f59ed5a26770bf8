/**
 * How long to wait after wrong PINs. Pure. The wait is measured on a clock that cannot be set (time since the page was
 * opened), so that setting the tablet's date forward shortens nothing; starting anew begins the wait again.
 */

const FREE_TRIES = 4;
const WAITS_S = [30, 60, 120, 300, 900, 1_800, 3_600];

/** Seconds to wait after this many wrong PINs in a row. */
export function waitAfterS(failures: number): number {
  if (failures < FREE_TRIES) return 0;
  return WAITS_S[Math.min(failures - FREE_TRIES, WAITS_S.length - 1)] ?? 0;
}

/** How many wrong PINs are left before the first wait. */
export function triesLeft(failures: number): number {
  return Math.max(0, FREE_TRIES - failures);
}
