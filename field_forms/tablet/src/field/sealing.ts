/**
 * From a draft to a sealed event: hash, signature, place in the queue, and the box in which it can be handed in while
 * the store is locked; one transaction, in which the draft goes too. A sealed event is never edited.
 */
import type { SealAnswers } from "../contract";
import { canonicalBytes } from "../seal/canonical";
import { EVENT_BYTES_MAX, type Envelope, type ToSeal, refOf, seal } from "../seal/event";
import { fromHex, randomBytes, toHex } from "../seal/bytes";
import { signEvent } from "../seal/signing";
import { type StoredDraft, fileId } from "../store/drafts";
import type { Photo, SealedEvent, Standing } from "../store/events";
import type { OfficerStore } from "../store/officer";
import type { Write } from "../store/vault";
import { APP } from "./app";
import { boxing } from "./boxing";
import { type Clock, believedMs, utcText } from "./time";

/** The event is larger than the server takes. */
export class EventTooLarge extends Error {
  constructor(readonly bytes: number) {
    super(`event of ${bytes} bytes`);
  }
}

/** Seal a draft. Sealing what is sealed already gives the same ref. Throws `EventTooLarge`, `TabletFull`. */
export async function sealDraft(
  store: OfficerStore,
  draft: StoredDraft,
  answers: SealAnswers,
  formHash: string,
  clock: Clock,
): Promise<string> {
  return store.vault.exclusive(async () => {
    const done = store.events.byId(draft.id);
    if (done) return done.ref;
    const { officer, installKey } = store.settings.all;
    if (!officer) throw new Error("not enrolled");
    const envelope = signEvent(fromHex(installKey), seal(toSeal(draft, answers, formHash, officer.id)));
    const size = canonicalBytes(envelope).length;
    if (size > EVENT_BYTES_MAX) throw new EventTooLarge(size);
    const event: SealedEvent = { envelope, transport: transportFacts(store, clock) };
    const standing = standingOf(draft, answers, envelope, event, size, believedMs(clock, store.settings.all.serverTime));
    const writes: Write[] = [
      ...(await store.events.adding(standing, event)),
      store.drafts.dropping(draft.id),
      ...(await boxing(store, [{ standing, event }], clock)),
      ...unusedFiles(store, draft, answers),
    ];
    await store.vault.write(writes);
    store.events.took([standing]);
    store.drafts.dropped(draft.id);
    return standing.ref;
  });
}

function toSeal(draft: StoredDraft, answers: SealAnswers, formHash: string, actor: string): ToSeal {
  const attachments = Object.entries(answers.attachments).map(
    ([path, { sha256, bytes, mime }]) => [path, { sha256, bytes, mime }] as const,
  );
  return {
    id: draft.id,
    kind: answers.kind,
    household_id: draft.householdId,
    home_region: draft.homeRegion,
    form: { ...draft.form, hash: formHash },
    actor,
    area: answers.area || draft.area,
    context: draft.fixed.context,
    also: answers.also,
    not_before: draft.fixed.notBefore,
    attachments: Object.fromEntries(attachments),
    body: answers.body,
    parts: answers.parts,
    salts: Object.fromEntries(answers.parts.map((part) => [part.name, toHex(randomBytes(16))])),
  };
}

function transportFacts(store: OfficerStore, clock: Clock): Record<string, unknown> {
  return {
    install: store.settings.all.install,
    seq: store.events.nextSeq(),
    wall: utcText(clock.nowMs()),
    mono: Math.round(clock.monotonicMs()),
    tz: Intl.DateTimeFormat().resolvedOptions().timeZone || "Asia/Jakarta",
    app: APP,
  };
}

function standingOf(
  draft: StoredDraft,
  answers: SealAnswers,
  envelope: Envelope,
  event: SealedEvent,
  size: number,
  sealedMs: number,
): Standing {
  const head = envelope.head;
  return {
    seq: Number(event.transport["seq"]),
    id: head.id,
    ref: refOf(envelope.payload_hash),
    payloadHash: envelope.payload_hash,
    householdId: head.household_id,
    homeRegion: head.home_region,
    area: head.area,
    filed: [...new Set([head.household_id, ...head.also.map((each) => each.household_id)])],
    also: head.also,
    kind: head.kind,
    form: draft.form,
    context: head.context.map((each) => each.ref),
    name: draft.draft?.summary.name ?? "",
    sealedMs,
    size,
    state: "sealed",
    stamp: null,
    status: null,
    reasons: [],
    receipt: null,
    offer: null,
    photos: photosOf(draft.id, answers),
  };
}

function photosOf(eventId: string, answers: SealAnswers): Photo[] {
  return Object.entries(answers.attachments).map(([path, { file, sha256, bytes, mime }]) => ({
    path,
    sha256,
    bytes,
    mime,
    file: fileId(eventId, file),
    state: "waiting",
  }));
}

/** Files of the draft that the sealed form does not name: a photo taken twice, one that became irrelevant. */
function unusedFiles(store: OfficerStore, draft: StoredDraft, answers: SealAnswers): Write[] {
  const used = new Set(Object.values(answers.attachments).map((each) => each.file));
  const files = draft.draft?.files ?? [];
  return files.filter((name) => !used.has(name)).map((name) => store.files.dropping(fileId(draft.id, name)));
}
