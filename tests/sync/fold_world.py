"""A small world to write histories in: a dictionary with every policy, and sealed events with few words.

Everything is made from counters, so the same calls give the same refs. Only synthetic people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.event import Assertion, Event, Part, event_from_envelope, seal
from schemas.form import Dictionary
from schemas.ids import derived_uuid
from schemas.question import Choice, Field
from sync.fold import Record, fold_everything

REGION, VILLAGE = "19.03", "19.03.01.1001"


def _codes(*codes: str) -> tuple[Choice, ...]:
    return tuple(Choice(code, code, code) for code in codes)


FIELDS = (
    Field("village_code", "h", "text", "latest", deliver="desa"),
    Field("visit_date", "h", "date", "latest"),
    Field("no_kk", "h", "text", "evidence", deliver="no_kk"),
    Field("visit_outcome", "h", "select_one", "status", unit="outcome", sticky=("05", "07"), yields=("03",),
          choices=_codes("01", "02", "03", "05", "07")),
    Field("outcome_note", "h", "text", "status", unit="outcome"),
    Field("address", "h", "text", "ask", unit="address", deliver="alamat"),
    Field("rt", "h", "text", "ask", unit="address", deliver="rt"),
    Field("income", "h", "integer", "latest", deliver="penghasilan", constraint=". < 100000000"),
    Field("assets", "h", "integer", "latest"),
    Field("programmes", "h", "select_multiple", "set", choices=_codes("0", "1", "2", "3"), exclusive=("0",),
          deliver="bansos"),
    Field("gps_home", "h", "geopoint", "location", deliver="koordinat"),
    Field("remark", "h", "text", "keep_all"),
    Field("assessment", "h", "select_one", "ask", choices=_codes("1", "2"), deliver="penilaian"),
    Field("assessment_why", "h", "text", "ask", relevant="${assessment}='2'", deliver="alasan"),
    Field("rooms", "h", "integer", "ask"),
    Field("rooms_twice", "h", "calculate", "derived", calculation="${rooms} * 2"),
    Field("m_name", "p", "text", "evidence", deliver="nama"),
    Field("nik", "p", "text", "evidence", deliver="nik"),
    Field("birth_date", "p", "date", "evidence", deliver="tgl_lahir"),
    Field("sex", "p", "select_one", "evidence", choices=_codes("1", "2"), deliver="jk"),
    Field("presence", "p", "select_one", "status", sticky=("2",), choices=_codes("1", "2", "3", "5"),
          deliver="keberadaan"),
    Field("phone", "p", "text", "latest", deliver="telepon"),
    Field("disabilities", "p", "select_multiple", "set", choices=_codes("0", "a", "b"), exclusive=("0",)),
    Field("school", "p", "select_one", "ask", unit="school", choices=_codes("1", "2", "3")),
    Field("grade", "p", "integer", "ask", unit="school"),
)  # fmt: skip
DICTIONARY = Dictionary(FIELDS, "0" * 64)


def house(number: int) -> str:
    """Household id number so and so; the ids are in the order of their numbers."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def key(number: int, household: int = 1) -> str:
    """Person key number so and so of a household."""
    return f"{house(household)}/{number:08x}-0000-4000-9000-000000000000"


def nik(serial: int, day: int = 10, month: int = 5, year: int = 80) -> str:
    """A NIK of a man born 10 May 1980 in the district of the tests, unless said otherwise."""
    return f"190301{day:02d}{month:02d}{year:02d}{serial:04d}"


def said(value: Any = None, evidence: int = 1, *, state: str | None = None, corrects: Event | None = None) -> Assertion:
    """An assertion."""
    return Assertion(None if state else value, state, evidence, corrects.ref if corrects else None)


