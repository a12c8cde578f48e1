"""What the file itself tells: how it was written down, and what does not belong to the text."""

import re
from collections.abc import Iterator

from newsletter.bulletin import Bulletin
from newsletter.checks.model import Finding, Severity
from newsletter.checks.reading import few_words

_ENCODINGS = {"windows-1252": "Windows-1252", "utf-16": "UTF-16"}

# UTF-8 that was once read as Windows-1252, and what a program puts where it could not read.
_BROKEN = re.compile(
    "â€[\u0080-\u017f\u2018-\u203a\u20ac\u2122]|Ã[\u0080-\u00bf]|Â[\u00a0«»°]|\ufffd"
)


def encoding(bulletin: Bulletin) -> Iterator[Finding]:
    """The file is not UTF-8."""
    if bulletin.encoding != "utf-8":
        yield Finding(
            "encoding",
            Severity.NOTE,
            1,
            f"The file was read as {_ENCODINGS.get(bulletin.encoding, bulletin.encoding)}: look "
            "at the accents and quotation marks, and save it as UTF-8 if any are wrong.",
        )


def broken_characters(bulletin: Bulletin) -> Iterator[Finding]:
    """Characters that a program read wrongly before the file reached us."""
    for line in bulletin.lines:
        if found := _BROKEN.search(line.text):
            yield Finding(
                "encoding",
                Severity.WARNING,
                line.number,
                f"Line {line.number} holds broken characters "
                f"({few_words(line.text[max(0, found.start() - 15) : found.end() + 15])}): "
                "type them again, or save the original as UTF-8.",
            )


def artefact_lines(bulletin: Bulletin) -> Iterator[Finding]:
    """Lines of a web page or a mail program."""
    texts = {line.number: line.text for line in bulletin.lines}
    for number in bulletin.residue:
        yield Finding(
            "artefact-line",
            Severity.BLOCKER,
            number,
            f"Line {number} looks left over from a web page or a mail program "
            f"({few_words(texts[number])}): delete it.",
        )
