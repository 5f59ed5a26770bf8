/** The service worker: keeps the app's own files, so that it starts without a network. Holds nothing of a person. */
declare const __KEPT__: Record<string, string>;
declare const __VERSION__: string;
const worker = self as unknown as ServiceWorkerGlobalScope;
const CACHE = `padan-${__VERSION__}`;

worker.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(Object.keys(__KEPT__))));
});
