"""May it go out?  Findings that a careful colleague would make.

Pure: what needs a database or the network arrives as `Facts`.  A rule is a function that
yields findings; its name is for programs, people see the sentence.
"""

from newsletter.bulletin import Bulletin
from newsletter.checks.model import Facts, Finding, Severity, blocks, finding_json
from newsletter.checks.prayer import no_prayer_points
from newsletter.checks.prose import unbalanced_quotes, unfinished_paragraphs
from newsletter.checks.scripture import about_scripture
from newsletter.checks.sending import already_sent
from newsletter.checks.source import artefact_lines, broken_characters, encoding

__all__ = ["Facts", "Finding", "Severity", "blocks", "check", "finding_json"]


def check(bulletin: Bulletin, facts: Facts | None = None) -> list[Finding]:
    """Return what should be looked at before the bulletin goes out, by line."""
    found = [
        *already_sent(facts or Facts()),
        *encoding(bulletin),
        *broken_characters(bulletin),
        *artefact_lines(bulletin),
        *about_scripture(bulletin),
        *unbalanced_quotes(bulletin),
        *unfinished_paragraphs(bulletin),
        *no_prayer_points(bulletin),
    ]
    return sorted(found, key=lambda finding: finding.line)
