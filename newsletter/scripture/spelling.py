"""How references are spelled in one language: its names, and the patterns around numbers.

Made from the table when the language is first met, and kept.  English names are known in
every language.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from newsletter.scripture.names import Names, known, names_of

_IDEOGRAPHS = "〇零一二三四五六七八九十百两廿卅"
_VALUES = {"〇": 0, "零": 0, "两": 2} | {sign: n for n, sign in enumerate("一二三四五六七八九", 1)}

# Digits, colons, commas, dashes and spaces in one form each; the text keeps its length.
_PLAIN = str.maketrans(
    {
        other: str(n)
        for digits in ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "０１２３４５６７８９")
        for n, other in enumerate(digits)
    }
    | dict.fromkeys("：∶︰", ":")
    | dict.fromkeys("，、،", ",")
    | dict.fromkeys("；؛", ";")
    | dict.fromkeys("．", ".")
    | dict.fromkeys("（〔［", "(")
    | dict.fromkeys("）〕］", ")")
    | dict.fromkeys("‐‑‒–—―−－﹣", "-")
    | dict.fromkeys("〜～", "~")
    | dict.fromkeys("\u00a0\u202f\u2009\u3000\u200e\u200f", " ")
)
# Letters that are typed for one another on Arabic and Farsi keyboards.
_ALIKE = str.maketrans("ىیےکةۃہۀ", "يييكهههه")


class Book(NamedTuple):
    """What a name stands for."""

    osis: str
    doubtful: bool = False  # also an everyday word or a person's name
    any_case: bool = False
    needs_verse: bool = False  # "Numbers 3 and 5 have won"


class Spelling(NamedTuple):
    """One language, ready to read with."""

    names: Names
    books: dict[str, Book]  # by `folded` name
    tails: frozenset[str]  # the last word of each, or the last sign where words do not stand apart
    number: re.Pattern[str]
    lead: re.Pattern[str]  # between a name and the number
    first: re.Pattern[str]  # chapter and maybe verse
    last: re.Pattern[str]  # the other end of a range
    further: re.Pattern[str]  # one more of a list
    ends: re.Pattern[str]  # what may follow a bare number
    quantity: re.Pattern[str]  # what makes "2.5" or "10:30" something else


def plain(text: str) -> str:
    """Return the text with one form of digits and punctuation, as long as it was."""
    return text.translate(_PLAIN)


def folded(name: str) -> str:
    """Return the one form of a name: no case, accents, points or spaces."""
    if name.isascii():
        return "".join(filter(str.isalnum, name)).lower()
    letters = unicodedata.normalize("NFKD", name.casefold().translate(_ALIKE))
    return "".join(filter(str.isalnum, letters)).translate(_ALIKE)


def exact(name: str) -> str:
    """Return the form of a name that only its accents tell from another."""
    return "=" + "".join(filter(str.isalnum, name.casefold()))


def value(number: str) -> int:
    """Return what a number says, in digits or in Chinese: "二十三", "一百一十九", "一一九"."""
    if number.isdigit():
        return int(number)
    number = number.replace("廿", "二十").replace("卅", "三十")
    if not set(number) & set("十百"):
        return int("".join(str(_VALUES[sign]) for sign in number))
    hundreds, hundred, rest = number.rpartition("百")
    tens, ten, ones = rest.rpartition("十")
    return (
        (100 * _VALUES.get(hundreds[-1:], 1) if hundred else 0)
        + (10 * _VALUES.get(tens[-1:], 1) if ten else 0)
        + _VALUES.get(ones[-1:], 0)
    )


def spelling_of(language: str) -> Spelling:
    """Return how a BCP 47 language is read."""
    return _spelling(known(language))


@cache
def _spelling(language: str) -> Spelling:
    own, english = names_of(language), names_of("en")
    books = _books(own)
    if own is not english:
        for name, book in _books(english).items():
            # Short ones are words elsewhere: "Is", "Am", "Col".
            if len(name) > 3:
                books.setdefault(name, book)
    tails = {_tail(written, own) for _, written in _written(own)}
    tails |= {_tail(written, english) for _, written in _written(english)}
    return _with_patterns(own, english, books, frozenset(tails))


def _tail(written: str, names: Names) -> str:
    name = written.rstrip("?")
    return name[-1] if names.letters == "ideographs" else folded(name.split()[-1])


def _books(names: Names) -> dict[str, Book]:
    books: dict[str, Book] = {}
    numbered: list[tuple[str, str, Book]] = []
    # Names without accents first: in Portuguese "Jo" is John and "Jó" is Job.
    for osis, written in sorted(_written(names), key=lambda each: not each[1].isascii()):
        name = written.rstrip("?")
        book = Book(osis, written != name, name[0].islower(), written.endswith("??"))
        key = folded(name)
        if books.setdefault(key, book).osis != osis:
            books[exact(name)] = book
        elif book.any_case:
            books[key] = book
        if name[0].isdigit():
            numbered.append((name[0], folded(name[1:]), book))
    for digit, name, book in numbered:
        for ordinal in names.ordinals[int(digit) - 1].split() if digit in "123" else ():
            books.setdefault(folded(ordinal) + name, book)
    return books


def _written(names: Names) -> Iterator[tuple[str, str]]:
    for line in names.books.strip().split("\n"):
        osis, _, written = line.partition(": ")
        yield from ((osis, name) for name in written.split(", "))


def _with_patterns(
    own: Names, english: Names, books: dict[str, Book], tails: frozenset[str]
) -> Spelling:
    both = {own, english}
    chapter, verse, onward = (
        _any(*(getattr(names, field) for names in both)) for field in ("chapter", "verse", "onward")
    )
    to, also = _any(own.to, english.to), _any(own.also, english.also)
    spaced = own.letters != "ideographs"  # where words stand apart
    ideographs = rf"|[{_IDEOGRAPHS}]{{1,6}}" if "章" in own.chapter_after else ""
    number = rf"(?:(?<!\d)[1-9]\d{{0,2}}(?!\d){ideographs})"
    tail = r"(?:[a-d](?![^\W_]))?" + rf"(?:\s?(?:{onward})\.?(?![^\W_]))?"
    tail += r"(?![^\W_])" if spaced else r"(?![A-Za-z\d])"
    apart = r"\s" if spaced else r"\s?"
    border = r"(?<![^\W\d_])" if spaced else ""
    word = rf"(?:{verse})(?![^\W\d_])\.?\s?"
    marks = rf"(?P<mark>{_mark(own)}|\s:\s|,?\s?{word}|:\s?{word})"
    counted = rf"\s?(?:{own.verse_after})" if own.verse_after else "(?!)"
    behind = ""
    if own.chapter_after:
        # "5장 10절" needs its last word; "5장 10명" is a chapter and ten people.
        ahead = rf"(?=(?:{number}|[\s,~-]|{to}|{also}|{own.verse}){{1,8}}?{counted})"
        sure = ahead if own.verse_after else "(?!)"
        behind = (
            rf"(?P<after>\s?(?:{own.chapter_after}))"
            rf"(?:[\s,]{{0,2}}(?:{word}|{sure})(?:{own.verse or '(?!)'})?(?P<late>{number})"
            rf"(?:{counted})?{tail})?|"
        )
    return Spelling(
        names=own,
        books=books,
        tails=tails,
        number=re.compile(number),
        lead=re.compile(
            rf"(?:[.,]?[\s(]{{0,2}}{border}(?:{chapter})\.?\s{{0,2}}|\.?\s{{0,2}})$", re.IGNORECASE
        ),
        first=re.compile(
            rf"(?P<chapter>{number})(?:{behind}{marks}(?P<verse>{number})(?:{counted})?{tail}|{counted})?",
            re.IGNORECASE,
        ),
        last=re.compile(
            rf"(?:\s?[-~]\s?|(?P<word>{apart}?(?:{to}){apart}))(?:{word})?"
            rf"(?:(?P<chapter>{number})(?P<between>[{own.marks}]|\s?:\s?))?(?P<number>{number})"
            rf"(?:{counted}|\s?(?:{own.chapter_after or '(?!)'}))?{tail}",
            re.IGNORECASE,
        ),
        further=re.compile(
            rf"(?P<mark>\s?[,;&]\s?(?:(?:{also})\s?)?|{apart}(?:{also}){apart}|\.(?=\d))(?:{word})?"
            rf"(?:(?P<chapter>{number})(?P<between>[{own.marks}]|\s?:\s?))?(?P<number>{number})"
            rf"(?:{counted})?{tail}",
            re.IGNORECASE,
        ),
        ends=re.compile(_ends(own, english, spaced)),
        quantity=re.compile(
            rf"\s?(?:[%°$€£¥₩]|(?:{_any(own.quantity, english.quantity)})"
            + (r"\b)" if spaced else ")"),
        ),
    )


def _mark(own: Names) -> str:
    """Return the pattern of what stands between the numbers of a chapter and a verse."""
    if own.letters == "bare":
        return r"\s?:\s?|\."
    if "," in own.marks:
        return r"[:.]|,\s?"
    return r":\s?" if own.letters == "ideographs" else rf"[{own.marks}]"


def _ends(own: Names, english: Names, spaced: bool) -> str:
    follows = "|".join(
        re.escape(word) for word in sorted({*own.follows.split(), *english.follows.split()})
    )
    closed = r"(?!-[^\W\d])\s*(?:$|(?![%°€£$])[^\w\s])"
    return rf"{closed}|\s+(?:{follows})\b" if spaced else rf"{closed}|\s*(?:{follows})"


def _any(*patterns: str) -> str:
    return "|".join(sorted({pattern for pattern in patterns if pattern})) or "(?!)"
