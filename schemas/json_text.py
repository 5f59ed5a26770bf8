"""Reading JSON that came from outside: bounded in depth, no key twice, and one broken item never blocks the others.

A body of items is cut into the bytes of each item before any of them is read, so that an item which is no JSON can
still be kept exactly as it came. The caller bounds the size before anything gets here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.canonical import NotCanonical, check_text
from schemas.limits import JSON_DEPTH_MAX

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)
_SPACE = " \t\r\n"
_OPEN, _CLOSE = "[{", "]}"
_GAP = re.compile(r"[ \t\r\n]*(?:(,)[ \t\r\n]*|(?=\]))")


class JsonProblem(ValueError):
    """Text that is not acceptable JSON: `code` from the catalogue of problems, `where` a place in it."""

    def __init__(self, code: str, where: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.where = where


@dataclass(frozen=True, slots=True)
class RawItem:
    """One item of a body: its bytes as they came, and either its value or the reason why it has none."""

    raw: bytes
    value: Any = None
    problem: JsonProblem | None = None


def read_json(body: bytes, *, any_text: bool = False) -> Any:
    """The value of a JSON document. Raises `JsonProblem` (bad_json, json_too_deep, duplicate_key, bad_text).

    `any_text`: NUL and lone surrogates pass; for what is only kept, and written with every such character escaped.
    """
    value = _read(_text(body))
    _check(value, any_text)
    return value


def read_item(raw: bytes) -> RawItem:
    """One item. Its texts and depth are judged later, by the envelope check; here it only has to be JSON."""
    value = _same_again(raw)
    if value is not None:
        return RawItem(raw, value)
    try:
        return RawItem(raw, _read(raw.decode("utf-8")))
    except UnicodeDecodeError as error:
        return RawItem(raw, None, JsonProblem("bad_json", f"byte {error.start}", "not UTF-8"))
    except JsonProblem as problem:
        return RawItem(raw, None, problem)


def read_items(body: bytes, member: str) -> list[RawItem]:
    """The items of `{"<member>": [...]}`. Raises `JsonProblem` only where that outer form cannot be made out."""
    whole = _same_again(body)
    if type(whole) is dict and whole.keys() == {member} and type(whole[member]) is list:
        return [RawItem(orjson.dumps(item), item) for item in whole[member]]
    quick = _quick(body, member)
    if quick is not None:
        return quick
    # Bytes that are no UTF-8 come back unchanged from an item: they must not keep the other items out.
    text = body.decode("utf-8", "surrogateescape")
    start = re.match(rf'[{_SPACE}]*\{{[{_SPACE}]*"{member}"[{_SPACE}]*:[{_SPACE}]*\[', text)
    if start is None:
        _explain(body, member)
    items, end = _slices(text, start.end() if start else 0)
    if text[end:].strip(_SPACE) != "}":
        raise JsonProblem("bad_json", f"character {end}", f'after the list of "{member}" one }} must follow, no more')
    return [read_item(item.encode("utf-8", "surrogateescape")) for item in items]


def _same_again(text: bytes) -> Any:
    """The value of JSON that orjson writes again byte for byte, as a tablet's is; None for any other.

    Nothing was lost in such a text: no key stood twice, no number was rounded. Whatever else there is has to be read
    the careful way, which says what is wrong.
    """
    try:
        value = orjson.loads(text)
        return value if orjson.dumps(value) == text else None
    except (orjson.JSONDecodeError, TypeError):  # TypeError: deeper than orjson writes
        return None


def _quick(body: bytes, member: str) -> list[RawItem] | None:
    """The items of a body in which everything is JSON, in one pass; None for any other body."""
    try:
        text = body.decode("utf-8")
        start = re.match(rf'[{_SPACE}]*\{{[{_SPACE}]*"{member}"[{_SPACE}]*:[{_SPACE}]*\[[{_SPACE}]*', text)
        items: list[RawItem] = []
        at = start.end() if start else len(text)
        while text[at] != "]":
            value, end = _DECODER.raw_decode(text, at)
            items.append(RawItem(text[at:end].encode(), value))
            gap = _GAP.match(text, end)
            if gap is None or (gap.group(1) and text[gap.end()] == "]"):
                return None
            at = gap.end()
        return items if text[at + 1 :].strip(_SPACE) == "}" else None
    except (ValueError, IndexError, RecursionError):
        return None


def _slices(text: str, start: int) -> tuple[list[str], int]:
    """The texts of the items of a list that begins at `start`, and where the list ends. Never recurses."""
    items: list[str] = []
    depth, begin = 0, start
    for token in _TOKEN.finditer(text, start):
        sign = token.group()[0]
        if sign in _OPEN:
            depth += 1
        elif sign in _CLOSE and depth > 0:
            depth -= 1
        elif sign == "}" or (sign in ",]" and depth == 0):
            if sign == "}":
                break
            items.append(text[begin : token.start()].strip(_SPACE))
            begin = token.end()
            if sign == "]":
                return ([] if items == [""] else items), token.end()
    raise JsonProblem("bad_json", f"character {len(text)}", "the list of items does not end")


def _explain(body: bytes, member: str) -> None:
    """The body has not the outer form: say what it is instead."""
    value = _read(_text(body))
    found = "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else "a single value"
    if isinstance(value, dict) and member in value:
        raise JsonProblem("bad_json", "$", f'the body must be an object with the one member "{member}", a list')
    raise JsonProblem("bad_json", "$", f'the body is {found}; wanted is {{"{member}": [...]}}')


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonProblem("bad_json", f"byte {error.start}", "not UTF-8") from None


def _read(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise JsonProblem("bad_json", f"character {error.pos}", error.msg) from None
    except RecursionError:
        raise JsonProblem("json_too_deep", "$", f"nested deeper than {JSON_DEPTH_MAX}") from None
    except JsonProblem:
        raise
    except ValueError:  # an integer of more digits than the interpreter converts
        raise JsonProblem("bad_json", "$", "a number has too many digits") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise JsonProblem("duplicate_key", ascii(key)[:80], "an object names this key twice")
            seen.add(key)
    return made


def _constant(name: str) -> Any:
    raise JsonProblem("bad_json", name, f"{name} is not JSON")


def _check(value: Any, any_text: bool) -> None:
    for where, depth, item in _walk(value):
        if depth > JSON_DEPTH_MAX:
            raise JsonProblem("json_too_deep", where, f"nested deeper than {JSON_DEPTH_MAX}")
        try:
            if isinstance(item, str) and not any_text:
                check_text(item, where)
        except NotCanonical as error:
            raise JsonProblem("bad_text", where, str(error)) from None


def _walk(value: Any) -> Iterator[tuple[str, int, Any]]:
    """Every value with its place and depth, keys as values of their own; a list of work, no recursion."""
    work: list[tuple[str, int, Any]] = [("$", 0, value)]
    while work:
        where, depth, item = work.pop()
        yield where, depth, item
        if depth > JSON_DEPTH_MAX:
            return
        if isinstance(item, dict):
            for key, inner in item.items():
                yield f"{where}, a key", depth, key
                work.append((f"{where}.{ascii(key)[1:40]}", depth + 1, inner))
        elif isinstance(item, list):
            work.extend((f"{where}[{index}]", depth + 1, inner) for index, inner in enumerate(item))


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
