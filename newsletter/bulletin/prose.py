"""Running text: white space, lines that belong together, sentences."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

from newsletter.bulletin.words import words_of

# What a reader never sees and XML does not allow or a mail must not carry: controls, soft
# hyphens, zero-width spaces, byte-order marks, bidi overrides, noncharacters.  The joiners
# U+200C and U+200D stay: Farsi and emoji need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\u202a-\u202e\u2066-\u2069\ufeff"
    "\ufdd0-\ufdef\ufffe\uffff]"
)
BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SPACE = re.compile(r"\s{2,}|[^\S ]")  # all but a single plain space
_NO_BREAK = "\u00a0\u202f"
_UNIT = re.compile(r"[%€$£°]|(?:kg|km|cm|mm|m|g|t|ha|h|min|s|am|pm|EUR|USD|GBP)\b")

_SENTENCE_END = re.compile(
    r"""[.!?؟۔।॥。．！？｡]+["”’»›)\]」』）】》]*(?:\s+|(?<=[۔।॥。！？｡」』）】》])|$)"""
)
_ORDINAL_STOP = r"\."  # in languages where "3." is the third
_ORDINAL = re.compile(r"(?<!\d)\d{1,2}$")
# No abbreviations but before a number: "He said no. They left."  "Col", in French, is a pass.
_ALSO_WORDS = frozenset({"col", "no", "nos"})
_LAST_WORD = re.compile(r"([^\W\d_](?:[\w.]*\w)?)$")

# Chinese and Japanese put no space between words, so that a line may be broken anywhere.
# Not a pattern: one with so many signs takes long to make, and every command would wait.
_NO_SPACES = (
    ("\u2e80", "\u30ff"),
    ("\u31f0", "\u9fff"),
    ("\uf900", "\ufaff"),
    ("\uff00", "\uff0f"),
    ("\uff1a", "\uff65"),
    ("\U00020000", "\U0003ffff"),
)

LONGEST_WRAPPED = 100  # columns; mail programs break lines at 60 to 80
_WIDE = 140
LINE_ENDS = '.!?:…”"»’)؟۔।。！？：」』）】'
_SHORT_LINE = 40  # of an address, a poem, a sign-off; nobody wraps text that narrow


def tidy(text: str) -> str:
    """Return `text` on one line with single spaces and without what no reader sees.

    A no-break space is kept where typography wants one: before French punctuation, inside
    « », between a number and its unit.  Elsewhere it is an accident of a word processor.
    """
    text = unicodedata.normalize("NFC", text)
    return _SPACE.sub(_one_space, _UNSEEN.sub("", text)).strip()


def columns(text: str) -> int:
    """Return how wide `text` is: a sign of Chinese, Japanese or Korean takes two columns."""
    if text.isascii():
        return len(text)
    return len(text) + sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)


def needs_no_space(sign: str) -> bool:
    """Whether no space stands between a sign and the next word; "" and others: False."""
    return sign > "\u2e7f" and any(first <= sign <= last for first, last in _NO_SPACES)


def joined(lines: Iterable[str]) -> str:
    """Return lines as one, `tidy`; Chinese and Japanese get no space where a line was broken."""
    text = ""
    for line in map(tidy, lines):
        close = needs_no_space(text[-1:]) and needs_no_space(line[:1])
        text += line if close or not text else f" {line}"
    return text.rstrip()


def _one_space(found: re.Match[str]) -> str:
    text, start, end = found.string, found.start(), found.end()
    if found.group() in _NO_BREAK and start > 0 and end < len(text):
        before, after = text[start - 1], text[end]
        if before == "«" or after in ":;!?»" or (before.isdigit() and _UNIT.match(text, end)):
            return found.group()
    return " "


def sentences(text: str, language: str = "en") -> list[str]:
    """Return the sentences of tidy `text`, each with its stop and closing marks."""
    words = words_of(language)
    abbreviations, ordinal = words.abbreviations, words.dates.ordinal == _ORDINAL_STOP
    found: list[str] = []
    start = 0
    for end in _SENTENCE_END.finditer(text):
        if end.group().startswith(".") and end.end() < len(text):
            word = _LAST_WORD.search(text, max(start, end.start() - 20), end.start())
            shortened = word is not None and (
                len(word[1]) == 1
                or (
                    word[1].lower() in abbreviations
                    and (word[1] not in _ALSO_WORDS or text[end.end()].isdigit())
                )
            )
            counted = ordinal and _ORDINAL.search(text, max(start, end.start() - 3), end.start())
            if shortened or counted or text[end.end()].islower():
                continue
        found.append(text[start : end.end()].rstrip())
        start = end.end()
    if rest := text[start:].strip():
        found.append(rest)
    return found


def paragraphs(lines: Sequence[str]) -> list[tuple[int, str]]:
    """Join hard-wrapped lines: return each paragraph with the index of its first line.

    A line that ends although the next word would still have fitted was ended on purpose.
    """
    width = max((columns(line.rstrip()) for line in lines if _breakable(line)), default=0)
    starts = [0] + [
        index
        for index, (line, following) in enumerate(pairwise(lines), 1)
        if not _continues(line.strip(), following.strip(), width)
    ]
    return [(start, joined(lines[start:end])) for start, end in pairwise([*starts, len(lines)])]


def _breakable(line: str) -> bool:
    """Whether a mail program could have wrapped the line: a long address cannot be."""
    if not line.isascii():
        line = "".join(" " if needs_no_space(sign) else sign for sign in line)
    return max((len(word) for word in line.split()), default=0) < _SHORT_LINE


def _continues(line: str, following: str, width: int) -> bool:
    if not line or not following or following[0].islower():
        return True
    long = columns(line)
    ended = line[-1] in LINE_ENDS or (line[-1] in ",،，" and long <= _SHORT_LINE)
    if width > LONGEST_WRAPPED:  # a line for each paragraph, or wrapped very wide
        return not ended and LONGEST_WRAPPED < long <= _WIDE
    if width <= _SHORT_LINE:
        return False
    if ended and needs_no_space(following[0]):
        return False
    return not ended or long + 1 + columns(following.split()[0]) > width
