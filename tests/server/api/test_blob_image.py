"""Who sees a photo, as what, and when: by the feed, by the areas, and only once its tablet has sent the bytes."""

from __future__ import annotations

import io
from typing import Any

import pytest
from api_world import ELSEWHERE, HOUSEHOLD, NEIGHBOUR, Api
from blob_kit import names, patch, push_as_other, second_tablet, sha
from PIL import Image
from server_world import OTHER_VILLAGE, REGION, VILLAGE

from schemas.problems import ProblemError
from server.auth.callers import KINDS
from server.auth.rights import SUPERVISOR, Staff
from server.blobs.storage import SIZES
from server.flows import families, people
from server.flows.blob_view import image_for_staff
from server.flows.desk import Desk
from server.flows.photos import develop_some
from server.images.darkroom import Darkroom
from server.store import blobs


def jpeg(seed: int) -> bytes:
    out = io.BytesIO()
    image = Image.new("RGB", (300, 200), (seed, 90, 10))
    exif = Image.Exif()
    exif[0x010E] = "Rumah SITI AMINAH"
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


PHOTO = jpeg(1)
NAME = sha(PHOTO)


def get(api: Api, token: str, name: str = NAME, query: str = "") -> Any:
    return api.call("GET", f"/v1/blobs/{name}{query}", token)


def filled(api: Api, household: str = HOUSEHOLD, photo: bytes = PHOTO, **more: Any) -> str:
    """A form with a photo, folded; its ref."""
    envelope = api.sealed(household, {"photo": sha(photo)}, attachments=names(photo), **more)
    assert api.push(envelope)[0]["status"] in ("stored", "held")
    api.world.fold()
    return str(envelope["payload_hash"][:32])


def developed(api: Api) -> None:
    with Darkroom() as room:
        develop_some(api.world.db, api.app.extensions["padan"].blobs, room, api.clock)


def shown(api: Api, **more: Any) -> str:
    """A photo that is there, prepared, and stands in a record that the officer works on."""
    ref = filled(api, **more)
    assert patch(api, 0, PHOTO, name=NAME).headers["Upload-Complete"] == "?1"
    developed(api)
    api.assigned()
    return ref


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("token", ["read", "staff"])
def test_what_is_shown_is_written_anew_and_can_do_nothing_in_a_browser(api, token, size):
    shown(api)
    answer = get(api, token, query=f"?size={size}")
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Content-Disposition"] == f'inline; filename="{NAME[:16]}.jpg"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    image = Image.open(io.BytesIO(answer.data))
    assert max(image.size) == {"view": 300, "thumb": 240}[size]
    assert not image.getexif()
    assert b"SITI" in PHOTO and b"SITI" not in answer.data and answer.data != PHOTO


@pytest.mark.parametrize("token", KINDS)
def test_only_tokens_that_read_photos_read_photos(api, problem, token):
    shown(api)
    if token in ("read", "staff"):
        assert get(api, token).status_code == 200
    else:
        problem(get(api, token), 403, "wrong_token")


def test_a_tablet_sees_what_its_feed_gives_in_full_and_nothing_else_of_the_village(api, problem):
    filled(api)
    patch(api, 0, PHOTO, name=NAME)
    developed(api)
    problem(get(api, "read"), 404, "blob_unknown")
    api.assigned(HOUSEHOLD)
    assert get(api, "read").status_code == 200
    other = api.enrol("aaaaaaaa-0000-4000-8000-000000000009", b"n" * 32, api.code("tetangga", VILLAGE)).get_json()
    problem(get(api, other["read_token"]), 404, "blob_unknown")
    (entry,) = api.call("GET", "/v1/feed", other["read_token"]).get_json()["items"]
    assert entry["level"] == "brief"


def test_when_the_family_is_given_to_another_officer_the_photo_goes_with_it(api, problem):
    shown(api)
    other = api.enrol("aaaaaaaa-0000-4000-8000-000000000009", b"n" * 32, api.code("tono", VILLAGE)).get_json()
    refs = [line["ref"] for line in api.call("GET", f"/v1/households/{HOUSEHOLD}", "staff").get_json()["trail"]["refs"]]
    context = dict.fromkeys(refs, HOUSEHOLD)
    api.world.staff("assignment", HOUSEHOLD, {"officer": "tono"}, area=VILLAGE, context=context)
    api.world.fold()
    assert get(api, other["read_token"]).status_code == 200
    problem(get(api, "read"), 404, "blob_unknown")


def test_staff_see_the_photos_of_their_areas(api, problem):
    shown(api)
    for scope, sees in ((VILLAGE, True), ("19.03.01", True), ("19", True), (OTHER_VILLAGE, False), ("19.04", False)):
        token = people.issue_token(
            api.world.db, f"staf {scope}", "staff", [scope], now_ms=api.clock.now_ms(), days=1
        )
        if sees:
            assert get(api, token).status_code == 200, scope
        else:
            problem(get(api, token), 404, "blob_unknown")


