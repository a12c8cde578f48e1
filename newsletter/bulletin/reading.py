"""What a reader makes of a file: the contract of all formats."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from newsletter.bulletin.model import (
    Leftover,
    LeftoverKind,
    Picture,
    Property,
    Sensitivity,
    SourceLine,
)
from newsletter.bulletin.passage import Passage


@dataclass(frozen=True)
class Head:
    """What key lines ("Language: fa") or a page's head say of the bulletin as a whole."""

    title: str = ""
    title_line: int = 1
    summary: str = ""
    language: str = ""  # BCP 47
    hint: str = ""  # the same, as the program wrote it that made the page: it may be wrong
    year: int | None = None  # of its date: days such as "3 May" are in it
    sensitivity: Sensitivity | None = None


@dataclass(frozen=True)
class Reading:
    """A file reduced to passages.  Whatever is not in them is told, never dropped silently.

    `lines` are those of the file; a format that has none numbers its paragraphs from 1.
    Pictures stand behind the line that they name.
    """

    lines: tuple[SourceLine, ...]
    passages: tuple[Passage, ...]
    encoding: str = "utf-8"
    pictures: tuple[Picture, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    properties: tuple[Property, ...] = ()
    head: Head = Head()


# Takes the bytes and the language (BCP 47) whose code page and words count where the file
# itself does not tell; raises UnreadableInput with one sentence.
Reader = Callable[[bytes, str], Reading]


class Tally:
    """Leftovers as they are met: one for each kind, with its first line and how many."""

    def __init__(self) -> None:
        self._found: dict[tuple[LeftoverKind, str], tuple[int, int]] = {}

    def add(self, kind: LeftoverKind, line: int, what: str = "", count: int = 1) -> None:
        """Count one more; the line is that of the first."""
        first, before = self._found.get((kind, what), (line, 0))
        self._found[kind, what] = first, before + count

    def leftovers(self) -> tuple[Leftover, ...]:
        """Return them in the order in which they were first met."""
        return tuple(
            Leftover(kind, line, count, what) for (kind, what), (line, count) in self._found.items()
        )

    def add_all(self, leftovers: Iterable[Leftover]) -> None:
        """Count what another tally found."""
        for one in leftovers:
            self.add(one.kind, one.line, one.what, one.count)
