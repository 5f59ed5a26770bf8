/**
 * Starts synchronisations: by the button, when a network comes back, some seconds after each full hour. One at a time; its
 * progress and its end are there to be read.
 */
import { counts } from "../field/standing";
import { type Progress, type SyncResult, nextSlotMs, synchronise } from "../sync/run";
import type { App } from "./app";
import { Signal } from "./signal";
import { pretendToSend } from "./training";

export interface SyncState {
  running: boolean;
  progress: Progress | null;
  result: SyncResult | null;
}

/** Everybody's network comes back at once when the mast does: each tablet waits a little while of its own. */
const SPREAD_MS = 8_000;
const LOOK_EVERY_MS = 60_000;

export class Syncing {
  readonly state = new Signal<SyncState>({ running: false, progress: null, result: null });
  private dueMs = Infinity;

  constructor(private readonly app: App) {
    addEventListener("online", () => this.soon());
    setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  /** The store was opened: send what waits, and again at each slot. */
  begin(): void {
    const active = this.app.active.value;
    if (!active) return;
    this.planSlot();
    const settings = active.session.store.settings.all;
    const waits = counts(active.session.store.events.all());
    const old = this.app.clock.nowMs() - settings.lastSyncMs > 600_000;
    if (settings.depositToken && navigator.onLine && (waits.tabletOnly > 0 || old)) this.soon();
  }

  /** Everything, or with `receiveOnly` what comes down. Returns at once where one is running. */
  async run(options: { receiveOnly?: boolean } = {}): Promise<SyncResult | null> {
    const active = this.app.active.value;
    if (!active || this.state.value.running) return null;
    this.state.set({ running: true, progress: null, result: null });
    let result: SyncResult | null = null;
    try {
      const tell = (progress: Progress) => this.state.set({ ...this.state.value, progress });
      result = active.training
        ? await pretendToSend(active.store)
        : await synchronise(active.store, this.app.transport, this.app.clock, tell, options);
    } catch (error) {
      this.app.tellFailure(error);
    } finally {
      this.state.set({ running: false, progress: null, result });
      this.planSlot();
      await this.app.watch.look();
      this.app.touch();
    }
    return result;
  }

  private soon(): void {
    const active = this.app.active.value;
    if (!active || active.training || !active.store.settings.all.depositToken) return;
    setTimeout(() => {
      if (navigator.onLine && this.app.active.value) void this.run();
    }, Math.random() * SPREAD_MS);
  }

  private planSlot(): void {
    const active = this.app.active.value;
    if (active) this.dueMs = performance.now() + nextSlotMs(active.session.store.settings.all, this.app.clock);
  }

  private look(): void {
    if (performance.now() < this.dueMs || !navigator.onLine) return;
    this.dueMs = Infinity;
    const active = this.app.active.value;
    if (active && !active.training && active.store.settings.all.depositToken) void this.run();
  }
}
