"""Plain text: blank lines part the passages; all else is told by the words."""

import re
from collections.abc import Sequence
from itertools import groupby

from newsletter.bulletin.decoding import decode
from newsletter.bulletin.model import SourceLine
from newsletter.bulletin.passage import Passage, Role
from newsletter.bulletin.reading import Reading

_RULE = re.compile(r"\s*(?:([=*_~#.+–—-])\s?)(?:\1\s?){2,}$")
_LONGEST_HEADING = 80


def read_text(source: bytes, language: str) -> Reading:
    """Return what a text file says."""
    lines, encoding = source_lines(source, language)
    return Reading(lines, tuple(text_passages(lines)), encoding)


def source_lines(source: bytes, language: str) -> tuple[tuple[SourceLine, ...], str]:
    """Return the lines of a file of text, and its encoding."""
    decoded = decode(source, language)
    lines = decoded.text.split("\n")
    return tuple(SourceLine(n, line) for n, line in enumerate(lines, 1)), decoded.encoding


def text_passages(lines: Sequence[SourceLine]) -> list[Passage]:
    """Return the passages of text; a line drawn under a line makes that a heading."""
    passages: list[Passage] = []
    for is_text, group in groupby(lines, key=lambda line: _is_text(line.text)):
        if is_text:
            passages.append(Passage(tuple(group)))
        elif passages and _underlines(next(group), passages[-1]):
            passages[-1:] = _parted(passages[-1])
    return passages


def _is_text(line: str) -> bool:
    return any(character.isalnum() for character in line)


def _underlines(line: SourceLine, above: Passage) -> bool:
    last = above.lines[-1]
    name = last.text.strip()
    drawn = _RULE.match(line.text) is not None and line.number == last.number + 1
    return drawn and len(name) <= _LONGEST_HEADING and name[-1] not in ".,;"


def _parted(passage: Passage) -> list[Passage]:
    *before, last = passage.lines
    heading = Passage((last,), Role.HEADING, level=2)
    return [Passage(tuple(before)), heading] if before else [heading]
