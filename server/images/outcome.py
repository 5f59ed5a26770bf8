"""What comes of looking at a photo: the image written anew, or why there is none. Decodes nothing."""

from __future__ import annotations

from dataclasses import dataclass

NOT_AN_IMAGE, DAMAGED, TOO_MANY_PIXELS, TOO_COSTLY = "not_an_image", "damaged", "too_many_pixels", "too_costly"


class NoImage(Exception):
    """Nothing can be shown of it; `reason` is one of the constants of this module."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Encoded:
    """JPEG bytes in both sizes."""

    view: bytes
    thumb: bytes
