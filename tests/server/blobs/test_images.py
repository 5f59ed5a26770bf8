"""What is shown of a photo is written anew: no byte of what was sent, whatever it was, and no harm to the server."""

from __future__ import annotations

import io
import os
import struct
import time
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from photo_kit import jpeg, pixels
from PIL import Image

from schemas import limits
from server.images import darkroom as darkroom_module
from server.images.darkroom import IMAGES_PER_CHILD, Darkroom
from server.images.outcome import DAMAGED, NOT_AN_IMAGE, TOO_COSTLY, TOO_MANY_PIXELS, Encoded, NoImage

SCRIPT = b"<script>alert('NIK')</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture(scope="module")
def room() -> Iterator[Darkroom]:
    """One darkroom for all: what a hostile image does to it, the next one would feel."""
    with Darkroom() as found:
        yield found


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_that_says(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG whose header claims a size; its pixels are what `data` inflates to."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def with_exif(**tags: Any) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "Rumah SITI AMINAH"
    exif[0x0112] = tags.get("orientation", 1)
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "S", (2.0, 59.0, 12.0)
    return jpeg(400, 300, exif=exif, comment=b"catatan petugas")


def reason(room: Darkroom, data: bytes) -> str:
    with pytest.raises(NoImage) as caught:
        room.develop(data)
    return caught.value.reason


def test_a_photo_is_shown_in_two_sizes_with_nothing_attached(room: Darkroom) -> None:
    data = with_exif()
    assert b"SITI AMINAH" in data and b"catatan petugas" in data
    found = room.develop(data)
    for image, side in ((opened(found.view), 400), (opened(found.thumb), limits.IMAGE_THUMB_SIDE)):
        assert (image.format, image.mode, max(image.size)) == ("JPEG", "RGB", side)
        assert not image.getexif() and "comment" not in image.info and "icc_profile" not in image.info
    for hidden in (b"SITI", b"catatan", b"Exif", b"GPS"):
        assert hidden not in found.view + found.thumb


def test_a_photo_that_lay_on_its_side_stands_upright(room: Darkroom) -> None:
    assert opened(room.develop(with_exif(orientation=6)).view).size == (300, 400)


def test_a_large_photo_is_made_smaller_and_a_small_one_is_not_blown_up(room: Darkroom) -> None:
    assert max(opened(room.develop(jpeg(4_000, 3_000)).view).size) == limits.IMAGE_VIEW_SIDE
    tiny = room.develop(jpeg(10, 8))
    assert opened(tiny.view).size == opened(tiny.thumb).size == (10, 8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_shown(room: Darkroom, mode: str) -> None:
    assert opened(room.develop(saved(Image.new(mode, (50, 40)), "PNG")).view).size == (50, 40)


@pytest.mark.parametrize("mode", ["CMYK", "L", "YCbCr"])
def test_every_kind_of_jpeg_is_shown(room: Darkroom, mode: str) -> None:
    assert room.develop(saved(pixels(50, 40).convert(mode), "JPEG")).view


def test_a_signature_is_black_on_white(room: Darkroom) -> None:
    image = Image.new("RGBA", (100, 40), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (40, 10, 60, 30))
    shown = opened(room.develop(saved(image, "PNG")).view)
    assert shown.getpixel((2, 2)) >= (250, 250, 250)
    assert shown.getpixel((50, 20)) <= (5, 5, 5)


def test_a_picture_of_several_frames_is_shown_by_its_first(room: Darkroom) -> None:
    frames = [pixels(30, 30, seed) for seed in range(3)]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    assert opened(room.develop(data).view).size == (30, 30)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"x", SVG, b'<?xml version="1.0"?>' + SVG, b"<!doctype html>" + SCRIPT, b"GIF89a" + b"\0" * 200,
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", b"PK\x03\x04" + b"\0" * 100, b"II*\0" + b"\0" * 100, b"BM" + b"\0" * 100,
        b"SIMPLE  =                    T" + b" " * 100, b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    ],
    ids=["empty", "byte", "svg", "xml", "html", "gif", "pdf", "zip", "tiff", "bmp", "fits", "eps"],
)  # fmt: skip
def test_what_is_no_photo_is_not_shown(room: Darkroom, data: bytes) -> None:
    assert reason(room, data) == NOT_AN_IMAGE


@pytest.mark.parametrize("cut", [3, 20, 200, 5_000])
def test_half_a_photo_is_not_shown(room: Darkroom, cut: int) -> None:
    data = jpeg(320, 240)
    assert len(data) > 10_000
    assert reason(room, data[:cut]) in (DAMAGED, NOT_AN_IMAGE)
    assert reason(room, data[:-5_000]) == DAMAGED


