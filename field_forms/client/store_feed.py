"""What came down from the server, as tables: households, signed events, forms, areas. A part of the officer's file.

A feed page and its cursor are one transaction: after a cut the same page comes again or the next one does, never
half of one. Reads and writes what it is given; what a page means is said in `feed.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from field_forms.areas import AreasMissing, load_areas
from field_forms.client.store import Store
from schemas.form import Dictionary, FormDefinition
from schemas.limits import FORMS_ON_TABLET_MAX

FULL, BRIEF = "full", "brief"


@dataclass(frozen=True, slots=True)
class KnownHousehold:
    """One household as last heard of. `level`: `full` (assigned) or `brief` (name and RT only)."""

    household_id: str
    home_region: str
    area: str
    level: str
    label: str
    item: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        """The merged record; empty where the tablet may know the name only."""
        return self.item.get("data") or {}

    @property
    def trail(self) -> dict[str, Any]:
        """How the record came about."""
        return self.item.get("trail") or {}

    @property
    def ids(self) -> tuple[str, ...]:
        """Its present id and its former ones."""
        return (self.household_id, *self.aliases)

    @property
    def aliases(self) -> tuple[str, ...]:
        """Its former ids."""
        return tuple(each for each in self.data.get("aliases", ()) if each != self.household_id)


class FeedStore:
    """Households and what stands behind them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[str, FormDefinition] = {}
        self._known: tuple[Any, Dictionary] | None = None

    def households(self, area: str | None = None) -> list[KnownHousehold]:
        """All known households, or those of an area, by label."""
        rows = self._store.conn.execute("select * from households order by area, label, household_id").fetchall()
        known = [_known(row) for row in rows]
        return [each for each in known if area is None or each.area == area or each.area.startswith(area + ".")]

    def household(self, household_id: str) -> KnownHousehold | None:
        """By its id or by any former id of the family."""
        row = self._store.conn.execute(
            "select * from households where household_id ="
            " coalesce((select household_id from aliases where alias = ?), ?)",
            (household_id, household_id),
        ).fetchone()
        return None if row is None else _known(row)

    def apply(
        self,
        *,
        households: Iterable[KnownHousehold],
        joined: Iterable[tuple[str, str]],
        removed: Iterable[str],
        events: Iterable[tuple[str, str, str, Mapping[str, Any]]],
        erased_events: Iterable[str],
        cursor: str,
        finished: bool,
    ) -> None:
        """One page with its cursor. `joined`: `(former id, present id)`. `events`: `(ref, id, payload hash, envelope)`.
        `finished`: the last page; what a restart of the feed (`start_over`) did not bring again is dropped then."""
        with self._store.transaction() as conn:
            generation = self._store.setting("generation", 0)
            for each in households:
                for alias in each.aliases:
                    self._join(alias, each.household_id)
                conn.execute("delete from aliases where alias = ?", (each.household_id,))
                conn.execute(
                    "insert or replace into households values (?, ?, ?, ?, ?, ?, ?)",
                    (
                        each.household_id,
                        each.home_region,
                        each.area,
                        each.level,
                        each.label,
                        json.dumps(each.item),
                        generation,
                    ),
                )
            for alias, household_id in joined:
                self._join(alias, household_id)
            for household_id in removed:
                conn.execute("delete from households where household_id = ?", (household_id,))
            for ref, event_id, payload_hash, envelope in events:
                conn.execute(
                    "insert into staff_events values (?, ?, ?, ?, null) on conflict (ref) do update"
                    " set envelope = excluded.envelope",
                    (ref, event_id, payload_hash, json.dumps(envelope)),
                )
            for ref in erased_events:
                conn.execute("delete from staff_events where ref = ?", (ref,))
            if finished:
                conn.execute("delete from households where generation < ?", (generation,))
            self._store.set(cursor=cursor)

    def _join(self, alias: str, household_id: str) -> None:
        """A former id leads to the present one from now on."""
        conn = self._store.conn
        conn.execute("insert or replace into aliases values (?, ?)", (alias, household_id))
        conn.execute("update aliases set household_id = ? where household_id = ?", (household_id, alias))
        conn.execute("delete from households where household_id = ?", (alias,))

    def start_over(self) -> None:
        """Forget the cursor. Households stay readable until the new feed has come to its end."""
        with self._store.transaction():
            self._store.set(cursor=None, generation=self._store.setting("generation", 0) + 1)

    # Forms and areas

    def form_hashes(self) -> dict[tuple[str, str], str]:
        """Hash of each form version that is here."""
        rows = self._store.conn.execute("select id, version, hash from forms")
        return {(row["id"], row["version"]): row["hash"] for row in rows}

    def save_form(self, form_id: str, version: str, hash: str, definition: Mapping[str, Any]) -> None:
        """Keep a version of a form for the whole campaign."""
        with self._store.transaction() as conn:
            conn.execute(
                "insert or replace into forms values (?, ?, ?, ?, 0)", (form_id, version, hash, json.dumps(definition))
            )

    def set_current_forms(self, versions: Iterable[tuple[str, str]], retired: Iterable[tuple[str, str]] = ()) -> None:
        """The versions with which new forms are opened, and those that the office took out of use."""
        with self._store.transaction() as conn:
            conn.execute("update forms set current = 0")
            conn.executemany("update forms set current = 1 where id = ? and version = ?", list(versions))
            self._store.set(retired_forms=sorted(retired) or None)

    def forms_here(self) -> list[dict[str, Any]]:
        """The versions kept, newest first, with the number of drafts on each; as the server is told."""
        rows = self._store.conn.execute(
            "select f.id, f.version, (select count(*) from drafts d where d.form_id = f.id"
            " and d.form_version = f.version) as drafts from forms f order by drafts = 0, length(f.version) desc,"
            " f.version desc, f.id limit ?",
            (FORMS_ON_TABLET_MAX,),
        )
        return [{"id": row["id"], "version": row["version"], "drafts": row["drafts"]} for row in rows]

    def dictionary(self) -> Dictionary:
        """What all versions on this tablet together define: which question of one is which of another."""
        retired = frozenset((form_id, version) for form_id, version in self._store.setting("retired_forms", ()))
        key = (tuple(sorted(self.form_hashes().values())), retired)
        if self._known is None or self._known[0] != key:
            forms = [found for each in self.form_hashes() if (found := self.form(*each)) is not None]
            self._known = (key, Dictionary.of(forms, retired))
        return self._known[1]

    def form(self, form_id: str, version: str | None = None) -> FormDefinition | None:
        """A version of a form, or the current one. A version never changes: each is read from the file once."""
        where, values = ("version = ?", (form_id, version)) if version else ("current = 1", (form_id,))
        row = self._store.conn.execute(
            f"select id, version, hash from forms where id = ? and {where} order by version desc limit 1", values
        ).fetchone()
        if row is None:
            return None
        if row["hash"] not in self._read:
            text = self._store.conn.execute(
                "select definition from forms where id = ? and version = ?", (row["id"], row["version"])
            ).fetchone()["definition"]
            self._read[row["hash"]] = FormDefinition.from_json(json.loads(text))
        return self._read[row["hash"]]

    def forms(self, *, current_only: bool = False) -> list[dict[str, Any]]:
        """Every form version kept, or those with which new forms are opened."""
        where = " where current = 1" if current_only else ""
        rows = self._store.conn.execute(f"select definition from forms{where} order by id, version")
        return [json.loads(row["definition"]) for row in rows]

    def save_scopes(self, scopes: Iterable[str]) -> None:
        """The officer's areas, as the server says; nothing is written where nothing changed."""
        wanted = {code: name for scope in scopes for code, name in villages_of(scope).items()}
        if wanted == self.areas():
            return
        with self._store.transaction() as conn:
            conn.execute("delete from areas")
            conn.executemany("insert into areas values (?, ?)", list(wanted.items()))

    def areas(self) -> dict[str, str]:
        """Code -> name of the officer's areas."""
        return {row["code"]: row["name"] for row in self._store.conn.execute("select * from areas order by code")}


def villages_of(scope: str) -> dict[str, str]:
    """Code -> name of the villages in a scope; the scope itself where the table of areas is not built here."""
    try:
        table = load_areas()
    except AreasMissing:
        return {scope: scope}
    return {code: table.name(code) or code for code in table.villages(scope)} or {scope: scope}


def _known(row: Any) -> KnownHousehold:
    return KnownHousehold(
        row["household_id"], row["home_region"], row["area"], row["level"], row["label"], json.loads(row["item"])
    )
