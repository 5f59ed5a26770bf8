"""Camera, place and signature: what is kept, what is shown, and that nothing of the tablet goes along."""

from __future__ import annotations

import base64
import struct

import pytest
from form_page import answer_ending, answers, field, flush, meet, question, reopen, section
from form_world import household
from playwright.sync_api import expect

MARK = b"PADAN-SECRET-PLACE"
DECODE = """async (name) => {
  const blob = host.files.get(name);
  const picture = await createImageBitmap(blob);
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = ""; for (const byte of bytes) text += String.fromCharCode(byte);
  return {width: picture.width, height: picture.height, type: blob.type, bytes: btoa(text)};
}"""
PICTURE = """async ([width, height]) => {
  const canvas = Object.assign(document.createElement("canvas"), {width, height});
  const context = canvas.getContext("2d");
  for (let at = 0; at < 60; at += 1) {
    context.fillStyle = `hsl(${at * 6} 80% 50%)`;
    context.fillRect((at * 37) % width, (at * 53) % height, width / 5, height / 5);
  }
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = ""; for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}"""


def photo(page, width: int, height: int, orientation: int = 1) -> bytes:
    """A JPEG as a camera writes it: with EXIF, an orientation and a text that must not leave the tablet."""
    plain = base64.b64decode(page.evaluate(PICTURE, [width, height]))
    entries = struct.pack(">HHHIHH", 2, 0x0112, 3, 1, orientation, 0)
    entries += struct.pack(">HHII", 0x010E, 2, len(MARK) + 1, 38) + struct.pack(">I", 0)
    exif = b"Exif\0\0" + b"MM\0*" + struct.pack(">I", 8) + entries + MARK + b"\0"
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]


def take(page, path: str, picture: bytes, name: str = "IMG_2026.jpg") -> dict:
    question(page, path).locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": "image/jpeg", "buffer": picture}]
    )
    question(page, path).locator("img").wait_for()
    return answer_ending(page, path)


SHOTS = [((2400, 1200), 1, (1024, 512)), ((2000, 1000), 6, (512, 1024)), ((600, 400), 1, (600, 400))]


@pytest.mark.parametrize(("size", "orientation", "wanted"), SHOTS)
def test_a_photo_is_scaled_turned_upright_and_rid_of_what_the_camera_wrote(page, mount, size, orientation, wanted):
    mount(page, shown=household(0))
    meet(page)
    picture = photo(page, *size, orientation)
    assert MARK in picture and b"Exif" in picture
    answer = take(page, "/photo_front", picture)
    kept = page.evaluate(DECODE, answer["file"]["name"])
    assert (kept["width"], kept["height"]) == wanted and kept["type"] == "image/jpeg"
    content = base64.b64decode(kept["bytes"])
    assert MARK not in content and b"Exif" not in content and b"IMG_2026" not in content
    assert content[:2] == b"\xff\xd8" and answer["file"]["bytes"] == len(content)
    assert answer["value"] == answer["file"]["sha256"] and len(answer["value"]) == 64
    assert flush(page)["files"] == [answer["file"]["name"]]


def test_a_photo_taken_again_replaces_the_first_and_a_removed_one_is_gone(page, mount):
    mount(page, shown=household(0))
    meet(page)
    first = take(page, "/photo_front", photo(page, 800, 600))
    before = first["file"]["name"]
    question(page, "/photo_front").locator("input[type=file]").set_input_files(
        [{"name": "b.jpg", "mimeType": "image/jpeg", "buffer": photo(page, 640, 480)}]
    )
    page.wait_for_function("name => !host.files.has(name)", arg=before)
    assert answer_ending(page, "/photo_front")["file"]["name"] != before
    question(page, "/photo_front").get_by_role("button", name="Hapus foto").click()
    page.get_by_role("dialog").get_by_role("button", name="Hapus foto").click()
    page.wait_for_function("() => host.files.size === 0")
    assert answer_ending(page, "/photo_front") is None and flush(page)["files"] == []


def test_the_camera_inside_the_page_takes_a_photo(page, mount):
    mount(page, shown=household(0))
    meet(page)
    question(page, "/photo_front").get_by_role("button", name="Ambil foto").click()
    page.get_by_role("dialog").get_by_role("button", name="Jepret").click()
    question(page, "/photo_front").locator("img").wait_for()
    assert answer_ending(page, "/photo_front")["file"]["mime"] == "image/jpeg"
    assert page.evaluate("document.querySelector('video')") is None, "the camera is let go"


