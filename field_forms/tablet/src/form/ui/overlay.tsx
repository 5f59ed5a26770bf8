/** A page over the page: a long list, the camera, a question whether to throw something away. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Words } from "../words";

export function Overlay(props: { title: string; words: Words; onClose: () => void; children: ComponentChildren; small?: boolean }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    return () => dialog.current?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      class={props.small ? "pf-overlay pf-small" : "pf-overlay"}
      aria-label={props.title}
      onCancel={(event) => (event.preventDefault(), props.onClose())}
    >
      <div class="pf-overlay-bar">
        <h2>{props.title}</h2>
        <button type="button" class="pf-plain" onClick={props.onClose}>{props.words.close}</button>
      </div>
      <div class="pf-overlay-body">{props.children}</div>
    </dialog>
  );
}

/** A question with a yes that costs something. */
export function Ask(props: { title: string; yes: string; words: Words; onYes: () => void; onNo: () => void }) {
  return (
    <Overlay title={props.title} words={props.words} onClose={props.onNo} small>
      <button type="button" class="pf-button pf-danger" onClick={props.onYes}>{props.yes}</button>
      <button type="button" class="pf-button" onClick={props.onNo}>{props.words.cancel}</button>
    </Overlay>
  );
}
