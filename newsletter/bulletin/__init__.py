"""What was written.  One reader for each format, one block model, one point detector.

    decoding                 bytes -> text
    language                 which one, where nobody said
    text, markdown           text -> passages       one reader for each format
    outline                  -> title, headings, paragraphs, lists; what is left over
    points                   -> prayer points       one detector for all formats
    build                    -> Bulletin            quotations, scripture
    metadata                 Bulletin -> Bulletin   pictures without what they carry unseen

Words that readers go by lie in `words`, one file for each language.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from newsletter.bulletin.build import build
from newsletter.bulletin.decoding import decode, no_words
from newsletter.bulletin.language import language_of
from newsletter.bulletin.likeness import MOSTLY, normal_text, similarity
from newsletter.bulletin.markdown import read_markdown
from newsletter.bulletin.metadata import stripped, without_metadata
from newsletter.bulletin.model import (
    Block,
    Bulletin,
    Direction,
    Heading,
    ItemList,
    Leftover,
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
from newsletter.bulletin.outline import outline
from newsletter.bulletin.passage import Passage
from newsletter.bulletin.text import read_text
from newsletter.bulletin.to_json import bulletin_json
from newsletter.bulletin.words import words_of
from newsletter.errors import UnreadableInput

__all__ = [
    "MOSTLY",
    "READERS",
    "Block",
    "Bulletin",
    "Direction",
    "Heading",
    "ItemList",
    "Leftover",
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
    "normal_text",
    "read_bulletin",
    "similarity",
    "stripped",
]

# By the ending of the file's name.
READERS = {".txt": read_text, ".md": read_markdown, ".markdown": read_markdown}


def read_bulletin(
    source: bytes, name: str, language: str | None = None, default: str = "en"
) -> Bulletin:
    """Return the bulletin in `source`; the ending of the file's `name` tells the format.

    `language` is BCP 47.  Where it is not given the text tells it if there is no doubt, else it
    is the `default`.  Any bytes give a bulletin or:

    Raises:
        UnreadableInput: an ending that is not read, no text, too much of it, or no text file.
    """
    ending = re.search(r"\.[^.]*$", name)
    reader = READERS.get(ending[0].lower()) if ending else None
    if reader is None:
        raise UnreadableInput(
            "This kind of file cannot be read as a bulletin: save it as "
            f"{', '.join(list(READERS)[:-1])} or {list(READERS)[-1]}, then try again."
        )
    decoded = decode(source, language or default)
    lines = tuple(SourceLine(n, line) for n, line in enumerate(decoded.text.split("\n"), 1))
    passages = reader(lines)
    guess = None if language else guessed(passages, default)
    language = language or guess or default
    found = outline(passages, words_of(language))
    if found is None:
        raise no_words()
    bulletin = without_metadata(build(found, lines, language, decoded.encoding))
    return replace(bulletin, language_guessed=guess is not None)


def guessed(passages: Sequence[Passage], default: str) -> str | None:
    """Return the language that the text tells without doubt, where it is not the `default`."""
    text = "\n".join(line.text for passage in passages for line in passage.lines)
    language = language_of(text)
    same = language and language.split("-")[0] == default.split("-")[0].lower()
    return None if same else language
