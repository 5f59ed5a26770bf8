/** Reads a QR code from the camera: the browser's own reader where it has one, else jsQR (a chunk of its own). */

type Reader = (video: HTMLVideoElement) => Promise<string | null>;

const LOOK_EVERY_MS = 180;
const SIDE_MAX = 720;

/** Watch a video until a code is seen. Returns the way to stop. Throws where there is no camera to be had. */
export async function watchForCode(video: HTMLVideoElement, seen: (text: string) => void): Promise<() => void> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  let going = true;
  video.srcObject = stream;
  await video.play();
  const read = await reader();
  const look = async () => {
    if (!going) return;
    const text = video.readyState >= 2 ? await read(video).catch(() => null) : null;
    if (text && going) seen(text);
    if (going) setTimeout(() => void look(), LOOK_EVERY_MS);
  };
  void look();
  return () => {
    going = false;
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
}

interface Detector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}
interface DetectorClass {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<string[]>;
}

async function reader(): Promise<Reader> {
  const known = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
  if (known && (await known.getSupportedFormats().catch((): string[] => [])).includes("qr_code")) {
    const detector = new known({ formats: ["qr_code"] });
    return async (video) => (await detector.detect(video))[0]?.rawValue ?? null;
  }
  const { default: jsQr } = await import("jsqr");
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return async (video) => {
    const scale = Math.min(1, SIDE_MAX / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    if (!context || canvas.width === 0) return null;
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const image = context.getImageData(0, 0, canvas.width, canvas.height);
    return jsQr(image.data, image.width, image.height, { inversionAttempts: "dontInvert" })?.data ?? null;
  };
}
