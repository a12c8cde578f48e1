"""What was written.  One reader for each format, one block model, one point detector.

    formats                  bytes -> what the file is, whatever its name says
    text, markdown,          bytes -> Reading       one reader for each format: passages,
    word_file, web_page,                            pictures, and what could not be taken
    feed
    front_matter             key lines -> title, language, summary, sensitivity
    language                 which one, where nobody said
    links                    web addresses without what tracks people
    outline                  -> title, headings, paragraphs, lists; what is left over
    apart                    buttons, dividers, notes and columns among them
    points                   -> prayer points       one detector for all formats
    build                    -> Bulletin            quotations, scripture
    metadata                 Bulletin -> Bulletin   pictures without what they carry unseen
    sensitivity              who may see what of it outside the mail
    likeness                 whether two bulletins are the same one

Words that readers go by lie in `words`, one file for each language.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath

from newsletter.bulletin.build import (
    LONGEST_SUMMARY,
    build,
    opening_salutation,
    with_pictures,
)
from newsletter.bulletin.decoding import no_words
from newsletter.bulletin.feed import read_newest_entry
from newsletter.bulletin.formats import FEEDS, check_format
from newsletter.bulletin.front_matter import language_named, take_key_lines
from newsletter.bulletin.language import language_of
from newsletter.bulletin.likeness import MOSTLY, carried, normal_text, similarity
from newsletter.bulletin.links import untracked
from newsletter.bulletin.markdown import read_markdown
from newsletter.bulletin.metadata import stripped, without_metadata
from newsletter.bulletin.model import (
    TURNING,
    Block,
    Bulletin,
    Button,
    Columns,
    Direction,
    Divider,
    Heading,
    ItemList,
    Leftover,
    Note,
    Paragraph,
    Picture,
    PointKind,
    PrayerPoint,
    Property,
    Quotation,
    Scripture,
    Sensitivity,
    SourceLine,
)
from newsletter.bulletin.outline import outline, shortened
from newsletter.bulletin.passage import Passage, Role
from newsletter.bulletin.prose import BIDI_CONTROLS, tidy
from newsletter.bulletin.reading import Reader, Reading, Tally
from newsletter.bulletin.sensitivity import shown_to, stricter, without_marks
from newsletter.bulletin.text import read_text
from newsletter.bulletin.to_json import bulletin_json
from newsletter.bulletin.web_page import read_web_page
from newsletter.bulletin.word_file import read_word_file
from newsletter.bulletin.words import words_of
from newsletter.errors import UnreadableInput

__all__ = [
    "LARGEST_BYTES",
    "MOSTLY",
    "READERS",
    "Block",
    "Bulletin",
    "Button",
    "Columns",
    "Direction",
    "Divider",
    "Heading",
    "ItemList",
    "Leftover",
    "Note",
    "Paragraph",
    "Picture",
    "PointKind",
    "PrayerPoint",
    "Property",
    "Quotation",
    "Scripture",
    "Sensitivity",
    "SourceLine",
    "bulletin_json",
    "carried",
    "normal_text",
    "opening_salutation",
    "read_bulletin",
    "shown_to",
    "similarity",
    "stricter",
    "stripped",
    "too_large",
    "without_marks",
]

LARGEST_BYTES = 20_000_000  # of any file; a Word file with photographs has a few millions

_UNICODE = ("utf-8", "utf-16", "utf-32")  # what the language has no part in

# By the ending of the file's name.
READERS: dict[str, Reader] = {
    ".txt": read_text,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".docx": read_word_file,
    ".html": read_web_page,
    ".htm": read_web_page,
    **dict.fromkeys(FEEDS, read_newest_entry),
}


def read_bulletin(
    source: bytes, name: str, language: str | None = None, default: str = "en"
) -> Bulletin:
    """Return the bulletin in `source`; the ending of the file's `name` tells the format.

    `language` is BCP 47, or a name as people write it.  Where it is not given the file names
    it or, if there is no doubt, the text tells it, else it is the `default`.  Any bytes give a
    bulletin or:

    Raises:
        UnreadableInput: an ending that is not read, a file of another kind than its ending
            says, no text, too much of it; a `language` that is none.
    """
    if language and not (language := language_named(language)):
        raise UnreadableInput(
            "No language is called so: give its code, for example fa, or its name, as in Farsi."
        )
    if len(source) > LARGEST_BYTES:
        raise too_large()
    ending = PurePath(name).suffix.lower()
    check_format(source, ending)
    reader = READERS.get(ending)
    if reader is None:
        raise UnreadableInput(
            "This kind of file cannot be read as a bulletin: save it as "
            f"{', '.join(list(READERS)[:-1])} or {list(READERS)[-1]}, then try again."
        )
    reading, passages = _with_head(reader(source, language or default))
    named = language or reading.head.language
    if named and named != language and reading.encoding not in _UNICODE:
        reading, passages = _with_head(reader(source, named))
    hint = reading.head.hint or default
    guess = None if named else guessed(passages, hint)
    bulletin = _bulletin(reading, passages, named or guess or hint)
    return replace(without_metadata(bulletin), language_guessed=guess is not None)


def guessed(passages: Sequence[Passage], default: str) -> str | None:
    """Return the language that the text tells without doubt, where it is not the `default`."""
    text = "\n".join(line.text for passage in passages for line in passage.lines)
    language = language_of(text)
    same = language and language.split("-")[0] == default.split("-")[0].lower()
    return None if same else language


def too_large() -> UnreadableInput:
    """Return the error for a file that need not be looked into."""
    return UnreadableInput(
        f"The bulletin is larger than {LARGEST_BYTES // 1_000_000} MB: check that this is the "
        "right file, or make its pictures smaller."
    )


def _with_head(reading: Reading) -> tuple[Reading, list[Passage]]:
    """Take key lines out of the passages; a title that is named so becomes their heading."""
    tally = Tally()
    tally.add_all(reading.leftovers)
    head, passages = take_key_lines(reading.passages, reading.head, tally)
    passages = [_untracked(passage, tally) for passage in passages]
    if head.title:
        title = Passage((SourceLine(head.title_line, head.title),), Role.HEADING, level=1)
        passages = [title, *(p for p in passages if not _is_named(p, head.title))]
    return replace(reading, head=head, leftovers=tally.leftovers()), passages


def _untracked(passage: Passage, tally: Tally) -> Passage:
    """Take off web addresses what tells who follows them, in every format alike."""
    lines = tuple(replace(line, text=untracked(line.text)) for line in passage.lines)
    for line, before in zip(lines, passage.lines, strict=True):
        if line != before:
            tally.add("tracking-parameters-removed", line.number)
    return replace(passage, lines=lines, lead=untracked(passage.lead))


def _is_named(passage: Passage, title: str) -> bool:
    text = tidy(" ".join(line.text for line in passage.lines))
    return passage.role is Role.HEADING and text == title


def _bulletin(reading: Reading, passages: Sequence[Passage], language: str) -> Bulletin:
    head = reading.head
    found = outline(passages, words_of(language))
    if found is None:
        raise no_words()
    bulletin = build(found, reading.lines, language, reading.encoding, head.year)
    return replace(
        bulletin,
        summary=shortened(head.summary, LONGEST_SUMMARY) or bulletin.summary,
        blocks=with_pictures(bulletin.blocks, reading.pictures),
        leftovers=(*reading.leftovers, *_turned(reading.lines)),
        properties=reading.properties,
        sensitivity=stricter(head.sensitivity, bulletin.sensitivity),
    )


def _turned(lines: Sequence[SourceLine]) -> Iterator[Leftover]:
    """Tell of characters that turn the direction of text unseen; no text keeps them."""
    found = [(line.number, len(BIDI_CONTROLS.findall(line.text))) for line in lines]
    if any(times for _, times in found):
        first = next(number for number, times in found if times)
        yield Leftover("hidden-text", first, sum(times for _, times in found), TURNING)
