"""The one catalogue of problems: a stable code for everything that can be wrong with what somebody sent or asked.

A code never changes its meaning. One that is no longer used moves to `RETIRED` and is not given to anything else:
somebody's client may look for it. Codes with a `status` are answers of HTTP (RFC 9457); codes without one stand beside
a single item of a push, or in a message of the command line. docs/problems.md is compared with this table by a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from schemas.problem_answers import ACCESS, REQUEST, STATE, Problem

TYPE_PREFIX = "urn:padan:problem:"
MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """Raised by flows and endpoints; the API answers it, the command line prints it. No personal data in `detail`."""

    def __init__(self, code: str, detail: str = "", *, retry_after: int | None = None, **details: Any) -> None:
        problem = CATALOGUE[code]
        super().__init__(detail or problem.title)
        self.problem = problem
        self.detail = detail
        self.retry_after = retry_after
        self.details = details
        unknown = details.keys() - set(problem.details)
        if unknown:
            raise TypeError(f"problem {code!r} has no detail {sorted(unknown)}")

    @property
    def code(self) -> str:
        """The stable code."""
        return self.problem.code

    def to_json(self) -> dict[str, Any]:
        """The RFC 9457 object."""
        return problem_json(self.problem, self.detail, self.details)


def problem_json(problem: Problem, detail: str = "", details: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The RFC 9457 object of a problem."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.code,
        "code": problem.code,
        "title": problem.title,
        "title_id": problem.title_id,
        "status": problem.status,
        "action": problem.action,
    }
    if detail:
        body["detail"] = detail
    return body | dict(details or {})


def _table(*problems: Problem) -> Mapping[str, Problem]:
    table = {problem.code: problem for problem in problems}
    if len(table) != len(problems):
        raise ValueError("a problem code stands twice in the catalogue")
    return MappingProxyType(table)


_FORMS = (
    Problem(
        "form_conflict",
        409,
        "This version was published with other content",
        "Versi ini sudah terbit dengan isi lain",
        "Give the changed form a higher version.",
        ("where",),
    ),
    Problem(
        "form_unreadable",
        422,
        "The compiled form cannot be read",
        "Formulir terkompilasi tidak dapat dibaca",
        "Compile the sheet again with this version of Padan.",
    ),
    Problem(
        "form_incompatible",
        422,
        "The form does not go with what is already published",
        "Formulir tidak cocok dengan yang sudah terbit",
        "`errors` names the rows and what is wrong there.",
        ("errors",),
    ),
)

_ITEMS = (
    Problem(
        "bad_envelope",
        None,
        "The item is not an event envelope",
        "Kiriman bukan amplop peristiwa",
        "Kept as it came, under its SHA-256. Correct the program and send the event again.",
        ("where",),
    ),
    Problem(
        "not_canonical",
        None,
        "The item cannot be written as canonical JSON",
        "Kiriman tidak dapat ditulis sebagai JSON kanonik",
        "Kept as it came. No floats, no NUL, no lone surrogates, at most 32 deep, integers within 53 bits.",
        ("where",),
    ),
    Problem(
        "unreadable_json",
        None,
        "The item is not JSON",
        "Kiriman bukan JSON",
        "Kept as it came, under its SHA-256. The other items of the body were not affected.",
        ("where",),
    ),
    Problem(
        "box_unreadable",
        None,
        "The sealed box cannot be opened with any key of this server",
        "Kotak tersegel tidak dapat dibuka dengan kunci server ini",
        "Kept as it came: a key may come back from a backup. Check /v1/hello for the present sealing key.",
    ),
    Problem(
        "box_unsigned",
        None,
        "What is in the box bears no valid signature of the install it names",
        "Isi kotak tidak ditandatangani oleh pemasangan yang disebut",
        "Its events are stored and held; a supervisor decides.",
    ),
)

_REVIEW = (
    Problem(
        "forbidden",
        403,
        "This role has no right to do that here",
        "Peran ini tidak berhak melakukannya di sini",
        "Ask somebody whose role and areas allow it; docs/operations.md shows the table of rights.",
    ),
    Problem(
        "conflict_open",
        409,
        "The record still has open conflicts",
        "Masih ada yang bertentangan pada catatan ini",
        "Settle each conflict first, or return the household to the officer.",
    ),
    Problem(
        "changed_meanwhile",
        409,
        "The record changed since it was shown",
        "Catatan berubah sejak dilihat",
        "Open it again and decide on what stands there now.",
    ),
    Problem(
        "wrong_state",
        409,
        "The household is not in a state for this",
        "Keadaan keluarga belum memungkinkan tindakan ini",
        "The detail says what is missing; docs/merge.md shows the table of states.",
    ),
)

_FILES = (
    Problem(
        "export_failed",
        None,
        "The export cannot be written",
        "Ekspor tidak dapat ditulis",
        "Make room, or choose another folder; nothing half written is left.",
    ),
)

CATALOGUE: Mapping[str, Problem] = _table(*REQUEST, *ACCESS, *STATE, *_FORMS, *_ITEMS, *_REVIEW, *_FILES)

RETIRED: Mapping[str, str] = MappingProxyType({})
"""Codes of former versions: code -> what to look for now."""
