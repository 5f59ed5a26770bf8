"""Deposits: sealed boxes with unsent work of a locked, lost or revoked tablet. Kept first, opened then.

Who hands a box in and who made what is in it are told apart: the content counts as made by the install it names only
where that install's signature holds; else its events are stored and held (docs/protocol.md, "Deposits").
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from schemas import limits
from schemas.canonical import sha256_hex
from schemas.json_text import JsonProblem, RawItem, read_items, read_json
from schemas.problems import ProblemError
from schemas.sealing import BoxUnreadable, deposit_signature_holds, is_deposit_content, open_box
from schemas.signing import from_base64
from server.auth.callers import Caller
from server.auth.keys import ServerKeys
from server.flows.push import Answer, push, sender_of
from server.flows.screening import erased_in
from server.store import deposits, devices
from server.store.database import Connection
from sync.intake import Sender

RETRY_AFTER_QUOTA_S = 86_400


@dataclass(frozen=True, slots=True)
class Deposited:
    """What became of a box: kept in any case; `answers` where it could be opened."""

    sha256: str
    opened: bool
    problem: str | None
    answers: tuple[Answer, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it travels."""
        out: dict[str, Any] = {"kept": self.sha256, "opened": self.opened}
        if self.problem:
            out["problem"] = self.problem
        return out | {"results": [answer.to_json() for answer in self.answers]}


def deposit(db: Connection, keys: ServerKeys, caller: Caller, box: Any, now_ms: int) -> Deposited:
    """Keep a box and take in what is in it. Safe to repeat. Raises `ProblemError` (quota, too large)."""
    depositor = caller.install.install if caller.install is not None else caller.subject
    known = deposits.deposit_known(db, sha256_hex(_bytes_of(box)))
    if not known and deposits.deposits_by(db, depositor) >= limits.DEPOSITS_PER_INSTALL_MAX:
        raise ProblemError(
            "quota",
            f"A tablet may deposit {limits.DEPOSITS_PER_INSTALL_MAX} boxes.",
            retry_after=RETRY_AFTER_QUOTA_S,
            limit=limits.DEPOSITS_PER_INSTALL_MAX,
        )
    return deposit_from(db, keys, depositor, box, now_ms)


def deposit_from(db: Connection, keys: ServerKeys, depositor: str, box: Any, now_ms: int) -> Deposited:
    """The same without a quota, for what the operator brings from a file."""
    raw = _bytes_of(box)
    sha256 = sha256_hex(raw)
    if not deposits.deposit_known(db, sha256):
        with db.transaction():
            deposits.save_deposit(db, sha256, depositor, raw, now_ms)
    return _open(db, keys, sha256, depositor, box, now_ms)


def open_waiting(db: Connection, keys: ServerKeys, now_ms: int) -> int:
    """Try again what could not be opened: a key may have come back from a backup. How many could be."""
    opened = 0
    for sha256, depositor, raw in deposits.unopened(db):
        opened += _open(db, keys, sha256, depositor, json.loads(raw), now_ms).opened
    return opened


def _bytes_of(box: Any) -> bytes:
    # What is no box of ours may hold floats and any text: it is kept all the same, so not as canonical JSON.
    return json.dumps(box, sort_keys=True, separators=(",", ":")).encode()


def _open(db: Connection, keys: ServerKeys, sha256: str, depositor: str, box: Any, now_ms: int) -> Deposited:
    try:
        content = read_json(open_box(box, keys.sealing_keys))
        if not is_deposit_content(content):
            raise BoxUnreadable("the box does not hold a deposit")
        items = read_items(content["body"].encode("utf-8", "surrogatepass"), "items")
    except (BoxUnreadable, JsonProblem) as error:
        deposits.settle_deposit(db, sha256, opened_ms=None, problem=str(error)[:200])
        return Deposited(sha256, False, "box_unreadable")
    signed = _signed(db, content)
    answers = _push(db, keys, content["install"], depositor, signed, items, now_ms)
    if erased_in(db, content["body"].encode("utf-8", "surrogatepass")):
        # Its events stand in the log by now, without what was erased; the box would still hold it.
        deposits.empty_box(db, sha256)
    deposits.settle_deposit(db, sha256, opened_ms=now_ms, problem=None if signed else "box_unsigned")
    return Deposited(sha256, True, None if signed else "box_unsigned", tuple(answers))


def _signed(db: Connection, content: Any) -> bool:
    maker = devices.install_of(db, content["install"])
    public = None if maker is None else from_base64(maker.public_key)
    return public is not None and deposit_signature_holds(
        content["install"], content["body"], content["signature"], public
    )


def _push(
    db: Connection, keys: ServerKeys, maker: str, depositor: str, signed: bool, items: list[RawItem], now_ms: int
) -> list[Answer]:
    """Push as the maker where its signature holds, else as the depositor, to whom the events do not belong."""
    sender = sender_of(db, maker if signed else depositor)
    if sender is None:
        sender = Sender(depositor, frozenset(), ())
    if not signed:
        sender = replace(sender, officers=frozenset())
    answers: list[Answer] = []
    for start in range(0, len(items), limits.EVENTS_PER_PUSH_MAX):
        answers += push(db, sender, items[start : start + limits.EVENTS_PER_PUSH_MAX], keys, now_ms)
    return answers
