/** Help: the backup file out and in, the diagnosis, the end of the work on this tablet. */
import { useRef, useState } from "preact/hooks";
import { unfinished } from "../../field/finish";
import { type ClosedDrafts, type Exported, NoBundle, WrongCode, exportBundle, importBundle, importDrafts } from "../../sync/bundle";
import type { App } from "../app";
import { diagnosis } from "../diagnosis";
import { shownCode } from "../enrol_code";
import { Busy, Page, TextInput, useLoaded, useSignal } from "../parts";
import { databaseOf } from "../session";

export function TroublePage({ app }: { app: App }) {
  const active = useSignal(app.active);
  const seen = useSignal(app.watch.state);
  const words = app.words.trouble;
  return (
    <Page app={app} title={words.title} back={() => app.routes.back()}>
      {!active!.training && (
        <>
          <ExportPart app={app} />
          <ImportPart app={app} />
        </>
      )}
      {!seen.persisted && (
        <>
          <p class="warn">{app.words.warn.notPersisted}</p>
          <Busy app={app} class="secondary" label={words.persist} do={() => app.watch.persist()} />
        </>
      )}
      <Diagnosis app={app} />
      {!active!.training && <Finish app={app} />}
    </Page>
  );
}

function ExportPart({ app }: { app: App }) {
  const words = app.words.trouble;
  const [made, setMade] = useState<Exported | null | undefined>();
  const save = async () => {
    const exported = await exportBundle(app.active.value!.session.store, app.clock);
    setMade(exported);
    if (!exported) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(exported.blob);
    link.download = exported.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  const file = made ? new File([made.blob], made.name, { type: made.blob.type }) : null;
  const canShare = file !== null && (navigator.canShare?.({ files: [file] }) ?? false);
  return (
    <section>
      <h2>{words.export}</h2>
      <p class="soft">{words.exportHint}</p>
      <Busy app={app} label={words.export} do={save} />
      <div role="status">
        {made === null && <p class="note">{words.exportNothing}</p>}
        {made && <p class="good">{words.exported(made.name)}</p>}
        {made?.code && (
          <div class="warn">
            <p class="strong">{words.draftsCode}</p>
            <p class="code strong" id="drafts-code">
              {made.code}
            </p>
            <p>{words.draftsCodeHint}</p>
          </div>
        )}
      </div>
      {canShare && file && <Busy app={app} class="secondary" label={words.share} do={() => navigator.share({ files: [file] }).catch(() => {})} />}
    </section>
  );
}

function ImportPart({ app }: { app: App }) {
  const words = app.words.trouble;
  const input = useRef<HTMLInputElement>(null);
  const [told, setTold] = useState<{ text: string; bad: boolean } | null>(null);
  const [drafts, setDrafts] = useState<ClosedDrafts | null>(null);
  const store = app.active.value!.session.store;
  const take = async (file: File | undefined) => {
    if (!file) return;
    try {
      const done = await importBundle(store, file, app.clock);
      setDrafts(done.drafts);
      setTold({ text: `${words.imported(done.boxes)} ${done.cut ? words.importCut : ""}`, bad: done.cut });
    } catch (error) {
      if (!(error instanceof NoBundle)) return app.tellFailure(error);
      setTold({ text: words.importBad, bad: true });
    }
  };
  return (
    <section>
      <h2>{words.import}</h2>
      <p class="soft" id="import-hint">
        {words.importHint}
      </p>
      <input ref={input} hidden type="file" accept=".padan" onChange={(event) => void take(event.currentTarget.files?.[0])} />
      <button type="button" class="secondary" onClick={() => input.current?.click()} aria-describedby="import-hint">
        {words.import}
      </button>
      <div role="status">{told && <p class={told.bad ? "bad" : "good"}>{told.text}</p>}</div>
      {drafts && <DraftsPart app={app} drafts={drafts} done={() => setDrafts(null)} />}
    </section>
  );
}

function DraftsPart({ app, drafts, done }: { app: App; drafts: ClosedDrafts; done: () => void }) {
  const words = app.words.trouble;
  const [code, setCode] = useState("");
  const [told, setTold] = useState<string | null>(null);
  const open = async () => {
    try {
      const count = await importDrafts(app.active.value!.session.store, drafts, code);
      app.touch();
      app.say(words.importedDrafts(count));
      done();
    } catch (error) {
      if (!(error instanceof WrongCode)) throw error;
      setTold(words.importWrongCode);
    }
  };
  return (
    <div class="note">
      <p>{words.importDrafts}</p>
      <TextInput id="transfer-code" kind="code" label={words.draftsCode} value={code} onInput={(text) => setCode(shownCode(text))} />
      <div role="alert">{told && <p class="bad">{told}</p>}</div>
      <Busy app={app} label={app.words.next} do={open} />
      <button type="button" class="link" onClick={done}>
        {words.skipDrafts}
      </button>
    </div>
  );
}

function Diagnosis({ app }: { app: App }) {
  const words = app.words.trouble;
  const seen = useSignal(app.watch.state);
  const language = useSignal(app.language);
  const lines = useLoaded(() => diagnosis(app), [seen, language]) ?? [];
  const copy = async () => {
    await navigator.clipboard.writeText(lines.map(([label, value]) => `${label}: ${value}`).join("\n"));
    app.say(words.copied);
  };
  return (
    <section>
      <h2>{words.diagnosis}</h2>
      <p class="soft">{words.diagnosisHint}</p>
      <table id="diagnosis">
        <tbody>
          {lines.map(([label, value]) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Busy app={app} class="secondary" label={words.copy} do={copy} />
    </section>
  );
}

/** Deleting an officer's data: only what the server has safe, and only after asking. */
function Finish({ app }: { app: App }) {
  const words = app.words.trouble;
  const [told, setTold] = useState<string | null>(null);
  const [asked, setAsked] = useState(false);
  const session = app.active.value!.session;
  const ask = async () => {
    const left = await unfinished(session.store);
    const kinds = ["unsent", "unsafe", "drafts", "photos", "boxes"] as const;
    const reasons = left ? kinds.filter((kind) => left[kind] > 0).map((kind) => words.reasons[kind](left[kind])) : [];
    setTold(left ? words.finishNot(reasons.join(", ")) : null);
    setAsked(!left);
  };
  const finish = async () => {
    if (await unfinished(session.store)) return ask();
    app.autoLock.end();
    session.store.vault.close();
    for (const name of [databaseOf(session.profile), `${databaseOf(session.profile)}-latihan`]) indexedDB.deleteDatabase(name);
    await app.device.remove(session.profile.id);
    location.replace(location.pathname);
  };
  return (
    <section>
      <h2>{words.finish}</h2>
      <p class="soft">{words.finishHint}</p>
      <div role="alert">{told && <p class="warn">{told}</p>}</div>
      {asked ? (
        <>
          <p class="bad">{words.finishAsk}</p>
          <Busy app={app} class="danger" label={words.finishDo} do={finish} />
          <button type="button" class="secondary" onClick={() => setAsked(false)}>
            {app.words.cancel}
          </button>
        </>
      ) : (
        <Busy app={app} class="secondary" label={words.finish} do={ask} />
      )}
    </section>
  );
}
