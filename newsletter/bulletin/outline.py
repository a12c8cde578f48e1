"""From passages to an outline: title, headings, paragraphs and lists, whatever the format."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from newsletter.bulletin.marks import Mark, mark_of
from newsletter.bulletin.model import Heading, SourceLine
from newsletter.bulletin.passage import Passage, Role
from newsletter.bulletin.prose import paragraphs, sentences, tidy
from newsletter.bulletin.words import Words

LONGEST_TITLE = 150  # characters; a longer first line is the story already
_LONGEST_RESIDUE = 120
_LONGEST_HEADING = 60
_MOST_WORDS = 8  # of a heading that no table knows
_NESTED = 2  # columns further in than the list: part of the entry above


@dataclass(frozen=True)
class Said:
    """A paragraph."""

    text: str
    line: int
    quoted: bool = False  # the format says so
    alone: bool = False  # it is one line of the source, so it may be a heading


@dataclass(frozen=True)
class Named:
    """A heading; level 1 is the highest."""

    text: str
    line: int
    level: int

    def block(self) -> Heading:
        """Return the heading as it is shown."""
        return Heading(self.text, self.line)


@dataclass(frozen=True)
class Entry:
    """An entry of a list, without its sign or number."""

    text: str
    line: int
    lead: str = ""


@dataclass(frozen=True)
class Listed:
    """A list, of prayers or of anything else."""

    entries: tuple[Entry, ...]


Part = Said | Named | Listed


@dataclass(frozen=True)
class Outline:
    """A bulletin's parts in their order."""

    title: str
    title_line: int
    parts: tuple[Part, ...]
    residue: tuple[int, ...]


def outline(passages: Sequence[Passage], words: Words) -> Outline | None:
    """Return the parts, or None where nothing but residue is left."""
    passages, residue = _without_residue(passages, words)
    if not passages:
        return None
    title, line, passages = _titled(passages, words)
    parts = list(_parts(passages, words))
    parts = [
        Named(part.text.rstrip(" :"), part.line, 2)
        if isinstance(part, Said) and _is_heading(part, following, words)
        else part
        for part, following in pairwise([*parts, None])
        if part is not None
    ]
    return Outline(title, line, tuple(parts), residue)


# --- residue -----------------------------------------------------------------------------


def _without_residue(
    passages: Sequence[Passage], words: Words
) -> tuple[list[Passage], tuple[int, ...]]:
    """Take out what only a web page or a mail program writes; return its line numbers."""
    residue: list[int] = []
    kept: list[Passage] = []
    for passage in passages:
        numbers = {line.number for line in passage.lines if _is_residue(line, words)}
        residue += numbers
        if lines := tuple(line for line in passage.lines if line.number not in numbers):
            kept.append(replace(passage, lines=lines))
    for end in (0, -1):
        while kept and _is_residue_at_an_end(kept[end], words):
            residue += (line.number for line in kept.pop(end).lines)
    return kept, tuple(sorted(residue))


def _is_residue(line: SourceLine, words: Words) -> bool:
    text = _bare(line.text)
    return len(text) <= _LONGEST_RESIDUE and any(
        pattern.fullmatch(text) for pattern in words.residue
    )


def _is_residue_at_an_end(passage: Passage, words: Words) -> bool:
    return all(
        len(line.text) <= _LONGEST_RESIDUE
        and words.residue_at_an_end.fullmatch(tidy(line.text)) is not None
        for line in passage.lines
    )


def _bare(text: str) -> str:
    return tidy(text).strip(" •·-–—*|[](){}<>«»“”\"'.!…→←↑▲^:")


# --- title -------------------------------------------------------------------------------


def _titled(passages: list[Passage], words: Words) -> tuple[str, int, list[Passage]]:
    """Return the title, its line, and the passages without it.

    It is a heading of the first level, else the first line.  A first line that is a prayer
    point or longer than a title can be lends its words and stays where it is.
    """
    levels = [passage.level for passage in passages]
    place = levels.index(1) if 1 in levels else 0
    passage = passages[place]
    heading = passage.role is Role.HEADING
    first, *others = passage.lines
    text = tidy(" ".join(line.text for line in passage.lines)) if heading else tidy(first.text)
    mark = mark_of(first.text, words)
    entry = passage.role is Role.ENTRY or (mark is not None and mark.kind == "sign")
    if entry or len(text) > LONGEST_TITLE:
        text = tidy(mark.rest) if mark and mark.kind == "sign" else text
        return shortened(sentences(text)[0], LONGEST_TITLE), first.number, passages
    rest = [] if heading or not others else [replace(passage, lines=tuple(others))]
    return text, first.number, [*passages[:place], *rest, *passages[place + 1 :]]


def shortened(text: str, most: int) -> str:
    """Return `text`, cut after a word and marked with "…" where it is longer than `most`."""
    if len(text) <= most:
        return text
    return (text[: most - 1].rpartition(" ")[0] or text[: most - 1]).rstrip(" ,;:–-") + "…"


