"""The tablet app: TypeScript, built into static files that the server hands out at `/tablet/`.

Python knows of it only where its built files lie; how they are made is `build.py`'s.
"""

from __future__ import annotations

from pathlib import Path

ENTRY = "index.html"


def built_folder() -> Path:
    """Where the built app lies; not in git, part of the wheel."""
    return Path(__file__).resolve().parent.parent / "built" / "tablet"


def is_there(folder: Path | None = None) -> bool:
    """Whether an app was built into the folder."""
    return ((folder or built_folder()) / ENTRY).is_file()