@pytest.mark.parametrize("tail", [SCRIPT, SVG, b"PK\x03\x04 an archive", jpeg(20, 20, seed=7)], ids=str)
def test_of_two_files_in_one_only_the_picture_is_shown(room: Darkroom, tail: bytes) -> None:
    found = room.develop(jpeg() + tail)
    assert tail not in found.view + found.thumb
    comment = saved(pixels(64, 48), "JPEG", comment=SCRIPT)
    assert SCRIPT in comment and SCRIPT not in room.develop(comment).view
    text = saved(pixels(20, 20), "PNG")
    with_text = text[:33] + chunk(b"tEXt", b"Comment\0" + SCRIPT) + text[33:]
    assert SCRIPT not in room.develop(with_text).view


@pytest.mark.parametrize(
    "data",
    [
        png_that_says(30_000, 30_000),
        png_that_says(2_000_000_000, 2),
        png_that_says(1, limits.IMAGE_SIDE_MAX + 1),
        saved(Image.new("1", (20_000, 20_000)), "PNG"),
    ],
    ids=["900 megapixels", "wide", "long", "bomb"],
)
def test_more_pixels_than_any_camera_has_are_not_decoded(room: Darkroom, data: bytes) -> None:
    assert len(data) < 100_000
    began = time.monotonic()
    assert reason(room, data) in (TOO_MANY_PIXELS, DAMAGED)
    assert time.monotonic() - began < 5


def test_bytes_that_inflate_without_end_do_not_fill_the_memory(room: Darkroom) -> None:
    bomb = png_that_says(100, 100, b"\0" * 200_000_000)
    assert len(bomb) < 300_000
    assert opened(room.develop(bomb).view).size == (100, 100)
    text = png_that_says(10, 10, b"\0" * 310)
    packed = b"Comment\0\0" + zlib.compress(b"\0" * 200_000_000)
    assert reason(room, text[:33] + chunk(b"zTXt", packed) + text[33:]) == DAMAGED
    assert room._child is not None
    with open(f"/proc/{room._child.pid}/status") as file:
        grown = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    assert grown < limits.IMAGE_DECODE_BYTES_MAX // 1024


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_picture_of_the_largest_camera_fits_into_the_memory_there_is(room: Darkroom, mode: str) -> None:
    """As a PNG, which is decoded whole; a JPEG is decoded at a fraction of its size."""
    assert room.develop(saved(Image.new(mode, (8_192, 6_144)), "PNG", compress_level=1)).view


def test_an_image_that_takes_too_long_is_given_up_and_the_next_is_shown() -> None:
    slow = saved(Image.new("RGBA", (8_000, 6_000)), "PNG", compress_level=1)
    with Darkroom() as room:
        room.develop(jpeg(10, 10))  # the process has begun
        room._seconds_max = 0.3
        assert reason(room, slow) == TOO_COSTLY
        room._seconds_max = 30
        assert room.develop(jpeg(10, 10)).view


def test_a_process_that_was_killed_costs_one_image_only() -> None:
    with Darkroom() as room:
        room.develop(jpeg(10, 10))
        assert room._child is not None
        room._child.stdout.close()  # type: ignore[union-attr]
        assert reason(room, jpeg(10, 10)) == TOO_COSTLY
        assert room.develop(jpeg(10, 10)).view
        room._child.kill()
        room._child.wait()
        assert room.develop(jpeg(10, 10)).view


def test_a_process_ends_after_some_images_and_with_the_darkroom() -> None:
    with Darkroom() as room:
        seen = set()
        for _ in range(IMAGES_PER_CHILD + 1):
            room.develop(jpeg(10, 10))
            seen.add(room._child.pid)  # type: ignore[union-attr]
        assert len(seen) == 2
        last = room._child
    assert last is not None and last.returncode is not None


def test_the_process_has_no_secrets_and_may_write_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PADAN_REGISTRY_SECRET", "rahasia sekali")
    with Darkroom() as room:
        room.develop(jpeg(10, 10))
        child = room._child
        assert child is not None
        with open(f"/proc/{child.pid}/environ", "rb") as file:
            assert b"rahasia" not in file.read()
        with open(f"/proc/{child.pid}/limits") as file:
            said = {line[:25].strip(): line[26:].split()[0] for line in file.readlines()[1:]}
        assert said["Max file size"] == said["Max core file size"] == "0"
        assert said["Max address space"] == str(limits.IMAGE_DECODE_BYTES_MAX)
        assert os.readlink(f"/proc/{child.pid}/cwd") == "/"


def test_an_answer_that_makes_no_sense_is_no_image() -> None:
    large, negative = b'{"view": 5, "thumb": 99999999999}\n', b'{"view": -5, "thumb": 5}\n'
    for nonsense in (b"{}\n", b"not json\n", large, negative, b""):
        with Darkroom() as room:
            room.develop(jpeg(10, 10))
            room._child.stdout = io.BytesIO(nonsense)  # type: ignore[union-attr]
            assert reason(room, jpeg(10, 10)) == TOO_COSTLY, nonsense


def test_the_server_itself_loads_no_decoder() -> None:
    """The parent only hands bytes over."""
    source = darkroom_module.__file__ or ""
    with open(source) as file:
        assert "PIL" not in file.read()
    assert Encoded.__module__ == "server.images.outcome"
