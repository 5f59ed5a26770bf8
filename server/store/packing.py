"""Trails as they are stored: packed, for they say the same few refs over and over and are rarely read."""

from __future__ import annotations

import zlib

LEVEL = 1
"""A trail of the whole form: 31.7 KB become 1.5 KB; level 6 would save another 0.1 KB for three times the work."""


def pack(raw: bytes) -> bytes:
    """As it is stored. Which bytes these are depends on the library's version: compare what `unpack` gives."""
    return zlib.compress(raw, LEVEL)


def unpack(stored: bytes) -> bytes:
    """What was packed. Bytes that were never packed, or are damaged (the stream bears a checksum), come back as they
    are: `padan rebuild --check` then names them instead of stumbling over them."""
    try:
        return zlib.decompress(stored)
    except zlib.error:
        return stored
