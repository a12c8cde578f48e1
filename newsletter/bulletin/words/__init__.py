"""The words that readers go by, one file for each language: a language is added as data.

A file is read, and its patterns are made, when its language is first asked for: no command
waits for languages that it does not read.
"""

from dataclasses import replace
from functools import lru_cache
from importlib import import_module

from newsletter.bulletin.words.letters import folded, same_letters
from newsletter.bulletin.words.table import KEYS, Dates, Words

__all__ = ["KEYS", "KNOWN", "Dates", "Words", "folded", "same_letters", "words_of"]

KNOWN = frozenset({"ar", "de", "en", "es", "fa", "fr", "ko", "pt", "ru", "ur", "zh"})
_SAME_AS = {"prs": "fa", "cmn": "zh", "yue": "zh"}  # Dari; Mandarin and Cantonese, written


@lru_cache(maxsize=64)
def words_of(language: str) -> Words:
    """Return the table of a BCP 47 language; one not known yet has the English words."""
    base = language.split("-")[0].lower()
    base = _SAME_AS.get(base, base)
    return _table(base) if base in KNOWN else _unknown()


@lru_cache(maxsize=1)
def _unknown() -> Words:
    return replace(_table("en"), known=False)


def _table(language: str) -> Words:
    words = import_module(f"{__name__}.{language}").WORDS
    assert isinstance(words, Words)  # noqa: S101 - for the type checker
    return words
