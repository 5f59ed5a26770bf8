/** A form of three questions in the place of the real one: what the shell's tests fill in. Keeps the contract. */
import type { Draft, FormHost, FormRequest, MountForm, PrepareForm } from "../contract";

interface Typed {
  address: string;
  rt: string;
  note: string;
  member: string;
}

export const prepareForm: PrepareForm = async () => {};

export const mountForm: MountForm = async (place, request, host) => {
  const record = request.shown as { data?: { household?: Record<string, { value?: unknown }> } } | null;
  const known = (name: string) => String(record?.data?.household?.[name]?.value ?? "");
  const typed: Typed = (request.draft?.instance as Typed | undefined) ?? { address: known("address"), rt: known("rt"), note: "", member: "" };
  const files: string[] = request.draft?.files ?? [];
  let photo: { file: string; sha256: string; bytes: number; mime: string } | null = null;
  let saving: Promise<void> = Promise.resolve();

  const draft = (): Draft => ({
    eventId: request.fixed.eventId,
    formId: request.definition.id,
    formVersion: request.definition.version,
    context: request.fixed.context,
    notBefore: request.fixed.notBefore,
    instance: { ...typed },
    place: null,
    summary: { name: typed.member || known("head_name"), done: 1, total: 3, errors: 0 },
    files,
  });
  const save = () => (saving = saving.then(() => host.saveDraft(draft())).catch(tell));
  const tell = (error: unknown) => {
    status.textContent = error instanceof Error ? error.message : "?";
  };

  place.innerHTML = "";
  const bar = make("header", { className: "bar" });
  bar.append(button("Kembali", () => host.close()), make("h1", { textContent: request.definition.id }));
  const main = make("main", {});
  for (const comment of request.comments) main.append(make("p", { className: "warn", textContent: `${comment.path}: ${comment.text}` }));
  for (const name of ["address", "rt", "note", "member"] as const) main.append(field(name));
  const status = make("p", { id: "status", textContent: "" });
  main.append(button("Foto", () => void take().catch(tell)), button("Segel", () => void seal()), button("Buang", () => void host.discard()), status);
  place.append(bar, main);
  await save();

  async function take(): Promise<void> {
    const content = crypto.getRandomValues(new Uint8Array(40_000));
    const blob = new Blob([content], { type: "image/jpeg" });
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
    const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    await host.putFile("front.jpg", blob);
    photo = { file: "front.jpg", sha256, bytes: content.length, mime: "image/jpeg" };
    files.push("front.jpg");
    await save();
    status.textContent = "foto";
  }

  async function seal(): Promise<void> {
    await saving;
    const evidence = 1;
    const household: Record<string, { value: string; evidence: number }> = {
      address: { value: typed.address, evidence },
      rt: { value: typed.rt, evidence },
    };
    if (typed.note) household["outcome_note"] = { value: typed.note, evidence };
    if (photo) household["photo_front"] = { value: photo.sha256, evidence };
    const parts = [{ name: "h", assertions: household, text: {} }];
    if (typed.member) {
      const key = `${request.target.householdId}/${crypto.randomUUID()}`;
      parts.push({ name: `p/${key}`, assertions: { m_name: { value: typed.member, evidence } }, text: {} } as never);
    }
    const event = { address: { value: "birth", evidence } };
    try {
      await host.seal({
        parts: request.change ? [{ name: "e", assertions: { event_type: { value: request.change.kind, evidence } }, text: {} }] : parts,
        attachments: photo && !request.change ? { "h/photo_front": photo } : {},
        body: request.change ? { type: request.change.kind } : {},
        kind: request.change ? "change" : "submission",
        also: [],
      });
    } catch (error) {
      tell(error);
    }
    void event;
  }

  function field(name: keyof Typed): HTMLElement {
    const input = make("input", { id: `q-${name}`, type: "text", value: typed[name] });
    input.setAttribute("autocomplete", "off");
    input.oninput = () => {
      typed[name] = input.value;
      void save();
    };
    const label = make("label", { textContent: name });
    label.setAttribute("for", input.id);
    const both = make("div", {});
    both.append(label, input);
    return both;
  }

  return { flush: () => saving, unmount: () => place.replaceChildren() };
};

function make<K extends keyof HTMLElementTagNameMap>(tag: K, properties: Partial<HTMLElementTagNameMap[K]>): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(tag), properties);
}

function button(text: string, press: () => void): HTMLButtonElement {
  const made = make("button", { type: "button", className: "secondary", textContent: text });
  made.onclick = press;
  return made;
}

export type { FormHost, FormRequest };
