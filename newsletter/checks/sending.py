"""Whether it may go out at all, whatever it says."""

from collections.abc import Iterator

from newsletter.checks.model import Facts, Finding, Severity


def already_sent(facts: Facts) -> Iterator[Finding]:
    """A bulletin goes out to a list once."""
    if at := facts.already_sent_at:
        yield Finding(
            "already-sent",
            Severity.BLOCKER,
            1,
            f"This bulletin already went out to this list on {at:%A} {at.day} {at:%B %Y}: "
            "take this week's, or change what is new in it.",
        )
