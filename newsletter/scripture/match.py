"""A quotation beside the text it is said to come from: whether it stands there, or elsewhere.

Pure: the text is an argument.  A score is half the share of the quotation's words that the
passage holds, rare words counting more, and half the share of its letter triples; wording of
another translation of the same verse scores 0.5 to 1, of another verse mostly below 0.4.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from newsletter.scripture.canon import CANON

CERTAIN = 0.55  # the least score of a verse that is suggested
LEAD = 0.10  # by which it lies before every other
FOREIGN = 0.10  # below it a quotation differs clearly from the passage, wherever it is from
FEWEST_WORDS = 4  # different ones; fewer say nothing
MANY_WORDS = 12  # from so many on it may be said without knowing where they are from

_BRACKETED = re.compile(r"\[[^\]]*\]|\([^)]*\)")
_LEFT_OUT = re.compile(r"…|\.\s?\.\s?\.")
_WORD = re.compile(r"[^\W\d_]+(?:['’`][^\W\d_]+)?")
_ENDINGS = re.compile(r"(?:ings?|edst|ed|eth|est|es|s|ly)$")
_SAME = {
    "yahweh": "lord",
    "jehovah": "lord",
    "ye": "you",
    "thou": "you",
    "thee": "you",
    "thy": "your",
    "thine": "your",
    "unto": "to",
    "hath": "has",
    "doth": "does",
    "verily": "truly",
    "brethren": "brothers",
}


class Verses(Protocol):
    """A text of the Bible that can be asked."""

    def passage(self, osis: str) -> str:
        """Return the words of a passage; "" for a verse that it does not have."""
        ...

    def holding(self, words: Sequence[str]) -> Sequence[str]:
        """Return the verses (OSIS) that hold the most of some `words_of`, the likeliest first."""
        ...

    def rarity(self, word: str) -> float:
        """Return how much one of `words_of` tells: larger for a rare one, never 0."""
        ...


class Comparison(NamedTuple):
    """What a quotation's words say about its reference."""

    score: float  # with the cited passage; 0 where that does not exist
    suggestion: str | None  # OSIS of the passage that it clearly comes from, if that is another
    differs: bool  # clearly not the words of the cited passage


class _Quotation(NamedTuple):
    words: tuple[str, ...]  # each once
    triples: frozenset[str]


def compare(cited: Sequence[str], quotation: str, verses: Verses) -> Comparison | None:
    """Compare a quotation with the passages (OSIS) it is said to come from, all of them together.

    None where it says too little.  A passage is suggested only when its words clearly are those
    of the quotation and of no other passage.
    """
    read = _read(quotation)
    if len(read.words) < FEWEST_WORDS:
        return None
    text = " ".join(map(verses.passage, cited)).strip()
    score = _score(read, text, verses) if text else 0.0
    if score >= CERTAIN:
        return Comparison(score, None, differs=False)
    slip = _slip(cited[0], read, verses) if len(cited) == 1 else None
    found = slip or _elsewhere(read, verses)
    elsewhere = found is not None and not any(overlap(found[0], osis) for osis in cited)
    if found is not None and elsewhere and found[1] >= score + 2 * LEAD:
        return Comparison(score, found[0], differs=bool(text))
    foreign = bool(text) and score < FOREIGN and len(read.words) >= MANY_WORDS
    return Comparison(score, None, foreign)


def words_of(text: str) -> list[str]:
    """Return the words of an English text in the form in which they are compared."""
    return [_stem(word) for word in _plain_words(text)]


# --- candidates --------------------------------------------------------------------------


def _slip(osis: str, quotation: _Quotation, verses: Verses) -> tuple[str, float] | None:
    """Return the passage of the same book that one slip of a digit makes of the reference."""
    ranked = _ranked(quotation, _one_digit_off(osis), verses)
    if not ranked or ranked[0][1] < CERTAIN:
        return None
    if len(ranked) > 1 and ranked[0][1] - ranked[1][1] < LEAD:
        return None
    best = _ranked(quotation, verses.holding(_rarest(quotation, verses)), verses)
    rival = max((score for other, score in best if not overlap(other, ranked[0][0])), default=0.0)
    return ranked[0] if rival < ranked[0][1] + LEAD / 2 else None


