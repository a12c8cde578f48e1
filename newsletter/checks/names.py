"""Nobody is named who must not be: the register of pseudonyms against all that a file holds."""

from collections.abc import Iterator
from typing import NamedTuple

from newsletter.bulletin import (
    Bulletin,
    Button,
    Columns,
    Heading,
    ItemList,
    Note,
    Paragraph,
    Picture,
    Property,
    Quotation,
)
from newsletter.checks.model import Facts, Finding, Severity
from newsletter.names import Hit, Kind, Names, Pseudonym, fold, in_words
from newsletter.spots import degrees_of

NAME_AT_RISK = "name-at-risk"


class _Text(NamedTuple):
    line: int
    text: str


def names_at_risk(bulletin: Bulletin, facts: Facts) -> Iterator[Finding]:
    """Find what is real in the text, the pictures' words, what the file carries, and its name.

    No sentence says what is real: staff who may not know it read them too.
    """
    if (names := facts.names) is None:
        return
    told: set[tuple[str, int, Pseudonym]] = set()  # a picture says in several ways where it is
    for where, line, pseudonym in [
        *_in_the_text(bulletin, names),
        *_in_properties(bulletin, names),
        *(("name", 1, hit.pseudonym) for hit in _unseen(names, facts.file_name, bulletin.language)),
    ]:
        kind = where if where in ("text", "name") else "unseen"
        if (kind, line, pseudonym) not in told:
            told.add((kind, line, pseudonym))
            yield Finding(
                NAME_AT_RISK,
                Severity.BLOCKER,
                line,
                _sentence(where, line, pseudonym),
                pseudonym.published if where == "text" and pseudonym.published else None,
            )


_WHAT = {
    Kind.NAME: "a name",
    Kind.PLACE: "a place",
    Kind.PHONE: "a phone number",
    Kind.LINK: "a link or a spot on the map",
}


def _sentence(where: str, line: int, pseudonym: Pseudonym) -> str:
    what, published = _WHAT[pseudonym.kind], pseudonym.published
    says = f"{what} that is published as “{published}”" if published else f"{what} to keep secret"
    instead = "write that instead" if published else "take it out"
    if where == "text":
        return f"Line {line} holds {says}: {instead}."
    if where == "name":
        return f"The name of the file holds {says}: give the file another name, then add it again."
    return (
        f"The file carries {says}, unseen ({where}, line {line}): remove it from the properties "
        "of the document or picture, or save that anew without them."
    )


_Found = tuple[str, int, Pseudonym]


def _in_the_text(bulletin: Bulletin, names: Names) -> Iterator[_Found]:
    """Look through the source as it stood, then through what was made of it and is not in it."""
    language = bulletin.language
    source = "\n".join(line.text for line in bulletin.lines)
    found = [
        (bulletin.lines[hit.line].number, hit.pseudonym) for hit in names.find(source, language)
    ]
    known = _in_one(source)
    for line, text in _texts(bulletin):
        if _in_one(text) not in known:
            found += ((line, hit.pseudonym) for hit in names.find(text, language))
    # Mostly made of words that stand elsewhere: told only where they do not.
    elsewhere = {pseudonym for _, pseudonym in found}
    made = names.find(f"{bulletin.title}\n\n{bulletin.summary}", language)
    found += ((1, hit.pseudonym) for hit in made if hit.pseudonym not in elsewhere)
    yield from (("text", line, pseudonym) for line, pseudonym in found)


def _in_one(text: str) -> str:
    return " ".join(fold(text).split())


def _texts(bulletin: Bulletin) -> Iterator[_Text]:
    for block in bulletin.blocks:
        match block:
            case Paragraph(text, line) | Heading(text, line):
                yield _Text(line, text)
            case Quotation(paragraphs, line, lines):
                # In one: a name may run over the end of a paragraph of a poem.
                yield _Text(lines[0] if lines else line, "\n".join(paragraphs))
            case ItemList(items, line):
                yield from (_Text(line, text) for text in items)
            case Picture(alt=alt, caption=caption, line=line):
                yield from (_Text(line, alt), _Text(line, caption))
            case Button() | Note() | Columns():
                yield from (_Text(line, text) for line, text in block.texts())
    for point in bulletin.points:
        yield from (_Text(point.line, text) for text in (point.group or "", point.text))
    for verse in bulletin.scriptures:
        yield from (_Text(verse.line, text) for text in (verse.quotation or "", verse.translation))


def _in_properties(bulletin: Bulletin, names: Names) -> Iterator[_Found]:
    for each in bulletin.properties:
        for hit in _unseen(names, each.value, bulletin.language):
            yield each.name, each.line, hit.pseudonym
    for line, north, east in _spots(bulletin.properties):
        for hit in names.find_at((north, east)):
            yield "the spot where it was made", line, hit.pseudonym


def _unseen(names: Names, text: str, language: str) -> list[Hit]:
    """Look through what no reader sees, where words are often written into one: KimMinJun.jpg."""
    apart = in_words(text)
    found = names.find(text, language)
    return found if apart == text else found + names.find(apart, language)


def _spots(properties: tuple[Property, ...]) -> Iterator[tuple[int, float, float]]:
    """Yield line, latitude and longitude where a picture has both."""
    for line in {each.line for each in properties}:
        own = {each.name.lower(): each.value for each in properties if each.line == line}
        values = [
            next(
                (
                    degrees_of(value, own.get(f"{name}ref", ""))
                    for name, value in own.items()
                    if name.endswith(axis)
                ),
                None,
            )
            for axis in ("latitude", "longitude")
        ]
        north, east = values
        if north is not None and east is not None:
            yield line, north, east
