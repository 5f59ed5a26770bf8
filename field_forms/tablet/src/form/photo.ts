/**
 * Photos as they are kept: scaled down and encoded anew, so that nothing of what the camera wrote beside the picture
 * (place, time, tablet) is left.
 */
import type { FileInfo } from "./model/filling";

export const LONGEST_PX = 1024;
const JPEG_QUALITY = 0.8;

export class PhotoUnreadable extends Error {}

/** A JPEG of at most `longest` pixels on its longer side, turned upright. Raises `PhotoUnreadable`. */
export async function reencoded(file: Blob, longest: number): Promise<Blob> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new PhotoUnreadable();
  }
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return blobOf(canvas, "image/jpeg");
}

/** What a canvas shows, as a file. */
export function blobOf(canvas: HTMLCanvasElement, type: "image/jpeg" | "image/png"): Promise<Blob> {
  return new Promise((done, fail) => {
    canvas.toBlob((blob) => (blob === null ? fail(new PhotoUnreadable()) : done(blob)), type, JPEG_QUALITY);
  });
}

/** What of a file goes into the event. Its name in the file store is its digest: the same file twice is one. */
export async function infoOf(blob: Blob): Promise<FileInfo> {
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  const sha256 = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { name: sha256, sha256, bytes: blob.size, mime: blob.type || "application/octet-stream" };
}

/** The longest side a question allows (`max-pixels`), never more than ours. */
export const longestOf = (parameter: string | undefined): number => {
  const wanted = Number(parameter ?? LONGEST_PX);
  return Number.isFinite(wanted) && wanted > 0 ? Math.min(wanted, LONGEST_PX) : LONGEST_PX;
};
