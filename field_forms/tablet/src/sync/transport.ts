/**
 * Carries one request and brings the answer, or throws `Unreachable`. Repeats nothing, stores nothing; nothing it asks
 * for is left in the browser's cache, and no cookie goes along. XMLHttpRequest, because it tells how much went out.
 */

export interface Request {
  method: "GET" | "POST" | "HEAD" | "PATCH";
  /** Begins with `/v1`. */
  path: string;
  headers: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
}

export interface Response {
  status: number;
  header(name: string): string | null;
  text: string;
}

/** Bytes of the body that went out, of all. */
export type OnBytes = (sent: number, total: number) => void;

export interface Transport {
  send(request: Request, onBytes?: OnBytes): Promise<Response>;
}

/** No whole answer came: no network, cut off half way, or the answer was lost. Whether the server acted is unknown. */
export class Unreachable extends Error {}

const ANSWER_TIMEOUT_MS = 60_000;
/** No byte moved for so long: the line is dead although nobody said so. */
const STALLED_MS = 45_000;

export class HttpTransport implements Transport {
  constructor(private readonly base = "") {}

  send(request: Request, onBytes?: OnBytes): Promise<Response> {
    return new Promise((resolve, reject) => {
      const call = new XMLHttpRequest();
      let watch = 0;
      const alive = (ms: number) => {
        clearTimeout(watch);
        watch = window.setTimeout(() => call.abort(), ms);
      };
      const fail = (why: string) => () => {
        clearTimeout(watch);
        reject(new Unreachable(why));
      };
      call.open(request.method, this.base + request.path);
      for (const [name, value] of Object.entries(request.headers)) call.setRequestHeader(name, value);
      call.setRequestHeader("cache-control", "no-store");
      call.upload.onprogress = (event) => {
        alive(STALLED_MS);
        onBytes?.(event.loaded, event.total);
      };
      call.upload.onload = () => alive(ANSWER_TIMEOUT_MS);
      call.onprogress = () => alive(STALLED_MS);
      call.onerror = fail("network");
      call.onabort = fail("no answer in time");
      call.onload = () => {
        clearTimeout(watch);
        resolve({ status: call.status, header: (name) => call.getResponseHeader(name), text: call.responseText });
      };
      alive(request.body ? STALLED_MS : ANSWER_TIMEOUT_MS);
      call.send(request.body ?? null);
    });
  }
}
