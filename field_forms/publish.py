"""Publishing a form: checked against everything published, then stored whole; where, the caller says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from field_forms.check import check_reading
from field_forms.compile import CompiledForm, compile_form
from field_forms.form_problem import FormRefused
from field_forms.rows import Reading, read_rows
from field_forms.sheet import Sheet, read_sheet
from field_forms.succession import Retired
from schemas.form import FormDefinition


class FormStore(Protocol):
    """Where published forms are. The caller holds one transaction around `publish`."""

    def published_forms(self) -> Iterable[FormDefinition]:
        """Every published version of every form."""

    def retired_forms(self) -> Retired:
        """`(id, version)` of those that tablets open no more."""

    def store_form(self, form: CompiledForm, sheet: Sheet) -> None:
        """Keep a version: its definition, its XForm and its sheets together or none of them."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A form that is right in itself; whether it may follow what is published is still to be seen."""

    reading: Reading
    compiled: CompiledForm
    sheet: Sheet


def prepare_file(path: Path) -> Prepared:
    """Read and compile an `.xlsx`, a `.md` or a folder of CSV files. Raises `FormRefused`, `SheetUnreadable`."""
    return prepare_sheet(read_sheet(path))


def prepare_sheet(sheet: Sheet) -> Prepared:
    """Compile a sheet. The slow step, outside of any transaction. Raises `FormRefused`."""
    return Prepared(read_rows(sheet), compile_form(sheet), sheet)


def publish(prepared: Prepared, store: FormStore) -> bool:
    """Publish a prepared form; False where this very version was there already, which changes nothing.

    Raises `FormRefused` with every reason, and then nothing was stored.
    """
    published = tuple(store.published_forms())
    if any(form.hash == prepared.compiled.definition.hash for form in published):
        return False
    problems = check_reading(prepared.reading, published, store.retired_forms())
    if problems:
        raise FormRefused(problems)
    store.store_form(prepared.compiled, prepared.sheet)
    return True
