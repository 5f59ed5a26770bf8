"""What can go wrong with a pull, in the words of whoever runs it. No personal data and no token in a message."""

from __future__ import annotations


class MirrorProblem(Exception):
    """The pull stopped; the mirror holds every page that was completed and the next pull goes on from there."""


class LineProblem(ValueError):
    """A line of the server is not what docs/pusat.md and the API promise."""
