"""The neutral form that every format is reduced to before anything is made of it."""

import enum
from dataclasses import dataclass

from newsletter.bulletin.model import SourceLine


class Role(enum.Enum):
    """What the format itself says that a passage is."""

    TEXT = enum.auto()  # no more than that it stands together: marks typed by hand still count
    HEADING = enum.auto()
    ENTRY = enum.auto()  # of a list; nested entries are in it
    QUOTED = enum.auto()
    BUTTON = enum.auto()  # one line: the words of a link, and its address in brackets
    DIVIDER = enum.auto()  # one line that says nothing
    FIRST = enum.auto()  # of two columns
    SECOND = enum.auto()


APART = (Role.BUTTON, Role.DIVIDER, Role.FIRST, Role.SECOND)  # none of them is a title


@dataclass(frozen=True)
class Passage:
    """Lines that stand together.  Markup is gone; hand-typed marks and indents are not."""

    lines: tuple[SourceLine, ...]  # never empty, no blank ones
    role: Role = Role.TEXT
    level: int = 0  # of a heading: 1 is the highest; 1, too, of what names a column
    lead: str = ""  # of an entry: the words that its writer set bold at its beginning
    number: str = ""  # of an entry: "3." where the format took it for a numbered one
    typed: bool = False  # of a button: its writer made it by hand, so no web page left it there
