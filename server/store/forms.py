"""Published forms: each version once and for ever, as the bytes that were published; which of them are retired, and the
sheets they were made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from server.store.database import Connection


@dataclass(frozen=True, slots=True)
class PublishedForm:
    """A version of a form without its content. `hash` is the definition's own."""

    id: str
    version: str
    hash: str
    published_ms: int
    published_by: str


@dataclass(frozen=True, slots=True)
class Retirement:
    """Since when and why tablets open a version no more."""

    retired_ms: int
    retired_by: str
    reason: str


def published_forms(db: Connection) -> list[PublishedForm]:
    """Every published version, by id, then in the order of publication."""
    rows = db.all("select id, version, hash, published_ms, published_by from forms order by id, published_ms, version")
    return [PublishedForm(*row) for row in rows]


def form_hash(db: Connection, form_id: str, version: str) -> str | None:
    """The hash of a published version, or None."""
    found: str | None = db.value(
        "select hash from forms where id = :id and version = :version", {"id": form_id, "version": version}
    )
    return found


def definition_bytes(db: Connection, form_id: str, version: str) -> bytes | None:
    """The compiled form as it was published, or None."""
    raw = db.value(
        "select definition from forms where id = :id and version = :version", {"id": form_id, "version": version}
    )
    return None if raw is None else bytes(raw)


def xform_bytes(db: Connection, form_id: str, version: str) -> bytes | None:
    """The XForm that was made when this version was published, or None."""
    raw = db.value("select xform from forms where id = :id and version = :version", {"id": form_id, "version": version})
    return None if raw is None else bytes(raw)


def all_definitions(db: Connection) -> list[bytes]:
    """The compiled forms of every version; a handful, asked for once and kept by the caller."""
    return [bytes(row[0]) for row in db.all("select definition from forms order by id, published_ms, version")]


def add_form(
    db: Connection,
    form_id: str,
    version: str,
    hash: str,
    definition: bytes,
    *,
    xform: bytes | None,
    now_ms: int,
    published_by: str,
) -> None:
    """Save a new version. The caller made sure that it is new."""
    db.run(
        "insert into forms (id, version, hash, definition, xform, published_ms, published_by)"
        " values (:id, :version, :hash, :definition, :xform, :now, :by)",
        {
            "id": form_id,
            "version": version,
            "hash": hash,
            "definition": definition,
            "xform": xform,
            "now": now_ms,
            "by": published_by,
        },
    )


# Retired versions


def retirements(db: Connection) -> Mapping[tuple[str, str], Retirement]:
    """`(id, version)` of the versions that are retired at present."""
    rows = db.all(
        "select form_id, version, retired_ms, retired_by, reason from form_retirements where restored_ms is null"
    )
    return {
        (row["form_id"], row["version"]): Retirement(row["retired_ms"], row["retired_by"], row["reason"])
        for row in rows
    }


def retired(db: Connection) -> frozenset[tuple[str, str]]:
    """`(id, version)` of them."""
    return frozenset(retirements(db))


def retire(db: Connection, form_id: str, version: str, *, reason: str, now_ms: int, by: str) -> None:
    """Note that a version is retired. The caller made sure that it was not."""
    db.run(
        "insert into form_retirements (form_id, version, retired_ms, retired_by, reason)"
        " values (:id, :version, :now, :by, :reason)",
        {"id": form_id, "version": version, "now": now_ms, "by": by, "reason": reason},
    )


def restore(db: Connection, form_id: str, version: str, *, now_ms: int, by: str) -> bool:
    """Take a retirement back; False where the version was in use anyway."""
    return bool(
        db.run(
            "update form_retirements set restored_ms = :now, restored_by = :by"
            " where form_id = :id and version = :version and restored_ms is null",
            {"id": form_id, "version": version, "now": now_ms, "by": by},
        )
    )


# Sheets


def add_sheet(db: Connection, form_id: str, version: str, sheet: str, source: str) -> None:
    """Keep the sheets of a version; `source` is the name of the file."""
    db.run(
        "insert into form_sheets (form_id, version, sheet, source) values (:id, :version, :sheet, :source)"
        " on conflict (form_id, version) do nothing",
        {"id": form_id, "version": version, "sheet": sheet, "source": source},
    )


def sheet_of(db: Connection, form_id: str, version: str) -> str | None:
    """The sheets of a version as JSON; None for one that was published before they were kept."""
    found: str | None = db.value(
        "select sheet from form_sheets where form_id = :id and version = :version", {"id": form_id, "version": version}
    )
    return found
