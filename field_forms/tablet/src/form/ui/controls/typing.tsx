/** What is typed: text, numbers, dates, times. Kept at each keystroke, an answer after a breath or when the field is left. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { pathOf, type Cell } from "../../model/filling";
import { readTyped, shownValue, withDashes } from "../../model/values";
import type { View } from "../view";
import { Scanner } from "./scanner";

/** Long enough to type on without a stop (the rules of a large family take a while), short enough to look immediate. */
const BREATH_MS = 250;

export interface ControlProps {
  view: View;
  cell: Cell;
  /** Id of the control; the label and the remark point to it. */
  id: string;
  describedBy: string;
  invalid: boolean;
  disabled: boolean;
}

export function Typing({ view, cell, id, describedBy, invalid, disabled }: ControlProps) {
  const { question } = cell;
  const path = pathOf(cell);
  const stands = view.filling.data.typed[path] ?? shownAs(cell, shownValue(question.control, view.filling.shown(cell)));
  const [text, setText] = useState(stands);
  const field = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const waiting = useRef<{ timer: ReturnType<typeof setTimeout>; text: string; done: () => void } | null>(null);
  // The answer changed elsewhere: taken back, computed, another row.
  useLayoutEffect(() => {
    if (waiting.current === null) setText(stands);
  }, [stands, path]);
  useEffect(() => () => finish(), [path]);

  const finish = (): void => {
    const pending = waiting.current;
    if (pending === null) return;
    clearTimeout(pending.timer);
    waiting.current = null;
    pending.done();
    commit(view, cell, pending.text);
  };
  const type = (typed: string): void => {
    const now = question.control === "date" && precision(cell) === "day" ? withDashes(text, typed) : typed;
    if (field.current !== null && now !== typed) field.current.value = now;
    setText(now);
    view.keepTyped(cell, now);
    if (waiting.current !== null) clearTimeout(waiting.current.timer), waiting.current.done();
    waiting.current = { text: now, timer: setTimeout(finish, BREATH_MS), done: view.pend(finish) };
  };
  const look = lookOf(cell, view);
  const shared = {
    id, ref: field, value: text, disabled, autocomplete: "off", spellcheck: false,
    "aria-describedby": describedBy, "aria-invalid": invalid || undefined,
    "aria-required": view.filling.engine.required(cell.part, question.path) || undefined,
    placeholder: look.placeholder,
    onInput: (event: { currentTarget: HTMLInputElement | HTMLTextAreaElement }) => type(event.currentTarget.value),
    onFocus: () => view.focus(path),
    onBlur: () => (finish(), view.blur(path)),
  };
  if (look.lines > 1) return <textarea {...shared} class="pf-input" rows={look.lines} />;
  const scanner = question.control === "barcode" && !disabled;
  return (
    <div class="pf-typing">
      <input {...shared} class="pf-input" type="text" inputMode={look.keys} autocapitalize={look.capital} />
      {look.inside !== "" && <span class="pf-inside" aria-hidden="true">{look.inside}</span>}
      {look.below !== null && <span class="pf-below">{look.below}</span>}
      {scanner && <Scanner words={view.words} onCode={(code) => view.answer(cell, code)} />}
    </div>
  );
}

function commit(view: View, cell: Cell, text: string): void {
  const read = readTyped(cell.question.control, typedAs(cell, text));
  if (!read.ok) return view.redraw();
  if (read.value === null) view.empty(cell);
  else view.answer(cell, read.value);
}

function precision({ question }: Cell): "day" | "month" | "year" {
  if (question.appearance.includes("month-year")) return "month";
  return question.appearance.includes("year") ? "year" : "day";
}

/** A month or a year alone stands for its first day, as in ODK. */
function typedAs(cell: Cell, text: string): string {
  const typed = text.trim();
  if (precision(cell) === "month" && /^\d{1,2}[-/. ]\d{4}$/.test(typed)) return `01-${typed}`;
  if (precision(cell) === "year" && /^\d{4}$/.test(typed)) return `01-01-${typed}`;
  return text;
}

/** `01-05-2010` as far as it was asked for. */
function shownAs(cell: Cell, date: string): string {
  const from = { day: 0, month: 3, year: 6 }[precision(cell)];
  return /^\d{2}-\d{2}-\d{4}$/.test(date) ? date.slice(from) : date;
}

interface Look {
  keys: "text" | "numeric" | "decimal" | "tel";
  placeholder: string | undefined;
  lines: number;
  capital: "sentences" | "off";
  /** Read beside what is typed, in the field itself. */
  inside: string;
  /** Read under the field; the line is there from the start, so that nothing moves. Null: no such line. */
  below: string | null;
}

const DIGITS_ONLY = /nik|kk|phone|_hp$|pln|kpj/;

function lookOf(cell: Cell, view: View): Look {
  const { question } = cell;
  const { words } = view;
  const look: Look = { keys: "text", placeholder: undefined, lines: 1, capital: "sentences", inside: "", below: null };
  const value = view.filling.shown(cell);
  const has = (name: string): boolean => question.appearance.includes(name);
  switch (question.control) {
    case "integer":
      return { ...look, keys: "numeric", inside: thousands(value) };
    case "decimal":
      return { ...look, keys: "decimal", placeholder: words.decimalHint };
    case "date":
      if (precision(cell) === "year") return { ...look, keys: "numeric", placeholder: words.yearPattern };
      if (precision(cell) === "month") return { ...look, keys: "numeric", placeholder: words.monthPattern };
      return { ...look, keys: "numeric", placeholder: words.datePattern, below: spelledDay(view, cell, value) };
    case "time":
      return { ...look, keys: "numeric", placeholder: words.timePattern };
    case "dateTime":
      return { ...look, placeholder: `${words.datePattern} ${words.timePattern}` };
    default: {
      const lines = Number(question.parameters["rows"] ?? (has("multiline") ? 3 : 1));
      const digits = has("numbers") || DIGITS_ONLY.test(question.name);
      const inside = typeof value === "string" && digits ? counted(value) : "";
      return { ...look, lines, keys: digits ? "numeric" : "text", inside };
    }
  }
}

/** `1250000` is read wrongly; `1.250.000` is not. */
function thousands(value: unknown): string {
  return typeof value === "number" && Math.abs(value) >= 10_000 ? new Intl.NumberFormat("id-ID").format(value) : "";
}

/** How many digits there are, while a number of sixteen is typed. */
const counted = (value: string): string => (/^\d{3,}$/.test(value) && value.length !== 16 ? `${value.length}` : "");

/** The day in words: a slip from 12 to 21 is seen there. With it the age where it is a birth date. */
function spelledDay(view: View, cell: Cell, value: unknown): string {
  if (typeof value !== "string" || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return "";
  const day = new Date(`${value}T00:00:00Z`);
  if (Number.isNaN(day.getTime())) return "";
  const spelled = new Intl.DateTimeFormat(view.words.languageCode, { dateStyle: "long", timeZone: "UTC" }).format(day);
  const age = cell.question.key === "birth_date" ? view.filling.computed(cell.part, "age") : "";
  return /^\d+$/.test(age) ? `${spelled}, ${view.words.age(Number(age))}` : spelled;
}
