/**
 * Where one is in the app: a stack of places, mirrored in the browser's history as bare numbers, so that the tablet's
 * back gesture works and neither address nor title nor history says anything about a family.
 */
import { Signal } from "./signal";

export type Route =
  | { at: "list" }
  | { at: "household"; id: string }
  | { at: "form"; draftId: string }
  | { at: "change"; id: string }
  | { at: "newFamily" }
  | { at: "sent" }
  | { at: "drafts" }
  | { at: "menu" }
  | { at: "sync" }
  | { at: "training" }
  | { at: "settings" }
  | { at: "code" }
  | { at: "changePin" }
  | { at: "trouble" };

export class Routes {
  readonly now = new Signal<Route>({ at: "list" });
  private stack: Route[] = [{ at: "list" }];
  /** Asked before one leaves; false: stay. */
  guard: (() => Promise<boolean>) | null = null;

  constructor() {
    history.replaceState(0, "", location.pathname);
    window.addEventListener("popstate", (event) => void this.popped(Number(event.state ?? 0)));
  }

  go(route: Route): void {
    this.stack.push(route);
    history.pushState(this.stack.length - 1, "", location.pathname);
    this.show();
  }

  /** Another place instead of this one. */
  replace(route: Route): void {
    this.stack[this.stack.length - 1] = route;
    this.show();
  }

  back(): void {
    if (this.stack.length > 1) history.back();
  }

  home(): void {
    this.stack = [{ at: "list" }];
    history.pushState(0, "", location.pathname);
    this.show();
  }

  private async popped(depth: number): Promise<void> {
    if (this.guard && !(await this.guard())) {
      history.pushState(this.stack.length - 1, "", location.pathname);
      return;
    }
    this.stack.length = Math.max(1, Math.min(depth + 1, this.stack.length));
    this.show();
  }

  private show(): void {
    this.now.set(this.stack[this.stack.length - 1]!);
    scrollTo(0, 0);
  }
}
