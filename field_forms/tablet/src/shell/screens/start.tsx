/** First steps: the code by camera or keyboard, the PIN, the enrolment, the download. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { App } from "../app";
import { watchForCode } from "../camera";
import { codeProblem, plainCode, readQr, shownCode } from "../enrol_code";
import { Busy, Icon, LanguageButton, Page, TextInput } from "../parts";
import { type Session, makeProfile } from "../session";
import { EnrolPage } from "./enrol";
import { ChoosePin } from "./pin";

type Step = { at: "code" } | { at: "scan" } | { at: "pin" } | { at: "enrol"; session: Session };

/** `cancel`: back to the lock screen, where there are others. */
export function Start({ app, cancel }: { app: App; cancel?: () => void }) {
  const [step, setStep] = useState<Step>(codeProblem(app.code) === null ? { at: "pin" } : { at: "code" });
  const [code, setCode] = useState(app.code);
  const take = (text: string) => {
    setCode(text);
    app.code = text;
    setStep({ at: "pin" });
  };
  if (step.at === "scan") return <Scan app={app} found={take} back={() => setStep({ at: "code" })} />;
  if (step.at === "pin") {
    return (
      <ChoosePin
        app={app}
        back={() => setStep({ at: "code" })}
        chosen={async (secret) => setStep({ at: "enrol", session: await makeProfile(app.device, secret, app.clock) })}
      />
    );
  }
  if (step.at === "enrol") return <EnrolPage app={app} session={step.session} code={plainCode(code)} />;
  return (
    <Page app={app} title={cancel ? app.words.start.addOfficer : app.words.start.title} {...(cancel ? { back: cancel } : {})} aside={<LanguageButton app={app} />}>
      <p>{app.words.start.lead}</p>
      <button type="button" class="primary" onClick={() => setStep({ at: "scan" })}>
        <Icon name="scan" /> {app.words.start.scan}
      </button>
      <CodeForm app={app} code={code} label={app.words.start.code} change={setCode} done={take} />
      <InstallHint app={app} />
      <p class="soft small">{app.words.start.trainingHint}</p>
    </Page>
  );
}

/** A typed code with what is wrong about it. */
export function CodeForm(props: { app: App; code: string; label: string; change: (code: string) => void; done: (code: string) => void; button?: string }) {
  const { app } = props;
  const [told, setTold] = useState<string | null>(null);
  const words = app.words.start;
  const go = () => {
    const problem = codeProblem(props.code);
    setTold(problem === null ? null : problem === "short" ? words.codeShort : words.codeWrong);
    if (problem === null) props.done(plainCode(props.code));
  };
  return (
    <>
      <TextInput id="code" kind="code" label={props.label} hint={words.codeHint} value={props.code} onInput={(text) => props.change(shownCode(text))} onEnter={go} />
      <div role="alert">{told && <p class="bad">{told}</p>}</div>
      <button type="button" class="secondary" onClick={go}>
        {props.button ?? app.words.next}
      </button>
    </>
  );
}

function Scan({ app, found, back }: { app: App; found: (code: string) => void; back: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [problem, setProblem] = useState<{ text: string; link?: string } | null>(null);
  useEffect(() => {
    let stop = () => {};
    let gone = false;
    const seen = (text: string) => {
      const read = readQr(text, location.origin);
      if (!read) setProblem({ text: app.words.start.notOurs });
      else if ("otherServer" in read) setProblem({ text: app.words.start.otherServer(read.otherServer), link: read.link });
      else found(read.code);
    };
    watchForCode(video.current!, seen).then(
      (end) => (gone ? end() : (stop = end)),
      () => setProblem({ text: app.words.scan.noCamera }),
    );
    return () => {
      gone = true;
      stop();
    };
  }, []);
  return (
    <Page app={app} title={app.words.scan.title} back={back}>
      <p>{app.words.scan.lead}</p>
      <video ref={video} playsInline muted aria-label={app.words.scan.lead} />
      <div role="alert">{problem && <p class="bad">{problem.text}</p>}</div>
      {problem?.link && (
        <a class="secondary button" href={problem.link} rel="noreferrer">
          {app.words.start.goThere}
        </a>
      )}
      <button type="button" class="secondary" onClick={back}>
        {app.words.scan.typeInstead}
      </button>
    </Page>
  );
}

interface InstallPrompt extends Event {
  prompt(): Promise<void>;
}
let installPrompt: InstallPrompt | null = null;
addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  installPrompt = event as InstallPrompt;
});

/** How to put the app on the home screen; nothing where it is there already. */
export function InstallHint({ app }: { app: App }) {
  if (matchMedia("(display-mode: standalone)").matches) return null;
  return (
    <div class="note">
      <p>{app.words.start.installHint}</p>
      {installPrompt && <Busy app={app} class="secondary" label={app.words.start.install} do={async () => installPrompt?.prompt()} />}
    </div>
  );
}
