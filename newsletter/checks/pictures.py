"""Pictures: whether those who do not see them are told what they show."""

from collections.abc import Iterator

from newsletter.bulletin import Bulletin, Picture
from newsletter.checks.model import Finding
from newsletter.checks.phrases import EMPTY_ALT
from newsletter.checks.rules import remark


def missing_descriptions(bulletin: Bulletin) -> Iterator[Finding]:
    """No description, the name of a file, or what a program wrote by itself."""
    for block in bulletin.blocks:
        if isinstance(block, Picture) and EMPTY_ALT.fullmatch(block.alt.strip()):
            yield remark(
                "image-alt-missing",
                block.line,
                f"The picture in line {block.line} has no description: say in a few words what it "
                "shows, for readers who do not see it.",
            )
