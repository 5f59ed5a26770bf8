/**
 * Photos after data: each in pieces, smallest photo first, resumed by offset where the line broke (docs/protocol.md,
 * "Photos and files"). A photo leaves the tablet only when the server says that a verified backup holds it.
 */
import type { Photo, Standing } from "../store/events";
import type { Write } from "../store/vault";
import type { Run } from "./run";
import { type BlobStanding, Refused } from "./server";
import { Unreachable } from "./transport";

const PIECE_MIN = 32 * 1024;
const PIECE_MAX = 1024 * 1024;
const PIECE_TARGET_MS = 4_000;
/** Of photos that arrived, so many are asked about in one sync: whether a backup holds them. */
const ASKED_MAX = 25;

interface Waiting {
  event: Standing;
  photo: Photo;
}

export async function uploadPhotos(run: Run): Promise<void> {
  const waiting = photosIn(run, "waiting").sort((one, other) => one.photo.bytes - other.photo.bytes);
  const total = waiting.reduce((sum, each) => sum + each.photo.bytes, 0);
  let sent = 0;
  let piece = PIECE_MIN;
  for (const [at, each] of waiting.entries()) {
    const tell = (bytes: number) =>
      run.tell({ step: "photos", done: at, total: waiting.length, bytesDone: sent + bytes, bytesTotal: total });
    tell(0);
    const done = await upload(run, each, piece, tell);
    piece = done.piece;
    sent += each.photo.bytes;
    if (done.standing) await note(run, each, done.standing.durable ? "safe" : "sent");
    if (done.standing) run.result.photos += 1;
  }
}

/** Photos that arrived: which of them a verified backup holds; those are dropped from the tablet. */
export async function askAboutPhotos(run: Run): Promise<void> {
  for (const each of photosIn(run, "sent").slice(0, ASKED_MAX)) {
    const standing = await standingOf(run, each.photo.sha256);
    if (!standing) continue;
    if (!standing.complete) await note(run, each, "waiting");
    else if (standing.durable) await note(run, each, "safe");
  }
}

function photosIn(run: Run, state: Photo["state"]): Waiting[] {
  return run.store.events
    .all()
    .filter((event) => event.state === "received" || event.state === "durable")
    .flatMap((event) =>
      event.photos.filter((photo) => photo.state === state && photo.file !== null).map((photo) => ({ event, photo })),
    );
}

/** Where the upload stands at its end; null where the server does not want the photo (yet). */
async function upload(
  run: Run,
  { photo }: Waiting,
  piece: number,
  tell: (bytes: number) => void,
): Promise<{ standing: BlobStanding | null; piece: number }> {
  const blob = await run.store.files.get(photo.file!);
  if (!blob) return { standing: null, piece };
  const content = new Uint8Array(await blob.arrayBuffer());
  let standing = await standingOf(run, photo.sha256);
  while (standing && !standing.complete) {
    const { offset } = standing;
    tell(offset);
    const bytes = content.slice(offset, offset + piece);
    const started = run.clock.monotonicMs();
    try {
      standing = await run.server.blobPiece(photo.sha256, offset, bytes, content.length, (sent) => tell(offset + sent));
      run.backoff.succeeded();
      const tookMs = Math.max(1, run.clock.monotonicMs() - started);
      piece = Math.max(PIECE_MIN, Math.min(PIECE_MAX, piece * 2, Math.floor((bytes.length * PIECE_TARGET_MS) / tookMs)));
    } catch (error) {
      piece = PIECE_MIN;
      if (error instanceof Refused && !error.passing) {
        if (error.code !== "offset_mismatch" && error.code !== "cut_off") return { standing: null, piece };
      } else if (error instanceof Refused) await run.backoff.wait(error.code, error.retryAfterS);
      else if (error instanceof Unreachable) await run.backoff.wait("network");
      else throw error;
      // What arrived of a piece that broke is kept there: ask where to go on.
      standing = await standingOf(run, photo.sha256);
    }
  }
  return { standing, piece };
}

/** Null where no event that the server has names the file, or the server takes no photos. */
async function standingOf(run: Run, sha256: string): Promise<BlobStanding | null> {
  try {
    return await run.attempt(() => run.server.blobStanding(sha256));
  } catch (error) {
    if (error instanceof Refused && (error.status === 404 || error.status === 405)) return null;
    throw error;
  }
}

async function note(run: Run, { event, photo }: Waiting, state: Photo["state"]): Promise<void> {
  const { store } = run;
  await store.vault.exclusive(async () => {
    const now = store.events.get(event.ref);
    if (!now) return;
    const writes: Write[] = [];
    const photos = now.photos.map((each): Photo => {
      if (each.sha256 !== photo.sha256) return each;
      if (state !== "safe") return { ...each, state };
      if (each.file) writes.push(store.files.dropping(each.file));
      return { ...each, state, file: null };
    });
    await store.events.change([{ ...now, photos }], writes);
  });
}
