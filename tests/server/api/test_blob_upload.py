"""Uploading a photo: only what one's own events name, by offset, finished when it verifies, and harmless to others."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from api_world import INSTALL, NEIGHBOUR, Api
from blob_kit import DATA, NAME, OTHER, PIECE, at, head, names, patch, push_as_other, pushed, second_tablet, sha
from server_world import NOW_MS, VILLAGE

from schemas import limits
from server.blobs.storage import upload_name
from server.flows import blob_upload, people
from server.store import blobs, uploads


def test_a_file_comes_in_pieces_and_head_says_how_far_it_is(api, problem):
    pushed(api)
    assert at(head(api)) == (0, len(DATA), "?0")
    assert at(patch(api, 0, DATA[:4_000])) == (4_000, len(DATA), "?0")
    assert at(head(api)) == (4_000, len(DATA), "?0")
    assert at(patch(api, 4_000, DATA[4_000:], **{"Upload-Length": str(len(DATA))})) == (len(DATA), len(DATA), "?1")
    assert at(head(api)) == (len(DATA), len(DATA), "?1")
    assert head(api).headers["Padan-Durable"] == "?0"
    assert blobs.blob_of(api.world.db, NAME).state == blobs.WAITING
    assert api.app.extensions["padan"].blobs.open(NAME).read() == DATA


def test_what_is_complete_is_answered_so_again(api, problem):
    pushed(api)
    for _ in range(2):
        patch(api, 0, DATA)
        assert at(head(api)) == (len(DATA), len(DATA), "?1")
    assert at(patch(api, len(DATA), b"")) == (len(DATA), len(DATA), "?1")
    assert problem(patch(api, 0, DATA), 409, "offset_mismatch")["offset"] == len(DATA)


def test_another_offset_is_told_and_changes_nothing(api, problem):
    pushed(api)
    patch(api, 0, DATA[:1_000])
    for offset in (0, 999, 1_001, len(DATA)):
        assert problem(patch(api, offset, b"x"), 409, "offset_mismatch")["offset"] == 1_000
    patch(api, 1_000, DATA[1_000:])
    assert at(head(api))[2] == "?1"


def test_a_hash_that_none_of_ones_own_events_names_does_not_exist(api, problem):
    """Nor one that another tablet has sent whole: a hash is no oracle."""
    token = second_tablet(api)["deposit_token"]
    pushed(api)
    patch(api, 0, DATA)
    for answer in (patch(api, 0, DATA, token=token), patch(api, 0, DATA, name=sha(b"unheard of"))):
        problem(answer, 404, "blob_unknown")
    assert head(api, token=token).status_code == 404
    assert head(api, name="no-hash-at-all").status_code == 404
    assert head(api, name=NAME.upper()).status_code == 404


def test_who_names_the_hash_of_another_has_to_have_the_bytes(api, problem):
    token = second_tablet(api)["deposit_token"]
    pushed(api)
    patch(api, 0, DATA)
    assert push_as_other(api) == ["stored"]
    assert at(head(api, token=token)) == (0, len(DATA), "?0")
    problem(patch(api, 0, DATA[:-1] + b"?", token=token), 422, "blob_mismatch")
    assert at(head(api)) == (len(DATA), len(DATA), "?1")
    assert at(patch(api, 0, DATA, token=token)) == (len(DATA), len(DATA), "?1")


def test_two_tablets_that_send_one_file_at_once_do_each_other_no_harm(api):
    token = second_tablet(api)["deposit_token"]
    pushed(api)
    push_as_other(api)
    patch(api, 0, DATA[:3_000])
    patch(api, 0, b"rubbish under the same hash", token=token)
    assert at(head(api)) == (3_000, len(DATA), "?0")
    assert at(patch(api, 3_000, DATA[3_000:]))[2] == "?1"
    storage = api.app.extensions["padan"].blobs
    assert storage.open(NAME).read() == DATA
    assert patch(api, 27, DATA[27:], token=token).get_json()["code"] == "blob_mismatch"
    assert storage.open(NAME).read() == DATA


def test_wrong_bytes_are_thrown_away_and_told_and_the_right_ones_taken(api, problem):
    pushed(api)
    patch(api, 0, DATA[:100])
    problem(patch(api, 100, DATA[100:-1] + b"?"), 422, "blob_mismatch")
    assert at(head(api)) == (0, len(DATA), "?0")
    assert list(api.app.extensions["padan"].blobs.uploads()) == []
    assert blobs.blob_of(api.world.db, NAME).state == blobs.MISSING
    assert at(patch(api, 0, DATA))[2] == "?1"


def test_more_bytes_than_the_event_names_are_not_taken(api, problem):
    pushed(api)
    problem(patch(api, 0, DATA + b"x"), 422, "invalid")
    problem(patch(api, 0, DATA, **{"Upload-Length": str(len(DATA) + 1)}), 422, "invalid")
    assert at(head(api)) == (0, len(DATA), "?0")


def test_an_event_that_names_a_wrong_length_can_not_be_finished(api, problem):
    pushed(api, attachments=names(size=len(DATA) + 5))
    problem(patch(api, 0, DATA + b"12345"), 422, "blob_mismatch")
    assert at(patch(api, 0, DATA)) == (len(DATA), len(DATA) + 5, "?0")


def test_an_empty_file_is_a_file(api):
    pushed(api, b"")
    assert at(patch(api, 0, b"", name=sha(b""))) == (0, 0, "?1")


@pytest.mark.parametrize("offset", [None, "-1", "1.0", "x", "9" * 16, "٣"])
def test_an_offset_that_is_no_number_is_refused(api, problem, offset):
    pushed(api)
    problem(patch(api, None if offset is None else offset.encode().decode("latin-1"), b"x"), 422, "invalid")


def test_only_bytes_as_they_are_in_pieces_of_a_bounded_size(api, problem):
    pushed(api)
    problem(patch(api, 0, DATA, **{"Content-Type": "image/jpeg"}), 415, "unsupported_media_type")
    problem(patch(api, 0, DATA, **{"Content-Encoding": "gzip"}), 415, "unsupported_encoding")
    big = b"x" * (limits.BLOB_CHUNK_BYTES_MAX + 1)
    assert problem(patch(api, 0, big), 413, "body_too_large")["limit_bytes"] == limits.BLOB_CHUNK_BYTES_MAX


def test_a_file_over_the_limit_is_kept_by_the_tablet(api, problem):
    pushed(api, attachments=names(size=limits.BLOB_BYTES_MAX + 1))
    assert problem(patch(api, 0, DATA), 413, "blob_too_large")["limit_bytes"] == limits.BLOB_BYTES_MAX


def test_of_a_piece_that_was_cut_off_what_arrived_is_kept(api, problem):
    pushed(api)
    problem(cut(api, 0, DATA[:1_500], 4_000), 400, "cut_off")
    assert at(head(api)) == (1_500, len(DATA), "?0")
    problem(cut(api, 1_500, b"", 4_000), 400, "cut_off")
    assert at(head(api)) == (1_500, len(DATA), "?0")
    problem(cut(api, 1_500, DATA[1_500:], 20_000), 400, "cut_off")
    assert at(head(api)) == (len(DATA), len(DATA), "?1")


def cut(api: Api, offset: int, arrived: bytes, announced: int) -> Any:
    headers = {"Content-Type": PIECE, "Upload-Offset": str(offset)}
    said = {"CONTENT_LENGTH": str(announced)}
    return api.call("PATCH", f"/v1/blobs/{NAME}", "deposit", headers=headers, data=arrived, environ_overrides=said)


def test_the_quota_is_of_bytes_that_were_begun_and_not_finished(api, problem, monkeypatch):
    monkeypatch.setattr(limits, "BLOB_UNFINISHED_BYTES_PER_INSTALL_MAX", 2 * len(DATA))
    other = bytes(reversed(DATA))
    third = b"3" * len(DATA)
    for data in (DATA, other, third):
        pushed(api, data, api.world.uuid())
    assert patch(api, 0, DATA[:-1]).status_code == 204
    assert patch(api, 0, other[:-1], name=sha(other)).status_code == 204
    answer = patch(api, 0, third[:5], name=sha(third))
    assert problem(answer, 429, "quota")["limit"] == 2 * len(DATA)
    assert int(answer.headers["Retry-After"]) > 0
    token = second_tablet(api)["deposit_token"]
    push_as_other(api)
    assert patch(api, 0, DATA[:100], token=token).status_code == 204, "a quota of its own"
    assert at(patch(api, len(DATA) - 1, DATA[-1:]))[2] == "?1"
    assert patch(api, 0, third[:5], name=sha(third)).status_code == 204


def test_photos_stop_before_the_disk_is_full(api, problem, monkeypatch):
    pushed(api)
    storage = api.app.extensions["padan"].blobs
    monkeypatch.setattr(type(storage), "free_bytes", lambda _: limits.BLOB_FREE_BYTES_MIN + 10)
    problem(patch(api, 0, DATA), 507, "disk_full")
    assert at(patch(api, 0, DATA[:10]))[0] == 10
    assert api.push(api.sealed(NEIGHBOUR))[0]["status"] == "stored"


def test_a_disk_that_refuses_is_told_and_what_was_noted_stands(api, problem, monkeypatch):
    pushed(api)
    patch(api, 0, DATA[:100])
    storage = api.app.extensions["padan"].blobs

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(storage), "append", full)
    answer = patch(api, 100, DATA[100:])
    problem(answer, 507, "disk_full")
    assert answer.headers["Retry-After"]
    monkeypatch.undo()
    assert at(head(api))[0] == 100
    assert at(patch(api, 100, DATA[100:]))[2] == "?1"


def test_head_says_what_is_on_the_disk_and_never_more(api):
    """A disk that lost bytes, or has more than was ever noted."""
    pushed(api)
    patch(api, 0, DATA[:5_000])
    path = api.app.extensions["padan"].blobs.root / "uploads" / upload_name(NAME, INSTALL)
    path.write_bytes(DATA[:2_000])
    assert at(head(api))[0] == 2_000
    assert at(patch(api, 2_000, DATA[2_000:6_000]))[0] == 6_000
    with path.open("ab") as file:
        file.write(b"written and never noted")
    assert at(head(api))[0] == 6_000
    assert at(patch(api, 6_000, DATA[6_000:]))[2] == "?1"


def test_a_server_killed_between_file_and_row_finds_the_file_again(api, monkeypatch):
    pushed(api)
    patch(api, 0, DATA[:9_000])

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(blob_upload, "_keep", killed)
    with pytest.raises(KeyboardInterrupt):
        patch(api, 9_000, DATA[9_000:])
    monkeypatch.undo()
    assert at(head(api)) == (len(DATA), len(DATA), "?1")
    assert blobs.blob_of(api.world.db, NAME).state == blobs.WAITING


def test_a_revoked_tablet_may_hand_in_its_photos_and_see_nothing(api, problem):
    pushed(api)
    people.revoke(api.world.db, INSTALL, "hilang", api.clock.now_ms())
    assert at(head(api)) == (0, len(DATA), "?0")
    assert at(patch(api, 0, DATA))[2] == "?1"
    problem(api.call("GET", f"/v1/blobs/{NAME}", "read"), 403, "revoked")


def test_an_officer_with_a_new_install_goes_on_with_the_photos_of_the_old(api):
    pushed(api)
    answer = api.enrol(OTHER, b"o" * 32, api.code("siti", VILLAGE)).get_json()
    assert at(patch(api, 0, DATA, token=answer["deposit_token"]))[2] == "?1"
    assert {each.proved_ms for each in blobs.living_names(api.world.db, NAME)} == {NOW_MS}


def test_events_of_a_box_and_held_ones_name_their_photos_too(api):
    pushed(api, area="19.03.02.2001")
    assert at(patch(api, 0, DATA))[2] == "?1"


def test_what_is_no_event_names_nothing(api):
    broken = api.sealed(attachments=names()) | {"payload_hash": "0" * 64}
    assert api.push(broken)[0]["status"] == "held"
    assert head(api).status_code == 404


def test_a_photo_in_two_forms_is_sent_once(api):
    pushed(api)
    patch(api, 0, DATA)
    pushed(api, household=NEIGHBOUR)
    assert at(head(api))[2] == "?1"
    assert {each.proved_ms for each in blobs.living_names(api.world.db, NAME)} == {NOW_MS}


def test_too_many_photos_at_once_are_sent_away_cheaply_and_forms_still_go_through(api, problem):
    pushed(api)
    mine = api.app.extensions["padan"]
    object.__setattr__(mine, "uploader_wait_s", 0.0)
    held = 0
    while mine.uploaders.acquire(blocking=False):
        held += 1
    assert held == 4
    answer = patch(api, 0, DATA)
    problem(answer, 503, "busy")
    assert answer.headers["Retry-After"]
    assert api.push(api.sealed(NEIGHBOUR))[0]["status"] == "stored"
    mine.uploaders.release(held)
    assert at(patch(api, 0, DATA))[2] == "?1"


def test_the_same_tablet_sending_twice_at_once_ends_with_the_right_file(api):
    """A retry while the first request still runs, again and again: offsets are told, nothing is spoiled."""
    pushed(api)
    broken: list[Any] = []

    def send() -> None:
        client = api.app.test_client()
        headers = {"Authorization": f"Bearer {api.tokens['deposit']}"}
        for _ in range(200):
            told = client.open(f"/v1/blobs/{NAME}", method="HEAD", headers=headers).headers
            if told["Upload-Complete"] == "?1":
                return
            offset = int(told["Upload-Offset"])
            more = {"Content-Type": PIECE, "Upload-Offset": str(offset)}
            answer = client.open(
                f"/v1/blobs/{NAME}", method="PATCH", data=DATA[offset : offset + 700], headers=headers | more
            )
            if answer.status_code not in (204, 409, 503):
                broken.append((answer.status_code, answer.text))
        broken.append("never finished")

    def thread() -> None:
        try:
            send()
        finally:
            api.world.store.release()

    threads = [threading.Thread(target=thread) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert broken == []
    assert at(head(api)) == (len(DATA), len(DATA), "?1")
    assert api.app.extensions["padan"].blobs.open(NAME).read() == DATA
    assert uploads.upload_of(api.world.db, NAME, INSTALL).done_ms is not None


def test_hello_names_the_limits_of_files(api):
    told = api.call("GET", "/v1/hello", "deposit").get_json()["limits"]
    assert told["blob_bytes_max"] == limits.BLOB_BYTES_MAX
    assert told["blob_chunk_bytes_max"] == limits.BLOB_CHUNK_BYTES_MAX
