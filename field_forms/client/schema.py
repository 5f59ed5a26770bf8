"""The tables of the officer's file. Data only; opened by `store.py`."""

from __future__ import annotations

FIRST = (
    "create table settings (key text primary key, value text not null) strict",
    "create table tokens (kind text primary key, token text not null) strict",
    # What the feed says of a household: `item` is the newest version as it came.
    """create table households (
        household_id text primary key, home_region text not null, area text not null, level text not null,
        label text not null, item text not null, generation integer not null) strict""",
    "create table aliases (alias text primary key, household_id text not null) strict",
    # Own sealed events. `envelope` is what was hashed and never changes (erasure excepted).
    # `offer`: the state before a restored server put it in doubt; null = not in doubt.
    """create table events (
        seq integer primary key, id text not null unique, ref text not null unique, household_id text not null,
        payload_hash text not null, envelope text not null, transport text not null, signature text,
        size integer not null,
        state text not null, stamp text, status text, reason text, receipt text, offer text) strict""",
    """create table event_filings (
        household_id text not null, ref text not null, primary key (household_id, ref)) strict""",
    "create index events_state on events (state, seq)",
    # A form being filled in; `fixed` is what was settled at opening: household, context, prefill, not_before.
    """create table drafts (
        id text primary key, household_id text not null, form_id text not null, form_version text not null,
        fixed text not null, opened_ms integer not null, saved_ms integer not null) strict""",
    """create table draft_answers (
        draft_id text not null references drafts (id) on delete cascade, path text not null, answer text not null,
        primary key (draft_id, path)) strict""",
    """create table draft_persons (
        draft_id text not null references drafts (id) on delete cascade, position integer not null, key text not null,
        primary key (draft_id, key)) strict""",
    """create table forms (
        id text not null, version text not null, hash text not null, definition text not null,
        current integer not null, primary key (id, version)) strict""",
    "create table areas (code text primary key, name text not null) strict",
    # Signed events of staff and server behind assigned households: a restored server gets them back from here.
    """create table staff_events (
        ref text primary key, id text not null, payload_hash text not null, envelope text not null,
        offer text) strict""",
    """create table deposits (
        number integer primary key, box text not null, refs text not null, sent integer not null) strict""",
)

PHOTOS = (
    # States: `store_files.py`. The bytes lie in the folder `photos`, under their SHA-256.
    """create table files (
        sha256 text primary key, bytes integer not null, mime text not null, state text not null,
        problem text not null) strict""",
    """create table event_files (
        ref text not null, path text not null, sha256 text not null, primary key (ref, path)) strict""",
    "create index event_files_by_hash on event_files (sha256)",
    # Photos of events and drafts from before photos were sent.
    """insert into event_files select e.ref, a.key, json_extract(a.value, '$.sha256')
        from events e, json_each(e.envelope, '$.head.attachments') a""",
    """insert or ignore into files select json_extract(a.value, '$.sha256'), json_extract(a.value, '$.bytes'),
        json_extract(a.value, '$.mime'), 'kept', '' from events e, json_each(e.envelope, '$.head.attachments') a""",
    """insert or ignore into files select json_extract(answer, '$.file.sha256'), json_extract(answer, '$.file.bytes'),
        json_extract(answer, '$.file.mime'), 'kept', '' from draft_answers
        where json_extract(answer, '$.file') is not null""",
)

STEPS = (FIRST, PHOTOS)
"""A file of version n (`user_version`) lacks the steps behind the first n. Published steps are never edited."""
