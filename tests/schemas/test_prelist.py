"""The event of a listed family: the same list gives the same bytes, and nobody listed is left out."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import check_envelope, hash_matches
from schemas.ids import household_id
from schemas.prelist import PrelistFamily, PrelistMember, compare_vintages, keyed_members, prelist_event

KEY = b"k" * 32
HEAD = PrelistMember(14, "Zulkifli", "1903011708700001", "1", "1", "1970-08-17")
WIFE = PrelistMember(15, "Rohani", "1903015708720001", "2", "2")
CHILD = PrelistMember(16, "Akiong", "", "1", "3")
FAMILY = PrelistFamily("190301-000017", "19.03.01.1001", "Jl. Raya RT 003", (HEAD, WIFE, CHILD), desil=1, rt="003")


def event(family: PrelistFamily = FAMILY, **changes: object) -> dict:
    arguments = {"source": "p3ke", "vintage": "2023", "predecessor": "", "import_key": KEY, "home_region": "19.03"}
    return prelist_event(family, **{**arguments, **changes})  # type: ignore[arg-type]


def parts(envelope: dict) -> dict[str, dict]:
    return {part["name"]: part["assertions"] for part in envelope["parts"]}


def persons(envelope: dict) -> dict[str, str]:
    return {
        answers.get("m_name", {}).get("value", ""): name for name, answers in parts(envelope).items() if name != "h"
    }


def test_a_listed_family_is_an_envelope_that_the_server_would_take() -> None:
    envelope = event()
    check_envelope(envelope)
    assert hash_matches(envelope)
    assert envelope["head"]["household_id"] == household_id("p3ke", "19.03", "190301-000017")
    household = parts(envelope)["h"]
    assert household["desil"] == {"value": 1, "evidence": 0}
    assert household["head_name"]["value"] == "Zulkifli" and household["village_code"]["value"] == "19.03.01.1001"
    assert set(persons(envelope)) == {"Zulkifli", "Rohani", "Akiong"}
    assert "nik" not in parts(envelope)[persons(envelope)["Akiong"]]


def test_importing_twice_gives_the_same_bytes_and_another_key_other_salts_only() -> None:
    assert event() == event()
    other = event(import_key=b"x" * 32)
    assert other["head"] == event()["head"] and other["payload_hash"] != event()["payload_hash"]


def test_the_order_of_rows_and_their_numbers_change_nothing() -> None:
    moved = tuple(replace(member, row=member.row + 100) for member in reversed(FAMILY.members))
    assert event(replace(FAMILY, members=moved)) == event()


def test_a_changed_answer_is_another_event_of_the_same_household_and_persons() -> None:
    changed = event(replace(FAMILY, address="Jl. Sudirman"), vintage="2024", predecessor="2023")
    assert changed["head"]["id"] != event()["head"]["id"]
    assert changed["head"]["household_id"] == event()["head"]["household_id"]
    assert persons(changed) == persons(event())


def test_a_newer_list_names_the_event_whose_place_it_takes() -> None:
    first = event()
    ref = first["payload_hash"][:32]
    second = event(vintage="2024", predecessor="2023", seen={ref: first["head"]["household_id"]})
    check_envelope(second)
    assert second["head"]["context"] == [{"ref": ref, "household_id": first["head"]["household_id"]}]


def test_a_broken_nik_comes_in_as_it_stands() -> None:
    broken = replace(HEAD, nik_text="1.90301E+15")
    envelope = event(replace(FAMILY, members=(broken, WIFE)))
    assert parts(envelope)[persons(envelope)["Zulkifli"]]["nik"]["value"] == "1.90301E+15"


def test_two_members_with_one_nik_or_one_name_are_two_persons() -> None:
    baby = replace(CHILD, nik_text=WIFE.nik_text)
    twins = (replace(CHILD, birth_date="2020-01-01"), replace(CHILD, birth_date="2020-01-02"))
    envelope = event(replace(FAMILY, members=(WIFE, baby, *twins)))
    assert len(parts(envelope)) == 5
    check_envelope(envelope)


members = st.builds(
    PrelistMember,
    row=st.integers(1, 99),
    name=st.sampled_from(["", "Ani", "ANI ", "Budi"]),
    nik_text=st.sampled_from(["", "1903015708720001", "1903015708720002", "190301"]),
    member_id=st.sampled_from(["", "", "7", "x/y"]),
)


@given(st.lists(members, max_size=8))
def test_every_member_has_a_key_of_its_own(listed: list[PrelistMember]) -> None:
    keyed = keyed_members(listed)
    assert len({key for key, _ in keyed}) == len(listed)
    assert sorted((member for _, member in keyed), key=repr) == sorted(listed, key=repr)


def test_the_source_s_own_member_id_outranks_the_nik_and_the_nik_the_name() -> None:
    keys = {member.name: key for key, member in keyed_members([HEAD, replace(WIFE, member_id="55"), CHILD])}
    assert keys == {"Zulkifli": "nik:1903011708700001", "Rohani": "id:55", "Akiong": "name:akiong"}


def test_two_vintages_say_who_is_new_gone_changed_and_the_same() -> None:
    diff = compare_vintages({"a": "1", "b": "1", "c": "1"}, {"b": "1", "c": "2", "d": "1"})
    assert (diff.new, diff.gone, diff.changed, diff.same) == (("d",), ("a",), ("c",), ("b",))
