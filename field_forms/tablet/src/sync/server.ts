/**
 * The protocol as methods: the one place that knows addresses and bodies (docs/protocol.md). Each makes one request.
 * Throws `Unreachable` without an answer, `Refused` for any status of 400 and above. Waits for nothing, stores nothing.
 */
import type { FormDefinition } from "../contract";
import type { Box } from "../seal/box";
import { type Bytes, utf8 } from "../seal/bytes";
import type { Envelope, Filing } from "../seal/event";
import type { SignedTime } from "../seal/signing";
import type { Receipt } from "../store/events";
import { type OnBytes, type Request, type Response, type Transport, Unreachable } from "./transport";

const GZIP_FROM_BYTES = 512;

/** The server answered with a problem; `code` is of docs/problems.md. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly retryAfterS: number | null,
  ) {
    super(`${status} ${code}`);
  }

  /** Whether waiting may help: busy, overloaded, restarting. */
  get passing(): boolean {
    return this.status === 408 || this.status === 425 || this.status === 429 || this.status >= 500;
  }
}

export interface Enrolled {
  server_id: string;
  epoch: string;
  install: string;
  officer: { id: string; name: string };
  areas: { code: string }[];
  deposit_token: string;
  read_token: string;
  sealing_key: { id: string; key: string };
  signing_keys?: { id: string; key: string }[];
}

export interface Hello {
  server_id: string;
  epoch: string;
  time?: SignedTime;
  durable: { epoch: string; positions: Record<string, number>; earlier?: Record<string, Record<string, number>> } | null;
  stamps?: Record<string, Envelope>;
  revoked?: boolean;
  forms?: ListedForm[];
  areas?: string[];
  scope?: string;
  slot_s?: number;
  sealing_key?: { id: string; key: string };
  signing_keys?: { id: string; key: string }[];
  campaign?: { closes: string | null };
}

export interface ListedForm {
  id: string;
  version: string;
  hash: string;
  /** No new form is opened with it. */
  retired?: boolean;
}

export interface PushResult {
  status: string;
  receipt?: Receipt;
  reasons?: string[];
  detail?: string;
  fork?: boolean;
}

export interface NamedRef extends Filing {
  ref: string;
  also?: Filing[];
}

export interface Tokens {
  deposit: string | null;
  read: string | null;
}

/** How far a photo is: bytes at the server; all of it there and verified; in a verified backup. */
export interface BlobStanding {
  offset: number;
  complete: boolean;
  durable: boolean;
}

export interface FeedAnswer {
  items: Record<string, unknown>[];
  cursor: string;
  more: boolean;
}

export class Server {
  constructor(
    private readonly transport: Transport,
    private readonly tokens: Tokens,
  ) {}

  enrol(asked: { code: string; install: string; public_key: string; app: string }): Promise<Enrolled> {
    return this.json("POST", "/v1/enrol", null, asked);
  }

  hello(refs: readonly NamedRef[]): Promise<Hello> {
    return this.json("POST", "/v1/hello", this.anyToken(), { refs });
  }

  async push(items: readonly unknown[], onBytes?: OnBytes): Promise<PushResult[]> {
    const answer = await this.json<{ results: PushResult[] }>("POST", "/v1/events", this.tokens.deposit, { items }, onBytes);
    return answer.results;
  }

  /** `box` as it was saved: JSON text. */
  deposit(box: string, onBytes?: OnBytes): Promise<{ opened: boolean; problem?: string; results: PushResult[] }> {
    return this.json("POST", "/v1/deposits", this.tokens.deposit, { box: JSON.parse(box) as Box }, onBytes);
  }

  have(items: readonly (readonly [string, string])[]): Promise<{ missing?: [string, string][]; erased?: [string, string][]; parts?: Record<string, string[]> }> {
    return this.json("POST", "/v1/have", this.anyToken(), { items });
  }

  feed(cursor: string | null, limit: number): Promise<FeedAnswer> {
    const query = new URLSearchParams({ limit: String(limit), ...(cursor ? { cursor } : {}) });
    return this.json("GET", `/v1/feed?${query}`, this.tokens.read);
  }

  form(id: string, version: string): Promise<FormDefinition> {
    return this.json("GET", `/v1/forms/${encodeURIComponent(id)}/${encodeURIComponent(version)}`, this.tokens.read);
  }

