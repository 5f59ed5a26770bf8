/** Choosing a PIN, or the tablet's own lock screen where it can hold a key. */
import { useState } from "preact/hooks";
import { pinProblem } from "../../lock/pin";
import { screenLockThere } from "../../lock/screen";
import type { App } from "../app";
import { Busy, Page, TextInput, useLoaded } from "../parts";
import { type Secret, WrongSecret, changeSecret } from "../session";

export function ChoosePin(props: { app: App; title?: string; back?: () => void; chosen: (secret: Secret) => Promise<void> }) {
  const { app } = props;
  const words = app.words.pin;
  const [pin, setPin] = useState("");
  const [again, setAgain] = useState("");
  const [shown, setShown] = useState(false);
  const [told, setTold] = useState<string | null>(null);
  const screen = useLoaded(screenLockThere, []);
  const kind = shown ? "pin-shown" : "pin";
  const set = async () => {
    const problem = pinProblem(pin);
    if (problem) return setTold(words.problem[problem]);
    if (pin !== again) return setTold(words.differ);
    setTold(null);
    await props.chosen({ kind: "pin", pin });
  };
  const useScreen = async () => {
    try {
      await props.chosen({ kind: "screen" });
    } catch {
      setTold(words.screenFailed);
    }
  };
  return (
    <Page app={app} title={props.title ?? words.title} {...(props.back ? { back: props.back } : {})}>
      <p>{words.lead}</p>
      {screen && (
        <>
          <Busy app={app} label={words.screen} do={useScreen} />
          <p class="hint">{words.screenHint}</p>
        </>
      )}
      <TextInput id="pin" kind={kind} label={words.label} hint={words.rule} value={pin} onInput={setPin} focus={!screen} />
      <TextInput id="pin-again" kind={kind} label={words.repeat} value={again} onInput={setAgain} onEnter={() => void set()} />
      <button type="button" class="link" aria-pressed={shown} onClick={() => setShown(!shown)}>
        {shown ? words.hide : words.show}
      </button>
      <div role="alert">{told && <p class="bad">{told}</p>}</div>
      <Busy app={app} class={screen ? "secondary" : "primary"} label={words.set} busy={words.setting} do={set} />
      <p class="soft small">{words.forgetNote}</p>
    </Page>
  );
}

/** Another PIN for an open store. */
export function ChangePin({ app }: { app: App }) {
  const words = app.words.pin;
  const [old, setOld] = useState("");
  const [known, setKnown] = useState(false);
  const [told, setTold] = useState<string | null>(null);
  const active = app.active.value;
  if (!active) return null;
  const byScreen = active.session.profile.lock.kind === "screen";
  const chosen = async (secret: Secret) => {
    try {
      await changeSecret(app.device, active.session, old, secret);
    } catch (error) {
      if (!(error instanceof WrongSecret)) throw error;
      setKnown(false);
      return setTold(app.words.lock.wrong);
    }
    app.say(words.changed);
    app.routes.back();
  };
  if (known || byScreen) return <ChoosePin app={app} title={words.change} back={() => app.routes.back()} chosen={chosen} />;
  return (
    <Page app={app} title={words.change} back={() => app.routes.back()}>
      <TextInput id="old-pin" kind="pin" label={words.old} value={old} onInput={setOld} onEnter={() => setKnown(true)} focus />
      <div role="alert">{told && <p class="bad">{told}</p>}</div>
      <button type="button" class="primary" disabled={!old} onClick={() => setKnown(true)}>
        {app.words.next}
      </button>
    </Page>
  );
}
