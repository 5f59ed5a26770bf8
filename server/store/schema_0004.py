"""Tables of erasure (docs/decisions/0031, 0032): what may never come back, and what is left of a part.

`erased_subjects`, `erased_items` and `erased_files` are groups of their own: whoever brings something knows a key or a
digest, and no region.
"""

from __future__ import annotations

STATEMENTS = (
    # Where a part was left without some of its answers: the server's signature over what is left, since the hash in
    # the log is that of the whole. Null for whole, empty and absent parts.
    "alter table parts add column remains text",
    # `subject` is a person key, or a household id where the whole household was erased. `ref` is the erasure's.
    """create table erased_subjects (
      subject text not null, ref text not null, home_region text not null, primary key (subject, ref)
    ) strict, without rowid""",
    # `pointers`: JSON list of what is taken out of the part (sync/erasure.py), or empty for all of it. `late`: it came
    # after the erasure, from somebody who had not heard of it.
    """create table erased_parts (
      home_region text not null, ref text not null, part text not null, pointers text not null, erasure text not null,
      late integer not null, primary key (home_region, ref, part)
    ) strict, without rowid""",
    "create index erased_parts_by_erasure on erased_parts (home_region, erasure)",
    # What was kept as bytes or as a sealed box and was emptied: salted digests of the SHA-256 under which it came.
    "create table erased_items (digest text primary key, erasure text not null) strict, without rowid",
    # Photos and signatures, by SHA-256 of their bytes and by the path of an event that names them: another event may
    # name the same bytes and keep them.
    """create table erased_files (
      sha256 text not null, ref text not null, path text not null, erasure text not null,
      primary key (sha256, ref, path)
    ) strict, without rowid""",
)