  async xform(id: string, version: string): Promise<string> {
    const path = `/v1/forms/${encodeURIComponent(id)}/${encodeURIComponent(version)}/xform`;
    const answer = await this.call("GET", path, this.tokens.read, { accept: "application/xml" });
    if (!answer.text.includes("<h:html")) throw new Unreachable("the answer is not of the server");
    return answer.text;
  }

  async areas(): Promise<{ code: string; name: string }[]> {
    return (await this.json<{ areas: { code: string; name: string }[] }>("GET", "/v1/areas", this.tokens.read)).areas;
  }

  async prefixes(): Promise<string[]> {
    return (await this.json<{ prefixes: string[] }>("GET", "/v1/areas/prefixes", this.tokens.read)).prefixes;
  }

  async blobStanding(sha256: string): Promise<BlobStanding> {
    return standingIn(await this.call("HEAD", `/v1/blobs/${sha256}`, this.tokens.deposit, {}));
  }

  /** The next piece of a photo; where the upload stands after it. */
  async blobPiece(sha256: string, offset: number, bytes: Bytes, length: number, onBytes: OnBytes): Promise<BlobStanding> {
    const headers = {
      "content-type": "application/partial-upload",
      "upload-offset": String(offset),
      "upload-length": String(length),
    };
    return standingIn(await this.call("PATCH", `/v1/blobs/${sha256}`, this.tokens.deposit, headers, bytes, onBytes));
  }

  /** An operator's unlock code gives the data key back, sealed to a key of this tablet's own. */
  unlock(asked: { code: string; box: Box; public_key: string }): Promise<{ box: Box }> {
    return this.json("POST", "/v1/unlocks", this.tokens.deposit, asked);
  }

  private anyToken(): string | null {
    return this.tokens.read ?? this.tokens.deposit;
  }

  private async json<T>(method: "GET" | "POST", path: string, token: string | null, body?: unknown, onBytes?: OnBytes): Promise<T> {
    const headers: Record<string, string> = { accept: "application/json" };
    let sent: Bytes | undefined;
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      sent = utf8(JSON.stringify(body));
      if (sent.length >= GZIP_FROM_BYTES) {
        sent = await gzipped(sent);
        headers["content-encoding"] = "gzip";
      }
    }
    const answer = await this.call(method, path, token, headers, sent, onBytes);
    try {
      const read = JSON.parse(answer.text) as T;
      if (typeof read === "object" && read !== null) return read;
    } catch {
      // A captive portal of a wifi answers 200 with a page of its own: that is no answer of the server.
    }
    throw new Unreachable("the answer is not of the server");
  }

  private async call(
    method: Request["method"],
    path: string,
    token: string | null,
    headers: Record<string, string>,
    body?: Bytes,
    onBytes?: OnBytes,
  ): Promise<Response> {
    const request = { method, path, headers: { ...headers, ...bearer(token) }, ...(body ? { body } : {}) };
    const answer = await this.transport.send(request, onBytes);
    if (answer.status >= 400) throw refused(answer);
    if (answer.status >= 300 || answer.status === 0) throw new Unreachable(`answer ${answer.status}`);
    return answer;
  }
}

function standingIn(answer: Response): BlobStanding {
  const offset = Number(answer.header("upload-offset") ?? "x");
  if (!Number.isInteger(offset)) throw new Unreachable("the answer is not of the server");
  return {
    offset,
    complete: answer.header("upload-complete") === "?1",
    durable: answer.header("padan-durable") === "?1",
  };
}

export function bearer(token: string | null): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

/** The problem of an answer of 400 and above. */
export function refused(answer: Response): Refused {
  let problem: { code?: string; detail?: string; title?: string } = {};
  try {
    problem = JSON.parse(answer.text) as typeof problem;
  } catch {
    // A proxy's page: only the status says something.
  }
  const code = problem?.code ?? `http_${answer.status}`;
  return new Refused(answer.status, code, problem?.detail ?? problem?.title ?? "", retryAfterS(answer));
}

/** Seconds to wait. A date is measured against the answer's own, for the tablet's clock may be years off. */
function retryAfterS(answer: Response): number | null {
  const value = (answer.header("retry-after") ?? "").trim();
  if (/^[0-9]+$/.test(value)) return Number(value);
  const wait = Date.parse(value) - Date.parse(answer.header("date") ?? "");
  return Number.isNaN(wait) ? null : Math.max(0, wait / 1000);
}

async function gzipped(bytes: Bytes): Promise<Bytes> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new globalThis.Response(packed).arrayBuffer());
}
