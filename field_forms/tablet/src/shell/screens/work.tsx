/** The officer at work: banners, the present page, and the four places at the bottom. */
import { counts } from "../../field/standing";
import { CLOCK_OFF_MS, believedMs, clockOffMs } from "../../field/time";
import type { App } from "../app";
import { Icon, useSignal } from "../parts";
import type { Route } from "../routes";
import { SPACE_LOW_BYTES } from "../watch";
import { ChangePage } from "./change";
import { FormPage } from "./form";
import { HouseholdPage } from "./household";
import { ListPage } from "./list";
import { NewFamilyPage } from "./new_family";
import { ChangePin } from "./pin";
import { CodePage, DraftsPage, MenuPage, SettingsPage, TrainingPage } from "./menu";
import { SentPage } from "./sent";
import { SyncPage } from "./sync";
import { TroublePage } from "./trouble";

export function Work({ app }: { app: App }) {
  const route = useSignal(app.routes.now);
  useSignal(app.active);
  const inForm = route.at === "form";
  return (
    <>
      {app.active.value?.training && (
        <aside class="training" aria-label={app.words.training.title}>
          {app.words.warn.training}
        </aside>
      )}
      <Here app={app} route={route} />
      {!inForm && <Tabs app={app} route={route} />}
    </>
  );
}

function Here({ app, route }: { app: App; route: Route }) {
  switch (route.at) {
    case "list":
      return <ListPage app={app} />;
    case "household":
      return <HouseholdPage app={app} id={route.id} key={route.id} />;
    case "form":
      return <FormPage app={app} draftId={route.draftId} key={route.draftId} />;
    case "change":
      return <ChangePage app={app} id={route.id} />;
    case "newFamily":
      return <NewFamilyPage app={app} />;
    case "sent":
      return <SentPage app={app} />;
    case "drafts":
      return <DraftsPage app={app} />;
    case "sync":
      return <SyncPage app={app} />;
    case "menu":
      return <MenuPage app={app} />;
    case "training":
      return <TrainingPage app={app} />;
    case "settings":
      return <SettingsPage app={app} />;
    case "code":
      return <CodePage app={app} />;
    case "changePin":
      return <ChangePin app={app} />;
    case "trouble":
      return <TroublePage app={app} />;
  }
}

function Tabs({ app, route }: { app: App; route: Route }) {
  const sync = useSignal(app.syncing.state);
  const words = app.words;
  const store = app.active.value?.store;
  const unsent = store ? counts(store.events.all()).tabletOnly : 0;
  const tab = (at: "list" | "sent" | "sync" | "menu", icon: "list" | "form" | "sync" | "menu", label: string, badge = 0) => (
    <button type="button" aria-current={route.at === at ? "page" : undefined} onClick={() => open(app, at)}>
      <Icon name={icon} />
      <span>{label}</span>
      {badge > 0 && (
        <span class="badge">
          {badge}
          <span class="visually-hidden"> {words.sync.only}</span>
        </span>
      )}
    </button>
  );
  return (
    <nav class="tabs" aria-label={words.tabs.where}>
      {tab("list", "list", words.tabs.list)}
      {tab("sent", "form", words.tabs.sent)}
      {tab("sync", "sync", sync.running ? words.tabs.syncing : words.tabs.sync, unsent)}
      {tab("menu", "menu", words.tabs.menu)}
    </nav>
  );
}

function open(app: App, at: "list" | "sent" | "sync" | "menu"): void {
  if (app.routes.now.value.at === at) return;
  if (at === "list") app.routes.home();
  else app.routes.go({ at });
}

/** What the officer must know wherever the work goes on; shown on the list and on the page of syncing. */
export function Warnings({ app }: { app: App }) {
  const seen = useSignal(app.watch.state);
  const ready = useSignal(app.updates.ready);
  const active = app.active.value;
  if (!active) return null;
  const words = app.words.warn;
  const settings = active.session.store.settings.all;
  const off = clockOffMs(settings.serverTime, settings.serverTimeHeardMs);
  const closes = settings.closes === null ? null : Date.parse(settings.closes);
  const closed = closes !== null && believedMs(app.clock, settings.serverTime) > closes;
  return (
    <>
      {settings.revoked && <CodeWarning app={app} text={words.revoked} />}
      {settings.fork && !settings.revoked && <CodeWarning app={app} text={words.fork} />}
      {Math.abs(off) > CLOCK_OFF_MS && <p class="warn">{words.clock(gap(app, Math.abs(off)))}</p>}
      {(seen.leftBytes < SPACE_LOW_BYTES || active.store.vault.full) && (
        <p class="bad">{words.space(active.store.vault.full ? "" : app.words.bytes(seen.leftBytes))}</p>
      )}
      {closes !== null && <p class="warn">{closed ? words.closed : words.closes(app.words.moment(closes))}</p>}
      {ready && (
        <div class="note">
          <p>{words.update}</p>
          <button type="button" class="secondary" onClick={() => app.updates.apply()}>
            {words.updateNow}
          </button>
        </div>
      )}
    </>
  );
}

function CodeWarning({ app, text }: { app: App; text: string }) {
  return (
    <div class="bad">
      <p>{text}</p>
      <button type="button" class="secondary" onClick={() => app.routes.go({ at: "code" })}>
        {app.words.sync.enterCode}
      </button>
    </div>
  );
}

function gap(app: App, ms: number): string {
  const days = Math.round(ms / 86_400_000);
  return days >= 1 ? app.words.warn.clockDays(days) : app.words.warn.clockHours(ms / 3_600_000);
}
