"""What an installation may set: one frozen value, read once, with every mistake reported at once.

A setting comes from the environment, else from `.env` in the working folder, else from what `make demo` left beside
its database. Any setting can be put in a file instead, named by `<SETTING>_FILE` (for secrets; the newline at the
end is dropped). This module opens no database and no socket, and nothing else in Padan reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from dotenv import dotenv_values
from environs import Env, EnvValidationError, ValidationError, validate

from server.address import is_postgres, shown

PREFIX = "PADAN_"
FILE_SUFFIX = "_FILE"
OWN_DATABASE = Path("var/padan.db")
BLOBS_FOLDER = "blobs"
"""Beside the database."""
DEMO_DATABASE = Path("var/demo/padan.db")
DEMO_SETTINGS = Path("var/demo/demo.env")

Parse = Callable[[Env, str, Any], Any]


class SettingsInvalid(Exception):
    """The settings can't be used. `problems` has one sentence a setting, each starting with its name."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("The settings can't be used:\n" + "\n".join(f"  {problem}" for problem in self.problems))


def _setting(name: str, doc: str, default: object, parse: Parse, *, secret: bool = False) -> Any:
    """A field of `Settings`; `default` is what holds where nothing is set, as `parse` returns it."""
    about = {"env": PREFIX + name, "doc": doc, "parse": parse, "secret": secret}
    return field(default=default, repr=not secret, metadata=about)


def _whole(low: int, high: int) -> Parse:
    rule = validate.Range(min=low, max=high)
    return lambda env, name, default: env.int(name, default, validate=rule)


def _text(characters_min: int = 0) -> Parse:
    rule = validate.Length(min=characters_min, error="Must be at least {min} characters long.")
    return lambda env, name, default: env.str(name, default, validate=rule)


def _one_of(*allowed: str) -> Parse:
    return lambda env, name, default: env.str(name, default, validate=validate.OneOf(allowed))


def _flag(env: Env, name: str, default: Any) -> Any:
    return env.bool(name, default)


def _address(env: Env, name: str, default: Any) -> Any:
    rule = validate.URL(
        schemes={"http", "https"}, require_tld=False, error="Must be an address: http://... or https://..."
    )
    return env.str(name, default, validate=rule)


