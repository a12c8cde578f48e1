"""Findings in sentences that may leave the site: to staff by mail, and beside a file."""

import re
from collections.abc import Iterable

from newsletter.checks import Finding, Severity

_QUOTED = re.compile(r"“[^”]*”|„[^“”]*[“”]|«[^»]*»|\"[^\"]*\"|(?<!\w)[‘'][^’']*[’'](?!\w)")


def blocking_lines(found: Iterable[Finding]) -> str:
    """Return where findings block, in words: " (lines 21, 24)"."""
    lines = sorted({finding.line for finding in _blocking(found)})
    return f" ({'line' if len(lines) == 1 else 'lines'} {', '.join(map(str, lines))})"


def blocking_sentences(found: Iterable[Finding]) -> list[str]:
    """Return what blocks, a sentence each, with every quotation from the bulletin left out."""
    return [_QUOTED.sub("…", finding.message).replace(" (…)", "") for finding in _blocking(found)]


def _blocking(found: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.severity is Severity.BLOCKER]
