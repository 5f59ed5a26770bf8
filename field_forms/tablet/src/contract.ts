/**
 * The boundary between the shell (everything but src/form/) and the form (src/form/).
 *
 * The shell opens a form with a `FormRequest` and a `FormHost`; the form draws itself, hands over every change as a
 * `Draft`, and ends with `seal` or `close`. Types only: nothing runs here.
 */

/** A value as the Python code compiles it; see schemas/form.py. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A published form as `GET /v1/forms/{id}/{version}` serves it. */
export interface FormDefinition {
  id: string;
  version: string;
  hash: string;
  [key: string]: unknown;
}

/** A record of the feed: data, trail, identity. Fields as in docs/protocol.md, "What a feed page holds". */
export type MergedRecord = Record<string, unknown>;

export interface ReturnComment {
  path: string;
  text: string;
  by?: string;
  due?: string;
}

/** What one question says: a value or a state, and the evidence of it. Field names as in schemas/event.py. */
export interface Assertion {
  value?: Json;
  state?: "declined" | "unknown" | "not_applicable" | "cleared";
  evidence: number;
  corrects?: string;
  [key: string]: unknown;
}

/** What the shell hands over. */
export interface FormRequest {
  definition: FormDefinition;
  xform: string;
  /** Name of a CSV -> its text, already cut to the officer's villages and this household (rows in use are kept). */
  media: Record<string, string>;
  language: "id" | "en";
  /** Believed time (docs/decisions/0015): never trusted. */
  now(): Date;
  officer: { id: string; name: string; areas: string[] };
  target: { householdId: string; homeRegion: string; area: string; isNew: boolean };
  /**
   * Minted and saved by the shell before the form is mounted; the form copies it into every draft and never changes it
   * (opening.py: id, context and not_before are fixed when the form is opened).
   */
  fixed: { eventId: string; context: { ref: string; household_id: string }[]; notBefore: string | null };
  /**
   * data, trail and identity, as in the feed, with this tablet's own sealed events that the feed has not taken in yet
   * laid over it in the same shape (`data.household[name]`, `data.persons[].fields[name]` with `value` or `state`;
   * `trail.values[path]` with `ref` and `evidence`): opening.py `opening_on`. What of it a new visit begins with
   * (`carried_over`) is the form's to decide. Null: a family that is not on the list.
   */
  shown: MergedRecord | null;
  /** Submissions seen so far (own sealed ones included) and whether the family stands on a list: `app_answers`. */
  visits: number;
  listed: boolean;
  /** A correction of an own sealed form: path -> ref that an answer changed here corrects. Else null. */
  corrects: Record<string, string> | null;
  /** What a change event is about, chosen on the household's page (change.py `open_change`). Null for a visit. */
  change: ChangeTarget | null;
  /** Of a return, by path. */
  comments: ReturnComment[];
  /** The return itself: what stands above the comments. */
  returned?: { note: string; due: string | null } | null;
  /** Six-digit NIK prefixes of all districts (`GET /v1/areas/prefixes`); without them no prefix is called unknown. */
  districts?: string[] | null;
  draft: Draft | null;
}

/** As change.py keeps it in `fixed["change"]`; paths of `known` -> value, ref it came from, evidence. */
export interface ChangeTarget {
  kind: string;
  persons: string[];
  newPerson: string | null;
  to: string | null;
  from: string | null;
  known: Record<string, { value: Json; ref: string | null; evidence: number }>;
  /** Household id -> home region, for `also`. */
  regions: Record<string, string>;
  /** Where the persons are listed, when that is another family than the target: its village and its id in the list. */
  origin?: { area: string; familyId: string | null };
  /** The visit form's definition: a change needs both dictionaries (`Dictionary.of([visit, change])`). */
  visitForm: FormDefinition;
}

/** Plain JSON; the shell encrypts and stores it. */
export interface Draft {
  eventId: string;
  formId: string;
  formVersion: string;
  /** Fixed when opened. */
  context: { ref: string; household_id: string }[];
  notBefore: string | null;
  /** The form's own serialisation, shadow of non-relevant answers included. */
  instance: unknown;
  /** Page, member, scroll. */
  place: unknown;
  summary: { name: string; done: number; total: number; errors: number };
  /** Names in the file store. */
  files: string[];
}

/**
 * What the form may ask of the shell. A promise that is rejected carries a sentence for the officer (`error.message`, in
 * the language of the request): the tablet is full, the event is too large. Nothing is lost by it; show it and go on.
 */
export interface FormHost {
  /** Resolves once durable. */
  saveDraft(draft: Draft): Promise<void>;
  putFile(name: string, blob: Blob): Promise<void>;
  getFile(name: string): Promise<Blob | null>;
  dropFile(name: string): Promise<void>;
  /** One transaction, envelope, hash; then the draft is gone. */
  seal(answers: SealAnswers): Promise<void>;
  /** Throws the draft and its files away; the form has asked the officer. */
  discard(): Promise<void>;
  close(): void;
}

export interface SealAnswers {
  /** Touched, confirmed, untouched and units are decided by the form (docs/merge.md). */
  parts: { name: string; assertions: Record<string, Assertion>; text: Record<string, unknown> }[];
  /** Path -> its file in the file store. The asserted value is its sha256; `file` stays out of the envelope. */
  attachments: Record<string, { file: string; sha256: string; bytes: number; mime: string }>;
  body: Record<string, unknown>;
  kind: "submission" | "change";
  /** The village that the officer says the visit was in; else the shell takes the target's (sealing_draft.py `_area`). */
  area?: string;
  also: { household_id: string; home_region: string }[];
}

/*
 * What the form must keep for the sake of what lies on the disk (docs/security.md): every input, select and textarea has
 * `autocomplete="off"` and `spellcheck={false}` (else Chromium writes what was typed into its session files), nothing
 * goes to localStorage, sessionStorage, the address, the title or the cache; object URLs are revoked.
 * The shell gives the element the whole window below its own banner (training); the form brings its own top bar with a
 * way back (`host.close()`). Colours and sizes: the custom properties of src/style.css (`--ink`, `--brand`, ...).
 */

/**
 * The form's entry: `mountForm(element, request, host)` draws the form into the element and returns its end.
 * Exported by src/form/index.ts; loaded by the shell with `import("../form/index")`, so that it is a chunk of its own.
 */
export interface MountedForm {
  /** Resolves when what was typed last is saved; the shell calls it before it locks. */
  flush(): Promise<void>;
  unmount(): void;
}
/** Called when the household's page is shown, before the tap that opens the form, with what `mountForm` will be given. */
export type PrepareForm = (request: FormRequest) => Promise<void>;
export type MountForm = (element: HTMLElement, request: FormRequest, host: FormHost) => Promise<MountedForm>;
