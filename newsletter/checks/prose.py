"""The story's sentences: quotation marks, and where they end."""

import re
from collections.abc import Iterator

from newsletter.bulletin import Bulletin, Heading, ItemList, Picture
from newsletter.bulletin.quotation import is_balanced
from newsletter.bulletin.words import words_of
from newsletter.checks.model import Finding, Severity
from newsletter.checks.reading import few_words, story, texts

_SHORT = 6  # words: "Dear friends," and "With love," end as they should
_LONG = 12  # words: a sign-off or a name has fewer, and needs no full stop
_NO_END = re.compile(r"[,;–—-]$")
_NO_STOP = re.compile(r"\w$")
_ADDRESS = re.compile(r"\S(?:@|://|www\.|/)\S+$|\bwww\.\S+$")


def unbalanced_quotes(bulletin: Bulletin) -> Iterator[Finding]:
    """Quotation marks without their partner."""
    for line, text, following in texts(bulletin):
        if not is_balanced(text, following):
            yield Finding(
                "quote-unbalanced",
                Severity.WARNING,
                line,
                f"In line {line} a quotation mark is opened and never closed, or closed and "
                f"never opened ({few_words(text)}): set the missing mark; inside a quotation "
                "use single ones.",
            )


def unfinished_paragraphs(bulletin: Bulletin) -> Iterator[Finding]:
    """Paragraphs that stop in mid-sentence."""
    unfinished = words_of(bulletin.language).unfinished
    for block in bulletin.blocks:
        if isinstance(block, Heading | ItemList | Picture):
            continue
        for line, text, _ in story(block):
            words = text.split()
            dangling = _NO_END.search(text) is not None or words[-1].lower() in unfinished
            stopless = _NO_STOP.search(text) is not None and not _ADDRESS.search(text)
            if (dangling and len(words) > _SHORT) or (stopless and len(words) >= _LONG):
                yield Finding(
                    "unfinished-paragraph",
                    Severity.WARNING,
                    line,
                    f"The paragraph in line {line} ends without a full stop "
                    f"(“… {' '.join(words[-5:])}”): finish the sentence.",
                )
