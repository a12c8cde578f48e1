"""How a reference is shown: "Matthew 25:40", "Matthäus 25,40", "마태복음 25:40"."""

from functools import cache

from newsletter.scripture.canon import is_single
from newsletter.scripture.names import Names, known, names_of

_TRADITIONAL = ("hant", "tw", "hk", "mo")


def osis_of(book: str, chapter: int, verse: int | None) -> str:
    """Return the OSIS id of a chapter or a verse."""
    return f"{book}.{chapter}" if verse is None else f"{book}.{chapter}.{verse}"


def reference_name(osis: str, language: str = "en") -> str:
    """Return the usual form of an OSIS reference in a language; English where it has no table."""
    first, _, last = osis.partition("-")
    names = names_of(known(language))
    book, *start = first.split(".")
    shown = book_name(book, language)
    if is_single(book) and len(start) == 2:
        start = start[1:]
        between = ""
    else:
        between = names.between
    text = f"{shown} {between.join(start)}"
    if not last:
        return text
    _, *end = last.split(".")
    if is_single(book):
        end = end[-1:]
    elif len(start) == 2 and end[0] == start[0]:
        end = end[1:]
    return f"{text}{'–' if len(end) > len(start) or (len(end) == 2) else '-'}{between.join(end)}"


def book_name(book: str, language: str) -> str:
    """Return the usual name of a book by its OSIS id."""
    found = _book_names(known(language))[book]
    parts = language.lower().split("-")
    if parts[0] == "zh" and len(found) > 1 and any(part in _TRADITIONAL for part in parts):
        return found[1]
    return found[0]


@cache
def _book_names(language: str) -> dict[str, tuple[str, ...]]:
    names: Names = names_of(language)
    found: dict[str, tuple[str, ...]] = {}
    for line in names.books.strip().split("\n"):
        book, _, written = line.partition(": ")
        found[book] = tuple(name.rstrip("?") for name in written.split(", ")[:2])
    return found
