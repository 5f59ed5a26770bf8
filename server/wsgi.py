"""The app for a WSGI server of one's own choice (gunicorn behind nginx): `gunicorn server.wsgi:application`.

Each process opens the database of the settings for itself, after the fork. Nothing folds or delivers here: that is
`padan worker`'s, of which at least one runs beside (docs/scale.md).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from flask import Flask

from server.app import create_app
from server.commands._opening import open_server
from server.log import configure_logging

_lock = threading.Lock()
_apps: list[Flask] = []


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """The WSGI app; made at the first request of a process, so that no connection is shared across a fork."""
    return _app()(environ, start_response)


def _app() -> Flask:
    with _lock:
        if not _apps:
            opened = open_server()
            configure_logging(opened.settings.log_level)
            _apps.append(create_app(opened.store, opened.settings, clock=opened.clock))
        return _apps[0]
