"""Who may read what outside the mail: the mark a writer sets, and what a level shows.

A mark is a word in square brackets in a prayer point: `[restricted]`, `[supporters]`.  The
mail itself always holds everything; archive, feed and texts to share ask `shown_to`.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

from newsletter.bulletin.model import (
    Block,
    Bulletin,
    Button,
    Columns,
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
)

_STRICTNESS = (Sensitivity.PUBLIC, Sensitivity.SUPPORTERS, Sensitivity.RESTRICTED)

# Everybody may write the English words; beside them, those of the bulletin's language.
_WRITTEN: Mapping[str, tuple[str, str, str]] = {  # public, supporters, restricted
    "en": ("public", "supporters|supporters only", "restricted|confidential|private"),
    "de": ("öffentlich", "unterstützer|freunde", "vertraulich|eingeschränkt|nicht öffentlich"),
    "fr": ("public|publique", "soutiens|donateurs", "restreint|confidentiel|privé"),
    "es": ("público", "colaboradores", "restringido|confidencial|privado"),
    "pt": ("público", "apoiadores|mantenedores", "restrito|confidencial|privado"),
    "ar": ("عام|علني", "الداعمون|داعمون", "مقيد|سري|خاص"),
    "fa": ("عمومی", "حامیان", "محدود|محرمانه"),
    "ur": ("عوامی|عام", "معاونین", "محدود|خفیہ"),
    "ko": ("공개", "후원자", "제한|비공개|대외비"),
    "zh": ("公开|公開", "支持者|奉献者", "限制|保密|不公开|不公開"),
    "ru": ("публично|открыто", "сторонники|для своих", "ограничено|конфиденциально|закрыто"),
}
_MARK = re.compile(r"\s*[\[［【〔]\s*([^\[\]［］【】〔〕]{2,30}?)\s*[\]］】〕]\s*:?\s*")
_NEAR = 0.8  # likeness from which a misspelt word counts


def stricter(*levels: Sensitivity | None) -> Sensitivity:
    """Return the strictest of the levels; what says nothing is public."""
    return max((level for level in levels if level), key=_STRICTNESS.index, default=_STRICTNESS[0])


def level_named(word: str) -> Sensitivity | None:
    """Return the level that a word names in any of the languages; of two the stricter."""
    found = [_named(language).get(_folded(word)) for language in _WRITTEN]
    return stricter(*found) if any(found) else None


def read_mark(text: str, language: str) -> tuple[str, Sensitivity | None]:
    """Return the text without its marks, and the strictest of their levels.

    A misspelt mark counts as the one it was meant to be where the text begins or ends with
    it: better a point kept back than one shown by a slip.
    """
    if not any(opening in text for opening in "[［【〔"):
        return text, None
    levels: list[Sensitivity] = []

    def taken(found: re.Match[str]) -> str:
        at_an_end = found.start() == 0 or not text[found.end() :].strip(" .。۔!؟?")
        level = _level(found[1], language, misspelt=at_an_end)
        if level is None:
            return found[0]
        levels.append(level)
        inside = found.start() > 0 and text[found.end() :].strip(" .,;:!?。，；：！？،؛؟۔") != ""
        return " " if inside else ""

    left = _MARK.sub(taken, text).strip()
    if not levels:
        return text, None
    # A mark alone is no point; it stays, so that staff see what it was.
    return (left if any(map(str.isalnum, left)) else text), stricter(*levels)


def unmarked(text: str) -> str:
    """Return the text without a word in brackets before it, whatever its language."""
    found = _MARK.match(text)
    return text[found.end() :] if found else text


def shown_to(bulletin: Bulletin, level: Sensitivity) -> Bulletin | None:
    """Return what readers of a level may see, None where that is nothing.

    The level RESTRICTED is that of the mail, and holds everything.  Of a point that is not
    shown nothing is left: no line number tells that one is missing, no passage of scripture
    that only it mentions, no summary or title that was made of its words.  A block of the
    story that holds a mark goes the same way.
    """
    if level is Sensitivity.RESTRICTED:
        return bulletin
    if not _may_see(level, bulletin.sensitivity):
        return None
    points = [point for point in bulletin.points if _may_see(level, point.sensitivity)]
    hidden = [point.text for point in bulletin.points if point not in points]
    blocks = list(_shown_blocks(bulletin, points, level, hidden))
    texts = [bulletin.title, *_texts(blocks), *_texts_of(points)]
    if _comes_from(bulletin.title, hidden) or not (blocks or points):
        return None
    summary = bulletin.summary
    if _comes_from(summary, hidden):
        told = [*_paragraphs(blocks), *(point.lead for point in points)]
        summary = told[0] if told else ""
    return replace(
        bulletin,
        summary=summary,
        blocks=tuple(blocks),
        points=tuple(replace(point, line=1) for point in points),
        scriptures=tuple(_shown_scriptures(bulletin, texts, level)),
        lines=(),
        residue=(),
        leftovers=(),
        properties=(),
    )


def _level(word: str, language: str, *, misspelt: bool) -> Sensitivity | None:
    names = _named(language)
    if level := names.get(_folded(word)):
        return level
    strict = [name for name, level in names.items() if level is not Sensitivity.PUBLIC]
    near = difflib.get_close_matches(_folded(word), strict, 1, _NEAR) if misspelt else []
    return names[near[0]] if near else None


@cache
def _named(language: str) -> dict[str, Sensitivity]:
    tables = (_WRITTEN.get(language.partition("-")[0].lower(), _WRITTEN["en"]), _WRITTEN["en"])
    return {
        _folded(word): level
        for table in tables
        for level, words in zip(_STRICTNESS, table, strict=True)
        for word in words.split("|")
    }


def _folded(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.casefold())
    bare = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(unicodedata.normalize("NFC", bare).split())


def _may_see(level: Sensitivity, asked: Sensitivity | None) -> bool:
    return asked is None or _STRICTNESS.index(asked) <= _STRICTNESS.index(level)


def _shown_blocks(
    bulletin: Bulletin, points: Sequence[PrayerPoint], level: Sensitivity, hidden: list[str]
) -> Iterator[Block]:
    """Yield the blocks without what a mark in them keeps back; add that to `hidden`.

    A heading goes with what it names, points or blocks, where nothing of that is shown; what
    it names goes with a heading that holds a mark.
    """
    shown = list(_each_shown(bulletin, level, hidden))
    bare = _bare_headings(bulletin, shown, points)
    for place, block in enumerate(shown):
        if place in bare:
            hidden += _texts([bulletin.blocks[place]])
        elif block is not None:
            yield block


def without_marks(bulletin: Bulletin) -> Bulletin:
    """Return a bulletin as its mail shows it: marks in the story say nothing to readers.

    Points and title hold none.  The marks of a stored bulletin stay: `shown_to` goes by them.
    """
    blocks = tuple(_unmarked_block(block, bulletin.language) for block in bulletin.blocks)
    return replace(
        bulletin, blocks=blocks, summary=read_mark(bulletin.summary, bulletin.language)[0]
    )


def _unmarked_block(block: Block, language: str) -> Block:
    def bare(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(read_mark(text, language)[0] for text in texts)

    match block:
        case Divider():
            return block
        case Paragraph(text) | Heading(text) | Button(text):
            return replace(block, text=read_mark(text, language)[0])
        case Quotation(paragraphs) | Note(_, paragraphs):
            return replace(block, paragraphs=bare(paragraphs))
        case ItemList(items):
            return replace(block, items=bare(items))
        case Columns(first, second):
            return replace(block, first=bare(first), second=bare(second))
        case Picture(alt=alt, caption=caption):
            return replace(
                block, alt=read_mark(alt, language)[0], caption=read_mark(caption, language)[0]
            )


def _each_shown(
    bulletin: Bulletin, level: Sensitivity, hidden: list[str]
) -> Iterator[Block | None]:
    closed: int | None = None  # the level of the heading that keeps back what is below it
    for block in bulletin.blocks:
        if isinstance(block, Heading) and closed is not None and block.level <= closed:
            closed = None
        shown = _shown(block, bulletin.language, level, hidden)
        if closed is not None:
            hidden += _texts([block])
            yield None
            continue
        if shown is None and isinstance(block, Heading):
            closed = block.level
        yield shown


def _bare_headings(
    bulletin: Bulletin, shown: Sequence[Block | None], points: Sequence[PrayerPoint]
) -> set[int]:
    """Return the places of the headings beneath which there was something, and now is nothing.

    A heading right above another names what that one names.
    """
    parts = [
        (block.line, place, shown[place] is not None) for place, block in enumerate(bulletin.blocks)
    ]
    parts += [(point.line, -1, point in points) for point in bulletin.points]
    bare: set[int] = set()
    beneath: bool | None = None  # whether anything is shown; None: nothing was there
    following = True  # the same of the heading below
    for _, place, is_shown in sorted(parts, key=lambda part: part[0], reverse=True):
        if place < 0 or not isinstance(bulletin.blocks[place], Heading):
            beneath = is_shown or beneath is True
            continue
        following = following if beneath is None else beneath
        beneath = None
        if not following:
            bare.add(place)
    return bare


def _shown(block: Block, language: str, level: Sensitivity, hidden: list[str]) -> Block | None:
    def kept(text: str) -> bool:
        if _may_see(level, read_mark(text, language)[1]):
            return True
        hidden.append(text)
        return False

    if isinstance(block, ItemList):
        items = tuple(text for text in block.items if kept(text))
        return replace(block, items=items) if items else None
    kept_all = [kept(text) for text in _texts([block])]  # all of them are looked at
    return block if all(kept_all) else None


def _texts(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Paragraph(text) | Heading(text):
                yield text
            case Quotation(paragraphs):
                yield from paragraphs
            case ItemList(items):
                yield from items
            case Picture(alt=alt, caption=caption):
                yield from (alt, caption)
            case Button() | Note() | Columns():
                yield from (text for _, text in block.texts())


def _texts_of(points: Iterable[PrayerPoint]) -> Iterator[str]:
    for point in points:
        yield from (point.group or "", point.text)


def _paragraphs(blocks: Iterable[Block]) -> Iterator[str]:
    yield from _texts(block for block in blocks if isinstance(block, Paragraph | Quotation))


def _comes_from(made: str, hidden: Iterable[str]) -> bool:
    """Whether a title or summary was made of the words of something that is not shown."""
    bare = read_mark(made, "en")[0].rstrip("… ")
    return bool(bare) and any(bare in text for text in hidden)


def _shown_scriptures(
    bulletin: Bulletin, texts: list[str], level: Sensitivity
) -> Iterator[Scripture]:
    """Yield passages that stand on their own, and those that something shown mentions."""
    found = [verse for verse in bulletin.scriptures if _may_see(level, verse.sensitivity)]
    apart = {
        (verse.line, verse.written)
        for verse in found
        if verse.quotation and not _is_kept_back_above(bulletin, verse.line, level)
    }
    for verse in found:
        own = (verse.line, verse.written) in apart
        if own or any(verse.written in text for text in texts):
            yield verse


def _is_kept_back_above(bulletin: Bulletin, line: int, level: Sensitivity) -> bool:
    """Whether a line stands below a heading that holds a mark: it is no block any more."""
    closed: int | None = None  # as in `_each_shown`
    above = (block for block in bulletin.blocks if isinstance(block, Heading) and block.line < line)
    for heading in above:
        if closed is None or heading.level <= closed:
            seen = _may_see(level, read_mark(heading.text, bulletin.language)[1])
            closed = None if seen else heading.level
    return closed is not None
