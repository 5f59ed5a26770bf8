"""The small world under three versions of its form: questions, units, choices renamed, and what each version would say.

`events_in_versions` tells the same history as officers with tablets of different versions would have told it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from fold_world import FIELDS

from schemas.event import Assertion, Event
from schemas.form import Dictionary, FormDefinition, Row
from schemas.question import Choice, Field

NAMES: Mapping[str, tuple[str, str, str]] = {
    "income": ("income", "pendapatan", "penghasilan"),
    "assets": ("assets", "harta", "harta"),
    "address": ("address", "address", "alamat"),
    "rt": ("rt", "nomor_rt", "rt_kk"),
    "programmes": ("programmes", "bansos", "bansos_diterima"),
    "remark": ("remark", "catatan", "catatan"),
    "assessment": ("assessment", "penilaian", "hasil_penilaian"),
    "assessment_why": ("assessment_why", "alasan", "alasan"),
    "rooms": ("rooms", "rooms", "kamar"),
    "gps_home": ("gps_home", "titik", "titik_rumah"),
    "outcome_note": ("outcome_note", "catatan_kunjungan", "zz_catatan"),
    "phone": ("phone", "hp", "nomor_hp"),
    "disabilities": ("disabilities", "difabel", "aa_difabel"),
    "school": ("school", "school", "sekolah"),
}
"""Name in the first version -> its names in the three."""

CODES: Mapping[str, tuple[Mapping[str, str], Mapping[str, str], Mapping[str, str]]] = {
    "assessment": ({}, {"1": "layak", "2": "tidak"}, {"1": "ya", "2": "tidak"}),
    "disabilities": ({}, {"a": "lihat"}, {"a": "lihat", "b": "dengar"}),
    "school": ({}, {}, {"1": "sd", "2": "smp", "3": "sma"}),
}
"""Question -> code in the first version -> its code in the three."""


def definitions(*, codes: bool = False) -> tuple[FormDefinition, ...]:
    """The three versions. `codes`: choices are renamed too."""
    return tuple(_version(number, codes) for number in range(3))


def dictionary(versions: int = 3, *, codes: bool = False) -> Dictionary:
    """What the first so and so many versions together define."""
    return Dictionary.of(definitions(codes=codes)[:versions])


def events_in_versions(events: Iterable[Event], pick: Callable[[], int], *, codes: bool = False) -> list[Event]:
    """The same events, each told in the words of the version that `pick` gives."""
    return [_told(event, pick(), codes) for event in events]


def in_first_words(data: Any, *, codes: bool = False) -> Any:
    """A record's JSON with every question and code called as in the first version, and lists in one order."""
    back = {names[2]: first for first, names in NAMES.items()}
    return _ordered(_back(data, back, codes))


def _version(number: int, codes: bool) -> FormDefinition:
    fields = [_field(field, number, codes) for field in FIELDS]
    rows = tuple(Row("question", field.name, field.type, field=field) for field in fields)
    lists = {field.list_name: field.choices for field in fields if field.choices}
    return FormDefinition("f", str(number + 1), "F", rows, lists)


def _field(field: Field, number: int, codes: bool) -> Field:
    names = NAMES.get(field.name, (field.name,) * 3)
    former = tuple(name for name in dict.fromkeys(names[:number]) if name != names[number])
    found = replace(field, name=names[number], aliases=former, form="f", list_name=field.name if field.choices else "")
    for first in sorted(NAMES, key=len, reverse=True):
        for column in ("relevant", "calculation"):
            text = getattr(found, column).replace("${" + first + "}", "${" + NAMES[first][number] + "}")
            found = replace(found, **{column: text})
    if codes and field.name in CODES:
        renamed = CODES[field.name]
        found = replace(found, choices=tuple(_choice(each, renamed, number) for each in field.choices))
    if codes and field.name == "assessment_why":
        found = replace(found, relevant=found.relevant.replace("'2'", f"'{CODES['assessment'][number].get('2', '2')}'"))
    return found


def _choice(choice: Choice, renamed: tuple[Mapping[str, str], ...], number: int) -> Choice:
    codes = [each.get(choice.name, choice.name) for each in renamed[: number + 1]]
    # Only the code before: a later sheet need not repeat the ones before that.
    former = tuple(code for code in codes[-2:-1] if code != codes[-1])
    return replace(choice, name=codes[-1], aliases=former)


def _told(event: Event, number: int, codes: bool) -> Event:
    parts = tuple(
        replace(
            part,
            assertions={
                _name(name, number): _assertion(name, item, number, codes) for name, item in part.assertions.items()
            },
        )
        for part in event.parts
    )
    body = dict(event.body)
    if "covers" in body:
        body["covers"] = [pair | {"path": _path(pair["path"], number)} for pair in body["covers"]]
    return replace(event, parts=parts, body=body, form=("f", str(number + 1)) if event.form else None)


def _assertion(name: str, item: Assertion, number: int, codes: bool) -> Assertion:
    if not codes or item.state is not None or name not in CODES:
        return item
    renamed = CODES[name][number]
    value = item.value
    if isinstance(value, list):
        return replace(item, value=sorted(renamed.get(each, each) for each in value))
    return replace(item, value=renamed.get(value, value))


def _name(name: str, number: int) -> str:
    return NAMES[name][number] if name in NAMES else name


def _path(path: str, number: int) -> str:
    part, _, name = path.rpartition("/")
    return f"{part}/{_name(name, number)}"


def _back(data: Any, back: Mapping[str, str], codes: bool, question: str = "") -> Any:
    if isinstance(data, dict):
        if "path" in data and not question:
            question = back.get(data["path"].rpartition("/")[2], data["path"].rpartition("/")[2])
        return {back.get(key, key): _back(item, back, codes, back.get(key, key) if key in _QUESTIONS else question)
                for key, item in data.items()}  # fmt: skip
    if isinstance(data, list):
        return [_back(each, back, codes, question) for each in data]
    if isinstance(data, str):
        if codes and question in CODES:
            first = {new: old for old, new in CODES[question][2].items()}
            data = first.get(data, data)
        part, slash, name = data.rpartition("/")
        return f"{part}/{back.get(name, name)}" if slash else data
    return data


_QUESTIONS = frozenset(names[2] for names in NAMES.values())


def _ordered(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _ordered(data[key]) for key in sorted(data)}
    if isinstance(data, list):
        return sorted((_ordered(each) for each in data), key=repr)
    return data
