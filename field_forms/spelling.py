"""What a spreadsheet does to words: curly quotes in a formula, `select one`, `Ya` for `yes`, blanks nobody sees.

Each repair is one that can mean nothing else; it is noted, so that the author sees what was read. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

EXPRESSIONS = frozenset(
    ("relevant", "required", "constraint", "calculation", "choice_filter", "warning", "derive")
)  # fmt: skip
YES_OR_NO = frozenset(("required", "readonly", "core"))

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_BLANKS = {ord(blank): " " for blank in "\u00a0\u2007\u202f\u2009\u3000\t"}
_QUOTES = {"\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u2032": "'", "`": "'", "\u00b4": "'",
           "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2033": '"', "\u00ab": '"', "\u00bb": '"'}  # fmt: skip
_SIGNS = {"\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2264": "<=", "\u2265": ">=", "\u2260": "!=", "\u00d7": "*",
          "\u00f7": " div ", "\u2026": "..."}  # fmt: skip
_YES, _NO = frozenset(("yes", "ya", "true", "benar", "wajib")), frozenset(("no", "tidak", "false", "salah"))
_TYPES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), word)
    for pattern, word in (
        (r"select[ _]?one[ _]from[ _]file\b", "select_one_from_file"),
        (r"select[ _]?multiple[ _]from[ _]file\b", "select_multiple_from_file"),
        (r"select[ _]?one( from)?\b", "select_one"),
        (r"select[ _]?(multiple( from)?|all that apply( from)?)\b", "select_multiple"),
        (r"(begin|end)[ _]?(group|repeat)\Z", r"\1_\2"),
    )
)


def cleaned(text: str) -> str:
    """Text of a cell without what nobody can see: no-break and zero-width blanks, carriage returns."""
    plain = text.replace("_x000D_", "").replace("\r\n", "\n").replace("\r", "\n")
    return plain.translate(_INVISIBLE).translate(_BLANKS).strip()


def respelt(column: str, text: str) -> str:
    """A cell of the survey as it is read."""
    if column == "type":
        return _type(text)
    if column in YES_OR_NO and text.lower() in _YES | _NO:
        return "yes" if text.lower() in _YES else "no"
    return straightened(text) if column in EXPRESSIONS else text


def straightened(text: str) -> str:
    """An expression with straight quotes and plain signs. Inside a text that straight quotes enclose all stays."""
    if text.isascii() and "`" not in text:
        return text
    out: list[str] = []
    open_quote = ""
    curly = False
    for character in text:
        plain = _QUOTES.get(character, character)
        if open_quote:
            closes = plain == open_quote and (curly or character == plain)
            out.append(plain if closes else character)
            open_quote = "" if closes else open_quote
        elif plain in ("'", '"'):
            open_quote, curly = plain, plain != character
            out.append(plain)
        else:
            out.append(_SIGNS.get(character, character))
    return "".join(out)


def _type(text: str) -> str:
    plain = " ".join(text.split())
    for pattern, word in _TYPES:
        match = pattern.match(plain)
        if match:
            return (match.expand(word).lower() + plain[match.end() :]).strip()
    return plain.lower() if " " not in plain else plain


TYPE_WORDS: Mapping[str, str] = {
    "teks": "text", "tulisan": "text", "angka": "integer", "bilangan": "integer", "number": "integer", "numeric":
    "integer", "desimal": "decimal", "tanggal": "date", "datetime": "date", "jam": "time", "waktu": "time",
    "pilihan": "select_one DAFTAR", "pilihan ganda": "select_multiple DAFTAR", "foto": "image", "gambar": "image",
    "gps": "geopoint", "lokasi": "geopoint", "koordinat": "geopoint", "location": "geopoint", "catatan": "note",
    "hitung": "calculate", "rumus": "calculate", "grup": "begin_group", "acknowledge": "select_one yes_no",
    "trigger": "select_one yes_no", "range": "integer", "rank": "select_multiple DAFTAR",
}  # fmt: skip
"""What people write for a type, and what to write instead."""
