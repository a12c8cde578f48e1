"""References to scripture, and the words quoted from it."""

from collections.abc import Iterator

from newsletter.bulletin import Bulletin, Scripture
from newsletter.checks.model import Finding
from newsletter.checks.reading import texts
from newsletter.checks.rules import remark
from newsletter.scripture import (
    example_translation,
    find_references,
    find_unread,
    names_translation,
    reference_name,
)


def about_scripture(bulletin: Bulletin) -> Iterator[Finding]:
    """Yield what is to be said of the references, and of the words beside them.

    Other verses are named where the bulletin was compared with a text (`verses.compared`).
    """
    yield from _invalid(bulletin)
    yield from _mismatches(bulletin)
    yield from _unusual(bulletin)
    yield from _unread(bulletin)
    yield from _translations(bulletin)


def _invalid(bulletin: Bulletin) -> Iterator[Finding]:
    for scripture in bulletin.scriptures:
        if scripture.valid:
            continue
        why = scripture.problem or "there is no such verse"
        mend = "look the passage up and correct the reference."
        if right := _suggested(scripture, bulletin):
            mend = f"the words are those of {right}, so correct the reference."
        yield remark(
            "ref-invalid",
            scripture.line,
            f"Line {scripture.line} refers to {scripture.written}, but {why}: {mend}",
            suggestion=scripture.suggestion,
        )


def _mismatches(bulletin: Bulletin) -> Iterator[Finding]:
    for scripture in bulletin.scriptures:
        if not scripture.valid or not scripture.differs:
            continue
        if right := _suggested(scripture, bulletin):
            what = f"but they are those of {right}: correct the reference, or the words."
        else:
            what = "but they read quite differently there: look the passage up."
        yield remark(
            "ref-mismatch",
            scripture.line,
            f"Line {scripture.line} quotes words as {scripture.written}, {what}",
            suggestion=scripture.suggestion,
        )


def _unusual(bulletin: Bulletin) -> Iterator[Finding]:
    told = set()
    for scripture in bulletin.scriptures:
        if scripture.usual and scripture.written not in told:
            told.add(scripture.written)
            # Nobody is shown how to write a verse that does not exist.
            right = scripture.usual if scripture.valid else _suggested(scripture, bulletin)
            example = reference_name("Matt.25.40", bulletin.language)
            way = f"the usual way to write it is {right}" if right else f"write it as in {example}"
            yield remark(
                "ref-style",
                scripture.line,
                f"Line {scripture.line} writes “{scripture.written}”: {way}.",
                suggestion=right or None,
            )


def _unread(bulletin: Bulletin) -> Iterator[Finding]:
    for line, text, _ in texts(bulletin):
        found = find_references(text, bulletin.language)
        for written in find_unread(text, bulletin.language, found):
            yield remark(
                "ref-unparsed",
                line,
                f"Line {line} seems to name a passage of the Bible (“{written}”) that cannot be "
                "read: check the name of the book and the numbers; write it as in "
                f"{reference_name('Matt.25.40', bulletin.language)}.",
            )


def _translations(bulletin: Bulletin) -> Iterator[Finding]:
    quoted = [scripture for scripture in bulletin.scriptures if scripture.quotation]
    lines = {scripture.line for scripture in quoted}
    named = {line.number for line in bulletin.lines if names_translation(line.text)}
    if named - lines:
        return  # a line for all of them: "Quotations are from the NIV."
    for scripture in quoted:
        if scripture.line not in named and not scripture.translation:
            example = example_translation(bulletin.language)
            yield remark(
                "translation-unnamed",
                scripture.line,
                f"The quotation in line {scripture.line} does not say from which translation it "
                f"is: write it behind the reference, for example ({example}).",
            )


def _suggested(scripture: Scripture, bulletin: Bulletin) -> str:
    return reference_name(scripture.suggestion, bulletin.language) if scripture.suggestion else ""
