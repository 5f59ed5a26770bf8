"""The two forms that come with Padan, compiled: read from field_forms/built/, which is made again when it is stale.

`built/` is a cache and not in git: `<form>.json` (the definition), `<form>.xml` (the XForm), `<form>.source` (digest of
the sheet and of the compiler it was made from). Where the folder cannot be written (an installed package), the forms
are compiled in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from functools import lru_cache
from pathlib import Path

from field_forms.compile import CompiledForm, compile_form
from field_forms.sheet import TABLES, read_sheet
from schemas.canonical import canonical_bytes
from schemas.form import Dictionary, FormDefinition, FormUnreadable

FORMS = ("verifikasi_keluarga", "perubahan")
_HERE = Path(__file__).parent
_COMPILER = ("sheet.py", "headings.py", "spelling.py", "rows.py", "check.py", "engine_support.py", "compile.py")
_RULES = ("core.py", "form.py", "question.py", "expression.py", "upcast.py", "upcast_rules.py")


def source_folder(form: str) -> Path:
    """Folder of a form's sheets."""
    return _HERE / form


def built_folder() -> Path:
    """Where the compiled forms are kept."""
    return _HERE / "built"


@lru_cache(maxsize=1)
def built_forms() -> tuple[CompiledForm, ...]:
    """The forms that come with Padan, compiled if they are not yet, or not any more."""
    return tuple(_stored(form) or build(form) for form in FORMS)


def built_definitions() -> tuple[FormDefinition, ...]:
    """Their definitions."""
    return tuple(form.definition for form in built_forms())


@lru_cache(maxsize=1)
def built_dictionary() -> Dictionary:
    """The dictionary of the forms that come with Padan; a server's own is made of what it has published."""
    return Dictionary.of(built_definitions())


def build(form: str, folder: Path | None = None) -> CompiledForm:
    """Compile one of our forms and keep it. Raises `FormRefused`, `SheetUnreadable`."""
    compiled = compile_form(read_sheet(source_folder(form)))
    target = folder or built_folder()
    with contextlib.suppress(OSError):
        target.mkdir(parents=True, exist_ok=True)
        _write(target / f"{form}.json", canonical_bytes(compiled.definition.to_json()))
        _write(target / f"{form}.xml", compiled.xform.encode())
        _write(target / f"{form}.source", _source_digest(form).encode())
    return compiled


def _stored(form: str) -> CompiledForm | None:
    folder = built_folder()
    try:
        if (folder / f"{form}.source").read_text() != _source_digest(form):
            return None
        definition = FormDefinition.from_json(json.loads((folder / f"{form}.json").read_bytes()))
        return CompiledForm(definition, (folder / f"{form}.xml").read_bytes().decode())
    except (OSError, ValueError, FormUnreadable):
        return None


def _source_digest(form: str) -> str:
    digest = hashlib.sha256()
    files = [source_folder(form) / f"{table}.csv" for table in TABLES]
    files += [_HERE / name for name in _COMPILER]
    files += [_HERE.parent / "schemas" / name for name in _RULES]
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: another process may read while this one writes."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.chmod(name, 0o644)
    os.replace(name, path)
