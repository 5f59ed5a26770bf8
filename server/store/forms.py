"""Published forms: each version once and for ever, as the bytes that were published."""

from __future__ import annotations

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
