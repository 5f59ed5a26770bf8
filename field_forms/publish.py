"""Publishing a form: check it against everything published, then store it whole. Where it is stored, the caller says."""

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
    number = (sheet.setting("form_id"), sheet.setting("version"))
    others = [form for form in published if (form.id, form.version) != number]
    same = [form for form in published if (form.id, form.version) == number]
    compiled = compile_form(sheet, published if not same else others)
    if any(form.hash == compiled.definition.hash for form in same):
        return compiled
    if same:
        compiled = compile_form(sheet, published)  # says that the version is taken
    store.store_form(compiled)
    return compiled


def publish_file(path: Path, store: FormStore) -> CompiledForm:
    """Publish an `.xlsx`, a `.md` or a folder of CSV files. Raises `FormRefused` and `SheetUnreadable`."""
    return publish_sheet(read_sheet(path), store)
