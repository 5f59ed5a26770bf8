"""The index of NIKs: who claims which, what is to be settled. Keyed by a digest; no NIK stands here.

A group of tables of its own, apart from the regions: a NIK knows no kabupaten. A fold writes the claims of its
household and queues the digests it touched; the row of each is computed afterwards, in a transaction of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from schemas.canonical import canonical_bytes_unchecked
from server.store.database import Connection, chunks, marks
from sync.identity import NikClaim, NikVerdict

Claims = Mapping[tuple[str, str], str]
"""`(nik digest, person key)` -> claim as JSON."""


def claims_of(db: Connection, region: str, household: str) -> dict[tuple[str, str], str]:
    """The claims that a household makes."""
    rows = db.all(
        """select nik_digest, person_key, claim from nik_claims
           where home_region = :region and household_id = :household""",
        {"region": region, "household": household},
    )
    return {(row["nik_digest"], row["person_key"]): row["claim"] for row in rows}


def verdicts_of(db: Connection, region: str, household: str) -> dict[str, str]:
    """The live verdicts about NIKs filed under a household: ref -> content as JSON."""
    rows = db.all(
        "select ref, content from nik_verdicts where home_region = :region and household_id = :household",
        {"region": region, "household": household},
    )
    return {row["ref"]: row["content"] for row in rows}


def claim_text(claim: NikClaim) -> str:
    """A claim as it is kept."""
    return canonical_bytes_unchecked(claim.to_json()).decode()


def verdict_text(verdict: NikVerdict) -> str:
    """A verdict as it is kept."""
    return canonical_bytes_unchecked(
        {"type": verdict.type, "pairs": [list(pair) for pair in sorted(verdict.pairs)]}
    ).decode()


def replace(db: Connection, region: str, household: str, claims: Claims, verdicts: Mapping[str, str]) -> set[str]:
    """Make a household's claims and verdicts these; the digests whose rows may change."""
    old, old_verdicts = claims_of(db, region, household), verdicts_of(db, region, household)
    key = {"region": region, "household": household}
    touched = {
        digest
        for digest, person in old.keys() | claims.keys()
        if old.get((digest, person)) != claims.get((digest, person))
    }
    if old != dict(claims):
        db.many(
            """delete from nik_claims where nik_digest = :digest and home_region = :region
               and household_id = :household and person_key = :person""",
            [{**key, "digest": digest, "person": person} for digest, person in old.keys() - claims.keys()],
        )
        db.many(
            """insert into nik_claims (nik_digest, home_region, household_id, person_key, claim)
               values (:digest, :region, :household, :person, :claim)
               on conflict (nik_digest, home_region, household_id, person_key) do update set claim = excluded.claim""",
            [
                {**key, "digest": digest, "person": person, "claim": claim}
                for (digest, person), claim in sorted(claims.items())
                if old.get((digest, person)) != claim
            ],
        )
    if old_verdicts != dict(verdicts):
        touched |= {digest for digest, _ in old.keys() | claims.keys()}
        db.run("delete from nik_verdicts where home_region = :region and household_id = :household", key)
        db.many(
            """insert into nik_verdicts (home_region, household_id, ref, content)
               values (:region, :household, :ref, :content)""",
            [{**key, "ref": ref, "content": content} for ref, content in sorted(verdicts.items())],
        )
    return touched


def queue(db: Connection, digests: Iterable[str]) -> None:
    """Let the rows of these digests be computed again."""
    db.many(
        """insert into nik_queue (nik_digest, generation) values (:digest, 1)
           on conflict (nik_digest) do update set generation = nik_queue.generation + 1""",
        [{"digest": digest} for digest in sorted(set(digests))],
    )


def queued(db: Connection, limit: int) -> list[str]:
    """Digests that wait."""
    rows = db.all("select nik_digest from nik_queue order by nik_digest limit :limit", {"limit": limit})
    return [row["nik_digest"] for row in rows]


def unqueue(db: Connection, digest: str) -> None:
    """Take one off, in the transaction that wrote its row."""
    db.run("delete from nik_queue where nik_digest = :digest", {"digest": digest})


