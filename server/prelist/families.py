"""Families of a list, streamed: rows put together by family id, villages found, numbers judged, problems by row.

A family whose rows stand in one place is given out at once; one that comes back further down is held until its last
row. Beyond those, memory holds eight bytes a family.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from schemas.areas import AreaTable
from schemas.fields import parse_date
from schemas.limits import PERSONS_PER_EVENT_MAX
from schemas.nik import kk_warnings, nik_warnings, parse_kk, parse_nik
from schemas.prelist import HEAD_OF_FAMILY, PrelistFamily
from schemas.prelist_problems import ERROR, NOTE, NOTES, WARNING, RowProblem
from server.prelist.mapping import ColumnMapping
from server.prelist.records import Record, RowReader
from server.prelist.spool import Spool
from server.prelist.villages import Villages

FAMILY_SIZE_MAX = 30
"""Largest family size that the household form takes (docs/domain.md, 4c)."""

Item = PrelistFamily | RowProblem


@dataclass(frozen=True, slots=True)
class Judgement:
    """What rows are judged against: the areas of the country, retired NIK prefixes, the day on which ages count."""

    areas: AreaTable
    region: str
    retired: frozenset[str] = frozenset()
    on: date | None = None


def read_prelist(
    path: Path,
    mapping: ColumnMapping,
    areas: AreaTable,
    region: str,
    *,
    retired: frozenset[str] = frozenset(),
    on: date | None = None,
) -> Iterator[Item]:
    """Families and problems in the order of the file; the problems of a family come right before it.

    A problem of severity `error` means that this row, or the family of it, is not given out. Raises
    `PrelistUnreadable` where the file as a whole can't be read, a damaged end included, before the first family.
    """
    judge = Judgement(areas, region, retired, on)
    with Spool(path, mapping) as spool:
        yield from spool.noticed
        if not any(table.rows for table in spool.tables):
            yield RowProblem(0, "", "no_rows", ERROR)
        assembly = _Assembly(judge, Villages(areas, region), spool)
        for table, rows in spool.rows():
            reader = RowReader(mapping, table.columns, table.name)
            for row in rows:
                record = reader.read(row)
                if record is not None:
                    yield from assembly.add(record)
        yield from assembly.finish()


@dataclass(slots=True)
class _Group:
    """Rows of one family so far."""

    first: Record
    records: list[Record] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    rows: int = 0

    def add(self, record: Record) -> None:
        self.rows += 1
        if self.rows <= PERSONS_PER_EVENT_MAX:
            self.records.append(record)
            self.problems += record.problems


@dataclass(slots=True)
class _Assembly:
    """Puts records together into families."""

    judge: Judgement
    villages: Villages
    spool: Spool
    open: _Group | None = None
    held: dict[str, tuple[_Group, int]] = field(default_factory=dict)

    def add(self, record: Record) -> Iterator[Item]:
        if not record.family_id:
            yield from record.problems
            return
        if self.open is None or self.open.first.family_id != record.family_id:
            yield from self._close()
            self.open = self._reopen(record)
        self.open.add(record)

    def finish(self) -> Iterator[Item]:
        yield from self._close()
        for group, _ in self.held.values():
            yield from self._family(group)
        self.held = {}

    def _reopen(self, record: Record) -> _Group:
        group, _ = self.held.get(record.family_id, (None, 0))
        if group is None:
            return _Group(record)
        found = f"{group.first.sheet} {group.first.row}".strip()
        group.problems.append(RowProblem(record.row, "", "family_returns", WARNING, found, sheet=record.sheet))
        return group

    def _close(self) -> Iterator[Item]:
        group, self.open = self.open, None
        if group is None:
            return
        family_id = group.first.family_id
        seen = self.held.get(family_id, (group, 0))[1] + 1
        if seen < self.spool.places_of(family_id):
            self.held[family_id] = (group, seen)
            return
        self.held.pop(family_id, None)
        yield from self._family(group)

    def _family(self, group: _Group) -> Iterator[Item]:
        family, problems = assemble(group.first, group.records, group.rows, self.villages, self.judge)
        yield from sorted((*group.problems, *problems), key=lambda problem: problem.row)
        if family is not None:
            yield family


def assemble(
    first: Record, records: Iterable[Record], rows: int, villages: Villages, judge: Judgement
) -> tuple[PrelistFamily | None, list[RowProblem]]:
    """One family of its records, and what is wrong with it as a whole; None where it can't be taken in."""
    records = list(records)
    problems: list[RowProblem] = []

    def problem(record: Record, code: str, severity: str, found: str = "", hint: str = "", column: str = "") -> None:
        problems.append(RowProblem(record.row, column, code, severity, found, hint, record.sheet))

    if rows > PERSONS_PER_EVENT_MAX:
        problem(first, "family_too_large", ERROR, str(PERSONS_PER_EVENT_MAX))
        return None, problems
    agreed: dict[str, str] = {}
    for record in records:
        for key, text in record.family.items():
            if text and agreed.setdefault(key, text) != text:
                problem(record, "family_differs", WARNING, key.removeprefix("h/"))
    found = villages.find(agreed.get("village", ""), agreed.get("village_code", ""), agreed.get("kecamatan", ""))
    if found.problem:
        problem(first, found.problem, ERROR, found.found, found.hint)
        return None, problems
    members = tuple(record.member for record in records if record.member is not None)
    heads = sum(member.relation == HEAD_OF_FAMILY for member in members)
    if heads != 1 and any(member.relation for member in members):
        problem(first, "two_heads" if heads else "no_head", WARNING)
    if len(members) > FAMILY_SIZE_MAX:
        problem(first, "family_large", WARNING, str(len(members)))
    family = PrelistFamily(
        family_id=first.family_id,
        area=found.area,
        address=agreed.get("address", ""),
        members=members,
        desil=int(agreed["desil"]) if agreed.get("desil") else None,
        rt=agreed.get("rt", ""),
        rw=agreed.get("rw", ""),
        no_kk=agreed.get("no_kk", ""),
        extra={key[2:]: text for key, text in agreed.items() if key.startswith("h/")},
    )
    return family, problems + [replace(each, sheet=first.sheet) for each in identity_warnings(family, judge)]


def identity_warnings(family: PrelistFamily, judge: Judgement) -> Iterator[RowProblem]:
    """Oddities of the numbers of a family beside what the list says of its people; never a reason to leave one out."""
    region, districts, retired = judge.region, judge.areas.districts, judge.retired
    for member in family.members:
        codes = nik_warnings(
            parse_nik(member.nik_text),
            birth_date=parse_date(member.birth_date),
            sex=member.sex or None,
            area=region,
            districts=districts,
            retired=retired,
            visit_date=judge.on,
            no_kk=family.no_kk or None,
        )
        for code in codes:
            yield RowProblem(member.row, "NIK", code, NOTE if code in NOTES else WARNING)
    if family.no_kk and family.members:
        for code in kk_warnings(parse_kk(family.no_kk), area=region, districts=districts, retired=retired):
            yield RowProblem(family.members[0].row, "No. KK", code, NOTE if code in NOTES else WARNING)
