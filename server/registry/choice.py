"""Which adapter an installation delivers through: made from the settings, one for each thread that asks."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from server.clock import Clock
from server.registry.adapter import Adapter
from server.registry.client import GenericAdapter
from server.registry.file_adapter import FileAdapter
from server.registry.signing import Credentials
from server.settings import Settings

NewAdapter = Callable[[], Adapter]


def adapter_maker(settings: Settings, clock: Clock) -> NewAdapter | None:
    """What makes an adapter; None where no registry is set, so that ratified records wait."""
    if settings.registry_kind == "file":
        return (lambda: FileAdapter(Path(settings.registry_folder), clock=clock)) if settings.registry_folder else None
    if not settings.registry_url:
        return None
    credentials = Credentials(settings.registry_client, settings.registry_secret.encode())
    return lambda: GenericAdapter(
        settings.registry_url, credentials, new_nonce=lambda: secrets.token_hex(16), clock=clock
    )
