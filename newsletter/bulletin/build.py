"""From an outline to the model: paragraphs, quotations, prayer points, scripture."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from newsletter.bulletin.apart import Said, parted
from newsletter.bulletin.model import (
    Block,
    Bulletin,
    Button,
    Columns,
    Direction,
    Divider,
    Heading,
    ItemList,
    Note,
    Paragraph,
    Picture,
    PrayerPoint,
    Quotation,
    Scripture,
    Sensitivity,
    SourceLine,
)
from newsletter.bulletin.outline import Listed, Named, Outline, Part, only_greets, shortened
from newsletter.bulletin.points import detect_points
from newsletter.bulletin.prose import sentences
from newsletter.bulletin.quotation import goes_on, marks, opens
from newsletter.bulletin.sensitivity import read_mark, stricter
from newsletter.bulletin.words import folded, words_of
from newsletter.scripture import Reference, find_references

LONGEST_SUMMARY = 140  # characters: what a mailbox shows of it beside the subject
_LONGEST_VERSE = 900  # of a line that is scripture, reference included

# Behind a reference: "NIV", "(NIV)", ", NIV)", "（和合本）".
_TRANSLATION = (
    r"(?:[\s,，、;]*([(\[（][^)\]）]{2,30}[)\]）]|[A-Z][A-Z0-9]{1,6}"
    r"|[^\W\d_]{2,12}(?:\s\d{4})?(?=[)\]）])))?"
)
_AFTER = re.compile(_TRANSLATION + r"\s*(?P<mark>[:：–—-]?)\s*(?P<words>.*)", re.DOTALL)
_BEFORE = re.compile(r"(?P<words>.*?)\s*(?P<mark>[–—(\[（-]?)\s*$", re.DOTALL)
_END = re.compile(_TRANSLATION + r"[)\]）]?[.。۔]?" + _TRANSLATION + r"$")
_CREDITED = re.compile(
    r"(?P<words>.*[”\"»“」』])\s*[(\[（](?P<name>[^)\]）]{2,30})[)\]）][.。]?", re.DOTALL
)
_QUOTED = r"[“\"«„「『]([^“”\"«»„「」『』]{15,600})[”\"»“」』]"
_QUOTED_BEFORE = re.compile(_QUOTED + r"[\s.,。，]*[(\[（–—-]?\s*$")
_QUOTED_AFTER = re.compile(r"[)\]）]?\s?[:：,，]?\s?" + _QUOTED)
_RTL_LANGUAGES = {"ar", "fa", "ur", "he", "ps", "ckb", "sd", "ug", "yi", "dv"}


def build(
    outline: Outline,
    lines: tuple[SourceLine, ...],
    language: str,
    encoding: str,
    year: int | None = None,
) -> Bulletin:
    """Return the bulletin that an outline tells; days without a year are in `year`."""
    outline = replace(outline, parts=tuple(_without_verses_as_headings(outline.parts, language)))
    detected = detect_points(outline, words_of(language), language, year)
    story: list[Said | Block | Scripture | None] = list(_verses(detected.story, language))
    blocks = tuple(_blocks(parted(story)))
    quoted = [part for part in story if isinstance(part, Scripture)]
    mentioned = _mentioned(outline, blocks, detected.points, language)
    title, sensitivity = read_mark(outline.title, language)  # a mark there is for all of it
    return Bulletin(
        title=title,
        language=language,
        direction=_direction(outline, language),
        summary=_summary(blocks, detected.points, language),
        blocks=blocks,
        points=detected.points,
        scriptures=tuple(_each_once([*quoted, *mentioned])),
        lines=lines,
        encoding=encoding,
        residue=outline.residue,
        sensitivity=stricter(sensitivity),
    )


# --- scripture that stands on its own ----------------------------------------------------


def _without_verses_as_headings(parts: Iterable[Part], language: str) -> Iterator[Part]:
    """Take a reference between quoted words and the points for theirs, and for no heading."""
    before: Part | None = None
    for part, following in pairwise([*parts, None]):
        if isinstance(part, Named) and isinstance(following, Listed):
            reference = Said(part.text, part.line, alone=True)
            if isinstance(before, Said) and _pair(before, reference, language):
                part = reference
        if part is not None:
            yield part
        before = part


def _verses(
    story: Sequence[Said | Block | None], language: str
) -> Iterator[Said | Block | Scripture | None]:
    """Turn paragraphs that are a verse with its reference into scripture."""
    last = max((n for n, part in enumerate(story) if isinstance(part, Said)), default=-1)
    n = 0
    while n < len(story):
        part, following = story[n], story[n + 1] if n + 1 < len(story) else None
        n += 1
        if not isinstance(part, Said) or len(part.text) > _LONGEST_VERSE:
            yield part
        elif verse := _verse(part, n - 1 == last, language):
            yield from verse
        elif isinstance(following, Said) and (verse := _pair(part, following, language)):
            n += 1
            yield from verse
        else:
            yield part


def _verse(said: Said, last: bool, language: str) -> list[Scripture]:
    """Return the scripture of a paragraph that begins or ends with its reference.

    The words beside it must be quoted, or stand in the last paragraph behind a colon or
    before a dash; anything else is prose that mentions a passage.
    """
    said, level = _unmarked(said, language)
    references = find_references(said.text, language)
    if not references:
        return []
    first, final = references[0], references[-1]
    if first.start == 0 and (after := _AFTER.match(said.text, first.end)):
        words, translation = _credited(after["words"], after[1])
        if words and (opens(words) or (after["mark"] in (":", "：") and (last or said.quoted))):
            return _scriptures(_same(references, first), said.line, words, translation, level)
    end = _END.match(said.text, final.end)
    if end and (before := _BEFORE.match(said.text[: final.start])):
        words, translation = _credited(before["words"], end[1] or end[2])
        if words and (
            marks(words).whole or (before["mark"] in ("–", "—", "-") and (last or said.quoted))
        ):
            return _scriptures(_same(references, final), said.line, words, translation, level)
    return []


def _pair(first: Said, second: Said, language: str) -> list[Scripture]:
    """Return the scripture of two paragraphs: the words, and the reference alone."""
    (first, of_first), (second, of_second) = _unmarked(first, language), _unmarked(second, language)
    marked = [level for level in (of_first, of_second) if level]
    level = stricter(*marked) if marked else None
    for words, alone in ((first, second), (second, first)):
        references, named = _alone(alone.text, language)
        said, translation = _credited(words.text, named)
        if references and (words.quoted or marks(said).whole):
            line = min(words.line, alone.line)
            return _scriptures(references, line, said, translation, level)
    return []


def _alone(text: str, language: str) -> tuple[list[Reference], str | None]:
    """Return the reference that is all of a text, and the translation as written behind it."""
    references = find_references(text, language)
    if not references or references[0].written != references[-1].written:
        return [], None
    before, end = text[: references[0].start], _END.match(text, references[0].end)
    if end is None or before.strip(" –—-([（"):
        return [], None
    return references, end[1] or end[2]


def _unmarked(said: Said, language: str) -> tuple[Said, Sensitivity | None]:
    text, level = read_mark(said.text, language)
    return replace(said, text=text), level


def _credited(words: str, named: str | None) -> tuple[str, str]:
    """Return quoted words and their translation.

    It is the one that is `named` behind the reference, else what stands in brackets behind the
    words, which it is taken from.
    """
    if named:
        return words, named.strip("()[]（） ")
    found = _CREDITED.fullmatch(words)
    return (found["words"], found["name"].strip()) if found else (words, "")


def _same(references: Sequence[Reference], one: Reference) -> list[Reference]:
    return [reference for reference in references if reference.start == one.start]


def _scriptures(
    references: Iterable[Reference],
    line: int,
    quotation: str | None = None,
    translation: str = "",
    sensitivity: Sensitivity | None = None,
) -> list[Scripture]:
    return [
        Scripture(
            written=reference.written,
            osis=reference.osis,
            valid=reference.valid,
            line=line,
            quotation=quotation if n == 0 else None,
            translation=translation if n == 0 else "",
            problem=reference.problem,
            usual=reference.usual,
            sensitivity=sensitivity,
        )
        for n, reference in enumerate(references)
    ]


def _mentioned(
    outline: Outline, blocks: Sequence[Block], points: Sequence[PrayerPoint], language: str
) -> Iterator[Scripture]:
    texts = [
        (outline.title_line, outline.title),
        *(text for block in blocks for text in _texts(block)),
        *((point.line, f"{point.group or ''}\n{point.text}") for point in points),
    ]
    for line, text in texts:
        for reference in find_references(text, language):
            (scripture,) = _scriptures([reference], line)
            yield replace(scripture, said=_said(text, reference))


def _said(text: str, reference: Reference) -> str:
    """Return the words quoted right before or behind a reference in running text."""
    before = _QUOTED_BEFORE.search(text, max(0, reference.start - 620), reference.start)
    found = before or _QUOTED_AFTER.match(text, reference.end)
    return found[1] if found else ""


def _texts(block: Block) -> Iterator[tuple[int, str]]:
    match block:
        case Paragraph(text, line) | Heading(text, line):
            yield line, text
        case Quotation(paragraphs, _, lines):
            yield from zip(lines, paragraphs, strict=True)
        case ItemList(items, line):
            yield from ((line, text) for text in items)
        case Button() | Note() | Columns():
            yield from block.texts()


def _each_once(scriptures: Iterable[Scripture]) -> list[Scripture]:
    """Return each passage once, in the order of the text; what quotes other words of it, too.

    Those with their words come first.
    """
    first: dict[tuple[str, str | None], Scripture] = {}
    passages: set[str] = set()
    for scripture in scriptures:
        if scripture.quotation or scripture.osis not in passages:
            first.setdefault((scripture.osis, scripture.quotation), scripture)
            passages.add(scripture.osis)
    return sorted(first.values(), key=lambda scripture: scripture.line)


# --- blocks ------------------------------------------------------------------------------


def _blocks(story: Iterable[Said | Block | Scripture | None]) -> Iterator[Block]:
    for kind, group in groupby(story, key=_kind):
        if kind == "other":
            yield from (part for part in group if part and not isinstance(part, Said | Scripture))
            continue
        said = [part for part in group if isinstance(part, Said)]
        if kind == "quoted":
            yield _quotation(said)
            continue
        for start, end in _paragraph_runs(said):
            if end - start > 1 or marks(said[start].text).whole:
                yield _quotation(said[start:end])
            else:
                yield Paragraph(said[start].text, said[start].line)


def _kind(part: Said | Block | Scripture | None) -> str:
    if not isinstance(part, Said):
        return "other"
    return "quoted" if part.quoted else "said"


def _paragraph_runs(said: Sequence[Said]) -> Iterator[tuple[int, int]]:
    start = 0
    for end in range(1, len(said) + 1):
        if end == len(said) or not goes_on(said[end - 1].text, said[end].text):
            yield start, end
            start = end


def _quotation(said: Sequence[Said]) -> Quotation:
    lines = tuple(part.line for part in said)
    return Quotation(tuple(part.text for part in said), lines[0], lines)


def with_pictures(blocks: Sequence[Block], pictures: Sequence[Picture]) -> tuple[Block, ...]:
    """Put each picture behind the blocks that begin in its line or before it."""
    placed: list[Block] = list(blocks)
    for picture in pictures:
        after = [n for n, block in enumerate(placed, 1) if block.line <= picture.line]
        placed.insert(max(after, default=0), picture)
    return tuple(placed)


# --- the rest ----------------------------------------------------------------------------


def _summary(blocks: Sequence[Block], points: Sequence[PrayerPoint], language: str) -> str:
    """Return the first sentence of the story; a salutation tells nothing yet."""
    texts = [
        text
        for block in blocks
        if isinstance(block, Paragraph | Quotation)
        for _, text in _texts(block)
    ]
    salutation = words_of(language).salutation
    told = [
        text
        for text in texts
        if not text.endswith((",", "،", "，")) and not salutation.fullmatch(folded(text))
    ] or texts
    told += [point.lead for point in points]
    return shortened(sentences(told[0], language)[0], LONGEST_SUMMARY) if told else ""


def opening_salutation(bulletin: Bulletin) -> Paragraph | None:
    """Return the first paragraph if it does nothing but greet: "Dear friends,"."""
    first = next((block for block in bulletin.blocks if not isinstance(block, Picture)), None)
    if not isinstance(first, Paragraph):
        return None
    return first if only_greets(first.text, words_of(bulletin.language)) else None


_ADDRESS = re.compile(r"://|@|www\.")
_ENOUGH = 0.25  # of the letters, where the language runs from right to left


def _direction(outline: Outline, language: str) -> Direction:
    """Return the direction that most letters run in; without any, that of the language.

    Addresses do not count.  In Arabic a quarter is enough: the rest are names and titles.
    """
    texts = [outline.title, *(text for part in outline.parts for text in _written(part))]
    words = (word for text in texts for word in text.split() if not _ADDRESS.search(word))
    letters: Counter[str] = Counter()
    for character, times in Counter("".join(words)).items():
        letters[unicodedata.bidirectional(character)] += times
    rtl, ltr = letters["R"] + letters["AL"], letters["L"]
    if language.split("-")[0].lower() in _RTL_LANGUAGES:
        return "rtl" if rtl >= _ENOUGH * (rtl + ltr) else "ltr"
    return "rtl" if rtl > ltr else "ltr"


def _written(part: Part) -> Iterator[str]:
    if isinstance(part, Listed):
        yield from (entry.text for entry in part.entries)
    elif isinstance(part, Button | Note | Columns):
        yield from (text for _, text in part.texts())
    elif not isinstance(part, Divider):
        yield part.text
