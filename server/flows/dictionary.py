"""The dictionary of questions that the fold works with: that of all published forms, read once per publication."""

from __future__ import annotations

import json
import threading

from schemas.form import Dictionary, FormDefinition
from server.store import forms
from server.store.database import Connection

_lock = threading.Lock()
_known: dict[tuple[str, ...], Dictionary] = {}
_KEEP = 4


def published(db: Connection) -> tuple[str, ...]:
    """What the present dictionary is made of; changes with what is published or retired, also by another process."""
    retired = forms.retired(db)
    return tuple(
        sorted(
            f"{form.id} {form.version} {form.hash}" + (" retired" if (form.id, form.version) in retired else "")
            for form in forms.published_forms(db)
        )
    )


def definitions(db: Connection) -> tuple[FormDefinition, ...]:
    """Every published version."""
    return tuple(FormDefinition.from_json(json.loads(raw)) for raw in forms.all_definitions(db))


def current(db: Connection) -> Dictionary:
    """The dictionary of all published forms. Empty before the first publication."""
    key = published(db)
    with _lock:
        found = _known.get(key)
    if found is None:
        with db.snapshot():  # or a publication in between would be known under a key that comes back one day
            key, found = published(db), Dictionary.of(definitions(db), forms.retired(db))
        with _lock:
            while len(_known) >= _KEEP:
                _known.pop(next(iter(_known)))
            _known[key] = found
    return found
