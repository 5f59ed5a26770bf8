"""Photos for tests: pixels of a fixed noise, files of a given size, events that name them."""

from __future__ import annotations

import hashlib
import io
import random
from typing import Any

from PIL import Image

from server.auth.callers import Caller
from server.blobs.storage import BlobStorage
from server.flows.blob_upload import receive
from server.store import devices


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
    data = jpeg(16, 12, seed)
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


def tablet(world: Any, install: str = "tablet-1") -> Caller:
    """The caller that a tablet's deposit token stands for."""
    found = devices.install_of(world.db, install)
    assert found is not None
    return Caller("deposit", found.officer, (), found)


def form(world: Any, *contents: bytes, household: str | None = None, **more: Any) -> str:
    """A form that names photos, pushed; its ref."""
    envelope = world.sealed(household or world.uuid(), {"address": "x"}, attachments=named(*contents), **more)
    (answer,) = world.push(envelope, install=more.get("install", "tablet-1"))
    assert answer.status in ("stored", "held")
    return str(envelope["payload_hash"][:32])


def sent(world: Any, storage: BlobStorage, data: bytes, install: str = "tablet-1", upto: int | None = None) -> None:
    """A tablet sends a file, or the beginning of it, in one piece."""
    receive(world.db, storage, tablet(world, install), sha(data), 0, data[:upto], world.now_ms)
