"""What was written: a bulletin as plain values, whatever format it came in."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Direction = Literal["ltr", "rtl"]


class Sensitivity(enum.StrEnum):
    """Who may read something outside the mail itself; the mail always holds all of it."""

    PUBLIC = "public"  # archive, feed, texts to share
    SUPPORTERS = "supporters"  # who came by a link of their own
    RESTRICTED = "restricted"  # nobody else


class PointKind(enum.StrEnum):
    """What a prayer point asks of the reader; told sentence by sentence."""

    THANKSGIVING = "thanksgiving"
    PETITION = "petition"
    MIXED = "mixed"


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of the story."""

    text: str
    line: int  # 1-based, of the source


@dataclass(frozen=True)
class Quotation:
    """Somebody's words over one or more whole paragraphs, with their quotation marks."""

    paragraphs: tuple[str, ...]
    line: int  # of the first
    lines: tuple[int, ...] = ()  # of each, where a reader tells


@dataclass(frozen=True)
class Heading:
    """A line that names what follows."""

    text: str
    line: int
    level: int = 2  # 1 is the highest


@dataclass(frozen=True)
class ItemList:
    """A list that does not ask for prayer: dates, facts."""

    items: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Picture:
    """A picture of the story, as it stood in the source."""

    data: bytes = field(repr=False)
    media_type: str  # "image/jpeg": what the bytes are, whatever the source called them
    alt: str  # "" where the source gives none
    caption: str
    line: int


@dataclass(frozen=True)
class Button:
    """A link that stands alone, to be pressed."""

    text: str
    url: str  # https:, http: or mailto:
    line: int

    def texts(self) -> Iterator[tuple[int, str]]:
        """Yield what it says with its line; the address stands behind it as in running text."""
        yield self.line, f"{self.text} ({self.url.removeprefix('mailto:')})"


@dataclass(frozen=True)
class Divider:
    """A line across, between two parts of the story."""

    line: int


@dataclass(frozen=True)
class Note:
    """Something said beside the story."""

    label: str  # "Note", as its writer calls it, or ""
    paragraphs: tuple[str, ...]
    line: int
    lines: tuple[int, ...]  # of each paragraph

    def texts(self) -> Iterator[tuple[int, str]]:
        """Yield its paragraphs, each with its line."""
        yield from zip(self.lines, self.paragraphs, strict=True)


@dataclass(frozen=True)
class Columns:
    """Two short texts beside each other; on a narrow screen one below the other."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    line: int
    lines: tuple[int, ...]  # of each paragraph of both
    headed: bool = False  # the first paragraph of each names it

    def texts(self) -> Iterator[tuple[int, str]]:
        """Yield the paragraphs of both, each with its line."""
        yield from zip(self.lines, (*self.first, *self.second), strict=True)


Block = Paragraph | Quotation | Heading | ItemList | Picture | Button | Divider | Note | Columns


@dataclass(frozen=True)
class PrayerPoint:
    """One item to pray for, without its marker."""

    text: str
    lead: str  # the first sentence, for scanning
    kind: PointKind
    line: int
    date: str | None = None  # ISO, or two joined by "/"
    group: str | None = None
    sensitivity: Sensitivity | None = None  # None: that of the bulletin


@dataclass(frozen=True)
class Scripture:
    """A reference as written and as OSIS, with the words quoted beside it.

    With a quotation it stands on its own and in no block; without one it is mentioned in
    the title, a block or a prayer point.  A list such as "Ps 23; 121:1" gives one for each
    part, all with the same `written`, the quotation at the first.
    """

    written: str
    osis: str  # "Matt.25.40", "Ps.121.7-Ps.121.8", whole chapter "Ps.23"
    valid: bool
    line: int
    quotation: str | None = None
    translation: str = ""  # that the quotation is from, as written: "NIV"
    suggestion: str | None = None  # OSIS
    problem: str = ""  # why it is not valid, as a clause: "Matthew 2 has only 23 verses"
    usual: str = ""  # the usual form, where `written` is spelled in an unusual way
    said: str = ""  # the words quoted beside it in running text, where they stay
    differs: bool = False  # the quoted words clearly are not those of the passage
    sensitivity: Sensitivity | None = None  # of one that stands on its own; None: the bulletin's


@dataclass(frozen=True)
class SourceLine:
    """A line as it stood in the source, for the checks that look at raw text."""

    number: int
    text: str


LeftoverKind = Literal[
    "tracked-changes",
    "review-comment",
    "hidden-text",
    "not-taken",
    "tracker-removed",
    "remote-image",
    "boilerplate-removed",
    "tracking-parameters-removed",
    "image-unusable",
]


TURNING = "marks that turn the direction"


@dataclass(frozen=True)
class Leftover:
    """Something in the source that is not in the bulletin; never what it said."""

    kind: LeftoverKind  # the rule that tells staff of it
    line: int
    count: int = 1
    # Of "not-taken": "a table"; of "image-unusable": why, as a clause; of "hidden-text": TURNING,
    # where it is no text.
    what: str = ""


@dataclass(frozen=True)
class Property:
    """A value that a document or a picture carries unseen: searched for names, never shown."""

    name: str  # "author", "GPSLatitude"
    value: str = field(repr=False)
    line: int = 1


@dataclass(frozen=True)
class Bulletin:
    """The parsed text: no dates of sending, no people to send to."""

    title: str  # keeps its full stop
    language: str  # BCP 47
    direction: Direction
    summary: str  # first sentence of the story, for the preheader
    blocks: tuple[Block, ...]
    points: tuple[PrayerPoint, ...]
    scriptures: tuple[Scripture, ...]
    lines: tuple[SourceLine, ...]
    encoding: str = "utf-8"  # what the bytes turned out to be
    language_guessed: bool = False  # nobody named it: the text told
    residue: tuple[int, ...] = ()  # line numbers of text that belongs to no block
    leftovers: tuple[Leftover, ...] = ()
    properties: tuple[Property, ...] = ()
    sensitivity: Sensitivity = Sensitivity.PUBLIC
