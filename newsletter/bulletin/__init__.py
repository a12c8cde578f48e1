"""What was written.  One reader for each format, one block model, one point detector."""

from newsletter.bulletin.model import (
    Block,
    Bulletin,
    Direction,
    Heading,
    ItemList,
    Paragraph,
    PointKind,
    PrayerPoint,
    Quotation,
    Scripture,
    SourceLine,
)
from newsletter.errors import UnreadableInput

__all__ = [
    "MOSTLY",
    "Block",
    "Bulletin",
    "Direction",
    "Heading",
    "ItemList",
    "Paragraph",
    "PointKind",
    "PrayerPoint",
    "Quotation",
    "Scripture",
    "SourceLine",
    "normal_text",
    "read_bulletin",
    "similarity",
]


# --- stand-in, until the readers land: names and meaning hold, nothing else ------------------

MOSTLY = 0.6


def read_bulletin(source: bytes, name: str, language: str | None = None) -> Bulletin:
    """Stand-in: the first line is the title, lines with a star are points."""
    if not name.endswith((".txt", ".md")):
        raise UnreadableInput(f"{name} cannot be read: bulletins are .txt and .md files.")
    if b"\0" in source or not source.strip():
        raise UnreadableInput(f"{name} is empty or no text: write the bulletin, then add it again.")
    lines = [line.strip() for line in source.decode().replace("\r\n", "\n").split("\n")]
    title, *rest = [line for line in lines if line]
    points = [line[2:] for line in rest if line.startswith("* ")]
    story = [line for line in rest if not line.startswith("* ")]
    return Bulletin(
        title=title,
        language=language or "en",
        direction="ltr",
        summary=title,
        blocks=tuple(Paragraph(text, 2) for text in story),
        points=tuple(PrayerPoint(text, text, PointKind.PETITION, 3) for text in points),
        scriptures=(),
        lines=tuple(SourceLine(i, text) for i, text in enumerate(lines, 1)),
    )


def normal_text(bulletin: Bulletin) -> str:
    """Stand-in: all words with single spaces."""
    return " ".join(" ".join(line.text for line in bulletin.lines).split())


def similarity(a: Bulletin, b: Bulletin) -> float:
    """Stand-in: how many words two bulletins share, 0 to 1."""
    first, second = set(normal_text(a).split()), set(normal_text(b).split())
    return len(first & second) / max(1, len(first | second))
