"""A line between tablet and server that breaks: a small proxy of its own, which counts what the tablet sends.

It passes bytes on as they come. In the middle of the body of a PATCH, after as many bytes as the plan says, it closes
both sides, as a bad radio link does: what it has passed on has reached the server's machine, the rest is lost.
"""

from __future__ import annotations

import re
import select
import socket
import threading
from collections.abc import Callable

PIECE_BYTES = 4_096
BUFFER_BYTES = 32_768
"""Of the line itself: a radio link holds little, and what lies in it when it breaks is lost."""


class BreakingLine:
    """Listens on a port of its own; `port_of_server` is asked at each connection, since a server that is started again
    has another. `plan`: after how many bytes of photos, counted over all connections, it breaks."""

    def __init__(self, port_of_server: Callable[[], int], plan: list[int]) -> None:
        self._port_of_server = port_of_server
        self._plan = sorted(plan)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.from_tablet = 0
        """Every byte that came from the tablet: headers, questions, pieces."""
        self.photo_bytes = 0
        self.cuts = 0
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> BreakingLine:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _spawn(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            if not select.select([self._listener], [], [], 0.1)[0]:
                continue
            tablet, _ = self._listener.accept()
            try:
                server = socket.create_connection(("127.0.0.1", self._port_of_server()), 5)
            except OSError:
                tablet.close()
                continue
            self._spawn(self._carry, tablet, server)

    def _carry(self, tablet: socket.socket, server: socket.socket) -> None:
        head, body_left = b"", 0
        with tablet, server:
            while not self._over.is_set():
                try:
                    for source in select.select([tablet, server], [], [], 0.1)[0]:
                        data = source.recv(PIECE_BYTES)
                        if not data:
                            return
                        if source is server:
                            tablet.sendall(data)
                            continue
                        self.from_tablet += len(data)
                        head, body_left, photo = _followed(head, body_left, data)
                        self.photo_bytes += photo
                        server.sendall(data)
                        if photo and self._plan and self.photo_bytes >= self._plan[0]:
                            del self._plan[0]
                            self.cuts += 1
                            return
                except OSError:
                    return


def _followed(head: bytes, body_left: int, data: bytes) -> tuple[bytes, int, int]:
    """What of the data is body of a PATCH: the head that is being read, what is left of a body, bytes of photos."""
    photo = 0
    while data:
        if body_left:
            took = min(body_left, len(data))
            body_left, data, photo = body_left - took, data[took:], photo + took
            continue
        head += data
        end = head.find(b"\r\n\r\n")
        if end < 0:
            return head, 0, photo
        data = head[end + 4 :]
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head[:end])
        body_left = int(length[1]) if length and head.startswith(b"PATCH") else 0
        if not body_left and length:
            data = data[int(length[1]) :]
        head = b""
    return head, body_left, photo
