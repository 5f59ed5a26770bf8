/**
 * The app as a whole: which officer's store is open, where one is, what is going on. Screens read it and call it; it draws
 * nothing itself.
 */
import { type Clock, SYSTEM_CLOCK } from "../field/time";
import { Device, type Profile } from "../store/device";
import { TabletFull, isFull } from "../store/vault";
import { HttpTransport, type Transport } from "../sync/transport";
import { WORDS, type Language, type Words } from "../words/index";
import { AutoLock } from "./autolock";
import { Routes } from "./routes";
import type { Session } from "./session";
import { Signal } from "./signal";
import { Syncing } from "./syncing";
import { type Training, endTraining } from "./training";
import { Updates } from "./updates";
import { Watch } from "./watch";

/** What is open: nobody's store, an officer's, or that officer's training. */
export interface Active {
  session: Session;
  /** The store that is worked in: the officer's, or the training's. */
  store: Session["store"];
  training: Training | null;
}

export class App {
  readonly routes = new Routes();
  readonly active = new Signal<Active | null>(null);
  readonly profiles = new Signal<Profile[]>([]);
  readonly language = new Signal<Language>("id");
  /** Whether the officer is at work: after the first download, or after unlocking. */
  readonly begun = new Signal(false);
  /** A short word that something was done or went wrong; gone when it is read. */
  readonly notice = new Signal<{ text: string; bad: boolean } | null>(null);
  /** Whether a form is open: then nothing is updated and nothing reloads. */
  readonly formOpen = new Signal(false);
  readonly syncing: Syncing;
  readonly watch: Watch;
  readonly updates: Updates;
  readonly autoLock: AutoLock;
  readonly transport: Transport = new HttpTransport();
  readonly clock: Clock = SYSTEM_CLOCK;
  /** A code that came with the address or the camera, until it is used. */
  code = "";

  private constructor(readonly device: Device) {
    this.syncing = new Syncing(this);
    this.watch = new Watch();
    this.updates = new Updates(this.formOpen);
    this.autoLock = new AutoLock(this);
  }

  static async start(): Promise<App> {
    const code = codeOf(location.hash);
    const app = new App(await Device.open());
    app.code = code;
    app.language.set((await app.device.setting<Language>("language")) ?? "id");
    document.documentElement.lang = app.language.value;
    await app.refreshProfiles();
    return app;
  }

  get words(): Words {
    return WORDS[this.language.value];
  }

  async refreshProfiles(): Promise<void> {
    this.profiles.set(await this.device.profiles());
  }

  async setLanguage(language: Language): Promise<void> {
    await this.device.set("language", language);
    document.documentElement.lang = language;
    this.language.set(language);
  }

  /** A store was unlocked, or made. */
  async entered(session: Session): Promise<void> {
    await this.device.set("last", session.profile.id).catch(() => {});
    await this.refreshProfiles();
    this.active.set({ session, store: session.store, training: null });
    this.autoLock.begin();
    void this.watch.look();
  }

  began(): void {
    this.begun.set(true);
    scrollTo(0, 0);
    this.syncing.begin();
  }

  /** The present state was changed in place: everybody look again. */
  touch(): void {
    if (this.active.value) this.active.set({ ...this.active.value });
  }

  say(text: string, bad = false): void {
    this.notice.set({ text, bad });
  }

  /** Tell the officer about a failure in words; a full tablet has its own. */
  tellFailure(error: unknown): void {
    console.error(error instanceof Error ? error.name : "failure");
    this.say(error instanceof TabletFull || isFull(error) ? this.words.full : this.words.failed, true);
  }

  /** Lock: save what is open, forget the key and everything read with it. The page begins anew. */
  async lock(): Promise<void> {
    this.autoLock.end();
    await this.autoLock.flush();
    const active = this.active.value;
    if (active?.training) await endTraining(active.training);
    location.replace(location.pathname);
  }
}

/** The enrolment code of `#enrol=CODE`; the address is cleaned by `Routes`. */
export function codeOf(text: string): string {
  const found = /[#?&]enrol=([A-Za-z0-9 -]+)/.exec(decodeURIComponent(text));
  return found?.[1] ?? "";
}
