/** Ranges, ranks, and a plain yes: controls that are moved and not typed. */
import type { Cell } from "../../model/filling";
import { shownValue } from "../../model/values";
import type { View } from "../view";
import { offeredAt } from "./choosing";
import type { ControlProps } from "./typing";
import { Rich } from "../rich";

/** A scale with a step to each side: a finger on a cheap screen does not hit one of ninety-nine. */
export function Range({ view, cell, id, describedBy, disabled }: ControlProps) {
  const { question } = cell;
  const { words } = view;
  const [start, end, step] = [bound(question.parameters["start"], 1), bound(question.parameters["end"], 10), bound(question.parameters["step"], 1)];
  const [low, high] = start <= end ? [start, end] : [end, start];
  const value = view.filling.shown(cell);
  const number = value == null || value === "" ? null : Number(value);
  const places = Math.max(0, ...[question.parameters["start"], question.parameters["step"]].map((text) => (text?.split(".")[1] ?? "").length));
  const set = (next: number): void => {
    const inside = Math.min(high, Math.max(low, next));
    const text = inside.toFixed(places);
    view.answer(cell, view.filling.field(question).type === "integer" ? Number(text) : trimmed(text));
  };
  return (
    <div class="pf-range">
      <output class="pf-range-value" for={id}>{number === null ? words.notSet : trimmed(number.toFixed(places))}</output>
      <div class="pf-range-row">
        <button type="button" class="pf-button pf-step" disabled={disabled} aria-label={words.less} onClick={() => set((number ?? low + step) - step)}>−</button>
        <input
          type="range" id={id} min={low} max={high} step={step} value={number ?? low} disabled={disabled}
          autocomplete="off" aria-describedby={describedBy} class={number === null ? "pf-unset" : undefined}
          aria-valuetext={number === null ? words.notSet : undefined}
          onChange={(event) => set(Number(event.currentTarget.value))}
          onClick={(event) => number === null && set(Number(event.currentTarget.value))}
        />
        <button type="button" class="pf-button pf-step" disabled={disabled} aria-label={words.greater} onClick={() => set((number ?? low - step) + step)}>+</button>
      </div>
      <div class="pf-range-ends" aria-hidden="true"><span>{question.parameters["start"] ?? "1"}</span><span>{question.parameters["end"] ?? "10"}</span></div>
    </div>
  );
}

const bound = (text: string | undefined, otherwise: number): number => (text === undefined || text === "" ? otherwise : Number(text));
const trimmed = (text: string): string => (text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text);

export function Rank({ view, cell, id, describedBy, disabled }: ControlProps) {
  const { words } = view;
  const offered = offeredAt(view, cell);
  const value = view.filling.shown(cell);
  const ranked = typeof value === "string" && value !== "" ? value.split(" ") : null;
  if (ranked === null) {
    const begin = (): void => view.answer(cell, offered.map((each) => each.value).join(" "));
    return <button type="button" id={id} class="pf-button" aria-describedby={describedBy} disabled={disabled} onClick={begin}>{words.rankStart}</button>;
  }
  const move = (from: number, to: number): void => {
    const next = [...ranked];
    next.splice(to, 0, next.splice(from, 1)[0]!);
    view.answer(cell, next.join(" "));
  };
  return (
    <ol class="pf-rank" id={id} aria-describedby={describedBy}>
      {ranked.map((code, index) => {
        const label = offered.find((each) => each.value === code)?.label ?? code;
        return (
          <li key={code}>
            <Rich text={label} />
            <button type="button" class="pf-button pf-step" aria-label={words.rankUp(label)} disabled={disabled || index === 0} onClick={() => move(index, index - 1)}>↑</button>
            <button type="button" class="pf-button pf-step" aria-label={words.rankDown(label)} disabled={disabled || index === ranked.length - 1} onClick={() => move(index, index + 1)}>↓</button>
          </li>
        );
      })}
    </ol>
  );
}

export function Acknowledge({ view, cell, id, describedBy, disabled }: ControlProps) {
  const said = view.filling.shown(cell) === "OK";
  const change = (on: boolean): void => (on ? view.answer(cell, "OK") : view.empty(cell));
  return (
    <label class="pf-choice">
      <input
        type="checkbox" id={id} autocomplete="off" checked={said} disabled={disabled} aria-describedby={describedBy}
        onClick={(event) => change(event.currentTarget.checked)}
      />
      <span>{view.words.accept}</span>
    </label>
  );
}

/** An answer that is not given here: computed, or filled in by the app. */
export function Computed({ view, cell }: { view: View; cell: Cell }) {
  const value = view.filling.shown(cell);
  const texts = value == null || value === "" ? [] : Array.isArray(value) ? value.map(String) : [shownValue(cell.question.control, value)];
  const chosen = ["one", "many"].includes(cell.question.control);
  return <p class="pf-computed">{texts.length === 0 ? "–" : texts.map((text) => (chosen ? view.choiceLabel(cell, text) : text)).join(", ")}</p>;
}