def _hours(env: Env, name: str, default: Any) -> Any:
    def check(text: str) -> None:
        parts = text.split(",")
        if not all(part.strip().isdecimal() and int(part) < 24 for part in parts):
            raise ValidationError("Must be hours from 0 to 23, separated by commas.")

    return env.str(name, default, validate=check)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one process. A path is absolute; a time carries its unit in its name; empty text means unset."""

    database: str = _setting(
        "DATABASE",
        "The database: a SQLite file, or postgresql://account@host/name. Unset: var/padan.db if it exists, else the "
        "demo's var/demo/padan.db if it exists.",
        str(OWN_DATABASE),
        _text(1),
    )
    folder: str = _setting(
        "FOLDER",
        "Folder of what is kept beside the database: photos, the access log. Unset: the folder of the database file; "
        "with PostgreSQL it must be set.",
        "",
        _text(),
    )
    host: str = _setting(
        "HOST", "Address that `padan serve` listens on. Only this machine unless set.", "127.0.0.1", _text(1)
    )
    port: int = _setting("PORT", "Port that `padan serve` listens on.", 8360, _whole(1, 65_535))
    threads: int = _setting("THREADS", "Requests answered at the same time by `padan serve`.", 16, _whole(1, 256))
    public_url: str = _setting(
        "PUBLIC_URL",
        "Address under which tablets reach the server; it goes into enrolment codes. Unset: made from host and port.",
        "",
        _address,
    )
    trusted_proxies: int = _setting(
        "TRUSTED_PROXIES",
        "How many proxies stand before the server and set X-Forwarded-For. 0: the header is not believed.",
        0,
        _whole(0, 5),
    )
    campaign: str = _setting(
        "CAMPAIGN",
        "Name of the campaign, part of every delivery key: never change it while records are being delivered.",
        "verifikasi",
        _text(1),
    )
    scheduler: bool = _setting(
        "SCHEDULER", "Whether `padan serve` also does the worker's jobs. Off where `padan worker` runs.", True, _flag
    )
    registry_url: str = _setting(
        "REGISTRY_URL",
        "Address of the central registry. Unset: ratified records wait, nothing is delivered.",
        "",
        _address,
    )
    registry_secret: str = _setting(
        "REGISTRY_SECRET", "Key with which requests to the registry are signed.", "", _text(16), secret=True
    )
    registry_kind: str = _setting(
        "REGISTRY_KIND",
        "How the registry is reached: `generic` (JSON over HTTP) or `file` (batches for an agency without an API).",
        "generic",
        _one_of("generic", "file"),
    )
    registry_client: str = _setting(
        "REGISTRY_CLIENT", "Name under which the registry knows this installation.", "padan", _text(1)
    )
    registry_folder: str = _setting(
        "REGISTRY_FOLDER", "Folder of the batches and answers of the `file` kind.", "", _text()
    )
    backup_folder: str = _setting(
        "BACKUP_FOLDER",
        "Folder of the backups, on another disk than the database. Unset: none are made, and no tablet calls a form "
        "safe.",
        "",
        _text(),
    )
    backup_hours: str = _setting(
        "BACKUP_HOURS", "Hours of the day (WIB) at which a backup is made, such as `2` or `2,13`.", "2", _hours
    )
    backup_keep_daily: int = _setting(
        "BACKUP_KEEP_DAILY", "For how many days one backup a day is kept.", 14, _whole(1, 366)
    )
    backup_keep_weekly: int = _setting(
        "BACKUP_KEEP_WEEKLY", "For how many weeks one backup a week is kept.", 8, _whole(0, 520)
    )
    backup_keep_monthly: int = _setting(
        "BACKUP_KEEP_MONTHLY", "For how many months one backup a month is kept.", 12, _whole(0, 240)
    )
    backup_passphrase: str = _setting(
        "BACKUP_PASSPHRASE",
        "Passphrase for `padan backup init` and `padan restore` where nobody can type it. No nightly backup needs it.",
        "",
        _text(),
        secret=True,
    )
    staff: str = _setting(
        "STAFF", "Account that `padan review` and its like work as, where --as names none.", "", _text()
    )
    field_home: str = _setting(
        "FIELD_HOME", "Folder of the officer's tablet that `padan field` works with.", "~/.local/share/padan", _text(1)
    )
    pull_token: str = _setting(
        "PULL_TOKEN", "Token of `padan pull`, made at the server by `padan token new`.", "", _text(), secret=True
    )
    log_level: str = _setting(
        "LOG_LEVEL",
        "Least important line of the log that is written.",
        "info",
        _one_of("debug", "info", "warning", "error"),
    )
    database_from: str = field(default="", compare=False)
    """Where `database` comes from, for people: the setting's name, or the file that was found."""

    @property
    def home(self) -> Path:
        """The folder of what is kept beside the database, absolute."""
        return Path(self.folder) if self.folder else Path(self.database).parent

    @property
    def shown_database(self) -> str:
        """The database as it may be shown: without a password."""
        return shown(self.database)

    @property
    def blobs(self) -> Path:
        """The folder of the photos."""
        return self.home / BLOBS_FOLDER

    @property
    def base_url(self) -> str:
        """The address that is handed out, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def setting_fields() -> tuple[Field[Any], ...]:
    """The fields of `Settings` that can be set; `metadata` has `env`, `doc`, `secret`."""
    return tuple(item for item in fields(Settings) if "env" in item.metadata)


def load_settings(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """The settings that hold in `folder` (default: the working folder).

    Raises `SettingsInvalid` with every mistake there is, not the first one.
    """
    folder = (folder or Path.cwd()).resolve()
    raw, problems = _without_files(_collected(os.environ if environ is None else environ, folder))
    database, origin = _database(raw, folder)
    raw["PADAN_DATABASE"] = database
    for name in ("PADAN_FOLDER", "PADAN_BACKUP_FOLDER"):
        if raw.get(name):
            raw[name] = str((folder / raw[name]).absolute())

    env = _MappingEnv(raw)
    values: dict[str, Any] = {}
    for item in setting_fields():
        values[item.name] = item.metadata["parse"](env, item.metadata["env"], item.default)
    try:
        env.seal()
    except EnvValidationError as error:
        problems += _sentences(cast(Mapping[str, list[str]], error.error_messages))
    if not problems and values["registry_url"] and not values["registry_secret"]:
        problems.append("PADAN_REGISTRY_SECRET: needed with PADAN_REGISTRY_URL. Set it, or PADAN_REGISTRY_SECRET_FILE.")
    if not problems and is_postgres(values["database"]) and not values["folder"]:
        problems.append("PADAN_FOLDER: needed with PostgreSQL. Name the folder of photos, access log and backups.")
    if problems:
        raise SettingsInvalid(sorted(problems))
    return Settings(**values, database_from=origin)


def unknown_names(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """A sentence for each `PADAN_...` name that means nothing: most likely a typing error nobody would notice.

    Names of the tests (`PADAN_TEST_...`) are left alone.
    """
    known = [item.metadata["env"] for item in setting_fields()]
    known += [name + FILE_SUFFIX for name in known]
    sentences = []
    for name in sorted(os.environ if environ is None else environ):
        if not name.startswith(PREFIX) or name.startswith("PADAN_TEST_") or name in known:
            continue
        close = get_close_matches(name, known, n=1)
        sentences.append(f"{name}: no such setting." + (f" Is {close[0]} meant?" if close else ""))
    return tuple(sentences)


def env_example() -> str:
    """The text of `.env.example`: every setting with what it is for and what holds where it is unset."""
    lines = [
        "# Settings of Padan. Copy to .env and take the # off what you change; docs/operations.md says more.",
        "# Any of them can stand in a file instead, named by <SETTING>_FILE: do that with secrets.",
    ]
    for item in setting_fields():
        default = str(item.default).lower() if isinstance(item.default, bool) else item.default
        name = item.metadata["env"] + (FILE_SUFFIX if item.metadata["secret"] else "")
        lines += ["", f"# {item.metadata['doc']}", f"#{name}={default}"]
    return "\n".join(lines) + "\n"


class _MappingEnv(Env):
    """environs over a mapping: nothing is read from, or written to, the process's own environment."""

    def __init__(self, raw: Mapping[str, str]) -> None:
        super().__init__(eager=False)
        self.raw = raw

    def _get_value(self, env_key: str, default: Any) -> Any:
        return self.raw.get(env_key, default)


