"""An image decoded and written anew: what people see is pixels of ours, never a byte of what was sent.

So nothing that came along is passed on: no EXIF with places and times, no second file behind the picture, no script.
Runs inside `child.py`; it opens no file and knows no database. Limits: schemas/limits.py.
"""

from __future__ import annotations

import io
import warnings

from PIL import (
    Image,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from schemas.limits import IMAGE_PIXELS_MAX, IMAGE_SIDE_MAX, IMAGE_THUMB_SIDE, IMAGE_VIEW_SIDE
from server.images.outcome import DAMAGED, NOT_AN_IMAGE, TOO_COSTLY, TOO_MANY_PIXELS, Encoded, NoImage

DECODERS = (JpegImagePlugin, MpoImagePlugin, PngImagePlugin, WebPImagePlugin)
"""The only ones that are loaded. MPO is the JPEG of phones with two pictures in it; the first is taken."""
FORMATS = ("JPEG", "PNG", "WEBP")
"""What cameras and signature pads write."""
VIEW_QUALITY, THUMB_QUALITY = 85, 80

Image.MAX_IMAGE_PIXELS = IMAGE_PIXELS_MAX


def reencode(data: bytes) -> Encoded:
    """Decode and write anew. Raises `NoImage`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            view = _decoded(data)
    except NoImage:
        raise
    except UnidentifiedImageError:
        raise NoImage(NOT_AN_IMAGE) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise NoImage(TOO_MANY_PIXELS) from None
    except MemoryError:
        raise NoImage(TOO_COSTLY) from None
    except Exception:
        # A decoder fed with a hostile file raises whatever it likes: none of it is an image to show.
        raise NoImage(DAMAGED) from None
    thumb = view.copy()
    thumb.thumbnail((IMAGE_THUMB_SIDE, IMAGE_THUMB_SIDE), Image.Resampling.LANCZOS)
    return Encoded(_jpeg(view, VIEW_QUALITY), _jpeg(thumb, THUMB_QUALITY))


def _decoded(data: bytes) -> Image.Image:
    """The picture upright, in plain RGB, in the size in which it is shown, with nothing attached to it."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        # The header is read and nothing is decoded yet.
        width, height = image.size
        if width * height > IMAGE_PIXELS_MAX or max(width, height) > IMAGE_SIDE_MAX:
            raise NoImage(TOO_MANY_PIXELS)
        image.draft("RGB", (IMAGE_VIEW_SIDE, IMAGE_VIEW_SIDE))  # a JPEG is decoded at a fraction of its size
        image.load()
        plain = _plain(ImageOps.exif_transpose(image))
    plain.thumbnail((IMAGE_VIEW_SIDE, IMAGE_VIEW_SIDE), Image.Resampling.LANCZOS)
    return plain


def _plain(image: Image.Image) -> Image.Image:
    """RGB on white: a signature is black on nothing."""
    if image.mode.startswith("I"):
        image = image.point(lambda value: value / 256).convert("L")
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        plain = Image.new("RGB", image.size, "white")
        plain.paste(image, mask=image.getchannel("A"))
        return plain
    plain = Image.new("RGB", image.size)
    plain.paste(image.convert("RGB"))
    return plain


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()
