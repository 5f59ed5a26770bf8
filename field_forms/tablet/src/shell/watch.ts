/** What the browser says about room, durability and network. */
import { Signal } from "./signal";

export interface Seen {
  usedBytes: number;
  leftBytes: number;
  persisted: boolean;
  online: boolean;
}

/** Below this a few photos more may not fit. */
export const SPACE_LOW_BYTES = 60_000_000;

export class Watch {
  readonly state = new Signal<Seen>({ usedBytes: 0, leftBytes: Infinity, persisted: true, online: navigator.onLine });

  constructor() {
    addEventListener("online", () => this.network());
    addEventListener("offline", () => this.network());
  }

  async look(): Promise<void> {
    if (!navigator.storage) return;
    const [room, persisted] = await Promise.all([navigator.storage.estimate(), navigator.storage.persisted()]);
    const usedBytes = room.usage ?? 0;
    const leftBytes = room.quota === undefined ? Infinity : Math.max(0, room.quota - usedBytes);
    this.state.set({ usedBytes, leftBytes, persisted, online: navigator.onLine });
  }

  /** Ask the browser to keep the data; whether it does. */
  async persist(): Promise<boolean> {
    const persisted = (await navigator.storage?.persist?.()) ?? false;
    await this.look();
    return persisted;
  }

  private network(): void {
    this.state.set({ ...this.state.value, online: navigator.onLine });
  }
}
