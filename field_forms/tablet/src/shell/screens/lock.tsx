/** The locked tablet: who is it, the PIN, what can be handed in without it, and what to do when it is forgotten. */
import { useEffect, useState } from "preact/hooks";
import type { Bytes } from "../../seal/bytes";
import { triesLeft } from "../../lock/delay";
import { BoxStore } from "../../store/boxes";
import type { Profile } from "../../store/device";
import { openDatabase } from "../../store/vault";
import { depositWhileLocked } from "../../sync/deposits";
import { Refused } from "../../sync/server";
import type { App } from "../app";
import { Busy, LanguageButton, Page, TextInput, useLoaded, useSignal } from "../parts";
import { type Session, WrongSecret, databaseOf, relock, unlock, unlockByCode, waitS } from "../session";
import { ChoosePin } from "./pin";
import { CodeForm, Start } from "./start";

/** Unsent work that is older than this goes to the server by itself, if there is a network, locked or not. */
const HAND_IN_AFTER_MS = 24 * 3_600_000;

type View = "open" | "forgot" | "start";

export function LockScreen({ app, opened }: { app: App; opened: (session: Session) => void }) {
  const profiles = useSignal(app.profiles);
  const last = useLoaded(() => app.device.setting<string>("last"), []);
  const [chosen, setChosen] = useState<string | null>(null);
  const [view, setView] = useState<View>(app.code ? "start" : "open");
  const known = profiles.some((each) => each.id === last) ? last : undefined;
  const profile = profiles.find((each) => each.id === (chosen ?? known ?? profiles[0]?.id));
  if (view === "start" || !profile) return <Start app={app} cancel={() => setView("open")} />;
  if (view === "forgot") return <Forgot app={app} profile={profile} opened={opened} back={() => setView("open")} />;
  return (
    <Page app={app} title={app.words.lock.title} aside={<LanguageButton app={app} />}>
      {profiles.length > 1 && <Officers app={app} profiles={profiles} chosen={profile.id} choose={setChosen} />}
      <Unlock key={profile.id} app={app} profile={profile} opened={opened} />
      <Unsent key={`unsent ${profile.id}`} app={app} profile={profile} />
      <div class="row">
        <button type="button" class="link" onClick={() => setView("forgot")}>
          {app.words.lock.forgot}
        </button>
        <button type="button" class="link" onClick={() => setView("start")}>
          {app.words.lock.other}
        </button>
      </div>
    </Page>
  );
}

