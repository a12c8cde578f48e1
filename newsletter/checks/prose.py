"""The words: title, length, quotation marks, and where sentences end."""

import re
from collections.abc import Iterator

from newsletter.bulletin import Bulletin, Paragraph, Quotation
from newsletter.bulletin.quotation import is_balanced, with_single_marks_inside
from newsletter.bulletin.words import words_of
from newsletter.checks.model import Finding
from newsletter.checks.reading import few_words, story, texts, title_line
from newsletter.checks.rules import remark

_SHORT = 6  # words: "Dear friends," and "With love," end as they should
_LONG = 12  # words: a sign-off or a name has fewer, and needs no full stop
_NO_END = re.compile(r"[,;–—-]$")
_NO_STOP = re.compile(r"\w$")
_MOST_WORDS = 1000  # about five minutes
_LEAST_CAPITALS = 8  # letters: "USA" and "AIDS" are names
_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff]")  # two of them count as a word
_ADDRESS = re.compile(r"\S(?:@|://|www\.|/)\S+$|\bwww\.\S+$")


def unbalanced_quotes(bulletin: Bulletin) -> Iterator[Finding]:
    """Quotation marks without their partner."""
    for line, text, following in texts(bulletin):
        if not is_balanced(text, following):
            meant = with_single_marks_inside(text)
            hint = f", as in {_ends_of(meant)}" if meant else ""
            yield remark(
                "quote-unbalanced",
                line,
                f"In line {line} a quotation mark is opened and never closed, or closed and "
                f"never opened ({few_words(text)}): set the missing mark; inside a quotation "
                f"use single ones{hint}.",
                suggestion=meant or None,
            )


def _ends_of(quoted: str) -> str:
    words = quoted.split()
    return quoted if len(words) <= 6 else f"{' '.join(words[:3])} … {' '.join(words[-2:])}"


def unfinished_paragraphs(bulletin: Bulletin) -> Iterator[Finding]:
    """Paragraphs that stop in mid-sentence."""
    unfinished = words_of(bulletin.language).unfinished
    for block in bulletin.blocks:
        if not isinstance(block, Paragraph | Quotation):
            continue
        for line, text, _ in story(block):
            words = text.split()
            dangling = _NO_END.search(text) is not None or words[-1].lower() in unfinished
            stopless = _NO_STOP.search(text) is not None and not _ADDRESS.search(text)
            if (dangling and len(words) > _SHORT) or (stopless and len(words) >= _LONG):
                yield remark(
                    "unfinished-paragraph",
                    line,
                    f"The paragraph in line {line} ends without a full stop "
                    f"(“… {' '.join(words[-5:])}”): finish the sentence.",
                )


def title_all_caps(bulletin: Bulletin) -> Iterator[Finding]:
    """A title that shouts; screen readers may spell it."""
    letters = [letter for letter in bulletin.title if letter.lower() != letter.upper()]
    if len(letters) >= _LEAST_CAPITALS and all(letter.isupper() for letter in letters):
        yield remark(
            "title-all-caps",
            title_line(bulletin),
            f"The title is in capitals throughout ({few_words(bulletin.title)}): write it as a "
            "sentence, which is read faster and aloud as words.",
        )


def long_bulletin(bulletin: Bulletin) -> Iterator[Finding]:
    """More than people read on a phone."""
    said = " ".join(text for _, text, _ in texts(bulletin))
    words = len(_HAN.sub("", said).split()) + len(_HAN.findall(said)) // 2
    if words > _MOST_WORDS:
        yield remark(
            "long-bulletin",
            1,
            f"The bulletin has about {round(words, -2):,} words, {round(words / 200)} minutes of "
            "reading: many will not reach the prayer points, so shorten the story if you can.",
        )
