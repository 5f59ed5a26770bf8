"""Publishing a form, retiring a version and taking that back: each checked, stored, and every record folded again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from field_forms.compile import CompiledForm
from field_forms.publish import Prepared, publish
from field_forms.sheet import Sheet
from schemas.canonical import canonical_bytes
from schemas.form import FormDefinition
from schemas.lineage import current_versions
from schemas.problems import ProblemError
from server.flows import dictionary as dictionaries
from server.store import fold_queue, forms
from server.store.database import Connection

Version = tuple[str, str]
"""`(form id, version)`."""


@dataclass(frozen=True, slots=True)
class Published:
    """What came of publishing. `fresh`: it was not there yet. `queued`: households that are folded again."""

    form_id: str
    version: str
    hash: str
    fresh: bool
    queued: int


@dataclass(frozen=True, slots=True)
class Switched:
    """What came of retiring or restoring. `current`: the version with which tablets open new forms from now on."""

    form_id: str
    version: str
    current: str
    queued: int


def publish_form(
    db: Connection, prepared: Prepared, *, now_ms: int, by: str, seen: tuple[str, ...] | None = None
) -> Published:
    """Publish in one transaction; not `fresh` where this very version is published already.

    `seen`: what was published when the changes were shown (`dictionary.published`). Raises `FormRefused`, or
    `ProblemError` where something else was published since; then nothing was stored. All households are queued: a new
    question, policy or unit can change any record.
    """
    definition = prepared.compiled.definition
    with db.transaction():
        if seen is not None and dictionaries.published(db) != seen:
            raise ProblemError("changed_meanwhile", "Formulir lain terbit sejak perubahan ini ditunjukkan.")
        fresh = publish(prepared, _Forms(db, now_ms, by))
        queued = fold_queue.put_all(db, now_ms) if fresh else 0
    return Published(definition.id, definition.version, definition.hash, fresh, queued)


def retire_version(db: Connection, version: Version, *, reason: str, now_ms: int, by: str) -> Switched:
    """Let tablets open no new form with a version; the newest one left has the word from then on.

    What was filled in on it counts as before, and drafts on it are taken. Raises `ProblemError` for a version that is
    not published, is retired already, or is the last one in use."""
    if not reason.strip():
        raise ProblemError("bad_request", "Tulis alasannya (--reason).")
    with db.transaction():
        known = _own_versions(db, version)
        if version in forms.retired(db):
            raise ProblemError("bad_request", f"{version[0]} {version[1]} sudah ditarik.")
        if not known - forms.retired(db) - {version}:
            raise ProblemError(
                "bad_request",
                f"{version[0]} {version[1]} satu-satunya versi yang dipakai; terbitkan dahulu versi penggantinya.",
            )
        forms.retire(db, *version, reason=reason.strip(), now_ms=now_ms, by=by)
        queued = fold_queue.put_all(db, now_ms)
        return Switched(*version, current_version(db, version[0]), queued)


def restore_version(db: Connection, version: Version, *, now_ms: int, by: str) -> Switched:
    """Take a retirement back. Raises `ProblemError` for a version that is not retired."""
    with db.transaction():
        _own_versions(db, version)
        if not forms.restore(db, *version, now_ms=now_ms, by=by):
            raise ProblemError("bad_request", f"{version[0]} {version[1]} tidak sedang ditarik.")
        queued = fold_queue.put_all(db, now_ms)
        return Switched(*version, current_version(db, version[0]), queued)


def current_version(db: Connection, form_id: str) -> str:
    """The version of a form that tablets open; empty where none was published."""
    found = current_versions(published_definitions(db), forms.retired(db)).get(form_id)
    return "" if found is None else found.version


def published_definitions(db: Connection) -> tuple[FormDefinition, ...]:
    """Every published version."""
    return dictionaries.definitions(db)


def published_sheet(db: Connection, form_id: str, version: str) -> Sheet | None:
    """The sheets of a published version as its author left them, or None where they were not kept."""
    text = forms.sheet_of(db, form_id, version)
    return None if text is None else Sheet.from_json(json.loads(text))


def _own_versions(db: Connection, version: Version) -> set[Version]:
    known = {(form.id, form.version) for form in forms.published_forms(db) if form.id == version[0]}
    if version not in known:
        raise ProblemError("form_unknown", f"{version[0]} {version[1]} tidak pernah terbit. Lihat: padan form list")
    return known


class _Forms:
    """The store's forms as the publisher sees them."""

    def __init__(self, db: Connection, now_ms: int, by: str) -> None:
        self._db = db
        self._now_ms = now_ms
        self._by = by

    def published_forms(self) -> Iterable[FormDefinition]:
        return published_definitions(self._db)

    def retired_forms(self) -> frozenset[Version]:
        return forms.retired(self._db)

    def store_form(self, form: CompiledForm, sheet: Sheet) -> None:
        definition = form.definition
        forms.add_form(
            self._db,
            definition.id,
            definition.version,
            definition.hash,
            canonical_bytes(definition.to_json()),
            xform=form.xform.encode(),
            now_ms=self._now_ms,
            published_by=self._by,
        )
        source = PurePath(sheet.source).name
        text = json.dumps(sheet.to_json() | {"source": source}, ensure_ascii=False, separators=(",", ":"))
        forms.add_sheet(self._db, definition.id, definition.version, text, source)
