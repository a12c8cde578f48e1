"""Whether two bulletins are the same one: exactly, or mostly."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256

from newsletter.bulletin.model import (
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
    Sensitivity,
)

# Two versions of one bulletin with a corrected verse and rewritten sentences share well over
# this; two weeks of one newsletter share headings, greeting and sign-off, well under it.
MOSTLY = 0.5
_SHINGLE = 3  # words
_SIGNS = 2  # of a script that puts no spaces between its words

_QUOTES = str.maketrans(dict.fromkeys("“”„«»「」『』", '"') | dict.fromkeys("‘’‚‹›`´", "'"))
_WORD = re.compile(r"[^\W_]+")


def normal_text(bulletin: Bulletin) -> str:
    """Return what a bulletin says, a line for each part with a sign for its kind.

    The same for the same words, whatever their white space, encoding, line ends and style
    of quotation marks.  Leftover lines count, so that a version without them is another.
    """
    text = "\n".join(_parts(bulletin))
    return re.sub(r"[^\S\n]+", " ", text.translate(_QUOTES)).replace('" ', '"').replace(' "', '"')


def carried(bulletin: Bulletin) -> tuple[object, ...]:
    """Return what a bulletin carries beside its words, to be compared.

    Who may see it, what a mailbox shows below its subject, and what its file holds unseen.
    """
    return (
        bulletin.sensitivity,
        tuple(point.sensitivity for point in bulletin.points),
        bulletin.summary,
        tuple((one.kind, one.what, one.count) for one in bulletin.leftovers),
        tuple((one.name, one.value) for one in bulletin.properties),
    )


def similarity(a: Bulletin, b: Bulletin) -> float:
    """Return how much of their wording two bulletins share, from 0 to 1.

    That is Dice's coefficient over runs of three words, or of two signs where a script puts no
    spaces between words; from `MOSTLY` on they are versions of one bulletin.
    """
    first, second = _shingles(a), _shingles(b)
    return 2 * len(first & second) / (len(first) + len(second))


def _parts(bulletin: Bulletin) -> Iterator[str]:
    yield f"# {bulletin.title}"
    for block in bulletin.blocks:
        match block:
            case Paragraph(text):
                yield f". {text}"
            case Quotation(paragraphs):
                yield from (f". {text}" for text in paragraphs)
            case Heading(text):
                yield f"## {text}"
            case ItemList(items):
                yield from (f"- {text}" for text in items)
            case Picture(data, alt=alt, caption=caption):
                yield f"% {alt}|{caption}|{sha256(data).hexdigest()}"
            case Button() | Divider() | Note() | Columns():
                yield from _apart(block)
    yield from _points(bulletin)
    yield from _scriptures(bulletin)
    if bulletin.sensitivity is not Sensitivity.PUBLIC:
        yield f"~ {bulletin.sensitivity}"
    yield from (
        f"! {line.text.strip()}" for line in bulletin.lines if line.number in bulletin.residue
    )


def _apart(block: Button | Divider | Note | Columns) -> Iterator[str]:
    if isinstance(block, Divider):
        yield "---"
    else:
        yield from (f". {text}" for _, text in block.texts())


def _points(bulletin: Bulletin) -> Iterator[str]:
    for point in bulletin.points:
        yield f"* {point.group or ''}|{point.date or ''}|{point.text}"
        if point.sensitivity is not None:
            yield f"~ {point.sensitivity}"


def _scriptures(bulletin: Bulletin) -> Iterator[str]:
    for scripture in bulletin.scriptures:
        yield f"= {scripture.written} {scripture.quotation or ''}{scripture.translation}"
        if scripture.sensitivity is not None:
            yield f"~ {scripture.sensitivity}"


def _shingles(bulletin: Bulletin) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for run in _run().finditer(normal_text(bulletin).casefold()):
        if run["signs"]:
            found |= _runs_of(run["signs"], _SIGNS)
        elif words := _WORD.findall(run["words"]):
            found |= _runs_of(words, _SHINGLE)
    return found


@cache
def _run() -> re.Pattern[str]:
    """Return the pattern of signs without spaces between words, or of anything else."""
    # Chinese, Japanese, Thai, Lao, Burmese, Khmer.
    signs = (
        "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
        "\U00020000-\U0003ffff"
    )
    return re.compile(rf"(?P<signs>[{signs}]+)|(?P<words>[^{signs}]+)")


def _runs_of(words: Sequence[str], length: int) -> set[tuple[str, ...]]:
    return {tuple(words[n : n + length]) for n in range(max(1, len(words) - length + 1))}
