"""A family of whom one member is erased: visits, a list, a move, a review, and every place the name goes."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path
from typing import Any

from server_world import REGION, VILLAGE, World

from schemas.event import Assertion, Part, seal
from schemas.form import FormDefinition, Row
from schemas.question import Choice, Field
from server.clock import FixedClock
from server.flows.append import append_own
from server.flows.audit import verify
from server.flows.erasure import Done, Order, erase, finish
from server.flows.erasure_ledger import LEDGER_FILE
from server.flows.erasure_plan import Plan, Subject, Wish, make_plan, subject_of
from server.flows.rebuild import rebuild
from server.store import events, forms, households

NAME, NIK, PHONE = "Maryamah Zubaidah", "1903014107900001", "081298765432"
OTHER, OTHER_NIK = "Sumardi Hamdani", "1903010107850002"
FIND = (b"Maryamah", b"MARYAMAH", b"Zubaidah", b"ZUBAIDAH", NIK.encode(), b"81298765432")
ORDER = Order("admin", VILLAGE, "request", "Permintaan tertulis ahli waris", "470/12/2026")


class Erasing:
    """A world with a form that has names in it, and one family."""

    def __init__(self, world: World, home: Path) -> None:
        self.world = world
        self.home = home
        self.ledger = home / LEDGER_FILE
        self.clock = FixedClock(world.now_ms)
        publish(world)
        self.house = world.uuid()
        self.key, self.other = (f"{self.house}/{world.uuid()}" for _ in range(2))

    @property
    def db(self) -> Any:
        return self.world.db

    def family(self) -> None:
        """The family as listed and as visited once, folded."""
        self.listed()
        self.world.fold()
        self.visit({"head_name": NAME, "resp_name": "Ibu Maryamah", "address": "Jl. Mawar 5", "remark": SENTENCE})
        self.world.fold()

    def listed(self) -> dict[str, Any]:
        """A row of the source list."""
        persons = {self.key: {"m_name": NAME.upper(), "nik": NIK}, self.other: {"m_name": OTHER, "nik": OTHER_NIK}}
        return self.server_event("prelist", {"head_name": NAME.upper(), "address": "Jl. Mawar"}, persons, body=LISTED)

    def visit(self, answers: Any, persons: Any = None, install: str = "tablet-1", **more: Any) -> dict[str, Any]:
        """A form that saw everything so far."""
        sealed = self.sealed(answers, persons, install=install, **more)
        (answer,) = self.world.push(sealed, install=install)
        assert answer.status in ("stored", "held"), answer
        return sealed

    def sealed(self, answers: Any, persons: Any = None, **more: Any) -> dict[str, Any]:
        """A form that saw everything so far, not sent."""
        own = {"m_name": NAME, "nik": NIK, "phone": PHONE, "presence": "1"}
        child = {"m_name": OTHER, "nik": OTHER_NIK, "presence": "1", "mother_name": NAME}
        said = {self.key: own, self.other: child} if persons is None else persons
        more = {"context": self.context()} | more
        return self.world.sealed(self.house, answers, said, **more)

    def server_event(self, kind: str, answers: Any, persons: Any, **head: Any) -> dict[str, Any]:
        """An event of the server's own."""
        envelope = self.world.sealed(self.house, answers, persons, kind=kind, actor="prelist/p3ke", **head)
        del envelope["transport"]
        append_own(self.db, [envelope], self.world.keys, self.world.now_ms)
        return envelope

    def staff_text(self, kind: str, body: Any, text: Any, household: str | None = None, **more: Any) -> dict[str, Any]:
        """A supervisor's event with free text."""
        envelope = seal(
            id=self.world.uuid(),
            kind=kind,
            household_id=household or self.house,
            home_region=REGION,
            actor="pengawas",
            area=VILLAGE,
            parts=[Part("h", {}, text)],
            salts={"h": self.world.random.randbytes(16).hex()},
            context=self.context(),
            body=body,
            **more,
        )
        append_own(self.db, [envelope], self.world.keys, self.world.now_ms)
        return envelope

    def context(self) -> dict[str, str]:
        """Refs behind the record as it stands."""
        stored = households.load(self.db, self.house)
        return {} if stored is None else {r["ref"]: r["household_id"] for r in json.loads(stored.trail)["refs"]}

    # --- the erasure ---

    def subject(self, *keys: str, whole: tuple[str, ...] = ()) -> Subject:
        return subject_of(self.db, [(REGION, self.house)], keys or (self.key,), whole)[0]

    def plan(self, wish: Wish | None = None) -> Plan:
        subject, seen = subject_of(self.db, [(REGION, self.house)], [self.key])
        return make_plan(self.db, self.world.keys, subject, seen, wish)

    def erase(self, *keys: str, whole: tuple[str, ...] = (), wish: Wish | None = None, end: bool = True) -> Done:
        done = erase(
            self.db, self.world.keys, self.clock, self.subject(*keys, whole=whole), ORDER, self.ledger, wish=wish
        )
        if end:
            finish(self.db, self.world.keys, self.ledger, self.world.now_ms)
        return done

    # --- what is left ---

    def data(self, household: str | None = None) -> dict[str, Any]:
        stored = households.load(self.db, household or self.house)
        assert stored is not None
        return dict(json.loads(stored.data))

    def envelope(self, ref: str) -> dict[str, Any]:
        found = events.by_ref(self.db, REGION, ref)
        assert found is not None
        return found.envelope()

    def traces(self, find: tuple[bytes, ...] = FIND) -> list[str]:
        """Every row of every table and every file in the folder that holds one of the texts."""
        found = traces(self.home, find)
        for table in self.db.tables():
            for row in self.db.all(f"select * from {table}"):
                cells = [bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode() for cell in row]
                found += [f"{table}: {text.decode()}" for text in find for cell in cells if holds(cell, text)]
        return found

    def healthy(self) -> None:
        """The log verifies, every emptied part is explained, and what is stored is a fresh fold."""
        outcome = verify(self.db)
        assert (outcome.broken, outcome.unexplained) == ((), ())
        told: list[Any] = []
        done = rebuild(
            self.db, self.world.keys, check=True, shuffle_seed=3, now_ms=self.world.now_ms, report=told.append
        )
        assert done.identical, told


