"""People, secrets and a search for them in whatever was logged."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import structlog

from server.log import configure_logging

NIK, KK, NAME, MOTHER, PHONE = (
    "1903014107900001", "1903010101080007", "MARYAMAH ZUBAIDAH", "Ibu Kartini Nurhaliza", "081298765432",
)  # fmt: skip
STREET = "Gang Kenanga Lapis 77"
PEOPLE = {"nik": NIK, "kk": KK, "name": NAME, "mother": MOTHER, "phone": PHONE, "street": STREET}
"""What is known of an invented person, by what it is."""


@contextmanager
def logged(level: str = "debug") -> Iterator[io.StringIO]:
    """What is logged meanwhile; afterwards logging is as it was."""
    handlers, before = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    configure_logging(level, stream)
    logging.root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        structlog.reset_defaults()
        logging.root.handlers[:] = handlers
        logging.root.setLevel(before)


def found_in(text: str, secrets: Mapping[str, str]) -> list[str]:
    """Names of the secrets that stand in a text: as they are, as JSON would write them, cut up by blanks, of names each
    word, of numbers the digits alone and their last ten."""
    lowered, digits = text.casefold(), "".join(text.split())
    return sorted(
        name
        for name, secret in secrets.items()
        if any(form in lowered or form in digits for form in _forms(secret))
    )


def _forms(secret: str) -> Iterable[str]:
    yield secret.casefold()
    yield json.dumps(secret)[1:-1].casefold()
    if secret.isdigit():
        yield secret[-10:]
    elif " " in secret:
        yield from (word for word in secret.casefold().split() if len(word) > 4)
