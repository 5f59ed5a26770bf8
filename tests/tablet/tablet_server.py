"""`padan serve` as a process of its own, with another folder of the tablet app's files: `tablet_server.py BUILT ...`.

The command itself is the real one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from server.api import tablet
from server.commands import serve


def main() -> None:
    """Run `padan serve` with the arguments after the folder."""
    folder = Path(sys.argv[1])
    tablet.built_folder = lambda: folder
    serve.command.main(sys.argv[2:], prog_name="padan serve")


if __name__ == "__main__":
    main()
