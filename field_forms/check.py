"""Whether a form is right in itself: names, expressions, choices, merge columns, core questions; and, last, whether it
may follow what is published (field_forms/succession.py).

Pure: a reading and the published definitions in, problems out. Each problem names the row and the reason; all are
told at once, and a form with one problem is not published at all.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping

from field_forms.form_problem import FormProblem
from field_forms.rows import NAME, Reading, SourceRow, definition_of
from field_forms.succession import succession_problems
from schemas.core import CORE, CORE_CODES, ROSTER
from schemas.expression import Expression, ExpressionError, compile_expression
from schemas.form import FormDefinition
from schemas.question import PERSON, Field

EXPRESSION_COLUMNS = ("relevant", "required", "constraint", "warning", "calculation")
_POLICY_TYPES: Mapping[str, frozenset[str]] = {
    "set": frozenset({"select_multiple", "image"}),
    "location": frozenset({"geopoint"}),
}


def check_reading(
    reading: Reading, published: Iterable[FormDefinition] = (), retired: Collection[tuple[str, str]] = ()
) -> list[FormProblem]:
    """Every problem of a reading, those met while reading first, then in the sheet's order. `retired`: `(id, version)`
    of those published that tablets open no more."""
    found = list(reading.problems)
    found += _settings(reading)
    found += _names(reading)
    found += _expressions(reading)
    found += _merging(reading)
    found += _units(reading)
    found += _core(reading)
    found += _choice_aliases(reading)
    found += succession_problems(reading, definition_of(reading), published, retired)
    return sorted(dict.fromkeys(found), key=lambda problem: (problem.sheet != "survey", problem.row))


def _settings(reading: Reading) -> Iterator[FormProblem]:
    if not NAME.match(reading.id):
        yield FormProblem("form_id", f"form_id {reading.id!r}: huruf, angka dan _ saja", "settings", 2, "form_id")
    if not reading.version.isdecimal() or not reading.version.isascii():
        yield FormProblem(
            "version", f"version {reading.version!r}: angka saja, mis. 2026112101", "settings", 2, "version"
        )
    if reading.settings_rows > 1:
        yield FormProblem("settings", "lembar settings hanya satu baris isi; hapus baris lainnya", "settings", 3)
    if not reading.title:
        yield FormProblem("form_title", "judul formulir kosong", "settings", 2, "form_title")


def _names(reading: Reading) -> Iterator[FormProblem]:
    seen: dict[str, int] = {}
    for source in reading.rows:
        first = seen.setdefault(source.row.name.lower(), source.number)
        if first != source.number:
            yield _problem(source, "name", "duplicate_name", f"nama ini sudah dipakai di baris {first}")
    for source, field in _fields(reading):
        for alias in field.aliases:
            first = seen.setdefault(alias.lower(), source.number)
            if not NAME.match(alias):
                yield _problem(source, "aliases", "alias", f"nama lama {alias!r}: huruf, angka dan _ saja")
            elif first != source.number or alias.lower() == field.name.lower():
                yield _problem(source, "aliases", "alias", f"nama lama {alias!r} masih dipakai di baris {first}")
        for former, _ in field.upcast:
            if former not in field.aliases:
                reason = f"upcast untuk {former!r}: tulis nama lama itu juga di kolom aliases"
                yield _problem(source, "upcast", "upcast_alias", reason)


def _choice_aliases(reading: Reading) -> Iterator[FormProblem]:
    for name, choices in reading.choices.items():
        taken = {choice.name: choice.name for choice in choices}
        for choice in choices:
            for code in choice.aliases:
                other = taken.setdefault(code, choice.name)
                if other != choice.name or code == choice.name:
                    reason = f"kode lama {code!r} masih dipakai kode {other!r} dalam daftar {name}"
                    row = reading.choice_rows[name, choice.name]
                    yield FormProblem("choice_alias", reason, "choices", row, "aliases", name)


def _fields(reading: Reading) -> Iterator[tuple[SourceRow, Field]]:
    for source in reading.rows:
        if source.row.field is not None:
            yield source, source.row.field


def _expressions(reading: Reading) -> Iterator[FormProblem]:
    known = {source.row.name for source in reading.rows if source.row.kind not in ("note", "meta")}
    calculations: dict[str, frozenset[str]] = {}
    relevances: dict[str, frozenset[str]] = {}
    for source in reading.rows:
        field = source.row.field
        texts = {"relevant": source.row.relevant}
        if field is not None:
            texts |= {column: getattr(field, column) for column in EXPRESSION_COLUMNS[1:]}
        for column, text in texts.items():
            compiled = yield from _expression(source, column, text, known)
            if compiled is None:
                continue
            if column == "relevant":
                relevances[source.row.name] = compiled.references
            if column == "calculation":
                calculations[source.row.name] = compiled.references
            if compiled.uses_current and column not in ("constraint", "warning"):
                yield _problem(
                    source, column, "dot", "tanda titik (.) hanya dapat dipakai dalam constraint dan warning"
                )
        if field is not None and field.choice_filter:
            yield from _filter_references(source, field, known)
    for loop in _loops(
        {name: calculations.get(name, frozenset()) | relevances.get(name, frozenset()) for name in known}
    ):
        source = next(s for s in reading.rows if s.row.name == loop)
        yield _problem(
            source, "relevant", "loop", "pertanyaan ini bergantung pada dirinya sendiri (relevant/calculation)"
        )


def _expression(
    source: SourceRow, column: str, text: str, known: set[str]
) -> Generator[FormProblem, None, Expression | None]:
    """Yields what is wrong with an expression and returns it compiled."""
    if not text:
        return None
    try:
        compiled = compile_expression(text)
    except ExpressionError as error:
        yield _problem(source, column, "expression", str(error))
        return None
    for name in sorted(compiled.references - known):
        yield _problem(source, column, "unknown_reference", _no_question(name, known))
    return compiled


def _filter_references(source: SourceRow, field: Field, known: set[str]) -> Iterator[FormProblem]:
    for piece in field.choice_filter.split("${")[1:]:
        name = piece.partition("}")[0].strip()
        if name not in known:
            yield _problem(source, "choice_filter", "unknown_reference", _no_question(name, known))


def _no_question(name: str, known: set[str]) -> str:
    close = next(iter(difflib.get_close_matches(name, sorted(known), 1, 0.7)), "")
    meant = f"maksud Anda ${{{close}}}?" if close else "tulis nama pertanyaan seperti di kolom name"
    return f"${{{name}}} tidak ada dalam formulir ini; {meant}"


def _loops(needs: Mapping[str, frozenset[str]]) -> list[str]:
    """Names that need themselves, directly or through others; one of each loop."""
    done: set[str] = set()
    found: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            found.append(name)
        elif name not in done:
            for needed in sorted(needs.get(name, frozenset())):
                visit(needed, (*path, name))
            done.add(name)

    for name in sorted(needs):
        visit(name, ())
    return found


def _merging(reading: Reading) -> Iterator[FormProblem]:
    by_name = {field.name: field for _, field in _fields(reading)}
    delivered: dict[tuple[str, str], int] = {}
    for source, field in _fields(reading):
        types = _POLICY_TYPES.get(field.policy)
        if types is not None and field.type not in types:
            reason = f"policy {field.policy} hanya untuk {', '.join(sorted(types))}, bukan {field.type}"
            yield _problem(source, "policy", "policy_type", reason)
        if (field.policy == "derived") is not bool(field.calculation):
            reason = "policy derived perlu calculation atau derive, dan sebaliknya"
            yield _problem(source, "policy", "policy_derived", reason)
        yield from _codes(source, field)
        yield from _evidence(source, field, by_name)
        if field.deliver:
            first = delivered.setdefault((field.scope, field.deliver), source.number)
            if first != source.number:
                yield _problem(source, "deliver", "deliver", f"kolom {field.deliver!r} sudah dipakai di baris {first}")
            if not NAME.match(field.deliver):
                yield _problem(source, "deliver", "deliver", f"nama kolom {field.deliver!r}: huruf, angka dan _ saja")


def _codes(source: SourceRow, field: Field) -> Iterator[FormProblem]:
    for column, fits in (
        ("exclusive", field.type == "select_multiple"),
        ("sticky", field.policy == "status"),
        ("yields", field.policy == "status"),
    ):
        codes: tuple[str, ...] = getattr(field, column)
        if codes and not fits:
            only = "select_multiple" if column == "exclusive" else "policy status"
            yield _problem(source, column, "codes", f"{column} hanya untuk {only}")
        for code in codes:
            if code not in field.codes:
                yield _problem(source, column, "codes", f"kode {code!r} tidak ada dalam daftar {field.list_name}")


def _evidence(source: SourceRow, field: Field, by_name: Mapping[str, Field]) -> Iterator[FormProblem]:
    rule = field.evidence
    if not rule.source:
        return
    told_by = by_name.get(rule.source)
    if told_by is None or told_by.scope != field.scope or told_by.type != "select_one":
        reason = f"sumber bukti {rule.source!r} harus select_one dari keluarga atau anggota yang sama"
        yield _problem(source, "evidence", "evidence", reason)
        return
    for code, _ in rule.levels:
        if code not in told_by.codes:
            yield _problem(source, "evidence", "evidence", f"kode {code!r} tidak ada dalam daftar {told_by.list_name}")


def _units(reading: Reading) -> Iterator[FormProblem]:
    names = {source.row.name for source in reading.rows}
    first: dict[str, Field] = {}
    for source, field in _fields(reading):
        if not field.unit:
            continue
        leader = first.setdefault(field.unit, field)
        if not NAME.match(field.unit) or field.unit in names:
            reason = f"nama unit {field.unit!r}: huruf, angka dan _ saja, dan bukan nama pertanyaan"
            yield _problem(source, "unit", "unit", reason)
        if leader.policy != field.policy or leader.scope != field.scope:
            reason = f"unit {field.unit}: policy dan bagian harus sama dengan {leader.name} ({leader.policy})"
            yield _problem(source, "unit", "unit", reason)


def _core(reading: Reading) -> Iterator[FormProblem]:
    have = {(field.scope, field.name): (source, field) for source, field in _fields(reading)}
    for key, needed in CORE[reading.part].items():
        if key not in have:
            other = next((field.scope for (_, name), (_, field) in have.items() if name == key[1]), None)
            reason = (
                "pertanyaan inti tidak ada; salin barisnya dari formulir bawaan (padan form export)"
                if other is None
                else f"pertanyaan inti harus di bagian {key[0]}, bukan {other}"
            )
            yield FormProblem("core_missing", reason, "survey", 0, "name", key[1])
            continue
        source, field = have[key]
        if field.type != needed:
            yield _problem(source, "type", "core_type", f"pertanyaan inti harus berjenis {needed}, bukan {field.type}")
        for code in CORE_CODES.get(key, ()):
            if field.choices and code not in field.codes:
                reason = f"kode {code!r} harus tetap ada dalam daftar {field.list_name}"
                yield _problem(source, "type", "core_choice", reason)
    repeats = [source for source in reading.rows if source.row.kind == "repeat"]
    if any(key[0] == PERSON for key in CORE[reading.part]) and [s.row.name for s in repeats] != [ROSTER]:
        yield FormProblem("core_missing", f"begin_repeat {ROSTER} tidak ada", "survey", 0, "name", ROSTER)


def _problem(source: SourceRow, column: str, code: str, reason: str) -> FormProblem:
    return FormProblem(code, reason, "survey", source.number, column, source.row.name)