class World:
    """Makes sealed events. `numbers`: per actor, the order in which events were sealed (transport, never folded)."""

    def __init__(self, name: str = "world") -> None:
        self.name = name
        self.made = 0
        self.envelopes: dict[str, dict[str, Any]] = {}
        self.numbers: dict[str, tuple[str, int]] = {}

    def event(
        self,
        kind: str,
        household: int = 1,
        h: Mapping[str, Any] | None = None,
        p: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        by: str = "ani",
        saw: Iterable[Event] | Mapping[str, str] = (),
        also: Iterable[int] = (),
        body: Mapping[str, Any] | None = None,
        evidence: int = 1,
        not_before: str | None = None,
        id: str | None = None,
        area: str = VILLAGE,
        text: Mapping[str, Any] | None = None,
        e: Mapping[str, Any] | None = None,
    ) -> Event:
        """Seal one event. Plain values get `evidence`."""
        self.made += 1
        parts = [Part("h", _answers(h, evidence), dict(text or {}))] if h or text else []
        parts += [Part(f"p/{person}", _answers(fields, evidence)) for person, fields in sorted((p or {}).items())]
        parts += [Part("e", _answers(e, evidence))] if e else []
        context = dict(saw) if isinstance(saw, Mapping) else {event.ref: event.household_id for event in saw}
        envelope = seal(
            id=id or derived_uuid(self.name, str(self.made)),
            kind=kind,
            household_id=house(household),
            home_region=REGION,
            actor=by,
            area=area,
            parts=parts,
            salts={part.name: derived_uuid("salt", self.name, part.name).replace("-", "") for part in parts},
            context=context,
            also=[(house(number), REGION) for number in also if number != household],
            form={"id": "f", "version": "1", "hash": "0" * 64},
            not_before=not_before,
            body=body,
        )
        made = event_from_envelope(envelope)
        self.envelopes[made.ref] = envelope
        self.numbers[made.ref] = (by, self.made)
        return made

    def prelist(self, household: int = 1, h: Any = None, p: Any = None, **more: Any) -> Event:
        """A listed row, evidence 0."""
        body = {"source": "p3ke", "vintage": "2024", "family_id": f"F{household}"}
        return self.event("prelist", household, h, p, **{"by": "import", "evidence": 0, "body": body, **more})

    def submit(self, household: int = 1, h: Any = None, p: Any = None, **more: Any) -> Event:
        """A visit."""
        return self.event("submission", household, h, p, **more)

    def change(self, type: str, household: int = 1, h: Any = None, p: Any = None, **more: Any) -> Event:
        """A change event; `moves`: person key -> household number or `outside`."""
        moves = more.pop("moves", None)
        body: dict[str, Any] = {"type": type}
        if moves:
            to = {person: house(home) if isinstance(home, int) else home for person, home in moves.items()}
            body["moves"] = [{"person": person, "to": home} for person, home in sorted(to.items())]
        return self.event("change", household, h, p, **{"body": body, **more})

    def decide(self, covers: Iterable[tuple[Event, str]], h: Any = None, p: Any = None, **more: Any) -> Event:
        """A decision over `(event, path)` pairs."""
        body = {"covers": [{"ref": event.ref, "path": path} for event, path in covers]}
        return self.event("decision", more.pop("household", 1), h, p, **{"by": "siti", "body": body, **more})

    def verdict(self, type: str, covers: Iterable[tuple[str, str]], h: Any = None, p: Any = None, **more: Any) -> Event:
        """A verdict over `(ref, path)` pairs; `persons`: person keys."""
        body: dict[str, Any] = {"type": type, "covers": [{"ref": ref, "path": path} for ref, path in covers]}
        if "persons" in more:
            body["persons"] = list(more.pop("persons"))
        if "moves" in more:
            body["moves"] = [{"person": who, "to": house(to)} for who, to in more.pop("moves").items()]
        return self.event("verdict", more.pop("household", 1), h, p, **{"by": "siti", "body": body, **more})

    def point(self, kind: str, target: Event, **more: Any) -> Event:
        """void, undo, hold, admit, waive, stamp: an event about one other, filed wherever that one is."""
        body = {"target": target.ref, **more.pop("body", {})}
        filed = sorted(int(hid[:8], 16) for hid in target.filed_under)
        more = {"by": "siti", "household": int(target.household_id[:8], 16), "also": filed, "area": REGION, **more}
        return self.event(kind, more.pop("household"), body=body, **more)

    def stamp(self, target: Event, time: str) -> Event:
        """The server's signed time of a ref's first contact."""
        return self.point("stamp", target, body={"time": time}, by="padan")

    def hold(self, target: Event, reason: str = "late") -> Event:
        """Keeps an event out."""
        return self.point("hold", target, body={"reason": reason}, by="padan")

    def reattach(self, target: Event, to: int, **more: Any) -> Event:
        """Moves a form to another family."""
        filed = sorted(int(hid[:8], 16) for hid in target.filed_under)
        return self.point("reattach", target, body={"to": house(to)}, also=[*filed, to], **more)

    def link(self, *households: int, **more: Any) -> Event:
        """Joins ids."""
        body = {"households": [house(number) for number in households]}
        return self.event("link", households[0], **{"by": "siti", "also": households[1:], "body": body, **more})

    def unlink(self, *links: Event, **more: Any) -> Event:
        """Parts them."""
        filed = sorted({int(hid[:8], 16) for link in links for hid in link.filed_under})
        body = {"links": [link.ref for link in links]}
        return self.event("unlink", filed[0], **{"by": "siti", "also": filed[1:], "body": body, **more})

    def review(self, verdict: str, record: Record, **more: Any) -> Event:
        """Approve or return what is shown."""
        body = {"verdict": verdict, "data_digest": more.pop("digest", record.data_digest)}
        shown = {line["ref"]: line["household_id"] for line in record.trail["refs"]}
        number = int(record.household_id[:8], 16)
        return self.event("review", number, **{"by": "siti", "body": body, "saw": shown, "area": REGION, **more})

    def ratify(self, record: Record, **more: Any) -> Event:
        """Put under minutes."""
        paper = {"number": "BA-1", "date": "2026-11-21"}
        body = {"delivery_digest": record.delivery_digest, "minutes": paper}
        shown = {line["ref"]: line["household_id"] for line in record.trail["refs"]}
        return self.event(
            "ratification", int(record.household_id[:8], 16), **{"by": "siti", "body": body, "saw": shown, **more}
        )


def _answers(fields: Mapping[str, Any] | None, evidence: int) -> dict[str, Assertion]:
    return {
        name: value if isinstance(value, Assertion) else Assertion(value, None, evidence)
        for name, value in (fields or {}).items()
    }


def records(*events: Event) -> dict[int, Record]:
    """Fold, and find records by household number."""
    return {int(record.household_id[:8], 16): record for record in fold_everything(events, DICTIONARY)}


def record(*events: Event) -> Record:
    """Fold what is one household."""
    (found,) = records(*events).values()
    return found


def shown(of: Record, name: str, person: str | None = None) -> Any:
    """The merged value of a question: the value, `!state`, `CONFLICT`, or None where nobody answered."""
    if person is None:
        item = of.data["household"].get(name)
    else:
        item = next(p for p in of.data["persons"] if person in p["keys"])["fields"].get(name)
    if item is None:
        return None
    if item.get("conflict"):
        return "CONFLICT"
    return "!" + item["state"] if "state" in item else item.get("values", item.get("value"))


def conflict_kinds(of: Record) -> list[str]:
    """Kinds of the open conflicts."""
    return [conflict["kind"] for conflict in of.data["conflicts"]]
