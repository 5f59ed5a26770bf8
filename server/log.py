"""One JSON object a line on standard error, with nothing in it that tells about a person.

Only the keys of `KEYS` are written: a key that is not listed is dropped and its name is put under `dropped`, so that a
NIK or a name handed over by mistake never reaches a file. What is left of long digit strings in free text is masked.
Of an exception only its type and the places are kept, since messages quote values. Lines of libraries keep their
template without the values filled in.

Use: `log = get_logger(); log.info("push_stored", events=3, region="19.03")`. The first argument is a constant.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

KEYS = frozenset(
    {
        # the line itself
        "event", "level", "timestamp", "logger", "error", "at", "dropped",
        # what was asked and answered
        "request_id", "method", "route", "status", "code", "duration_ms", "bytes_in", "bytes_out", "client",
        # ids that name no person: random, or the hash of sealed content
        "household_id", "ref", "refs", "region", "area", "install", "batch", "cursor", "epoch", "position", "job",
        "run",
        # counts
        "events", "stored", "duplicates", "held", "households", "persons", "rows", "pages", "conflicts", "attempt",
        "attempts", "delivered", "rejected", "uncertain", "dead", "queue", "lag_ms", "wait_ms",
        # the installation
        "version", "host", "port", "threads", "database", "schema_version", "form", "form_version", "settings",
        "reason",
        # who on the staff took data out, and whether with the numbers of persons
        "staff", "unmasked",
    }
)  # fmt: skip

TEXT_CHARACTERS_MAX = 300
FRAMES_MAX = 12

# A NIK or No. KK has 16 digits, a phone 10 to 13, often in groups. Dates, area codes and hexadecimal ids stay.
_DIGITS = re.compile(r"(?<![0-9a-fA-F-])\+?\d(?:[ -]?\d){9,}(?![0-9a-fA-F-])")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d)?")


def configure_logging(level: str = "info", stream: TextIO | None = None) -> None:
    """Send every line of Padan and of its libraries to `stream` (default: standard error) as JSON."""
    number = getattr(logging, level.upper())
    last: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_messages,
        only_listed_keys,
        structlog.processors.JSONRenderer(),
    ]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Template(last))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING))


def get_logger() -> structlog.typing.FilteringBoundLogger:
    """The logger of Padan; cheap enough to ask for anywhere."""
    return structlog.get_logger()  # type: ignore[no-any-return]


def without_messages(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its type and the places it passed; its message may quote an answer."""
    error = line.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
        line["error"] = type(error).__name__
        line["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    line.pop("stack_info", None)
    return line


def only_listed_keys(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop what is not in `KEYS`, mask what looks like a number of a person, cut what is long."""
    kept: dict[str, Any] = {
        key: value if key == "timestamp" else _masked(value) for key, value in line.items() if key in KEYS
    }
    dropped = sorted(key for key in line if key not in KEYS)
    if dropped:
        kept["dropped"] = dropped
    return kept


def _masked(value: Any) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**14 else "#"
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in value]
    if isinstance(value, str):
        return _DIGITS.sub(_mask, value)[:TEXT_CHARACTERS_MAX]
    # Anything else would be written by its repr, and a repr can hold a whole household.
    return type(value).__name__


def _mask(found: re.Match[str]) -> str:
    return found[0] if _DATE.fullmatch(found[0]) else "#"


class _Template(logging.Formatter):
    """A line of a library: its template, without the values that would have been filled in."""

    def __init__(self, processors: list[structlog.types.Processor]) -> None:
        super().__init__()
        self.processors = processors

    def format(self, record: logging.LogRecord) -> str:
        line: Any = {"event": str(record.msg), "logger": record.name, "exc_info": record.exc_info}
        for processor in self.processors:
            line = processor(None, record.levelname.lower(), line)
        return str(line)
