"""Where photos are developed: hands each to a confined process (`child.py`) and takes back what may be shown.

A process that dies, hangs or answers nonsense costs the one image it was at; the next gets a new process. This module
decodes nothing itself.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from schemas.limits import IMAGE_DECODE_SECONDS_MAX
from server.images.outcome import TOO_COSTLY, Encoded, NoImage

FRAME = struct.Struct(">Q")
IMAGES_PER_CHILD = 50
"""Then a new process begins, so that memory that a decoder lost is given back."""
ANSWER_BYTES_MAX = 16 * 1024 * 1024
LINE_BYTES_MAX = 1_000
PACKAGES = Path(__file__).resolve().parents[2]


class Darkroom:
    """Use as a context; one image at a time. The process starts with the first."""

    def __init__(self, seconds_max: float = IMAGE_DECODE_SECONDS_MAX) -> None:
        self._seconds_max = seconds_max
        self._child: subprocess.Popen[bytes] | None = None
        self._done = 0

    def __enter__(self) -> Darkroom:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._end()

    def develop(self, data: bytes) -> Encoded:
        """The image written anew. Raises `NoImage`: it is none, it is damaged, or it cost more than it may."""
        child = self._running()
        timer = threading.Timer(self._seconds_max, child.kill)
        timer.start()
        try:
            answer = _asked(child, data)
        except (OSError, ValueError, KeyError):
            answer = None
        finally:
            timer.cancel()
        self._done += 1
        if answer is None:
            self._end()
            raise NoImage(TOO_COSTLY)
        if isinstance(answer, str):
            raise NoImage(answer)
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and (self._done >= IMAGES_PER_CHILD or self._child.poll() is not None):
            self._end()
        if self._child is None:
            # Nothing of our own environment: it may hold secrets.
            self._child = subprocess.Popen(
                [sys.executable, "-m", "server.images.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PYTHONPATH": str(PACKAGES), "PATH": os.defpath},
                cwd="/",
            )
            self._done = 0
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was still to be written goes to nobody
                    pipe.close()
        child.wait()


def _asked(child: subprocess.Popen[bytes], data: bytes) -> Encoded | str | None:
    """The answer of the process; None where it gave none."""
    if child.stdin is None or child.stdout is None:
        return None
    child.stdin.write(FRAME.pack(len(data)) + data)
    child.stdin.flush()
    line = child.stdout.readline(LINE_BYTES_MAX)
    if not line.endswith(b"\n"):
        return None
    said: dict[str, Any] = json.loads(line)
    if "problem" in said:
        return str(said["problem"])
    sizes = int(said["view"]), int(said["thumb"])
    if min(sizes) <= 0 or sum(sizes) > ANSWER_BYTES_MAX:
        return None
    images = child.stdout.read(sum(sizes))
    return Encoded(images[: sizes[0]], images[sizes[0] :]) if len(images) == sum(sizes) else None

