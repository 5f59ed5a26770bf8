"""The officer's own file: everything a tablet must not lose, in SQLite (docs/field-client.md).

WAL with `synchronous=FULL`: what a method has returned from survives a dead battery. Each public method is one
transaction. Knows neither network nor forms; the SQL of the client is in this module and its neighbours `store_*.py`.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from field_forms.client.schema import STEPS

SEALED, STAMPED, RECEIVED, DURABLE = "sealed", "stamped", "received", "durable"
TOO_LARGE, REFUSED, ERASED = "too_large", "refused", "erased"
ON_TABLET_ONLY = (SEALED, STAMPED, TOO_LARGE, REFUSED)
QUEUED = (SEALED, STAMPED)


class StoreProblem(Exception):
    """The file cannot be used; the message (Indonesian) says why and what to do."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One own sealed event. `envelope` has head, parts and payload hash as they were hashed."""

    seq: int
    id: str
    ref: str
    household_id: str
    state: str
    envelope: dict[str, Any]
    transport: dict[str, Any]
    signature: dict[str, Any] | None
    stamp: dict[str, Any] | None
    status: str | None
    reason: str | None
    size: int
    receipt: dict[str, Any] | None = None
    """The server's, where it was given one: it travels along when the event is handed back to a restored server."""

    def item(self) -> dict[str, Any]:
        """What is sent: the sealed bytes with stamp and transport facts beside them."""
        beside: dict[str, Any] = {"transport": self.transport}
        if self.signature is not None:
            beside["signature"] = self.signature
        if self.stamp is not None:
            beside["stamp"] = self.stamp
        if self.receipt is not None:
            beside["receipt"] = self.receipt
        return self.envelope | beside


