"""What the books are called: one table for each language, read when it is asked for."""

from importlib import import_module

from newsletter.scripture.names.form import Names

LANGUAGES = ("ar", "de", "en", "es", "fa", "fr", "ko", "pt", "ru", "ur", "zh")

__all__ = ["LANGUAGES", "Names", "known", "names_of"]


def names_of(language: str) -> Names:
    """Return the table of one of LANGUAGES."""
    found: Names = import_module(f"{__name__}.{language}").NAMES
    return found


def known(language: str) -> str:
    """Return which of LANGUAGES a BCP 47 language is read with; English where it has no table."""
    base = language.partition("-")[0].lower()
    return base if base in LANGUAGES else "en"
