"""Review: assigning, approving, returning, settling conflicts, verdicts, ratifying. One event each.

What a decision covers is read from the conflict that was shown; somebody who decides on an old screen settles what
stood there and nothing that came since (docs/merge.md, "Decisions").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from schemas.event import Assertion, Part
from schemas.problems import ProblemError
from server.flows.desk import Desk, Shown, text_part
from server.store import devices

BATCH = 200
"""Acts committed together where many are done at once."""

Progress = Callable[[int], None]
ROSTER_VERDICTS = frozenset({"same_person", "different_persons"})
NIK_VERDICTS = frozenset({"moved", "wrong_nik", "two_people", "same_household"})


def assign(desk: Desk, household_id: str, officers: Sequence[str], until: str | None = None) -> str:
    """Give a household to an officer (and others beside), in place of whoever had it; until a date where one is named.

    The tablets of these officers get it in full, those of others as a name only."""
    shown = desk.show(household_id, "assign")
    unknown = [name for name in officers if devices.officer_of(desk.store.db, name) is None]
    if unknown or not officers:
        raise ProblemError("not_found", f"Petugas {', '.join(unknown) or '(kosong)'} tidak terdaftar.")
    body: dict[str, Any] = {"officer": officers[0]} | ({"until": until} if until else {})
    if len(officers) > 1:
        body["with"] = sorted(set(officers[1:]))
    return desk.record("assignment", [shown], body)


def assign_many(desk: Desk, wanted: Mapping[str, Sequence[str]], progress: Progress = lambda done: None) -> int:
    """Assign many households, household id -> officers; committed in batches. How many."""
    pairs = sorted(wanted.items())
    for start in range(0, len(pairs), BATCH):
        with desk.store.db.transaction():
            for household_id, officers in pairs[start : start + BATCH]:
                assign(desk, household_id, officers)
        progress(min(start + BATCH, len(pairs)))
    return len(pairs)


def approve(desk: Desk, household_id: str, seen_digest: str | None = None) -> str:
    """Approve the record as shown. `seen_digest`: the data digest of the screen; another one is refused."""
    shown = desk.show(household_id, "review")
    _same_screen(shown, seen_digest)
    if shown.data["conflicts"]:
        kinds = ", ".join(sorted({conflict["kind"] for conflict in shown.data["conflicts"]}))
        raise ProblemError("conflict_open", f"Masih ada yang bertentangan ({kinds}); selesaikan dulu.")
    if shown.stored.state in ("listed", "assigned"):
        raise ProblemError("wrong_state", "Belum ada isian dari petugas.")
    return desk.record("review", [shown], {"verdict": "approve", "data_digest": shown.stored.data_digest})


def return_to_officer(
    desk: Desk,
    household_id: str,
    comments: Mapping[str, str],
    *,
    note: str = "",
    due: str | None = None,
    seen_digest: str | None = None,
) -> str:
    """Send a household back with comments by path (`h/address`, `p/<key>/nik`), a note and a due date."""
    shown = desk.show(household_id, "review")
    _same_screen(shown, seen_digest)
    if not comments and not note:
        raise ProblemError("bad_request", "Pengembalian perlu komentar: apa yang harus diperbaiki petugas?")
    body = {"verdict": "return", "data_digest": shown.stored.data_digest} | ({"due": due} if due else {})
    return desk.record("review", [shown], body, parts=[text_part({"comments": dict(comments), "note": note})])


def decide(
    desk: Desk,
    household_id: str,
    path: str,
    *,
    take: str | None = None,
    answers: Mapping[str, Any] | None = None,
    states: Mapping[str, str] | None = None,
    comment: str = "",
) -> str:
    """Settle a field conflict: `take` what one ref (or its beginning) says, or write the answers oneself."""
    shown = desk.show(household_id, "decide")
    conflict = _conflict(shown, path)
    heads = conflict["heads"]
    part = conflict["path"].rpartition("/")[0]
    evidence = max(head["evidence"] for head in heads)
    if take is not None:
        chosen = [head for head in heads if head["ref"].startswith(take)]
        if len(take) < 8 or len({head["ref"] for head in chosen}) != 1:
            raise ProblemError("not_found", f"Tidak ada satu pilihan yang diawali {take} pada pertentangan ini.")
        said = {head["path"].rpartition("/")[2]: head for head in chosen}
        assertions = {name: Assertion(head.get("value"), head.get("state"), evidence) for name, head in said.items()}
    else:
        assertions = {name: Assertion(value, None, evidence) for name, value in (answers or {}).items()}
        assertions |= {name: Assertion(None, state, evidence) for name, state in (states or {}).items()}
        _fields_of(conflict, assertions)
        if not comment:
            raise ProblemError("bad_request", "Nilai yang ditulis sendiri perlu alasan (--comment).")
    parts = [Part(part, assertions, {"comment": comment} if comment else {})]
    return desk.record("decision", [shown], {"covers": _covers(heads)}, parts=parts)


def settle(desk: Desk, household_id: str, verdict: str, *, path: str = "", comment: str = "") -> str:
    """A verdict on the roster or on a form: same_person, different_persons, replacement_confirmed, keep_filled.

    `path` names the conflict where the household has several of that kind: its path, a person key, or a ref."""
    shown = desk.show(household_id, "verdict")
    kinds = {
        "same_person": {"roster_ambiguous", "roster_verdict"},
        "different_persons": {"roster_ambiguous", "roster_verdict", "person_replaced"},
        "replacement_confirmed": {"person_replaced"},
        "keep_filled": {"filled_while_linked"},
    }.get(verdict)
    if kinds is None:
        raise ProblemError("bad_request", f"Putusan {verdict} tidak dikenal di sini.")
    fitting = [c for c in shown.data["conflicts"] if c["kind"] in kinds and _names(c, path)]
    if len(fitting) != 1:
        raise ProblemError("not_found", f"Ada {len(fitting)} pertentangan yang cocok untuk {verdict}; sebutkan satu.")
    body: dict[str, Any] = {"type": verdict, "covers": _covers(fitting[0]["heads"])}
    if verdict in ROSTER_VERDICTS:
        body["persons"] = fitting[0]["keys"]
    if verdict == "keep_filled":
        body["target"] = fitting[0]["heads"][0]["ref"]
    return desk.record("verdict", [shown], body, parts=_comment(comment))


def pair_persons(desk: Desk, household_id: str, keys: Sequence[str], verdict: str, comment: str = "") -> str:
    """Say of two or more members of a household that they are one person, or that they are not."""
    shown = desk.show(household_id, "verdict")
    known = {key for person in shown.data["persons"] for key in person["keys"]}
    if verdict not in ROSTER_VERDICTS or len(set(keys)) < 2 or not set(keys) <= known:
        raise ProblemError("bad_request", "Sebutkan paling sedikit dua anggota keluarga ini.")
    body = {"type": verdict, "covers": [], "persons": sorted(set(keys))}
    return desk.record("verdict", [shown], body, parts=_comment(comment))


def settle_nik(
    desk: Desk,
    case: Mapping[str, Any],
    verdict: str,
    *,
    person: tuple[str, str] | None = None,
    to: str | None = None,
    comment: str = "",
) -> str:
    """A verdict on a NIK that stands in two places.

    `case`: the NIK's case as shown (households, persons, heads). `person`: `(household id, person key)` that has the
    wrong NIK or that moved. `to`: the household it moved to.
    """
    shown = [desk.show(household, "verdict") for household in case["households"]]
    body: dict[str, Any] = {"type": verdict, "covers": [dict(head) for head in case["heads"]]}
    parts = _comment(comment)
    if verdict not in NIK_VERDICTS:
        raise ProblemError("bad_request", f"Putusan {verdict} bukan putusan NIK.")
    if verdict in ("wrong_nik", "moved"):
        persons = [tuple(each) for each in case["persons"]]
        if person is None or tuple(person) not in persons:
            raise ProblemError("bad_request", "Sebutkan orang yang dimaksud dari perkara NIK ini.")
        shown.sort(key=lambda each: each.household_id != person[0])
        body["persons"] = [person[1]]
        if verdict == "wrong_nik":
            parts = [Part(f"p/{person[1]}", {"nik": Assertion(None, "cleared", 1)}, {"comment": comment})]
        else:
            if to is None or to == person[0] or to not in case["households"]:
                raise ProblemError("bad_request", "Sebutkan keluarga tujuan dari perkara NIK ini.")
            body["moves"] = [{"person": person[1], "to": to}]
    return desk.record("verdict", shown, body, parts=parts)


def ratify(
    desk: Desk,
    household_ids: Sequence[str],
    minutes: Mapping[str, str],
    decree: Mapping[str, str] | None = None,
    batch: str | None = None,
) -> list[str]:
    """Put approved households under village minutes and, where there is one, a decree: all of them or none."""
    records = [desk.show(household, "ratify") for household in household_ids]
    not_ready = [each.household_id for each in records if each.stored.state != "approved"]
    if not_ready:
        raise ProblemError("wrong_state", f"Belum disetujui: {', '.join(not_ready[:5])} ({len(not_ready)} keluarga).")
    refs = []
    with desk.store.db.transaction():
        for shown in records:
            body: dict[str, Any] = {"delivery_digest": shown.stored.delivery_digest, "minutes": dict(minutes)}
            body |= {"decree": dict(decree)} if decree else {}
            body |= {"batch": batch} if batch else {}
            refs.append(desk.record("ratification", [shown], body))
    return refs


def _same_screen(shown: Shown, seen_digest: str | None) -> None:
    if seen_digest is not None and not shown.stored.data_digest.startswith(seen_digest):
        raise ProblemError("changed_meanwhile", "Catatan berubah sejak dilihat; buka lagi lalu putuskan.")


def _conflict(shown: Shown, path: str) -> Mapping[str, Any]:
    fields = [c for c in shown.data["conflicts"] if c["kind"] == "field"]
    for conflict in fields:
        if path == conflict["path"] or path in {head["path"] for head in conflict["heads"]}:
            return dict(conflict)
    known = ", ".join(conflict["path"] for conflict in fields) or "tidak ada"
    raise ProblemError("not_found", f"Tidak ada pertentangan pada {path}. Yang terbuka: {known}.")


def _fields_of(conflict: Mapping[str, Any], assertions: Mapping[str, Assertion]) -> None:
    known = {head["path"].rpartition("/")[2] for head in conflict["heads"]}
    if not assertions or not set(assertions) <= known:
        raise ProblemError("bad_request", f"Tulis nilai untuk: {', '.join(sorted(known))}.")


def _names(conflict: Mapping[str, Any], path: str) -> bool:
    return (
        not path
        or path == conflict.get("path")
        or path in conflict.get("keys", ())
        or any(head["ref"].startswith(path) for head in conflict["heads"])
    )


def _covers(heads: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [{"ref": ref, "path": path} for ref, path in sorted({(head["ref"], head["path"]) for head in heads})]


def _comment(comment: str) -> list[Part]:
    return [text_part({"comment": comment})] if comment else []