def gather(db: Connection, digest: str) -> tuple[list[NikClaim], list[NikVerdict]]:
    """Everything adjudication of one NIK needs."""
    claims = [
        NikClaim.from_json(digest, row["household_id"], row["home_region"], json.loads(row["claim"]))
        for row in db.all(
            "select home_region, household_id, claim from nik_claims where nik_digest = :digest", {"digest": digest}
        )
    ]
    verdicts: dict[str, NikVerdict] = {}
    rows = db.all(
        """select distinct v.ref, v.content from nik_verdicts v join nik_claims c
           on c.home_region = v.home_region and c.household_id = v.household_id where c.nik_digest = :digest""",
        {"digest": digest},
    )
    for row in rows:
        content = json.loads(row["content"])
        pairs = frozenset((ref, path) for ref, path in content["pairs"])
        verdicts[row["ref"]] = NikVerdict(row["ref"], content["type"], pairs)
    return claims, list(verdicts.values())


def row_of(db: Connection, digest: str) -> dict[str, Any] | None:
    """What is to be settled about one NIK (`NikCase.to_json`), or None."""
    text = db.value("select content from nik_rows where nik_digest = :digest", {"digest": digest})
    return None if text is None else dict(json.loads(text))


def write_row(db: Connection, digest: str, content: Mapping[str, Any] | None) -> None:
    """Keep, or drop, the row of one NIK."""
    if content is None:
        db.run("delete from nik_rows where nik_digest = :digest", {"digest": digest})
        return
    db.run(
        """insert into nik_rows (nik_digest, content) values (:digest, :content)
           on conflict (nik_digest) do update set content = excluded.content""",
        {"digest": digest, "content": canonical_bytes_unchecked(content).decode()},
    )


def rows_of_household(db: Connection, region: str, household: str) -> list[dict[str, Any]]:
    """The cases of all NIKs that a household claims, each with its `nik_digest`; joined when a record is read."""
    return rows_of_households(db, region, [household]).get(household, [])


def rows_of_households(db: Connection, region: str, households: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Household id -> cases, for a page of households."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for chunk in chunks(sorted(set(households))):
        listed, params = marks("h", chunk)
        rows = db.all(
            f"""select distinct c.household_id, r.nik_digest, r.content from nik_claims c join nik_rows r
                on r.nik_digest = c.nik_digest where c.home_region = :region and c.household_id in ({listed})
                order by r.nik_digest""",
            {"region": region, **params},
        )
        for row in rows:
            case = {**json.loads(row["content"]), "nik_digest": row["nik_digest"]}
            found.setdefault(row["household_id"], {})[row["nik_digest"]] = case
    return {household: list(cases.values()) for household, cases in found.items()}


def households_of(db: Connection, digest: str) -> list[tuple[str, str]]:
    """`(home_region, household id)` of all who claim a NIK."""
    rows = db.all(
        "select distinct home_region, household_id from nik_claims where nik_digest = :digest", {"digest": digest}
    )
    return [(row["home_region"], row["household_id"]) for row in rows]


def pending(db: Connection, region: str, household: str) -> bool:
    """Whether the row of a NIK of this household still waits to be computed: delivery waits with it."""
    return (
        db.value(
            """select 1 from nik_claims c join nik_queue q on q.nik_digest = c.nik_digest
               where c.home_region = :region and c.household_id = :household limit 1""",
            {"region": region, "household": household},
        )
        is not None
    )


def is_queued(db: Connection, digest: str) -> bool:
    """Whether the row of one digest waits to be computed."""
    return db.value("select 1 from nik_queue where nik_digest = :digest", {"digest": digest}) is not None


def all_digests(db: Connection) -> Iterator[str]:
    """Every digest that anybody claims or that has a row, streamed."""
    sql = "select nik_digest from nik_claims union select nik_digest from nik_rows order by nik_digest"
    for row in db.stream(sql, size=5000):
        yield row["nik_digest"]


def count_queued(db: Connection, at_most: int = 1_000_000_000) -> int:
    """How many digests wait; counting stops at `at_most`."""
    return int(db.value("select count(*) from (select 1 from nik_queue limit :most) as q", {"most": at_most}))
