/** The worker of argon.ts: one question, one answer. */
import { argon2id } from "hash-wasm";

export interface ArgonQuestion {
  pin: string;
  salt: Uint8Array;
  secret: Uint8Array;
  memoryKib: number;
  passes: number;
}

addEventListener("message", async (event: MessageEvent<ArgonQuestion>) => {
  const asked = event.data;
  const hash = await argon2id({
    password: asked.pin,
    salt: asked.salt,
    secret: asked.secret,
    memorySize: asked.memoryKib,
    iterations: asked.passes,
    parallelism: 1,
    hashLength: 32,
    outputType: "binary",
  });
  postMessage(hash);
});
