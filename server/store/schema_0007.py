"""Unlock codes: an officer who forgot the PIN of a tablet gets one from the operator (docs/security.md).

A group of its own, keyed by the digest of the code: it does not grow with the campaign.
"""

from __future__ import annotations

STATEMENTS = (
    """create table unlock_codes (
      code_hash text primary key, install text not null, expires_ms integer not null, used_ms integer,
      created_ms integer not null, created_by text not null
    ) strict, without rowid""",
    "create index unlock_codes_by_install on unlock_codes (install)",
)
