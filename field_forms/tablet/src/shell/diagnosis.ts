/** What helps an operator at the other end of a telephone. No name and no number of anybody is in it. */
import { APP } from "../field/app";
import { counts } from "../field/standing";
import { clockOffMs, utcText } from "../field/time";
import type { App } from "./app";

export type Line = [label: string, value: string];

export async function diagnosis(app: App): Promise<Line[]> {
  const session = app.active.value?.session;
  if (!session) return [];
  const { store, profile } = session;
  const settings = store.settings.all;
  const words = app.words.trouble.rows;
  const now = counts(store.events.all());
  const seen = app.watch.state.value;
  const boxes = await store.boxes.waiting();
  const time = (ms: number) => (ms > 0 ? utcText(ms) : "-");
  return [
    [words.app, APP],
    [words.server, settings.serverId ?? "-"],
    [words.epoch, settings.epoch ?? "-"],
    [words.install, settings.install],
    [words.officer, settings.officer?.id ?? "-"],
    [words.areas, settings.scopes.join(" ") || "-"],
    [words.events, [now.tabletOnly, now.received, now.safe].join(", ")],
    [words.drafts, String(store.drafts.all().length)],
    [words.photos, String(now.photosWaiting)],
    [words.boxes, [String(boxes.length), ...boxes.map((each) => each.problem ?? "").filter(Boolean)].join(" ")],
    [words.households, String(store.households.all().length)],
    [words.forms, store.forms.all().map((each) => `${each.id} ${each.version}${each.current ? " *" : ""}`).join("; ")],
    [words.lastSync, time(settings.lastSyncMs)],
    [words.lastStop, settings.lastSyncStopped || "-"],
    [words.clock, `${Math.round(clockOffMs(settings.serverTime, settings.serverTimeHeardMs) / 1000)} s`],
    [words.storage, [seen.usedBytes, seen.leftBytes].map((each) => (Number.isFinite(each) ? app.words.bytes(each) : "?")).join(", ")],
    [words.persisted, seen.persisted ? app.words.yes : app.words.no],
    [words.lock, profile.lock.kind === "pin" ? `PIN, ${profile.lock.memoryKib / 1024} MiB x ${profile.lock.passes}` : "WebAuthn"],
    [words.browser, navigator.userAgent],
  ];
}
