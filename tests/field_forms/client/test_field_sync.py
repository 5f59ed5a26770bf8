"""Sealed forms reach the server once, whatever the line does."""

from __future__ import annotations

import sqlite3

import pytest
from field_stand_in import Faults, StandIn, TestClock, problem, put, sealed_event, uuid_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from field_forms.client import FieldClient, NotEnrolled, Unreachable
from field_forms.client.transport import Response, ServerRefused
from schemas.envelope import check_envelope, hash_matches


def ids_in_log(server) -> list[str]:
    return [row["id"] for row in server.log]


def test_sealed_forms_arrive_oldest_first_with_stamp_and_sequence(server, make_client):
    client = make_client()
    ids = put(client, 1, 2, 3)
    result = client.sync()
    assert result.complete, result.stopped
    assert ids_in_log(server) == ids
    for number, row in enumerate(server.log, 1):
        check_envelope({k: v for k, v in row["item"].items() if k not in ("stamp", "transport")})
        assert hash_matches(row["item"])
        assert row["item"]["stamp"]["ref"] == row["hash"][:32]
        assert row["item"]["transport"]["seq"] == number
    assert client.status().received == 3
    assert client.status().tablet_only == 0


def test_stamps_are_asked_for_and_saved_before_the_first_send(server, make_client):
    client = make_client(plan=["ok"] + ["cut"] * 9)
    put(client, 1, 2)
    assert not client.sync().complete
    assert server.log == []
    assert all(event.stamp for event in client.sealed_events())
    stamps = [event.stamp for event in client.sealed_events()]
    assert make_client().sync().complete
    assert [row["item"]["stamp"] for row in server.log] == stamps


def test_a_lost_answer_is_asked_for_again_and_nothing_is_stored_twice(server, make_client):
    client = make_client(plan=["ok", "lost", "ok"])
    ids = put(client, 1, 2)
    result = client.sync()
    assert result.complete
    assert ids_in_log(server) == ids
    assert result.statuses == {"duplicate": 2}
    assert client.status().received == 2


def test_one_bad_item_does_not_hold_back_the_others(server, make_client):
    client = make_client()
    first, second, third, fourth = put(client, 1, 2, 3, 4)
    server.answers = {
        first: {"status": "too_large"},
        second: {"status": "held", "reasons": ["out_of_area"]},
        third: {"status": "retry"},
    }
    result = client.sync()
    assert result.complete
    assert set(ids_in_log(server)) == {second, third, fourth}
    assert ids_in_log(server)[-1] == third
    status = client.status()
    assert (status.received, status.tablet_only, status.refused, status.held) == (3, 1, 1, 1)
    assert "wilayah" in client.held()[0].words.lower()


def test_a_body_too_large_as_a_whole_is_halved_until_the_one_item_is_found(server, make_client):
    client = make_client()
    put(client, 1, 2, 3)
    put(client, 4, text="y" * 50_000)
    put(client, 5)
    server.body_limit = 20_000
    result = client.sync()
    assert result.complete
    assert len(server.log) == 4
    assert client.status().refused == 1
    server.body_limit = 10**6
    assert client.sync().complete
    assert len(server.log) == 5
    assert client.status().tablet_only == 0


def test_retry_after_is_honoured_and_a_long_one_ends_the_sync(server, make_client):
    client = make_client(attempts_max=5)
    put(client, 1)
    server.busy = [problem(429, "quota", {"retry-after": "20"}), problem(503, "busy", {"retry-after": "7"})]
    assert client.sync().complete
    assert 20 <= client.clock.slept[0] <= 25
    assert 7 <= client.clock.slept[1] <= 12
    put(client, 2)
    server.busy = [problem(429, "quota", {"retry-after": "3600"})]
    result = client.sync()
    assert not result.complete
    assert result.wait_s == 3600
    assert client.status().tablet_only == 1


def test_a_busy_server_that_never_recovers_ends_the_sync_with_everything_kept(server, make_client):
    client = make_client(plan=["cut"] * 50, attempts_max=4)
    put(client, 1, 2)
    result = client.sync()
    assert not result.complete
    assert "tidak ada jaringan" in result.stopped
    assert client.status().tablet_only == 2
    assert len(client.clock.slept) == 3


def test_a_captive_portal_is_no_answer(server, make_client):
    class Portal:
        def send(self, request, on_bytes=None):
            return Response(200, {"content-type": "text/html"}, b"<html>Selamat datang di WiFi</html>")

    client = make_client()
    put(client, 1)
    client._transport = Portal()
    assert not client.sync().complete
    assert client.status().tablet_only == 1


