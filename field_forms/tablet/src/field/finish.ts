/** Whether an officer's work on this tablet may be ended and its data deleted: only when nothing could be lost by it. */
import type { OfficerStore } from "../store/officer";

export interface Unfinished {
  unsent: number;
  /** Received, but in no backup the server has verified. */
  unsafe: number;
  drafts: number;
  photos: number;
  boxes: number;
}

/** What stands against it; null where nothing does. */
export async function unfinished(store: OfficerStore): Promise<Unfinished | null> {
  const events = store.events.all();
  const found: Unfinished = {
    unsent: store.events.unsent().length,
    unsafe: events.filter((each) => each.state === "received").length,
    drafts: store.drafts.all().length,
    photos: events.reduce((sum, each) => sum + each.photos.filter((one) => one.state === "waiting").length, 0),
    boxes: (await store.boxes.waiting()).filter((each) => each.foreign).length,
  };
  return Object.values(found).some((count) => count > 0) ? found : null;
}
