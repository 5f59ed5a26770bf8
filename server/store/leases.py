"""Whose turn it is: leases on jobs with a fencing token, the circuit and daily quota of a destination, job runs.

A token only grows. Who writes a result names his token; a holder that slept through the end of his lease is found
out by it, whatever his clock says.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.store.database import Connection, Row
from sync.pacing import Circuit


@dataclass(frozen=True, slots=True)
class Lease:
    """A turn that is held until `until_ms`."""

    name: str
    holder: str
    token: int
    until_ms: int


def acquire(db: Connection, name: str, holder: str, now_ms: int, lease_ms: int) -> Lease | None:
    """Take a turn that is free or has run out, or go on with one's own; None where another has it."""
    with db.transaction():
        row = db.one("select holder, token, until_ms from leases where name = :name", {"name": name})
        if row is not None and row["holder"] != holder and row["until_ms"] > now_ms:
            return None
        mine = row is not None and row["holder"] == holder and row["until_ms"] > now_ms
        token = 1 if row is None else row["token"] + (0 if mine else 1)
        lease = Lease(name, holder, token, now_ms + lease_ms)
        db.run(
            """insert into leases (name, holder, token, until_ms) values (:name, :holder, :token, :until)
               on conflict (name) do update
               set holder = excluded.holder, token = excluded.token, until_ms = excluded.until_ms""",
            {"name": name, "holder": holder, "token": token, "until": lease.until_ms},
        )
    return lease


def holds(db: Connection, lease: Lease) -> bool:
    """Whether nobody has taken the turn since; asked in the transaction that writes the result."""
    token = db.value("select token from leases where name = :name and holder = :holder", _key(lease))
    return bool(token == lease.token)


def give_up(db: Connection, lease: Lease) -> bool:
    """End one's turn; the token stays, so that the next is greater."""
    return bool(
        db.run(
            "update leases set until_ms = 0 where name = :name and holder = :holder and token = :token",
            {**_key(lease), "token": lease.token},
        )
    )


def end_all(db: Connection) -> None:
    """End every turn: those who held them are gone with the server that was. Tokens go on growing."""
    db.run("update leases set until_ms = 0")


def circuit(db: Connection, destination: str) -> Circuit:
    """The circuit of a destination; closed where nothing is known."""
    row = db.one(
        """select state, failures, opened_times, until_ms, reason from circuits
           where destination = :destination""",
        {"destination": destination},
    )
    return Circuit() if row is None else Circuit(*row)


def save_circuit(db: Connection, destination: str, found: Circuit) -> None:
    """Keep the circuit of a destination."""
    db.run(
        """insert into circuits (destination, state, failures, opened_times, until_ms, reason)
           values (:destination, :state, :failures, :opened, :until, :reason)
           on conflict (destination) do update set state = excluded.state, failures = excluded.failures,
             opened_times = excluded.opened_times, until_ms = excluded.until_ms, reason = excluded.reason""",
        {
            "destination": destination,
            "state": found.state,
            "failures": found.failures,
            "opened": found.opened_times,
            "until": found.until_ms,
            "reason": found.reason,
        },
    )


def use_quota(db: Connection, destination: str, day: str, limit: int) -> bool:
    """Count one sending on a day (WIB); False, and nothing counted, when the day's quota is used up."""
    with db.transaction():
        db.run(
            """insert into quotas (destination, day, used) values (:destination, :day, 0)
               on conflict (destination, day) do nothing""",
            {"destination": destination, "day": day},
        )
        return bool(
            db.run(
                """update quotas set used = used + 1
                   where destination = :destination and day = :day and used < :limit""",
                {"destination": destination, "day": day, "limit": limit},
            )
        )


PULSE = "pulse"
"""The job that only says that somebody runs the jobs."""


def job_started(db: Connection, job: str, now_ms: int) -> None:
    """Note that a job began."""
    db.run(
        """insert into job_runs (job, started_ms) values (:job, :now) on conflict (job) do update
           set started_ms = excluded.started_ms, finished_ms = null, outcome = null, detail = null""",
        {"job": job, "now": now_ms},
    )


def job_finished(db: Connection, job: str, now_ms: int, outcome: str, detail: str) -> None:
    """Note how a job ended."""
    db.run(
        "update job_runs set finished_ms = :now, outcome = :outcome, detail = :detail where job = :job",
        {"job": job, "now": now_ms, "outcome": outcome, "detail": detail},
    )


def job_runs(db: Connection) -> list[Row]:
    """The last run of each job."""
    return db.all("select job, started_ms, finished_ms, outcome, detail from job_runs order by job")


def _key(lease: Lease) -> dict[str, str]:
    return {"name": lease.name, "holder": lease.holder}
