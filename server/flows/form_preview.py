"""What publishing or retiring a version would do, before it is done: what changes, and what that means in figures.

Reads only. Records are folded on trial under the dictionary that would hold then, and compared with what is stored: all
of them, or the first so and so many by id, as good as drawn. A figure says whether it was counted or projected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import orjson

from field_forms.check import check_reading
from field_forms.diff import CHANGED, QUESTION, REMOVED, RENAMED, FormDiff, form_diff
from field_forms.form_problem import FormProblem
from field_forms.publish import Prepared
from schemas.form import Dictionary, FormDefinition
from schemas.lineage import WrongType, current_versions
from schemas.problems import ProblemError
from schemas.question import PERSON
from schemas.upcast import NotUpcast
from server.auth.keys import ServerKeys
from server.clock import Clock
from server.flows import dictionary as dictionaries
from server.flows.cluster import Pair, fold_cluster, load_cluster
from server.flows.publish_form import Version, published_definitions
from server.store import forms, households, install_forms
from server.store.database import Connection
from server.store.households import StoredRecord

RATIFIED = ("ratified", "delivered", "accepted", "rejected")
APPROVED = ("approved",)
SAMPLE_HOUSEHOLDS = 500
"""Folded on trial, some seconds. A share is told to within 4.4 in 100, 95 times of 100: 1.96 * sqrt(0.25 / 500)."""

EXAMPLES_MAX = 5
WATCHED = frozenset(("type", "policy", "unit", "deliver", "relevant", "calculation", "upcast", "sensitivity"))
"""Columns whose change is told with the number of households that answered the question."""

Progress = Callable[[str, int, int], None]
Question = tuple[str, str]
"""`(scope, name)`."""


@dataclass(frozen=True, slots=True)
class Count:
    """`value` of `of`. Not `exact`: projected from a sample."""

    value: int
    of: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class HeldAnswers:
    """How many households hold an answer to a question as it is called now, and in how many it is unreadable then."""

    scope: str
    name: str
    households: int
    unread: int


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial fold. `rewritten`: other bytes, be it only a name; `values`: something that was judged says otherwise;
    `examples`: ids of households of which values or state would change. `fold_ms`: for one household, with its reading.
    """

    folded: int = 0
    rewritten: int = 0
    values: int = 0
    states: int = 0
    conflicts_opened: int = 0
    conflicts_closed: int = 0
    waiting: int = 0
    examples: tuple[str, ...] = ()
    fold_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Tablets:
    """Tablets in good standing, those that told what they work with, and open drafts on versions that would be old."""

    all: int
    told: int
    with_old_drafts: int
    old_drafts: int


@dataclass(frozen=True, slots=True)
class Preview:
    """Everything to be shown before. With `problems` it would be refused, and nothing was counted. `same`: this very
    version is published already."""

    diff: FormDiff
    problems: tuple[FormProblem, ...]
    same: bool
    seen: tuple[str, ...]
    households: int = 0
    held: tuple[HeldAnswers, ...] = ()
    ratify_again: Count = Count(0, 0)
    approve_again: Count = Count(0, 0)
    trial: Trial = Trial()
    tablets: Tablets = Tablets(0, 0, 0, 0)

    @property
    def refold_s(self) -> int:
        """About how long folding everything again will take, in seconds, by one process."""
        return round(self.households * self.trial.fold_ms / 1000)


def preview_publication(
    db: Connection,
    keys: ServerKeys,
    prepared: Prepared,
    clock: Clock,
    *,
    sample: int | None = SAMPLE_HOUSEHOLDS,
    progress: Progress = lambda _step, _done, _all: None,
) -> Preview:
    """What publishing a prepared form would do. `sample`: households folded on trial; None for all."""
    seen, published, retired = _now(db)
    new = prepared.compiled.definition
    diff = form_diff(new, published, retired)
    if any(form.hash == new.hash for form in published):
        return Preview(diff, (), True, seen)
    problems = check_reading(prepared.reading, published, retired)
    if problems:
        return Preview(diff, tuple(problems), False, seen)
    then = Dictionary.of([*published, new], retired)
    return _Counting(db, keys, then, diff, clock, sample, progress).preview(seen)


