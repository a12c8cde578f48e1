"""Pictures: whether all are in the mail, and those who do not see them told what they show."""

from collections.abc import Iterator

from newsletter.bulletin import Bulletin, Picture
from newsletter.checks.model import Finding
from newsletter.checks.phrases import EMPTY_ALT
from newsletter.checks.rules import remark
from newsletter.rendering import MOST_PHOTOS


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


def too_many_pictures(bulletin: Bulletin) -> Iterator[Finding]:
    """A mail carries so many and no more."""
    pictures = [block for block in bulletin.blocks if isinstance(block, Picture)]
    if left_out := pictures[MOST_PHOTOS:]:
        count = len(left_out)
        yield remark(
            "image-unusable",
            left_out[0].line,
            f"A mail carries {MOST_PHOTOS} pictures, so the "
            f"{'last one is' if count == 1 else f'last {count} are'} left out: choose the best.",
        )
