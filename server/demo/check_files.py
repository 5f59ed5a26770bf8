"""Was anything lost, does anybody stand twice, is the mirror equal? Reads files, and imports nothing of Padan.

Run by itself: `python -I check_files.py --server FILE --records FILE --mirror FILE --registry FILE TABLET...`. The log
is read from `--server`, the merged records from `--records` (the same file). It prints one JSON object. What it knows
of the files is what docs/ says of them; it recomputes hashes with the standard library alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from typing import Any


def main() -> int:
    """Check the files named on the command line; the exit status is 0 whatever was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("server", "records", "mirror", "registry"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("tablets", nargs="+", type=Path)
    args = parser.parse_args()
    sealed, broken = sealed_on_tablets(args.tablets)
    logged, kept = in_server(args.server)
    lost = [ref for ref in sealed if ref not in logged and ref not in kept]
    differing = mirror_differences(args.records, args.mirror)
    print(
        json.dumps(
            {
                "tablets": len(args.tablets),
                "sealed_on_tablets": len(sealed),
                "hash_broken_on_tablets": broken,
                "lost": len(lost),
                "lost_refs": sorted(lost)[:20],
                "twice_in_log": sum(1 for ref in sealed if logged.get(ref, 0) > 1),
                "registry_duplicates": persons_standing_twice(args.registry),
                "registry_records": len(rows(args.registry, "select 1 from records where withdrawn = 0")),
                "mirror_households": len(rows(args.mirror, "select 1 from households")),
                "mirror_equals_server": not differing,
                "mirror_differences": differing[:20],
            }
        )
    )
    return 0


def sealed_on_tablets(files: list[Path]) -> tuple[set[str], int]:
    """Payload hashes of every sealed event on the tablets, and how many do not hash to what they claim."""
    found: set[str] = set()
    broken = 0
    for file in files:
        for claimed, text in rows(file, "select payload_hash, envelope from events"):
            found.add(claimed)
            envelope = json.loads(text)
            if all("assertions" in part for part in envelope["parts"]) and payload_hash(envelope) != claimed:
                broken += 1
    return found, broken


def in_server(file: Path) -> tuple[Counter[str], set[str]]:
    """Payload hash -> rows of one region's log, for rows whose content hashes to it; and hashes of kept raw items."""
    parts: dict[tuple[Any, ...], dict[str, str]] = {}
    stored = "select home_region, epoch, position, name, salt, content from parts"
    for region, epoch, position, name, salt, content in rows(file, stored):
        if content is not None:
            digest = hashlib.sha256(bytes.fromhex(salt) + bytes(content)).hexdigest()
            parts.setdefault((region, epoch, position), {})[name] = digest
    logged: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    query = "select home_region, epoch, position, head, part_hashes, payload_hash from log"
    for region, epoch, position, head, part_hashes, claimed in rows(file, query):
        hashes = json.loads(part_hashes)
        own = parts.get((region, epoch, position), {})
        if any(hashes.get(name) != digest for name, digest in own.items()):
            continue
        if canonical_hash({"head": json.loads(head), "parts": hashes}) == claimed:
            logged[claimed] += (region, claimed) in seen or claimed not in logged
            seen.add((region, claimed))
    kept = set()
    for (raw,) in rows(file, "select bytes from unreadable"):
        try:
            kept.add(json.loads(bytes(raw))["payload_hash"])
        except (ValueError, KeyError, TypeError):
            continue
    return logged, kept


def persons_standing_twice(file: Path) -> int:
    """Persons who stand more than once in records that are not withdrawn: by NIK, and by any of their keys."""
    niks: Counter[str] = Counter()
    keys: Counter[str] = Counter()
    for (payload,) in rows(file, "select payload from records where withdrawn = 0"):
        for person in json.loads(payload)["persons"]:
            if person["nik"]:
                niks[person["nik"]] += 1
            for key in set(person.get("keys") or [person["key"]]):
                keys[key] += 1
    return sum(count - 1 for count in niks.values()) + sum(count - 1 for count in keys.values() if count > 1)


def mirror_differences(server: Path, mirror: Path) -> list[str]:
    """Household ids whose merged record on the server is not, byte for byte, what the mirror holds."""
    there = {hid: bytes(data) for hid, data in rows(server, "select household_id, data from households")}
    here = {hid: as_bytes(data) for hid, data in rows(mirror, "select household_id, data from households")}
    return sorted(hid for hid in there.keys() | here.keys() if there.get(hid) != here.get(hid))


def as_bytes(value: Any) -> bytes:
    """A text or blob column as bytes."""
    return value.encode() if isinstance(value, str) else bytes(value)


def payload_hash(envelope: dict[str, Any]) -> str:
    """SHA-256 over the canonical head and the salted hash of each part (docs/protocol.md)."""
    hashes = {
        part["name"]: hashlib.sha256(
            bytes.fromhex(part["salt"]) + canonical({"assertions": part["assertions"], "text": part["text"]})
        ).hexdigest()
        for part in envelope["parts"]
    }
    return canonical_hash({"head": envelope["head"], "parts": hashes})


def canonical(value: Any) -> bytes:
    """Canonical JSON: sorted keys, no white space, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def canonical_hash(value: Any) -> str:
    """SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()


def rows(file: Path, query: str) -> list[tuple[Any, ...]]:
    """All rows of a query, from a file opened for reading only."""
    if not file.exists():
        raise SystemExit(f"{file}: not there")
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
