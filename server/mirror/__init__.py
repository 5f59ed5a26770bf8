"""The central office's mirror: an HTTP client of the pull that keeps one SQLite file. Never reaches into the server's
own database; docs/pusat.md describes the file."""

from __future__ import annotations

from server.mirror.problem import MirrorProblem
from server.mirror.pulling import PullDone, PullProgress, pull
from server.mirror.source import HttpSource

__all__ = ["HttpSource", "MirrorProblem", "PullDone", "PullProgress", "pull"]
