"""The reference registry behind waitress: started, told where it listens, stopped. In a thread or as a process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from waitress.server import create_server

from server.registry.reference.app import Registry, create_app

HOST = "127.0.0.1"
THREADS = 4
TICK_S = 0.2


def bound_server(registry: Registry, port: int) -> tuple[Any, int]:
    """A waitress server that listens (port 0: any free one) and its port; `run()` serves until the process ends."""
    server = create_server(create_app(registry), host=HOST, port=port, threads=THREADS, ident="padan-registry")
    return server, int(server.effective_port)


@contextmanager
def running_registry(registry: Registry, port: int = 0) -> Iterator[str]:
    """Serve in a thread; gives the base URL. On leaving, every connection is cut as if the process had ended."""
    server, real_port = bound_server(registry, port)
    stop = threading.Event()
    thread = threading.Thread(target=_serve, args=(server, stop), name="padan-registry", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{real_port}"
    finally:
        # No pull of the trigger: the thread may have closed it already, and its number may be another file's by now.
        stop.set()
        thread.join(timeout=10)


def _serve(server: Any, stop: threading.Event) -> None:
    while not stop.is_set():
        server.asyncore.loop(timeout=TICK_S, map=server._map, count=1)
    server.task_dispatcher.shutdown()
    server.asyncore.close_all(server._map)
