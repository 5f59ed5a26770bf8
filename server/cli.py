"""The command `padan`: gathers the commands of server/commands/ and says what is wrong in one sentence.

A module there defines `command`, or `commands` where a subject has several. No work is done here.
"""

from __future__ import annotations

import gc
import importlib
import pkgutil
import sys
from collections.abc import Iterator

import click

from schemas.problems import ProblemError
from server import commands
from server.settings import SettingsInvalid
from server.store.database import StoreError

GC_ALLOCATIONS = 50_000
"""New objects between two looks of the garbage collector; some 10 MB at the most, and a tenth less CPU."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="padan", prog_name="padan")
def padan() -> None:
    """Padan: pendataan keluarga tanpa jaringan / offline-first verification of households."""


def main() -> None:
    """Run one command. Ends with 0, or 1 after a problem that was told, or 2 after a wrong call."""
    for command in found_commands():
        padan.add_command(command)
    # What was imported stays to the end: never looked through again. Events come and go by the thousand and hold no
    # cycles, so that the collector's own 700 allocations are far too few between two looks.
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, 20, 50)
    try:
        padan(prog_name="padan")
    except SettingsInvalid as error:
        _stop(str(error))
    except StoreError as error:
        _stop(str(error))
    except ProblemError as error:
        _stop(f"{error.problem.title_id} / {error}. {error.problem.action} [{error.code}]")


def found_commands() -> Iterator[click.Command]:
    """The commands of every module of server/commands/, by the name of the module; `_name` is what they share."""
    for item in sorted(pkgutil.iter_modules(commands.__path__), key=lambda item: item.name):
        if item.name.startswith("_"):
            continue  # shared by several commands, none itself
        module = importlib.import_module(f"{commands.__name__}.{item.name}")
        several = getattr(module, "commands", None)
        yield from several if several is not None else (module.command,)


def _stop(message: str) -> None:
    click.echo(message, err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
