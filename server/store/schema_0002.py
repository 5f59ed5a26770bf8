"""Tables of photos and files (docs/decisions/0025, 0026): which event names which file, what has arrived of it, and
whether it can be shown.

A group of its own, keyed by the SHA-256 of the file: whoever sends or asks knows a hash and no region. Everything but
the uploads under way can be made again from the log and the bytes (`padan blobs repair`). All times are ms since 1970.
"""

from __future__ import annotations

STATEMENTS = (
    # `state`: server/store/blobs.py. `since_ms`: since when it is in that state.
    """create table blobs (
      sha256 text primary key, bytes integer not null, state text not null, since_ms integer not null,
      attempts integer not null, problem text not null
    ) strict, without rowid""",
    "create index blobs_by_state on blobs (state, since_ms)",
    # One row for each path of an event that names the file. `proved_ms`: when the tablet that made the event had sent
    # the bytes; only then may anybody see them through this name. `struck_ms`: the event was erased there.
    """create table blob_names (
      sha256 text not null, home_region text not null, ref text not null, path text not null,
      household_id text not null, area text not null, actor text not null, install text,
      bytes integer not null, mime text not null, named_ms integer not null, proved_ms integer, struck_ms integer,
      primary key (sha256, home_region, ref, path)
    ) strict, without rowid""",
    # How far each tablet has come; `received` counts what is synced to the disk. `done_ms`: it was whole and verified.
    """create table blob_uploads (
      sha256 text not null, install text not null, received integer not null, changed_ms integer not null,
      done_ms integer,
      primary key (sha256, install)
    ) strict, without rowid""",
    "create index blob_uploads_open on blob_uploads (install, changed_ms) where done_ms is null",
)
