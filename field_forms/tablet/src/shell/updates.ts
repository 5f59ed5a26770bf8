/**
 * The service worker and its updates. A new version is fetched whenever there is a network and waits; it takes over when
 * no form is open, and then the page begins anew, so that no old page runs with new files.
 */
import { Signal } from "./signal";

const LOOK_EVERY_MS = 3_600_000;

export class Updates {
  /** Whether a new version lies ready. */
  readonly ready = new Signal(false);
  private waiting: ServiceWorker | null = null;
  private applying = false;

  constructor(private readonly formOpen: Signal<boolean>) {}

  async begin(): Promise<void> {
    if (!("serviceWorker" in navigator)) return;
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      if (this.applying) location.reload();
    });
    try {
      const registration = await navigator.serviceWorker.register("/tablet/sw.js", { scope: "/tablet/" });
      this.look(registration);
      registration.addEventListener("updatefound", () => {
        registration.installing?.addEventListener("statechange", () => this.look(registration));
      });
      setInterval(() => void registration.update().catch(() => {}), LOOK_EVERY_MS);
    } catch {
      // No network at the first start, or an address without HTTPS: the page works, it only does not start offline.
    }
  }

  /** Take the new version, unless a form is open. */
  apply(): boolean {
    if (this.formOpen.value || !this.waiting) return false;
    this.applying = true;
    this.waiting.postMessage("activate");
    return true;
  }

  private look(registration: ServiceWorkerRegistration): void {
    // Without a controller this is the first version, not a new one.
    this.waiting = navigator.serviceWorker.controller ? registration.waiting : null;
    this.ready.set(this.waiting !== null);
  }
}
