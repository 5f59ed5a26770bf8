"""The check of an envelope that came from outside: what, where, and what to do about it. It reads JSON values only.

A form's own rules (types, constraints) are not checked here: a broken answer never takes out the event
(docs/merge.md, stratum 0). What fails here cannot be folded at all and is kept as raw bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from functools import lru_cache
from typing import Any

from schemas import limits
from schemas.bodies import body_problem
from schemas.canonical import NotCanonical, check_canonical
from schemas.event import ENVELOPE_VERSION, KINDS, STATES, envelope_hash
from schemas.ids import is_ref, is_sha256, is_uuid
from schemas.paths import field_problem, part_problem

_AREA = re.compile(r"[0-9]{2}(\.[0-9]{2}(\.[0-9]{2}(\.[0-9]{4})?)?)?\Z")
_REGION = re.compile(r"[0-9]{2}\.[0-9]{2}\Z")
_TIME = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?Z\Z")
EVIDENCE_MAX = 5
_HEAD = frozenset(
    {"v", "id", "kind", "household_id", "home_region", "form", "actor", "area", "context", "also", "not_before"}
    | {"paths", "attachments", "body"}
)
_ENVELOPE = frozenset({"head", "parts", "payload_hash", "stamp", "signature", "transport", "receipt"})


class EnvelopeProblem(ValueError):
    """An envelope that cannot be read: `code` from the catalogue of problems, `where` a JSON path."""

    def __init__(self, code: str, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.code = code
        self.where = where


def check_envelope(raw: Any) -> None:
    """Raise `EnvelopeProblem` unless `raw` is an envelope that can be stored, hashed and folded.

    Size limits of transport are the caller's business. The claimed hash is compared by `hash_matches`.
    """
    try:
        check_canonical(raw)
    except NotCanonical as error:
        raise EnvelopeProblem("not_canonical", "$", str(error)) from None
    except RecursionError:
        raise EnvelopeProblem("not_canonical", "$", "nested too deeply") from None
    envelope = _object(raw, "$")
    _keys(envelope, _ENVELOPE, {"head", "parts", "payload_hash"}, "$")
    if not is_sha256(envelope["payload_hash"]):
        raise EnvelopeProblem("bad_envelope", "$.payload_hash", "must be 64 lower-case hex digits")
    head = _object(envelope["head"], "$.head")
    _check_head(head)
    _check_parts(envelope["parts"], head)


def hash_matches(envelope: Mapping[str, Any]) -> bool:
    """Whether the claimed hash is the hash of what came."""
    return bool(envelope_hash(envelope) == envelope["payload_hash"])


def _check_head(head: Mapping[str, Any]) -> None:
    _keys(head, _HEAD, _HEAD, "$.head")
    if head["v"] != ENVELOPE_VERSION:
        raise EnvelopeProblem("unknown_version", "$.head.v", f"this server reads version {ENVELOPE_VERSION}")
    if head["kind"] not in KINDS:
        raise EnvelopeProblem("unknown_kind", "$.head.kind", f"unknown kind {head['kind']!r}")
    for key in ("id", "household_id"):
        if not is_uuid(head[key]):
            raise EnvelopeProblem("bad_envelope", f"$.head.{key}", "must be a UUID in lower case")
    _match(_REGION, head["home_region"], "$.head.home_region", "a kabupaten code such as 19.03")
    _match(_AREA, head["area"], "$.head.area", "a dotted Kemendagri code such as 19.03.01.1001")
    if not isinstance(head["actor"], str) or not 0 < len(head["actor"]) <= 80:
        raise EnvelopeProblem("bad_envelope", "$.head.actor", "must be a text of 1 to 80 characters")
    if head["not_before"] is not None:
        _match(_TIME, head["not_before"], "$.head.not_before", "a UTC time such as 2026-11-21T01:02:03Z")
    _check_form(head["form"])
    _check_context(head["context"])
    for index, item in enumerate(_list(head["also"], "$.head.also", limits.ALSO_MAX)):
        where = f"$.head.also[{index}]"
        _keys(_object(item, where), {"household_id", "home_region"}, {"household_id", "home_region"}, where)
        if not is_uuid(item["household_id"]):
            raise EnvelopeProblem("bad_envelope", where, "household_id must be a UUID in lower case")
        _match(_REGION, item["home_region"], where, "a kabupaten code such as 19.03")
    for path, item in _object(head["attachments"], "$.head.attachments").items():
        _check_attachment(item, f"$.head.attachments[{path}]")
    problem = body_problem(head["kind"], _object(head["body"], "$.head.body"))
    if problem is not None:
        raise EnvelopeProblem("bad_envelope", "$.head.body", problem)


def _check_form(form: Any) -> None:
    if form is None:
        return
    keys = {"id", "version", "hash"}
    _keys(_object(form, "$.head.form"), keys, keys, "$.head.form")
    for key in keys:
        if not isinstance(form[key], str) or not 0 < len(form[key]) <= 64:
            raise EnvelopeProblem("bad_envelope", f"$.head.form.{key}", "must be a text of 1 to 64 characters")


def _check_context(context: Any) -> None:
    # The number of refs is not checked: over CONTEXT_MAX an event is stored and held (docs/merge.md).
    seen = set()
    for index, item in enumerate(_list(context, "$.head.context", None)):
        where = f"$.head.context[{index}]"
        _keys(_object(item, where), {"ref", "household_id"}, {"ref", "household_id"}, where)
        if not is_ref(item["ref"]) or not is_uuid(item["household_id"]):
            raise EnvelopeProblem("bad_envelope", where, "needs a ref of 32 hex digits and a household UUID")
        if item["ref"] in seen:
            raise EnvelopeProblem("bad_envelope", where, "names a ref twice")
        seen.add(item["ref"])


def _check_attachment(item: Any, where: str) -> None:
    keys = {"sha256", "bytes", "mime"}
    _keys(_object(item, where), keys, keys, where)
    if not is_sha256(item["sha256"]) or not _is_int(item["bytes"], 0, 2**40) or not isinstance(item["mime"], str):
        raise EnvelopeProblem("bad_envelope", where, "needs sha256, bytes (a whole number) and mime")


def _check_parts(parts: Any, head: Mapping[str, Any]) -> None:
    paths = _object(head["paths"], "$.head.paths")
    names, total = [], 0
    for index, part in enumerate(_list(parts, "$.parts", limits.PERSONS_PER_EVENT_MAX + 2)):
        where = f"$.parts[{index}]"
        _object(part, where)
        problem = part_problem(part.get("name"))
        if problem is not None:
            raise EnvelopeProblem("bad_envelope", where, problem)
        names.append(part["name"])
        if "hash" in part:
            _keys(part, {"name", "hash"}, {"name", "hash"}, where)
            if not is_sha256(part["hash"]):
                raise EnvelopeProblem("bad_envelope", where, "hash must be 64 hex digits")
            continue
        keys = {"name", "salt", "assertions", "text"}
        _keys(part, keys, keys, where)
        if not is_ref(part["salt"]):
            raise EnvelopeProblem("bad_envelope", where, "salt must be 32 lower-case hex digits")
        _object(part["text"], where + ".text")
        assertions = _object(part["assertions"], where + ".assertions")
        total += len(assertions)
        for name, item in assertions.items():
            if not _is_plain(name, item):
                _check_assertion(name, item, f"{where}.assertions.{name}")
        if paths.get(part["name"]) != sorted(assertions):
            raise EnvelopeProblem("bad_envelope", where, "head.paths does not list the fields of this part, sorted")
    if total > limits.ASSERTIONS_PER_EVENT_MAX:
        raise EnvelopeProblem("bad_envelope", "$.parts", f"more than {limits.ASSERTIONS_PER_EVENT_MAX} answers")
    if len(set(names)) != len(names) or set(names) != set(paths):
        raise EnvelopeProblem("bad_envelope", "$.parts", "parts and head.paths must name the same parts, each once")


def _is_plain(name: str, item: Any) -> bool:
    """Whether an answer is what nearly all are: a good name, a value and its evidence, no more."""
    return (
        type(item) is dict
        and len(item) == 2
        and item.get("value") is not None
        and type(level := item.get("evidence")) is int
        and 0 <= level <= EVIDENCE_MAX
        and _good_field(name)
    )


@lru_cache(maxsize=4_096)
def _good_field(name: str) -> bool:
    return field_problem(name) is None


def _check_assertion(name: str, item: Any, where: str) -> None:
    problem = field_problem(name)
    if problem is not None:
        raise EnvelopeProblem("bad_envelope", where, problem)
    _keys(_object(item, where), {"value", "state", "evidence", "corrects"}, {"evidence"}, where)
    if ("value" in item) == ("state" in item):
        raise EnvelopeProblem("bad_envelope", where, "needs either a value or a state")
    if "state" in item and item["state"] not in STATES:
        raise EnvelopeProblem("bad_envelope", where, f"state must be one of {', '.join(sorted(STATES))}")
    if "value" in item and item["value"] is None:
        raise EnvelopeProblem("bad_envelope", where, "an empty value is said with a state, not with null")
    if not _is_int(item["evidence"], 0, EVIDENCE_MAX):
        raise EnvelopeProblem("bad_envelope", where, "evidence must be a whole number from 0 to 5")
    if "corrects" in item and not is_ref(item["corrects"]):
        raise EnvelopeProblem("bad_envelope", where, "corrects must be a ref of 32 hex digits")


def _is_int(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise EnvelopeProblem("bad_envelope", where, "must be an object")
    return value


def _list(value: Any, where: str, most: int | None) -> list[Any]:
    if not isinstance(value, list):
        raise EnvelopeProblem("bad_envelope", where, "must be a list")
    if most is not None and len(value) > most:
        raise EnvelopeProblem("bad_envelope", where, f"holds {len(value)} items; the limit is {most}")
    return value


def _match(pattern: re.Pattern[str], value: Any, where: str, what: str) -> None:
    if not isinstance(value, str) or not pattern.match(value):
        raise EnvelopeProblem("bad_envelope", where, f"must be {what}")


def _keys(value: Mapping[str, Any], allowed: Set[str], needed: Set[str], where: str) -> None:
    unknown = value.keys() - allowed
    if unknown:
        raise EnvelopeProblem("bad_envelope", where, f"unknown member {sorted(unknown)[0]!r}")
    missing = needed - value.keys()
    if missing:
        raise EnvelopeProblem("bad_envelope", where, f"member {sorted(missing)[0]!r} is missing")
