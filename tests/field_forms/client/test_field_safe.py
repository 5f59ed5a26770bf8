"""What a tablet calls safe, and what it tells a server that came back from a backup."""

from __future__ import annotations

import pytest
from field_stand_in import put, sealed_event, uuid_of

from field_forms.client.feed import is_durable


def test_forms_are_safe_only_while_a_good_backup_holds_them(server, make_client):
    client = make_client()
    put(client, *range(4))
    client.sync()
    assert (client.status().received, client.status().safe) == (4, 0)
    server.durable = 3
    client.sync()
    assert (client.status().received, client.status().safe) == (1, 3)
    server.durable = 1  # the newest backup was found damaged: an older one is the newest good one now
    client.sync()
    assert (client.status().received, client.status().safe) == (3, 1)
    server.no_backup = True
    client.sync()
    assert (client.status().received, client.status().safe) == (4, 0)


def test_receipts_of_an_epoch_before_a_restore_can_be_safe(server, make_client):
    client = make_client()
    put(client, *range(5))
    client.sync()
    server.durable = 5
    client.sync()
    server.restore(3)
    server.durable = 0
    client.sync()
    assert client.status().safe == 0, "the restored server has no backup of its own and names no earlier one"
    server.durable, server.earlier = 5, {"e1": 3}
    client.sync()
    assert (client.status().safe, client.status().received) == (5, 0)
    server.durable, server.earlier = 4, {"e1": 2, "e0": 99}
    client.sync()
    assert (client.status().safe, client.status().received) == (3, 2)


def test_what_is_handed_back_to_a_restored_server_says_where_it_had_stood(server, make_client):
    decision = sealed_event(77) | {"signature": {"key": "k", "value": "v"}, "receipt": {"epoch": "e1", "position": 9}}
    household = {"kind": "household", "household_id": uuid_of("household 77"), "home_region": "19.03"}
    shown = {"area": "19.03.01.1001", "level": "full", "data": {"household": {}, "persons": []}, "trail": {"refs": []}}
    server.feed.append(household | shown | {"events": [decision]})
    client = make_client()
    put(client, *range(3))
    client.sync()
    assert all("receipt" not in row["item"] for row in server.log), "the first time there is none"
    server.restore(1)
    put(client, 3)
    client.sync()
    told = [row["item"].get("receipt") for row in server.log]
    assert told == [None, {"epoch": "e1", "position": 2}, {"epoch": "e1", "position": 3}, None, decision["receipt"]]


@pytest.mark.parametrize(
    "durable",
    [None, "x", [], {}, {"epoch": "e1"}, {"epoch": "e1", "positions": None}, {"epoch": "e2", "positions": {"19.03": 9}},
     {"epoch": "e1", "positions": {"19.05": 9}}, {"epoch": "e1", "positions": {"19.03": "9"}},
     {"epoch": "e1", "positions": {"19.03": 4}}, {"epoch": "e2", "positions": {}, "earlier": {"e1": {"19.03": 4}}},
     {"epoch": "e2", "positions": {}, "earlier": None}],
)  # fmt: skip
def test_nothing_is_called_safe_on_a_word_that_does_not_say_so(durable):
    assert not is_durable({"epoch": "e1", "position": 5}, "19.03", durable)
