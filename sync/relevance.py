"""Stratum 4's arithmetic: what is relevant and what is computed, on the merged values.

Answers that are not relevant are kept and marked, never dropped: relevance can come back. `today` in an expression is
the visit date: ages are as at the visit.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from datetime import date
from typing import Any

from schemas.answers import constraint_flag
from schemas.expression import compile_expression
from schemas.form import Dictionary, Field
from schemas.nik import age_years, kk_warnings, nik_warnings, parse_kk, parse_nik

Fields = MutableMapping[str, dict[str, Any]]


def evaluate_record(dictionary: Dictionary, household: Fields, persons: list[Fields], today: str | None) -> None:
    """Mark what is not relevant, compute what is derived, flag broken constraints; in the sheet's order."""
    home = _Walk(dictionary, "h", household, today)

    def from_home(name: str) -> Any:
        return home.answer(name) if name in home else _all(persons, name)

    for question in dictionary.fields("h"):
        if question.policy != "derived":
            home.step(question, from_home)
    for fields in persons:
        walk = _Walk(dictionary, "p", fields, today)
        for question in dictionary.fields("p"):
            walk.step(question, lambda name, own=walk: own.answer(name) if name in own else home.answer(name))
    home.forget_everything()
    for question in dictionary.derived("h"):  # after the persons: family size counts them
        home.step(question, from_home)


class _Walk:
    """One pass over the questions of a household or a person. What is not relevant is empty for those after it."""

    def __init__(
        self,
        dictionary: Dictionary,
        scope: str,
        fields: Fields,
        today: str | None,
    ) -> None:
        self.dictionary = dictionary
        self.scope = scope
        self.fields = fields
        self.today = today
        self._known: dict[str, bool] = {}
        """Relevance by its text: a dozen questions of a group share theirs. Forgotten when an answer in it changes."""

    def __contains__(self, name: str) -> bool:
        return self.dictionary.field(self.scope, name) is not None

    def answer(self, name: str) -> Any:
        """The merged value of a relevant question, else None; all of them where all are kept."""
        item = self.fields.get(name)
        if item is None or item.get("irrelevant"):
            return None
        return tuple(item["values"]) if "values" in item else item.get("value")

    def step(self, question: Field, lookup: Any) -> None:
        """Judge one question: relevance, then the calculation, then constraints."""
        item = self.fields.get(question.name)
        derived = question.policy == "derived" and bool(question.calculation)
        if item is None and not derived:
            return
        if question.relevant and not self._truth(question.relevant, lookup):
            if item is not None:
                item["irrelevant"] = True
                self._forget(question.name)
            return
        if derived:
            self._derive(question, item, lookup)
        elif item is not None and "value" in item:
            answers = _Lookup(lookup)
            flag = constraint_flag(question, item["value"], answers, self.today)
            if flag:
                item["flags"] = [flag]

    def _derive(self, question: Field, item: dict[str, Any] | None, lookup: Any) -> None:
        expression = compile_expression(question.calculation)
        if expression.needs_today and self.today is None:
            return
        computed = expression.evaluate(lookup, self.today)
        if computed in ("", None):
            return
        stated = item.get("value") if item else None
        self.fields[question.name] = {"value": computed}
        self._forget(question.name)
        if stated is not None and str(stated) != str(computed):
            self.fields[question.name]["flags"] = ["derived_mismatch"]

    def _truth(self, text: str, lookup: Any) -> bool:
        if text not in self._known:
            expression = compile_expression(text)
            blind = expression.needs_today and self.today is None
            self._known[text] = blind or expression.truth(lookup, self.today)
        return self._known[text]

    def _forget(self, name: str) -> None:
        for text in [text for text in self._known if name in compile_expression(text).references]:
            del self._known[text]

    def forget_everything(self) -> None:
        """What lies outside this walk has changed."""
        self._known.clear()


class _Lookup(Mapping[str, Any]):
    """A lookup function as the mapping that `constraint_flag` reads."""

    def __init__(self, lookup: Any) -> None:
        self._lookup = lookup

    def __getitem__(self, name: str) -> Any:
        return self._lookup(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The answer or None."""
        return self._lookup(name)

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 1


def age_at(birth_date: Any, today: str | None) -> int | None:
    """Full years at the visit, or None where either date is unknown."""
    born, on = _date(birth_date), _date(today)
    return age_years(born, on) if born and on and born <= on else None


def kk_flags(fields: Mapping[str, Mapping[str, Any]], area: str) -> list[str]:
    """Malformed and warning codes of the family-card number; a card is never a key, so it is never more than that."""
    given = fields.get("no_kk", {}).get("value")
    if not isinstance(given, str):
        return []
    card = parse_kk(given)
    return list(kk_warnings(card, area=area) if card.valid else card.malformed)


def nik_flags(
    fields: Mapping[str, Mapping[str, Any]], area: str, today: str | None, no_kk: str | None = None
) -> list[str]:
    """Malformed and warning codes of a person's NIK; never more than flags."""
    given = fields.get("nik", {}).get("value")
    if not isinstance(given, str):
        return []
    nik = parse_nik(given)
    if not nik.valid:
        return list(nik.malformed)
    return list(
        nik_warnings(
            nik,
            birth_date=_date(fields.get("birth_date", {}).get("value")),
            sex=fields.get("sex", {}).get("value"),
            area=area,
            visit_date=_date(today),
            no_kk=no_kk if isinstance(no_kk, str) else None,
        )
    )


def _all(persons: list[Fields], name: str) -> tuple[Any, ...]:
    return tuple(fields.get(name, {}).get("value") for fields in persons)


def _date(text: Any) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