def publish(world: World) -> None:
    """A form with questions that name people."""
    form = wide_form()
    if forms.form_hash(world.db, form.id, form.version) is None:
        raw = json.dumps(form.to_json()).encode()
        forms.add_form(
            world.db, form.id, form.version, form.hash, raw, xform=None, now_ms=world.now_ms, published_by="test"
        )


def wide_form() -> FormDefinition:
    """Questions of each policy that may name somebody."""
    known = (Choice("1", "Ya", "Yes"),)

    def row(name: str, scope: str, type: str = "text", **more: Any) -> Row:
        parents = ("member",) if scope == "p" else ()
        return Row("question", name, type, parents, field=Field(name, scope, type, form="luas", **more))

    return FormDefinition(
        "luas",
        "2026110102",
        "Luas",
        (
            row("head_name", "h", policy="evidence", deliver="nama_kepala_keluarga"),
            row("resp_name", "h", policy="latest"),
            row("remark", "h", policy="keep_all"),
            row("photo_kk", "h", "image", policy="set"),
            Row("repeat", "member", "repeat"),
            row("mother_name", "p", policy="evidence", deliver="nama_ibu"),
            row("phone", "p", policy="latest"),
            row("job_title", "p", policy="latest", deliver="pekerjaan"),
            row("photo", "p", "image", policy="set"),
            row("subject_nik", "e", policy="keep_all"),
            row("subject_name", "e", policy="keep_all"),
            row("event_type", "e", "select_one", policy="keep_all", choices=known, list_name="yes"),
        ),
        {"yes": known},
    )


def traces(folder: Path, find: tuple[bytes, ...] = FIND) -> list[str]:
    """Every file in a folder that holds one of the texts, raw or inside a zlib stream; the file and the text."""
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        raw = path.read_bytes()
        inner = unpacked(raw)
        for text in find:
            if text in raw or any(text in each for each in inner):
                found.append(f"{path.name}: {text.decode()}")
    return found


def holds(raw: bytes, text: bytes) -> bool:
    """Whether the text stands in the bytes, raw or inside a zlib stream."""
    return text in raw or any(text in each for each in unpacked(raw))


def unpacked(raw: bytes) -> list[bytes]:
    """What can be unpacked from every place where a zlib stream may begin."""
    found = []
    for start in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", raw):
        try:
            found.append(zlib.decompressobj().decompress(raw[start.start() : start.start() + 400_000]))
        except zlib.error:
            continue
    return found


SENTENCE = "Bu Maryamah sakit, atap bocor"
LISTED = {"source": "p3ke", "vintage": "2026-1", "family_id": "F-1"}
__all__ = ["NAME", "NIK", "ORDER", "OTHER", "Assertion", "Erasing", "traces"]
