/** Choosing from a list: a few as large lines, many behind a search. */
import { useMemo, useState } from "preact/hooks";
import { pathOf, type Cell } from "../../model/filling";
import { tidyCodes } from "../../model/values";
import { Overlay } from "../overlay";
import { Rich } from "../rich";
import type { View } from "../view";
import type { ControlProps } from "./typing";

/** More than this behind a search: a page of forty lines has to be scrolled past each time. */
const LINES_MAX = 12;
const FOUND_MAX = 60;
const BEHIND = ["minimal", "autocomplete", "search"];

export interface Offered {
  value: string;
  label: string;
}

/** What can be chosen now, in the language that is shown. */
export function offeredAt(view: View, cell: Cell): Offered[] {
  const { part, question } = cell;
  const { choices } = question;
  const filtered = view.filling.options(cell);
  if (filtered !== null) {
    return filtered.map((each) => ({ value: each.value, label: choices?.list === null ? each.label : view.choiceLabel(cell, each.value) }));
  }
  if (choices === null) {
    return question.fixedChoices.map((each) => ({ value: each.value, label: view.text(each.label, part, question.path) }));
  }
  const rows = view.sheet.lists[choices.list ?? ""];
  if (rows !== undefined) {
    return rows.map((row) => ({
      value: row.columns[choices.value] ?? "",
      label: row.label === null ? (row.columns[choices.label] ?? "") : view.text(row.label, part, question.path),
    }));
  }
  return (view.session.files[choices.list ?? ""] ?? []).map((row) => ({
    value: row[choices.value] ?? "", label: row[choices.label] ?? row[choices.value] ?? "",
  }));
}

export function Choosing(props: ControlProps) {
  const { view, cell } = props;
  const many = cell.question.control === "many";
  const value = view.filling.shown(cell);
  const chosen = Array.isArray(value) ? (value as string[]) : value == null || value === "" ? [] : [String(value)];
  const offered = offeredAt(view, cell);
  const choose = (code: string, on: boolean): void => {
    if (!many) return view.answer(cell, code);
    const exclusive = view.filling.field(cell.question).exclusive ?? [];
    const rest = chosen.filter((each) => each !== code && (exclusive.includes(code) ? false : !exclusive.includes(each)));
    const next = tidyCodes(on ? [...rest, code] : chosen.filter((each) => each !== code));
    if (next.length === 0) view.empty(cell);
    else view.answer(cell, next);
  };
  const lost = chosen.filter((code) => !offered.some((each) => each.value === code));
  const behind = offered.length > LINES_MAX || cell.question.appearance.some((name) => BEHIND.includes(name));
  return behind
    ? <Behind {...props} offered={offered} chosen={chosen} lost={lost} choose={choose} many={many} />
    : <Lines {...props} offered={offered} chosen={chosen} lost={lost} choose={choose} many={many} />;
}

interface ListProps extends ControlProps {
  offered: readonly Offered[];
  chosen: readonly string[];
  /** Chosen and no longer offered; still an answer. */
  lost: readonly string[];
  choose: (code: string, on: boolean) => void;
  many: boolean;
}

function Lines({ view, cell, id, offered, chosen, lost, choose, many, disabled, describedBy }: ListProps) {
  const columns = cell.question.appearance.some((name) => /^(columns|horizontal|likert|quickcompact|compact)/.test(name));
  const path = pathOf(cell);
  return (
    <div class={columns ? "pf-lines pf-columns" : "pf-lines"}>
      {[...offered, ...lost.map((code) => ({ value: code, label: view.choiceLabel(cell, code) }))].map((each, index) => (
        <label class="pf-choice" key={each.value}>
          <input
            id={index === 0 ? id : `${id}-${index}`}
            type={many ? "checkbox" : "radio"}
            name={path}
            value={each.value}
            autocomplete="off"
            disabled={disabled}
            aria-describedby={describedBy}
            checked={chosen.includes(each.value)}
            // A click on what is chosen already says: asked again, still the same.
            onClick={(event) => choose(each.value, many ? event.currentTarget.checked : true)}
          />
          <Rich text={each.label} />
        </label>
      ))}
    </div>
  );
}

function Behind({ view, cell, id, offered, chosen, lost, choose, many, disabled, describedBy, invalid }: ListProps) {
  const [open, setOpen] = useState(false);
  const { words } = view;
  const labels = chosen.map((code) => offered.find((each) => each.value === code)?.label ?? view.choiceLabel(cell, code));
  return (
    <>
      <button
        type="button"
        id={id}
        class="pf-input pf-picked"
        disabled={disabled}
        aria-haspopup="dialog"
        aria-describedby={describedBy}
        data-invalid={invalid || undefined}
        onClick={() => setOpen(true)}
      >
        <span>{labels.length > 0 ? labels.join(", ") : words.choose}</span>
        <span aria-hidden="true">▾</span>
      </button>
      {lost.length > 0 && <p class="pf-small-text">{words.notInList}</p>}
      {open && (
        <Overlay title={view.label(cell)} words={words} onClose={() => setOpen(false)}>
          <Searching
            view={view} offered={offered} chosen={chosen} many={many}
            choose={(code, on) => {
              choose(code, on);
              if (!many) setOpen(false);
            }}
          />
          {many && <button type="button" class="pf-button pf-primary" onClick={() => setOpen(false)}>{words.done}</button>}
        </Overlay>
      )}
    </>
  );
}

function Searching(props: { view: View; offered: readonly Offered[]; chosen: readonly string[]; many: boolean; choose: ListProps["choose"] }) {
  const { view, offered, chosen, many, choose } = props;
  const { words } = view;
  const [sought, setSought] = useState("");
  const [most, setMost] = useState(FOUND_MAX);
  const found = useMemo(() => {
    const pieces = sought.toLocaleLowerCase().split(/\s+/).filter((piece) => piece !== "");
    return offered.filter((each) => {
      const text = `${each.value} ${each.label}`.toLocaleLowerCase();
      return pieces.every((piece) => text.includes(piece));
    });
  }, [sought, offered]);
  return (
    <>
      {offered.length > LINES_MAX && (
        <input
          class="pf-input" type="search" inputMode="search" autocomplete="off" spellcheck={false} value={sought}
          aria-label={words.search} placeholder={words.search} onInput={(event) => setSought(event.currentTarget.value)}
        />
      )}
      <div class="pf-lines" role="group" aria-label={words.choose}>
        {found.slice(0, most).map((each) => (
          many ? (
            <label class="pf-choice" key={each.value}>
              <input
                type="checkbox" autocomplete="off" checked={chosen.includes(each.value)}
                onClick={(event) => choose(each.value, event.currentTarget.checked)}
              />
              <Rich text={each.label} />
            </label>
          ) : (
            <button
              type="button" class="pf-choice" key={each.value} aria-pressed={chosen.includes(each.value)}
              onClick={() => choose(each.value, true)}
            >
              <Rich text={each.label} />
            </button>
          )
        ))}
      </div>
      {found.length === 0 && <p>{words.nothingFound}</p>}
      {found.length > most && (
        <button type="button" class="pf-button" onClick={() => setMost(most + FOUND_MAX)}>{words.showMore(found.length - most)}</button>
      )}
    </>
  );
}
