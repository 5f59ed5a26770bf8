"""What the tablet's form can draw and compute, as data; and what of a sheet is beyond it, by row and column.

The lists are those of `@getodk/xforms-engine` 0.22.0 and of our own pages (field_forms/tablet/src/form/). They are not
believed: tests/tablet/form/test_engine_support.py asks the real engine for each function. Reads sheets, nothing else;
says nothing about what the rest of Padan needs (field_forms/check.py does).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from field_forms.form_problem import FormProblem
from field_forms.sheet import Sheet, SheetRow

_FUNCTIONS = """
    abs acos area asin atan atan2 base64-decode boolean boolean-from-string ceiling checklist coalesce concat contains
    cos count count-non-empty count-selected current date date-time decimal-date-time decimal-time digest distance
    ends-with exp exp10 false floor format-date format-date-time geofence if indexed-repeat instance int join
    jr:choice-name last local-name log log10 max min name normalize-space not now number once pi position pow pulldata
    random randomize regex round selected selected-at sin sqrt starts-with string string-length substr substring
    substring-after substring-before sum tan today translate true uuid weighted-checklist
"""
FUNCTIONS = frozenset(_FUNCTIONS.split())
"""Functions the engine computes."""

_LACKING = "extract-signed property version thousandsep intersects depend comment-status"
LACKING = frozenset(_LACKING.split())
"""Functions of ODK or Enketo that the engine does not have; using one takes the whole form down."""

_LIST = "minimal autocomplete search compact horizontal horizontal-compact label list-nolabel columns columns-pack"

TYPES: Mapping[str, frozenset[str]] = {
    kind: frozenset(appearances.split())
    for kind, appearances in {
        "text": "multiline numbers url masked",
        "integer": "numbers thousands-sep",
        "decimal": "numbers thousands-sep",
        "date": "no-calendar month-year year",
        "time": "",
        "dateTime": "no-calendar",
        "select_one": f"{_LIST} quick quickcompact likert",
        "select_multiple": _LIST,
        "rank": "",
        "range": "no-ticks vertical picker rating",
        "geopoint": "",
        "image": "new new-front selfie signature draw",
        "file": "",
        "barcode": "",
        "note": "collect-only",
        "acknowledge": "",
        "calculate": "",
        "hidden": "",
        "begin_group": "field-list table-list",
        "begin_repeat": "field-list",
    }.items()
}
"""Types of questions the pages have a control for, each with the appearances that are heeded or may be passed over."""

SILENT = frozenset({"start", "end", "today", "deviceid", "username", "end_group", "end_repeat"})
"""Rows that are nothing to look at."""

_PARAMETERS = """
    start end step rows max-pixels capture-accuracy warning-accuracy allow-mock-accuracy randomize seed value label
"""
PARAMETERS = frozenset(_PARAMETERS.split())
_COLUMNS = re.compile(r"(columns-[0-9]+|w[0-9]+)\Z")
_ALIASES = {
    "string": "text", "int": "integer", "photo": "image", "datetime": "dateTime", "trigger": "acknowledge",
    "select one": "select_one", "select multiple": "select_multiple", "select one from file": "select_one",
    "select multiple from file": "select_multiple", "select_one_from_file": "select_one",
    "select_multiple_from_file": "select_multiple", "begin group": "begin_group", "begin repeat": "begin_repeat",
    "end group": "end_group", "end repeat": "end_repeat",
}  # fmt: skip
_EXPRESSIONS = (
    "relevant", "relevance", "required", "constraint", "calculation", "calculate", "choice_filter", "repeat_count",
    "readonly", "read_only", "default", "trigger",
)  # fmt: skip
_MEDIA = re.compile(r"(media::)?(image|big-image|audio|video)(::|\Z)")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\$\{[^}]*\}")
_CALL = re.compile(r"([A-Za-z_][\w.:-]*)\s*\(")
_WORDS = frozenset({"and", "or", "div", "mod"})


def unsupported(sheet: Sheet) -> list[FormProblem]:
    """What of a sheet the tablet cannot do, each with its row and column; empty where it can do all."""
    found = [*_media_columns(sheet)]
    for row in sheet.survey:
        found += _type(row)
        found += _functions(row)
        found += _parameters(row)
    return found


def kind_of(cell: str) -> str:
    """The type of a row without its list: `select_one yes_no` is `select_one`."""
    words = " ".join(cell.split())
    for alias, kind in sorted(_ALIASES.items(), key=lambda each: -len(each[0])):
        if words == alias or words.startswith(alias + " "):
            return kind
    return words.split(" ")[0] if words else ""


def functions_of(expression: str) -> list[str]:
    """Names of the functions that an expression calls, each once, in their order."""
    bare = _QUOTED.sub(" '' ", expression)
    return list(dict.fromkeys(name for name in _CALL.findall(bare) if name not in _WORDS))


def _type(row: SheetRow) -> Iterator[FormProblem]:
    kind = kind_of(row["type"])
    if not kind or kind in SILENT:
        return
    known = TYPES.get(kind)
    if known is None:
        yield _problem(row, "type", "tablet_type", f"jenis {kind!r} belum dapat diisi di tablet")
        return
    if "_from_file" in row["type"] or " from file" in row["type"]:
        name = row["type"].split()[-1]
        if not name.endswith(".csv"):
            yield _problem(row, "type", "tablet_file", f"berkas pilihan {name!r}: tablet hanya membaca .csv")
    for appearance in row["appearance"].split():
        if appearance not in known and not _COLUMNS.match(appearance):
            reason = f"appearance {appearance!r} tidak ada di tablet untuk {kind}; hapus, atau ganti jenisnya"
            yield _problem(row, "appearance", "tablet_appearance", reason)


def _functions(row: SheetRow) -> Iterator[FormProblem]:
    for column in _EXPRESSIONS:
        for name in functions_of(row[column]):
            if name not in FUNCTIONS:
                reason = f"fungsi {name}() tidak ada di tablet; formulir tidak akan dapat dibuka"
                yield _problem(row, column, "tablet_function", reason)


def _parameters(row: SheetRow) -> Iterator[FormProblem]:
    for pair in re.split(r"[\s,;]+", row["parameters"]):
        name = pair.partition("=")[0].strip()
        if name and name not in PARAMETERS:
            yield _problem(row, "parameters", "tablet_parameter", f"parameter {name!r} tidak dipakai di tablet; hapus")


def _media_columns(sheet: Sheet) -> Iterator[FormProblem]:
    """Pictures and sounds of labels: no file of a form but its lists reaches a tablet."""
    for table in ("survey", "choices"):
        for heading in sheet.columns[table]:
            if not _MEDIA.match(heading):
                continue
            for row in sheet.rows(table):
                if row[heading]:
                    reason = "gambar dan suara pada label tidak sampai ke tablet"
                    yield FormProblem("tablet_media", reason, table, row.number, heading, row["name"])


def _problem(row: SheetRow, column: str, code: str, reason: str) -> FormProblem:
    return FormProblem(code, reason, "survey", row.number, column, row["name"])
