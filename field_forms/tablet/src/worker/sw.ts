/**
 * The service worker: keeps the app's own files, so that it starts without a network. Holds nothing of a person: what is
 * asked under /v1 never passes through here.
 */
declare const __KEPT__: Record<string, string>;
declare const __VERSION__: string;

const worker = self as unknown as ServiceWorkerGlobalScope;
const PREFIX = "padan-app-";
const CACHE = PREFIX + __VERSION__;
const PAGE = "/tablet/";

worker.addEventListener("install", (event) => event.waitUntil(keep()));

worker.addEventListener("activate", (event) =>
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
      await worker.clients.claim();
    })(),
  ),
);

worker.addEventListener("message", (event) => {
  if (event.data === "activate") void worker.skipWaiting();
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || !url.pathname.startsWith(PAGE.slice(0, -1))) return;
  const name = request.mode === "navigate" ? PAGE : url.pathname;
  if (name in __KEPT__) event.respondWith(answer(name, request));
});

/** All files or none; each must be the one this version was built with. Those of the version before are taken over. */
async function keep(): Promise<void> {
  const cache = await caches.open(CACHE);
  await Promise.all(
    Object.entries(__KEPT__).map(async ([path, digest]) => {
      if (await cache.match(path)) return;
      // Names under assets/ carry the hash of the content.
      const known = path.includes("/assets/") ? await caches.match(path) : undefined;
      const found = known ?? (await fetch(path, { cache: path.includes("/assets/") ? "default" : "reload" }));
      if (!found.ok || found.redirected) throw new Error(`${path}: ${found.status}`);
      const content = await found.clone().arrayBuffer();
      if ((await digestOf(content)) !== digest) throw new Error(`${path} is of another version`);
      await cache.put(path, found);
    }),
  );
}

async function answer(name: string, request: Request): Promise<Response> {
  const kept = await (await caches.open(CACHE)).match(name);
  return kept ?? fetch(request);
}

async function digestOf(content: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, 16);
}
