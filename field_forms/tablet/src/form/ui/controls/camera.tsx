/**
 * The camera inside the page. The tablet's camera app is offered beside it, but a cheap tablet throws the browser out of
 * memory while that app is open; here nothing is thrown out.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { blobOf } from "../../photo";
import type { Words } from "../../words";
import { Overlay } from "../overlay";

const WANTED = { width: { ideal: 1600 }, height: { ideal: 1200 } };

export const hasCamera = (): boolean => typeof navigator.mediaDevices?.getUserMedia === "function";

export function Camera(props: { words: Words; title: string; facing: "user" | "environment"; onPhoto: (photo: Blob) => void; onClose: () => void }) {
  const { words, title, onPhoto, onClose } = props;
  const [facing, setFacing] = useState(props.facing);
  const [state, setState] = useState<"starting" | "ready" | "failed">("starting");
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    let stream: MediaStream | null = null;
    let over = false;
    setState("starting");
    const start = async (): Promise<void> => {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: facing, ...WANTED } });
      if (over || video.current === null) return stop(stream);
      video.current.srcObject = stream;
      await video.current.play();
      setState("ready");
    };
    start().catch(() => setState("failed"));
    return () => {
      over = true;
      stop(stream);
    };
  }, [facing]);
  const shoot = async (): Promise<void> => {
    const seen = video.current!;
    const canvas = document.createElement("canvas");
    canvas.width = seen.videoWidth;
    canvas.height = seen.videoHeight;
    canvas.getContext("2d")!.drawImage(seen, 0, 0);
    onPhoto(await blobOf(canvas, "image/jpeg"));
    onClose();
  };
  return (
    <Overlay title={title} words={words} onClose={onClose}>
      {state === "failed" && <p class="pf-bad" role="alert">{words.noCamera}</p>}
      <video ref={video} class="pf-video" playsInline muted hidden={state === "failed"} />
      {state !== "failed" && (
        <div class="pf-row">
          <button type="button" class="pf-button pf-primary" disabled={state !== "ready"} onClick={() => void shoot()}>{words.shutter}</button>
          <button type="button" class="pf-button" onClick={() => setFacing(facing === "user" ? "environment" : "user")}>{words.otherCamera}</button>
        </div>
      )}
    </Overlay>
  );
}

function stop(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
