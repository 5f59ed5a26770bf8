/** Synchronising: three numbers, the button, how far it is, and what came of it in words. */
import { type Counts, counts } from "../../field/standing";
import type { Progress, SyncResult } from "../../sync/run";
import type { App } from "../app";
import { Busy, Icon, Page, useSignal } from "../parts";
import { Warnings } from "./work";

export function SyncPage({ app }: { app: App }) {
  const active = useSignal(app.active);
  const sync = useSignal(app.syncing.state);
  const seen = useSignal(app.watch.state);
  const store = active!.store;
  const settings = store.settings.all;
  const words = app.words.sync;
  const now = counts(store.events.all());
  return (
    <Page app={app} title={words.title}>
      <Numbers app={app} counts={now} />
      {now.photosWaiting > 0 && <p>{words.photos(now.photosWaiting)}</p>}
      <p class="soft" role="status">
        {active!.training ? app.words.training.pretend : seen.online ? words.online : words.offline}
      </p>
      <Busy app={app} label={words.now} busy={words.running} disabled={sync.running} do={() => app.syncing.run()} />
      <div role="status">
        {sync.running && sync.progress && <Going app={app} progress={sync.progress} />}
        {!sync.running && sync.result && <Came app={app} result={sync.result} unsent={now.tabletOnly} />}
      </div>
      <p class="soft">{settings.lastSyncMs > 0 ? words.last(app.words.moment(settings.lastSyncMs)) : words.never}</p>
      <Warnings app={app} />
      <button type="button" class="secondary" onClick={() => app.routes.go({ at: "sent" })}>
        <Icon name="form" /> {app.words.menuItems.sent}
      </button>
    </Page>
  );
}

export function Numbers({ app, counts: found }: { app: App; counts: Counts }) {
  const words = app.words.sync;
  return (
    <div class="numbers">
      <div>
        <b>{app.words.number(found.tabletOnly)}</b>
        {words.only}
      </div>
      <div>
        <b>{app.words.number(found.received)}</b>
        {words.received}
      </div>
      <div>
        <b>{app.words.number(found.safe)}</b>
        {words.safe}
      </div>
    </div>
  );
}

function Going({ app, progress }: { app: App; progress: Progress }) {
  const words = app.words.sync;
  const { step, done, total, bytesDone, bytesTotal } = progress;
  return (
    <div class="note">
      <p class="strong">
        {words.steps[step]} {total !== null ? words.of(app.words.number(done), app.words.number(total)) : done > 0 ? app.words.number(done) : ""}
      </p>
      {total === null ? (
        <progress aria-label={words.steps[step]} />
      ) : (
        <progress aria-label={words.steps[step]} max={Math.max(1, total)} value={done + (bytesTotal > 0 ? Math.min(0.9, bytesDone / bytesTotal) : 0)} />
      )}
      {bytesTotal > 0 && <p class="soft small">{words.of(app.words.bytes(bytesDone), app.words.bytes(bytesTotal))}</p>}
    </div>
  );
}

/** What came of the last sync; where forms are still here only (refused, or sealed since) that is said with it. */
function Came({ app, result, unsent }: { app: App; result: SyncResult; unsent: number }) {
  const words = app.words.sync;
  const { stopped } = result;
  return (
    <>
      {result.complete && (unsent === 0 ? <p class="good">{words.complete}</p> : <p class="warn">{words.completeBut(unsent)}</p>)}
      {result.epochChanged && <p class="warn">{words.epochChanged}</p>}
      {result.feedReset && <p class="note">{words.feedReset}</p>}
      {result.fork && <p class="warn">{words.fork}</p>}
      {result.deposited > 0 && <p class="note">{words.deposited(result.deposited)}</p>}
      {stopped && (
        <div class={stopped.why === "network" || stopped.why === "busy" ? "warn" : "bad"}>
          <p>
            {words.stopped[stopped.why]} {stopped.waitS ? words.wait(app.words.seconds(stopped.waitS)) : ""}
          </p>
          {stopped.why === "cut_off" && (
            <>
              <p>{words.newCode}</p>
              <button type="button" class="secondary" onClick={() => app.routes.go({ at: "code" })}>
                {words.enterCode}
              </button>
            </>
          )}
          {(stopped.why === "refused" || stopped.why === "cut_off") && <p class="small">{words.code(stopped.code)}</p>}
        </div>
      )}
    </>
  );
}
