"""Sending photos: after the forms, the smallest first, each from where it stood, and dropped only when it is safe.

Goes on where it was cut off, in this sync or the next: how far a file is, the server says (docs/protocol.md,
"Photos and files"). One file that the server does not take never holds up the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from field_forms.client.pace import FilePace
from field_forms.client.store import RECEIVED
from field_forms.client.store_files import KEPT, REFUSED, SPOILED, FileStore, KeptFile
from field_forms.client.transport import Server, ServerRefused, UploadStanding

ASKED_MAX = 100
"""Files that are asked for in one sync whether they are safe: some 30 KB of requests."""

TAKEN_ANEW_MAX = 1
UNKNOWN, MISMATCH = 404, "blob_mismatch"
_T = TypeVar("_T")

Tell = Callable[[int, int, int, int], None]
"""Files done, files, bytes done, bytes."""


class Attempt(Protocol):
    """Calls until it is answered, waiting between failures. `pace` hears of each failure; raises `GaveUp`."""

    def __call__(self, call: Callable[[], _T], pace: FilePace) -> _T: ...


class FileUpload:
    """The photos of one sync."""

    def __init__(
        self, files: FileStore, server: Server, attempt: Attempt, moved: Callable[[], None], tell: Tell,
        now_s: Callable[[], float], piece_bytes_max: int,
    ) -> None:  # fmt: skip
        self._files = files
        self._server = server
        self._attempt = attempt
        self._moved = moved
        self._tell = tell
        self._now_s = now_s
        self._pace = FilePace(piece_bytes_max)
        self._done_bytes = 0
        self._total = (0, 0)
        self.sent = 0
        self.bytes_sent = 0
        """Bytes that were handed to the network, those that were lost on the way included."""
        self.dropped = 0

    def send_all(self) -> None:
        """Every file that only this tablet has. Raises `GaveUp`; `ServerRefused` where the tablet itself is refused."""
        waiting = self._files.to_send()
        self._total = (len(waiting), sum(each.bytes for each in waiting))
        for number, file in enumerate(waiting):
            self._tell(number, self._total[0], self._done_bytes, self._total[1])
            self._send(file, number)
            self._done_bytes += file.bytes
        if waiting:
            self._tell(self._total[0], self._total[0], self._total[1], self._total[1])

    def drop_safe(self) -> None:
        """Remove what a verified backup has. Asked only of files whose events are all in one."""
        for file in self._files.to_drop(ASKED_MAX):
            try:
                standing = self._head(file)
            except ServerRefused as error:
                if error.status != UNKNOWN:
                    raise
                continue
            if not standing.complete:
                self._files.mark(file.sha256, KEPT)
            elif standing.durable:
                self._files.drop(file.sha256)
                self.dropped += 1

    def _send(self, file: KeptFile, number: int) -> None:
        """One file: received, or kept with the reason why not."""
        try:
            standing = self._head(file)
            for again in range(TAKEN_ANEW_MAX + 1):
                try:
                    standing = self._pieces(file, standing, number)
                    break
                except ServerRefused as error:
                    if error.code != MISMATCH or again == TAKEN_ANEW_MAX or not self._files.is_whole(file.sha256):
                        raise
                    standing = self._head(file)
        except ServerRefused as error:
            self._keep_refused(file, error)
            return
        except OSError as error:
            self._files.mark(file.sha256, SPOILED, type(error).__name__)
            return
        self._files.mark(file.sha256, RECEIVED)
        self.sent += 1

    def _pieces(self, file: KeptFile, standing: UploadStanding, number: int) -> UploadStanding:
        """Piece by piece to the end. Raises `OSError` where the tablet's own bytes end too early."""
        with self._files.path(file.sha256).open("rb") as source:
            while not standing.complete:
                source.seek(standing.offset)
                piece = source.read(min(self._pace.size, standing.length - standing.offset))
                if not piece and standing.offset < standing.length:
                    raise OSError("shorter than its event says")
                before = standing.offset
                standing = self._piece(file, standing, piece, number)
                if standing.complete or standing.offset > before:
                    self._moved()
        return standing

    def _piece(self, file: KeptFile, standing: UploadStanding, piece: bytes, number: int) -> UploadStanding:
        """Send one piece once; where no answer came, ask where the upload stands."""
        began_s, tried = self._now_s(), _Tried()

        def on_bytes(sent: int, _total: int) -> None:
            self.bytes_sent += tried.handed_out(sent)
            self._tell(number, self._total[0], self._done_bytes + standing.offset + sent, self._total[1])

        def call() -> UploadStanding:
            if tried.once:
                return self._server.blob_standing(file.sha256)
            tried.once = True
            return self._server.blob_append(file.sha256, standing.offset, standing.length, piece, on_bytes)

        found = self._attempt(call, self._pace)
        if found.offset == standing.offset + len(piece):
            self._pace.measured(len(piece), self._now_s() - began_s)
        return found

    def _head(self, file: KeptFile) -> UploadStanding:
        return self._attempt(lambda: self._server.blob_standing(file.sha256), self._pace)

    def _keep_refused(self, file: KeptFile, error: ServerRefused) -> None:
        if error.status in (401, 403):
            raise error
        if error.status == UNKNOWN:
            # The server does not know the event (kept as bytes, or erased): there is nothing wrong with the file.
            return
        if error.code == MISMATCH and not self._files.is_whole(file.sha256):
            self._files.mark(file.sha256, SPOILED, error.code)
        else:
            self._files.mark(file.sha256, REFUSED, error.code)


class _Tried:
    """One sending of one piece: whether it was made, and how much of it was handed to the network."""

    def __init__(self) -> None:
        self.once = False
        self._before = 0

    def handed_out(self, sent: int) -> int:
        """Bytes since it was told last."""
        more, self._before = max(0, sent - self._before), sent
        return more

