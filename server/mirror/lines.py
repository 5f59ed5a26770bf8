"""The lines of a pull: one JSON object each, read without ever writing a record's JSON again. Pure: no file, no socket.

A household's line ends with `,"data":{...}}`. The record is cut out of the line as the bytes that came, so that the
mirror holds what the server stores, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from server.mirror.problem import LineProblem

LINE_BYTES_MAX = 64 * 1024 * 1024
"""A record of 100 persons is 300 KB; whatever is longer than this is no line of ours."""

_DATA = b',"data":'


@dataclass(frozen=True, slots=True)
class HouseholdLine:
    """A merged household. `data`: the record as it came; `record`: the same, parsed."""

    household_id: str
    home_region: str
    area: str
    state: str
    position: int
    identity: Sequence[Mapping[str, Any]]
    data: bytes
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AliasLine:
    """An id that was merged into another household."""

    household_id: str
    home_region: str
    canonical_id: str
    position: int


@dataclass(frozen=True, slots=True)
class GoneLine:
    """A household that is no longer in `area`: it lies elsewhere, or is in another state than was asked for."""

    household_id: str
    area: str
    position: int


@dataclass(frozen=True, slots=True)
class ErasedLine:
    """Answers of this household were erased on demand; its record, which comes as a line of its own, lacks them."""

    household_id: str
    home_region: str


@dataclass(frozen=True, slots=True)
class PageLine:
    """The last line of a page; without it the page was cut off."""

    cursor: str
    more: bool
    server_id: str
    epoch: str


Line = HouseholdLine | AliasLine | GoneLine | ErasedLine | PageLine


def read_line(raw: bytes) -> Line:
    """One line without its line feed. Raises `LineProblem`."""
    cut = raw.find(_DATA)
    head = _object(raw if cut < 0 else raw[:cut] + b"}")
    try:
        if head["kind"] == "household":
            return _household(raw, cut, head)
        if head["kind"] == "alias":
            return AliasLine(head["household_id"], head["home_region"], head["canonical_id"], head["position"])
        if head["kind"] == "removed":
            return GoneLine(head["household_id"], head["area"], head["position"])
        if head["kind"] == "erased":
            return ErasedLine(head["household_id"], head["home_region"])
        if head["kind"] == "page":
            return PageLine(head["cursor"], head["more"], head["server_id"], head["epoch"])
    except KeyError as error:
        raise LineProblem(f"baris {head.get('kind')} tanpa {error}") from None
    raise LineProblem(f"jenis baris {head['kind']!r} tidak dikenal; perbarui Padan di mesin ini")


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their line feeds; what follows the last line feed is a cut-off line and is not given out."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        for piece in whole:
            yield b"".join([*held, piece])
            held, size = [], 0
        if rest:
            held.append(rest)
            size += len(rest)
        if size > LINE_BYTES_MAX:
            raise LineProblem(f"satu baris lebih dari {LINE_BYTES_MAX} byte")


def _household(raw: bytes, cut: int, head: Mapping[str, Any]) -> HouseholdLine:
    # The head closes before `,"data":` and the rest is one object: then, and only then, is the rest the member `data`.
    if cut < 0:
        raise LineProblem("baris household tanpa data")
    data = raw[cut + len(_DATA) : -1] if raw.endswith(b"}") else b""
    record = _object(data)
    if record.get("household_id") != head["household_id"]:
        raise LineProblem("catatan dan barisnya menyebut keluarga yang berbeda")
    return HouseholdLine(
        head["household_id"],
        head["home_region"],
        head["area"],
        head["state"],
        head["position"],
        head["identity"],
        data,
        record,
    )


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise LineProblem("bukan JSON yang utuh") from None
    if not isinstance(found, dict):
        raise LineProblem("bukan objek JSON")
    return found
