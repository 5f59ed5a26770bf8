"""The passphrase that opens the key file: is one strong enough, and a suggestion that can be written down by hand.

Who steals the folder may guess as long as he likes, about a second of work a guess (scrypt). A passphrase must then
stand against machines for years; one that a person thinks up in a hurry does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from zxcvbn import zxcvbn

CHARACTERS_MIN = 14
CHARACTERS_MAX = 200
GUESSES_LOG10_MIN = 18
"""10^12 guesses of a second each keep a thousand machines busy for thirty years. The estimate knows English words and
common passwords, not Indonesian words, and thinks too well of those: so a million times more is asked."""

WORDS, SYLLABLES = 6, 2
_CONSONANTS, _VOWELS = "bcdfghjklmnprstw", "aiueo"


def weakness(passphrase: str, known_words: Iterable[str] = ()) -> str | None:
    """Why a passphrase is not good enough, in words for the operator; None where it is.

    `known_words`: what anybody could try first: the campaign, the kabupaten, the machine's name."""
    if not CHARACTERS_MIN <= len(passphrase) <= CHARACTERS_MAX:
        return f"Frasa sandi harus {CHARACTERS_MIN} sampai {CHARACTERS_MAX} karakter."
    if passphrase.strip() != passphrase or not passphrase.isprintable():
        return "Frasa sandi tidak boleh diawali atau diakhiri spasi, atau memuat karakter yang tidak tercetak."
    if not any(each.isalpha() for each in passphrase):
        return "Frasa sandi tidak boleh hanya angka: NIK atau nomor telepon mudah dicoba satu per satu."
    words = ["padan", "cadangan", "backup", "dinsos", *known_words]
    # What stands behind the first 72 characters is counted as nothing: the estimate takes long over long texts.
    found = zxcvbn(passphrase[:72], user_inputs=[word for word in words if word])
    if found["guesses_log10"] < GUESSES_LOG10_MIN:
        return "Frasa sandi terlalu mudah ditebak. Pakai enam kata yang tidak berhubungan, atau biarkan dibuatkan."
    return None


def suggestion(below: Callable[[int], int]) -> str:
    """A passphrase of six made-up words that is easily read out and written down. `below(n)`: a number under n, by
    chance that nobody can guess; some 75 bits in all."""

    def syllable() -> str:
        return _CONSONANTS[below(len(_CONSONANTS))] + _VOWELS[below(len(_VOWELS))]

    return "-".join("".join(syllable() for _ in range(SYLLABLES)) for _ in range(WORDS))
