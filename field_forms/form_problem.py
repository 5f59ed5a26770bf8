"""What is wrong with a form, said so that its author finds the cell: sheet, row, column, question, reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FormProblem:
    """One reason not to publish. `row` is the row in the sheet (the heading is row 1); 0 where no row is to blame."""

    code: str
    reason: str
    sheet: str = "survey"
    row: int = 0
    column: str = ""
    question: str = ""

    def __str__(self) -> str:
        place = [self.sheet + (f" baris {self.row}" if self.row else "")]
        if self.column:
            place.append(f"kolom {self.column}")
        if self.question:
            place.append(f"pertanyaan {self.question}")
        return f"{', '.join(place)}: {self.reason} [{self.code}]"


class SheetUnreadable(ValueError):
    """The file is not a form's sheets; the message says which file and why."""


class FormRefused(ValueError):
    """The form is not compiled or not published; `problems` says why, all at once."""

    def __init__(self, problems: Iterable[FormProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
