"""Where the versions of the forms stand: which one tablets open, which are retired, what tablets still work with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from schemas.lineage import current_versions
from server.flows.publish_form import published_definitions
from server.store import fold_queue, forms, install_forms
from server.store.database import Connection
from server.store.forms import Retirement


@dataclass(frozen=True, slots=True)
class VersionStanding:
    """One published version. `tablets`: those whose newest version of the form it is; `drafts`: open on it there."""

    form_id: str
    version: str
    title: str
    questions: int
    hash: str
    published_ms: int
    published_by: str
    current: bool
    retirement: Retirement | None
    tablets: int
    drafts: int


@dataclass(frozen=True, slots=True)
class FormsStanding:
    """All versions, by form and time of publication; and how many households wait to be folded again."""

    versions: tuple[VersionStanding, ...]
    tablets: int
    waiting: int


def forms_standing(db: Connection) -> FormsStanding:
    """Read from one state of the database."""
    with db.snapshot():
        definitions = {(form.id, form.version): form for form in published_definitions(db)}
        retirements = forms.retirements(db)
        current = current_versions(definitions.values(), frozenset(retirements))
        newest: dict[tuple[str, str], str] = {}
        drafts: Counter[tuple[str, str]] = Counter()
        for each in install_forms.on_tablets(db):
            drafts[each.form_id, each.version] += each.drafts
            key = (each.install, each.form_id)
            if (each.form_id, each.version) in definitions and _order(each.version) > _order(newest.get(key, "")):
                newest[key] = each.version
        tablets = Counter((form_id, version) for (_, form_id), version in newest.items())
        versions = tuple(
            VersionStanding(
                form_id=form.id,
                version=form.version,
                title=definitions[form.id, form.version].title,
                questions=len(definitions[form.id, form.version].fields),
                hash=form.hash,
                published_ms=form.published_ms,
                published_by=form.published_by,
                current=current[form.id].version == form.version,
                retirement=retirements.get((form.id, form.version)),
                tablets=tablets[form.id, form.version],
                drafts=drafts[form.id, form.version],
            )
            for form in forms.published_forms(db)
        )
        return FormsStanding(versions, install_forms.tablets(db), fold_queue.length(db))


def _order(version: str) -> tuple[int, str]:
    return (int(version) if version.isdecimal() else -1, version)
