"""What a set of backup files says of itself: when, of which server, how far, and the hash of each file.

No data of anybody is in it: regions, counts, hashes. It bears a code (HMAC) that only who has the backup key can make,
so that nobody slips in a set of his own, which anyone who knows the public half could encrypt.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from schemas.canonical import canonical_bytes_unchecked
from server.backups.age_files import BackupKey, Measured
from server.backups.problem import SetDamaged

FORMAT = 1
SNAPSHOT, BLOBS, ACCESS_LOG = "snapshot", "blobs", "access_log"
"""What the files of a set are: the database, the list of its blobs, the record of who opened what."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a set: its name, size and SHA-256, and those of what is inside."""

    name: str
    bytes: int
    sha256: str
    plain_bytes: int
    plain_sha256: str

    @classmethod
    def of(cls, name: str, measured: Measured) -> File:
        """A file that was just written."""
        return cls(name, measured.bytes, measured.sha256, measured.plain_bytes, measured.plain_sha256)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A set. `positions`: epoch id -> region -> last position. `chains`: region -> head of its chain, hex."""

    set: str
    created_ms: int
    created: str
    program: str
    schema: Sequence[str]
    server_id: str
    epoch: str
    recipient: str
    positions: Mapping[str, Mapping[str, int]]
    chains: Mapping[str, str]
    counts: Mapping[str, int]
    files: Mapping[str, File] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def size(self) -> int:
        """What the set takes on the disk, blobs apart."""
        return sum(file.bytes for file in self.files.values())

    def written(self, key: BackupKey) -> bytes:
        """The file as it lies in the set, with its code."""
        content = asdict(self)
        return (json.dumps(content | {"mac": _mac(content, key)}, indent=1, sort_keys=True) + "\n").encode()


@dataclass(frozen=True, slots=True)
class ReadManifest:
    """A manifest as it was found. `sha256` is that of its file; `content` and `mac` are for `proved_by`."""

    manifest: Manifest
    sha256: str
    mac: str
    content: Mapping[str, Any]

    def proved_by(self, keys: Sequence[BackupKey]) -> bool:
        """Whether one of the keys made it, and nothing in it was changed."""
        return any(
            key.recipient == self.manifest.recipient and hmac.compare_digest(self.mac, _mac(self.content, key))
            for key in keys
        )


def read_manifest(raw: bytes, where: str) -> ReadManifest:
    """The manifest in a file. Raises `SetDamaged`; a format of a newer program is told as such."""
    try:
        content = json.loads(raw)
        known = content.get("format")
        if isinstance(known, int) and known > FORMAT:
            raise SetDamaged(f"{where}: dibuat oleh Padan yang lebih baru (bentuk {known}). Pasang versi itu dahulu.")
        mac = content.pop("mac")
        files = {what: File(**file) for what, file in content["files"].items()}
        manifest = Manifest(**content | {"files": files})
        if known != FORMAT or not isinstance(mac, str) or not all(_plain_name(file.name) for file in files.values()):
            raise ValueError("not a manifest")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SetDamaged(f"{where}: manifest tidak terbaca ({type(error).__name__}).") from error
    return ReadManifest(manifest, hashlib.sha256(raw).hexdigest(), mac, content)


def _plain_name(name: str) -> bool:
    """A file of the set itself: no way out of its folder."""
    return bool(name) and "/" not in name and "\\" not in name and not name.startswith(".")


def _mac(content: Mapping[str, Any], key: BackupKey) -> str:
    secret = hmac.new(key.identity.encode(), b"padan backup manifest v1", hashlib.sha256).digest()
    return hmac.new(secret, canonical_bytes_unchecked(content), hashlib.sha256).hexdigest()
