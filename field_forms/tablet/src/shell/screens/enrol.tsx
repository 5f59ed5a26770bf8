/** The enrolment itself and the first download: forms, areas, families, with what it takes on the tablet. */
import { useEffect, useState } from "preact/hooks";
import { Refused } from "../../sync/server";
import { Unreachable } from "../../sync/transport";
import type { App } from "../app";
import { Busy, Page, useSignal } from "../parts";
import { OtherOfficer, type Session, enrol } from "../session";
import { CodeForm, InstallHint } from "./start";

/** Exchange the code; then download. Whatever fails can be tried again, here or after the next unlock. */
export function EnrolPage({ app, session, code }: { app: App; session: Session; code: string }) {
  const [told, setTold] = useState<string | null>(null);
  const [typed, setTyped] = useState(code);
  const [other, setOther] = useState(code === "");
  const [done, setDone] = useState(false);
  const words = app.words.enrol;
  const go = async (wanted: string) => {
    setTold(null);
    try {
      await enrol(app.device, session, wanted, app.transport, app.clock);
      app.code = "";
      setDone(true);
    } catch (error) {
      setTold(enrolWords(app, error));
      setOther(error instanceof Refused);
    }
  };
  useEffect(() => {
    if (code) void go(code);
  }, []);
  if (done) return <Download app={app} session={session} />;
  return (
    <Page app={app} title={words.title}>
      {!told && !other && <p role="status">{words.working}</p>}
      <div role="alert">{told && <p class="bad">{told}</p>}</div>
      {told && !other && <Busy app={app} label={app.words.tryAgain} do={() => go(typed)} />}
      {(other || told) && <CodeForm app={app} code={typed} label={app.words.start.code} change={setTyped} done={(text) => void go(text)} />}
    </Page>
  );
}

/** What went wrong with an enrolment, in the officer's words. */
export function enrolWords(app: App, error: unknown): string {
  const words = app.words.enrol;
  if (error instanceof Unreachable) return words.offline;
  if (error instanceof OtherOfficer) return words.wrongOfficer;
  if (error instanceof Refused) return error.passing ? words.offline : (words.refused[error.code] ?? words.other(error.code));
  return app.words.failed;
}

function Download({ app, session }: { app: App; session: Session }) {
  const words = app.words.download;
  const sync = useSignal(app.syncing.state);
  const seen = useSignal(app.watch.state);
  const [asked, setAsked] = useState(false);
  const households = sync.result?.households ?? (sync.progress?.step === "feed" ? sync.progress.done : 0);
  const run = async () => {
    await app.syncing.run({ receiveOnly: true });
    await app.watch.persist();
    setAsked(true);
  };
  useEffect(() => {
    void app.entered(session).then(run);
  }, []);
  const finished = !sync.running && sync.result !== null;
  return (
    <Page app={app} title={words.title}>
      <p class="strong">{app.words.enrol.welcome(session.store.settings.all.officer?.name ?? "")}</p>
      <p>{words.lead}</p>
      <div role="status">
        {!finished && <progress aria-label={words.title} />}
        <p>{sync.progress?.step === "forms" || sync.progress?.step === "hello" ? words.forms : words.households(app.words.number(households))}</p>
        <p class="soft">{words.size(app.words.bytes(seen.usedBytes))}</p>
        {finished && <p class={sync.result?.complete ? "good" : "warn"}>{sync.result?.complete ? words.done : words.stopped}</p>}
      </div>
      {finished && !sync.result?.complete && <Busy app={app} class="secondary" label={app.words.tryAgain} do={run} />}
      {asked && <p class={seen.persisted ? "good" : "warn"}>{seen.persisted ? words.persisted : words.notPersisted}</p>}
      {asked && !seen.persisted && <InstallHint app={app} />}
      {finished && (
        <button type="button" class="primary" onClick={() => app.began()}>
          {sync.result?.complete ? words.go : words.later}
        </button>
      )}
    </Page>
  );
}