def preview_retirement(
    db: Connection,
    keys: ServerKeys,
    version: Version,
    clock: Clock,
    *,
    restore: bool = False,
    sample: int | None = SAMPLE_HOUSEHOLDS,
    progress: Progress = lambda _step, _done, _all: None,
) -> Preview:
    """What retiring a version would do, or taking that back. The diff is from the version in use to the one then."""
    seen, published, retired = _now(db)
    if not any((form.id, form.version) == version for form in published):
        raise ProblemError("form_unknown", f"{version[0]} {version[1]} tidak pernah terbit. Lihat: padan form list")
    then_retired = retired - {version} if restore else retired | {version}
    next_one = current_versions(published, then_retired)[version[0]]
    diff = form_diff(next_one, published, retired, then_retired)
    if current_versions(published, retired)[version[0]].hash == next_one.hash:
        diff = FormDiff(version[0], next_one.version, next_one.version, ())
    then = Dictionary.of(published, then_retired)
    return _Counting(db, keys, then, diff, clock, sample, progress).preview(seen)


def _now(db: Connection) -> tuple[tuple[str, ...], tuple[FormDefinition, ...], frozenset[Version]]:
    with db.snapshot():
        return dictionaries.published(db), published_definitions(db), forms.retired(db)


class _Counting:
    """Works the figures out."""

    def __init__(
        self,
        db: Connection,
        keys: ServerKeys,
        then: Dictionary,
        diff: FormDiff,
        clock: Clock,
        sample: int | None,
        progress: Progress,
    ) -> None:
        self.db = db
        self.keys = keys
        self.then = then
        self.diff = diff
        self.clock = clock
        self.sample = sample
        self.progress = progress

    def preview(self, seen: tuple[str, ...]) -> Preview:
        """All figures."""
        states = households.counts_by_state(self.db)
        count = sum(states.values())
        trial, _ = self._trial("trial", (), count)
        ratified, again = self._trial("ratified", RATIFIED, sum(states.get(state, 0) for state in RATIFIED))
        approved, anew = self._trial("approved", APPROVED, states.get("approved", 0))
        return Preview(
            diff=self.diff,
            problems=(),
            same=False,
            seen=seen,
            households=count,
            held=self._held(count),
            ratify_again=_projected(again, ratified.folded, sum(states.get(state, 0) for state in RATIFIED)),
            approve_again=_projected(anew, approved.folded, states.get("approved", 0)),
            trial=trial,
            tablets=self._tablets(),
        )

    def _trial(self, step: str, states: Collection[str], of: int) -> tuple[Trial, int]:
        """A trial fold of records in these states (of all), and how many would leave those states."""
        limit = of if self.sample is None else min(of, self.sample)
        tally: Counter[str] = Counter()
        examples: list[str] = []
        done: set[Pair] = set()
        started = self.clock.monotonic_ms()
        for number, pair in enumerate(households.first(self.db, limit, tuple(states))):
            if number % 50 == 0:
                self.progress(step, number, limit)
            if pair not in done:
                self._fold(pair, done, tally, examples, states)
        self.progress(step, limit, limit)
        spent_ms = self.clock.monotonic_ms() - started
        trial = Trial(
            tally["folded"], tally["rewritten"], tally["values"], tally["states"], tally["opened"], tally["closed"],
            tally["waiting"], tuple(examples[:EXAMPLES_MAX]), spent_ms / max(tally["folded"], 1),
        )  # fmt: skip
        return trial, tally["left"]

    def _fold(
        self, pair: Pair, done: set[Pair], tally: Counter[str], examples: list[str], states: Collection[str]
    ) -> None:
        cluster = load_cluster(self.db, pair)
        done |= cluster.filed.keys()
        if any(number is not None for number in cluster.generations.values()):
            tally["waiting"] += 1  # what is stored is not its record yet; nothing can be compared with it
            return
        targets = fold_cluster(cluster, self.then, self.keys.nik_digest)
        for region in cluster.regions:
            ids = [household for place, household in cluster.filed if place == region]
            for old in households.load_exact(self.db, region, ids):
                target = targets.get((region, old.household_id))
                if target is None or target.record is None or (states and old.state not in states):
                    continue
                _compare(old, target.record, tally, examples)
                tally["left"] += bool(states) and target.record.state not in states

    def _held(self, count: int) -> tuple[HeldAnswers, ...]:
        """Over all records: how many answered a question that is removed, renamed, or changed in what counts."""
        watched = _watched(self.diff, self.then)
        if not watched or not count:
            return ()
        held: Counter[Question] = Counter()
        unread: Counter[Question] = Counter()
        for number, raw in enumerate(households.all_data(self.db)):
            if number % 1_000 == 0:
                self.progress("answers", number, count)
            data = orjson.loads(raw)
            found: dict[Question, list[Mapping[str, object]]] = {}
            for scope, parts in (("h", [data["household"]]), ("p", [each["fields"] for each in data["persons"]])):
                for fields in parts:
                    for name in fields.keys() & {name for place, name in watched if place == scope}:
                        found.setdefault((scope, name), []).append(fields[name])
            held.update(found.keys())
            unread.update(key for key, cells in found.items() if any(self._unread(key, cell) for cell in cells))
        self.progress("answers", count, count)
        return tuple(HeldAnswers(*key, held[key], unread[key]) for key in watched)

    def _unread(self, key: Question, cell: Mapping[str, object]) -> bool:
        line = self.then.line(*key)
        if line is None or not line.steps or "value" not in cell:
            return False
        try:
            line.read(cell["value"])
        except (NotUpcast, WrongType):
            return True
        return False

    def _tablets(self) -> Tablets:
        told = install_forms.on_tablets(self.db)
        old = [
            each
            for each in told
            if each.form_id == self.diff.form_id and each.version != self.diff.new_version and each.drafts
        ]
        return Tablets(
            all=install_forms.tablets(self.db),
            told=len({each.install for each in told}),
            with_old_drafts=len({each.install for each in old}),
            old_drafts=sum(each.drafts for each in old),
        )


