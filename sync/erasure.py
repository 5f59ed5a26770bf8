"""Erasure: by what a person is recognised in what others said, and what is left of a part without that.

Pure. A person's own parts go whole; elsewhere one answer goes: it becomes `cleared` on the evidence it stood on, so
that it dominates what it dominated and no other answer of the part changes (docs/decisions/0031). What goes is named
by *pointers*, which say where something stood and never what: `a/<question>` an answer, `t/<JSON pointer>` a text.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from schemas.form import Dictionary
from schemas.paths import EVENT_PART, person_key_of, person_part
from sync.claims import scope_of
from sync.names import compatible, name_tokens

Content = Mapping[str, Any]
"""Content of a part: `assertions` and `text`."""

BASES: Mapping[str, str] = {
    "request": "Permintaan subjek data (UU 27/2022 Pasal 8; Pasal 43 ayat 1 huruf c)",
    "consent_withdrawn": "Persetujuan ditarik kembali (Pasal 9; Pasal 43 ayat 1 huruf b)",
    "no_longer_needed": "Tidak lagi diperlukan untuk tujuannya (Pasal 43 ayat 1 huruf a)",
    "unlawful": "Diperoleh atau diproses secara melawan hukum (Pasal 43 ayat 1 huruf d)",
    "retention_over": "Masa simpan habis menurut jadwal retensi (Pasal 44 ayat 1 huruf a)",
}
"""Legal basis -> the article it stands on. The codes are those of `schemas/bodies.py`."""

FREE_POLICIES = frozenset({"keep_all", "status"})
"""Text under these is a sentence (a remark, a note on the outcome): one word of a name is enough to name somebody."""
SEARCHED_TYPES = frozenset({"text", "calculate"})
"""Choices, dates and numbers of a form hold codes; only what is written freely can name somebody."""
ABOUT_FIELDS = frozenset({"subject_nik", "subject_name", "child_nik"})
"""Core questions of a change form that say whom the change is about."""
NAME, SUBJECT = "m_name", "subject_name"
WORD_LETTERS_MIN = 3
NUMBER_DIGITS_MIN = 9
"""A NIK has 16 digits, a phone 9 to 13; shorter ones are house numbers and years."""

_NUMBER = re.compile(r"\d(?:[ .\-/]?\d){8,}")
_BETWEEN_DIGITS = re.compile(r"[ .\-/]")


@dataclass(frozen=True)
class Marks:
    """By what a person is recognised: person keys, names as ever said, numbers (digits only, without the trunk 0 or
    62 of a phone). `others`: names of those who stay, so that their name is not taken for this person's."""

    keys: frozenset[str]
    names: tuple[str, ...] = ()
    numbers: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()

    @cached_property
    def words(self) -> frozenset[str]:
        """Words that name this person and nobody who stays; all words of the name where there are none."""
        own = {word for name in self.names for word in name_tokens(name) if len(word) >= WORD_LETTERS_MIN}
        shared = {word for name in self.others for word in name_tokens(name)}
        return frozenset(own - shared or own)

    def with_words(self, texts: Iterable[str]) -> Marks:
        """These marks and what somebody typed: a number is a number, anything else a name."""
        numbers, names = set(self.numbers), list(self.names)
        for text in texts:
            found = number_of(text)
            if found:
                numbers.add(found)
            else:
                names.append(text)
        return Marks(self.keys, tuple(dict.fromkeys(names)), frozenset(numbers), self.others)


def marks_of(
    keys: Iterable[str], own: Iterable[Content], dictionary: Dictionary, others: Iterable[str] = ()
) -> Marks:
    """The marks of a person from the contents of the parts that are about the person (`own`)."""
    names: set[str] = set()
    numbers: set[str] = set()
    for content in own:
        names |= names_said(content, dictionary)
        for item in content.get("assertions", {}).values():
            value = item.get("value")
            numbers |= {number_of(value)} if isinstance(value, str) else set()
    return Marks(frozenset(keys), tuple(sorted(names)), frozenset(numbers - {""}), tuple(sorted(set(others))))


def names_said(content: Content, dictionary: Dictionary) -> set[str]:
    """What a person's own part, or a change about the person, says the name is; by former names of the question too."""
    found = set()
    for name, item in content.get("assertions", {}).items():
        value = item.get("value")
        if isinstance(value, str) and (name == SUBJECT or dictionary.present_name("p", name) == NAME):
            found.add(value)
    return found


def number_of(text: str) -> str:
    """The digits of a NIK or a phone as they are compared; empty for what is neither."""
    digits = _BETWEEN_DIGITS.sub("", text.strip().removeprefix("+"))
    if not digits.isascii() or not digits.isdecimal() or len(digits) < NUMBER_DIGITS_MIN:
        return ""
    if len(digits) < 16:
        digits = digits.removeprefix("62").removeprefix("0")
    return digits


