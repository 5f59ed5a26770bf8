/** Reading a barcode with the camera, where the browser can; typing it always works. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Words } from "../../words";
import { Overlay } from "../overlay";

interface Detector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}
type DetectorClass = new () => Detector;
const EVERY_MS = 200;

export function Scanner({ words, onCode }: { words: Words; onCode: (code: string) => void }) {
  const [open, setOpen] = useState(false);
  const found = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
  if (found === undefined) return null;
  return (
    <>
      <button type="button" class="pf-button" onClick={() => setOpen(true)}>{words.scan}</button>
      {open && <Scanning detector={new found()} words={words} onCode={onCode} onClose={() => setOpen(false)} />}
    </>
  );
}

function Scanning(props: { detector: Detector; words: Words; onCode: (code: string) => void; onClose: () => void }) {
  const { detector, words, onCode, onClose } = props;
  const video = useRef<HTMLVideoElement>(null);
  const [problem, setProblem] = useState(false);
  useEffect(() => {
    let stream: MediaStream | null = null;
    let timer: ReturnType<typeof setTimeout>;
    let over = false;
    const look = async (): Promise<void> => {
      if (over || video.current === null) return;
      const codes = await detector.detect(video.current).catch(() => []);
      if (codes[0] !== undefined) return onCode(codes[0].rawValue), onClose();
      timer = setTimeout(() => void look(), EVERY_MS);
    };
    const start = async (): Promise<void> => {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      if (over || video.current === null) return stop(stream);
      video.current.srcObject = stream;
      await video.current.play();
      void look();
    };
    start().catch(() => setProblem(true));
    return () => {
      over = true;
      clearTimeout(timer);
      if (stream !== null) stop(stream);
    };
  }, []);
  return (
    <Overlay title={words.scanning} words={words} onClose={onClose}>
      {problem ? <p class="pf-bad">{words.noCamera}</p> : <video ref={video} class="pf-video" playsInline muted />}
    </Overlay>
  );
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
