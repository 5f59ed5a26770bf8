/**
 * The form: what the shell loads to have a household's questions asked.
 *
 * `mountForm` draws a form into an element; `prepareForm` opens it ahead of the tap. A session is used by one opening.
 */
import { h, render } from "preact";
import type { FormRequest, MountForm, PrepareForm } from "../contract";
import { XFormUnreadable } from "./xform/read_sheet";
import { RuleBroken } from "./engine/engine";
import { openSession, type Session } from "./session";
import { App } from "./ui/app";
import { View } from "./ui/view";
import { WORDS } from "./words";

let ready: { key: string; session: Promise<Session> } | null = null;

/** Opens a form that will probably be asked for. Calling it again with the same request costs nothing. */
export const prepareForm: PrepareForm = async (request) => {
  const key = keyOf(request);
  if (ready?.key === key) return;
  const session = openSession(request);
  ready = { key, session };
  await session.catch(() => (ready = null));
};

export const mountForm: MountForm = async (element, request, host) => {
  const words = WORDS[request.language];
  const key = keyOf(request);
  const opening = ready?.key === key ? ready.session : openSession(request);
  if (ready?.key !== key) {
    render(h("p", { class: "pf-main", role: "status" }, words.opening), element);
    // The words are drawn before the engine takes the processor for itself.
    await new Promise((done) => setTimeout(done));
  }
  ready = null;
  let session: Session;
  try {
    session = { ...(await opening), request };
  } catch (error) {
    if (!(error instanceof RuleBroken) && !(error instanceof XFormUnreadable)) throw error;
    render(h("main", { class: "pf pf-main" }, [
      h("p", { class: "pf-bad", role: "alert" }, `${words.cannotOpen} ${error.message}`),
      h("button", { type: "button", class: "pf-button", onClick: () => host.close() }, words.back),
    ]), element);
    return { flush: () => Promise.resolve(), unmount: () => render(null, element) };
  }
  let drawn = 0;
  const draw = (): void => render(h(App, { view, version: (drawn += 1) }), element);
  const view = new View(session, host, draw);
  draw();
  const hidden = (): void => view.settle();
  document.addEventListener("visibilitychange", hidden);
  return {
    async flush() {
      view.settle();
      await view.keeper.flush();
    },
    unmount() {
      view.settle();
      document.removeEventListener("visibilitychange", hidden);
      view.dispose();
      render(null, element);
    },
  };
};

/** What makes two openings the same: all that the session is made of. */
function keyOf(request: FormRequest): string {
  const { definition, fixed, shown, draft, change, corrects, media, visits, listed } = request;
  return JSON.stringify([
    definition.hash, definition.version, fixed.eventId, draft?.instance ?? null, shown, change?.kind ?? null, change?.persons ?? null,
    corrects, media, visits, listed,
  ]);
}
