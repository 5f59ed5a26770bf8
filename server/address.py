"""A database's address: which engine it names, and how it may be shown. Nothing is opened here."""

from __future__ import annotations

from urllib.parse import urlsplit

POSTGRES_SCHEMES = ("postgresql://", "postgres://")


def is_postgres(address: str) -> bool:
    """Whether an address is that of a PostgreSQL database; else it is the path of a SQLite file."""
    return address.startswith(POSTGRES_SCHEMES)


def shown(address: str) -> str:
    """The address as it may be shown and logged: without a password."""
    if not is_postgres(address):
        return address
    parts = urlsplit(address)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{user}{parts.hostname or ''}{port}{parts.path}"
