"""Tables of backups: the keys they are encrypted under, which sets were verified, and what a restore accounts for.

`backups` grows by one row a backup and holds the watermark that tablets are told as `durable`. `returned_positions`
is filled after a restore only. All times are ms since 1970, UTC.
"""

from __future__ import annotations

STATEMENTS = (
    # `identity` is the secret half, as text in the age format. The newest that is not retired is used for new sets.
    """create table backup_keys (
      recipient text primary key, identity text not null, created_ms integer not null, retired_ms integer
    ) strict, without rowid""",
    # `number` counts up whatever the clock says. `positions`: JSON {epoch id: {home_region: last position}}.
    # `state` is good, missing, damaged or pruned; only good ones count.
    """create table backups (
      number integer primary key, set_name text not null unique, created_ms integer not null, epoch text not null,
      positions text not null, manifest_sha256 text not null, bytes integer not null, state text not null,
      problem text not null, verified_ms integer not null, checked_ms integer not null, hashed_ms integer not null
    ) strict""",
    "create index backups_by_state on backups (state, number)",
    # Photos in the folder of backups, each encrypted once. `number`: the first backup whose list names it.
    """create table backup_blobs (
      sha256 text primary key, bytes integer not null, number integer not null, state text not null,
      checked_ms integer not null
    ) strict, without rowid""",
    # `epoch`: the one that began with the restore. `positions`: how far the log went when the set was made.
    """create table restores (
      epoch text primary key, set_name text not null, from_epoch text not null, positions text not null,
      created_ms integer not null, restored_ms integer not null
    ) strict, without rowid""",
    # Where an event stood in a log that was lost, as those who hand it back say.
    """create table returned_positions (
      home_region text not null, epoch text not null, position integer not null, ref text not null,
      told_ms integer not null,
      primary key (home_region, epoch, position, ref)
    ) strict, without rowid""",
)