def test_photos_of_held_forms_are_seen_by_the_staff_of_the_place_and_by_no_tablet(api, problem):
    filled(api, ELSEWHERE, area=OTHER_VILLAGE)
    patch(api, 0, PHOTO, name=NAME)
    developed(api)
    assert get(api, "staff").status_code == 200
    problem(get(api, "read"), 404, "blob_unknown")


def test_who_learned_a_hash_and_names_it_sees_nothing(api, problem):
    """A tablet that writes somebody's hash into a form of its own family, without ever having had the photo."""
    tokens = second_tablet(api)
    shown(api)
    push_as_other(api, PHOTO, photo=NAME)
    api.world.staff("assignment", NEIGHBOUR, {"officer": "rini"}, area=VILLAGE)
    api.world.fold()
    problem(get(api, tokens["read_token"]), 404, "blob_missing")
    assert get(api, "read").status_code == 200
    patch(api, 0, PHOTO, name=NAME, token=tokens["deposit_token"])
    assert get(api, tokens["read_token"]).status_code == 200, "now it has shown that it had the photo"


def test_a_photo_follows_its_form_to_the_right_family(api, problem):
    """Reattached: whoever works on the family that the form is of sees it."""
    ref = filled(api, HOUSEHOLD)
    patch(api, 0, PHOTO, name=NAME)
    developed(api)
    api.push(api.sealed(NEIGHBOUR, {"address": "Jl. Kenanga"}))
    api.world.fold()
    api.assigned(NEIGHBOUR)
    problem(get(api, "read"), 404, "blob_unknown")
    desk = Desk(
        api.world.store, api.world.keys, api.clock, api.world.random.randbytes,
        Staff("pengawas", "Pengawas", SUPERVISOR, (REGION,)),
    )  # fmt: skip
    families.reattach(desk, HOUSEHOLD, ref, NEIGHBOUR, "salah rumah")
    api.world.fold()
    assert get(api, "read").status_code == 200


def test_what_is_not_here_yet_or_not_ready_yet_is_told_to_those_who_may_see_it(api, problem):
    filled(api)
    api.assigned()
    problem(get(api, "staff"), 404, "blob_missing")
    problem(get(api, "read"), 404, "blob_missing")
    patch(api, 0, PHOTO[:50], name=NAME)
    problem(get(api, "staff"), 404, "blob_missing")
    patch(api, 50, PHOTO[50:], name=NAME)
    assert problem(get(api, "read"), 503, "blob_waiting") and get(api, "read").headers["Retry-After"]
    developed(api)
    assert get(api, "read").status_code == 200


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"MZ\x90\x00", PHOTO[:400]])
def test_what_is_no_image_is_handed_to_nobody(api, problem, content):
    filled(api, photo=content)
    patch(api, 0, content, name=sha(content))
    developed(api)
    api.assigned()
    for token in ("read", "staff"):
        problem(get(api, token, sha(content)), 404, "blob_no_image")
    assert api.app.extensions["padan"].blobs.open(sha(content)).read() == content


def test_an_unknown_size_or_parameter_is_refused(api, problem):
    shown(api)
    problem(get(api, "staff", query="?size=original"), 422, "invalid")
    problem(get(api, "staff", query="?sise=thumb"), 422, "invalid")
    problem(get(api, "staff", "x" * 64), 404, "blob_unknown")


def test_images_that_were_lost_are_made_again(api, problem):
    shown(api)
    storage = api.app.extensions["padan"].blobs
    for path in storage.root.glob("shown/*/*/*"):
        path.unlink()
    problem(get(api, "staff"), 503, "blob_waiting")
    developed(api)
    assert get(api, "staff").status_code == 200


def test_the_pages_of_the_staff_ask_by_areas(api, problem):
    shown(api)
    mine = api.app.extensions["padan"]
    asked = (api.world.db, mine.blobs)
    assert image_for_staff(*asked, [VILLAGE], NAME, "thumb", 0)[:2] == b"\xff\xd8"
    with pytest.raises(ProblemError, match="names a file"):
        image_for_staff(*asked, [OTHER_VILLAGE], NAME, "thumb", 0)


def test_an_erased_name_shows_nothing(api, problem):
    ref = shown(api)
    blobs.strike(api.world.db, NAME, [(ref, "h/photo")], api.clock.now_ms())
    problem(get(api, "staff"), 404, "blob_unknown")
    problem(get(api, "read"), 404, "blob_unknown")
    assert api.call("HEAD", f"/v1/blobs/{NAME}", "deposit").status_code == 404
