/** Photos, signatures and files: kept in the file store at once, the answer is their digest. */
import { useEffect, useState } from "preact/hooks";
import { pathOf, type Cell } from "../../model/filling";
import { infoOf, longestOf, PhotoUnreadable, reencoded } from "../../photo";
import { Ask } from "../overlay";
import type { View } from "../view";
import { Camera, hasCamera } from "./camera";
import { SignaturePad } from "./signature";
import type { ControlProps } from "./typing";

const FILE_BYTES_MAX = 5_000_000;

/** Keeps a file and makes it the answer; the file it replaces goes. */
async function keep(view: View, cell: Cell, blob: Blob): Promise<void> {
  const before = view.filling.data.answers[pathOf(cell)]?.file;
  const info = await infoOf(blob);
  await view.host.putFile(info.name, blob);
  view.answer(cell, info.sha256, info);
  if (before !== undefined && before.name !== info.name) await dropUnused(view, before.name);
}

async function remove(view: View, cell: Cell): Promise<void> {
  const before = view.filling.data.answers[pathOf(cell)]?.file;
  view.takeBack(cell);
  if (before !== undefined) await dropUnused(view, before.name);
}

/** Only after the draft that no longer names it is on the disk, else a crash in between leaves an answer without file. */
async function dropUnused(view: View, name: string): Promise<void> {
  await view.keeper.flush();
  const used = Object.values(view.filling.data.answers).some((answer) => answer.file?.name === name);
  if (!used) await view.host.dropFile(name);
}

export function Photo(props: ControlProps) {
  const { view, cell, id, describedBy, disabled } = props;
  const { words } = view;
  const [working, setWorking] = useState(false);
  const [problem, setProblem] = useState("");
  const [camera, setCamera] = useState(false);
  const given = view.filling.answer(pathOf(cell))?.file;
  const take = async (blob: Blob | undefined): Promise<void> => {
    if (blob === undefined) return;
    setWorking(true);
    setProblem("");
    try {
      await keep(view, cell, await reencoded(blob, longestOf(cell.question.parameters["max-pixels"])));
    } catch (error) {
      setProblem(error instanceof PhotoUnreadable ? words.photoBroken : (error as Error).message);
    }
    setWorking(false);
  };
  const facing = cell.question.appearance.some((name) => name === "selfie" || name === "new-front") ? "user" : "environment";
  return (
    <div class="pf-file">
      <Preview view={view} cell={cell} />
      {working && <p role="status">{words.photoWorking}</p>}
      {problem !== "" && <p class="pf-bad" role="alert">{problem}</p>}
      {!disabled && (
        <div class="pf-row">
          {hasCamera() && (
            <button type="button" id={id} class="pf-button" aria-describedby={describedBy} onClick={() => setCamera(true)}>
              {given === undefined ? words.takePhoto : words.takeAgain}
            </button>
          )}
          <label class="pf-button pf-file-label">
            {words.fromCameraApp}
            <input
              type="file" accept="image/*" capture={facing} class="pf-hidden-file" autocomplete="off"
              id={hasCamera() ? `${id}-app` : id} aria-describedby={describedBy}
              onChange={(event) => {
                const input = event.currentTarget;
                void take(input.files?.[0]).then(() => (input.value = ""));
              }}
            />
          </label>
          {given !== undefined && <RemoveButton view={view} cell={cell} label={words.removePhoto} />}
        </div>
      )}
      {camera && <Camera words={words} title={view.label(cell)} facing={facing} onPhoto={(blob) => void take(blob)} onClose={() => setCamera(false)} />}
    </div>
  );
}

function RemoveButton({ view, cell, label }: { view: View; cell: Cell; label: string }) {
  const [asked, setAsked] = useState(false);
  return (
    <>
      <button type="button" class="pf-button" onClick={() => setAsked(true)}>{label}</button>
      {asked && <Ask title={`${label}?`} yes={label} words={view.words} onYes={() => (setAsked(false), void remove(view, cell))} onNo={() => setAsked(false)} />}
    </>
  );
}

/** The picture as it was kept. The address of it lives as long as it is seen. */
function Preview({ view, cell }: { view: View; cell: Cell }) {
  const file = view.filling.answer(pathOf(cell))?.file;
  const [address, setAddress] = useState("");
  useEffect(() => {
    let made = "";
    let gone = false;
    if (file !== undefined && file.mime.startsWith("image/")) {
      void view.host.getFile(file.name).then((blob) => {
        if (blob === null || gone) return;
        made = URL.createObjectURL(blob);
        setAddress(made);
      });
    }
    return () => {
      gone = true;
      if (made !== "") URL.revokeObjectURL(made);
      setAddress("");
    };
  }, [file?.name]);
  if (file === undefined) return null;
  return (
    <figure class="pf-preview">
      {address !== "" && <img src={address} alt={view.words.photoOf(view.label(cell))} />}
      <figcaption class="pf-small-text">{view.words.bytes(file.bytes)}</figcaption>
    </figure>
  );
}

export function Signature(props: ControlProps) {
  const { view, cell, id, describedBy, disabled } = props;
  const { words } = view;
  const [open, setOpen] = useState(false);
  const given = view.filling.answer(pathOf(cell))?.file;
  return (
    <div class="pf-file">
      <Preview view={view} cell={cell} />
      {!disabled && (
        <div class="pf-row">
          <button type="button" id={id} class="pf-button" aria-describedby={describedBy} onClick={() => setOpen(true)}>
            {given === undefined ? words.sign : words.signAgain}
          </button>
          {given !== undefined && <RemoveButton view={view} cell={cell} label={words.clear} />}
        </div>
      )}
      {open && <SignaturePad title={view.label(cell)} words={words} onDone={(blob) => (setOpen(false), void keep(view, cell, blob))} onClose={() => setOpen(false)} />}
    </div>
  );
}

export function AnyFile({ view, cell, id, describedBy, disabled }: ControlProps) {
  const { words } = view;
  const [problem, setProblem] = useState("");
  const given = view.filling.answer(pathOf(cell))?.file;
  const take = (file: File | undefined): void => {
    setProblem("");
    if (file === undefined) return;
    if (file.size > FILE_BYTES_MAX) return setProblem(words.fileTooLarge);
    keep(view, cell, file).catch((error: Error) => setProblem(error.message));
  };
  return (
    <div class="pf-file">
      <Preview view={view} cell={cell} />
      {problem !== "" && <p class="pf-bad" role="alert">{problem}</p>}
      <div class="pf-row">
        <label class="pf-button pf-file-label">
          {words.chooseFile}
          <input
            type="file" id={id} class="pf-hidden-file" autocomplete="off" disabled={disabled} aria-describedby={describedBy}
            accept={cell.question.parameters["mediatype"]} onChange={(event) => take(event.currentTarget.files?.[0])}
          />
        </label>
        {given !== undefined && <RemoveButton view={view} cell={cell} label={words.clear} />}
      </div>
    </div>
  );
}
