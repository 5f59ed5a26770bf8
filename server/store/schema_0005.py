"""Own forms: versions that are retired, the sheets they were made from, what tablets say they work with, and a second
lane in the fold queue for records that are only folded again.
"""

from __future__ import annotations

STATEMENTS = (
    # A version is retired while a row of it has no `restored_ms`. It stays published: what was filled in on it counts.
    """create table form_retirements (
      form_id text not null, version text not null, retired_ms integer not null, retired_by text not null,
      reason text not null, restored_ms integer, restored_by text,
      primary key (form_id, version, retired_ms)
    ) strict""",
    # The sheets as they were read, so that an author starts from what is published; `sheet` is JSON.
    """create table form_sheets (
      form_id text not null, version text not null, sheet text not null, source text not null,
      primary key (form_id, version)
    ) strict""",
    # What a tablet said last: the versions it can open, and how many drafts it has on each.
    """create table install_forms (
      install text not null, form_id text not null, version text not null, drafts integer not null,
      told_ms integer not null,
      primary key (install, form_id, version)
    ) strict, without rowid""",
    # 1: nothing happened to the household, a form was published. Such rows give way to all others.
    "alter table fold_queue add column refold integer not null default 0",
    "create index fold_queue_by_turn on fold_queue (refold, queued_ms)",
    "drop index fold_queue_by_age",
)
