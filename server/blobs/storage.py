"""What Padan asks of the place where bytes of photos lie. A folder does it (`folder.py`); an object store can.

Names are made here or checked here: a SHA-256 as 64 hex digits, the name of an upload as `upload_name` makes it. What a
tablet calls its file, and what kind of file it says it is, never reaches this place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from schemas.canonical import sha256_hex

VIEW, THUMB = "view", "thumb"
SIZES = (VIEW, THUMB)
"""In which sizes an image is shown; both are written anew by us (server/images/)."""


class StorageBusy(Exception):
    """Another request works on the same upload and did not end in time; asking again is safe."""


class UploadGone(Exception):
    """The upload is not there up to the offset any more: another request has published it, or thrown it away."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that lies there: its name, how many bytes, and when it was last written."""

    name: str
    bytes: int
    changed_ms: int


def upload_name(sha256: str, install: str) -> str:
    """Under which name the bytes of one tablet's upload are gathered."""
    return sha256_hex(f"{sha256}/{install}".encode())


class BlobStorage(Protocol):
    """Every method may raise `OSError`: nothing was done then, or what was done can be done again."""

    def received(self, upload: str) -> int:
        """How many bytes of an upload lie here; 0 where there is none."""
        ...

    def append(self, upload: str, offset: int, data: bytes) -> None:
        """Write at the offset, without a gap; when this returns they survive a power cut. Raises `StorageBusy`,
        `UploadGone`."""
        ...

    def publish(self, upload: str, sha256: str, size: int) -> bool:
        """The upload becomes the file of that hash. False, and the upload is thrown away, where it is not `size` bytes
        long or does not give the hash. Raises `StorageBusy`, `UploadGone`."""
        ...

    def discard(self, upload: str) -> None:
        """Throw an upload away; nothing happens where there is none."""
        ...

    def uploads(self) -> Iterator[Kept]:
        """Every upload that lies here."""
        ...

    def size(self, sha256: str) -> int | None:
        """Bytes of a file; None where it is not here."""
        ...

    def open(self, sha256: str) -> BinaryIO:
        """The bytes of a file, as they came. Raises `FileNotFoundError`."""
        ...

    def files(self) -> Iterator[Kept]:
        """Every file that lies here, by hash."""
        ...

    def remove(self, sha256: str) -> None:
        """Remove a file and all that was made of it; nothing happens where it is not here."""
        ...

    def set_aside(self, sha256: str) -> None:
        """Move a file whose bytes no longer give its hash out of the way, so that it can be sent again."""
        ...

    def put_image(self, sha256: str, size: str, data: bytes) -> None:
        """Keep what is shown of a photo, in one of `SIZES`. It can be made again at any time."""
        ...

    def image(self, sha256: str, size: str) -> bytes:
        """What is shown of a photo. Raises `FileNotFoundError`."""
        ...

    def free_bytes(self) -> int:
        """How much more fits in."""
        ...

    def writable(self) -> bool:
        """Whether anything could be written now."""
        ...
