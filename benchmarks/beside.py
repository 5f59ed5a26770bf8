"""What stands beside Padan in a run: PostgreSQL, Kinto, PouchDB Server. What can't be had is named with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from benchmarks import kinto, postgres, pouchdb
from benchmarks.processes import NotRun

Started = TypeVar("Started")
Tell = Callable[[str], None]


@dataclass
class Beside:
    """What runs; None where it does not, and `not_run` says why: name -> reason."""

    postgres: postgres.Postgres | None = None
    kinto: kinto.Kinto | None = None
    pouchdb: pouchdb.Pouchdb | None = None
    not_run: dict[str, str] = field(default_factory=dict)


@contextmanager
def beside(folder: Path, tell: Tell) -> Iterator[Beside]:
    """Install and start everything; ended on leaving."""
    with ExitStack() as stack:
        found = Beside()

        def entered(name: str, context: AbstractContextManager[Started]) -> Started | None:
            tell(f"starting {name}")
            try:
                return stack.enter_context(context)
            except NotRun as why:
                found.not_run[name] = str(why)
                tell(f"not run: {name}: {why}")
                return None

        found.postgres = entered("PostgreSQL", postgres.running())
        found.kinto = entered("Kinto", kinto.running(folder / "kinto", found.postgres))
        found.pouchdb = entered("PouchDB Server", pouchdb.running(folder / "pouchdb"))
        yield found
