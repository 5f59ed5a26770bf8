"""Photos leave the tablet after the forms, whole, however the line breaks; the tablet's own goes when it is safe."""

from __future__ import annotations

import base64
import itertools
import os
import sqlite3

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from field_photo_server import BIG, MIDDLE, SMALL, PhotoServer, all_durable, sha, states, taken
from field_small_form import HOUSEHOLD, record
from field_stand_in import Faults, TestClock, problem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from field_forms.client import FieldClient, Response, Unreachable
from field_forms.client.draft import AnswerProblem
from field_forms.client.pace import PIECE_BYTES_FIRST, PIECE_BYTES_MIN, FilePace
from field_forms.client.schema import FIRST
from field_forms.client.screens import detail_lines, result_lines, status_lines
from field_forms.client.store import DURABLE
from field_forms.client.store_files import DROPPED, KEPT, RECEIVED, SPOILED
from field_forms.client.transport import Request


@pytest.fixture
def server():
    return PhotoServer()


@pytest.fixture
def client(make_client):
    made = make_client()
    assert made.sync().complete
    return made


def test_photos_go_after_all_forms_the_smallest_first(server, client):
    names = taken(client, BIG, SMALL, MIDDLE)
    told = []
    result = client.sync(told.append)
    assert result.complete, result.stopped
    assert server.files == {names[0]: BIG, names[1]: SMALL, names[2]: MIDDLE}
    finished = [name for method, name, at in server.said if method == "PATCH" and at == server.named()[name]]
    assert finished == [names[1], names[2], names[0]]
    assert (result.photos_sent, result.photos_waiting) == (3, 0)
    assert result.photo_bytes_sent == len(BIG) + len(SMALL) + len(MIDDLE)
    steps = [each.step for each in told]
    assert steps.index("photos") > max(i for i, step in enumerate(steps) if step == "push")
    photos = [each for each in told if each.step == "photos"]
    assert photos[-1].items_done == photos[-1].items_total == 3
    assert photos[-1].bytes_done == photos[-1].bytes_total == result.photo_bytes_sent
    assert all(a.bytes_done <= b.bytes_done for a, b in itertools.pairwise(photos))
    assert states(client) == [RECEIVED] * 3
    server.said.clear()
    assert client.sync().complete and server.said == [], "what is there is not asked for again"


def test_a_photo_of_a_form_that_was_not_received_waits(server, client):
    (name,) = taken(client, SMALL)
    event = client.sealed_events()[-1]
    server.answers[event.id] = {"status": "too_large"}
    result = client.sync()
    assert (server.said, result.photos_waiting) == ([], 1)
    del server.answers[event.id]
    assert client.sync().photos_sent == 1
    assert name in server.files


def test_a_broken_upload_goes_on_where_the_server_stands(server, make_client):
    client = make_client()
    client.sync()
    (name,) = taken(client, BIG)
    line = CutLine(server, cut_at=150_000)
    client.connect(line)
    result = client.sync()
    assert result.complete, result.stopped
    assert server.files[name] == BIG
    assert line.arrived == len(BIG), "no byte was sent again that had arrived"


class CutLine:
    """Breaks once at a byte of the photo; what went before has arrived."""

    def __init__(self, server, cut_at: int) -> None:
        self.server, self.left, self.arrived, self.broken = server, cut_at, 0, False

    def send(self, request, on_bytes=None):
        if request.method != "PATCH" or self.broken or len(request.body) <= self.left:
            answer = self.server.send(request, on_bytes)
            if request.method == "PATCH":
                self.left -= len(request.body)
                self.arrived += len(request.body)
            return answer
        self.broken = True
        part = Request("PATCH", request.path, request.headers, request.body[: self.left])
        self.arrived += self.left
        self.server.send(part)
        on_bytes(self.left, len(request.body))
        raise Unreachable("cut")


