"""Officers and their tablets, staff accounts, tokens of the central office: made and ended here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from schemas.areas import is_scope
from schemas.limits import ENROL_CODE_VALID_HOURS
from schemas.problems import ProblemError
from server.auth.callers import PULL, STAFF
from server.auth.keys import new_token, token_hash
from server.auth.rights import ROLES
from server.store import access, devices, staff
from server.store.database import Connection

HOUR_MS = 3_600_000
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No 0, O, 1, I, L: a code is read aloud over a bad line."""
CODE_LENGTH = 16
"""31^16 codes are 79 bits: nobody guesses one within three days."""


def add_officer(db: Connection, officer: str, name: str, scopes: Sequence[str], now_ms: int) -> None:
    """Add an officer or change name and villages of a known one."""
    _check_name(officer)
    _check_scopes(scopes)
    devices.save_officer(db, officer, name, scopes, now_ms)


def issue_code(db: Connection, officer: str, random_bytes: bytes, *, by: str, now_ms: int) -> str:
    """A one-time code for a tablet of this officer, as shown in the QR. `random_bytes`: 32 of them."""
    if devices.officer_of(db, officer) is None:
        raise ProblemError("not_found", f"Petugas {officer} tidak terdaftar.")
    code = code_text(random_bytes)
    expires_ms = now_ms + ENROL_CODE_VALID_HOURS * HOUR_MS
    devices.add_enrolment(
        db, token_hash(plain_code(code)), officer, expires_ms=expires_ms, now_ms=now_ms, created_by=by
    )
    return code


def code_text(random_bytes: bytes) -> str:
    """A code to be read aloud, in groups of four, from 32 random bytes."""
    number = int.from_bytes(random_bytes, "big")
    letters = []
    for _ in range(CODE_LENGTH):
        number, index = divmod(number, len(CODE_ALPHABET))
        letters.append(CODE_ALPHABET[index])
    return "-".join("".join(letters[start : start + 4]) for start in range(0, CODE_LENGTH, 4))


def enrol_link(address: str, code: str) -> str:
    """What the QR of an enrolment sheet holds: any camera app opens it. The code is behind `#`, so that no server and
    no proxy on the way gets to see it."""
    return f"{address.rstrip('/')}/tablet/#enrol={plain_code(code)}"


def plain_code(text: str) -> str:
    """A code as typed: without dashes and spaces, in capitals."""
    return "".join(text.split()).replace("-", "").upper()


def revoke(db: Connection, install: str, reason: str, now_ms: int) -> None:
    """Cut a tablet off at once; it can still hand in unsent work."""
    if not devices.revoke_install(db, install, reason, now_ms):
        raise ProblemError("not_found", f"Tablet {install} tidak terdaftar.")


def add_staff(db: Connection, account: str, name: str, role: str, scopes: Sequence[str], now_ms: int) -> None:
    """Make a staff account, or give it another name, role or areas."""
    _check_name(account)
    _check_scopes(scopes)
    if role not in ROLES:
        raise ProblemError("bad_request", f"Peran {role} tidak ada; pilih: {', '.join(ROLES)}.")
    staff.save_staff(db, account, name, role, scopes, now_ms)


def issue_token(
    db: Connection, subject: str, purpose: str, scopes: Iterable[str], *, now_ms: int, days: int | None
) -> str:
    """A token for the central pull (`pull`) or for a program of the staff (`staff`). Shown once, kept hashed."""
    scopes = tuple(scopes)
    _check_scopes(scopes)
    if purpose not in (PULL, STAFF):
        raise ProblemError("bad_request", f"Tujuan token {purpose} tidak ada; pilih: {PULL}, {STAFF}.")
    token = new_token()
    expires_ms = None if days is None else now_ms + days * 24 * HOUR_MS
    access.add_token(db, token_hash(token), subject, purpose, scopes, now_ms=now_ms, expires_ms=expires_ms)
    return token


def _check_name(name: str) -> None:
    if not name or len(name) > 80 or not name.isascii() or any(char.isspace() for char in name):
        raise ProblemError("bad_request", f"{name!r}: nama akun 1 sampai 80 huruf tanpa spasi.")


def _check_scopes(scopes: Sequence[str]) -> None:
    wrong = [scope for scope in scopes if not is_scope(scope)]
    if wrong or not scopes:
        raise ProblemError("bad_request", f"Wilayah {', '.join(wrong) or '(kosong)'}: kode seperti 19.03 atau ID.")
