"""May it go out?  Findings that a careful colleague would make.

Stand-in, until the checks land: names and meaning hold, nothing else.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from newsletter.bulletin import Bulletin


class Severity(enum.StrEnum):
    """How much a finding weighs."""

    BLOCKER = "blocker"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One remark: where, what, what to do."""

    rule: str
    severity: Severity
    line: int | None
    message: str
    suggestion: str | None = None


@dataclass(frozen=True)
class Facts:
    """What the checks cannot see in the text."""

    already_sent_at: datetime | None = None


def check(bulletin: Bulletin, facts: Facts) -> list[Finding]:
    """Stand-in: points are needed, and nothing goes out twice."""
    found = []
    if not bulletin.points:
        found.append(
            Finding("no-prayer-points", Severity.BLOCKER, 1, "Nothing to pray for: add points.")
        )
    if facts.already_sent_at:
        found.append(
            Finding("already-sent", Severity.BLOCKER, 1, "This bulletin went out already.")
        )
    return found


def blocks(findings: Iterable[Finding]) -> bool:
    """Whether any of the findings keeps the bulletin back."""
    return any(finding.severity is Severity.BLOCKER for finding in findings)
