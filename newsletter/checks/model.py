"""What a check says, and what it is told."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from newsletter.names import Names


class Severity(enum.StrEnum):
    """What a finding does: a blocker holds a bulletin back until it is mended or waived."""

    BLOCKER = "blocker"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Mend:
    """A change to one line of the source that is certainly right: it never changes what is said."""

    line: int
    old: str  # the whole line
    new: str | None  # what takes its place; None: the line goes
    what: str  # a clause, once it is done: "broken characters put right"


@dataclass(frozen=True)
class Finding:
    """One remark.  The message may quote the text: it is for editors, never for logs."""

    rule: str
    severity: Severity
    line: int  # 1-based, of the source; 1 where it is about the whole
    message: str
    suggestion: str | None = None
    mend: Mend | None = None


@dataclass(frozen=True)
class Facts:
    """What the checks are told because they cannot see it."""

    already_sent_at: datetime | None = None  # in the zone to show; practice never counts
    html_bytes: int | None = None  # of the rendered email; None where nobody rendered it
    names: Names | None = None  # the register of pseudonyms; None: there is none
    file_name: str = ""


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
