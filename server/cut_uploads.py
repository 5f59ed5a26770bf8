"""Pieces of photos whose connection broke: what had arrived of the body is handed to the app all the same.

waitress calls the app once a body is complete, and drops what it has when the line breaks before. Over a line that
breaks every few seconds that is most of what a tablet sends. So a channel that closes in the middle of a PATCH of a
photo makes the request as it stands: the app meets a body that is shorter than announced, keeps it, and answers nobody.
"""

from __future__ import annotations

from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer, MultiSocketServer
from waitress.task import WSGITask

METHOD, PATH = "PATCH", "/v1/blobs/"


def keep_cut_uploads(server: BaseWSGIServer | MultiSocketServer) -> None:
    """Let a server of waitress, before it runs, keep what arrived of photos."""
    several = isinstance(server, MultiSocketServer)
    for each in list(server.map.values()) if several else [server]:
        if isinstance(each, BaseWSGIServer):
            each.channel_class = UploadChannel


class UploadChannel(HTTPChannel):  # type: ignore[misc]
    """A channel of waitress that loses no piece of a photo."""

    request: HTTPRequestParser | None

    def handle_close(self) -> None:
        """The connection ends, by whichever side or by the time that nothing was heard."""
        request = self._taken()
        if request is not None:
            self.server.add_task(_Leftover(self, request))
        super().handle_close()

    def _taken(self) -> HTTPRequestParser | None:
        """The request that was being received, if it is worth making; it is made once."""
        # Whoever closes while he holds the lock (waitress, sending 100 Continue) has received nothing of a body.
        if not self.requests_lock.acquire(blocking=False):
            return None
        try:
            request, self.request = self.request, None
        finally:
            self.requests_lock.release()
        if request is None or request.error is not None or request.completed or request.chunked:
            return None
        is_piece = request.headers_finished and request.command == METHOD and request.path.startswith(PATH)
        return request if is_piece and request.body_bytes_received > 0 else None


class _Leftover:
    """A task of waitress: the request of a channel that is closed."""

    def __init__(self, channel: UploadChannel, request: HTTPRequestParser) -> None:
        self._channel = channel
        self._request = request

    def service(self) -> None:
        """Call the app with what arrived; its answer has nowhere to go."""
        environ = WSGITask(self._channel, self._request).get_environment()
        try:
            answer = self._channel.server.application(environ, _unheard)
            try:
                for _ in answer:
                    pass
            finally:
                if hasattr(answer, "close"):
                    answer.close()
        finally:
            self._request.close()

    def cancel(self) -> None:
        """The server stops: the tablet sends these bytes again."""
        self._request.close()


def _unheard(_status: str, _headers: list[tuple[str, str]], _error: Any = None) -> Any:
    return lambda _data: None
