"""Rights are one table: every role with every action, and the scope beside it."""

from __future__ import annotations

import pytest

from schemas.areas import NATION
from server.auth.rights import ACTION_NAMES, RIGHTS, ROLES, Staff, actions_of

ALL = {
    "read", "assign", "review", "decide", "verdict", "link", "move", "void", "undo", "reattach", "admit", "waive",
    "ratify", "import", "enrol", "publish_form", "deliver", "export", "audit", "erase",
}  # fmt: skip
JUDGING = {"review", "decide", "verdict", "link", "move", "void", "undo", "reattach", "admit", "waive"}
TABLE = {
    "operator": {"read", "assign", "import", "enrol", "publish_form", "deliver", "audit"},
    "district_admin": ALL - {"audit"},
    "supervisor": JUDGING | {"read", "assign", "ratify", "enrol"},
    "village_official": {"read", "ratify"},
    "central_office": {"read", "export"},
    "auditor": {"read", "audit"},
}


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("action", sorted(ALL))
def test_a_role_may_do_just_what_the_table_says(role: str, action: str) -> None:
    staff = Staff("x", "X", role, ("19.03",))
    assert staff.may(action) == (action in TABLE[role])
    assert staff.may(action, "19.03.01.1001") == (action in TABLE[role])


def test_the_table_is_whole() -> None:
    assert set(RIGHTS) == set(ACTION_NAMES) == ALL
    assert set(TABLE) == set(ROLES)
    assert all(roles <= set(ROLES) for roles in RIGHTS.values())
    for role, actions in TABLE.items():
        assert set(actions_of(role)) == actions


@pytest.mark.parametrize(
    ("scopes", "area", "inside"),
    [
        (("19.03",), "19.03", True),
        (("19.03",), "19.03.01.1001", True),
        (("19.03",), "19.04.01.1001", False),
        (("19.03",), "19", False),
        (("19.03.01",), "19.03.011", False),
        (("19.03.01",), "19.03", False),
        (("19.04", "19.03.01"), "19.03.01.2005", True),
        ((NATION,), "19.03.01.1001", True),
        ((), "19.03", False),
        (("",), "19.03", False),
    ],
)
def test_a_scope_is_a_prefix_at_a_dot(scopes: tuple[str, ...], area: str, inside: bool) -> None:
    assert Staff("x", "X", "supervisor", scopes).may("read", area) == inside


def test_an_action_that_does_not_exist_is_an_error_and_not_a_no() -> None:
    with pytest.raises(KeyError):
        Staff("x", "X", "supervisor", ("19",)).may("fly")
