"""The core questions: the few that the code knows by name (identity, presence, outcome, roster, the change itself).

Everything else in a form is data. A form that lacks one of these, or gives it another type, is not published
(field_forms/check.py); whoever reads one of them by name elsewhere in the code adds it here.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.question import EVENT, HOUSEHOLD, PERSON

ROSTER = "member"
"""Name of the repeat whose rows are persons."""

CORE: Mapping[str, Mapping[tuple[str, str], str]] = {
    HOUSEHOLD: {
        (HOUSEHOLD, "village_code"): "select_one",
        (HOUSEHOLD, "family_id"): "select_one",
        (HOUSEHOLD, "visit_date"): "date",
        (HOUSEHOLD, "visit_outcome"): "select_one",
        (HOUSEHOLD, "no_kk"): "text",
        (PERSON, "member_id"): "text",
        (PERSON, "m_name"): "text",
        (PERSON, "presence"): "select_one",
        (PERSON, "death_date"): "date",
        (PERSON, "nik_status"): "select_one",
        (PERSON, "nik"): "text",
        (PERSON, "sex"): "select_one",
        (PERSON, "birth_date"): "date",
        (PERSON, "birth_date_src"): "select_one",
        (PERSON, "relation"): "select_one",
    },
    EVENT: {
        (EVENT, "event_type"): "select_one",
        (EVENT, "event_date"): "date",
        (EVENT, "doc_seen"): "select_one",
        (EVENT, "subject_listed"): "select_one",
        (EVENT, "subject_nik"): "text",
        (EVENT, "subject_name"): "text",
        (EVENT, "subject_sex"): "select_one",
        (EVENT, "subject_birth_date"): "date",
        (EVENT, "subject_relation"): "select_one",
        (EVENT, "child_nik"): "text",
        (EVENT, "new_head_nik"): "text",
        (EVENT, "corr_field"): "select_one",
        (EVENT, "corr_value"): "text",
    },
}
"""By what a form is about (`part` in its settings): the core questions and the type of each."""

CORE_CODES: Mapping[tuple[str, str], tuple[str, ...]] = {
    (HOUSEHOLD, "visit_outcome"): ("01", "02", "03", "04", "05", "06", "07", "10"),
    (PERSON, "presence"): ("1", "2", "3", "4", "5"),
    (PERSON, "sex"): ("1", "2"),
    (EVENT, "event_type"): ("birth", "death", "move_out", "move_in", "split", "correction", "work_accident"),
    (EVENT, "corr_field"): ("nik", "no_kk", "name", "birth_date", "sex", "address"),
}
"""Codes of core questions that the code knows by name."""
