"""The prayer points."""

from collections.abc import Iterator

from newsletter.bulletin import Bulletin
from newsletter.checks.model import Finding, Severity


def no_prayer_points(bulletin: Bulletin) -> Iterator[Finding]:
    """A bulletin without anything to pray for."""
    if not bulletin.points:
        yield Finding(
            "no-prayer-points",
            Severity.BLOCKER,
            1,
            "No prayer points were found: write each on a line of its own that begins with • "
            "or -, under a heading such as Prayer points.",
        )
