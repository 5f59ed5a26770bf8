/**
 * What time it is, as far as a tablet can say (docs/decisions/0015): at least as late as the server last said. Pure but
 * for the clock that is handed in; nothing here is trusted by anybody.
 */

export interface Clock {
  /** Milliseconds since 1970, UTC, as the tablet believes. */
  nowMs(): number;
  /** Milliseconds that only go forward. */
  monotonicMs(): number;
  sleep(ms: number): Promise<void>;
}

export const SYSTEM_CLOCK: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** A clock that is off by more than this is worth a word. */
export const CLOCK_OFF_MS = 10 * 60_000;
const WIB_MS = 7 * 3_600_000;

/** The later of the tablet's clock and the server's last word. */
export function believedMs(clock: Clock, serverTime: string | null): number {
  const told = serverTime === null ? 0 : Date.parse(serverTime);
  return Math.max(clock.nowMs(), Number.isNaN(told) ? 0 : told);
}

/** `2026-11-21T01:02:03Z`. */
export function utcText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** The calendar of forms: the day in western Indonesia. */
export function dayInWib(ms: number): string {
  return new Date(ms + WIB_MS).toISOString().slice(0, 10);
}

/** By how much the tablet's clock was ahead (+) or behind (-) when the server last spoke; 0 where it never did. */
export function clockOffMs(serverTime: string | null, heardMs: number): number {
  const told = serverTime === null ? NaN : Date.parse(serverTime);
  return Number.isNaN(told) || heardMs === 0 ? 0 : heardMs - told;
}
