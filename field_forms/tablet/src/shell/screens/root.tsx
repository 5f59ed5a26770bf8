/** Which of the app's faces is shown: another tab's, the start, the lock, the work. */
import { useEffect, useState } from "preact/hooks";
import type { App } from "../app";
import { Page, Toast, useSignal } from "../parts";
import type { Session } from "../session";
import { EnrolPage } from "./enrol";
import { LockScreen } from "./lock";
import { Start } from "./start";
import { Work } from "./work";

export function Root({ app }: { app: App }) {
  const active = useSignal(app.active);
  const begun = useSignal(app.begun);
  const profiles = useSignal(app.profiles);
  useSignal(app.language);
  const [unfinished, setUnfinished] = useState<Session | null>(null);
  // A tablet without anybody stays on the start's pages although a profile is made on the way.
  const [starting] = useState(profiles.length === 0);
  const opened = (session: Session) => {
    if (session.store.settings.all.depositToken === null) return setUnfinished(session);
    void app.entered(session).then(() => app.began());
  };
  useEffect(() => {
    if (!active) app.updates.apply();
  }, [active]);
  return (
    <>
      {active && begun ? (
        <Work app={app} />
      ) : unfinished ? (
        <EnrolPage app={app} session={unfinished} code={app.code} />
      ) : starting ? (
        <Start app={app} />
      ) : (
        <LockScreen app={app} opened={opened} />
      )}
      <Toast app={app} />
    </>
  );
}

/** Another tab of the same tablet is at work. */
export function OtherTab({ app, moved, here }: { app: App; moved: boolean; here: () => void }) {
  useSignal(app.language);
  const words = app.words.otherTab;
  return (
    <Page app={app} title={words.title}>
      <p>{moved ? words.moved : words.lead}</p>
      <button type="button" class="primary" onClick={here}>
        {words.here}
      </button>
    </Page>
  );
}
