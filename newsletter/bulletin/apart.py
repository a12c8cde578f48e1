"""What stands apart from the running text: buttons, notes and columns."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import TypeVar

from newsletter.bulletin.model import Button, Columns, Divider, Note, Scripture
from newsletter.bulletin.prose import columns, tidy

Whole = TypeVar("Whole")  # a part that is joined to no other

LONGEST_BUTTON = 60  # columns; what is longer is a sentence that links somewhere

_LINKED = re.compile(
    r"(?P<words>\S.*) \((?P<url>https?://\S+|(?P<mail>[^\s@()]+@[^\s@()]+))\)", re.DOTALL
)
_NOTE = re.compile(
    r"(?:\[!(?:note|tip|important|warning|caution)\]\s*"
    # Markdown takes "**注意：**请" for no bold: the asterisks stay.
    r"|\**(?P<label>(?:please )?note|important|tip|nb|n\.b\.|(?:bitte )?hinweis|anmerkung|wichtig"
    r"|remarque|à noter|nota|importante|aviso|observação|atenção|atención"
    r"|примечание|важно|внимание|ملاحظة|ملحوظة|تنبيه|مهم|نکته|توجه|یادداشت|نوٹ|اہم"
    r"|참고|알림|안내|중요|注意?|备注|提示|说明|重要)\s?[:：]\**\s*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Said:
    """A paragraph."""

    text: str
    line: int
    quoted: bool = False  # the format says so
    alone: bool = False  # it is one line of the source, so it may be a heading
    column: int = 0  # the first or the second of two that stand beside each other
    names: bool = False  # it is the head of its column


def button(text: str, line: int) -> Button | Said:
    """Return the button of a link that stands alone, or a paragraph where it says too much."""
    text = tidy(text)
    found = _LINKED.fullmatch(text)
    if found is None or columns(found["words"]) > LONGEST_BUTTON:
        return Said(text, line)
    url = f"mailto:{found['mail']}" if found["mail"] else found["url"]
    return Button(found["words"], url, line)


def together(parts: Sequence[Said | Whole]) -> Iterator[Said | Note | Columns | Whole]:
    """Join the paragraphs of a note, and those of two columns."""
    for kind, group in groupby(parts, key=_kind):
        run = list(group)
        said = [part for part in run if isinstance(part, Said)]
        if kind == "quoted":
            yield from _notes(said)
        elif kind == "columns":
            yield from _columns(said)
        else:
            yield from run


def _kind(part: object) -> str:
    if not isinstance(part, Said):
        return ""
    return "columns" if part.column else "quoted" if part.quoted else ""


def _notes(quoted: Sequence[Said]) -> Iterator[Said | Note]:
    """Yield quotations as they are; one that begins with "Note:" is a note, with all behind it."""
    starts = [n for n, said in enumerate(quoted) if _NOTE.match(said.text)]
    yield from quoted[: min(starts, default=len(quoted))]
    for start, end in pairwise([*starts, len(quoted)]):
        found = _NOTE.match(quoted[start].text)
        label = (found["label"] or "") if found else ""
        first = replace(quoted[start], text=quoted[start].text[found.end() if found else 0 :])
        said = [each for each in (first, *quoted[start + 1 : end]) if each.text]
        if said:
            lines = tuple(each.line for each in said)
            yield Note(label, tuple(each.text for each in said), lines[0], lines)


def _columns(said: Sequence[Said]) -> Iterator[Said | Columns]:
    """Yield two columns as one block; one that lost its partner is plain text."""
    pairs: list[tuple[list[Said], list[Said]]] = []
    for number, group in groupby(said, key=lambda each: each.column):
        if number == 1 or not pairs or pairs[-1][1]:
            pairs.append(([], []))
        pairs[-1][number - 1].extend(group)
    for first, second in pairs:
        if first and second:
            yield Columns(
                tuple(each.text for each in first),
                tuple(each.text for each in second),
                first[0].line,
                tuple(each.line for each in (*first, *second)),
                headed=first[0].names and second[0].names,
            )
        else:
            yield from (replace(each, column=0, names=False) for each in (*first, *second))


def parted(story: Sequence[Whole]) -> Iterator[Whole]:
    """Yield a story with one divider between two of its parts, and none at its ends.

    None in it stands for prayer points; they come behind all of it, and scripture behind them.
    """
    waiting: Whole | None = None
    shown = False
    for part in story:
        if isinstance(part, Divider):
            waiting = part if shown else None
            continue
        if not isinstance(part, Scripture):
            if waiting is not None:
                yield waiting
                shown = False
            waiting = None
            shown = shown or part is not None
        yield part