def test_a_file_that_is_no_photo_is_refused_in_words(page, mount):
    mount(page, shown=household(0))
    meet(page)
    question(page, "/photo_front").locator("input[type=file]").set_input_files(
        [{"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"not a picture"}]
    )
    question(page, "/photo_front").get_by_role("alert").get_by_text("bukan foto").wait_for()
    assert answer_ending(page, "/photo_front") is None


def test_a_full_tablet_keeps_no_half_photo(page, mount):
    mount(page, shown=household(0))
    meet(page)
    flush(page)
    page.evaluate("void (host.full = 'Memori tablet penuh')")
    question(page, "/photo_front").locator("input[type=file]").set_input_files(
        [{"name": "x.jpg", "mimeType": "image/jpeg", "buffer": photo(page, 100, 100)}]
    )
    question(page, "/photo_front").get_by_role("alert").get_by_text("Memori tablet penuh").wait_for()
    page.evaluate("void (host.full = null)")
    assert answer_ending(page, "/photo_front") is None


def test_a_photo_is_seen_again_after_reopening(page, mount, visit):
    mount(page, shown=household(0))
    meet(page)
    take(page, "/photo_front", photo(page, 300, 200))
    reopen(page, visit, shown=household(0))
    image = question(page, "/photo_front").locator("img")
    image.wait_for()
    assert image.evaluate("(each) => each.decode().then(() => each.naturalWidth)") == 300


def test_a_point_that_is_accurate_enough_is_taken_at_once(page, mount):
    mount(page, shown=household(0))
    meet(page)
    question(page, "/gps_home").get_by_role("button", name="Ambil titik GPS").click()
    question(page, "/gps_home").get_by_text("ketelitian ±8 m").wait_for()
    assert answer_ending(page, "/gps_home") == {"value": {"lat": -2987654, "lon": 106456789, "acc_dm": 80}}


def test_the_accuracy_is_shown_while_it_improves_and_can_be_taken_as_it_is(page, mount):
    mount(page, shown=household(0))
    meet(page)
    place = {"latitude": -2.9, "longitude": 106.4}
    page.context.set_geolocation({**place, "accuracy": 120})
    gps = question(page, "/gps_home")
    gps.get_by_role("button", name="Ambil titik GPS").click()
    gps.get_by_text("ketelitian ±120 m").wait_for()
    page.context.set_geolocation({**place, "accuracy": 35})
    gps.get_by_role("button", name="Pakai yang ini (±35 m)").click()
    assert answer_ending(page, "/gps_home")["value"]["acc_dm"] == 350


def test_without_satellites_the_officer_gives_up_and_goes_on(page, mount):
    mount(page, shown=household(0))
    meet(page)
    page.context.clear_permissions()
    page.evaluate("void (navigator.geolocation.watchPosition = () => 1)")
    gps = question(page, "/gps_home")
    gps.get_by_role("button", name="Ambil titik GPS").click()
    expect(gps.get_by_text("berdirilah di tempat terbuka")).to_be_visible()
    gps.get_by_role("button", name="GPS tidak dapat").click()
    assert answer_ending(page, "/gps_home") == {"state": "unknown"}
    assert gps.get_attribute("data-blocks") is None


def test_a_denied_location_is_explained(page, mount):
    mount(page, shown=household(0))
    meet(page)
    page.evaluate("""void (navigator.geolocation.watchPosition = (seen, failed) => {
      setTimeout(() => failed({code: 1, PERMISSION_DENIED: 1})); return 1; })""")
    gps = question(page, "/gps_home")
    gps.get_by_role("button", name="Ambil titik GPS").click()
    expect(gps.get_by_text("Lokasi belum diizinkan")).to_be_visible()


def test_a_signature_is_drawn_with_the_finger(page, mount):
    mount(page, shown=household(0))
    meet(page)
    section(page, "G. Penilaian")
    sign = question(page, "/sign_officer")
    sign.get_by_role("button", name="Tanda tangan", exact=True).click()
    done = page.get_by_role("button", name="Pakai tanda tangan ini")
    assert done.is_disabled()
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 90, steps=8)
    page.mouse.up()
    done.click()
    sign.locator("img").wait_for()
    answer = answers(page)["h/sign_officer"]
    kept = page.evaluate(DECODE, answer["file"]["name"])
    assert kept["type"] == "image/png" and (kept["width"], kept["height"]) == (800, 360)
    assert field(page, "/remark").count() == 1
