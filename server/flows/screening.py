"""What comes back after an erasure: taken out of an event before it is stored, so that nobody can bring it back.

Three ways lead here: the very event again (a tablet after a restore, a deposit, another tablet); a form that was
sealed before its tablet had heard of the erasure; bytes that nobody can read. A new listing, or a form opened on the
record that shows the erasure, says something new on a new basis: it is left as it is (docs/decisions/0032).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from schemas.canonical import canonical_bytes_unchecked, sha256_hex
from schemas.event import DEVICE_KINDS
from schemas.form import Dictionary
from schemas.paths import HOUSEHOLD_PART, person_key_of
from schemas.signing import REMAINS
from server.auth.keys import ServerKeys
from server.flows import dictionary as dictionaries
from server.store import erasures, events, identity
from server.store.database import Connection
from server.store.erasures import ErasedPart, Pointers
from sync import erasure
from sync.intake import Sealed, SealedPart

SALT = "erasure_salt"
"""Name of the value with which digests of emptied items are salted; it stands in the ledger too."""

_KEY = re.compile(rb"p/([0-9a-f-]{36}/[0-9a-f-]{36})")
_HASH = re.compile(rb"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Screened:
    """Events as they may be stored, in the order in which they came. `emptied`: payload hash -> names of the parts that
    lost something."""

    events: tuple[Sealed, ...]
    emptied: Mapping[str, frozenset[str]] = field(default_factory=dict)
    late: tuple[ErasedPart, ...] = ()


def screen(
    db: Connection, keys: ServerKeys, items: Sequence[Sealed], trusted: frozenset[str] = frozenset()
) -> Screened:
    """Take out of these events what was erased. Inside the transaction that appends them.

    `trusted`: payload hashes of those with the server's own signature: of these only the very events that were erased
    are met, since a list imported afterwards is a new one.
    """
    if not items or not erasures.anything(db):
        return Screened(tuple(items))
    regions = {region for item in items for region, _ in item.filed}
    known = {region: erasures.parts_of_refs(db, region, [item.ref for item in items]) for region in regions}
    forms = [item for item in items if item.kind in DEVICE_KINDS and item.payload_hash not in trusted]
    unheard = _Unheard(db, forms)
    out, emptied, late = [], {}, []
    for item in items:
        again = {name: part.pointers for name, part in known[item.home_region].get(item.ref, {}).items()}
        fresh = unheard.rules(item) if item in forms else {}
        late += [
            ErasedPart(region, item.ref, name, pointers, unheard.erasure(item), late=True)
            for name, pointers in sorted(fresh.items())
            if name not in again
            for region in sorted({region for region, _ in item.filed})
        ]
        rules = {**fresh, **again}
        out.append(replace(item, parts=tuple(_part(item.ref, part, rules, keys) for part in item.parts)))
        if lost := frozenset(name for name, pointers in rules.items() if pointers != ()):
            emptied[item.payload_hash] = lost
    return Screened(tuple(out), emptied, tuple(late))


def erased_in(db: Connection, raw: bytes) -> bool:
    """Whether bytes that are no event name an erased person, or an event that lost something."""
    if not erasures.anything(db):
        return False
    keys = {found.decode() for found in _KEY.findall(raw)}
    if erasures.subjects_among(db, {*keys, *(key.split("/")[0] for key in keys)}):
        return True
    refs = {found.decode()[:32] for found in _HASH.findall(raw)}
    if any(erasures.parts_of_refs(db, region, refs) for region in events.regions(db)):
        return True
    return erasures.item_known(db, item_digest(db, sha256_hex(raw)))


def item_digest(db: Connection, sha256: str) -> str:
    """The salted digest under which emptied bytes are remembered."""
    return sha256_hex(f"{identity.setting(db, SALT) or ''}{sha256}".encode())


def remains_of(
    ref: str, part: str, content: Mapping[str, Any], pointers: Iterable[str], keys: ServerKeys
) -> SealedPart:
    """What is left of a part, with the server's signature over it. Its salt goes: with it the hash in the log would
    tell whoever tries out names which one was taken out."""
    left = canonical_bytes_unchecked(erasure.without(content, pointers))
    return SealedPart(part, None, left, "", remains=keys.sign(REMAINS, remains_message(ref, part, left)))


def remains_message(ref: str, part: str, content: bytes) -> bytes:
    """What is signed."""
    return canonical_bytes_unchecked([ref, part, sha256_hex(content)])


def _part(ref: str, part: SealedPart, rules: Mapping[str, Pointers], keys: ServerKeys) -> SealedPart:
    pointers = rules.get(part.name, ())
    if pointers == ():
        return part
    if pointers is None or part.content is None:
        return SealedPart(part.name, None, None, part.hash, erased=True)
    left = remains_of(ref, part.name, json.loads(part.content), pointers, keys)
    return replace(left, hash=part.hash)


class _Unheard:
    """Forms that were opened on records without an erasure that was made since."""

    def __init__(self, db: Connection, forms: Sequence[Sealed]) -> None:
        self._db = db
        self._keys = erasures.subjects_among(db, {key for form in forms for key in _keys_in(form)})
        self._filed = events.erasures_under(db, {pair for form in forms for pair in form.filed})
        self._dictionary: Dictionary | None = None

    def gone(self, form: Sealed) -> dict[str, set[str]]:
        """Erasure that the form had not heard of -> the subjects of it that concern the form."""
        seen = {line["ref"] for line in form.head["context"]}
        found: dict[str, set[str]] = {}
        for key in _keys_in(form):
            for ref in self._keys.get(key, frozenset()) - seen:
                found.setdefault(ref, set()).add(key)
        for _, household in form.filed:
            for ref, body in self._filed.get(household, {}).items():
                if ref not in seen:
                    whole = [household] if body.get("household") else []
                    found.setdefault(ref, set()).update([*body["persons"], *whole])
        return found

    def erasure(self, form: Sealed) -> str:
        """The erasure that what is taken out of the form is laid to: one, where it had not heard of several."""
        return min(self.gone(form))

    def rules(self, form: Sealed) -> dict[str, Pointers]:
        """Part -> what is taken out of it, by what the form itself says of the person: nothing else is known of
        somebody who was erased. An `h` without anything to take out is listed, for people to look at."""
        gone = frozenset(subject for subjects in self.gone(form).values() for subject in subjects)
        if not gone:
            return {}
        if form.household_id in gone:
            return {part.name: None for part in form.parts}
        contents = {part.name: None if part.content is None else json.loads(part.content) for part in form.parts}
        whole = erasure.own_parts(form.kind, form.head["body"], contents, gone)
        rules: dict[str, Pointers] = dict.fromkeys(whole)
        left = {name: content for name, content in contents.items() if name not in rules and content is not None}
        known = self._dictionary = self._dictionary or dictionaries.current(self._db)
        others = [name for part in left if part[:1] == "p" for name in erasure.names_said(left[part], known)]
        marks = erasure.marks_of(gone, [contents[name] or {} for name in whole], known, others)
        for name, content in left.items():
            pointers = erasure.mentions(name, content, marks, known)
            if pointers or name == HOUSEHOLD_PART:
                rules[name] = pointers
        return rules


def _keys_in(form: Sealed) -> set[str]:
    body = form.head["body"]
    found = {key for part in form.parts if (key := person_key_of(part.name)) is not None}
    found |= {body["person"]} if "person" in body else set()
    return found | {move["person"] for move in body.get("moves", ())}

