"""What means a reference and cannot be read as one."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache

from newsletter.scripture.canon import CANON
from newsletter.scripture.display import book_name
from newsletter.scripture.find import Reference, name_before
from newsletter.scripture.names import known
from newsletter.scripture.spelling import folded, plain, spelling_of

_SHORTEST = 5  # letters of a name that may be misspelled
_ALIKE = 0.8  # of 1: how much a misspelled name is like the right one

# "Matthew 25:4O", "Matthew 25:xx", "Matthew ??:40"
_ODD_NUMBER = re.compile(
    r"(?:\d{1,3}[:.](?=[\dOolIxX?_]*[OolIxX?_])[\dOolIxX?_]{1,4}|[xX?_]{1,3}:[\dxX?_]{1,3})(?!\w)"
)
_ROMAN = re.compile(r"(?<![^\W_])(?:[ivxlc]{2,9}|[IVXLC]{2,9})(?:[.:,]\s?\d{1,3})?(?!\w)")
_PLACE = re.compile(r"(?<![\d:.,])\d{1,3}:\d{1,3}(?:-\d{1,3})?(?![\d:])")
_WORD_BEFORE = re.compile(r"((?:[1-3]\.?\s?)?[^\W\d_]+)\.?\s$")
# Books that some Bibles have and the table does not: never remarked on.
_OTHER_BOOKS = """
tobit tobias judith maccabees makkabäer maccabées macabeos macabeus wisdom weisheit sagesse
sabiduría sabedoria sirach siracide eclesiástico ecclesiasticus baruch baruc baruque enoch esdras
manasseh
товит иудифь маккавейская премудрость сирах варух
"""


def find_unread(text: str, language: str, found: Sequence[Reference]) -> list[str]:
    """Return what in `text` clearly means a reference and is none of those `found`."""
    even = plain(text)
    taken = [(reference.start, reference.end) for reference in found]
    spans = [*_odd_numbers(even, language), *_misspelled(even, language)]
    return [
        text[start:end]
        for start, end in sorted(set(spans))
        if not any(start < last and first < end for first, last in taken)
    ]


def _odd_numbers(even: str, language: str) -> Iterator[tuple[int, int]]:
    spelling = spelling_of(language)
    for pattern, doubtful in ((_ODD_NUMBER, True), (_ROMAN, False)):
        for odd in pattern.finditer(even):
            name = name_before(even, odd.start(), 0, spelling)
            if name and len(name.written) > 2 and (doubtful or not name.book.doubtful):
                yield name.start, odd.end()


def _misspelled(even: str, language: str) -> Iterator[tuple[int, int]]:
    if spelling_of(language).names.letters != "alphabet":
        return
    books = spelling_of(language).books
    for place in _PLACE.finditer(even):
        word = _WORD_BEFORE.search(even, max(0, place.start() - 30), place.start())
        if word is None or folded(word[1]) in books:
            continue
        name = folded(word[1])
        letters = name.lstrip("123")
        if (
            len(letters) < _SHORTEST
            or letters in _others()
            or not word[1].lstrip("123. ")[0].isupper()
        ):
            continue
        if get_close_matches(name, _full_names(known(language)), 1, _ALIKE):
            yield word.start(1), place.end()


@cache
def _full_names(language: str) -> tuple[str, ...]:
    names = (folded(book_name(book, language)) for book in CANON)
    return tuple(name for name in names if len(name.lstrip("123")) >= _SHORTEST)


@cache
def _others() -> frozenset[str]:
    return frozenset(map(folded, _OTHER_BOOKS.split()))
