"""Photos for tests: pixels of a fixed noise, files of a given size, events that name them."""

from __future__ import annotations

import hashlib
import io
import random
from typing import Any

from PIL import Image


def sha(data: bytes) -> str:
    """SHA-256 as it is written everywhere."""
    return hashlib.sha256(data).hexdigest()


def pixels(width: int, height: int, seed: int = 1) -> Image.Image:
    """An image that no encoder makes small."""
    return Image.frombytes("RGB", (width, height), random.Random(seed).randbytes(width * height * 3))


def jpeg(width: int = 320, height: int = 240, seed: int = 1, **options: Any) -> bytes:
    """A photo as a camera writes it."""
    out = io.BytesIO()
    pixels(width, height, seed).save(out, "JPEG", **options)
    return out.getvalue()


def photo_of(size: int, seed: int = 1) -> bytes:
    """A JPEG of exactly `size` bytes: a picture, and behind its end what fills it up."""
    data = jpeg(64, 48, seed)
    return data + random.Random(seed).randbytes(size - len(data))


def named(*contents: bytes, mime: str = "image/jpeg", bytes_said: int | None = None) -> dict[str, Any]:
    """`attachments` of an event that names files."""
    return {
        f"h/photo_{number}": {
            "sha256": sha(data),
            "bytes": len(data) if bytes_said is None else bytes_said,
            "mime": mime,
        }
        for number, data in enumerate(contents, 1)
    }
