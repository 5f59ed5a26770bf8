"""Answers to old versions of a question, read as answers to the present one; what cannot be read stays where it was."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from fold_world import World, records

from schemas.event import Event
from schemas.form import Dictionary, FormDefinition, Row
from schemas.question import Choice, Field
from server.export.wide import rows_of
from sync.fold import Record, fold_everything

FLOORS = (Choice("1", "Keramik", "Tiles"), Choice("2", "Tanah", "Earth"))


def version(number: int, *fields: Field) -> FormDefinition:
    rows = tuple(Row("question", f.name, f.type, field=f) for f in fields)
    return FormDefinition("f", str(number), "F", rows, {f.list_name: f.choices for f in fields if f.list_name})


def ask(name: str, type: str = "text", **more: Any) -> Field:
    return Field(name, "h", type, more.pop("policy", "ask"), form="f", **more)


def fold(dictionary: Dictionary, *events: Event) -> Record:
    """One household, and the same in every order of arrival."""
    found = {fold_everything(order, dictionary)[0].data_bytes for order in permutations(events)}
    assert len(found) == 1
    (record,) = fold_everything(events, dictionary)
    return record


def cell(record: Record, name: str) -> Any:
    return record.data["household"].get(name)


AREA_M2 = version(1, ask("luas_m2", "integer"))
AREA_ARE = version(2, ask("luas_are", "decimal", aliases=("luas_m2",), upcast=(("luas_m2", "scale{0.01}"),)))


AREA_IN_WORDS = (
    version(1, ask("luas", deliver="luas")),
    version(2, ask("luas_m2", "integer", deliver="luas", aliases=("luas",), upcast=(("luas", "number"),))),
)


def test_another_unit_of_measure_is_another_name_and_a_rule() -> None:
    world = World()
    old, new = world.submit(1, h={"luas_m2": 150}), world.submit(1, h={"luas_are": "1.5"})
    record = fold(Dictionary.of([AREA_M2, AREA_ARE]), old, new)
    assert cell(record, "luas_are") == {"value": "1.5"}
    assert record.data["conflicts"] == []


def test_a_rule_counts_also_where_a_later_sheet_repeats_the_old_name_without_it() -> None:
    world = World()
    old = world.submit(1, h={"luas_m2": 150})
    third = version(3, ask("luas_tanah", "decimal", aliases=("luas_are", "luas_m2")))
    assert cell(fold(Dictionary.of([AREA_M2, AREA_ARE, third]), old), "luas_tanah") == {"value": "1.5"}


def test_a_wrong_rule_is_put_right_by_the_next_version() -> None:
    world = World()
    old = world.submit(1, h={"luas_m2": 150})
    mended = version(3, ask("luas_are", "decimal", aliases=("luas_m2",), upcast=(("luas_m2", "scale{1/50}"),)))
    undone = version(4, ask("luas_are", "decimal", aliases=("luas_m2",), upcast=(("luas_m2", "same"),)))
    assert cell(fold(Dictionary.of([AREA_M2, AREA_ARE, mended]), old), "luas_are") == {"value": "3"}
    assert cell(fold(Dictionary.of([AREA_M2, AREA_ARE, mended, undone]), old), "luas_are") == {"value": "150"}


def test_rules_follow_one_another() -> None:
    """Text, then a number, then bands of numbers."""
    versions = [
        version(1, ask("umur_teks")),
        version(2, ask("umur", "integer", aliases=("umur_teks",), upcast=(("umur_teks", "number"),))),
        version(3, ask("kelompok", "select_one", list_name="k", choices=FLOORS, aliases=("umur",),
                       upcast=(("umur", "bands{..17:1,18..:2}"),))),
    ]  # fmt: skip
    world = World()
    dictionary = Dictionary.of(versions)
    assert cell(fold(dictionary, world.submit(1, h={"umur_teks": " 40 "})), "kelompok") == {"value": "2"}
    assert cell(fold(dictionary, world.submit(1, h={"umur": 3})), "kelompok") == {"value": "1"}
    assert [f.name for f in dictionary.fields("h")] == ["kelompok"]
    assert dictionary.present_name("h", "umur_teks") == "kelompok"


def test_what_a_rule_cannot_read_stays_where_it_stood_and_is_shown() -> None:
    world = World()
    number = world.submit(1, h={"luas": "36"})
    words = world.submit(1, h={"luas": "kira-kira 40"}, saw=[number])
    dictionary = Dictionary.of(AREA_IN_WORDS)
    record = fold(dictionary, number, words)
    # The older number does not come back to life: nobody holds it any more.
    assert cell(record, "luas_m2") == {"kept": [{"question": "luas", "value": "kira-kira 40"}]}
    assert record.data["conflicts"] == []
    home = next(iter(rows_of(record.data)))
    assert ("luas_m2", "") not in home.answers
    assert '"luas_m2":"kept"' in home.fixed["tanpa_nilai"]
    again = world.submit(1, h={"luas_m2": 41}, saw=[number, words])
    assert cell(fold(dictionary, number, words, again), "luas_m2") == {"value": 41}
    beside = world.submit(1, h={"luas": "KIRA-KIRA  40"})
    assert cell(fold(dictionary, words, beside), "luas_m2")["kept"][0]["value"] in ("kira-kira 40", "KIRA-KIRA  40")
    other = world.submit(1, h={"luas_m2": 50})
    disputed = fold(dictionary, words, other)
    assert cell(disputed, "luas_m2") == {"conflict": True}
    assert [sorted(head) for head in disputed.data["conflicts"][0]["heads"]] in (
        [["evidence", "kept", "path", "ref"], ["evidence", "path", "ref", "value"]],
        [["evidence", "path", "ref", "value"], ["evidence", "kept", "path", "ref"]],
    )
    settled = world.decide([(words, "h/luas"), (other, "h/luas_m2")], h={"luas_m2": 45}, saw=[words, other])
    assert cell(fold(dictionary, words, other, settled), "luas_m2") == {"value": 45}


def test_what_was_kept_is_not_delivered_but_was_judged() -> None:
    world = World()
    one = fold(Dictionary.of(AREA_IN_WORDS), world.submit(1, h={"luas": "besar"}))
    other = fold(Dictionary.of(AREA_IN_WORDS), World().submit(1, h={"luas": "sedang"}))
    assert one.delivery_digest == other.delivery_digest
    assert one.data_digest != other.data_digest


def test_what_never_was_an_answer_is_taken_out_as_before() -> None:
    world = World()
    record = fold(Dictionary.of([AREA_M2, AREA_ARE]), world.submit(1, h={"luas_m2": "besar"}))
    assert cell(record, "luas_are") is None
    assert record.data["flags"] == [{"code": "wrong_type", "path": "h/luas_are"}]


def test_a_wider_type_needs_no_rule_and_takes_no_approval_back() -> None:
    world = World()
    before, after = version(1, ask("luas", "integer")), version(2, ask("luas", "decimal"))
    old = world.submit(1, h={"luas": 36})
    first = fold(Dictionary.of([before]), old)
    both = Dictionary.of([before, after])
    wider = fold(both, old)
    assert (cell(wider, "luas"), wider.data_digest) == ({"value": "36"}, first.data_digest)
    agreed = fold(both, old, world.submit(1, h={"luas": "36"}))
    assert (agreed.data["conflicts"], agreed.data_digest) == ([], first.data_digest)
    assert fold(both, world.submit(1, h={"luas": "36.5"})).data_digest != first.data_digest


def test_one_choice_becomes_a_list_of_one() -> None:
    world = World()
    before = version(1, ask("lantai", "select_one", list_name="l", choices=FLOORS))
    after = version(2, ask("lantai", "select_multiple", list_name="l", choices=FLOORS, policy="set"))
    record = fold(
        Dictionary.of([before, after]), world.submit(1, h={"lantai": "1"}), world.submit(1, h={"lantai": ["2"]})
    )
    assert cell(record, "lantai") == {"value": ["1", "2"]}


def test_a_split_code_leaves_the_old_one_known() -> None:
    """One code became two: nobody can say which of them was meant, so the old one stays, with its label."""
    world = World()
    split = (FLOORS[0], Choice("2a", "Tanah padat", "Firm earth"), Choice("2b", "Tanah basah", "Wet earth"))
    before = version(1, ask("lantai", "select_one", list_name="l", choices=FLOORS))
    after = version(2, ask("lantai", "select_one", list_name="l", choices=split))
    dictionary = Dictionary.of([before, after])
    assert cell(fold(dictionary, world.submit(1, h={"lantai": "2"})), "lantai") == {"value": "2"}
    question = dictionary.field("h", "lantai")
    assert question is not None
    assert [(c.name, c.retired) for c in question.choices][-1] == ("2", True)
    joined = (FLOORS[0], Choice("3", "Tanah", "Earth", aliases=("2a", "2b", "2")))
    third = Dictionary.of([before, after, version(3, ask("lantai", "select_one", list_name="l", choices=joined))])
    for code in ("2", "2a", "2b", "3"):
        assert cell(fold(third, world.submit(1, h={"lantai": code})), "lantai") == {"value": "3"}


def test_a_question_that_is_asked_no_more_keeps_its_answers_and_what_is_relevant_to_it() -> None:
    world = World()
    before = version(1, ask("punya", deliver="punya"), ask("sapi", "integer", relevant="${punya}='1'", deliver="sapi"))
    after = version(2, ask("punya_ternak", aliases=("punya",), deliver="punya"))
    visit = world.submit(1, h={"punya": "1", "sapi": 3})
    first, second = fold(Dictionary.of([before]), visit), fold(Dictionary.of([before, after]), visit)
    assert cell(second, "sapi") == {"value": 3}
    assert (first.data_digest, first.delivery_digest) == (second.data_digest, second.delivery_digest)


def test_a_column_belongs_to_the_question_that_is_asked() -> None:
    before = version(1, ask("lama", deliver="kolom"))
    after = version(2, ask("baru", deliver="kolom"))
    dictionary = Dictionary.of([before, after])
    assert [f.name for f in dictionary.delivered("h")] == ["baru"]
    assert [f.name for f in dictionary.fields("h")] == ["baru", "lama"]


def test_what_was_only_computed_leaves_nothing_behind() -> None:
    before = version(1, ask("n", "integer"), ask("dua_n", "calculate", policy="derived", calculation="${n} * 2"))
    after = version(2, ask("jumlah", "integer", aliases=("n",)))
    dictionary = Dictionary.of([before, after])
    assert [f.name for f in dictionary.fields("h")] == ["jumlah"]
    assert cell(fold(dictionary, World().submit(1, h={"n": 2})), "dua_n") is None


def test_a_version_with_a_rule_is_retired_and_what_was_filled_in_on_it_stays() -> None:
    world = World()
    old, new = world.submit(1, h={"luas_m2": 150}), world.submit(1, h={"luas_are": "9"})
    back = Dictionary.of([AREA_M2, AREA_ARE], {("f", "2")})
    record = fold(back, old, new)
    assert cell(record, "luas_m2") == {"value": 150}
    assert cell(record, "luas_are") == {"value": "9"}
    again = version(3, ask("luas_are", "decimal", aliases=("luas_m2",), upcast=(("luas_m2", "scale{0.01}"),)))
    third = Dictionary.of([AREA_M2, AREA_ARE, again], {("f", "2")})
    assert cell(fold(third, old), "luas_are") == {"value": "1.5"}


def test_retiring_changes_the_digest_of_the_dictionary_and_nothing_else_when_it_is_taken_back() -> None:
    assert Dictionary.of([AREA_M2, AREA_ARE]).digest == Dictionary.of([AREA_ARE, AREA_M2], ()).digest
    assert Dictionary.of([AREA_M2, AREA_ARE], {("f", "2")}).digest != Dictionary.of([AREA_M2, AREA_ARE]).digest
    assert records  # the small world's own dictionary is untouched by all this