def test_batches_grow_while_they_are_quick_and_never_pass_fifty(server, make_client):
    client = make_client()
    put(client, *range(200))
    assert client.sync().complete
    sizes = [len(each) for each in server.pushes]
    assert sizes[0] == 10
    assert max(sizes) == 50
    assert sum(sizes) == 200


def test_a_cloned_tablet_is_told_so(server, make_client):
    client = make_client()
    (only,) = put(client, 1)
    server.answers = {only: {"status": "stored", "fork": True}}
    assert client.sync().fork
    assert client.status().received == 1


def test_a_server_restored_from_an_old_backup_gets_everything_back(server, make_client):
    client = make_client()
    ids = put(client, *range(6))
    assert client.sync().complete
    server.durable = 2
    assert client.sync().complete
    assert client.status().safe == 2
    server.restore(2)
    put(client, 6)
    result = client.sync()
    assert result.epoch_changed
    assert sorted(ids_in_log(server)) == sorted([*ids, *[row["id"] for row in server.log if row["id"] not in ids]])
    assert len(server.log) == 7
    assert len(set(ids_in_log(server))) == 7
    assert client.status().tablet_only == 0


def test_after_a_restore_forms_count_as_on_the_tablet_only_until_the_server_has_them(server, make_client):
    client = make_client()
    put(client, 1, 2)
    client.sync()
    server.restore(0)
    client = make_client(plan=["ok"] + ["cut"] * 9)
    client.sync()
    assert client.status().tablet_only == 2
    assert client.status().received == 0
    assert make_client().sync().complete
    assert len(server.log) == 2


def test_staff_events_are_handed_back_to_a_restored_server(server, make_client):
    decision = sealed_event(77) | {"signature": {"key": "k", "value": "v"}}
    server.log.append({"id": decision["head"]["id"], "hash": decision["payload_hash"], "receipt": {}, "item": decision})
    household = {"kind": "household", "household_id": uuid_of("household 77"), "home_region": "19.03"}
    shown = {"area": "19.03.01.1001", "level": "full", "data": {"household": {}, "persons": []}, "trail": {"refs": []}}
    server.feed.append(household | shown | {"events": [decision]})
    client = make_client()
    assert client.sync().complete
    server.restore(0)
    result = client.sync()
    assert result.returned_to_server == 1
    assert server.log[0]["item"] == decision


def test_once_a_day_everything_kept_is_offered_again(server, make_client):
    client = make_client()
    put(client, 1)
    client.sync()
    assert server.have_asked == []
    client.clock.ms += 25 * 3_600_000
    del server.log[0]
    client.sync()
    assert len(server.have_asked) == 1
    assert len(server.log) == 1
    assert client.status().received == 1


def test_a_revoked_tablet_deposits_its_unsent_work_sealed_and_only_once(server, make_client):
    import base64

    from schemas.sealing import open_box, sealing_public_key
    from schemas.signing import key_id

    private = b"\x07" * 32
    public = sealing_public_key(private)
    client = make_client()
    client.store.set(sealing_key={"id": key_id(public), "key": base64.b64encode(public).decode()})
    put(client, 1, 2)
    server.revoked = True
    result = client.sync()
    assert result.deposited == 2
    assert "tidak lagi diizinkan" in result.stopped
    assert client.sync().deposited == 0
    assert len(server.deposits) == 1
    content = open_box(server.deposits[0], {key_id(public): private})
    assert b"Jl. 2" in content
    assert client.status().received == 2


def test_enrolling_again_after_a_lost_answer_uses_the_same_install(server, make_client):
    client = make_client(plan=["lost", "ok"], enrolled=False)
    client.enrol("KODE-1")
    assert client.officer == "psm-siti"
    with pytest.raises(ServerRefused):
        client.enrol("KODE-SALAH")
    assert make_client(name="lain", enrolled=False).store.setting("install") is None


def test_a_revoked_install_enrols_anew_and_its_old_forms_keep_their_signature(server, make_client):
    import base64

    from schemas.signing import EVENT, public_key, verify

    client = make_client()
    old, key = client.store.setting("install"), bytes.fromhex(client.store.token("install_key"))
    put(client, 1)
    server.installs["KODE-2"] = old
    server.codes["KODE-2"] = "psm-siti"
    server.taken.add(old)
    client.enrol("KODE-2")
    assert client.store.setting("install") != old
    assert client.sync().complete
    (row,) = server.log
    assert row["item"]["transport"]["install"] == old
    assert verify(public_key(key), EVENT, bytes.fromhex(row["hash"]), row["item"]["signature"]["value"])
    assert base64.b64decode(row["item"]["signature"]["value"])


