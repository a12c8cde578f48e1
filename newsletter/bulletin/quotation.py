"""Quotation marks: what is opened, what is closed, and words that run over paragraphs.

Typography lets a quotation that runs over paragraphs open each of them and close only the
last.  Single marks are never counted: most of them are apostrophes.
"""

import re
from dataclasses import dataclass

_OPENING = '“„«»"「『'
_CLOSES = {"“": "”“", "„": "“”", "”": "”“", "«": "»", "»": "«", "「": "」", "『": "』"}
_MARK = re.compile('[“”„«»「」『』"]')
_BEFORE_OPENING = re.compile(r"[\s(\[{–—/\-‘'“„«¿¡]")


@dataclass(frozen=True)
class Marks:
    """What the marks of one paragraph leave over."""

    left_open: int  # opened here and not closed
    strays: int  # closed here and never opened
    whole: bool  # the mark that the paragraph begins with closes at its very end


def marks(text: str) -> Marks:
    """Read the double quotation marks of a paragraph, in any of the usual styles."""
    opened: list[tuple[str, int]] = []
    strays = 0
    whole = False
    for found in _MARK.finditer(text):
        mark, place = found.group(), found.start()
        if opened and _closes(text, place, opened[-1][0]):
            _, begun = opened.pop()
            whole = begun == 0 and not opened and place >= len(text.rstrip(".,")) - 1
        elif _opens(text, place):
            opened.append((mark, place))
        elif not _measures(text, place):
            strays += 1
    return Marks(len(opened), strays, whole)


def opens(text: str) -> bool:
    """Whether a paragraph begins with an opening mark."""
    return text.startswith(tuple(_OPENING))


def goes_on(text: str, following: str) -> bool:
    """Whether a quotation runs on from one paragraph into the next."""
    return marks(text).left_open > 0 and opens(following)


def is_balanced(text: str, following: str = "") -> bool:
    """Whether the marks of a paragraph pair up; one may stay open where the next goes on."""
    found = marks(text)
    return not found.strays and found.left_open <= (1 if opens(following) else 0)


_INSIDE = {"“": ("‘", "’"), "„": ("‚", "‘")}


def with_single_marks_inside(text: str) -> str:
    """Return the inner quotation of one whose two marks are closed by one, as it is meant.

    “They said, “Come here.” gives ‘Come here.’”; "" for anything else.
    """
    found = list(_MARK.finditer(text))
    if len(found) != 3 or text[0] not in _INSIDE or found[1].group() != text[0]:
        return ""
    inner, last = found[1].start(), found[2].start()
    closes = found[0].start() == 0 and _closes(text, last, text[0]) and last == len(text) - 1
    opening, closing = _INSIDE[text[0]]
    return f"{opening}{text[inner + 1 : last]}{closing}{text[last]}" if closes else ""


def _closes(text: str, place: int, opened: str) -> bool:
    mark = text[place]
    if opened == '"' or mark == '"':
        return opened == mark
    # “ closes in German and where somebody took the wrong key, but never before a word.
    return mark in _CLOSES[opened] and not (mark == "“" and _starts_word(text, place))


def _opens(text: str, place: int) -> bool:
    return text[place] in "“„«「『" or (text[place] in '”»"' and _starts_word(text, place))


def _starts_word(text: str, place: int) -> bool:
    begins = place == 0 or _BEFORE_OPENING.match(text[place - 1]) is not None
    return begins and not text[place + 1 : place + 2].isspace()


def _measures(text: str, place: int) -> bool:
    """Whether the mark stands for inches or seconds."""
    return text[place] == '"' and text[place - 1 : place].isdigit()