def _compare(old: StoredRecord, new: StoredRecord, tally: Counter[str], examples: list[str]) -> None:
    tally["folded"] += 1
    tally["rewritten"] += old.data != new.data or old.trail != new.trail
    tally["values"] += old.data_digest != new.data_digest
    tally["states"] += old.state != new.state
    tally["opened"] += max(0, new.conflicts - old.conflicts)
    tally["closed"] += max(0, old.conflicts - new.conflicts)
    if old.data_digest != new.data_digest or old.state != new.state:
        examples.append(old.household_id)


def _watched(diff: FormDiff, then: Dictionary) -> tuple[Question, ...]:
    """Questions, as they are called now, of which it is told how many households answered them."""
    renamed = {(each.scope, each.new): each.old for each in diff.of(QUESTION, RENAMED)}
    found = [(each.scope, each.name) for each in diff.of(QUESTION, REMOVED)]
    found += [(each.scope, each.old) for each in diff.of(QUESTION, RENAMED)]
    found += [
        (each.scope, renamed.get((each.scope, each.name), each.name))
        for each in diff.of(QUESTION, CHANGED)
        if each.column in WATCHED
    ]
    return tuple(dict.fromkeys(key for key in found if key[0] in ("h", PERSON)))


def _projected(value: int, folded: int, of: int) -> Count:
    if folded >= of:
        return Count(value, of)
    return Count(round(value * of / folded) if folded else 0, of, exact=False)
