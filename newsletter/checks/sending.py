"""Whether it may go out at all, and to whom else."""

from collections.abc import Iterator

from newsletter.bulletin import Bulletin, Sensitivity
from newsletter.checks.model import Facts, Finding, Severity
from newsletter.checks.phrases import not_for_forwarding
from newsletter.checks.reading import few_words, texts
from newsletter.checks.rules import remark
from newsletter.rendering import HTML_LIMIT

HEAVY_BYTES = 90_000


def already_sent(facts: Facts) -> Iterator[Finding]:
    """A bulletin goes out to a list once."""
    if at := facts.already_sent_at:
        yield remark(
            "already-sent",
            1,
            f"This bulletin already went out to this list on {at:%A} {at.day} {at:%B %Y}: "
            "take this week's, or change what is new in it.",
        )


def size_clipped(facts: Facts) -> Iterator[Finding]:
    """Gmail hides what comes after a certain weight."""
    size, limit = facts.html_bytes or 0, HTML_LIMIT // 1000
    if size > HTML_LIMIT:
        yield remark(
            "size-clipped",
            1,
            f"The email weighs {size // 1000} kB and Gmail hides what goes beyond {limit} kB, the "
            "link to leave the list with it: shorten the bulletin or send it as two.",
            severity=Severity.BLOCKER,
        )
    elif size > HEAVY_BYTES:
        yield remark(
            "size-clipped",
            1,
            f"The email weighs {size // 1000} kB, and beyond {limit} kB Gmail hides its end: "
            "shorten it a little to be safe.",
        )


def says_not_to_forward(bulletin: Bulletin) -> Iterator[Finding]:
    """The text asks not to be passed on, and the archive would do just that."""
    if bulletin.sensitivity is Sensitivity.RESTRICTED:
        return
    for line, text, _ in texts(bulletin):
        if found := not_for_forwarding(text, bulletin.language):
            yield remark(
                "not-for-forwarding",
                line,
                f"Line {line} says that this must not be passed on ({few_words(found)}): make sure "
                "that the list may have it, and mark the bulletin as restricted so that it stays "
                "out of the archive.",
            )
            return
