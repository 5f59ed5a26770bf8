"""What the reference registry holds, in one SQLite file: every change is one transaction, every answer a value.

It may not know of HTTP or of fault switches. A person stands once: by NIK and by every person key, held by unique
indexes as well as by the check before the write.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.canonical import canonical_bytes_unchecked
from server.registry.reference.schema import SCHEMA
from server.registry.signing import WINDOW_S
from sync.delivery import DELIVER, WITHDRAW, region_digest
from sync.pacing import wib_date


@dataclass(frozen=True, slots=True)
class Application:
    """A request to deliver or withdraw, checked in form already. `record` is None for a withdrawal."""

    action: str
    household_id: str
    home_region: str
    version: int
    idempotency_key: str
    request_digest: str
    content_digest: str = ""
    record: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Applied:
    """`receipt` as JSON; `again` when it was applied before."""

    receipt: dict[str, Any]
    again: bool


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The key was used with another body."""


@dataclass(frozen=True, slots=True)
class StaleVersion:
    """The version is not above the last one."""

    last_version: int


@dataclass(frozen=True, slots=True)
class PlaceTaken:
    """A person of the record stands, or is reserved, under another household."""

    holder: str
    person: int
    nik: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class QuotaUsedUp:
    """No more applications today (WIB)."""


Answer = Applied | KeyReused | StaleVersion | PlaceTaken | QuotaUsedUp


