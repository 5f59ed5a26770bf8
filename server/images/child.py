"""The process in which images are decoded: `python -m server.images.child`. Started by `darkroom.py`, one at a time.

Whatever a hostile file makes a decoder do happens here: without secrets in the environment, with little memory and
time, unable to write a file or to leave a core behind. It reads frames (length, bytes) from its input and answers each
with one line of JSON, followed by the bytes of the images.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import BinaryIO

from schemas.limits import IMAGE_DECODE_BYTES_MAX, IMAGE_DECODE_SECONDS_MAX
from server.images.darkroom import FRAME, IMAGES_PER_CHILD
from server.images.outcome import NoImage
from server.images.reencode import reencode


def main() -> None:
    """Answer frames until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not break into an answer
    _confine()
    questions = sys.stdin.buffer
    while frame := _read(questions, FRAME.size):
        data = _read(questions, FRAME.unpack(frame)[0])
        _answer(answers, data)


def _confine() -> None:
    seconds = IMAGE_DECODE_SECONDS_MAX * IMAGES_PER_CHILD
    for what, most in (
        (resource.RLIMIT_AS, IMAGE_DECODE_BYTES_MAX),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 16),
    ):
        resource.setrlimit(what, (most, most))


def _answer(answers: BinaryIO, data: bytes) -> None:
    try:
        found = reencode(data)
    except NoImage as problem:
        answers.write(json.dumps({"problem": problem.reason}).encode() + b"\n")
    else:
        answers.write(json.dumps({"view": len(found.view), "thumb": len(found.thumb)}).encode() + b"\n")
        answers.write(found.view + found.thumb)
    answers.flush()


def _read(stream: BinaryIO, size: int) -> bytes:
    """Exactly `size` bytes; fewer only where the input ends, which is the end of the work."""
    data = stream.read(size)
    if len(data) < size:
        sys.exit(0)
    return data


if __name__ == "__main__":
    main()
