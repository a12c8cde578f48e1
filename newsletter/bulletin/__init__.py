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

__all__ = [
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
]
