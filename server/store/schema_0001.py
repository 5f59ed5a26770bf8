"""The tables of the first version (docs/architecture.md, "Storage and scale").

Every table that grows is keyed first by `home_region`, the kabupaten in which a household was first recorded.
Exceptions, each a group of its own: NIK observations (by NIK digest), `known_households` (by household id),
`unreadable` (by digest of the bytes). Log and parts grow at their end only: keyed by position, not by ref, so that
the cost of an event stays flat. All times are ms since 1970, UTC.
"""

from __future__ import annotations

_LOG = (
    "create table meta (name text primary key, value text not null) strict, without rowid",
    # Epochs are counted here and named by a random id on the wire: a backup restored twice gives two names.
    """create table epochs (
      epoch integer primary key, id text not null unique, began_ms integer not null, reason text not null
    ) strict""",
    """create table log_heads (
      home_region text primary key, epoch integer not null, position integer not null, chain blob not null,
      generation integer not null
    ) strict, without rowid""",
    # `head` is the canonical bytes that were hashed; `part_hashes` the canonical JSON {part name: hash}.
    # chain = SHA-256(chain of the row before || payload hash), per region and epoch.
    """create table log (
      home_region text not null, epoch integer not null, position integer not null,
      ref text not null, id text not null, kind text not null, household_id text not null,
      head blob not null, payload_hash text not null, part_hashes text not null,
      received_ms integer not null, install text, seq integer, transport text, signature text,
      chain blob not null,
      primary key (home_region, epoch, position)
    ) strict""",
    "create unique index log_by_ref on log (home_region, ref)",
    "create index log_by_id on log (home_region, id)",
    "create index log_by_seq on log (home_region, install, seq) where seq is not null",
    # `content` is null once a person was erased; the hash of it stays in the log.
    """create table parts (
      home_region text not null, epoch integer not null, position integer not null, name text not null,
      salt text, content blob,
      primary key (home_region, epoch, position, name)
    ) strict""",
    """create table filings (
      home_region text not null, household_id text not null, epoch integer not null, position integer not null,
      kind text not null,
      primary key (home_region, household_id, epoch, position)
    ) strict, without rowid""",
    """create table known_households (
      household_id text primary key, home_region text not null
    ) strict, without rowid""",
    """create table unreadable (
      sha256 text primary key, bytes blob not null, reason text not null, detail text not null,
      install text, officer text, claimed_id text, home_region text, area text, received_ms integer not null,
      settled_ms integer, settled_by text
    ) strict""",
    "create index unreadable_open on unreadable (received_ms) where settled_ms is null",
)

_DERIVED = (
    """create table fold_queue (
      home_region text not null, household_id text not null, generation integer not null, queued_ms integer not null,
      failures integer not null default 0, problem text, not_before_ms integer not null default 0,
      primary key (home_region, household_id)
    ) strict, without rowid""",
    "create index fold_queue_by_age on fold_queue (queued_ms)",
    "create table feed_heads (home_region text primary key, position integer not null) strict, without rowid",
    """create table households (
      home_region text not null, household_id text not null, area text not null, state text not null,
      data blob not null, trail blob not null, data_digest text not null, delivery_digest text not null,
      aliases text not null, conflicts integer not null, awaiting integer not null, engine integer not null,
      feed_position integer not null,
      primary key (home_region, household_id)
    ) strict""",
    "create unique index households_by_feed on households (home_region, feed_position)",
    "create index households_by_area on households (home_region, area, feed_position)",
    "create index households_by_state on households (home_region, state, area)",
    """create table aliases (
      home_region text not null, household_id text not null, canonical_id text not null, area text not null,
      feed_position integer not null,
      primary key (home_region, household_id)
    ) strict, without rowid""",
    "create index aliases_by_feed on aliases (home_region, feed_position)",
    "create index aliases_by_canonical on aliases (home_region, canonical_id)",
    """create table household_officers (
      home_region text not null, officer text not null, household_id text not null,
      primary key (home_region, officer, household_id)
    ) strict, without rowid""",
    "create index officers_by_household on household_officers (home_region, household_id)",
    # A household that left an area, or an officer's list: whoever was sent it is told to drop it.
    """create table feed_removals (
      home_region text not null, household_id text not null, area text not null, officer text not null,
      feed_position integer not null,
      primary key (home_region, household_id, area, officer)
    ) strict, without rowid""",
    "create index removals_by_feed on feed_removals (home_region, feed_position)",
    """create table nik_claims (
      nik_digest text not null, home_region text not null, household_id text not null, person_key text not null,
      claim text not null,
      primary key (nik_digest, home_region, household_id, person_key)
    ) strict, without rowid""",
    "create index claims_by_household on nik_claims (home_region, household_id)",
    """create table nik_verdicts (
      home_region text not null, household_id text not null, ref text not null, content text not null,
      primary key (home_region, household_id, ref)
    ) strict, without rowid""",
    "create table nik_rows (nik_digest text primary key, content text not null) strict, without rowid",
    """create table nik_queue (
      nik_digest text primary key, generation integer not null
    ) strict, without rowid""",
    # `source` is 'record' (a conflict in the household's bytes) or 'nik' (of a NIK row, key = its digest).
    """create table cases (
      home_region text not null, household_id text not null, source text not null, case_key text not null,
      kind text not null, area text not null, detail text not null, opened_ms integer not null,
      primary key (home_region, household_id, source, case_key)
    ) strict, without rowid""",
    "create index cases_by_kind on cases (home_region, kind, area)",
)

