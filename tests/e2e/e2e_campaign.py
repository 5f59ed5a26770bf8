"""Random but repeatable work on a campaign: field, desk, registry, central office in any order, then the settling."""

from __future__ import annotations

from collections import Counter
from typing import Any

import e2e_field as field
from e2e_desk import settle_some
from e2e_world import HOUR_MS, OFFICERS, REGION, World

from field_forms.client import FieldClient
from schemas.problems import ProblemError
from server.flows import deliver, families, people, review
from server.store import cases

WEIGHTS = {
    "visit": 14, "full_visit": 8, "new_family": 2, "finish_draft": 5, "correct": 4, "report": 9, "sync": 16, "fold": 6,
    "assign": 5, "send_back": 3, "decide": 6, "settle_nik": 3, "approve": 5, "ratify": 4, "join": 3, "part": 2,
    "void": 2, "undo": 2, "reattach": 2, "admit": 2, "move_person": 2, "split_family": 1, "work": 5, "trouble": 3,
    "pull": 3, "move_officer": 1, "revoke": 1, "re_enrol": 1, "clone": 1, "second_list": 1, "publish": 3, "wait": 3,
    "carry": 2,
}  # fmt: skip
REGISTRY_FAULTS: list[dict[str, Any]] = [
    {}, {}, {"drop_answer": {"permille": 400}}, {"drop_before": {"permille": 400}},
    {"error_after": {"permille": 300, "status": 502}}, {"too_many": {"permille": 300, "retry_after_s": 3}},
    {"forget_keys": {}, "drop_answer": {"permille": 200}}, {"say_duplicate": {}},
    {"reject": {"total": 1, "code": "nik_not_found", "field": "nik"}},
]  # fmt: skip
NOT_POSSIBLE_NOW = frozenset(
    {"not_found", "bad_request", "conflict_open", "wrong_state", "changed_meanwhile", "forbidden"}
)