def _elsewhere(quotation: _Quotation, verses: Verses) -> tuple[str, float] | None:
    """Return the passage of the whole Bible that the words clearly come from."""
    likely = verses.holding(_rarest(quotation, verses))
    ranked = _ranked(quotation, likely, verses)
    if not ranked:
        return None
    wide = [each for osis, _ in ranked[:4] for each in _windows(osis, verses)]
    longer = _ranked(quotation, wide, verses)
    best = ranked[0]
    if longer and longer[0][1] >= max(best[1], CERTAIN) + 2 * LEAD:
        best = longer[0]
    if any(score >= best[1] and not overlap(osis, best[0]) for osis, score in longer):
        return None  # several verses together say as much: Matthew 9:37-38 and Luke 10:2
    rival = max((score for osis, score in ranked if not overlap(osis, best[0])), default=0.0)
    return best if best[1] >= CERTAIN and best[1] - rival >= LEAD else None


def _ranked(
    quotation: _Quotation, passages: Sequence[str], verses: Verses
) -> list[tuple[str, float]]:
    texts = ((osis, verses.passage(osis)) for osis in dict.fromkeys(passages))
    scored = [(osis, _score(quotation, text, verses)) for osis, text in texts if text]
    return sorted(scored, key=lambda each: -each[1])


def _one_digit_off(osis: str) -> list[str]:
    """Return the verses of the same book whose numbers differ by one slip; ranges give none."""
    book, *numbers = osis.partition("-")[0].split(".")
    if len(numbers) != 2 or "-" in osis:
        return []
    chapter, verse = numbers
    places = [(near, verse) for near in _near(chapter)] + [(chapter, near) for near in _near(verse)]
    return [
        f"{book}.{c}.{v}"
        for c, v in places
        if c and v and c[0] != "0" and v[0] != "0"
        if int(c) <= len(CANON[book]) and int(v) <= CANON[book][int(c) - 1]
    ]


def _near(number: str) -> Iterator[str]:
    for n in range(len(number) + 1):
        for digit in "0123456789":
            yield number[:n] + digit + number[n:]
            if n < len(number):
                yield number[:n] + digit + number[n + 1 :]
        if n + 1 < len(number):
            yield number[:n] + number[n + 1] + number[n] + number[n + 2 :]
        if n < len(number) > 1:
            yield number[:n] + number[n + 1 :]


def _windows(osis: str, verses: Verses) -> Iterator[str]:
    """Yield the passages of two and three verses around one."""
    book, chapter, verse = osis.split(".")
    last = CANON[book][int(chapter) - 1] if int(chapter) <= len(CANON[book]) else 0
    for first in range(int(verse) - 2, int(verse) + 1):
        for end in (first + 1, first + 2):
            if 1 <= first <= int(verse) <= end <= last:
                yield f"{book}.{chapter}.{first}-{book}.{chapter}.{end}"


def overlap(one: str, other: str) -> bool:
    """Whether two OSIS passages share a verse."""
    (book, first, last), (other_book, other_first, other_last) = _ends(one), _ends(other)
    return book == other_book and first <= other_last and other_first <= last


def _ends(osis: str) -> tuple[str, tuple[int, int], tuple[int, int]]:
    first, _, last = osis.partition("-")
    book, *start = first.split(".")
    end = last.split(".")[1:] or start
    low = (int(start[0]), int(start[1]) if len(start) > 1 else 0)
    return book, low, (int(end[0]), int(end[1]) if len(end) > 1 else 999)


# --- scores ------------------------------------------------------------------------------


def _read(quotation: str) -> _Quotation:
    """Take in a quotation; what stands in brackets was added, "…" says where words are missing."""
    pieces = _LEFT_OUT.split(_BRACKETED.sub(" ", quotation))
    words = dict.fromkeys(word for piece in pieces for word in words_of(piece))
    triples = frozenset(triple for piece in pieces for triple in _triples(piece))
    return _Quotation(tuple(words), triples)


def _score(quotation: _Quotation, text: str, verses: Verses) -> float:
    held = set(words_of(text))
    weights = {word: verses.rarity(word) for word in quotation.words}
    covered = sum(weight for word, weight in weights.items() if word in held)
    triples = set(_triples(text))
    same = len(quotation.triples & triples) / max(1, len(quotation.triples))
    return 0.5 * covered / sum(weights.values()) + 0.5 * same


def _rarest(quotation: _Quotation, verses: Verses, most: int = 10) -> list[str]:
    return sorted(quotation.words, key=lambda word: -verses.rarity(word))[:most]


def _triples(text: str) -> Iterator[str]:
    even = f" {' '.join(_plain_words(text))} "
    return (even[n : n + 3] for n in range(len(even) - 2))


def _plain_words(text: str) -> list[str]:
    words = (re.split("['’`]", word)[0] for word in _WORD.findall(text.casefold()))
    return [_SAME.get(word, word) for word in words]


def _stem(word: str) -> str:
    stem = _ENDINGS.sub("", word) if len(word) > 4 else word
    return stem.rstrip("e") if len(stem) > 3 else stem