class Ledger:
    """One file, one connection, one writer at a time."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(str(path), isolation_level=None, check_same_thread=False)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=full")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def seen_nonce(self, nonce: str, now_s: int) -> bool:
        """Record a nonce; True if it was there. Those beyond twice the window are forgotten."""
        with self._transaction():
            self._db.execute("delete from nonces where seen_s < ?", (now_s - 2 * WINDOW_S,))
            done = self._db.execute("insert or ignore into nonces (nonce, seen_s) values (?, ?)", (nonce, now_s))
            return done.rowcount == 0

    def apply(self, wanted: Application, now_s: int, *, daily_quota: int | None, remember: bool) -> Answer:
        """Apply a delivery or a withdrawal once, or say why not; all or nothing."""
        with self._transaction():
            before = self._applied_before(wanted)
            if before is not None:
                return before
            day = wib_date(now_s * 1000)
            used = self._one("select used from quota where day = ?", (day,))
            if daily_quota is not None and used is not None and used[0] >= daily_quota:
                return QuotaUsedUp()
            taken = self._taken(wanted)
            if taken is not None:
                return taken
            receipt = self._write(wanted, now_s)
            self._db.execute(
                "insert into quota (day, used) values (?, 1) on conflict (day) do update set used = used + 1", (day,)
            )
            if remember:
                self._db.execute(
                    "insert or replace into remembered_keys (idempotency_key, request_digest, receipt) "
                    "values (?, ?, ?)",
                    (wanted.idempotency_key, wanted.request_digest, canonical_bytes_unchecked(receipt).decode()),
                )
            return Applied(receipt, again=False)

    def receipt_of_key(self, idempotency_key: str) -> dict[str, Any] | None:
        """The first receipt of a remembered key."""
        row = self._one("select receipt from remembered_keys where idempotency_key = ?", (idempotency_key,))
        return None if row is None else json.loads(row[0])

    def receipt_of_household(self, household_id: str) -> dict[str, Any] | None:
        """The receipt of the last version of a household, withdrawals counted."""
        row = self._one(
            "select receipt, version, withdrawn, content_digest, idempotency_key, applied_at from records "
            "where household_id = ?",
            (household_id,),
        )
        if row is None:
            return None
        action = WITHDRAW if row[2] else DELIVER
        return _receipt(row[0], household_id, row[1], action, row[3], row[4], row[5])

    def forget_keys(self) -> int:
        """Forget every idempotency key (a fault switch); how many there were."""
        with self._transaction():
            return self._db.execute("delete from remembered_keys").rowcount

    def reserve(self, nik: str, household_id: str, now_s: int) -> str:
        """Who holds the NIK's place afterwards: the household itself if it was free or its own."""
        with self._transaction():
            holder = self._holder_of_nik(nik)
            if holder is None:
                self._db.execute(
                    "insert into reservations (nik, household_id, reserved_at) values (?, ?, ?)",
                    (nik, household_id, _time(now_s)),
                )
            return holder or household_id

    def release(self, nik: str, household_id: str) -> bool:
        """Give back a reservation; False if this household had none. What stands stays."""
        with self._transaction():
            done = self._db.execute("delete from reservations where nik = ? and household_id = ?", (nik, household_id))
            return done.rowcount > 0

    def digest(self, region: str) -> tuple[int, str, list[tuple[str, int, str]]]:
        """Count, digest and rows of what stands in a region (a prefix at a dot boundary)."""
        with self._lock:
            rows = self._db.execute(
                "select household_id, version, content_digest from records "
                "where withdrawn = 0 and (home_region = ? or substr(home_region, 1, ?) = ?) order by household_id",
                (region, len(region) + 1, region + "."),
            ).fetchall()
        return len(rows), region_digest(rows), rows

    def _applied_before(self, wanted: Application) -> Answer | None:
        """The answer for a known key or a version that is not new; None if there is something to apply."""
        known = self._one(
            "select request_digest, receipt from remembered_keys where idempotency_key = ?", (wanted.idempotency_key,)
        )
        if known is not None:
            return Applied(json.loads(known[1]), again=True) if known[0] == wanted.request_digest else KeyReused()
        last = self.receipt_of_household(wanted.household_id)
        if last is None or wanted.version > last["version"]:
            return None
        asked = (wanted.version, wanted.action, wanted.content_digest)
        if asked == (last["version"], last["action"], last["content_digest"]):
            return Applied(last, again=True)
        return StaleVersion(last["version"])

    def _taken(self, wanted: Application) -> PlaceTaken | None:
        if wanted.record is None:
            return None
        for number, person in enumerate(wanted.record["persons"]):
            holders = [self._holder_of_nik(person["nik"])] if person["nik"] else []
            for key in _keys_of(person):
                row = self._one("select household_id from person_keys where person_key = ?", (key,))
                holders.append(row[0] if row else None)
            for holder in holders:
                if holder is not None and holder != wanted.household_id:
                    return PlaceTaken(holder, number, person["nik"])
        return None

    def _holder_of_nik(self, nik: str) -> str | None:
        row = self._one(
            "select household_id from persons where nik = ? union all "
            "select household_id from reservations where nik = ? limit 1",
            (nik, nik),
        )
        return None if row is None else str(row[0])

    def _write(self, wanted: Application, now_s: int) -> dict[str, Any]:
        number = f"R{self._one('select coalesce(max(seq), 0) + 1 from applications', ())[0]:08d}"
        at, household = _time(now_s), wanted.household_id
        persons = [] if wanted.record is None else wanted.record["persons"]
        self._db.execute("delete from persons where household_id = ?", (household,))
        self._db.execute("delete from person_keys where household_id = ?", (household,))
        self._db.executemany("delete from reservations where nik = ?", [(person["nik"],) for person in persons])
        self._db.executemany(
            "insert into persons (person_key, household_id, nik) values (?, ?, ?)",
            [(person["key"], household, person["nik"]) for person in persons],
        )
        self._db.executemany(
            "insert into person_keys (person_key, household_id) values (?, ?)",
            [(key, household) for person in persons for key in _keys_of(person)],
        )
        payload = None if wanted.record is None else canonical_bytes_unchecked(wanted.record).decode()
        key, digest = wanted.idempotency_key, wanted.content_digest
        self._db.execute(
            "insert or replace into records (household_id, home_region, version, payload, content_digest, "
            "idempotency_key, receipt, applied_at, withdrawn) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (household, wanted.home_region, wanted.version, payload, digest, key, number, at, int(payload is None)),
        )
        self._db.execute(
            "insert into applications (idempotency_key, household_id, version, action, content_digest, receipt, "
            "applied_at) values (?, ?, ?, ?, ?, ?, ?)",
            (key, household, wanted.version, wanted.action, digest, number, at),
        )
        return _receipt(number, household, wanted.version, wanted.action, digest, key, at)

    def _one(self, sql: str, values: tuple[Any, ...]) -> Any:
        with self._lock:
            return self._db.execute(sql, values).fetchone()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")


def _keys_of(person: Mapping[str, Any]) -> list[str]:
    return sorted({person["key"], *person.get("keys", ())})


def _receipt(
    number: str, household: str, version: int, action: str, digest: str, key: str, applied_at: str
) -> dict[str, Any]:
    return {
        "number": number,
        "household_id": household,
        "version": version,
        "action": action,
        "content_digest": digest,
        "idempotency_key": key,
        "applied_at": applied_at,
    }


def _time(now_s: int) -> str:
    return datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
