"""What tablets said they work with: the versions of forms they have, and how many drafts stand on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.store.database import Connection


@dataclass(frozen=True, slots=True)
class TabletForm:
    """One version on one tablet in good standing."""

    install: str
    form_id: str
    version: str
    drafts: int


def tell(db: Connection, install: str, forms: Sequence[tuple[str, str, int]], now_ms: int) -> None:
    """Put `(id, version, drafts)` in place of what the install said before. What is the same is not written again."""
    rows = db.all("select form_id, version, drafts from install_forms where install = :install", {"install": install})
    known = {(row["form_id"], row["version"]): int(row["drafts"]) for row in rows}
    wanted = {(form_id, version): drafts for form_id, version, drafts in forms}
    if known == wanted:
        return
    with db.transaction():
        db.run("delete from install_forms where install = :install", {"install": install})
        db.many(
            "insert into install_forms (install, form_id, version, drafts, told_ms)"
            " values (:install, :id, :version, :drafts, :now)",
            [
                {"install": install, "id": form_id, "version": version, "drafts": drafts, "now": now_ms}
                for (form_id, version), drafts in sorted(wanted.items())
            ],
        )


def on_tablets(db: Connection) -> list[TabletForm]:
    """What tablets that are not revoked said last."""
    rows = db.all(
        """select f.install, f.form_id, f.version, f.drafts from install_forms f
           join installs i on i.install = f.install
           where i.revoked_ms is null order by f.install, f.form_id, f.version"""
    )
    return [TabletForm(row["install"], row["form_id"], row["version"], int(row["drafts"])) for row in rows]


def tablets(db: Connection) -> int:
    """How many tablets are in good standing."""
    return int(db.value("select count(*) from installs where revoked_ms is null"))
