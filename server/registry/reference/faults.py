"""Fault switches of the reference registry: what goes wrong, how often, for whom; the same again with the same seed.

Whether a fault strikes depends on the seed, the switch, the request's idempotency key (or path) and how often that
came by, and on nothing else: not on time, threads or the order of other requests (`total` alone counts over all).
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

NAMES: Mapping[str, str] = {
    "reject": "answers 422 with `code`, `field`, `message`",
    "delay": "waits `ms` before answering (after applying)",
    "drop_before": "closes the connection without applying",
    "drop_answer": "applies, then closes the connection without an answer",
    "too_many": "429 with `Retry-After: retry_after_s`",
    "server_error": "`status` (500, 502, 503, 504) without applying",
    "error_after": "applies, then answers `status`",
    "forget_keys": "forgets every idempotency key at once and remembers none while it is on",
    "quota_used_up": "429 `quota_used_up`, `Retry-After` until 00:00 WIB",
    "say_duplicate": "calls a first application a duplicate",
}


@dataclass(frozen=True, slots=True)
class Switch:
    """One fault. `permille` of requests (0..1000), at most `per_key` times per key and `total` times in all (0: no
    limit); only for `households` if any are named; `reads`: GET requests too."""

    permille: int = 1000
    per_key: int = 0
    total: int = 0
    households: tuple[str, ...] = ()
    reads: bool = False
    code: str = "rejected"
    field: str = ""
    message: str = "ditolak (saklar uji)"
    ms: int = 1000
    retry_after_s: int = 2
    status: int = 503


class BadSwitch(ValueError):
    """A fault switch that cannot be read; the message says which part and what it may be."""


class Faults:
    """The switches of a running registry; they can be changed while it runs."""

    def __init__(self, seed: int = 0, switches: Mapping[str, Switch] | None = None) -> None:
        self.seed = seed
        self._switches = dict(switches or {})
        self._lock = threading.Lock()
        self._came: Counter[tuple[str, str]] = Counter()
        self._struck: Counter[tuple[str, str]] = Counter()
        self._struck_in_all: Counter[str] = Counter()

    def set(self, switches: Mapping[str, Switch]) -> None:
        """Replace all switches; the counters start anew."""
        with self._lock:
            self._switches = dict(switches)
            self._came.clear()
            self._struck.clear()
            self._struck_in_all.clear()

    def on(self, name: str) -> bool:
        """Whether a switch is set at all."""
        return name in self._switches

    def strikes(self, name: str, subject: str, household_id: str, *, reading: bool = False) -> Switch | None:
        """The switch if it strikes this request. `subject`: the idempotency key, or the path of a read."""
        with self._lock:
            switch = self._switches.get(name)
            if switch is None or (reading and not switch.reads):
                return None
            if switch.households and household_id not in switch.households:
                return None
            self._came[name, subject] += 1
            if switch.per_key and self._struck[name, subject] >= switch.per_key:
                return None
            if switch.total and self._struck_in_all[name] >= switch.total:
                return None
            if self._roll(name, subject, self._came[name, subject]) >= switch.permille:
                return None
            self._struck[name, subject] += 1
            self._struck_in_all[name] += 1
            return switch

    def as_json(self) -> dict[str, Any]:
        """Switches and how often each struck."""
        with self._lock:
            switches = {name: switch_as_json(switch) for name, switch in sorted(self._switches.items())}
            return {"seed": self.seed, "switches": switches, "struck": dict(sorted(self._struck_in_all.items()))}

    def _roll(self, name: str, subject: str, time: int) -> int:
        text = f"{self.seed}|{name}|{subject}|{time}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % 1000


def switches_from_json(value: Any) -> dict[str, Switch]:
    """Switches from `{name: {member: value}}`. Raises `BadSwitch`."""
    if not isinstance(value, dict):
        raise BadSwitch("switches: an object of objects is needed")
    return {name: _switch(name, members) for name, members in value.items()}


def switch_from_text(text: str) -> tuple[str, Switch]:
    """A switch from the command line: `name` or `name:member=value,member=value`; `households` split at `+`."""
    name, _, rest = text.partition(":")
    members: dict[str, Any] = {}
    for part in filter(None, rest.split(",")):
        member, equals, value = part.partition("=")
        if not equals:
            raise BadSwitch(f"{text}: {part!r} is not member=value")
        if member == "households":
            members[member] = value.split("+")
        elif member == "reads":
            members[member] = value in ("1", "true", "yes")
        else:
            members[member] = int(value) if value.isascii() and value.isdigit() else value
    return name, _switch(name, members)


def switch_as_json(switch: Switch) -> dict[str, Any]:
    """A switch as JSON, every member written out."""
    found = {one.name: getattr(switch, one.name) for one in fields(Switch)}
    return found | {"households": list(switch.households)}


def _switch(name: str, members: Any) -> Switch:
    if name not in NAMES:
        raise BadSwitch(f"no fault switch {name!r}; there are: {', '.join(NAMES)}")
    if not isinstance(members, dict):
        raise BadSwitch(f"{name}: an object of members is needed")
    defaults = {one.name: getattr(Switch(), one.name) for one in fields(Switch)}
    values: dict[str, Any] = {}
    for member, value in members.items():
        if member not in defaults:
            raise BadSwitch(f"{name}: no member {member!r}; there are: {', '.join(defaults)}")
        if member == "households":
            value = tuple(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else None
        if type(value) is not type(defaults[member]) or (isinstance(value, int) and value < 0):
            raise BadSwitch(f"{name}: {member} must be like {defaults[member]!r}")
        values[member] = value
    return Switch(**values)