def test_without_enrolment_a_sync_says_what_to_do(make_client):
    with pytest.raises(NotEnrolled, match="enrol"):
        make_client(name="baru", enrolled=False).sync()


class Crash(BaseException):
    """The battery is out. Not an Exception: nothing may catch it."""


class CrashingConnection:
    """Counts commits of the officer's file and dies at one of them, before or after it took effect."""

    def __init__(self, conn: sqlite3.Connection, at: int, before: bool) -> None:
        self._conn, self._at, self._before, self.commits = conn, at, before, 0

    def execute(self, sql, *values):
        if sql == "commit":
            self.commits += 1
            if self.commits == self._at:
                if not self._before:
                    self._conn.execute(sql)
                raise Crash
        return self._conn.execute(sql, *values)

    def __getattr__(self, name):
        return getattr(self._conn, name)


@pytest.mark.parametrize("before", [True, False])
def test_a_crash_at_any_commit_loses_nothing_and_doubles_nothing(tmp_path, before):
    for at in range(1, 40):
        server, home = StandIn(), tmp_path / f"{before}-{at}"
        client = FieldClient(home, Faults(server), TestClock(), attempts_max=3)
        client.enrol("KODE-1")
        ids = put(client, *range(25))
        client.store.conn = crashing = CrashingConnection(client.store.conn, at, before)
        try:
            client.sync()
        except Crash:
            crashing._conn.close()
        else:
            crashing._conn.close()
            assert at > 5, "the crash never came"
            return
        again = FieldClient(home, Faults(server), TestClock(), attempts_max=3)
        assert again.sync().complete
        assert sorted(ids_in_log(server)) == sorted(ids)
        assert again.status().received == 25
        again.close()
    raise AssertionError("more commits than expected")


FAULTS = st.sampled_from(["ok", "ok", "cut", "lost", "twice"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    plans=st.lists(st.lists(FAULTS, max_size=12), min_size=1, max_size=4),
    events=st.integers(0, 45),
    restore=st.one_of(st.none(), st.integers(0, 45)),
)
def test_any_cuts_then_a_good_line_bring_every_form_exactly_once(tmp_path_factory, plans, events, restore):
    server, home = StandIn(), tmp_path_factory.mktemp("tablet")
    client = FieldClient(home, Faults(server), TestClock(), attempts_max=3)
    client.enrol("KODE-1")
    ids = put(client, *range(events))
    client.close()
    for number, plan in enumerate(plans):
        client = FieldClient(home, Faults(server, plan), TestClock(), attempts_max=3)
        client.sync()
        client.close()
        if number == 0 and restore is not None:
            server.restore(min(restore, len(server.log)))
    client = FieldClient(home, Faults(server), TestClock(), attempts_max=3)
    result = client.sync()
    assert result.complete, result.stopped
    assert sorted(ids_in_log(server)) == sorted(ids)
    assert client.status().received == events
    client.close()


def test_the_file_with_tokens_is_readable_by_its_owner_only(make_client):
    client = make_client()
    assert client.store.path.stat().st_mode & 0o777 == 0o600


def test_progress_is_told_by_item_and_by_byte(server, make_client):
    client = make_client()
    put(client, *range(30))
    told = []
    client.sync(told.append)
    pushes = [each for each in told if each.step == "push"]
    assert max(each.items_done for each in pushes) == 30
    assert any(each.bytes_total > 0 and each.bytes_done == each.bytes_total for each in pushes)


def test_an_upload_cut_in_the_middle_is_an_unreachable_server(server, make_client):
    client = make_client(plan=["ok", "cut", "ok"])
    put(client, 1)
    assert client.sync().complete
    assert len(server.log) == 1
    assert issubclass(Unreachable, Exception)


def test_a_stamp_once_saved_stays(make_client):
    client = make_client()
    put(client, 1)
    (event,) = client.sealed_events()
    client.store.save_stamps({event.ref: {"time": "early"}})
    client.store.save_stamps({event.ref: {"time": "late"}})
    assert client.sealed_events()[0].stamp == {"time": "early"}