def test_a_lost_answer_to_a_piece_sends_nothing_twice(server, client):
    (name,) = taken(client, SMALL)
    plan = iter(["lost"])

    class Lost:
        def send(self, request, on_bytes=None):
            answer = server.send(request, on_bytes)
            if request.method == "PATCH" and next(plan, None):
                raise Unreachable("lost")
            return answer

    client.connect(Lost())
    result = client.sync()
    assert result.complete and result.photo_bytes_sent == len(SMALL)
    assert server.files[name] == SMALL


def test_where_photos_do_not_get_through_the_rest_of_the_sync_does(server, client):
    taken(client, SMALL)
    server.feed.append(record(area="19.03.01.1001"))

    class NoPhotos:
        def send(self, request, on_bytes=None):
            if "/blobs/" in request.path:
                raise Unreachable("too slow")
            return server.send(request, on_bytes)

    client.connect(NoPhotos())
    result = client.sync()
    assert not result.complete and "tidak ada jaringan" in result.stopped
    assert (result.pushed, result.households, result.photos_waiting) == (1, 1, 1)
    client.connect(server)
    assert client.sync().photos_sent == 1


def test_a_line_that_never_carries_a_piece_ends_the_sync(server, client):
    """Although it answers every question about the upload."""
    taken(client, SMALL)

    class NoPatch:
        def send(self, request, on_bytes=None):
            if request.method == "PATCH":
                raise Unreachable("blocked")
            return server.send(request, on_bytes)

    client.connect(NoPatch())
    assert not client.sync().complete
    assert len([each for each in server.said if each[0] == "HEAD"]) < 10


def test_one_photo_that_is_refused_does_not_hold_back_the_others(server, client):
    small, middle, big = taken(client, SMALL, MIDDLE, BIG)
    server.refuse = {middle: problem(413, "blob_too_large"), small: problem(422, "invalid")}
    result = client.sync()
    assert result.complete and list(server.files) == [big]
    assert (result.photos_sent, result.photos_waiting) == (1, 2)
    assert client.files.get(middle).problem == "blob_too_large"
    assert any("terlalu besar" in line for line in detail_lines(client))
    server.refuse = {}
    assert client.sync().photos_sent == 2
    assert client.status().photos_refused == 0


def test_bytes_that_were_spoiled_on_the_way_are_sent_again_from_the_first(server, client):
    (name,) = taken(client, MIDDLE)
    server.spoil = 1
    result = client.sync()
    assert result.complete and server.files[name] == MIDDLE
    assert result.photo_bytes_sent == 2 * len(MIDDLE)


def test_a_photo_that_is_damaged_on_the_tablet_is_told_and_not_sent_for_ever(server, client):
    damaged, short, good = taken(client, SMALL, MIDDLE, BIG)
    client.files.path(damaged).write_bytes(SMALL[:-1] + b"?")
    client.files.path(short).write_bytes(MIDDLE[:-1])
    result = client.sync()
    assert result.complete and list(server.files) == [good]
    assert [client.files.get(each).state for each in (damaged, short)] == [SPOILED, SPOILED]
    server.said.clear()
    assert client.sync().complete and server.said == []
    assert client.status().photos_refused == 2


def test_a_photo_is_kept_until_it_is_safe_in_a_backup(server, client):
    (name,) = taken(client, SMALL)
    path = client.files.path(name)
    for _ in range(2):
        assert client.sync().complete
        assert path.exists() and client.files.get(name).state == RECEIVED
    all_durable(server)
    assert client.sync().photos_dropped == 0, "its form is in the backup, the photo is not yet"
    assert path.exists()
    server.safe.add(name)
    result = client.sync()
    assert result.photos_dropped == 1
    assert not path.exists() and client.files.get(name).state == DROPPED
    assert any("dihapus dari tablet: 1" in line for line in result_lines(result))
    server.said.clear()
    assert client.sync().complete and server.said == []


def test_a_photo_that_two_forms_name_waits_for_both_and_goes_once(server, client):
    first, second = taken(client, SMALL, SMALL)
    assert first == second
    result = client.sync()
    assert (result.photos_sent, result.photo_bytes_sent) == (1, len(SMALL))
    server.durable, server.safe = 1, {first}
    assert client.sync().photos_dropped == 0
    server.durable = 2
    assert client.sync().photos_dropped == 1


