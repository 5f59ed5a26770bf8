/** Runs the tablet's own modules over cases that Python made, in node: `node conformance.mjs CASES.json` prints JSON. */
import { readFileSync } from "node:fs";
import { heldReasons } from "../../field_forms/tablet/src/field/standing";
import { openKnown } from "../../field_forms/tablet/src/field/opening";
import { waitAfterS } from "../../field_forms/tablet/src/lock/delay";
import { pinProblem } from "../../field_forms/tablet/src/lock/pin";
import { UNLOCK_PURPOSE, recoveryBox } from "../../field_forms/tablet/src/lock/wrap";
import { depositContent, openBox, sealBox } from "../../field_forms/tablet/src/seal/box";
import { fromBase64, fromHex, fromUtf8, toBase64, toHex } from "../../field_forms/tablet/src/seal/bytes";
import { canonicalText } from "../../field_forms/tablet/src/seal/canonical";
import { envelopeHash, erasedParts, seal, withoutPart, withoutParts } from "../../field_forms/tablet/src/seal/event";
import { publicKey, signEvent, timeHolds } from "../../field_forms/tablet/src/seal/signing";
import { DataKeyCipher } from "../../field_forms/tablet/src/store/cipher";
import { Backoff, GaveUp, Pace } from "../../field_forms/tablet/src/sync/pace";
import { isDurable, newest, readPage, settle } from "../../field_forms/tablet/src/sync/settle";

type Case = any;

const MAKERS: Record<string, (given: Case) => unknown> = {
  canonical: (value) => orProblem(() => canonicalText(value)),
  seal: (given) => seal(given),
  hash: (envelope) => envelopeHash(envelope),
  sign: ({ key, envelope }) => ({ ...signEvent(fromHex(key), envelope), public: toHex(publicKey(fromHex(key))) }),
  deposit: ({ install, body, key }) => fromUtf8(depositContent(install, body, fromHex(key))),
  sealBox: ({ content, recipient, oneTime }) => sealBox(fromHex(content), fromHex(recipient), fromHex(oneTime)),
  openBox: async ({ box, key }) => toHex(await openBox(box, fromHex(key))),
  recovery: async ({ dataKey, install, sealingKey }) => ({ box: await recoveryBox(fromHex(dataKey), install, sealingKey), purpose: UNLOCK_PURPOSE }),
  time: ({ said, server, keys }) => timeHolds(said, server, keys),
  withoutParts: ({ envelope, persons, parts }) => withoutParts(envelope, erasedParts(persons, parts)(envelope.payload_hash.slice(0, 32))),
  withoutPart: ({ envelope, name }) => withoutPart(envelope, name),
  settle: (result) => settle(result),
  durable: ({ receipt, region, durable }) => isDurable(receipt, region, durable),
  newest: (forms) => Object.fromEntries(newest(forms)),
  page: (items) => readPage(items),
  opening: ({ item, own, ids }) => openKnown(item, own, new Set(ids)),
  held: ({ standing, trail }) => heldReasons(standing, trail),
  pace: (steps: [number, number][]) => {
    const pace = new Pace();
    return steps.map(([items, seconds]) => (items < 0 ? pace.failed() : pace.measured(items, seconds), pace.size));
  },
  backoff: async (failures: (number | null)[]) => {
    const slept: number[] = [];
    const backoff = new Backoff(async (ms) => void slept.push(ms), () => 0.5);
    try {
      if (failures[0] !== -1) backoff.succeeded();
      for (const after of failures.filter((each) => each !== -1)) await backoff.wait("x", after);
    } catch (error) {
      if (!(error instanceof GaveUp)) throw error;
      return { slept, gaveUp: true };
    }
    return { slept, gaveUp: false };
  },
  pin: (pin) => pinProblem(pin),
  wait: (failures) => waitAfterS(failures),
  cipher: async ({ dataKey, text }) => {
    const cipher = await DataKeyCipher.of(fromHex(dataKey));
    const key = cipher.keyOf("rows", text);
    const closed = await cipher.close("rows", key, new TextEncoder().encode(text));
    const elsewhere = await cipher.open("items", key, closed).then(() => "opened", () => "refused");
    return { key, closed: toBase64(closed), back: fromUtf8(await cipher.open("rows", key, closed)), elsewhere };
  },
  base64: (text) => toBase64(fromBase64(text)),
};

function orProblem(make: () => unknown): unknown {
  try {
    return make();
  } catch (error) {
    return { refused: error instanceof Error ? error.constructor.name : "?" };
  }
}

const cases = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as { name: string; given: Case }[];
const answers: unknown[] = [];
for (const { name, given } of cases) answers.push(await MAKERS[name]!(given));
console.log(JSON.stringify(answers));