function Officers(props: { app: App; profiles: readonly Profile[]; chosen: string; choose: (id: string) => void }) {
  return (
    <fieldset>
      <legend>{props.app.words.lock.choose}</legend>
      {props.profiles.map((each) => (
        <label class="choice" key={each.id}>
          <input type="radio" name="officer" autocomplete="off" checked={each.id === props.chosen} onChange={() => props.choose(each.id)} />
          <span>{each.account || props.app.words.lock.notEnrolled}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Unlock({ app, profile, opened }: { app: App; profile: Profile; opened: (session: Session) => void }) {
  const words = app.words.lock;
  const [pin, setPin] = useState("");
  const [told, setTold] = useState<string | null>(null);
  const [failures, setFailures] = useState(profile.failures);
  const [working, setWorking] = useState(false);
  const left = useWait(waitS({ ...profile, failures }), failures);
  const byScreen = profile.lock.kind === "screen";
  const open = async () => {
    if (left > 0 || (!byScreen && !pin)) return;
    setTold(null);
    try {
      opened(await unlock(app.device, profile.id, pin, app.clock));
    } catch (error) {
      setPin("");
      if (!(error instanceof WrongSecret) && !byScreen) throw error;
      setTold(byScreen ? words.screenFailed : words.wrong);
      setFailures((await app.device.profile(profile.id))?.failures ?? 0);
    }
  };
  const press = async () => {
    setWorking(true);
    await open().catch((error: unknown) => app.tellFailure(error));
    setWorking(false);
  };
  return (
    <>
      {!byScreen && <TextInput id="pin" kind="pin" label={words.pin} value={pin} onInput={setPin} onEnter={() => void press()} focus />}
      <div role="alert">
        {told && (
          <p class="bad">
            {told} {!byScreen && failures > 0 && left === 0 && triesLeft(failures) > 0 && words.left(triesLeft(failures))}
          </p>
        )}
      </div>
      {left > 0 && <p class="warn">{words.wait(app.words.seconds(left))}</p>}
      <button type="button" class="primary" disabled={working || left > 0} onClick={() => void press()}>
        {working ? words.opening : byScreen ? words.screen : words.open}
      </button>
    </>
  );
}

/** Seconds left, on a clock that cannot be set; a new failure, or a new start, begins the wait again. */
function useWait(seconds: number, failures: number): number {
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    const until = performance.now() + seconds * 1000;
    setLeft(seconds);
    const timer = setInterval(() => setLeft(Math.max(0, Math.ceil((until - performance.now()) / 1000))), 500);
    return () => clearInterval(timer);
  }, [seconds, failures]);
  return left;
}

/** What waits on this tablet, and the way to hand it in without the PIN. */
function Unsent({ app, profile }: { app: App; profile: Profile }) {
  const words = app.words.lock;
  const [count, setCount] = useState(0);
  const [told, setTold] = useState<string | null>(null);
  const hand = async (boxes: BoxStore) => {
    if (!profile.deposit) return;
    const done = await depositWhileLocked(boxes, profile.deposit.token, app.transport, () => {});
    setCount(done.left);
    setTold(done.stopped ? words.sendStopped : words.sent(done.handed));
  };
  const withBoxes = async (work: (boxes: BoxStore) => Promise<void>) => {
    const db = await openDatabase(databaseOf(profile));
    try {
      await work(new BoxStore(db));
    } finally {
      db.close();
    }
  };
  useEffect(() => {
    void withBoxes(async (boxes) => {
      const waiting = await boxes.waiting();
      setCount(waiting.reduce((sum, each) => sum + each.items, 0));
      const oldest = Math.min(...waiting.map((each) => each.madeMs));
      if (navigator.onLine && app.clock.nowMs() - oldest > HAND_IN_AFTER_MS) await hand(boxes);
    });
  }, []);
  if (count === 0 && !told) return null;
  return (
    <div class="note">
      {count > 0 && <p class="strong">{words.unsent(count)}</p>}
      <div role="status">{told && <p>{told}</p>}</div>
      {count > 0 && profile.deposit && (
        <>
          <Busy app={app} class="secondary" label={words.send} do={() => withBoxes(hand)} />
          <p class="soft small">{words.sendHint}</p>
        </>
      )}
    </div>
  );
}

function Forgot(props: { app: App; profile: Profile; opened: (session: Session) => void; back: () => void }) {
  const { app, profile } = props;
  const words = app.words.forgot;
  const [code, setCode] = useState("");
  const [told, setTold] = useState<string | null>(null);
  const [rawKey, setRawKey] = useState<Bytes | null>(null);
  const ask = async (text: string) => {
    setTold(null);
    try {
      setRawKey(await unlockByCode(profile, text, app.transport));
    } catch (error) {
      const refused = error instanceof Refused && !error.passing;
      setTold(refused ? (words.refused[error.code] ?? app.words.enrol.other(error.code)) : words.needsNetwork);
    }
  };
  if (rawKey) {
    return <ChoosePin app={app} chosen={async (secret) => props.opened(await relock(app.device, profile.id, rawKey, secret))} />;
  }
  return (
    <Page app={app} title={words.title} back={props.back}>
      {profile.recovery && profile.deposit ? (
        <>
          <p>{words.lead}</p>
          <dl class="note">
            <dt>{words.tablet}</dt>
            <dd class="strong">{profile.deposit.install}</dd>
          </dl>
          <CodeForm app={app} code={code} label={words.code} change={setCode} done={(text) => void ask(text)} button={words.open} />
          <div role="alert">{told && <p class="bad">{told}</p>}</div>
          <p class="soft small">{words.needsNetwork}</p>
        </>
      ) : (
        <p>{words.never}</p>
      )}
    </Page>
  );
}