def _collected(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The `PADAN_...` names of all sources, the strongest last. Empty text counts as unset."""
    own = {key: value for source in (_env_file(folder / ".env"), environ) for key, value in source.items() if value}
    raw = {key: value for key, value in own.items() if key.startswith(PREFIX)}
    if _database(raw, folder)[1] == str(DEMO_DATABASE):
        return {**_env_file(folder / DEMO_SETTINGS), **raw}
    return raw


def _env_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    return {key: value for key, value in dotenv_values(path, interpolate=False).items() if value}


def _without_files(raw: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """`raw` with each `<SETTING>_FILE` replaced by what the file says, and the files that could not be read."""
    values = dict(raw)
    problems = []
    for name in (item.metadata["env"] for item in setting_fields()):
        path = values.pop(name + FILE_SUFFIX, None)
        if path is None:
            continue
        if name in values:
            problems.append(f"{name}: set twice, also by {name}{FILE_SUFFIX}. Leave one of them out.")
            continue
        try:
            values[name] = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{name}{FILE_SUFFIX}: {path} can't be read ({type(error).__name__}).")
    return values, problems


def _database(raw: Mapping[str, str], folder: Path) -> tuple[str, str]:
    """The database and where its name comes from. A file's path is made absolute: a later `chdir` changes nothing."""
    named = raw.get("PADAN_DATABASE")
    if named:
        return (named if "://" in named else str((folder / named).absolute())), "PADAN_DATABASE"
    for candidate in (OWN_DATABASE, DEMO_DATABASE):
        if (folder / candidate).is_file():
            return str(folder / candidate), str(candidate)
    return str(folder / OWN_DATABASE), "default"


def _sentences(messages: Mapping[str, list[str]]) -> list[str]:
    return [f"{name}: {' '.join(str(text) for text in texts)}" for name, texts in messages.items()]
