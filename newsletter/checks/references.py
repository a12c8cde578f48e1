"""References to scripture."""

from collections.abc import Iterator

from newsletter.bulletin import Bulletin
from newsletter.checks.model import Finding, Severity


def invalid_references(bulletin: Bulletin) -> Iterator[Finding]:
    """Verses that no Bible has."""
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
