"""The command `padan`: finds the command that is asked for and says what is wrong in one sentence.

A module of server/commands/ defines `command`, or `commands` where a subject has several. The names are known here, so
that one command imports one module: it starts quickly, and a module that is broken breaks no other. No work is done
here.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping

import click

from server import commands

MODULES: Mapping[str, str] = {
    "areas": "areas",
    "assign": "assign",
    "audit": "audit",
    "backup": "backup",
    "blobs": "blobs",
    "campaign": "campaign",
    "delivery": "delivery",
    "demo": "demo",
    "doctor": "doctor",
    "erase": "erase",
    "export": "export",
    "field": "field",
    "form": "form",
    "import-bundle": "bundle",
    "import-prelist": "prelist",
    "migrate": "database",
    "migrate-store": "database",
    "officer": "people",
    "prelist": "prelist",
    "pull": "pull",
    "rebuild": "database",
    "registry": "registry",
    "restore": "restore",
    "review": "review",
    "sample-data": "sample",
    "serve": "serve",
    "setup": "setup",
    "staff": "people",
    "token": "people",
    "worker": "worker",
}
"""Name of a command -> its module in server/commands/. A module that is not listed is found too, only later."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="padan", prog_name="padan")
def padan() -> None:
    """Padan: pendataan keluarga tanpa jaringan / offline-first verification of households."""
    from server.log import configure_logging

    # No line of any command is written past the list of what may be logged; services ask for more lines than this.
    configure_logging("warning")


def main() -> None:
    """Run one command. Ends with 0, or 1 after a problem that was told, or 2 after a wrong call."""
    wanted = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    if wanted in MODULES:
        padan.add_command(command_named(wanted))
    elif sys.argv[1:] != ["--version"]:
        for command in found_commands():
            padan.add_command(command)
    try:
        padan(prog_name="padan")
    except Exception as error:
        _stop(_told(error))


def command_named(name: str) -> click.Command:
    """A command by its name; where its module is broken, one that says so."""
    try:
        return _commands_of(MODULES[name])[name]
    except Exception as error:
        return _broken(name, error)


def found_commands() -> Iterator[click.Command]:
    """Every command, by the name of its module; `_name` is what modules share."""
    listed = set(MODULES.values())
    for item in sorted(pkgutil.iter_modules(commands.__path__), key=lambda item: item.name):
        if item.name in listed:
            names = [name for name, module in MODULES.items() if module == item.name]
            yield from [command_named(name) for name in names]
        elif not item.name.startswith("_"):
            yield from _commands_of(item.name).values()


def _commands_of(module_name: str) -> dict[str, click.Command]:
    module = importlib.import_module(f"{commands.__name__}.{module_name}")
    several = getattr(module, "commands", None)
    found = several if several is not None else (module.command,)
    return {command.name: command for command in found}


def _broken(name: str, error: Exception) -> click.Command:
    """Stands where a command should be whose module can't be loaded: the others work all the same."""
    why = f"padan {name} tidak dapat dimuat: {type(error).__name__}: {error}"

    def tell(**_: object) -> None:
        raise click.ClickException(why)

    rest = click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)
    settings = {"ignore_unknown_options": True, "help_option_names": []}
    return click.Command(name, callback=tell, params=[rest], help=f"RUSAK: {why}", context_settings=settings)


def _told(error: Exception) -> str:
    """A known problem in words. Of anything else the kind and the places are logged: its message may quote a person;
    `python -X dev -m server.cli ...` shows it all. The classes are imported only now."""
    from schemas.problems import ProblemError
    from server.backups.problem import BackupProblem
    from server.log import get_logger
    from server.settings import SettingsInvalid
    from server.store.database import StoreError

    if isinstance(error, SettingsInvalid | StoreError | BackupProblem):
        return str(error)
    if isinstance(error, ProblemError):
        # What was said on the spot is for whoever typed the command; the catalogue's words are for any client.
        said = error.detail or f"{error.problem.title_id} / {error.problem.title}. {error.problem.action}"
        return f"{said} [{error.code}]"
    if sys.flags.dev_mode:
        raise error
    get_logger().error("command_failed", exc_info=error)
    return (
        f"Kesalahan yang tidak terduga ({type(error).__name__}); baris di atas menyebut tempatnya, tanpa isi data. "
        "Tidak ada yang hilang. Jalankan `padan doctor`, dan laporkan baris itu."
    )


def _stop(message: str) -> None:
    click.echo(message, err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
