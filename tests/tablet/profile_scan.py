"""Looks into everything a browser leaves in its profile folder: as it lies there, and inflated where it is packed.

LevelDB tables are read block by block (Snappy), gzip and zlib streams are inflated where one begins. A needle is looked
for as UTF-8, as UTF-16 and as base64 of either, whatever the letters' case. Knows nothing of the app.
"""

from __future__ import annotations

import base64
import contextlib
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

TABLE_MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER_BYTES, TRAILER_BYTES = 48, 5
SNAPPY = 1
INFLATED_MAX = 64 * 1024 * 1024


def scan(profile: Path, needles: Iterable[str]) -> dict[str, Counter[str]]:
    """needle -> file (relative) -> how often it was met there."""
    forms = {needle: forms_of(needle) for needle in needles}
    found: dict[str, Counter[str]] = {needle: Counter() for needle in forms}
    for path in sorted(profile.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        for content in contents(path.read_bytes()):
            low = content.lower()
            for needle, wanted in forms.items():
                hits = sum(low.count(each) for each in wanted)
                if hits:
                    found[needle][path.relative_to(profile).as_posix()] += hits
    return found


def forms_of(needle: str) -> set[bytes]:
    """The bytes a text can lie there as, in lower case."""
    forms = {needle.encode().lower(), needle.encode("utf-16-le").lower()}
    for shift in range(3):
        # Base64 of a text inside another depends on where it begins; the first and last letters are not its own.
        packed = base64.b64encode(b"\0" * shift + needle.encode())[4 if shift else 0 : -4]
        if len(packed) >= 8:
            forms.add(packed.lower())
    return forms


def contents(raw: bytes) -> Iterator[bytes]:
    """The bytes of a file, and everything that is packed in it."""
    yield raw
    if raw[-8:] == TABLE_MAGIC:
        yield from _blocks(raw)
    for magic, bits in ((b"\x1f\x8b\x08", 31), (b"\x78\x9c", 15), (b"\x78\xda", 15), (b"\x78\x01", 15)):
        at = raw.find(magic)
        while at >= 0:
            with contextlib.suppress(zlib.error):
                inflated = zlib.decompressobj(bits).decompress(raw[at:], INFLATED_MAX)
                if len(inflated) > 64:
                    yield inflated
            at = raw.find(magic, at + 1)


def _blocks(raw: bytes) -> Iterator[bytes]:
    """The blocks of a LevelDB table, unpacked."""
    footer = raw[-FOOTER_BYTES:]
    _, at = _varint(footer, 0)
    _, at = _varint(footer, at)
    offset, at = _varint(footer, at)
    size, _ = _varint(footer, at)
    index = _block(raw, offset, size)
    for handle in _values(index):
        start, after = _varint(handle, 0)
        length, _ = _varint(handle, after)
        yield _block(raw, start, length)


def _block(raw: bytes, offset: int, size: int) -> bytes:
    body, kind = raw[offset : offset + size], raw[offset + size]
    return unsnappy(body) if kind == SNAPPY else body


def _values(block: bytes) -> Iterator[bytes]:
    restarts = int.from_bytes(block[-4:], "little")
    at, end = 0, len(block) - 4 - 4 * restarts
    while at < end:
        _, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        yield block[at + fresh : at + fresh + length]
        at += fresh + length


def unsnappy(packed: bytes) -> bytes:
    """Snappy's raw format, inflated."""
    _, at = _varint(packed, 0)
    out = bytearray()
    while at < len(packed):
        tag = packed[at]
        at += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                count = length - 59
                length = int.from_bytes(packed[at : at + count], "little")
                at += count
            out += packed[at : at + length + 1]
            at += length + 1
            continue
        if tag & 3 == 1:
            length, back = 4 + ((tag >> 2) & 7), ((tag >> 5) << 8) | packed[at]
            at += 1
        else:
            count = 2 if tag & 3 == 2 else 4
            length, back = 1 + (tag >> 2), int.from_bytes(packed[at : at + count], "little")
            at += count
        for _ in range(length):
            out.append(out[-back])
    return bytes(out)


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
