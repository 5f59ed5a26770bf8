/** How fast to send and how long to wait; the numbers of field_forms/client/pace.py. Clock and chance are handed in. */

export const BATCH_MIN = 10;
export const BATCH_MAX = 50;
export const BATCH_BYTES_MAX = 2_000_000;
const BATCH_TARGET_S = 5;
const BACKOFF_BASE_S = 1;
const BACKOFF_CAP_S = 60;
const ATTEMPTS_MAX = 6;
/** Who presses the button where there is no network wants to hear it soon: nothing was begun yet. */
const FIRST_ATTEMPTS_MAX = 3;
const RETRY_AFTER_MAX_S = 300;

/** Enough failures in a row; nothing was lost. `waitS`: what the server asked for, if it did. */
export class GaveUp extends Error {
  constructor(
    readonly reason: string,
    readonly waitS: number | null,
  ) {
    super(reason);
  }
}

/** Number of events of the next batch: grows by half while batches are quick, follows the measured speed down. */
export class Pace {
  size = BATCH_MIN;

  measured(items: number, seconds: number): void {
    if (items <= 0) return;
    const fitting = Math.floor((items * BATCH_TARGET_S) / Math.max(seconds, 0.001));
    this.size = Math.max(BATCH_MIN, Math.min(BATCH_MAX, fitting, this.size + Math.floor(this.size / 2)));
  }

  failed(): void {
    this.size = Math.max(BATCH_MIN, Math.floor(this.size / 2));
  }
}

/** Waits between failures: uniform in 0..min(cap, base x 2^n), or what the server asked for and a little more. */
export class Backoff {
  private failures = 0;
  private answered = false;

  constructor(
    private readonly sleep: (ms: number) => Promise<void>,
    private readonly random: () => number = Math.random,
  ) {}

  succeeded(): void {
    this.failures = 0;
    this.answered = true;
  }

  /** Wait once. Throws `GaveUp` after too many failures in a row, or where the server asks for a long wait. */
  async wait(reason: string, retryAfterS: number | null = null): Promise<void> {
    this.failures += 1;
    if (this.failures >= (this.answered ? ATTEMPTS_MAX : FIRST_ATTEMPTS_MAX)) throw new GaveUp(reason, retryAfterS);
    if (retryAfterS !== null) {
      if (retryAfterS > RETRY_AFTER_MAX_S) throw new GaveUp(reason, retryAfterS);
      // A little later than asked, each tablet another little: they were all told the same.
      const spread = Math.min(5, 1 + retryAfterS / 10);
      await this.sleep(1000 * (retryAfterS + this.random() * spread));
      return;
    }
    const longest = Math.min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** (this.failures - 1));
    await this.sleep(1000 * this.random() * longest);
  }
}
