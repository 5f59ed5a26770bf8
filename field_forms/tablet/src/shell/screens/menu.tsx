/** The menu, drafts, training, settings, and a new code for an officer who has a store already. */
import { useState } from "preact/hooks";
import type { App } from "../app";
import { Busy, Icon, LanguageButton, Page, useSignal } from "../parts";
import { enrol } from "../session";
import { beginTraining, endTraining } from "../training";
import { enrolWords } from "./enrol";
import { forgetWish } from "./list";
import { CodeForm, InstallHint } from "./start";

const LOCK_AFTER_MIN = [1, 2, 5, 10, 15];

export function MenuPage({ app }: { app: App }) {
  const active = useSignal(app.active);
  const words = app.words.menuItems;
  const drafts = active?.store.drafts.all().length ?? 0;
  const item = (at: "drafts" | "training" | "settings" | "trouble", icon: "form" | "book" | "gear" | "help", label: string) => (
    <li>
      <button type="button" class="card tap row" onClick={() => app.routes.go({ at })}>
        <span class="fixed">
          <Icon name={icon} />
        </span>
        <span class="title">{label}</span>
      </button>
    </li>
  );
  return (
    <Page app={app} title={app.words.menu} aside={<LanguageButton app={app} />}>
      <p class="soft">
        {active?.session.store.settings.all.officer?.name} ({active?.session.profile.account})
      </p>
      <ul>
        {item("drafts", "form", `${words.drafts} (${app.words.number(drafts)})`)}
        {item("training", "book", active?.training ? words.trainingEnd : words.training)}
        {item("settings", "gear", words.settings)}
        {item("trouble", "help", words.trouble)}
      </ul>
      <button type="button" class="primary" onClick={() => void app.lock()}>
        <Icon name="lock" /> {words.lock}
      </button>
    </Page>
  );
}

export function DraftsPage({ app }: { app: App }) {
  const active = useSignal(app.active);
  const store = active!.store;
  const words = app.words.household;
  const drafts = store.drafts.all();
  return (
    <Page app={app} title={app.words.menuItems.drafts} back={() => app.routes.back()}>
      {drafts.length === 0 && <p class="note">{app.words.list.empty}</p>}
      <ul>
        {drafts.map((each) => {
          const current = store.forms.current(each.form.id);
          const kind = each.change ? (app.words.change.kinds[each.change.kind] ?? "") : app.words.sent.visit;
          return (
            <li key={each.id}>
              <button type="button" class="card tap draft" onClick={() => app.routes.go({ at: "form", draftId: each.id })}>
                <span class="title">{each.draft?.summary.name || store.households.row(each.householdId)?.name || app.words.list.noName}</span>
                <span class="meta">
                  <span>{kind}</span>
                  {each.draft && <span>{words.answered(each.draft.summary.done, each.draft.summary.total)}</span>}
                  <span>{words.saved(app.words.moment(each.savedMs))}</span>
                </span>
                {current && current.version !== each.form.version && <span class="meta">{words.oldVersion}</span>}
              </button>
            </li>
          );
        })}
      </ul>
    </Page>
  );
}

export function TrainingPage({ app }: { app: App }) {
  const active = useSignal(app.active);
  const words = app.words.training;
  const session = active!.session;
  const begin = async (afresh: boolean) => {
    if (active!.training) await endTraining(active!.training);
    const training = await beginTraining(session, afresh);
    forgetWish();
    app.active.set({ session, store: training.store, training });
    app.routes.home();
  };
  const end = async () => {
    if (active!.training) await endTraining(active!.training);
    forgetWish();
    app.active.set({ session, store: session.store, training: null });
    app.routes.home();
  };
  return (
    <Page app={app} title={words.title} back={() => app.routes.back()}>
      <p>{words.lead}</p>
      {active!.training ? <Busy app={app} label={words.end} do={end} /> : <Busy app={app} label={words.start} do={() => begin(false)} />}
      <Busy app={app} class="secondary" label={words.again} do={() => begin(true)} />
    </Page>
  );
}

export function SettingsPage({ app }: { app: App }) {
  const active = useSignal(app.active);
  const language = useSignal(app.language);
  const words = app.words.settings;
  const settings = active!.session.store.settings;
  const lockAfter = async (minutes: number) => {
    await settings.set({ lockAfterMin: minutes });
    app.touch();
  };
  return (
    <Page app={app} title={words.title} back={() => app.routes.back()}>
      <label for="language">{words.language}</label>
      <select id="language" autocomplete="off" value={language} onChange={(event) => void app.setLanguage(event.currentTarget.value as "id" | "en")}>
        <option value="id">Bahasa Indonesia</option>
        <option value="en">English</option>
      </select>
      <label for="lock-after">{words.autoLock}</label>
      <select id="lock-after" autocomplete="off" value={settings.all.lockAfterMin} onChange={(event) => void lockAfter(Number(event.currentTarget.value))}>
        {LOCK_AFTER_MIN.map((minutes) => (
          <option value={minutes} key={minutes}>
            {words.minutes(minutes)}
          </option>
        ))}
      </select>
      <button type="button" class="secondary" onClick={() => app.routes.go({ at: "changePin" })}>
        {app.words.pin.change}
      </button>
      {!active!.training && (
        <>
          <button type="button" class="secondary" onClick={() => app.routes.go({ at: "code" })}>
            {words.code}
          </button>
          <p class="hint">{words.codeHint}</p>
        </>
      )}
      <InstallHint app={app} />
    </Page>
  );
}

/** A new code for a tablet that was cut off, copied, or has to be known to the server again. */
export function CodePage({ app }: { app: App }) {
  const [code, setCode] = useState(app.code);
  const [told, setTold] = useState<string | null>(null);
  const go = async (text: string) => {
    setTold(null);
    try {
      await enrol(app.device, app.active.value!.session, text, app.transport, app.clock);
      app.code = "";
      await app.refreshProfiles();
      app.say(app.words.settings.codeDone);
      app.touch();
      app.routes.back();
      void app.syncing.run();
    } catch (error) {
      setTold(enrolWords(app, error));
    }
  };
  return (
    <Page app={app} title={app.words.settings.code} back={() => app.routes.back()}>
      <p>{app.words.settings.codeHint}</p>
      <CodeForm app={app} code={code} label={app.words.start.code} change={setCode} done={(text) => void go(text)} />
      <div role="alert">{told && <p class="bad">{told}</p>}</div>
    </Page>
  );
}
