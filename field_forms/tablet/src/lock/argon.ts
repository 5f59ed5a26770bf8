/** Argon2id in a worker of its own, so that the screen goes on living while it works for a second. */
import type { Bytes } from "../seal/bytes";
import type { ArgonQuestion } from "./argon.worker";

declare const __ARGON_WORKER__: string;

export interface ArgonCost {
  memoryKib: number;
  passes: number;
}

/** What a tablet with little memory can give without the browser being killed for it. */
const SMALL: ArgonCost = { memoryKib: 19_456, passes: 2 };
const LARGE_KIB = 65_536;
const TARGET_MS = 900;
const PASSES_MAX = 12;

/** Hash of a PIN, 32 bytes. */
export async function argon(pin: string, salt: Bytes, secret: Bytes, cost: ArgonCost): Promise<Bytes> {
  const worker = new Worker(__ARGON_WORKER__, { type: "module" });
  try {
    return await new Promise<Bytes>((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data as Bytes);
      worker.onerror = (event) => reject(new Error(event.message || "argon2 failed"));
      const question: ArgonQuestion = { pin: pin.normalize("NFC"), salt, secret, ...cost };
      worker.postMessage(question);
    });
  } finally {
    worker.terminate();
  }
}

/** As costly as this tablet does in about a second: memory by what it has, then as many passes as fit. */
export async function calibrated(salt: Bytes, secret: Bytes): Promise<ArgonCost> {
  const gigabytes = (navigator as { deviceMemory?: number }).deviceMemory ?? 4;
  if (gigabytes < 1) return SMALL;
  const memoryKib = gigabytes < 2 ? LARGE_KIB / 2 : LARGE_KIB;
  const started = performance.now();
  await argon("000000", salt, secret, { memoryKib, passes: 1 });
  const onePassMs = Math.max(1, performance.now() - started);
  const passes = Math.max(1, Math.min(PASSES_MAX, Math.floor(TARGET_MS / onePassMs)));
  return { memoryKib, passes: memoryKib < LARGE_KIB ? Math.max(2, passes) : passes };
}
