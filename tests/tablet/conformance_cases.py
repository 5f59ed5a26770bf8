"""Random JSON and random events from fixed seeds, for the tests that compare the tablet's TypeScript with Python."""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Callable
from typing import Any

from schemas.event import Assertion, Part, seal

Ask = Callable[[str, list[Any]], list[Any]]
SEED = 20261125
REGION, VILLAGE = "19.03", "19.03.01.1001"
TEXTS = (
    "",
    "Jl. Melati 1",
    'a "quoted" \\ back',
    "\t\n\r\b\f\x01\x1f",
    "é ü ñ",
    "\u2028\u2029",
    "😀 𝔘",
    "/",
    "9171010101900001",
)


class Cases:
    """Random JSON and random events, the same in each run."""

    def __init__(self, seed: int = SEED) -> None:
        self.chance = random.Random(seed)

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def hex(self, count: int) -> str:
        return self.chance.randbytes(count).hex()

    def value(self, depth: int = 0) -> Any:
        kind = self.chance.randrange(8 if depth < 4 else 5)
        if kind == 0:
            return self.chance.choice([None, True, False])
        if kind == 1:
            return self.chance.choice([0, -1, 2**53 - 1, -(2**53) + 1, self.chance.randrange(-(10**9), 10**9)])
        if kind in (2, 3, 4):
            return self.chance.choice(TEXTS) + "".join(self.chance.choices(string.printable + "éπ漢🙂", k=5))
        if kind in (5, 6):
            keys = [
                "".join(self.chance.choices(string.ascii_letters + string.digits + ' _.-/"\\~', k=3)) for _ in range(4)
            ]
            return {key: self.value(depth + 1) for key in keys}
        return [self.value(depth + 1) for _ in range(self.chance.randrange(4))]

    def to_seal(self) -> dict[str, Any]:
        """What both sides are given to seal."""
        household = self.uuid()
        names = ["h", *(f"p/{household}/{self.uuid()}" for _ in range(self.chance.randrange(4)))]
        parts = [
            {
                "name": name,
                "assertions": {
                    f"q{n}": self.assertion() for n in self.chance.sample(range(20), self.chance.randrange(1, 6))
                },
                "text": {} if self.chance.random() < 0.7 else {"note": self.chance.choice(TEXTS)},
            }
            for name in names
        ]
        return {
            "id": self.uuid(),
            "kind": "submission",
            "household_id": household,
            "home_region": REGION,
            "form": {"id": "verifikasi_keluarga", "version": "2026112101", "hash": self.hex(32)},
            "actor": "psm01",
            "area": VILLAGE,
            "context": [{"ref": self.hex(16), "household_id": self.uuid()} for _ in range(self.chance.randrange(5))],
            "also": [{"household_id": self.uuid(), "home_region": REGION} for _ in range(self.chance.randrange(3))],
            "not_before": self.chance.choice([None, "2026-11-25T01:02:03Z"]),
            "attachments": {"h/photo_front": {"sha256": self.hex(32), "bytes": 12345, "mime": "image/jpeg"}},
            "body": {},
            "parts": parts,
            "salts": {name: self.hex(16) for name in names},
        }

    def assertion(self) -> dict[str, Any]:
        """An answer, a state, or a correction."""
        kind = self.chance.randrange(4)
        if kind == 0:
            return {"evidence": 2, "state": self.chance.choice(["declined", "unknown", "cleared"])}
        if kind == 1:
            return {"evidence": 3, "value": {"lat": -2987654, "lon": 106456789, "acc_dm": 80}, "corrects": self.hex(16)}
        return {"evidence": self.chance.randrange(5), "value": self.chance.choice([*TEXTS, 7, ["1", "3"]])}


def by_python(given: dict[str, Any]) -> dict[str, Any]:
    """The same event sealed by schemas/event.py."""
    parts = [
        Part(each["name"], {name: Assertion.from_json(raw) for name, raw in each["assertions"].items()}, each["text"])
        for each in given["parts"]
    ]
    context = {each["ref"]: each["household_id"] for each in given["context"]}
    also = [(each["household_id"], each["home_region"]) for each in given["also"]]
    kept = {name: given[name] for name in given.keys() - {"parts", "context", "also"}}
    return seal(parts=parts, context=context, also=also, **kept)
