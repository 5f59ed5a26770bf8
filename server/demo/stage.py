"""The stage of the demo: its folder, the server and the registry on loopback, and the tablets. Real HTTP throughout."""

from __future__ import annotations

import random
import secrets
import shutil
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import waitress

from field_forms.client import FieldClient, HttpTransport
from field_forms.client.transport import Request, Response, Unreachable
from server.app import create_app
from server.auth.keys import ServerKeys, load_keys
from server.backups.passphrase import suggestion
from server.clock import SystemClock
from server.folding import Folder
from server.registry.reference.app import Registry
from server.registry.reference.faults import Faults
from server.registry.reference.ledger import Ledger
from server.registry.reference.running import bound_server
from server.settings import DEMO_DATABASE, DEMO_SETTINGS, Settings, load_settings
from server.store.database import Store
from server.store.migrations import open_store

FOLDER = DEMO_DATABASE.parent
MARKER = "this-folder-belongs-to-padan-demo"
HOST = "127.0.0.1"
CLIENT_NAME = "padan"
TWO_YEARS_MS = 2 * 365 * 24 * 3_600_000


@dataclass
class Stage:
    """Everything that runs. `root`: the working folder in which settings are looked up."""

    root: Path
    settings: Settings
    store: Store
    keys: ServerKeys
    clock: SystemClock
    folder: Folder
    server: Any
    ledger: Ledger
    faults: Faults
    registry_server: Any
    url: str
    registry_url: str

    @property
    def home(self) -> Path:
        """The demo's own folder."""
        return self.root / FOLDER

    def stop(self) -> None:
        """End the threads, close the files; safe to call once at the end."""
        self.server.close()
        self.registry_server.close()
        self.folder.stop()
        self.store.close()
        with suppress(Exception):
            self.ledger.close()


class FolderNotOurs(Exception):
    """There is something in the demo's folder that the demo did not put there."""


def fresh_folder(root: Path) -> Path:
    """An empty folder for a run; what an earlier run left is removed, anything else is left alone."""
    home = root / FOLDER
    if home.exists():
        if any(home.iterdir()) and not (home / MARKER).exists():
            raise FolderNotOurs(f"{home} holds files that are not the demo's; move them away first.")
        shutil.rmtree(home)
    home.mkdir(parents=True)
    (home / MARKER).write_text("Made by `padan demo`; removed at its next run.\n")
    return home


def set_stage(root: Path, seed: int, port: int = 0, database: str = "") -> Stage:
    """Start registry and server in threads of this process, over a new file, or over an empty PostgreSQL `database`."""
    home = fresh_folder(root)
    secret = secrets.token_hex(32)
    secret_file = home / "registry.secret"
    secret_file.write_text(secret + "\n")
    secret_file.chmod(0o600)
    ledger, faults = Ledger(home / "registry.db"), Faults(seed)
    registry_server, registry_port = bound_server(Registry(ledger, faults, {CLIENT_NAME: secret.encode()}), 0)
    registry_url = f"http://{HOST}:{registry_port}"
    passphrase_file = home / "backup.passphrase"
    passphrase_file.write_text(suggestion(secrets.randbelow) + "\n")
    passphrase_file.chmod(0o600)
    own = {
        "PADAN_STAFF": "pengawas",
        "PADAN_REGISTRY_URL": registry_url,
        "PADAN_REGISTRY_SECRET_FILE": str(secret_file),
        "PADAN_CAMPAIGN": "demo",
        "PADAN_BACKUP_FOLDER": str(home / "cadangan"),
        "PADAN_BACKUP_PASSPHRASE_FILE": str(passphrase_file),
    }
    # Left beside the database, so that every command run in this folder afterwards finds the same things.
    (root / DEMO_SETTINGS).write_text("".join(f"{name}={value}\n" for name, value in own.items()))
    place = {"PADAN_DATABASE": database or str(root / DEMO_DATABASE), "PADAN_FOLDER": str(home)}
    settings = load_settings({**own, **place}, root)
    store, clock = open_store(settings.database), SystemClock()
    keys = load_keys(store.db, clock.now_ms())
    folder = Folder(store, clock)
    app = create_app(store, settings, clock=clock, wake_fold=folder.wake)
    server = waitress.create_server(app, host=HOST, port=port, threads=8, ident="padan")
    for name, each in (("padan-registry", registry_server), ("padan-server", server)):
        threading.Thread(target=_run, args=(each,), name=name, daemon=True).start()
    folder.start()
    url = f"http://{HOST}:{server.effective_port}"
    return Stage(root, settings, store, keys, clock, folder, server, ledger, faults, registry_server, url, registry_url)


def tablet(stage: Stage, name: str, seed: int, *, offset_ms: int = 0) -> FieldClient:
    """A field client with a file of its own; `offset_ms`: how wrong its clock is."""
    client = FieldClient(
        stage.home / "tablets" / name,
        HttpTransport(stage.url),
        TabletClock(offset_ms),
        random.Random(seed),  # noqa: S311 - a rehearsal that can be repeated
    )
    client.store.set(server_url=stage.url)
    return client


class TabletClock:
    """A tablet's clock, possibly wrong by years."""

    def __init__(self, offset_ms: int) -> None:
        self._offset_ms = offset_ms

    def now_ms(self) -> int:
        """Milliseconds since 1970, as the tablet believes."""
        return SystemClock().now_ms() + self._offset_ms

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; a rehearsal does not wait long."""
        time.sleep(min(seconds, 0.2))


class CutOff:
    """A line that drops in the middle of the first upload: half the body arrives, no answer comes."""

    def __init__(self, inner: HttpTransport, url: str) -> None:
        self._inner = inner
        self._address = urlsplit(url)
        self.cuts = 0

    def send(self, request: Request, on_bytes: Any = None) -> Response:
        """As `HttpTransport.send`; the first push is cut."""
        if request.path == "/v1/events" and not self.cuts:
            self.cuts += 1
            self._half(request)
            raise Unreachable("the line dropped")
        return self._inner.send(request, on_bytes)

    def _half(self, request: Request) -> None:
        headers = {**request.headers, "host": self._address.netloc, "content-length": str(len(request.body))}
        opened = f"{request.method} {request.path} HTTP/1.1\r\n"
        opened += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        with socket.create_connection((self._address.hostname or HOST, self._address.port or 80)) as line:
            line.sendall(opened.encode() + request.body[: len(request.body) // 2])


def _run(server: Any) -> None:
    # Closing the server from another thread ends its loop with an error about the closed socket.
    with suppress(OSError):
        server.run()
