/** A box to sign in with a finger. The engine has none. What is signed is a small black and white picture. */
import { useEffect, useRef, useState } from "preact/hooks";
import { blobOf } from "../../photo";
import type { Words } from "../../words";
import { Overlay } from "../overlay";

const WIDTH_PX = 800;
const HEIGHT_PX = 360;
const PEN_PX = 5;

export function SignaturePad(props: { title: string; words: Words; onDone: (signature: Blob) => void; onClose: () => void }) {
  const { title, words, onDone, onClose } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [signed, setSigned] = useState(false);
  const last = useRef<{ x: number; y: number } | null>(null);
  const empty = (): void => {
    const context = canvas.current!.getContext("2d")!;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, WIDTH_PX, HEIGHT_PX);
    setSigned(false);
  };
  useEffect(empty, []);
  const draw = (event: PointerEvent): void => {
    const element = canvas.current!;
    const box = element.getBoundingClientRect();
    const point = { x: ((event.clientX - box.left) / box.width) * WIDTH_PX, y: ((event.clientY - box.top) / box.height) * HEIGHT_PX };
    const from = last.current ?? point;
    const context = element.getContext("2d")!;
    context.lineWidth = PEN_PX;
    context.lineCap = "round";
    context.strokeStyle = "#000";
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(point.x, point.y);
    context.stroke();
    last.current = point;
    setSigned(true);
  };
  return (
    <Overlay title={title} words={words} onClose={onClose}>
      <p>{words.signHere}</p>
      <canvas
        ref={canvas} class="pf-pad" width={WIDTH_PX} height={HEIGHT_PX} role="img" aria-label={words.signHere}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          draw(event);
        }}
        onPointerMove={(event) => last.current !== null && draw(event)}
        onPointerUp={() => (last.current = null)}
        onPointerCancel={() => (last.current = null)}
      />
      <div class="pf-row">
        <button type="button" class="pf-button pf-primary" disabled={!signed} onClick={() => void blobOf(canvas.current!, "image/png").then(onDone)}>
          {words.signDone}
        </button>
        <button type="button" class="pf-button" onClick={empty}>{words.clear}</button>
      </div>
    </Overlay>
  );
}