def test_after_a_restore_the_server_is_asked_what_it_still_has(server, client):
    kept, lost = taken(client, SMALL, MIDDLE)
    client.sync()
    server.restore(1)
    del server.files[lost]
    result = client.sync()
    assert result.complete and result.epoch_changed
    assert server.files == {kept: SMALL, lost: MIDDLE}
    assert result.photos_sent == 2 and result.photo_bytes_sent == len(MIDDLE)


def test_a_server_that_lost_a_photo_before_it_was_safe_gets_it_again(server, client):
    (name,) = taken(client, SMALL)
    client.sync()
    all_durable(server)
    server.files.clear()
    client.sync()
    assert client.files.get(name).state == KEPT
    assert client.sync().photos_sent == 1


def test_a_photo_over_the_limit_is_told_when_it_is_attached(server, client, tmp_path):
    client.store.set(limits={"blob_bytes_max": 1_000})
    source = tmp_path / "besar.jpg"
    source.write_bytes(BIG)
    draft = client.open_draft(HOUSEHOLD)
    with pytest.raises(AnswerProblem, match=r"besar\.jpg"):
        client.attach(draft, "h/photo", source)
    assert states(client) == [] and list((client.home / "photos").iterdir()) == []


def test_a_photo_that_nothing_names_any_more_is_removed(server, client, tmp_path):
    draft = client.open_draft(HOUSEHOLD)
    for number, data in enumerate((SMALL, MIDDLE)):
        (tmp_path / f"{number}.jpg").write_bytes(data)
        client.attach(draft, "h/photo", tmp_path / f"{number}.jpg")
    assert client.files.path(sha(SMALL)).exists()
    assert client.sync().complete
    assert not client.files.path(sha(SMALL)).exists(), "taken again: the first one is in no draft"
    assert client.files.path(sha(MIDDLE)).exists()
    client.discard(draft)
    assert list((client.home / "photos").iterdir()) == [] and states(client) == []


def test_a_photo_that_is_just_being_copied_in_is_left_alone(server, client):
    (name,) = taken(client, SMALL)
    part = client.files.path(name).with_name(".abc.part")
    part.write_bytes(b"half")
    client.sync()
    assert part.exists()
    os.utime(part, (0, 0))
    client.sync()
    assert not part.exists() and client.files.path(name).exists()


def test_a_photo_of_an_erased_person_goes(server, client, tmp_path):
    names = taken(client, SMALL)
    key = f"{HOUSEHOLD}/{HOUSEHOLD}"
    client.sync()
    client.store.conn.execute("update event_files set path = ?", (f"p/{key}/photo",))
    server.feed.append({"kind": "erased", "household_id": HOUSEHOLD, "home_region": "19.03", "persons": [key]})
    assert client.sync().complete
    assert not client.files.path(names[0]).exists() and states(client) == []


def test_a_revoked_tablet_hands_in_its_photos_too(server, client):
    public = X25519PrivateKey.from_private_bytes(b"s" * 32).public_key().public_bytes_raw()
    client.store.set(sealing_key={"id": "k", "key": base64.b64encode(public).decode()})
    (sent,) = taken(client, SMALL)
    client.sync()
    server.files.clear()
    client.files.doubt_all()
    taken(client, MIDDLE)
    server.revoked = True
    result = client.sync()
    assert result.deposited == 1 and not result.complete
    assert server.files == {sent: SMALL}
    assert result.photos_waiting == 1, "the server can not open the box yet, so it knows no name of this one"


def test_a_wifi_that_answers_for_the_server_is_not_believed(server, client):
    (name,) = taken(client, SMALL)

    class Portal:
        def send(self, request, on_bytes=None):
            if "/blobs/" in request.path:
                return Response(200, {"content-type": "text/html"}, b"<html>Selamat datang")
            return server.send(request, on_bytes)

    client.connect(Portal())
    assert not client.sync().complete
    assert client.files.get(name).state == KEPT


