"""Publishing a form: it is checked, stored, and every record is folded again with the new dictionary."""

from __future__ import annotations

import json
from collections.abc import Iterable

from field_forms.compile import CompiledForm
from field_forms.publish import Prepared, publish
from schemas.canonical import canonical_bytes
from schemas.form import FormDefinition
from server.store import fold_queue, forms
from server.store.database import Connection


def publish_form(db: Connection, prepared: Prepared, *, now_ms: int, by: str) -> bool:
    """Publish in one transaction; False where this very version is published already.

    Raises `FormRefused`; then nothing was stored. All households are queued: a new question, policy or unit can
    change any record.
    """
    with db.transaction():
        fresh = publish(prepared, _Forms(db, now_ms, by))
        if fresh:
            fold_queue.put_all(db, now_ms)
    return fresh


def published_definitions(db: Connection) -> tuple[FormDefinition, ...]:
    """Every published version."""
    return tuple(FormDefinition.from_json(json.loads(raw)) for raw in forms.all_definitions(db))


class _Forms:
    """The store's forms as the publisher sees them."""

    def __init__(self, db: Connection, now_ms: int, by: str) -> None:
        self._db = db
        self._now_ms = now_ms
        self._by = by

    def published_forms(self) -> Iterable[FormDefinition]:
        return published_definitions(self._db)

    def store_form(self, form: CompiledForm) -> None:
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