def named_in(text: str, marks: Marks, *, sentence: bool) -> bool:
    """Whether a text names the person. `sentence`: free text, in which one word of the name is enough."""
    for run in _NUMBER.findall(text):
        # Numbers written one after the other are one run: so they are looked for inside it.
        digits = _BETWEEN_DIGITS.sub("", run)
        if any(number in digits for number in marks.numbers):
            return True
    words = name_tokens(text)
    if sum(letter.isalpha() for word in words for letter in word) < WORD_LETTERS_MIN:
        return False
    own = [name_tokens(name) for name in marks.names]
    if words not in own and any(name_tokens(other) == words for other in marks.others):
        return False
    if any(compatible(text, name) for name in marks.names):
        return True
    if any(name and set(name) <= set(words) for name in own):
        return True
    return sentence and not marks.words.isdisjoint(words)


def mentions(part: str, content: Content, marks: Marks, dictionary: Dictionary) -> tuple[str, ...]:
    """Pointers to what names the person in a part that is not the person's own, sorted."""
    scope = scope_of(part)
    found = []
    for name, item in content.get("assertions", {}).items():
        question = dictionary.field(scope, name)
        if question is not None and question.type not in SEARCHED_TYPES:
            continue
        if person_key_of(part) is not None and dictionary.present_name(scope, name) == NAME:
            continue  # father and son of one name: it is the other's own
        sentence = question is None or question.policy in FREE_POLICIES
        if any(named_in(text, marks, sentence=sentence) for text in _texts(item.get("value"))):
            found.append(f"a/{name}")
    found += [f"t/{pointer}" for pointer in _in_text(content.get("text", {}), marks, "")]
    return tuple(sorted(found))


def without(content: Content, pointers: Iterable[str]) -> dict[str, Any]:
    """The content without what the pointers name: an answer becomes `cleared`, a text is left out. A pointer to what
    is not there changes nothing."""
    out: dict[str, Any] = copy.deepcopy(dict(content))
    texts = []
    for pointer in pointers:
        sort, _, rest = pointer.partition("/")
        if sort == "t":
            texts.append([_unescaped(step) for step in rest.split("/")])
        elif (item := out.get("assertions", {}).get(rest)) is not None:
            kept = {name: value for name, value in item.items() if name in ("evidence", "corrects")}
            out["assertions"][rest] = {**kept, "state": "cleared"}
    # From the end of a list to its beginning, so that places named later stay where they are.
    for steps in sorted(texts, key=lambda each: [int(step) if step.isdecimal() else 0 for step in each], reverse=True):
        _drop(out.get("text", {}), steps)
    return out


def path_of(part: str, pointer: str) -> str:
    """The path under which an erasure names what it took: the question, or `_text` of the part."""
    sort, _, rest = pointer.partition("/")
    return f"{part}/{rest if sort == 'a' else '_text'}"


def own_parts(kind: str, body: Mapping[str, Any], parts: Iterable[str], keys: frozenset[str]) -> list[str]:
    """The parts of an event that go whole: the person's, what a change form about the person says of it, and what a
    decision about the person was written under. `parts`: names of its parts."""
    parts = list(parts)
    wanted = [name for name in parts if person_key_of(name) in keys]
    if kind == "change" and EVENT_PART in parts and _about(body, keys):
        wanted.append(EVENT_PART)
    if kind == "decision":
        covered = {pair["path"].rpartition("/")[0] for pair in body.get("covers", ())}
        if covered and covered <= {person_part(key) for key in keys}:
            wanted += [name for name in parts if name.startswith("p/") and name not in wanted]
    return sorted(wanted)


def _about(body: Mapping[str, Any], keys: frozenset[str]) -> bool:
    named = {body["person"]} if "person" in body else {move["person"] for move in body.get("moves", ())}
    return bool(named) and named <= keys


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _in_text(value: Any, marks: Marks, at: str) -> Iterator[str]:
    if isinstance(value, str):
        if value in marks.keys or named_in(value, marks, sentence=True):
            yield at
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            where = f"{at}/{_escaped(name)}" if at else _escaped(name)
            if any(f"{name}/".startswith(f"p/{key}/") for key in marks.keys):
                yield where
            else:
                yield from _in_text(inner, marks, where)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _in_text(inner, marks, f"{at}/{index}" if at else str(index))


def _drop(value: Any, steps: list[str]) -> None:
    *way, last = steps
    for step in way:
        if isinstance(value, list):
            value = value[int(step)] if step.isdecimal() and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value.pop(last, None)
    elif isinstance(value, list) and last.isdecimal() and int(last) < len(value):
        del value[int(last)]


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")
