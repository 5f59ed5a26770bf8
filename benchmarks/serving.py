"""The app on waitress with as many threads as `padan serve`, and nothing beside it: no folding, no checkpoints.

Shows what taking in costs by itself. Waits to be ended by the process that started it.
"""

from __future__ import annotations

import sys

import waitress

from server.app import create_app
from server.log import configure_logging
from server.settings import load_settings
from server.store.migrations import open_store


def main() -> None:
    """Serve the database of the settings on a free port."""
    settings = load_settings()
    configure_logging(settings.log_level)
    app = create_app(open_store(settings.database), settings)
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=settings.threads, ident="padan")
    print(f"http://127.0.0.1:{server.effective_port}", file=sys.stderr, flush=True)
    server.run()


if __name__ == "__main__":
    main()
