"""What is read off a page in the browser: times from a tap or a key to the paint that shows its effect, and memory.

A time begins with the event's own stamp, made by the browser when the finger or key came down, and ends in the first
task after the frame in which the awaited thing is on the screen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

THROTTLE = 4
"""How many times slower the page's main thread runs: a low-end tablet. Workers and the browser itself are not."""

WATCH = """
(() => {
  if (globalThis.watch) return;
  const onScreen = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight;
  };
  const all = (selector) => [...document.querySelectorAll(selector)];
  const drawn = (selector, more) => all(selector).filter((each) => each.offsetParent !== null).length > more;
  const seen = (selector) => all(selector).some(onScreen);
  const painted = (done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done(performance.now());
    channel.port2.postMessage(0);
  });
  const until = (there) => new Promise((done) => {
    const look = () => (there() ? painted(done) : requestAnimationFrame(look));
    look();
  });
  const watch = globalThis.watch = { seen, drawn, painted, until, told: null, keys: [] };
  const there = ({ selector, more }) => (more === undefined ? seen(selector) : drawn(selector, more));
  // The next event of a kind, to the paint with the awaited element. `press`: a button to press as soon as it is there.
  watch.next = (kind, awaited, press) => {
    watch.told = new Promise((done) => {
      addEventListener(kind, async (event) => {
        const began = event.timeStamp;
        if (press) {
          const button = () => all("button").find((each) => press === each.textContent.trim());
          await until(() => button() !== undefined && !button().disabled);
          button().click();
        }
        done((await until(() => there(awaited))) - began);
      }, { capture: true, once: true });
    });
  };
  // Keys: to the first paint after what was typed is in the field.
  addEventListener("keydown", (event) => {
    const shown = () => painted((now) => watch.keys.push(now - event.timeStamp));
    if (event.key.length === 1) addEventListener("input", shown, { capture: true, once: true });
    else if (event.key === "Tab") setTimeout(shown);
  }, { capture: true });
  // What a worker answers: deriving the key from the PIN is the only one there is.
  const Plain = globalThis.Worker;
  watch.workersMs = 0;
  globalThis.Worker = class extends Plain {
    constructor(...given) {
      super(...given);
      const began = performance.now();
      this.addEventListener("message", () => (watch.workersMs += performance.now() - began));
    }
  };
})();
"""
"""Put into each page before its own scripts."""


class Watched:
    """A page with `WATCH` in it. `devtools`: a session of the debugging protocol with it."""

    def __init__(self, page: Any, devtools: Any) -> None:
        self.page, self._devtools = page, devtools

    def throttle(self, times: float = THROTTLE) -> None:
        """Slow the page's main thread down; 1 ends it."""
        self._devtools.send("Emulation.setCPUThrottlingRate", {"rate": times})

    def from_tap(
        self, tap: Callable[[], None], selector: str, *, more: int | None = None, press: str = "", wait_s: float = 120
    ) -> float:
        """Milliseconds from a tap to the paint with an element on the screen.

        `more`: instead, to more than so many such elements drawn anywhere on the page. `press`: a button that is
        pressed as soon as it appears, on the way.
        """
        awaited = {"selector": selector} | ({} if more is None else {"more": more})
        self.page.evaluate("([awaited, press]) => watch.next('click', awaited, press)", [awaited, press])
        tap()
        late = "new Promise((_, no) => setTimeout(no, ms, new Error('what was awaited did not come')))"
        return float(self.page.evaluate(f"ms => Promise.race([watch.told, {late}])", wait_s * 1000))

    def typed(self, text: str, pauses_ms: tuple[int, ...], *, leave: bool = False) -> list[float]:
        """Type into the field that has the focus, a pause after each key; milliseconds of each key to its paint.

        `leave`: instead of typing, go on to the next field; one time.
        """
        self.page.evaluate("() => { watch.keys.length = 0; }")
        for at, letter in enumerate(text if not leave else " "):
            self.page.keyboard.press("Tab" if leave else letter)
            self.page.wait_for_timeout(pauses_ms[at % len(pauses_ms)])
        wanted = 1 if leave else len(text)
        self.page.wait_for_function("wanted => watch.keys.length >= wanted", arg=wanted, timeout=60_000)
        return [float(each) for each in self.page.evaluate("watch.keys")]

    def heap_mb(self) -> float:
        """JavaScript heap in use after everything unused was collected, megabytes of 1,000,000 bytes."""
        for _ in range(3):
            self._devtools.send("HeapProfiler.collectGarbage")
        return float(self._devtools.send("Runtime.getHeapUsage")["usedSize"]) / 1e6

    def elements(self) -> int:
        """How many elements the document has."""
        return int(self.page.evaluate("document.getElementsByTagName('*').length"))
