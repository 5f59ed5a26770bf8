"""The field client: what an officer's tablet does, without a screen. Reference client of docs/protocol.md.

`FieldClient` is the whole of it for programs; the terminal in `ask.py` and server/commands/field.py stands on it.
Uses `schemas` only: a tablet has no server inside.
"""

from field_forms.client.client import FieldClient, NotEnrolled
from field_forms.client.pace import Clock, SystemClock
from field_forms.client.sync_result import Progress, SyncResult
from field_forms.client.transport import HttpTransport, Request, Response, Transport, Unreachable

__all__ = [
    "Clock", "FieldClient", "HttpTransport", "NotEnrolled", "Progress", "Request", "Response", "SyncResult",
    "SystemClock", "Transport", "Unreachable",
]  # fmt: skip
