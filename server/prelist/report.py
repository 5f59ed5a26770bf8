"""What an import would do, without doing it: counts, the first families, problems by row. NIKs are masked in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.areas import AreaTable
from schemas.nik import mask_nik, parse_nik
from schemas.prelist import PrelistFamily, VintageDiff, compare_vintages
from schemas.prelist_problems import ERROR, NOTE, WARNING, RowProblem
from server.prelist.families import Item

FIRST_FAMILIES = 3
PROBLEMS_SHOWN_MAX = 200
# Eight to nine bytes of a number in a set take some 70; beyond this the check of NIKs standing twice is left out.
NIKS_COMPARED_MAX = 2_000_000


@dataclass(slots=True)
class PrelistReport:
    """Counts over a list. `problems` holds the first of each severity, `problem_counts` all by (severity, code)."""

    families: int = 0
    members: int = 0
    niks_valid: int = 0
    niks_in_two_families: int = 0
    niks_compared: bool = True
    villages: Counter[str] = field(default_factory=Counter)
    first: list[PrelistFamily] = field(default_factory=list)
    problem_counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: dict[str, list[RowProblem]] = field(default_factory=lambda: {ERROR: [], WARNING: [], NOTE: []})
    diff: VintageDiff | None = None

    @property
    def errors(self) -> int:
        """How many rows or families would not be taken in."""
        return sum(count for (severity, _), count in self.problem_counts.items() if severity == ERROR)

    def to_json(self) -> dict[str, Any]:
        """The report for programs: counts only, nothing of any person."""
        return {
            "families": self.families,
            "members": self.members,
            "niks_valid": self.niks_valid,
            "niks_in_two_families": self.niks_in_two_families if self.niks_compared else None,
            "villages": dict(sorted(self.villages.items())),
            "errors": self.errors,
            "problems": {f"{severity}/{code}": n for (severity, code), n in sorted(self.problem_counts.items())},
            "vintage": None if self.diff is None else _diff_counts(self.diff),
        }

    def lines(self, areas: AreaTable, language: str = "id") -> list[str]:
        """The report for people, Indonesian first."""
        out = [
            f"Keluarga: {self.families}   Anggota: {self.members}   NIK yang dapat dipakai: {self.niks_valid}",
            f"Desa/kelurahan: {len(self.villages)}   Tidak dapat dimasukkan: {self.errors}",
        ]
        if self.niks_compared and self.niks_in_two_families:
            out.append(f"NIK yang ada di lebih dari satu keluarga: {self.niks_in_two_families}")
        if self.diff is not None:
            counts = _diff_counts(self.diff)
            out.append("Dibanding daftar sebelumnya: " + ", ".join(f"{name} {n}" for name, n in counts.items()))
        for family in self.first:
            out += ["", f"Keluarga {family.family_id}, {areas.label(family.area)}, desil {family.desil or '-'}"]
            for each in family.members:
                out.append(f"  baris {each.row}: {each.name or '-'}, NIK {mask_nik(each.nik_text) or '-'}")
        for severity, title in ((ERROR, "KESALAHAN"), (WARNING, "PERINGATAN"), (NOTE, "CATATAN")):
            out += self._problem_lines(severity, title, language)
        return out

    def _problem_lines(self, severity: str, title: str, language: str) -> list[str]:
        counts = {code: n for (level, code), n in self.problem_counts.items() if level == severity}
        if not counts:
            return []
        out = ["", f"{title}: " + ", ".join(f"{code} {n}" for code, n in sorted(counts.items()))]
        shown = self.problems[severity]
        out += [f"  {problem.place()}: {problem.message(language)}" for problem in shown]
        if sum(counts.values()) > len(shown):
            out.append(f"  ... dan {sum(counts.values()) - len(shown)} lagi")
        return out


def dry_run(
    items: Iterable[Item], before: Mapping[str, str] | None = None, problems_max: int = PROBLEMS_SHOWN_MAX
) -> PrelistReport:
    """Read a list to its end and report. `before`: family id -> digest of the vintage that it would replace."""
    report, seen, digests = PrelistReport(), _Seen(), {}
    for item in items:
        if isinstance(item, RowProblem):
            report.problem_counts[item.severity, item.code] += 1
            if len(report.problems[item.severity]) < problems_max:
                report.problems[item.severity].append(item)
            continue
        report.families += 1
        report.members += len(item.members)
        report.villages[item.area] += 1
        if len(report.first) < FIRST_FAMILIES:
            report.first.append(item)
        niks = {key for member in item.members if (key := parse_nik(member.nik_text).key) is not None}
        report.niks_valid += sum(parse_nik(member.nik_text).valid for member in item.members)
        seen.add(niks)
        if before is not None:
            digests[item.family_id] = item.digest
    report.niks_in_two_families, report.niks_compared = len(seen.twice), not seen.full
    if before is not None:
        report.diff = compare_vintages(before, digests)
    return report


class _Seen:
    """NIKs as numbers, here only: sixteen digits fit, and a set of numbers is half the size of one of texts."""

    def __init__(self) -> None:
        self.once: set[int] = set()
        self.twice: set[int] = set()
        self.full = False

    def add(self, niks: set[str]) -> None:
        if self.full:
            return
        for nik in niks:
            number = int(nik)
            if number in self.once:
                self.twice.add(number)
            self.once.add(number)
        if len(self.once) > NIKS_COMPARED_MAX:
            self.full = True
            self.once.clear()


def _diff_counts(diff: VintageDiff) -> dict[str, int]:
    return {
        "baru": len(diff.new),
        "hilang": len(diff.gone),
        "berubah": len(diff.changed),
        "sama": len(diff.same),
    }
