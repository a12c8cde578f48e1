"""Whether a bulletin names the ministry that some of its readers must not be seen to know."""

from collections.abc import Iterator

from newsletter.bulletin import Bulletin
from newsletter.checks.model import Finding
from newsletter.checks.rules import remark
from newsletter.counted import counted
from newsletter.discreet import Ministry


def ministry_named(bulletin: Bulletin, ministry: Ministry, readers: int) -> Iterator[Finding]:
    """Find the names of the ministry in the text that `readers` of the discreet mail get."""
    source = "\n".join(line.text for line in bulletin.lines)
    for named in ministry.named_in(source, bulletin.language):
        line = bulletin.lines[named.line].number
        yield remark(
            "ministry-named",
            line,
            f"Line {line} names the ministry (“{named.name}”), and {counted(readers)} of this "
            "list must not be seen to hear from it: write it without the name.",
        )
