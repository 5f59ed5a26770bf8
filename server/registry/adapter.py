"""The contract of a registry adapter and the values it answers with. No network, no file, no clock here.

An adapter makes one attempt and says what is known afterwards; when to try again is a row's business
(`sync.delivery`, `sync.pacing`). Source: domain.md section 6, "Adapter contract".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sync.delivery import DELIVER, WITHDRAW


@dataclass(frozen=True, slots=True)
class Delivery:
    """One outbox row as it goes out. `payload` is None for a withdrawal. `content_digest`: of the payload, or ""."""

    action: str
    household_id: str
    home_region: str
    version: int
    idempotency_key: str
    campaign: str
    content_digest: str = ""
    payload: Mapping[str, Any] | None = field(default=None, repr=False)
    reason: str = ""

    def __post_init__(self) -> None:
        if (self.action == DELIVER) != (self.payload is not None) or self.action not in (DELIVER, WITHDRAW):
            raise ValueError("a delivery has a payload, a withdrawal has none")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the registry says it applied. `number` is its own name of the receipt; `applied_at` RFC 3339, UTC."""

    number: str
    household_id: str
    version: int
    action: str
    content_digest: str
    idempotency_key: str
    applied_at: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """Applied now."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Applied before, under this key; the first receipt again. As good as `Accepted`."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Rejected:
    """The registry's no to this record: a dead letter. `field` is a column or a JSON pointer, or ""."""

    code: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A NIK of this record stands or is reserved under another household (`holder`)."""

    holder: str
    nik: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Stale:
    """The version was used already with other content: number anew from `last_version` + 1."""

    last_version: int


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Surely not applied; try again, after `after_s` seconds if it said so. `quota`: used up until 00:00 WIB."""

    after_s: int | None
    reason: str
    quota: bool = False


@dataclass(frozen=True, slots=True)
class Uncertain:
    """May or may not have been applied: ask before sending again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Handed:
    """Given to people in a batch file; their answer comes later. No failure, and not applied yet."""

    batch: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The registry does not know us (key, clock, address): nothing was applied or will be until that is mended."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Answer to `ask`: the registry remembers no such key."""


@dataclass(frozen=True, slots=True)
class LastVersion:
    """What stands under a household id. `version` 0: it never heard of it. `content_digest` "" once withdrawn."""

    version: int
    withdrawn: bool = False
    content_digest: str = ""
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class RegionDigest:
    """What stands in a region. `rows`: `(household id, version, content digest)`, ascending, if asked for."""

    region: str
    count: int
    digest: str
    rows: tuple[tuple[str, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NotOffered:
    """This registry has no such question."""

    what: str


Outcome = Accepted | Duplicate | Rejected | Taken | Stale | Handed | RetryLater | Uncertain | Refused
NoAnswer = RetryLater | Uncertain | Refused
Asked = Accepted | Rejected | Unknown | Handed | NoAnswer


class Adapter(Protocol):
    """What the worker needs of a registry."""

    name: str

    def push(self, batch: Sequence[Delivery]) -> list[Outcome]:
        """One attempt for each; outcomes in the order of the batch. Raises nothing for what the far side does."""

    def ask(self, idempotency_key: str) -> Asked:
        """Did you get it?"""

    def last_version(self, household_id: str) -> LastVersion | NotOffered | NoAnswer:
        """The last version applied, withdrawals counted."""

    def digest(self, region: str, *, rows: bool = False) -> RegionDigest | NotOffered | NoAnswer:
        """For reconciliation: `sync.delivery.region_digest` over what stands in a region."""
