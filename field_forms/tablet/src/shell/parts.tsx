/** Pieces that screens are made of: the frame, buttons, messages, ticks. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ticks } from "../field/standing";
import type { Standing } from "../store/events";
import type { App } from "./app";
import type { Signal } from "./signal";

/** The value of a signal, and the component drawn again when it changes. */
export function useSignal<T>(signal: Signal<T>): T {
  const [value, setValue] = useState(signal.value);
  useEffect(() => {
    setValue(signal.value);
    return signal.listen((next) => setValue(next));
  }, [signal]);
  return value;
}

/** Run once something that takes time; `undefined` until it is there. */
export function useLoaded<T>(load: () => Promise<T>, dependencies: readonly unknown[]): T | undefined {
  const [value, setValue] = useState<{ value: T } | undefined>();
  useEffect(() => {
    let there = true;
    void load().then((found) => there && setValue({ value: found }));
    return () => {
      there = false;
    };
  }, dependencies);
  return value?.value;
}

/** A page: bar, content, and nothing else. Moves the focus to its title, so that a screen reader hears where one is. */
export function Page(props: { app: App; title: string; back?: () => void; children: ComponentChildren; aside?: ComponentChildren }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus({ preventScroll: true }), [props.title]);
  return (
    <>
      <header class="bar">
        {props.back && (
          <button class="plain" type="button" onClick={props.back} aria-label={props.app.words.back}>
            <Icon name="back" />
          </button>
        )}
        <h1 tabIndex={-1} ref={title}>
          {props.title}
        </h1>
        {props.aside}
      </header>
      <main>{props.children}</main>
    </>
  );
}

export function LanguageButton({ app }: { app: App }) {
  const other = app.language.value === "id" ? "en" : "id";
  return (
    <button type="button" onClick={() => void app.setLanguage(other)} aria-label={app.words.languageLabel}>
      {other.toUpperCase()}
    </button>
  );
}

/** A button that shows that it works on it, and cannot be pressed twice. */
export function Busy(props: { do: () => Promise<unknown>; label: string; busy?: string; class?: string; disabled?: boolean; app: App }) {
  const [working, setWorking] = useState(false);
  const press = async () => {
    setWorking(true);
    try {
      await props.do();
    } catch (error) {
      props.app.tellFailure(error);
    } finally {
      setWorking(false);
    }
  };
  return (
    <button type="button" class={props.class ?? "primary"} disabled={working || props.disabled} onClick={() => void press()}>
      {working ? (props.busy ?? props.app.words.working) : props.label}
    </button>
  );
}

/** A line of text that the browser neither keeps nor corrects. */
export function TextInput(props: {
  id: string;
  label: string;
  value: string;
  onInput: (value: string) => void;
  onEnter?: () => void;
  hint?: string;
  kind?: "code" | "pin" | "pin-shown" | "search";
  focus?: boolean;
  hideLabel?: boolean;
}) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (props.focus) field.current?.focus();
  }, []);
  const numeric = props.kind === "pin" || props.kind === "pin-shown";
  return (
    <>
      <label for={props.id} class={props.hideLabel ? "visually-hidden" : undefined}>
        {props.label}
      </label>
      <input
        ref={field}
        id={props.id}
        type="text"
        class={props.kind === "code" ? "code" : props.kind === "pin" ? "hidden-text" : undefined}
        inputMode={numeric ? "numeric" : props.kind === "search" ? "search" : "text"}
        autocomplete="off"
        autocapitalize={props.kind === "code" ? "characters" : "off"}
        spellcheck={false}
        placeholder={props.hideLabel ? props.label : undefined}
        aria-describedby={props.hint ? `${props.id}-hint` : undefined}
        value={props.value}
        onInput={(event) => props.onInput(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Enter" && props.onEnter?.()}
      />
      {props.hint && (
        <p class="hint" id={`${props.id}-hint`}>
          {props.hint}
        </p>
      )}
    </>
  );
}

/** One of several, as large lines. */
export function Choices(props: {
  name: string;
  legend: string;
  choices: readonly (readonly [value: string, label: string])[];
  chosen: readonly string[];
  many?: boolean;
  onChoose: (chosen: string[]) => void;
}) {
  const choose = (value: string, on: boolean) => {
    if (!props.many) props.onChoose([value]);
    else props.onChoose(on ? [...props.chosen, value] : props.chosen.filter((each) => each !== value));
  };
  return (
    <fieldset>
      <legend>{props.legend}</legend>
      {props.choices.map(([value, label]) => (
        <label class="choice" key={value}>
          <input
            type={props.many ? "checkbox" : "radio"}
            name={props.name}
            autocomplete="off"
            checked={props.chosen.includes(value)}
            onChange={(event) => choose(value, event.currentTarget.checked)}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** One, two or three ticks, with what they mean. */
export function Ticks({ app, event }: { app: App; event: Standing }) {
  const count = ticks(event);
  return (
    <span class="meta">
      <span class={count === 1 ? "ticks one" : "ticks"} aria-hidden="true">
        {Array.from({ length: count }, (_, at) => (
          <Icon name="tick" key={at} />
        ))}
      </span>
      <span>{app.words.sent.ticks[count]}</span>
    </span>
  );
}

/** A short word at the bottom that something was done. */
export function Toast({ app }: { app: App }) {
  const notice = useSignal(app.notice);
  if (!notice) return <div role="status" />;
  return (
    <div role="status">
      <div class={`toast ${notice.bad ? "bad" : "good"}`}>
        <span>{notice.text}</span>
        <button type="button" class="link" onClick={() => app.notice.set(null)}>
          {app.words.close}
        </button>
      </div>
    </div>
  );
}

const SHAPES = {
  back: "M15 4 7 12l8 8",
  tick: "m4 12 6 6L20 6",
  list: "M8 6h12M8 12h12M8 18h12M3.5 6h.01M3.5 12h.01M3.5 18h.01",
  form: "M6 3h9l4 4v14H6zM9 12h7M9 16h7M9 8h3",
  sync: "M20 12a8 8 0 0 1-14 5M4 12a8 8 0 0 1 14-5M18 3v4h-4M6 21v-4h4",
  menu: "M4 6h16M4 12h16M4 18h16",
  lock: "M6 11h12v9H6zM9 11V7a3 3 0 0 1 6 0v4",
  scan: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M8 8h3v3H8zM13 13h3v3h-3z",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21c1-5 4-7 8-7s7 2 8 7",
  plus: "M12 5v14M5 12h14",
  gear: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M5.6 18.4l2.1-2.1M16.3 7.7l2.1-2.1",
  help: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M12 17h.01",
  book: "M4 5h7l1 1 1-1h7v14h-7l-1 1-1-1H4zM12 6v13",
} as const;

export function Icon({ name }: { name: keyof typeof SHAPES }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" stroke-linecap="round" stroke-linejoin="round">
      <path d={SHAPES[name]} />
    </svg>
  );
}
