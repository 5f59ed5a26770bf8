/** One question: its words, the supervisor's comments at it, the control, and what is to be said about the answer. */
import { useEffect, useRef, useState } from "preact/hooks";
import { isAsked, isConfirmed } from "../model/assertions";
import { pathOf, type Cell, type State } from "../model/filling";
import type { Remark } from "../model/remarks";

import { Choosing } from "./controls/choosing";
import { AnyFile, Photo, Signature } from "./controls/files";
import { Acknowledge, Computed, Range, Rank } from "./controls/measuring";
import { Place } from "./controls/place";
import { Typing, type ControlProps } from "./controls/typing";
import { Rich } from "./rich";
import type { View } from "./view";

const STATES: readonly State[] = ["declined", "unknown", "not_applicable", "cleared"];
/** Remarks under a question; room for two is kept free, the check at the end has them all. */
const SAID_MAX = 2;
/** Characters that surely fit on one line of the narrowest tablet. */
const ONE_LINE = 30;
const NIK_PAIRS = [["nik_twice", "nik_birth_date_differs"], ["nik_birth_date_differs", "nik_sex_differs"]];
/** Controls that are one element, which a label can name; the others are a group. */
const SINGLE = new Set(["text", "integer", "decimal", "date", "time", "dateTime", "range", "barcode"]);

export function Question({ view, cell }: { view: View; cell: Cell }) {
  const { part, question } = cell;
  const path = pathOf(cell);
  const id = `q-${path.replaceAll(/[^A-Za-z0-9_-]/g, "-")}`;
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (view.target === path && frame.current !== null) arrive(view, frame.current);
  });
  const asked = isAsked(view.filling, question);
  const blocked = asked && saidOf(view, cell).some((remark) => remark.blocks);
  const readonly = question.readonly || (asked && view.filling.engine.readonly(part, question.path));
  const answer = view.filling.answer(path);
  const required = asked && view.filling.engine.required(part, question.path);
  const described = `${id}-remark`;
  const props: ControlProps = {
    view, cell, id, describedBy: described, invalid: blocked, disabled: readonly,
  };
  const single = SINGLE.has(question.control) && asked && !readonly && answer?.state === undefined;
  const label = (
    <>
      <Rich text={view.text(question.label, part, question.path) || question.name} />
      {required && <span class="pf-required"><span aria-hidden="true">*</span><span class="visually-hidden"> {view.words.required}</span></span>}
    </>
  );
  const hint = view.text(question.hint, part, question.path);
  return (
    <div
      ref={frame} class="pf-question" data-path={path} data-blocks={blocked || undefined}
      role={single ? undefined : "group"} aria-labelledby={single ? undefined : `${id}-label`}
    >
      <Comments view={view} path={path} />
      <div class="pf-head">
        {single ? <label class="pf-label" id={`${id}-label`} for={id}>{label}</label> : <span class="pf-label" id={`${id}-label`}>{label}</span>}
        {asked && !readonly && <More view={view} cell={cell} />}
      </div>
      {hint !== "" && <p class="pf-hint"><Rich text={hint} /></p>}
      <Standing view={view} cell={cell} />
      {answer?.state === undefined || !asked ? <Control {...props} asked={asked} /> : <Stated view={view} cell={cell} state={answer.state} id={id} />}
      <Said view={view} cell={cell} id={described} />
    </div>
  );
}

function Control(props: ControlProps & { asked: boolean }) {
  const { view, cell, asked } = props;
  if (!asked || props.disabled) return <Computed view={view} cell={cell} />;
  switch (cell.question.control) {
    case "one":
    case "many":
      return <Choosing {...props} />;
    case "range":
      return <Range {...props} />;
    case "rank":
      return <Rank {...props} />;
    case "acknowledge":
      return <Acknowledge {...props} />;
    case "photo":
      return <Photo {...props} />;
    case "signature":
      return <Signature {...props} />;
    case "file":
      return <AnyFile {...props} />;
    case "geopoint":
      return <Place {...props} />;
    case "unsupported":
      return <p class="pf-bad">{view.words.unsupported}</p>;
    default:
      return <Typing {...props} />;
  }
}

/** Whether an answer comes from the record, was changed, or was confirmed in this visit; and the tap that confirms it. */
function Standing({ view, cell }: { view: View; cell: Cell }) {
  const { filling, words } = view;
  const path = pathOf(cell);
  if (!isAsked(filling, cell.question) || !(path in filling.data.prefill)) return null;
  const answered = path in filling.data.answers;
  const source = filling.field(cell.question).evidence?.source === cell.question.key;
  const word = filling.touched(path) ? words.changed : isConfirmed(filling, cell) || answered ? words.confirmed : words.prefilled;
  const again = (): void => {
    const stands = filling.data.prefill[path]!;
    if (stands.state === undefined) view.answer(cell, stands.value ?? null);
    else view.answerState(cell, stands.state);
  };
  return (
    <p class="pf-standing">
      <span class={`pf-chip pf-${filling.touched(path) ? "changed" : word === words.confirmed ? "confirmed" : "prefilled"}`}>{word}</span>
      {source && !answered && <button type="button" class="pf-plain" onClick={again}>{words.confirm}</button>}
    </p>
  );
}

