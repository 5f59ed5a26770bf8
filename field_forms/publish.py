"""Publishing a form: checked against everything published, then stored whole; where, the caller says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from field_forms.compile import CompiledForm, compile_form
from field_forms.sheet import Sheet, read_sheet
from schemas.form import FormDefinition


class FormStore(Protocol):
    """Where published forms are. The caller holds one transaction around `publish_sheet`."""

    def published_forms(self) -> Iterable[FormDefinition]:
        """Every published version of every form."""

    def store_form(self, form: CompiledForm) -> None:
        """Keep a version: its definition and its XForm together or neither."""


def publish_sheet(sheet: Sheet, store: FormStore) -> CompiledForm:
    """Publish a sheet. Raises `FormRefused`, and then nothing was stored.

    A version that is already there with the same content is given back as it is: publishing twice changes nothing.
    """
    published = tuple(store.published_forms())
    compiled = compile_form(sheet)
    if any(form.hash == compiled.definition.hash for form in published):
        return compiled
    compiled = compile_form(sheet, published)
    store.store_form(compiled)
    return compiled


def publish_file(path: Path, store: FormStore) -> CompiledForm:
    """Publish an `.xlsx`, a `.md` or a folder of CSV files. Raises `FormRefused` and `SheetUnreadable`."""
    return publish_sheet(read_sheet(path), store)
