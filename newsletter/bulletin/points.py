"""The prayer-point detector: which lists ask for prayer, and what each point asks."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from newsletter.bulletin.apart import Said
from newsletter.bulletin.days import iso_date, label_of
from newsletter.bulletin.model import (
    Block,
    Button,
    Columns,
    Divider,
    ItemList,
    Note,
    PointKind,
    PrayerPoint,
    Sensitivity,
)
from newsletter.bulletin.outline import Entry, Listed, Named, Outline, Part, heading_name
from newsletter.bulletin.prose import sentences
from newsletter.bulletin.sensitivity import read_mark, stricter, unmarked
from newsletter.bulletin.words import Words, folded


@dataclass(frozen=True)
class _Section:
    """What the headings above a list say about it."""

    prays: bool | None = None  # None: they do not tell
    level: int = 0
    default: PointKind = PointKind.PETITION
    heading: str | None = None  # a plain one: "Pray", "Give thanks"
    topic: str | None = None  # "Sudan", "Pray for Sudan"
    by_topic: bool = False  # headings of the same level name topics within the prayer section


@dataclass(frozen=True)
class Detected:
    """An outline divided into prayer points and all the rest."""

    story: tuple[Said | Block | None, ...]  # None: points were taken out here
    points: tuple[PrayerPoint, ...]


def detect_points(
    outline: Outline, words: Words, language: str, year: int | None = None
) -> Detected:
    """Divide an outline.  Lists under a prayer heading count, and those that mostly pray.

    Days are in the year that the title or the headings name, else in `year`.
    """
    year = _year(outline) or year
    story: list[Said | Block | None] = []
    headings: list[Named] = []  # that stand right above, not yet in the story
    points: list[tuple[PrayerPoint, str | None]] = []
    section = _Section()
    marks = _Marks()
    before: Part | None = None
    for part in outline.parts:
        match part:
            case Named():
                bare = marks.read(part, language, stacked=isinstance(before, Named))
                section = _section(bare, section, before, words)
                headings.append(part)
            case Divider() if headings:
                continue  # it underlines the heading
            case Said() | Divider() | Button() | Note() | Columns():
                story += (heading.block() for heading in headings)
                headings.clear()
                story.append(part)
            case Listed(entries):
                if _prays(entries, section, before, words, language):
                    # The headings live on as the points' group, or say no more than "Pray".
                    told = {section.heading, section.topic}
                    story += (
                        heading.block()
                        for heading in headings
                        if read_mark(heading.text, language)[0] not in told
                    )
                    story.append(None)
                    points += (
                        (marks.on(_point(entry, section, words, language, year)), section.heading)
                        for entry in entries
                    )
                else:
                    story += (heading.block() for heading in headings)
                    story.append(_item_list(entries))
                headings.clear()
        before = part
    story += (heading.block() for heading in headings)
    return Detected(tuple(story), tuple(_grouped(points)))


class _Marks:
    """The levels that marks in the headings above set: "Kabul [restricted]"."""

    def __init__(self) -> None:
        self._levels: list[tuple[int, Sensitivity | None]] = []  # of heading, and who may see it

    def read(self, heading: Named, language: str, *, stacked: bool) -> Named:
        """Take up a heading and return it without its mark; one right below another is in it."""
        text, sensitivity = read_mark(heading.text, language)
        while self._levels and self._levels[-1][0] >= heading.level and not stacked:
            self._levels.pop()
        self._levels.append((heading.level, sensitivity))
        return replace(heading, text=text)

    def on(self, point: PrayerPoint) -> PrayerPoint:
        """Return a point as strict as the headings above it."""
        levels = [level for _, level in self._levels if level]
        return replace(point, sensitivity=stricter(point.sensitivity, *levels)) if levels else point


def _section(heading: Named, above: _Section, before: Part | None, words: Words) -> _Section:
    name = heading_name(heading.text)
    if words.prayer_heading.fullmatch(name):
        return _Section(True, heading.level, heading=heading.text)
    if words.thanks_heading.fullmatch(name):
        return _Section(True, heading.level, PointKind.THANKSGIVING, heading.text)
    if words.other_heading.fullmatch(name):
        return _Section(False, heading.level)
    if words.topic_heading.match(name):
        thanks = words.thanks.search(name) is not None
        kind = PointKind.THANKSGIVING if thanks else PointKind.PETITION
        return _Section(True, heading.level, kind, topic=heading.text)
    deeper = heading.level > above.level or above.by_topic or isinstance(before, Named)
    if above.prays and deeper:
        by_topic = above.by_topic or heading.level <= above.level
        return replace(above, topic=heading.text, by_topic=by_topic)
    if kinds := _kinds(name, words):  # "We pray every day", "Молимся каждый день"
        petition = PointKind.PETITION in kinds
        kind = PointKind.PETITION if petition else PointKind.THANKSGIVING
        return _Section(True, heading.level, kind, heading.text)
    return _Section(None, heading.level, topic=heading.text)


def _prays(
    entries: Sequence[Entry],
    section: _Section,
    before: Part | None,
    words: Words,
    language: str,
) -> bool:
    if section.prays is not None:
        return section.prays
    if not words.known:
        return True  # no verb can tell; better a list too many than a bulletin without points
    asked = (
        isinstance(before, Said)
        and before.text.endswith((":", "："))
        and bool(_kinds(sentences(before.text, language)[-1], words))
    )
    praying = sum(bool(_kinds_of_all(unmarked(entry.text), words, language)) for entry in entries)
    return asked or praying * 2 > len(entries)


def _point(
    entry: Entry, section: _Section, words: Words, language: str, year: int | None
) -> PrayerPoint:
    text, sensitivity = read_mark(entry.text, language)
    lead = read_mark(entry.lead, language)[0]
    group, day = section.topic, None
    if label := label_of(text, words, loosely=entry.dated, dated=entry.dated):
        day = iso_date(label.written, words, year)
        text = label.rest or text
        if day is None and label.rest:  # a bare "Monday" is no date: keep it where readers see it
            group = label.written if group is None else f"{group} · {label.written}"
    kinds = _kinds_of_all(text, words, language) or {section.default}
    kind = kinds.pop() if len(kinds) == 1 else PointKind.MIXED
    lead = lead if lead and text.startswith(lead) else sentences(text, language)[0]
    return PrayerPoint(text, lead, kind, entry.line, day, group, sensitivity)


def _kinds_of_all(text: str, words: Words, language: str) -> set[PointKind]:
    return {kind for sentence in sentences(text, language) for kind in _kinds(sentence, words)}


def _kinds(sentence: str, words: Words) -> set[PointKind]:
    """Return what a sentence asks: its first verb tells, and each "… and pray" may turn it.

    "Give thanks that many prayed" is a thanksgiving; "Thank God for … and pray that …" both.
    """
    sentence = folded(sentence)
    starts = [0, *(found.end() for found in words.turns.finditer(sentence))]
    ends = [*starts[1:], len(sentence)]
    kinds = (_kind(sentence[start:end], words) for start, end in zip(starts, ends, strict=True))
    return {kind for kind in kinds if kind}


def _kind(clause: str, words: Words) -> PointKind | None:
    petition, thanks = words.petition.search(clause), words.thanks.search(clause)
    if petition and (thanks is None or petition.start() < thanks.start()):
        return PointKind.PETITION
    return PointKind.THANKSGIVING if thanks else None


def _grouped(points: Sequence[tuple[PrayerPoint, str | None]]) -> Iterator[PrayerPoint]:
    """Plain headings become groups where there are several of them; one says only "Pray"."""
    several = len({heading for _, heading in points}) > 1
    for point, heading in points:
        names = [name for name in (heading if several else None, point.group) if name]
        yield replace(point, group=" · ".join(names) or None)


def _item_list(entries: Sequence[Entry]) -> ItemList:
    return ItemList(tuple(entry.text for entry in entries), entries[0].line)


def _year(outline: Outline) -> int | None:
    """Return the one year that the title names, else the headings."""
    named = [part.text for part in outline.parts if isinstance(part, Named)]
    for text in (outline.title, "\n".join(named)):
        years = {int(year) for year in re.findall(r"(?<!\d)\d{4}(?!\d)", text)} & _YEARS
        if years:
            return years.pop() if len(years) == 1 else None
    return None


_YEARS = set(range(2000, 2100))
