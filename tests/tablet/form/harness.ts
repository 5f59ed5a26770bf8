/**
 * What the tests call in the browser: the form's own modules, and a shell that keeps what the form hands over in memory.
 *
 * Bundled by conftest.py with the app's esbuild. Nothing here judges; the tests do.
 */
import type { Draft, FormHost, FormRequest, SealAnswers } from "../../../field_forms/tablet/src/contract";
import * as form from "../../../field_forms/tablet/src/form/index";
import { assertions } from "../../../field_forms/tablet/src/form/model/assertions";
import { kkWarnings, nikWarnings, parseKk, parseNik } from "../../../field_forms/tablet/src/form/model/nik";
import { pathOf } from "../../../field_forms/tablet/src/form/model/filling";
import { engineText, instanceText, readTyped, valueOf, withDashes } from "../../../field_forms/tablet/src/form/model/values";
import { changeOf } from "../../../field_forms/tablet/src/form/model/change";
import { readForm } from "../../../field_forms/tablet/src/form/read_form";
import { allRemarks, openSession, sealable, summaryOf, type Session } from "../../../field_forms/tablet/src/form/session";
import { readCsv, writeCsv } from "../../../field_forms/tablet/src/form/xform/csv";
import { WORDS } from "../../../field_forms/tablet/src/form/words";
import * as xpath from "../../../field_forms/tablet/src/form/xform/xpath";

type Plain = Record<string, unknown>;
const NOW = "2026-11-21T02:00:00Z";

/** A request with everything that a test does not care about. */
export function requestOf(given: Partial<FormRequest> & { nowIso?: string }): FormRequest {
  const { nowIso = NOW, ...rest } = given;
  return {
    definition: { id: "form", version: "1", hash: "" },
    xform: "",
    media: {},
    language: "id",
    now: () => new Date(nowIso),
    officer: { id: "siti", name: "Siti", areas: ["19.03.01"] },
    target: {
      householdId: "11111111-1111-4111-8111-111111111111", homeRegion: "19.03", area: "19.03.01.1001", isNew: false,
    },
    fixed: { eventId: "99999999-9999-4999-8999-999999999999", context: [], notBefore: null },
    shown: null,
    visits: 0,
    listed: true,
    corrects: null,
    change: null,
    comments: [],
    returned: null,
    districts: null,
    draft: null,
    ...rest,
  };
}

/** A shell that keeps everything in memory and writes down what it was asked. */
export class MemoryHost implements FormHost {
  draft: Draft | null = null;
  saves = 0;
  files = new Map<string, Blob>();
  sealed: SealAnswers | null = null;
  closed = 0;
  discarded = 0;
  /** While set, saving fails with this sentence. */
  full: string | null = null;
  delayMs = 0;

  async saveDraft(draft: Draft): Promise<void> {
    if (this.delayMs > 0) await new Promise((done) => setTimeout(done, this.delayMs));
    if (this.full !== null) throw new Error(this.full);
    this.draft = draft;
    this.saves += 1;
  }
  async putFile(name: string, blob: Blob): Promise<void> {
    if (this.full !== null) throw new Error(this.full);
    this.files.set(name, blob);
  }
  async getFile(name: string): Promise<Blob | null> {
    return this.files.get(name) ?? null;
  }
  async dropFile(name: string): Promise<void> {
    this.files.delete(name);
  }
  async seal(answers: SealAnswers): Promise<void> {
    this.sealed = structuredClone(answers);
    this.draft = null;
  }
  async discard(): Promise<void> {
    this.discarded += 1;
    this.draft = null;
  }
  close(): void {
    this.closed += 1;
  }
}

/** A filling opened as a saved draft, then answered step by step; what it says at the end. */
async function fill(given: Plain): Promise<Plain> {
  const request = requestOf(given["request"] as Partial<FormRequest>);
  const session = await openSession(request);
  for (const step of (given["steps"] ?? []) as [string, Plain | null][]) apply(session, step);
  return outcome(session);
}

function apply(session: Session, [path, answer]: [string, Plain | null]): void {
  const { filling } = session;
  const part = path.slice(0, path.lastIndexOf("/"));
  const question = filling.byKey.get(path.slice(part.length + 1));
  if (question === undefined) throw new Error(`no question ${path}`);
  const cell = { part, question };
  if (answer === null) filling.leave(cell);
  else if ("state" in answer) filling.setState(cell, answer["state"] as never);
  else filling.setValue(cell, answer["value"] as never, answer["file"] as never);
}

function outcome(session: Session): Plain {
  const { filling } = session;
  const found = allRemarks(session);
  let sealed: Plain;
  try {
    sealed = sealable(session) as unknown as Plain;
  } catch (error) {
    sealed = { problem: (error as Error).message };
  }
  return {
    sealed,
    parts: [...assertions(filling, session.request.corrects ?? {})].map(([name, fields]) => ({ name, assertions: fields })),
    remarks: found.map((each) => ({ path: pathOf(each.cell), code: each.code, blocks: each.blocks, about: each.about })),
    relevant: filling.cells().filter((cell) => filling.relevant(cell)).map(pathOf),
    data: filling.data,
    summary: summaryOf(session, found),
    broken: filling.broken,
  };
}

/** Draws a form; the shell in memory, the request and what is mounted stay reachable as `host`, `request`, `mounted`. */
async function mount(given: Partial<FormRequest> & { nowIso?: string; keepHost?: boolean }): Promise<void> {
  const { keepHost, ...rest } = given;
  const world = globalThis as unknown as { host: MemoryHost; request: FormRequest; mounted: unknown };
  if (!keepHost) world.host = new MemoryHost();
  world.request = requestOf(rest);
  world.mounted = await form.mountForm(document.getElementById("app")!, world.request, world.host);
}

Object.assign(globalThis, {
  tests: {
    form, fill, apply, outcome, requestOf, MemoryHost, openSession, readForm, changeOf, pathOf, mount, WORDS,
    parseNik, parseKk, nikWarnings, kkWarnings, readTyped, engineText, instanceText, valueOf, withDashes, readCsv, writeCsv, xpath,
  },
});