/** Instead of an answer: why there is none. */
function Stated({ view, cell, state, id }: { view: View; cell: Cell; state: State; id: string }) {
  return (
    <p class="pf-computed" id={id} tabIndex={-1}>
      {view.words.states[state]}
      {pathOf(cell) in view.filling.data.answers && (
        <button type="button" class="pf-plain" onClick={() => view.takeBack(cell)}>{view.words.takeBack}</button>
      )}
    </p>
  );
}

function More({ view, cell }: { view: View; cell: Cell }) {
  const [open, setOpen] = useState(false);
  const { words, filling } = view;
  const path = pathOf(cell);
  const close = (work: () => void) => () => (setOpen(false), work());
  return (
    <div class="pf-more">
      <button
        type="button" class="pf-more-button" aria-expanded={open} aria-label={words.more(view.label(cell))} onClick={() => setOpen(!open)}
      >
        <span aria-hidden="true">⋯</span>
      </button>
      {open && (
        <div class="pf-more-list">
          <p class="pf-small-text">{words.noAnswer}</p>
          {STATES.filter((state) => state !== "cleared" || path in filling.data.prefill).map((state) => (
            <button type="button" key={state} class="pf-button" onClick={close(() => view.answerState(cell, state))}>
              {words.states[state]} <span class="pf-small-text">{words.stateHints[state]}</span>
            </button>
          ))}
          {path in filling.data.answers && (
            <button type="button" class="pf-button" onClick={close(() => view.takeBack(cell))}>{words.takeBack}</button>
          )}
        </div>
      )}
    </div>
  );
}

/**
 * What is said about the answer. The room of the longest sentence is kept free from the start: a line that appears when a
 * field is left would move the next one away under the finger, and the tap would miss.
 */
function Said({ view, cell, id }: { view: View; cell: Cell; id: string }) {
  const shown = saidOf(view, cell);
  const blocks = shown.some((remark) => remark.blocks);
  return (
    <div class="pf-said">
      {possibleSentences(view, cell).map((sentence) => <p key={sentence} class="pf-room" aria-hidden="true">{sentence}</p>)}
      <p id={id} class={shown.length === 0 ? "" : blocks ? "pf-wrong" : "pf-odd"} aria-live="polite">
        {shown.map((remark) => view.sentence(remark)).join(". ")}
      </p>
    </div>
  );
}

/** Remarks that are shown now: not on what is being typed, and nothing is called missing before the officer was there. */
function saidOf(view: View, cell: Cell): Remark[] {
  const path = pathOf(cell);
  if (view.focused === path && path in view.filling.data.typed) return [];
  const shown = view.remarksOn(cell).filter((remark) => remark.code !== "required" || view.wasLeft(path));
  return shown.slice(0, SAID_MAX);
}

/** What might be said at a question; of short ones only the longest, for they all take one line. */
function possibleSentences(view: View, cell: Cell): string[] {
  const { question } = cell;
  const { remarks } = view.words;
  const field = view.filling.field(question);
  const sentence = (code: string): string => view.sentence({ cell, code, blocks: false });
  const possible = [remarks["required"] ?? ""];
  if (question.constraintMessage !== null || field.constraint) possible.push(sentence("constraint"));
  if (field.warning) possible.push(sentence("warning"));
  if (question.requiredMessage !== null) possible.push(sentence("required"));
  if (["date", "integer", "decimal", "time"].includes(question.control)) possible.push(remarks[`not_${question.control}`] ?? "");
  if (question.key === "nik") possible.push(...NIK_PAIRS.map((codes) => codes.map((code) => remarks[code]).join(". ")));
  if (question.key === "no_kk") possible.push(remarks["kk_looks_like_nik"] ?? "");
  const long = possible.filter((each) => each.length > ONE_LINE);
  return long.length > 0 ? [...new Set(long)] : [possible.reduce((longest, each) => (each.length > longest.length ? each : longest))];
}

function Comments({ view, path }: { view: View; path: string }) {
  const found = view.comments.get(path);
  if (found === undefined) return null;
  return (
    <>
      {found.map((comment, index) => (
        <p class="pf-comment" key={index}>
          <strong>{view.words.comment}{comment.by ? ` (${comment.by})` : ""}:</strong> {comment.text}
        </p>
      ))}
    </>
  );
}

/** Scrolls to a question that was jumped to and puts the focus into it. */
function arrive(view: View, frame: HTMLElement): void {
  view.target = null;
  view.arrived = true;
  frame.scrollIntoView({ block: "center" });
  const control = frame.querySelector<HTMLElement>("input:not([type=file]), textarea, select, .pf-picked, .pf-button, button");
  control?.focus({ preventScroll: true });
}

