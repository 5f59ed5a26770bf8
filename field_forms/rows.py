"""From the sheet's rows to questions: structure, types, choice lists and the columns that are Padan's own.

Reads everything it can and lists what it could not, so that an author sees all problems of a sheet at once. What
needs more than one row to be judged is in field_forms/check.py.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from field_forms.form_problem import FormProblem
from field_forms.headings import column_of, heading_problems
from field_forms.sheet import TABLES, Sheet, SheetRow
from field_forms.spelling import TYPE_WORDS
from schemas.form import FormDefinition, Row
from schemas.question import (
    EVENT,
    EVIDENCE_SPOKEN,
    HOUSEHOLD,
    PERSON,
    POLICIES,
    SENSITIVITIES,
    Choice,
    EvidenceRule,
    Field,
)
from schemas.upcast import UpcastUnreadable, read_upcasts

META = frozenset({"start", "end", "today", "deviceid", "username", "phonenumber", "audit", "start-geopoint"})
ANSWERS = {
    "text": "text", "string": "text", "barcode": "text", "integer": "integer", "int": "integer", "decimal": "decimal",
    "date": "date", "time": "time", "geopoint": "geopoint", "image": "image", "photo": "image", "hidden": "text",
    "calculate": "calculate",
}  # fmt: skip
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,100}\Z")
_EVIDENCE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*\{([^}]*)\}(?:\s*else\s+([0-9]))?\Z")
_LEVEL = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*:\s*([0-9])\s*\Z")
_FILTER_COLUMN = re.compile(r"(?<![\w${.-])([A-Za-z_][A-Za-z0-9_]*)(?![\w(}-])")
_TRUE = frozenset({"yes", "true", "true()", "ya"})
_FALSE = frozenset({"", "no", "false", "false()", "tidak"})


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of the compiled form with its number in the sheet."""

    number: int
    row: Row


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sheet says, and what in it could not be read."""

    id: str
    version: str
    title: str
    part: str
    removed: tuple[str, ...]
    """Questions that are asked no more, as the author says so himself."""
    settings_rows: int
    rows: tuple[SourceRow, ...]
    choices: Mapping[str, tuple[Choice, ...]]
    choice_rows: Mapping[tuple[str, str], int]
    """(list, code) -> row in the sheet of choices."""
    media: Mapping[str, tuple[str, ...]]
    problems: tuple[FormProblem, ...]


def read_rows(sheet: Sheet) -> Reading:
    """Read the sheets of one form."""
    problems = [*sheet.problems, *heading_problems(sheet.columns, {t: sheet.heading_row(t) for t in TABLES})]
    choices, choice_rows = _choices(sheet, problems)
    part = sheet.setting("part") or _part_of(sheet)
    if part not in (HOUSEHOLD, EVENT):
        row = sheet.settings[0].number if sheet.settings else 2
        problems.append(
            FormProblem("part", f"part {part!r}: isi h (keluarga) atau e (perubahan)", "settings", row, "part")
        )
        part = HOUSEHOLD
    reader = _Reader(choices, part, sheet.setting("form_id"), problems)
    for source in sheet.survey:
        reader.read(source)
    reader.finish()
    return Reading(
        id=sheet.setting("form_id"),
        version=sheet.setting("version"),
        title=sheet.setting("form_title"),
        part=part,
        removed=words_of(sheet.setting("removed")),
        settings_rows=len(sheet.settings),
        rows=tuple(reader.rows),
        choices=choices,
        choice_rows=choice_rows,
        media={name: tuple(columns) for name, columns in sorted(reader.media.items())},
        problems=tuple(problems),
    )


def definition_of(reading: Reading) -> FormDefinition:
    """The definition of a reading; of one with problems, as far as it could be read."""
    return FormDefinition(
        id=reading.id,
        version=reading.version,
        title=reading.title,
        rows=tuple(source.row for source in reading.rows),
        choices=reading.choices,
        media=reading.media,
    )


def words_of(text: str) -> tuple[str, ...]:
    """Names or codes of a cell, separated by blanks, commas or semicolons."""
    return tuple(text.replace(",", " ").replace(";", " ").split())


def _part_of(sheet: Sheet) -> str:
    """What a form that does not say is about: a change, where it asks for the kind of one and has no roster."""
    names = {row["name"] for row in sheet.survey}
    roster = any(row["type"].startswith("begin_repeat") for row in sheet.survey)
    return EVENT if "event_type" in names and not roster else HOUSEHOLD


def _choices(
    sheet: Sheet, problems: list[FormProblem]
) -> tuple[dict[str, tuple[Choice, ...]], dict[tuple[str, str], int]]:
    lists: dict[str, list[Choice]] = {}
    rows: dict[tuple[str, str], int] = {}
    for row in sheet.choices:
        cells = {column_of(name): cell for name, cell in row.cells.items()}
        name, code = cells.get("list_name", ""), cells.get("name", "")
        label = cells.get("label_id", "")
        if not NAME.match(name) or not _CODE.match(code):
            reason = f"list_name {name!r}, kode {code!r}: setiap pilihan perlu list_name dan name (kode tanpa spasi)"
            problems.append(FormProblem("choice_name", reason, "choices", row.number, "name", name))
        elif any(choice.name == code for choice in lists.get(name, ())):
            reason = f"kode {code!r} ada dua kali dalam daftar {name}"
            problems.append(FormProblem("duplicate_choice", reason, "choices", row.number, "name", name))
        elif not label:
            problems.append(FormProblem("label", f"pilihan {code!r} tanpa label", "choices", row.number, "label", name))
        else:
            former = words_of(cells.get("aliases", ""))
            rows[name, code] = row.number
            lists.setdefault(name, []).append(Choice(code, label, cells.get("label_en", "") or label, aliases=former))
    return {name: tuple(choices) for name, choices in sorted(lists.items())}, rows


class _Reader:
    """Walks the survey from top to bottom, keeping the groups around each row."""

    def __init__(
        self, choices: Mapping[str, tuple[Choice, ...]], part: str, form: str, problems: list[FormProblem]
    ) -> None:
        self.choices = choices
        self.part = part
        self.form = form
        self.problems = problems
        self.rows: list[SourceRow] = []
        self.media: dict[str, list[str]] = {}
        self._open: list[SourceRow] = []
        self._repeats = 0

    def read(self, source: SheetRow) -> None:
        cells = {column_of(name): cell for name, cell in source.cells.items()}
        kind = " ".join(cells.get("type", "").split())
        name = cells.get("name", "")
        if kind in ("end_group", "end_repeat", "end group", "end repeat"):
            self._close(source.number, kind.replace(" ", "_"))
            return
        if not NAME.match(name):
            self._no_name(source, kind, name)
            return
        parents = tuple(opened.row.name for opened in self._open)
        label_id, label_en = cells.get("label_id", ""), cells.get("label_en", "")
        relevant = cells.get("relevant", "")
        if kind in ("begin_group", "begin group", "begin_repeat", "begin repeat"):
            kind = kind[6:]
            row = SourceRow(source.number, Row(kind, name, kind, parents, label_id, label_en, relevant))
            self._begin(row)
            self.rows.append(row)
        elif kind == "note":
            self.rows.append(SourceRow(source.number, Row("note", name, kind, parents, label_id, label_en, relevant)))
        elif kind in META:
            self.rows.append(SourceRow(source.number, Row("meta", name, kind, parents)))
        else:
            self._question(source.number, kind, name, parents, cells, relevant)

    def finish(self) -> None:
        """Tell of groups that were never closed."""
        for opened in self._open:
            self._problem(opened.number, "type", opened.row.name, "structure", f"begin_{opened.row.kind} tidak ditutup")

    def _begin(self, row: SourceRow) -> None:
        if row.row.kind == "repeat":
            self._repeats += 1
            if self._repeats > 1 or self.part == EVENT:
                reason = "hanya satu begin_repeat, yaitu anggota keluarga, dan hanya dalam formulir keluarga"
                self._problem(row.number, "type", row.row.name, "repeat", reason)
        self._open.append(row)

    def _no_name(self, source: SheetRow, kind: str, name: str) -> None:
        if len(source.cells) == 1 and not name:
            reason = "baris ini bukan pertanyaan; hapus baris judul atau hiasan, atau lengkapi type dan name"
            self._problem(source.number, next(iter(source.cells)), "", "structure", reason)
            return
        better = re.sub(r"\W+", "_", name).strip("_")[:64]
        meant = f"; mis. {better!r}" if name and NAME.match(better) else ""
        reason = f"nama {name!r}: huruf, angka dan _ saja, diawali huruf, paling panjang 64{meant}"
        self._problem(source.number, "name", name, "name", reason)

    def _close(self, number: int, kind: str) -> None:
        if not self._open or f"end_{self._open[-1].row.kind}" != kind:
            inside = f"begin_{self._open[-1].row.kind} {self._open[-1].row.name}" if self._open else "tidak ada"
            self._problem(number, "type", "", "structure", f"{kind} tidak cocok; yang terbuka: {inside}")
        if self._open:
            self._open.pop()

    def _question(
        self, number: int, kind: str, name: str, parents: tuple[str, ...], cells: Mapping[str, str], relevant: str
    ) -> None:
        word, _, rest = kind.partition(" ")
        list_name = media = ""
        if word in ("select_one", "select_multiple") and rest in self.choices:
            answer, list_name = word, rest
        elif word in ("select_one_from_file", "select_multiple_from_file") and rest.endswith(".csv"):
            answer, media = word.removesuffix("_from_file"), rest
            columns = self.media.setdefault(media, ["name", "label"])
            columns += [c for c in _filter_columns(cells.get("choice_filter", "")) if c not in columns]
        elif word in ("select_one", "select_multiple"):
            self._problem(number, "type", name, "unknown_list", self._no_list(rest))
            answer = word
        elif kind in ANSWERS:
            answer = ANSWERS[kind]
        else:
            meant = TYPE_WORDS.get(kind.lower(), "")
            known = (
                f"maksud Anda {meant}?" if meant else f"pilih {', '.join(sorted({*ANSWERS.values()} - {'calculate'}))}"
            )
            self._problem(number, "type", name, "unknown_type", f"jenis {kind!r} tidak didukung; {known}")
            return
        if answer != "calculate" and not cells.get("label_id") and kind != "hidden":
            self._problem(number, "label", name, "label", "pertanyaan tanpa label")
        field = self._field(number, name, answer, list_name, media, cells)
        row = Row(
            "calculate" if answer == "calculate" else "question", name, answer, parents,
            cells.get("label_id", ""), cells.get("label_en", ""), relevant, field,
        )  # fmt: skip
        self.rows.append(SourceRow(number, row))

    def _no_list(self, name: str) -> str:
        if name.endswith("or_other"):
            return "or_other tidak dipakai: tambahkan pilihan Lainnya, dan pertanyaan teks yang relevan bila dipilih"
        if not name:
            return "tulis nama daftar pilihannya, mis. select_one ya_tidak"
        close = next(iter(difflib.get_close_matches(name, self.choices, 1, 0.6)), "")
        return f"daftar pilihan {name!r} tidak ada di lembar choices" + (f"; maksud Anda {close!r}?" if close else "")

    def _field(
        self, number: int, name: str, answer: str, list_name: str, media: str, cells: Mapping[str, str]
    ) -> Field:
        repeated = any(opened.row.kind == "repeat" for opened in self._open)
        scope = EVENT if self.part == EVENT else PERSON if repeated else HOUSEHOLD
        around = [opened.row.relevant for opened in self._open] + [cells.get("relevant", "")]
        texts: dict[str, Any] = {
            f"{base}_{language}": cells.get(f"{base}_{language}", "")
            for base in ("label", "hint", "constraint_message", "warning_message")
            for language in ("id", "en")
        }
        return Field(
            name=name,
            scope=scope,
            type=answer,
            form=self.form,
            list_name=list_name,
            media=media,
            choices=self.choices.get(list_name, ()),
            policy=self._one_of(number, name, "policy", cells, POLICIES, "derived" if answer == "calculate" else "ask"),
            unit=cells.get("unit", ""),
            evidence=self._evidence(number, name, cells.get("evidence", "")),
            sensitivity=self._one_of(number, name, "sensitivity", cells, SENSITIVITIES, "personal"),
            deliver=cells.get("deliver", ""),
            required=_condition(cells.get("required", "")),
            relevant=joined(around),
            constraint=cells.get("constraint", ""),
            warning=cells.get("warning", ""),
            calculation=cells.get("calculation", "") or cells.get("derive", ""),
            choice_filter=cells.get("choice_filter", ""),
            default=cells.get("default", ""),
            readonly=cells.get("readonly", "").lower() in _TRUE,
            appearance=cells.get("appearance", ""),
            exclusive=words_of(cells.get("exclusive", "")),
            sticky=words_of(cells.get("sticky", "")),
            yields=words_of(cells.get("yields", "")),
            aliases=words_of(cells.get("aliases", "")),
            upcast=self._upcast(number, name, cells.get("upcast", "")),
            core=cells.get("core", "").lower() in _TRUE,
            **texts,
        )

    def _one_of(
        self, number: int, name: str, column: str, cells: Mapping[str, str], known: tuple[str, ...], default: str
    ) -> str:
        given = cells.get(column, "") or default
        if given in known:
            return given
        self._problem(number, column, name, f"unknown_{column}", f"{given!r} tidak dikenal; pilih {', '.join(known)}")
        return default

    def _evidence(self, number: int, name: str, text: str) -> EvidenceRule:
        """`nik_status{1:3,2:1}`, optionally `else 0`, or one digit."""
        if not text:
            return EvidenceRule()
        if text in "01234":
            return EvidenceRule(int(text))
        match = _EVIDENCE.match(text)
        levels = [_LEVEL.match(pair) for pair in match[2].split(",")] if match else [None]
        if match is None or any(level is None or int(level[2]) > 4 for level in levels):
            reason = f"{text!r}: tulis satu angka 0-4, atau pertanyaan{{kode:angka,...}} (5 hanya dari luar)"
            self._problem(number, "evidence", name, "evidence", reason)
            return EvidenceRule()
        pairs = tuple(sorted((level[1], int(level[2])) for level in levels if level is not None))
        return EvidenceRule(int(match[3]) if match[3] else EVIDENCE_SPOKEN, match[1], pairs)

    def _upcast(self, number: int, name: str, text: str) -> tuple[tuple[str, str], ...]:
        try:
            return read_upcasts(text)
        except UpcastUnreadable as error:
            self._problem(number, "upcast", name, "upcast", str(error))
            return ()

    def _problem(self, number: int, column: str, question: str, code: str, reason: str) -> None:
        self.problems.append(FormProblem(code, reason, "survey", number, column, question))


def joined(conditions: Iterable[str]) -> str:
    """Conditions joined by `and`, each in brackets where there are several."""
    given = [text for text in conditions if text]
    return given[0] if len(given) == 1 else " and ".join(f"({text})" for text in given)


def _condition(text: str) -> str:
    """The `required` cell as an expression: yes is `true()`, no is empty."""
    if text.lower() in _TRUE:
        return "true()"
    return "" if text.lower() in _FALSE else text


def _filter_columns(text: str) -> list[str]:
    """Columns of the file that a choice filter names: bare words that are neither operators nor in quotes."""
    bare = re.sub(r"'[^']*'|\"[^\"]*\"|\$\{[^}]*\}", " ", text)
    return [word for word in _FILTER_COLUMN.findall(bare) if word not in ("and", "or", "div", "mod", "name", "label")]
