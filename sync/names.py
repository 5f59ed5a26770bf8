"""Names: when two spellings can be one person. A table with examples stands in docs/merge.md, "Compatible names".

One `name` field, as Indonesian law has it; many people have one name only (domain: births before 2022).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

Words = tuple[str, ...]
WORDS_MAX = 20
"""Words of a name that are compared: real ones have seven at most."""

_TITLES = frozenset(
    {"h", "hj", "haji", "hajah", "kh", "dr", "drg", "drs", "dra", "ir", "s.pd", "s.pt", "s.sos", "s.e", "s.h", "m.pd"}
    | {"alm", "almh", "bpk", "ibu", "sdr", "sdri", "tn", "ny", "an", "nn"}
)
_ALIASES = {
    "m": "muhammad",
    "md": "muhammad",
    "moh": "muhammad",
    "moch": "muhammad",
    "mochamad": "muhammad",
    "mochammad": "muhammad",
    "mohamad": "muhammad",
    "mohammad": "muhammad",
    "mohd": "muhammad",
    "muh": "muhammad",
    "muhamad": "muhammad",
    "muhammed": "muhammad",
    "mukhamad": "muhammad",
    "abd": "abdul",
    "abdoel": "abdul",
    "abdoul": "abdul",
    "st": "siti",
    "sitti": "siti",
}
_OLD_SPELLING = (("oe", "u"), ("dj", "j"), ("tj", "c"), ("nj", "ny"), ("sj", "sy"), ("ch", "kh"), ("oo", "u"))
_SOUNDS = (("ph", "f"), ("v", "f"), ("y", "i"), ("z", "s"), ("q", "k"), ("dh", "d"), ("kh", "k"), ("x", "ks"))


@lru_cache(maxsize=16_384)
def normal_name(name: str) -> str:
    """The name in one spelling of case and white space: what "equal name" compares."""
    plain = name if name.isascii() else unicodedata.normalize("NFKC", name)
    return " ".join(plain.casefold().split())


@lru_cache(maxsize=4096)
def name_tokens(name: str) -> tuple[str, ...]:
    """The words that carry the name: titles dropped, abbreviations and old spelling written out."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    words = [word for word in re.split(r"[\s,]+", plain) if word]
    kept = [word for word in words if word.strip(".'`-") not in _TITLES and word not in _TITLES]
    cleaned = [re.sub(r"[^a-z0-9]", "", word) for word in kept or words]
    return tuple(_spelling(_ALIASES.get(word, word)) for word in cleaned if word)


def compatible(a: str, b: str) -> bool:
    """Whether two names can be one person's: each word of the shorter has its own counterpart in the longer.

    A counterpart is the same word after old spelling, an initial, or a word of five letters and more that differs
    in one letter. Symmetric; a name without any letter is compatible with nothing.
    """
    first, second = sorted(
        (name_tokens(a)[:WORDS_MAX], name_tokens(b)[:WORDS_MAX]), key=lambda words: (len(words), words)
    )
    if not first or not second:
        return False
    taken: dict[int, int] = {}
    return all(_find_counterpart(index, first, second, taken, set()) for index in range(len(first)))


def _find_counterpart(index: int, words: Words, others: Words, taken: dict[int, int], tried: set[int]) -> bool:
    """Give a word a counterpart of its own; who has it already looks for another (an initial fits many words)."""
    for place, other in enumerate(others):
        if place not in tried and _close(words[index], other):
            tried.add(place)
            if place not in taken or _find_counterpart(taken[place], words, others, taken, tried):
                taken[place] = index
                return True
    return False


def _close(a: str, b: str) -> bool:
    if a == b:
        return True
    if len(a) == 1 or len(b) == 1:
        return a[0] == b[0]
    return min(len(a), len(b)) >= 5 and _one_letter_apart(a, b)


def _one_letter_apart(a: str, b: str) -> bool:
    """Whether one insertion, deletion, replacement or exchange of neighbours turns one word into the other."""
    if abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    if a[start + 1 :] == b[start + 1 :] or a[start:] == b[start + 1 :] or a[start + 1 :] == b[start:]:
        return True
    return a[start : start + 2] == b[start : start + 2][::-1] and a[start + 2 :] == b[start + 2 :]


def _spelling(word: str) -> str:
    for old, new in _OLD_SPELLING:
        word = word.replace(old, new)
    for old, new in _SOUNDS:
        word = word.replace(old, new)
    return re.sub(r"(.)\1+", r"\1", word)