class Store:
    """One open file. Use from one thread; `close` when done."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = home / "tablet.db"
        if not self.path.exists():
            os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        os.chmod(self.path, 0o600)
        self.conn = sqlite3.connect(self.path, isolation_level=None, timeout=10)
        self.conn.row_factory = sqlite3.Row
        try:
            self.conn.execute("pragma journal_mode = wal")
            self.conn.execute("pragma synchronous = full")
            self.conn.execute("pragma foreign_keys = on")
            self.conn.execute("pragma secure_delete = on")  # an erased person is not to be found in the file
            self._prepare()
        except sqlite3.DatabaseError as error:
            self.conn.close()
            raise StoreProblem(
                f"Berkas {self.path} tidak dapat dibuka ({error}). Jangan dihapus; hubungi operator."
            ) from error

    def close(self) -> None:
        """Close the file."""
        self.conn.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. Nested uses join the outer one."""
        if self.conn.in_transaction:
            yield self.conn
            return
        self.conn.execute("begin immediate")
        try:
            yield self.conn
        except BaseException:
            self.conn.execute("rollback")
            raise
        self.conn.execute("commit")

    # Settings and tokens

    def setting(self, key: str, default: Any = None) -> Any:
        """A setting as JSON value, or the default."""
        row = self.conn.execute("select value from settings where key = ?", (key,)).fetchone()
        return default if row is None else json.loads(row["value"])

    def set(self, **values: Any) -> None:
        """Save settings; None removes one."""
        with self.transaction() as conn:
            for key, value in values.items():
                if value is None:
                    conn.execute("delete from settings where key = ?", (key,))
                else:
                    conn.execute("insert or replace into settings values (?, ?)", (key, json.dumps(value)))

    def token(self, kind: str) -> str | None:
        """`deposit` or `read`; None where there is none."""
        row = self.conn.execute("select token from tokens where kind = ?", (kind,)).fetchone()
        return None if row is None else str(row["token"])

    def save_tokens(self, tokens: Mapping[str, str | None]) -> None:
        """Replace the named tokens; None removes one."""
        with self.transaction() as conn:
            for kind, token in tokens.items():
                conn.execute("delete from tokens where kind = ?", (kind,))
                if token is not None:
                    conn.execute("insert into tokens values (?, ?)", (kind, token))

    # Own sealed events

    def add_sealed(
        self, envelope: Mapping[str, Any], ref: str, transport: Mapping[str, Any], draft_id: str | None
    ) -> None:
        """Save a sealed event and drop its draft, in one transaction. The sequence number is given here."""
        head, signature = envelope["head"], envelope.get("signature")
        sealed = {name: envelope[name] for name in ("head", "parts", "payload_hash")}
        blob = json.dumps(sealed, separators=(",", ":"), ensure_ascii=False)
        with self.transaction() as conn:
            seq = conn.execute("select coalesce(max(seq), 0) + 1 from events").fetchone()[0]
            conn.execute(
                "insert into events"
                " (seq, id, ref, household_id, payload_hash, envelope, transport, signature, size, state)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    seq, head["id"], ref, head["household_id"], envelope["payload_hash"], blob,
                    json.dumps({**transport, "seq": seq}), _json(signature), len(blob.encode()), SEALED,
                ),
            )  # fmt: skip
            for household in {head["household_id"], *(each["household_id"] for each in head["also"])}:
                conn.execute("insert into event_filings values (?, ?)", (household, ref))
            for path, file in head["attachments"].items():
                conn.execute("insert into event_files values (?, ?, ?)", (ref, path, file["sha256"]))
            if draft_id is not None:
                conn.execute("delete from drafts where id = ?", (draft_id,))

    def sealed(self, ref_or_id: str) -> Sealed | None:
        """One own event by ref or id."""
        rows = self._events("where ref = ? or id = ?", (ref_or_id, ref_or_id))
        return rows[0] if rows else None

    def sealed_all(self) -> list[Sealed]:
        """Every own event, oldest first."""
        return self._events("", ())

    def sealed_for(self, households: Iterable[str]) -> list[Sealed]:
        """Own events filed under any of the households, oldest first."""
        ids = sorted(set(households))
        marks = ",".join("?" * len(ids))
        return self._events(f"where ref in (select ref from event_filings where household_id in ({marks}))", ids)

    def queue(self, limit: int, after_seq: int = 0) -> list[Sealed]:
        """Events to be sent, oldest first. An event that still has to be asked for (`have`) is not among them."""
        return self._events(
            "where state in ('sealed', 'stamped') and offer is null and seq > ? order by seq limit ?",
            (after_seq, limit),
        )

    def queue_size(self) -> tuple[int, int]:
        """Number and bytes of what is to be sent."""
        row = self.conn.execute(
            "select count(*), coalesce(sum(size), 0) from events where state in ('sealed', 'stamped') and offer is null"
        ).fetchone()
        return row[0], row[1]

    def unstamped(self, limit: int) -> list[dict[str, Any]]:
        """What was not yet named in a hello: ref, and where the form is filed."""
        rows = self.conn.execute(
            "select ref, json_extract(envelope, '$.head.household_id') as household_id,"
            " json_extract(envelope, '$.head.home_region') as home_region,"
            " json_extract(envelope, '$.head.also') as also"
            " from events where stamp is null and state in ('sealed', 'stamped') order by seq limit ?",
            (limit,),
        )
        return [
            {"ref": row["ref"], "household_id": row["household_id"], "home_region": row["home_region"]}
            | ({"also": also} if (also := json.loads(row["also"])) else {})
            for row in rows
        ]

    def save_stamps(self, stamps: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep the server's stamps of own refs. A stamp once saved stays: it is the earlier one."""
        with self.transaction() as conn:
            for ref, stamp in stamps.items():
                conn.execute(
                    "update events set stamp = ?, state = case state when 'sealed' then 'stamped' else state end"
                    " where ref = ? and stamp is null",
                    (json.dumps(stamp), ref),
                )

    def save_results(self, results: Sequence[tuple[str, str, str, str | None, Mapping[str, Any] | None]]) -> None:
        """`(ref, state, status, reason, receipt)` of what was pushed."""
        with self.transaction() as conn:
            for ref, state, status, reason, receipt in results:
                conn.execute(
                    "update events set state = ?, status = ?, reason = ?, receipt = coalesce(?, receipt) where ref = ?",
                    (state, status, reason, None if receipt is None else json.dumps(receipt), ref),
                )

    def requeue_refused(self) -> None:
        """What was refused or too large is tried once more in each sync: the server may have been mended."""
        with self.transaction() as conn:
            conn.execute(f"update events set state = {_UNSENT} where state in ('too_large', 'refused')")

    def receipts(self) -> list[tuple[str, str, dict[str, Any]]]:
        """`(ref, home region, receipt)` of what the server has."""
        rows = self.conn.execute(
            "select ref, json_extract(envelope, '$.head.home_region') as region, receipt from events"
            " where state in ('received', 'durable') and receipt is not null"
        )
        return [(row["ref"], row["region"], json.loads(row["receipt"])) for row in rows]

    def mark_durable(self, refs: Iterable[str]) -> None:
        """These are in a verified backup, and no other: a backup that was lost or damaged makes nothing safe."""
        safe = set(refs)
        with self.transaction() as conn:
            rows = conn.execute("select ref, state from events where state in ('received', 'durable')").fetchall()
            changed = [
                (DURABLE if row["ref"] in safe else RECEIVED, row["ref"])
                for row in rows
                if (row["ref"] in safe) != (row["state"] == DURABLE)
            ]
            conn.executemany("update events set state = ? where ref = ?", changed)

    # Offering again (`have`)

    def offer_all(self, *, in_doubt: bool, **settings: Any) -> None:
        """Everything kept is to be offered again. `in_doubt`: own events count as `on this tablet only` until the
        server says it has them (a restored server). Saved together with `settings`."""
        state = _UNSENT if in_doubt else "state"
        with self.transaction() as conn:
            conn.execute(
                f"update events set offer = state, state = {state}"
                " where offer is null and state in ('received', 'durable')"
            )
            conn.execute("update staff_events set offer = 'ask'")
            self.set(**settings)

    def offers(self, limit: int) -> list[tuple[str, str, str]]:
        """`(ref, id, payload hash)` still to be asked for, own events first."""
        rows = self.conn.execute(
            "select ref, id, payload_hash from ("
            " select ref, id, payload_hash, 0 as late, seq from events where offer is not null"
            " union all select ref, id, payload_hash, 1, rowid from staff_events where offer = 'ask')"
            " order by late, seq limit ?",
            (limit,),
        )
        return [(row["ref"], row["id"], row["payload_hash"]) for row in rows]

    def settle_offers(self, asked: Iterable[str], missing: Iterable[str]) -> None:
        """The server's answer about refs: what it lacks goes (back) into the queue, the rest is where it was. What it
        erased is emptied beside this (`store_erasure.forget_events`)."""
        lacking = set(missing)
        with self.transaction() as conn:
            for ref in asked:
                if ref in lacking:
                    conn.execute(f"update events set offer = null, state = {_UNSENT} where ref = ?", (ref,))
                    conn.execute("update staff_events set offer = 'send' where ref = ?", (ref,))
                else:
                    conn.execute(
                        "update events set state = offer, offer = null where ref = ? and offer is not null", (ref,)
                    )
                    conn.execute("update staff_events set offer = null where ref = ?", (ref,))

    def staff_to_send(self, limit: int) -> list[tuple[str, dict[str, Any]]]:
        """Signed events handed down by the feed that a restored server lacks."""
        rows = self.conn.execute(
            "select ref, envelope from staff_events where offer = 'send' order by rowid limit ?", (limit,)
        )
        return [(row["ref"], json.loads(row["envelope"])) for row in rows]

    def staff_sent(self, refs: Iterable[str]) -> None:
        """These were taken back (or answered so that sending again would not help)."""
        with self.transaction() as conn:
            conn.executemany("update staff_events set offer = null where ref = ?", [(ref,) for ref in refs])

    # Deposits

    def add_boxes(self, boxes: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Keep sealed boxes `(text, refs in it)` before they are handed in."""
        with self.transaction() as conn:
            conn.executemany(
                "insert into deposits (box, refs, sent) values (?, ?, 0)",
                [(box, json.dumps(list(refs))) for box, refs in boxes],
            )

    def boxes_to_send(self) -> list[tuple[int, str, list[str]]]:
        """`(number, box, refs)` not yet handed in."""
        rows = self.conn.execute("select number, box, refs from deposits where sent = 0 order by number").fetchall()
        return [(row["number"], row["box"], json.loads(row["refs"])) for row in rows]

    def box_sent(self, number: int, refs: Iterable[str]) -> None:
        """The server has the box: what is in it counts as received."""
        with self.transaction() as conn:
            conn.execute("update deposits set sent = 1 where number = ?", (number,))
            conn.executemany(
                "update events set state = 'received', status = 'deposited', offer = null where ref = ?",
                [(ref,) for ref in refs],
            )

    def counts(self) -> dict[str, int]:
        """Number of own events by state."""
        rows = self.conn.execute("select state, count(*) as n from events group by state")
        return {row["state"]: row["n"] for row in rows}

    def _events(self, where: str, values: Sequence[Any]) -> list[Sealed]:
        order = "" if "order by" in where else " order by seq"
        rows = self.conn.execute(f"select * from events {where}{order}", values).fetchall()
        return [
            Sealed(
                seq=row["seq"], id=row["id"], ref=row["ref"], household_id=row["household_id"], state=row["state"],
                envelope=json.loads(row["envelope"]), transport=json.loads(row["transport"]),
                signature=_load(row["signature"]), stamp=_load(row["stamp"]),
                status=row["status"], reason=row["reason"], size=row["size"], receipt=_load(row["receipt"]),
            )
            for row in rows
        ]  # fmt: skip

    def _prepare(self) -> None:
        version = self.conn.execute("pragma user_version").fetchone()[0]
        if version > len(STEPS):
            raise StoreProblem(f"Berkas {self.path} dibuat oleh aplikasi yang lebih baru; perbarui aplikasi ini.")
        if version == len(STEPS):
            return
        with self.transaction() as conn:
            for step in STEPS[version:]:
                for statement in step:
                    conn.execute(statement)
            conn.execute(f"pragma user_version = {len(STEPS)}")


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)


def _load(text: str | None) -> Any:
    return None if text is None else json.loads(text)


_UNSENT = "case when stamp is null then 'sealed' else 'stamped' end"
