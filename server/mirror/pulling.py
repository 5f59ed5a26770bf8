"""One pull: pages one after the other until there is no more, each kept with its cursor in one transaction.

Decides what an answer means for the mirror: go on, wait, start again (reset), or stop with a sentence. A rebuild
writes over the old rows and drops what was not seen again only with its last page: the mirror is never empty.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from field_forms.client import pace
from field_forms.client.pace import Backoff, GaveUp
from schemas.areas import is_area
from schemas.form import FormDefinition, FormUnreadable
from schemas.limits import PULL_PAGE_DEFAULT
from server.clock import Clock, SystemClock, rfc3339_s
from server.mirror.book import Mirror
from server.mirror.lines import PageLine, read_line, split_lines
from server.mirror.problem import LineProblem, MirrorProblem
from server.mirror.refusals import sentence
from server.mirror.source import Interrupted, Refused, Source

PAGE_LINES_MIN = 10
PAGE_LINES_MAX = 2 * PULL_PAGE_DEFAULT
ATTEMPTS_MAX = 8


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far this pull is; `rebuilding` where everything is read again."""

    pages: int
    lines: int
    rebuilding: bool


@dataclass(frozen=True, slots=True)
class PullDone:
    """What a pull did. `reset`: why everything was read again (`epoch`, `scope`, `full`), or empty. `dropped`:
    households that were in the mirror and no longer are after that. `without_labels`: why `kamus` is not up to
    date."""

    pages: int = 0
    lines: int = 0
    reset: str = ""
    dropped: int = 0
    households: int = 0
    aliases: int = 0
    persons: int = 0
    without_labels: str = ""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the next request asks, and how its answer is kept."""

    area: str | None
    cursor: str | None
    generation: int
    rebuilding: bool
    server_id: str | None


def pull(
    source: Source,
    into: Path,
    *,
    area: str | None = None,
    full: bool = False,
    tell: Callable[[PullProgress], None] = lambda _: None,
    sleep: Callable[[float], None] | None = None,
    rng: random.Random | None = None,
    clock: Clock | None = None,
) -> PullDone:
    """Bring the mirror `into` up to date. `area` narrows a new mirror to an area; an existing one keeps its own.

    `full` reads everything again, also from another server. Raises `MirrorProblem`; then the pages that were
    completed are kept, and the next pull goes on from there.
    """
    if area is not None and not is_area(area):
        raise MirrorProblem(f"Wilayah {area!r} bukan kode Kemendagri; tulis dengan titik, seperti 19.03 atau 19.03.01.")
    mirror = Mirror(into)
    try:
        waiting = Backoff(sleep or pace.SystemClock().sleep, rng or random.SystemRandom(), ATTEMPTS_MAX)
        return _Pull(mirror, source, waiting, tell, clock or SystemClock()).run(area, full)
    except GaveUp as error:
        wait = f" Server minta menunggu {error.wait_s:.0f} detik." if error.wait_s else ""
        raise MirrorProblem(
            f"{source.url}: {error}.{wait} Halaman yang sudah selesai aman; jalankan lagi perintah yang sama."
        ) from error
    finally:
        mirror.close()


class _Pull:
    """A pull at work."""

    def __init__(
        self,
        mirror: Mirror,
        source: Source,
        waiting: Backoff,
        tell: Callable[[PullProgress], None],
        clock: Clock,
    ) -> None:
        self.mirror = mirror
        self.source = source
        self.waiting = waiting
        self.tell = tell
        self.clock = clock
        self.page_lines = PULL_PAGE_DEFAULT
        self.done = PullDone()

    def run(self, area: str | None, full: bool) -> PullDone:
        """All pages."""
        plan: _Plan | None = self._first_plan(area, full)
        self._learn_forms()
        while plan is not None:
            asked = plan
            try:
                plan = self._page(asked)
                self.waiting.succeeded()
            except Interrupted as cut:
                # A page is all or nothing: over a line that breaks often only a small one arrives whole.
                self.page_lines = max(PAGE_LINES_MIN, self.page_lines // 4)
                self.waiting.wait(str(cut), cut.retry_after_s)
            except Refused as refused:
                plan = self._after_refusal(asked, refused)
        if self.mirror.forgot or full:
            self.mirror.compact()
        counts = self.mirror.counts()
        return replace(self.done, households=counts["households"], aliases=counts["aliases"], persons=counts["anggota"])

    def _first_plan(self, area: str | None, full: bool) -> _Plan:
        state = self.mirror.state()
        if state is None:
            return _Plan(area, None, 1, True, None)
        if full:
            self.done = replace(self.done, reset="full")
            return _Plan(area, None, state.generation + 1, True, None)
        if area is not None and area != state.area:
            raise MirrorProblem(
                f"Cermin ini berisi {state.area or 'seluruh wilayah token'}, bukan {area}. Pakai berkas lain, atau "
                f"--full untuk mengganti isinya dengan {area}."
            )
        return _Plan(state.area, state.cursor, state.generation, state.rebuilding, state.server_id)

    def _page(self, plan: _Plan) -> _Plan | None:
        """Ask for one page and keep it; what to ask next, or None at the end."""
        params = {"limit": str(self.page_lines)}
        params |= {"cursor": plan.cursor} if plan.cursor else {}
        params |= {"area": plan.area} if plan.area else {}
        now = rfc3339_s(self.clock.now_ms())
        with self._kept():
            with self.source.page(params) as pieces:
                lines, page = self._apply(pieces, plan, now)
            self._same_server(plan, page)
            dropped = self.mirror.keep(page, self.source.url, plan.area, plan.generation, plan.rebuilding, now)
        self.page_lines = min(PAGE_LINES_MAX, self.page_lines * 2)
        self.done = replace(
            self.done, pages=self.done.pages + 1, lines=self.done.lines + lines, dropped=self.done.dropped + dropped
        )
        self.tell(PullProgress(self.done.pages, self.done.lines, plan.rebuilding))
        if not page.more:
            return None
        return replace(plan, cursor=page.cursor, server_id=page.server_id)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """One transaction; after a roll-back the columns it had added are forgotten too."""
        try:
            with self.mirror.transaction():
                yield
        except BaseException:
            self.mirror.rolled_back()
            raise

    def _apply(self, pieces: Iterator[bytes], plan: _Plan, now: str) -> tuple[int, PageLine]:
        page: PageLine | None = None
        count = 0
        try:
            for raw in split_lines(pieces):
                line = read_line(raw)
                if page is not None:
                    raise LineProblem("ada baris sesudah baris penutup halaman")
                if isinstance(line, PageLine):
                    page = line
                else:
                    self.mirror.apply(line, plan.generation, now)
                    count += 1
        except LineProblem as error:
            raise MirrorProblem(
                f"{self.source.url}: jawaban tidak dapat dibaca ({error}). Halaman ini dibatalkan."
            ) from error
        if page is None:
            raise Interrupted("halaman terputus sebelum selesai")
        return count, page

    def _same_server(self, plan: _Plan, page: PageLine) -> None:
        if plan.server_id is not None and page.server_id != plan.server_id:
            raise MirrorProblem(_OTHER_SERVER.format(url=self.source.url, path=self.mirror.path))

    def _after_refusal(self, plan: _Plan, refused: Refused) -> _Plan:
        """Start again after a reset; everything else ends the pull."""
        if refused.code == "reset" and plan.cursor is not None:
            self.done = replace(self.done, reset=refused.why or "epoch")
            return replace(plan, cursor=None, generation=plan.generation + 1, rebuilding=True)
        if refused.code == "bad_cursor" and plan.cursor is not None:
            raise MirrorProblem(_OTHER_SERVER.format(url=self.source.url, path=self.mirror.path)) from refused
        raise MirrorProblem(sentence(self.source.url, refused)) from refused

    def _learn_forms(self) -> None:
        """Forms that are new since the last pull, for columns and labels. Without them the pull goes on: columns
        come from the data too, and labels with the next pull."""
        try:
            known = self.mirror.form_hashes()
            listed = self.source.document("/v1/forms")["forms"]
            with self.mirror.transaction():
                for gone in known.keys() - {(form["id"], form["version"]) for form in listed}:
                    self.mirror.drop_form(*gone)
            for form in listed:
                if known.get((form["id"], form["version"])) != form["hash"]:
                    definition = self.source.document(f"/v1/forms/{form['id']}/{form['version']}")
                    with self.mirror.transaction():
                        self.mirror.put_form(form["id"], form["version"], form["hash"], json.dumps(definition))
            with self.mirror.transaction():
                self.mirror.retire_forms((form["id"], form["version"]) for form in listed if form.get("retired"))
            read = [FormDefinition.from_json(json.loads(raw)) for raw in self.mirror.definitions()]
        except (Interrupted, Refused, FormUnreadable, KeyError, TypeError) as error:
            if isinstance(error, Refused) and error.code in ("unauthenticated", "wrong_token"):
                raise MirrorProblem(sentence(self.source.url, error)) from error
            self.done = replace(self.done, without_labels=str(error))
            return
        with self._kept():
            self.mirror.wide.learn(read, self.mirror.retired_forms())


_OTHER_SERVER = (
    "{url} bukan server tempat cermin {path} ditarik sebelumnya. Tidak ada yang diubah. Periksa alamatnya; bila memang "
    "harus diganti dengan isi server ini, ulangi dengan --full."
)
