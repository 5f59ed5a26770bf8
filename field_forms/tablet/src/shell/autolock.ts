/** Locks the app when nobody used it for a while, on a clock that cannot be set. Saves what is open before. */
import type { App } from "./app";

const LOOK_EVERY_MS = 5_000;
const FLUSH_MS = 3_000;
const EVENTS = ["pointerdown", "keydown", "input", "scroll"] as const;

export class AutoLock {
  private usedMs = 0;
  private timer = 0;
  private readonly used = () => {
    this.usedMs = performance.now();
  };
  /** Saves what a form has not saved yet; set by the form's screen while it is there. */
  flushForm: (() => Promise<void>) | null = null;

  constructor(private readonly app: App) {}

  begin(): void {
    this.end();
    this.used();
    for (const name of EVENTS) addEventListener(name, this.used, { capture: true, passive: true });
    this.timer = window.setInterval(() => this.look(), LOOK_EVERY_MS);
    document.addEventListener("visibilitychange", this.seen);
  }

  end(): void {
    for (const name of EVENTS) removeEventListener(name, this.used, { capture: true });
    document.removeEventListener("visibilitychange", this.seen);
    clearInterval(this.timer);
  }

  /** What was typed last is saved; a form that does not answer holds nobody up. */
  async flush(): Promise<void> {
    if (!this.flushForm) return;
    await Promise.race([this.flushForm().catch(() => {}), new Promise((done) => setTimeout(done, FLUSH_MS))]);
  }

  /** A page in the background may not run: look when it comes back, and save when it goes. */
  private readonly seen = () => {
    if (document.visibilityState === "hidden") void this.flush();
    else this.look();
  };

  private look(): void {
    const active = this.app.active.value;
    if (!active || this.app.syncing.state.value.running) return;
    const allowedMs = active.session.store.settings.all.lockAfterMin * 60_000;
    if (performance.now() - this.usedMs > allowedMs) void this.app.lock();
  }
}
