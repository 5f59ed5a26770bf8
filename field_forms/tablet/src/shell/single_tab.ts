/** One tab works at a time: two writers would mix up their numbers (`transport.seq`) and their drafts. */

const LOCK = "padan";
const CHANNEL = "padan-tabs";

export interface Turn {
  /** Resolves when another tab asks for the turn. */
  asked: Promise<void>;
}

/** The turn, if no other tab has it; null where one has. */
export async function takeTurn(): Promise<Turn | null> {
  if (!navigator.locks) return { asked: new Promise(() => {}) };
  return new Promise((resolve) => {
    void navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(null);
      const channel = new BroadcastChannel(CHANNEL);
      resolve({ asked: new Promise((asked) => (channel.onmessage = () => asked())) });
      // Kept until the page goes.
      return new Promise<never>(() => {});
    });
  });
}

/** Ask the tab that works to go; resolves when it went. */
export async function askForTurn(): Promise<void> {
  new BroadcastChannel(CHANNEL).postMessage("go");
  await navigator.locks.request(LOCK, () => {});
}
