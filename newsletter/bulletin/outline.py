"""From passages to an outline: title, headings, paragraphs and lists, whatever the format."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from newsletter.bulletin.apart import Said, button, together
from newsletter.bulletin.days import label_of
from newsletter.bulletin.marks import COUNTED, Mark, mark_of
from newsletter.bulletin.model import Button, Columns, Divider, Heading, Note, SourceLine
from newsletter.bulletin.passage import APART, Passage, Role
from newsletter.bulletin.prose import LINE_ENDS, columns, joined, paragraphs, sentences, tidy
from newsletter.bulletin.sensitivity import unmarked
from newsletter.bulletin.words import Words, folded

LONGEST_TITLE = 150  # characters; a longer first line is the story already
_LONGEST_RESIDUE = 120
_ADDRESS = re.compile(r" \(https?://\S+\)$")  # as readers write it behind the words of a link
_OF_A_MAILER = re.compile(r"unsubscri|opt-?out|list-manage\.com|mailchi\.mp", re.IGNORECASE)
_LONGEST_HEADING = 60
_MOST_WORDS = 8  # of a heading that no table knows
_WEB = re.compile(r"://|www\.|\w@\w")  # no heading leads elsewhere
_NO_HEADING_ENDS = '.,;!?…”"»–—-،؛؟۔।，；。！？、」』'
_NUMBERING = ("numeral", "number", "letter", "emoji")  # what may stand before a heading too
_NESTED = 2  # columns further in than the list: part of the entry above


@dataclass(frozen=True)
class Named:
    """A heading; level 1 is the highest."""

    text: str
    line: int
    level: int

    def block(self) -> Heading:
        """Return the heading as it is shown."""
        return Heading(self.text, self.line, self.level)


@dataclass(frozen=True)
class Entry:
    """An entry of a list, without its sign or number."""

    text: str
    line: int
    lead: str = ""
    dated: bool = False  # begins with a day that nothing but a space parts from the rest


@dataclass(frozen=True)
class Listed:
    """A list, of prayers or of anything else."""

    entries: tuple[Entry, ...]


Part = Said | Named | Listed | Button | Divider | Note | Columns


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
    parts: list[Part] = list(together(list(_parts(passages, words))))
    parts = [
        Named(part.text.rstrip(" :："), part.line, 2)
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
        typed = _is_typed(passage)
        numbers = {line.number for line in passage.lines if not typed and _is_residue(line, words)}
        residue += numbers
        if lines := tuple(line for line in passage.lines if line.number not in numbers):
            kept.append(replace(passage, lines=lines))
    for end in (0, -1):
        while kept and (kept[end].role is Role.DIVIDER or _is_residue_at_an_end(kept[end], words)):
            passage = kept.pop(end)
            if passage.role is not Role.DIVIDER:
                residue += (line.number for line in passage.lines)
    return kept, tuple(sorted(residue))


def _is_typed(passage: Passage) -> bool:
    """Whether it is a button of the writer's own, and not out of another program's mail."""
    return passage.typed and not any(_OF_A_MAILER.search(line.text) for line in passage.lines)


def _is_residue(line: SourceLine, words: Words) -> bool:
    text = folded(_bare(line.text))
    return len(text) <= _LONGEST_RESIDUE and any(
        pattern.fullmatch(text) for pattern in words.residue
    )


def _is_residue_at_an_end(passage: Passage, words: Words) -> bool:
    return not _is_typed(passage) and all(
        len(line.text) <= _LONGEST_RESIDUE
        and any(pattern.fullmatch(folded(tidy(line.text))) for pattern in words.residue_at_an_end)
        for line in passage.lines
    )


def _bare(text: str) -> str:
    return _ADDRESS.sub("", tidy(text)).strip(
        " •·-–—*|[](){}<>«»“”\"'.!…→←↑▲^:：。！؟【】《》「」（）"
    )


# --- title -------------------------------------------------------------------------------


def _titled(passages: list[Passage], words: Words) -> tuple[str, int, list[Passage]]:
    """Return the title, its line, and the passages without it.

    It is a heading of the first level, else the first line.  A first line that is a prayer
    point or longer than a title can be lends its words and stays where it is.
    """
    levels = [passage.level for passage in passages]
    texts = (n for n, passage in enumerate(passages) if passage.role not in APART)
    place = levels.index(1) if 1 in levels else next(texts, 0)
    passage = passages[place]
    heading = passage.role is Role.HEADING
    first, *others = passage.lines
    text = joined(line.text for line in passage.lines) if heading else tidy(first.text)
    mark = mark_of(first.text, words)
    entry = passage.role is Role.ENTRY or (mark is not None and mark.is_sure())
    if entry or columns(text) > LONGEST_TITLE:
        text = (tidy(mark.rest) if mark and mark.is_sure() else "") or text
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
    headings = set(_headings(passages, marks, words))
    marks = {number: mark for number, mark in marks.items() if number not in headings}
    entries: list[Entry] = []
    indent = 0
    for passage in passages:
        if passage.role is Role.ENTRY:
            entries.append(_entry(passage, words))
            continue
        if passage.role is not Role.TEXT:
            yield from _closed(entries)
            yield from _plain(passage, words)
            continue
        for mark, lines in _stretches(passage, marks, headings):
            text = joined([mark.rest if mark else lines[0].text, *_texts(lines[1:])])
            if mark and not any(character.isalnum() for character in text):
                continue  # a number that nobody wrote anything behind
            if entries and _indent(lines[0]) >= indent + _NESTED:
                entries[-1] = replace(entries[-1], text=joined([entries[-1].text, text]))
            elif mark is None:
                yield from _closed(entries)
                yield from _said(lines, words)
            else:
                indent = min(indent, mark.indent) if entries else mark.indent
                entries.append(Entry(text, lines[0].number, dated=mark.kind in ("day", "dated")))
    yield from _closed(entries)


def _texts(lines: Sequence[SourceLine]) -> list[str]:
    return [line.text for line in lines]


def _closed(entries: list[Entry]) -> Iterator[Listed]:
    if entries:
        yield Listed(tuple(entries))
        entries.clear()


def _entry(passage: Passage, words: Words) -> Entry:
    lines = passage.lines
    marks = [mark_of(line.text, words) for line in lines]
    text = joined(
        mark.rest if mark and mark.is_sure() else line.text
        for mark, line in zip(marks, lines, strict=True)
    )
    # Markdown takes "3. Mai: …" for the third entry of a list.
    numbered = f"{passage.number} {text}"
    if passage.number and label_of(numbered, words):
        text = numbered
    return Entry(text, lines[0].number, tidy(passage.lead))


def _plain(passage: Passage, words: Words) -> Iterator[Part]:
    if passage.role is Role.HEADING:
        text = joined(_texts(passage.lines))
        yield Named(text.rstrip(" :："), passage.lines[0].number, passage.level)
    elif passage.role is Role.BUTTON:
        yield button(joined(_texts(passage.lines)), passage.lines[0].number)
    elif passage.role is Role.DIVIDER:
        yield Divider(passage.lines[0].number)
    elif passage.role is Role.QUOTED:
        yield from (replace(said, quoted=True) for said in _said(passage.lines, words))
    else:
        column = 1 if passage.role is Role.FIRST else 2
        for said in _said(passage.lines, words):
            yield replace(said, column=column, names=passage.level > 0)


def _said(lines: Sequence[SourceLine], words: Words) -> Iterator[Said]:
    if len(lines) > 1 and only_greets(lines[0].text, words):
        # However the lines are wrapped: the mail greets by name in its place.
        yield Said(tidy(lines[0].text), lines[0].number, alone=True)
        lines = lines[1:]
    found = paragraphs(_texts(lines))
    ends = [*(start for start, _ in found[1:]), len(lines)]
    for (start, text), end in zip(found, ends, strict=True):
        yield Said(text, lines[start].number, alone=end - start == 1)


_LONGEST_SALUTATION = 5  # words; a longer one says more than whom it greets
_PRAYS = re.compile(  # "Dear Lord," and the like begin a prayer
    r"\b(?:god|lord|father|jesus|gott|herr(?=\W*$|\s+jesus)|vater|dieu|seigneur|p[eè]re|jésus"
    r"|dios|señor|padre|jesús|deus|senhor|pai|бо[гж]\w*|господ\w*|от(?:ец|че)|иисус\w*)\b"
    r"|الله|رب\b|یسوع|عیسی|خدا|하나님|주님|아버지|예수|天父|上帝|耶稣|主啊",
    re.IGNORECASE,
)


def only_greets(text: str, words: Words) -> bool:
    """Whether a line does nothing but greet its readers: "Dear friends,"."""
    text = folded(tidy(text))
    return bool(
        words.salutation.fullmatch(text)
        and text.endswith((*",،，:：!！께",))
        and not re.search(r"[,،，:：!！.?。？]\s*\S", text)
        and len(text.split()) <= _LONGEST_SALUTATION
        and not _PRAYS.search(text)
    )


def _indent(line: SourceLine) -> int:
    text = line.text.expandtabs(4)
    return len(text) - len(text.lstrip())


def _stretches(
    passage: Passage, marks: dict[int, Mark], headings: set[int]
) -> Iterator[tuple[Mark | None, list[SourceLine]]]:
    """Cut a passage before each line that is marked or a heading; others go on with the last."""
    mark: Mark | None = None
    lines: list[SourceLine] = []
    for line in passage.lines:
        if line.number in marks or line.number in headings:
            if lines:
                yield mark, lines
            mark, lines = marks.get(line.number), []
        lines.append(line)
    yield mark, lines


def _marks(passages: Sequence[Passage], words: Words) -> dict[int, Mark]:
    """Return the marks that make entries, by line number.

    A dash, a number or a day is one only where another of its kind stands in the same
    passage or begins the next, or right under a heading that we know: alone, it is a piece of
    a sentence.
    """
    rows = [
        [mark_of(line.text, words) if passage.role is Role.TEXT else None for line in passage.lines]
        for passage in passages
    ]
    marks: dict[int, Mark] = {}
    for n, (passage, row) in enumerate(zip(passages, rows, strict=True)):
        kinds = Counter(mark.kind for mark in row if mark)
        places = {
            kind: {place for mark in row if mark and mark.kind == kind for place in mark.places}
            for kind in COUNTED
        }
        begun = False
        near = [rows[m][0] for m in (n - 1, n + 1) if 0 <= m < len(rows)]
        above = passages[n - 1].lines[-1] if n else passage.lines[0]
        for line, mark in zip(passage.lines, row, strict=True):
            headed, above = is_known_heading(above.text, words), line
            if mark is None:
                continue
            if mark.kind in COUNTED:
                company = mark.is_beside(places[mark.kind])
            else:
                company = kinds[mark.kind] > 1
            first = line is passage.lines[0]
            if (
                mark.is_sure()
                or company
                or (first and any(mark.is_kin(other) for other in near))
                or headed
                # Within a list one that prays is an entry, whatever it begins with.
                or ((first or begun) and _asks(mark.rest, words))
            ):
                begun = True
                marks[line.number] = mark
    return marks


def _headings(passages: Sequence[Passage], marks: dict[int, Mark], words: Words) -> Iterator[int]:
    """Yield the lines of text that name the list right behind them, though marked like "一、".

    A line between two lists is one if it cannot be the end of the sentence above.
    """
    lines = [
        (passage, line)
        for passage in passages
        if passage.role is Role.TEXT
        for line in passage.lines
    ]
    for n, ((passage, line), (_, following)) in enumerate(pairwise(lines)):
        mark, below = marks.get(line.number), marks.get(following.number)
        if below is None or (mark and (mark.kind, mark.sign) == (below.kind, below.sign)):
            continue
        text = line.text.strip()
        if mark is not None:
            known = mark.kind in _NUMBERING and is_known_heading(mark.rest, words)
            topic = mark.kind == "numeral" and _is_short(mark.rest) and not _asks(mark.rest, words)
            if known or topic:
                yield line.number
        elif line is not passage.lines[0] and is_known_heading(text, words):
            above = lines[n - 1][1].text.rstrip()
            if text[-1] in ":：】]" or text[0].isupper() or above[-1] in LINE_ENDS:
                yield line.number


def _is_short(text: str) -> bool:
    return columns(text) <= _LONGEST_HEADING and text[-1:] not in _NO_HEADING_ENDS


def _asks(text: str, words: Words) -> bool:
    asked = folded(unmarked(text))
    return any(
        found is not None and found.start() == 0
        for found in (words.petition.search(asked), words.thanks.search(asked))
    )


def _is_heading(said: Said, following: Part | None, words: Words) -> bool:
    """Whether a lone short line names what follows.  The last line never does: it may be a name."""
    text = said.text
    if following is None or not said.alone or said.quoted or columns(text) > _LONGEST_HEADING:
        return False
    if is_known_heading(text, words):
        return True
    if text[0] in "-–—*+" or _WEB.search(text):
        return False
    if len(text.split()) > _MOST_WORDS or text[-1] in _NO_HEADING_ENDS:
        return False
    return isinstance(following, Listed) or (text.isupper() and text[-1] not in ":：")


def is_known_heading(text: str, words: Words) -> bool:
    """Whether the language's table names the heading."""
    name = heading_name(text)
    patterns = (words.prayer_heading, words.thanks_heading, words.other_heading)
    return any(pattern.fullmatch(name) for pattern in patterns)


_NUMBERED = re.compile(
    r"(?:[一二三四五六七八九十]{1,3}[、．.]|[(（](?:\d{1,2}|[一二三四五六七八九十]{1,3})[)）]|\d{1,2}[.．)）、])\s*"
)


def heading_name(text: str) -> str:
    """Return what a heading says, `folded`, without number, signs, brackets and emoji about it."""
    name = folded(text).strip()
    if numbered := _NUMBERED.match(name):
        name = name[numbered.end() :]
    inside = [place for place, character in enumerate(name) if character.isalnum()]
    return name[inside[0] : inside[-1] + 1] if inside else ""
