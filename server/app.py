"""The Flask app: endpoints, errors, the OpenAPI file. Made by `create_app`; it starts nothing by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Flask, Response
from flask_smorest import Api

from schemas.limits import DEPOSIT_BYTES_MAX
from server.api import blobs, central, forms, health, sync, tablet
from server.api.errors import register_errors
from server.api.measured import measure
from server.api.readiness import Readiness
from server.api.services import EXTENSION, Services
from server.auth.keys import load_keys
from server.blobs.folder import FolderBlobs
from server.blobs.storage import BlobStorage
from server.clock import Clock, SystemClock
from server.settings import Settings
from server.store.database import Store

OPENAPI_PATH = "/v1/openapi.json"


class _PlainApi(Api):  # type: ignore[misc]
    """flask-smorest without its error handler: its default drops `Allow` on 405 and speaks another error format."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Errors are `server/api/errors.py`'s."""


def create_app(
    store: Store,
    settings: Settings,
    *,
    clock: Clock | None = None,
    wake_fold: Callable[[], None] = lambda: None,
    storage: BlobStorage | None = None,
) -> Flask:
    """The app over an open store. `wake_fold` is called after each push, so that folding starts at once. `storage`:
    where photos lie; else the folder of the settings."""
    clock = clock or SystemClock()
    storage = storage or FolderBlobs(settings.blobs)
    app = Flask("padan", static_folder=None)
    app.config.update(
        API_TITLE="Padan",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX=None,
        MAX_CONTENT_LENGTH=DEPOSIT_BYTES_MAX,
    )
    app.url_map.strict_slashes = False
    keys = load_keys(store.db, clock.now_ms())
    readiness = Readiness(store, settings.home, clock, storage)
    app.extensions[EXTENSION] = Services(
        store, keys, settings, clock, storage, readiness, wake_fold
    )
    api = _PlainApi(app)
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    for module in (sync, blobs, forms, central):
        api.register_blueprint(module.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(tablet.blueprint)
    register_errors(app)
    app.after_request(_headers)
    measure(app, clock)
    document = json.dumps(api.spec.to_dict(), ensure_ascii=False)
    app.add_url_rule(OPENAPI_PATH, "openapi", lambda: Response(document, mimetype="application/json"))
    return app


def openapi_document(app: Flask) -> dict[str, Any]:
    """The OpenAPI description as served."""
    with app.test_client() as client:
        found: dict[str, Any] = client.get(OPENAPI_PATH).get_json()
        return found


def _headers(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
