"""May it go out?  Findings that a careful colleague would make.

Pure: what needs a database or the network arrives as `Facts`.  A rule is a function that
yields findings; its name is for programs, people see the sentence.
"""

import enum
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from newsletter.bulletin import Bulletin, Heading, ItemList, Paragraph, Picture, Quotation
from newsletter.bulletin.decoding import ENCODINGS
from newsletter.bulletin.prose import tidy
from newsletter.bulletin.quotation import is_balanced
from newsletter.bulletin.words import words_of


class Severity(enum.StrEnum):
    """What a finding does: a blocker holds a bulletin back until it is mended or waived."""

    BLOCKER = "blocker"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One remark.  The message may quote the text: it is for editors, never for logs."""

    rule: str
    severity: Severity
    line: int  # 1-based, of the source; 1 where it is about the whole
    message: str
    suggestion: str | None = None


@dataclass(frozen=True)
class Facts:
    """What the checks are told because they cannot see it."""

    already_sent_at: datetime | None = None  # in the zone to show; practice never counts


def check(bulletin: Bulletin, facts: Facts | None = None) -> list[Finding]:
    """Return what should be looked at before the bulletin goes out, by line."""
    found = [
        *_already_sent(facts or Facts()),
        *_encoding(bulletin),
        *_broken_characters(bulletin),
        *_artefact_lines(bulletin),
        *_invalid_references(bulletin),
        *_unbalanced_quotes(bulletin),
        *_unfinished_paragraphs(bulletin),
        *_no_prayer_points(bulletin),
    ]
    return sorted(found, key=lambda finding: finding.line)


def blocks(findings: Iterable[Finding]) -> bool:
    """Whether any of the findings holds the bulletin back."""
    return any(finding.severity is Severity.BLOCKER for finding in findings)


def finding_json(finding: Finding) -> dict[str, object]:
    """Return one of the `findings` of `bulletin check --json`, ready to be dumped."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "line": finding.line,
        "message": finding.message,
        "suggestion": finding.suggestion,
    }


# --- the rules ---------------------------------------------------------------------------


def _already_sent(facts: Facts) -> Iterator[Finding]:
    if at := facts.already_sent_at:
        yield Finding(
            "already-sent",
            Severity.BLOCKER,
            1,
            f"This bulletin already went out to this list on {at:%A} {at.day} {at:%B %Y}: "
            "take this week's, or change what is new in it.",
        )


def _encoding(bulletin: Bulletin) -> Iterator[Finding]:
    if bulletin.encoding != "utf-8":
        yield Finding(
            "encoding",
            Severity.NOTE,
            1,
            f"The file was read as {ENCODINGS.get(bulletin.encoding, bulletin.encoding)}: look "
            "at the accents and quotation marks, and save it as UTF-8 if any are wrong.",
        )


# UTF-8 that was once read as Windows-1252, and what a program puts where it could not read.
_BROKEN = re.compile(
    "â€[\u0080-\u017f\u2018-\u203a\u20ac\u2122]|Ã[\u0080-\u00bf]|Â[\u00a0«»°]|\ufffd"
)


def _broken_characters(bulletin: Bulletin) -> Iterator[Finding]:
    for line in bulletin.lines:
        if found := _BROKEN.search(line.text):
            yield Finding(
                "encoding",
                Severity.WARNING,
                line.number,
                f"Line {line.number} holds broken characters "
                f"({_few_words(line.text[max(0, found.start() - 15) : found.end() + 15])}): "
                "type them again, or save the original as UTF-8.",
            )


def _artefact_lines(bulletin: Bulletin) -> Iterator[Finding]:
    texts = {line.number: line.text for line in bulletin.lines}
    for number in bulletin.residue:
        yield Finding(
            "artefact-line",
            Severity.BLOCKER,
            number,
            f"Line {number} looks left over from a web page or a mail program "
            f"({_few_words(texts[number])}): delete it.",
        )


def _invalid_references(bulletin: Bulletin) -> Iterator[Finding]:
    for scripture in bulletin.scriptures:
        if not scripture.valid:
            why = scripture.problem or "there is no such verse"
            yield Finding(
                "ref-invalid",
                Severity.BLOCKER,
                scripture.line,
                f"Line {scripture.line} refers to {scripture.written}, but {why}: "
                "look the passage up and correct the reference.",
                scripture.suggestion,
            )


def _unbalanced_quotes(bulletin: Bulletin) -> Iterator[Finding]:
    for line, text, following in _texts(bulletin):
        if not is_balanced(text, following):
            yield Finding(
                "quote-unbalanced",
                Severity.WARNING,
                line,
                f"In line {line} a quotation mark is opened and never closed, or closed and "
                f"never opened ({_few_words(text)}): set the missing mark; inside a quotation "
                "use single ones.",
            )


def _texts(bulletin: Bulletin) -> Iterator[tuple[int, str, str]]:
    """Yield line, text and, within a quotation, the text that follows."""
    titles = (line.number for line in bulletin.lines if bulletin.title in tidy(line.text))
    yield next(titles, 1), bulletin.title, ""
    for block in bulletin.blocks:
        match block:
            case Heading(text, line):
                yield line, text, ""
            case ItemList(items, line):
                yield from ((line, text, "") for text in items)
            case Picture(alt=alt, caption=caption, line=line):
                yield from ((line, text, "") for text in (caption, alt) if text)
            case _:
                yield from _story(block)
    yield from ((point.line, point.text, "") for point in bulletin.points)
    yield from ((verse.line, verse.quotation or "", "") for verse in bulletin.scriptures)


def _story(block: Paragraph | Quotation) -> Iterator[tuple[int, str, str]]:
    if isinstance(block, Paragraph):
        yield block.line, block.text, ""
    else:
        lines = block.lines or (block.line,) * len(block.paragraphs)
        yield from zip(lines, block.paragraphs, (*block.paragraphs[1:], ""), strict=True)


_SHORT = 6  # words: "Dear friends," and "With love," end as they should
_LONG = 12  # words: a sign-off or a name has fewer, and needs no full stop
_NO_END = re.compile(r"[,;–—-]$")
_NO_STOP = re.compile(r"\w$")
_ADDRESS = re.compile(r"\S(?:@|://|www\.|/)\S+$|\bwww\.\S+$")


def _unfinished_paragraphs(bulletin: Bulletin) -> Iterator[Finding]:
    unfinished = words_of(bulletin.language).unfinished
    for block in bulletin.blocks:
        if isinstance(block, Heading | ItemList | Picture):
            continue
        for line, text, _ in _story(block):
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


def _no_prayer_points(bulletin: Bulletin) -> Iterator[Finding]:
    if not bulletin.points:
        yield Finding(
            "no-prayer-points",
            Severity.BLOCKER,
            1,
            "No prayer points were found: write each on a line of its own that begins with • "
            "or -, under a heading such as Prayer points.",
        )


def _few_words(text: str) -> str:
    words = text.strip(' “”"«»„').split()
    return "“" + " ".join(words[:8]) + ("…" if len(words) > 8 else "") + "”"