# --- parts -------------------------------------------------------------------------------


def _parts(passages: Sequence[Passage], words: Words) -> Iterator[Part]:
    marks = _marks(passages, words)
    entries: list[Entry] = []
    indent = 0
    for passage in passages:
        if passage.role is Role.ENTRY:
            entries.append(_entry(passage.lines, passage.lead, words))
            continue
        if passage.role is not Role.TEXT:
            yield from _closed(entries)
            yield from _plain(passage)
            continue
        for mark, lines in _stretches(passage, marks):
            text = " ".join(
                [mark.rest if mark else lines[0].text, *(line.text for line in lines[1:])]
            )
            if entries and _indent(lines[0]) >= indent + _NESTED:
                entries[-1] = replace(entries[-1], text=tidy(f"{entries[-1].text} {text}"))
            elif mark is None:
                yield from _closed(entries)
                yield from _said(lines)
            else:
                indent = min(indent, mark.indent) if entries else mark.indent
                entries.append(Entry(tidy(text), lines[0].number))
    yield from _closed(entries)


def _closed(entries: list[Entry]) -> Iterator[Listed]:
    if entries:
        yield Listed(tuple(entries))
        entries.clear()


def _entry(lines: Sequence[SourceLine], lead: str, words: Words) -> Entry:
    marks = [mark_of(line.text, words) for line in lines]
    text = " ".join(
        mark.rest if mark and mark.kind == "sign" else line.text
        for mark, line in zip(marks, lines, strict=True)
    )
    return Entry(tidy(text), lines[0].number, tidy(lead))


def _plain(passage: Passage) -> Iterator[Part]:
    if passage.role is Role.HEADING:
        text = tidy(" ".join(line.text for line in passage.lines))
        yield Named(text.rstrip(" :"), passage.lines[0].number, passage.level)
    else:
        yield from (replace(said, quoted=True) for said in _said(passage.lines))


def _said(lines: Sequence[SourceLine]) -> Iterator[Said]:
    found = paragraphs([line.text for line in lines])
    ends = [*(start for start, _ in found[1:]), len(lines)]
    for (start, text), end in zip(found, ends, strict=True):
        yield Said(text, lines[start].number, alone=end - start == 1)


def _indent(line: SourceLine) -> int:
    text = line.text.expandtabs(4)
    return len(text) - len(text.lstrip())


def _stretches(
    passage: Passage, marks: dict[int, Mark]
) -> Iterator[tuple[Mark | None, list[SourceLine]]]:
    """Cut a passage before each line that is marked; only the first may have no mark."""
    mark: Mark | None = None
    lines: list[SourceLine] = []
    for line in passage.lines:
        if line.number in marks:
            if lines:
                yield mark, lines
            mark, lines = marks[line.number], []
        lines.append(line)
    yield mark, lines


def _marks(passages: Sequence[Passage], words: Words) -> dict[int, Mark]:
    """Return the marks that make entries, by line number.

    A dash, a number or a day is one only where another of its kind stands in the same
    passage or begins the next: alone, it is a piece of a sentence.
    """
    rows = [
        [mark_of(line.text, words) if passage.role is Role.TEXT else None for line in passage.lines]
        for passage in passages
    ]
    marks: dict[int, Mark] = {}
    for n, (passage, row) in enumerate(zip(passages, rows, strict=True)):
        kinds = Counter(mark.kind for mark in row if mark)
        numbers = {mark.number for mark in row if mark and mark.kind == "number"}
        near = [rows[m][0] for m in (n - 1, n + 1) if 0 <= m < len(rows)]
        for line, mark in zip(passage.lines, row, strict=True):
            if mark is None:
                continue
            if mark.kind == "number":
                company = bool(numbers & {mark.number - 1, mark.number + 1})
            else:
                company = kinds[mark.kind] > 1
            first = line is passage.lines[0]
            if (
                mark.kind == "sign"
                or company
                or (first and any(mark.is_kin(other) for other in near))
                or (first and _asks(mark.rest, words))
            ):
                marks[line.number] = mark
    return marks


def _asks(text: str, words: Words) -> bool:
    return any(
        found is not None and found.start() == 0
        for found in (words.petition.search(text), words.thanks.search(text))
    )


def _is_heading(said: Said, following: Part | None, words: Words) -> bool:
    """Whether a lone short line names what follows.  The last line never does: it may be a name."""
    text = said.text
    if following is None or not said.alone or said.quoted or len(text) > _LONGEST_HEADING:
        return False
    if is_known_heading(text, words):
        return True
    if len(text.split()) > _MOST_WORDS or text[-1] in '.,;!?…”"»–—-':
        return False
    return isinstance(following, Listed) or (text.isupper() and not text.endswith(":"))


def is_known_heading(text: str, words: Words) -> bool:
    """Whether the language's table names the heading."""
    name = text.strip(" :.–—-!")
    patterns = (words.prayer_heading, words.thanks_heading, words.other_heading)
    return any(pattern.fullmatch(name) for pattern in patterns)