def test_what_waits_is_said_in_numbers_and_bytes(server, client):
    taken(client, SMALL, MIDDLE)
    status = client.status()
    assert (status.photos_waiting, status.photo_bytes_waiting, status.photos_received) == (2, 200_900, 0)
    assert "Foto menunggu       : 2 (196 KB)" in list(status_lines(status))
    result = client.sync()
    assert any(line.startswith("Foto terkirim: 2 (196 KB") for line in result_lines(result))
    assert client.status().photos_received == 2


def test_a_file_of_the_version_before_photos_is_taken_over(server, make_client, tmp_path):
    client = make_client(name="lama")
    client.sync()
    (name,) = taken(client, SMALL)
    draft = client.open_draft(HOUSEHOLD)
    source = tmp_path / "draf.jpg"
    source.write_bytes(MIDDLE)
    client.attach(draft, "h/photo", source)
    client.close()
    conn = sqlite3.connect(client.store.path)
    for table in ("files", "event_files"):
        conn.execute(f"drop table {table}")
    conn.execute("pragma user_version = 1")
    conn.commit()
    assert len(FIRST) > 10
    conn.close()
    again = FieldClient(client.home, Faults(server), TestClock(), attempts_max=3)
    assert (again.files.get(name).state, again.files.get(sha(MIDDLE)).state) == (KEPT, KEPT)
    assert again.sync().photos_sent == 1
    assert server.files == {name: SMALL}
    again.close()


def test_pieces_grow_on_a_quick_line_and_shrink_on_a_bad_one():
    pace = FilePace(1_000_000)
    assert pace.size == PIECE_BYTES_FIRST
    for _ in range(20):
        pace.measured(pace.size, 0.01)
    assert pace.size == 1_000_000
    pace.measured(100_000, 8.0)
    assert pace.size == 50_000
    for _ in range(10):
        pace.failed()
    assert pace.size == PIECE_BYTES_MIN
    assert FilePace(1_000).size == PIECE_BYTES_FIRST, "the limit is kept when a piece is cut"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
@given(
    plan=st.lists(st.tuples(st.sampled_from(["ok", "ok", "cut", "lost", "before"]), st.floats(0, 1)), max_size=30),
    sizes=st.lists(st.integers(0, 150_000), min_size=1, max_size=3, unique=True),
)
def test_whatever_the_line_does_each_photo_arrives_whole(tmp_path_factory, plan, sizes):
    server = PhotoServer()
    client = FieldClient(tmp_path_factory.mktemp("petugas"), server, TestClock(), attempts_max=3)
    client.enrol("KODE-1")
    assert client.sync().complete
    names = taken(client, *(BIG[:size] for size in sizes))
    client.connect(Moody(server, list(plan)))
    for _ in range(len(plan) + 1):
        if client.sync().complete:
            break
    assert {name: len(data) for name, data in server.files.items()} == dict(zip(names, sizes, strict=True))
    assert states(client) == [RECEIVED] * len(sizes)
    assert all(event.state in ("received", DURABLE) for event in client.sealed_events())
    client.close()


class Moody:
    """Does to each request about a photo what comes next in the plan: `cut` lets a part of a piece arrive."""

    def __init__(self, server, plan) -> None:
        self.server, self.plan = server, plan

    def send(self, request, on_bytes=None):
        if "/blobs/" not in request.path or not self.plan:
            return self.server.send(request, on_bytes)
        fault, share = self.plan.pop(0)
        if fault == "before":
            raise Unreachable("no network")
        if fault == "cut" and request.method == "PATCH":
            part = request.body[: int(len(request.body) * share)]
            self.server.send(Request("PATCH", request.path, request.headers, part))
            raise Unreachable("cut")
        answer = self.server.send(request, on_bytes)
        if fault == "lost":
            raise Unreachable("lost")
        return answer

