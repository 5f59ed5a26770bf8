"""A server for tests: its database with one small published form, enrolled tablets, and events as tablets seal them."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.event import Assertion, Part, seal
from schemas.form import FormDefinition, Row
from schemas.ids import stamp_id
from schemas.json_text import RawItem, read_item
from schemas.question import Choice, Field
from server.auth.keys import ServerKeys, load_keys
from server.flows.append import append_own
from server.flows.fold import fold_all
from server.flows.push import Answer, push, sender_of
from server.settings import Settings
from server.store import devices, forms
from server.store.database import Connection, Store
from sync.intake import Sender

REGION, VILLAGE, OTHER_VILLAGE = "19.03", "19.03.01.1001", "19.03.02.2001"
NOW_MS = 1_795_000_000_000
XFORM = b'<?xml version="1.0"?><data/>'
"""Stands for the XForm of the small form; nothing on the server reads it."""


class World:
    """What a test does as a tablet, as staff, and as the folder. Everything random comes from one seed."""

    def __init__(self, store: Store, seed: int = 1, home: Path | None = None) -> None:
        self.store = store
        self.home = home or (store.path.parent if store.engine == "sqlite" else Path.cwd())
        self.now_ms = NOW_MS
        self.keys: ServerKeys = load_keys(store.db, NOW_MS)
        self.form = small_form()
        self.random = random.Random(seed)
        if forms.form_hash(self.db, self.form.id, self.form.version) is None:
            forms.add_form(
                self.db,
                self.form.id,
                self.form.version,
                self.form.hash,
                json.dumps(self.form.to_json()).encode(),
                xform=XFORM,
                now_ms=NOW_MS,
                published_by="test",
            )
            self.enrol("tablet-1", "petugas1", VILLAGE)

    def settings(self, **values: Any) -> Settings:
        """Settings that name this database."""
        return Settings(database=self.store.address, folder=str(self.home), **values)

    def environ(self) -> dict[str, str]:
        """The same for another process."""
        return {"PADAN_DATABASE": self.store.address, "PADAN_FOLDER": str(self.home)}

    @staticmethod
    def keys_of(store: Store) -> ServerKeys:
        """The keys of a server whose database is open."""
        return load_keys(store.db, NOW_MS)

    @property
    def db(self) -> Connection:
        """This thread's connection."""
        return self.store.db

    def uuid(self) -> str:
        """A random UUID of this world."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def enrol(self, install: str, officer: str, *scopes: str, public_key: str = "") -> Sender:
        """An enrolled tablet."""
        devices.save_officer(self.db, officer, officer.title(), scopes, self.now_ms)
        hashes = {"deposit_hash": f"d{install}", "read_hash": f"r{install}"}
        devices.save_install(self.db, install, officer, public_key, now_ms=self.now_ms, **hashes)
        return self.sender(install)

    def sender(self, install: str = "tablet-1") -> Sender:
        """Who an install is."""
        found = sender_of(self.db, install)
        assert found is not None
        return found

    def sealed(
        self,
        household: str,
        answers: Mapping[str, Any] | None = None,
        persons: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        kind: str = "submission",
        seq: int | None = None,
        install: str = "tablet-1",
        **head: Any,
    ) -> dict[str, Any]:
        """An envelope. `persons`: person key -> answers."""
        parts = []
        if answers is not None:
            parts.append(Part("h", {name: _assertion(value) for name, value in answers.items()}))
        for key, said in (persons or {}).items():
            parts.append(Part(f"p/{key}", {name: _assertion(value) for name, value in said.items()}))
        envelope = seal(
            id=head.pop("id", None) or self.uuid(),
            kind=kind,
            household_id=household,
            home_region=head.pop("home_region", REGION),
            actor=head.pop("actor", "petugas1"),
            area=head.pop("area", VILLAGE),
            parts=parts,
            salts={part.name: self.random.randbytes(16).hex() for part in parts},
            form=head.pop("form", {"id": self.form.id, "version": self.form.version, "hash": self.form.hash})
            if kind == "submission"
            else None,
            **head,
        )
        transport = {"install": install, "wall": "2024-01-01T00:00:00Z", "mono": 1, "tz": "Asia/Jakarta", "app": "t"}
        return {**envelope, "transport": transport | ({} if seq is None else {"seq": seq})}

    def push(self, *envelopes: Any, install: str = "tablet-1") -> list[Answer]:
        """Send envelopes (or raw bytes) as an install."""
        return push(self.db, self.sender(install), [_raw(each) for each in envelopes], self.keys, self.now_ms)

    def staff(self, kind: str, household: str, body: Mapping[str, Any], **head: Any) -> dict[str, Any]:
        """A supervisor's event, appended."""
        envelope = self.sealed(
            household, head.pop("answers", None), kind=kind, body=body, actor=head.pop("actor", "pengawas"), **head
        )
        del envelope["transport"]
        append_own(self.db, [envelope], self.keys, self.now_ms)
        return envelope

    def stamped(self, envelope: dict[str, Any], time: str) -> dict[str, Any]:
        """The envelope with this server's stamp."""
        ref = envelope["payload_hash"][:32]
        head = envelope["head"]
        stamp = seal(
            id=stamp_id(ref, time),
            kind="stamp",
            household_id=head["household_id"],
            home_region=head["home_region"],
            actor="padan",
            area=head["area"],
            also=[(item["household_id"], item["home_region"]) for item in head["also"]],
            parts=[],
            salts={},
            body={"target": ref, "time": time},
        )
        return {**envelope, "stamp": self.keys.signed(stamp)}

    def fold(self) -> None:
        """Fold everything that waits."""
        done = fold_all(self.db, self.keys, self.now_ms)
        assert done.failed == 0
        assert done.waiting == 0


def small_form() -> FormDefinition:
    """A form of a few questions of both scopes."""
    choices = (Choice("1", "Tinggal", "Present"), Choice("2", "Meninggal", "Deceased"))

    def row(field: Field, *parents: str) -> Row:
        return Row("question", field.name, field.type, parents, field=field)

    return FormDefinition(
        id="kecil",
        version="2026110101",
        title="Kecil",
        rows=(
            row(Field("address", "h", "text", policy="latest", deliver="alamat", form="kecil")),
            row(Field("assessment", "h", "text", policy="ask", deliver="penilaian", form="kecil")),
            Row("repeat", "member", "repeat"),
            row(Field("m_name", "p", "text", policy="evidence", deliver="nama", form="kecil"), "member"),
            row(Field("nik", "p", "text", policy="evidence", deliver="nik", form="kecil"), "member"),
            row(Field("birth_date", "p", "date", policy="evidence", form="kecil"), "member"),
            row(
                Field(
                    "presence", "p", "select_one", policy="status", list_name="presence", choices=choices, form="kecil"
                ),
                "member",
            ),
        ),
        choices={"presence": choices},
    )


def _assertion(value: Any) -> Assertion:
    return value if isinstance(value, Assertion) else Assertion(value=value)


def _raw(each: Any) -> RawItem:
    return read_item(each if isinstance(each, bytes) else json.dumps(each).encode())