class Campaign:
    """One seed's work. `done` counts what happened, `refused` what was told to be impossible, with its words."""

    def __init__(self, world: World) -> None:
        self.world, self.rng = world, world.rng
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.drafts: list[tuple[str, str]] = []
        self.revoked: set[str] = set()
        self.truths = {truth["household_id"]: truth for truth in world.truths}
        for household, truth in sorted(self.truths.items()):
            officer = next(name for name in OFFICERS if truth["village_code"] in world.scopes[name])
            review.assign(world.desk(), household, [officer])
        world.fold()
        for client in world.tablets.values():
            assert client.sync().complete

    def step(self) -> None:
        """One act; acts that nobody could do now are counted and change nothing."""
        (act,) = self.rng.choices(list(WEIGHTS), list(WEIGHTS.values()))
        self.world.clock.advance_ms(self.rng.choice([1_000, 1_000, 60_000, HOUR_MS]))
        try:
            getattr(self, act)()
        except ProblemError as problem:
            assert problem.code in NOT_POSSIBLE_NOW, (act, problem)
            self.refused[f"{act}: {problem.code} {problem.detail[:60]}"] += 1
        except field.REFUSED as problem:
            self.refused[f"{act}: {type(problem).__name__} {str(problem)[:60]}"] += 1
        else:
            self.done[act] += 1

    # --- field ---

    def tablet(self) -> tuple[str, FieldClient]:
        name = self.rng.choice(sorted(self.world.tablets))
        return name, self.world.tablets[name]

    def own(self, client: FieldClient) -> str | None:
        """A household this tablet can fill in."""
        full = {each.household_id for each in client.households(assigned_only=True)}
        made = {event.household_id for event in client.sealed_events()}
        ids = sorted(full | made)
        return self.rng.choice(ids) if ids else None

    def visit(self) -> None:
        name, client = self.tablet()
        household = self.own(client)
        if household is not None:
            self._seal_or_keep(name, client, field.short_visit(client, household, self.rng))

    def full_visit(self) -> None:
        name, client = self.tablet()
        mine = {each.household_id for each in client.households(assigned_only=True)}
        fit = [self.truths[household] for household in sorted(mine & self.truths.keys())]
        fit = [truth for truth in fit if truth["visits"]]
        if fit:
            self._seal_or_keep(name, client, field.full_visit(client, self.rng.choice(fit)))

    def new_family(self) -> None:
        name, client = self.tablet()
        area = self.rng.choice(self.world.villages)  # at times outside the officer's own
        self._seal_or_keep(name, client, field.short_visit(client, None, self.rng, area))

    def finish_draft(self) -> None:
        if self.drafts:
            name, draft_id = self.drafts.pop(self.rng.randrange(len(self.drafts)))
            client = self.world.tablets[name]
            draft = client.draft(draft_id)
            if field.complete(client, draft, self.rng):
                client.seal(draft)

    def carry(self) -> None:
        """An officer puts a draft on the version that is in use now."""
        if self.drafts:
            name, draft_id = self.rng.choice(self.drafts)
            client = self.world.tablets[name]
            _, carried = client.carry_over(client.draft(draft_id))
            self.done["draft carried over"] += 1
            self.done["answers left behind"] += len(carried.lost)

    def correct(self) -> None:
        _name, client = self.tablet()
        own = [event for event in client.sealed_events() if event.envelope["head"]["kind"] == "submission"]
        if own:
            event = self.rng.choice(own)
            draft = client.open_correction(event.ref)
            draft.answer("h/address", f"Jl. Perbaikan {self.rng.randint(1, 9)}")
            if field.complete(client, draft, self.rng):
                client.seal(draft)

    def report(self) -> None:
        _name, client = self.tablet()
        household, to = self.own(client), self.own(client)
        if household is not None:
            kind = self.rng.choice(field.CHANGES)
            wanted = to if to != household and self.rng.random() < 0.7 else None
            if field.change(client, household, kind, self.rng, wanted):
                self.done[kind] += 1

    def sync(self) -> None:
        _name, client = self.tablet()
        result = client.sync()
        self.done.update(f"answer {status}" for status in result.statuses)
        self.done["deposited"] += result.deposited
        self.done["fork"] += result.fork

    def clone(self) -> None:
        name, _client = self.tablet()
        if len(self.world.tablets) < 7:
            copy = self.world.clone(name)
            self.drafts += [(copy, draft_id) for owner, draft_id in self.drafts if owner == name]

    def revoke(self) -> None:
        name, client = self.tablet()
        if len(self.revoked) < 2:
            people.revoke(self.world.store.db, client.store.setting("install"), "hilang", self.world.clock.now_ms())
            self.revoked.add(name)

    def re_enrol(self) -> None:
        for name in sorted(self.revoked):
            self._again(name)

    def _again(self, name: str) -> None:
        client = self.world.tablets[name]
        client.enrol(self.world.code(self.world.officers[name]))
        self.revoked.discard(name)

    def _seal_or_keep(self, name: str, client: FieldClient, draft: Any) -> None:
        if self.rng.random() < 0.2:
            self.drafts.append((name, draft.id))
        elif field.complete(client, draft, self.rng):
            client.seal(draft)
        else:
            raise AssertionError(f"a form that cannot be completed: {draft.filled.remarks()[:5]}")

    # --- desk ---

    def household(self) -> str:
        return self.rng.choice(self.world.ids())

    def assign(self) -> None:
        officers = self.rng.sample(OFFICERS, self.rng.choice([1, 1, 1, 2]))
        review.assign(self.world.desk(), self.household(), officers)

    def send_back(self) -> None:
        comments = {"h/address": "Alamat kurang jelas"}
        review.return_to_officer(self.world.desk(), self.household(), comments, note="mohon dilengkapi")

    def decide(self) -> None:
        settle_some(self.world, self.household())

    def settle_nik(self) -> None:
        found = [case for case in cases.open_cases(self.world.store.db, REGION) if case.source == cases.NIK]
        if found:
            self._settle_nik(self.rng.choice(found).detail)

    def approve(self) -> None:
        review.approve(self.world.desk(), self.household())

    def ratify(self) -> None:
        review.ratify(self.world.desk(), [self.household()], {"number": "BA-1", "date": "2026-11-21"})

    def join(self) -> None:
        families.link(self.world.desk(), self.rng.sample(self.world.ids(), 2))

    def part(self) -> None:
        linked = [each for each in self.world.ids() if self.world.record(each)["aliases"]]
        if linked:
            families.unlink(self.world.desk(), self.rng.choice(linked), [])

    def void(self) -> None:
        household, ref = self._event({"submission", "change"})
        families.void(self.world.desk(), household, ref)

    def undo(self) -> None:
        kinds = {"void", "link", "unlink", "undo", "decision", "verdict", "review", "reattach", "ratification", "admit"}
        household, ref = self._event(kinds)
        families.undo(self.world.desk(), household, ref)

    def reattach(self) -> None:
        household, ref = self._event({"submission", "change"})
        families.reattach(self.world.desk(), household, ref, self.household())

    def admit(self) -> None:
        held = [(hid, line["ref"]) for hid in self.world.ids() for line in self.world.trail(hid)["held"]]
        if held:
            families.admit(self.world.desk(), *self.rng.choice(held))

    def move_person(self) -> None:
        household, key = self._person()
        families.move(self.world.desk(), household, key, self.rng.choice([self.household(), "outside"]))

    def split_family(self) -> None:
        household, key = self._person()
        families.split(self.world.desk(), household, [key])

    def _person(self) -> tuple[str, str]:
        household = self.household()
        persons = [each["key"] for each in self.world.record(household)["persons"] if "moved_to" not in each]
        if not persons:
            raise ProblemError("not_found", "nobody there")
        return household, self.rng.choice(persons)

    def _event(self, kinds: set[str]) -> tuple[str, str]:
        household = self.household()
        refs = [line["ref"] for line in self.world.trail(household)["refs"] if line["kind"] in kinds]
        if not refs:
            raise ProblemError("not_found", "no such event")
        return household, self.rng.choice(refs)

    # --- the rest ---

    def fold(self) -> None:
        self.world.fold()

    def work(self) -> None:
        self.world.work()

    def trouble(self) -> None:
        for line in self.world.lines:
            line.trouble = self.rng.choice([0.0, 0.1, 0.3])
        self.world.central.trouble = self.rng.choice([0.0, 0.3])
        self.world.switch(**self.rng.choice(REGISTRY_FAULTS))

    def pull(self) -> None:
        self.world.pull()

    def wait(self) -> None:
        self.world.clock.advance_ms(self.rng.choice([HOUR_MS, 26 * HOUR_MS]))

    def move_officer(self) -> None:
        name = self.rng.choice(OFFICERS)
        villages = sorted(self.rng.sample(self.world.villages, 3))
        people.add_officer(self.world.store.db, name, name.title(), villages, self.world.clock.now_ms())

    def second_list(self) -> None:
        if not self.done["second_list"]:
            self.world.import_list(self.world.lists.second, "2026-2")

    def publish(self) -> None:
        if act := self.world.publish_next_version():
            self.done[f"form {act}"] += 1

    # --- the end ---

    def settle(self) -> None:
        """No more faults; all work arrives, everything is decided, approved, ratified, delivered, pulled."""
        world = self.world
        for line in world.lines:
            line.trouble = 0.0
        world.central.trouble = 0.0
        world.switch()
        while self.drafts:
            try:
                self.finish_draft()
            except field.REFUSED as problem:
                self.refused[f"finish: {type(problem).__name__} {str(problem)[:60]}"] += 1
        self._sync_all()
        for _ in range(4):
            self._decide_all()
            self._finish_all()
            for _ in range(8):
                world.clock.advance_ms(2_000_000)
                world.work()
            world.clock.advance_ms(26 * HOUR_MS)
            world.work()
            self._give_persons_to_one_family()
        world.fold()
        self._sync_all()
        world.pull()

    def _sync_all(self) -> None:
        """Whoever is not let in any more asks for a new code; copies of one tablet come apart by that."""
        world, told = self.world, []
        for _ in range(2 * len(world.tablets)):
            told = [(name, client.sync().stopped) for name, client in sorted(world.tablets.items())]
            told = [(name, stopped) for name, stopped in told if stopped]
            world.fold()
            if not told:
                return
            for name, _ in told:
                self._again(name)
        raise AssertionError(told)

    def _decide_all(self) -> None:
        for _ in range(12):
            open_cases = cases.open_cases(self.world.store.db, REGION, limit=10_000)
            left = [case for case in open_cases if case.kind not in ("held", "ineffective", "nik_hot")]
            if not left:
                return
            for household in sorted({case.household_id for case in left if case.source == cases.RECORD}):
                settle_some(self.world, household)
                self.world.fold()
            seen = set()
            for case in left:
                if case.source == cases.NIK and case.key not in seen:
                    seen.add(case.key)
                    now = [c for c in cases.open_cases(self.world.store.db, REGION, limit=10_000) if c.key == case.key]
                    if now:
                        self._settle_nik(now[0].detail)
                        self.world.fold()
        raise AssertionError(f"never settled: {[(c.household_id, c.kind, c.detail) for c in left]}")

    def _finish_all(self) -> None:
        world, paper = self.world, {"number": "BA-9", "date": "2026-12-21"}
        for household in world.ids():
            for each in world.trail(household)["returns"]:
                if world.record(household)["state"] == "returned":
                    families.undo(world.desk(), household, each["ref"], "sudah jelas")
                    world.fold()
            if world.record(household)["state"] in ("submitted", "in_review"):
                review.approve(world.desk(), household)
        world.fold()
        for household in world.ids():
            if world.record(household)["state"] == "approved":
                review.ratify(world.desk(), [household], paper)
        world.fold()

    def _give_persons_to_one_family(self) -> None:
        """Delivery names the family that has the same person; the supervisor moves that person out of there."""
        world = self.world
        for household in world.ids():
            for other in deliver.dry_run(world.store.db, world.office.dispatch, household)["waits_for"]:
                own = {key for each in _present(world.record(household)) for key in each["keys"]}
                for person in _present(world.record(other)):
                    if own & set(person["keys"]):
                        families.move(world.desk(), other, person["key"], household)
                        self.done["person in two families"] += 1
                        world.fold()

    def _settle_nik(self, case: Any) -> None:
        desk, persons = self.world.desk(), [(str(hid), str(key)) for hid, key in case["persons"]]
        if case["kind"] == "nik_hot":
            return
        if case["kind"] == "nik_two_households":
            suggestion = case["suggestion"]
            source, to = (suggestion[1], suggestion[2]) if suggestion else case["households"][:2]
            person = next(each for each in persons if each[0] == source)
            review.settle_nik(desk, case, "moved", person=person, to=to)
        elif self.rng.random() < 0.5:
            review.settle_nik(desk, case, "wrong_nik", person=persons[0])
        else:
            review.settle_nik(desk, case, "two_people")


def _present(record: Any) -> list[Any]:
    return [each for each in record["persons"] if "moved_to" not in each]
