"""Tables of the reference registry's file (described in docs/registry.md; a checker reads them without this code)."""

SCHEMA = """
create table if not exists records (
  household_id text primary key,
  home_region text not null,
  version integer not null,
  payload text,                      -- canonical JSON; null once withdrawn
  content_digest text not null,      -- SHA-256 of payload; '' once withdrawn
  idempotency_key text not null,
  receipt text not null,             -- number of the receipt
  applied_at text not null,          -- RFC 3339, UTC
  withdrawn integer not null check (withdrawn in (0, 1))
) strict;
create index if not exists records_by_region on records (home_region, household_id);

create table if not exists persons (
  person_key text primary key,
  household_id text not null,
  nik text not null                  -- '' where the person has none or it is disputed
) strict;
create unique index if not exists persons_by_nik on persons (nik) where nik <> '';
create index if not exists persons_by_household on persons (household_id);

create table if not exists person_keys (
  person_key text primary key,       -- every key a standing person is known by
  household_id text not null
) strict;
create index if not exists person_keys_by_household on person_keys (household_id);

create table if not exists applications (
  seq integer primary key,
  idempotency_key text not null,
  household_id text not null,
  version integer not null,
  action text not null check (action in ('deliver', 'withdraw')),
  content_digest text not null,
  receipt text not null unique,
  applied_at text not null
) strict;

create table if not exists remembered_keys (
  idempotency_key text primary key,
  request_digest text not null,      -- SHA-256 of the request's body
  receipt text not null              -- canonical JSON of the first receipt
) strict;

create table if not exists reservations (
  nik text primary key,
  household_id text not null,
  reserved_at text not null
) strict;

create table if not exists quota (day text primary key, used integer not null) strict;

create table if not exists nonces (nonce text primary key, seen_s integer not null) strict;
create index if not exists nonces_by_time on nonces (seen_s);
"""