_PEOPLE = (
    """create table server_keys (
      name text primary key, purpose text not null, secret blob not null, public text, created_ms integer not null,
      retired_ms integer
    ) strict""",
    """create table officers (
      officer text primary key, name text not null, scopes text not null, active integer not null,
      created_ms integer not null
    ) strict""",
    """create table enrolments (
      code_hash text primary key, officer text not null references officers, expires_ms integer not null,
      created_ms integer not null, created_by text not null, used_ms integer, install text
    ) strict""",
    """create table installs (
      install text primary key, officer text not null references officers, public_key text not null,
      deposit_hash text not null unique, read_hash text not null unique, enrolled_ms integer not null,
      revoked_ms integer, revoke_reason text, last_contact_ms integer, forked_ms integer
    ) strict""",
    """create table install_officers (
      install text not null, officer text not null, primary key (install, officer)
    ) strict, without rowid""",
    """create table staff (
      staff text primary key, name text not null, role text not null, scopes text not null, password_hash text,
      totp_secret text, active integer not null, created_ms integer not null
    ) strict""",
    """create table access_tokens (
      token_hash text primary key, subject text not null, purpose text not null, scopes text not null,
      created_ms integer not null, expires_ms integer, revoked_ms integer, last_used_ms integer
    ) strict""",
    "create index access_tokens_by_subject on access_tokens (subject)",
    """create table deposits (
      sha256 text primary key, depositor text not null, box blob not null, received_ms integer not null,
      opened_ms integer, problem text
    ) strict""",
    "create index deposits_by_depositor on deposits (depositor)",
)

_WORK = (
    """create table forms (
      id text not null, version text not null, hash text not null, definition blob not null, xform blob,
      published_ms integer not null, published_by text not null,
      primary key (id, version)
    ) strict""",
    """create table imports (
      import_id text primary key, source text not null, vintage text not null, predecessor text,
      home_region text not null, file_name text not null, file_sha256 text not null, started_ms integer not null,
      finished_ms integer, undone_ms integer, actor text not null, summary text not null
    ) strict""",
    """create table import_rows (
      home_region text not null, import_id text not null, family_id text not null, household_id text not null,
      ref text not null, row_digest text not null, fresh integer not null,
      primary key (home_region, import_id, family_id)
    ) strict, without rowid""",
    # States and moves: sync/delivery.py. `places`: JSON list of the places in the registry that the payload takes.
    """create table outbox (
      home_region text not null, household_id text not null, idempotency_key text not null, action text not null,
      version integer not null, delivery_digest text not null, payload blob not null, places text not null,
      state text not null, attempts integer not null, due_ms integer not null,
      lease_holder text, lease_token integer not null, lease_until_ms integer not null,
      problem_code text, problem text, receipt_ref text, written_ms integer not null, changed_ms integer not null,
      primary key (home_region, household_id, idempotency_key)
    ) strict""",
    "create index outbox_due on outbox (due_ms) where state in ('pending', 'uncertain')",
    "create index outbox_leased on outbox (lease_until_ms) where state in ('sending', 'asking')",
    "create index outbox_by_state on outbox (state, home_region)",
    # A place is a NIK, or the key of a person who has none; whoever holds it is the household that is delivered.
    """create table reservations (
      place text primary key, home_region text not null, household_id text not null, reserved_ms integer not null
    ) strict, without rowid""",
    "create index reservations_by_household on reservations (home_region, household_id)",
    # What the last receipt of a household id says stands in the registry: a cache of receipt events.
    """create table standings (
      home_region text not null, household_id text not null, version integer not null, withdrawn integer not null,
      delivery_digest text not null, content_digest text not null, disputed text not null, places text not null,
      idempotency_key text not null,
      primary key (home_region, household_id)
    ) strict, without rowid""",
    # Households that delivery looks at again; `blocked_on` is a place, a household or a word, `wanted` are places.
    """create table delivery_queue (
      home_region text not null, household_id text not null, generation integer not null, due_ms integer not null,
      blocked_on text not null, wanted text not null,
      primary key (home_region, household_id)
    ) strict, without rowid""",
    "create index delivery_queue_due on delivery_queue (due_ms)",
    "create index delivery_queue_blocked on delivery_queue (blocked_on) where blocked_on <> ''",
    """create table delivery_cursors (
      home_region text primary key, position integer not null
    ) strict, without rowid""",
    """create table leases (
      name text primary key, holder text not null, token integer not null, until_ms integer not null
    ) strict, without rowid""",
    """create table circuits (
      destination text primary key, state text not null, failures integer not null, opened_times integer not null,
      until_ms integer not null, reason text not null
    ) strict, without rowid""",
    """create table quotas (
      destination text not null, day text not null, used integer not null, primary key (destination, day)
    ) strict, without rowid""",
    """create table job_runs (
      job text primary key, started_ms integer not null, finished_ms integer, outcome text, detail text
    ) strict, without rowid""",
)

STATEMENTS = _LOG + _DERIVED + _PEOPLE + _WORK
