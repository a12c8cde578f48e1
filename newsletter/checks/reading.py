"""The texts of a bulletin as the rules read them."""

from collections.abc import Iterator

from newsletter.bulletin import (
    Bulletin,
    Button,
    Columns,
    Divider,
    Heading,
    ItemList,
    Note,
    Paragraph,
    Picture,
    Quotation,
)
from newsletter.bulletin.prose import tidy


def texts(bulletin: Bulletin) -> Iterator[tuple[int, str, str]]:
    """Yield line, text and, within a quotation, the text that follows."""
    yield title_line(bulletin), bulletin.title, ""
    for block in bulletin.blocks:
        match block:
            case Heading(text, line):
                yield line, text, ""
            case ItemList(items, line):
                yield from ((line, text, "") for text in items)
            case Picture(alt=alt, caption=caption, line=line):
                yield from ((line, text, "") for text in (caption, alt) if text)
            case Button() | Note() | Columns():
                yield from ((line, text, "") for line, text in block.texts())
            case Divider():
                pass
            case Paragraph() | Quotation():
                yield from story(block)
    yield from ((line, group, "") for line, group in _groups(bulletin))
    yield from ((point.line, point.text, "") for point in bulletin.points)
    yield from ((verse.line, verse.quotation or "", "") for verse in bulletin.scriptures)


def _groups(bulletin: Bulletin) -> Iterator[tuple[int, str]]:
    """Yield the headings that live on as groups of points, each once, with their lines."""
    first: dict[str, int] = {}
    for point in bulletin.points:
        for name in (point.group or "").split(" · "):
            first.setdefault(name, point.line)
    for name, line in first.items():
        if name:
            above = [each for each in reversed(bulletin.lines) if each.number <= line]
            named = (each.number for each in above if name in tidy(each.text))
            yield next(named, line), name


def story(block: Paragraph | Quotation) -> Iterator[tuple[int, str, str]]:
    """Yield the same of the paragraphs of a block."""
    if isinstance(block, Paragraph):
        yield block.line, block.text, ""
    else:
        lines = block.lines or (block.line,) * len(block.paragraphs)
        yield from zip(lines, block.paragraphs, (*block.paragraphs[1:], ""), strict=True)


def title_line(bulletin: Bulletin) -> int:
    """Return the line that the title stands in."""
    return next((line.number for line in bulletin.lines if bulletin.title in tidy(line.text)), 1)


def few_words(text: str) -> str:
    """Return the beginning of `text` in quotation marks."""
    words = text.strip(' “”"«»„').split()
    return "“" + " ".join(words[:8]) + ("…" if len(words) > 8 else "") + "”"
