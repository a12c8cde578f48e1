"""What a list entry begins with: a sign, a number, a weekday or a date."""

import re
from dataclasses import dataclass
from datetime import date
from functools import cache

from newsletter.bulletin.words import Words

_SIGN = r"[•●▪▫▶►◆◇·∙‣⁃◦○■□★☆✓✔➤➢➔❖✦✝\uf0b7\uf0a7\uf0d8]"
_MARK = re.compile(
    rf"(?P<sign>{_SIGN}|[\u2460-\u2473]|[一二三四五六七八九十]{{1,3}}、)\s*"
    r"|(?P<dash>[-–—*+])\s+"
    r"|\(?(?P<number>\d{1,2})(?:[.)]\s+|\)\s*)(?!\d)"
)


@dataclass(frozen=True)
class Mark:
    """How a line begins that may be an entry of a list."""

    kind: str  # "sign" leaves no doubt; "dash", "number" and "label" need company
    indent: int
    rest: str  # the line without sign or number; a label is still in it
    number: int = 0

    def is_kin(self, other: "Mark | None") -> bool:
        """Whether two lines look like entries of the same list."""
        if other is None or other.kind != self.kind:
            return False
        return self.kind != "number" or abs(self.number - other.number) == 1


def mark_of(line: str, words: Words) -> Mark | None:
    """Return the mark that a line begins with, if any."""
    line = line.expandtabs(4)
    text = line.lstrip()
    indent = len(line) - len(text)
    if found := _MARK.match(text):
        kind = found.lastgroup or "number"
        number = int(found["number"]) if kind == "number" else 0
        return Mark(kind, indent, text[found.end() :], number)
    if label_of(text, words):
        return Mark("label", indent, text)
    return None


@dataclass(frozen=True)
class Label:
    """The day that an entry begins with: "Monday:", "3 May –", "Day 1:"."""

    written: str
    rest: str


def label_of(text: str, words: Words) -> Label | None:
    """Return the label that `text` begins with, if any."""
    found = _label_pattern(words).match(text)
    return Label(found[1].strip(), text[found.end() :]) if found else None


def iso_date(label: str, words: Words, year: int | None) -> str | None:
    """Return the day or days of a label as ISO 8601, two joined by "/"; None without a year."""
    if found := re.fullmatch(r".*?(\d{4})-(\d\d)-(\d\d)", label):
        return _iso([(int(found[3]), int(found[2]))], int(found[1]))
    names = [month[:3].lower() for month in words.months]
    months = [
        names.index(word[:3].lower()) + 1
        for word in re.findall(r"[^\W\d_]{3,}", label)
        if word[:3].lower() in names
    ]
    numbers = [int(number) for number in re.findall(r"\d+", label)]
    days = [number for number in numbers if number < 100]
    year = next((number for number in numbers if number >= 1000), year)
    if year is None or not months or not 1 <= len(days) <= 2 or len(months) > len(days):
        return None
    return _iso([(day, months[min(n, len(months) - 1)]) for n, day in enumerate(days)], year)


def _iso(days: list[tuple[int, int]], year: int) -> str | None:
    try:
        return "/".join(date(year, month, day).isoformat() for day, month in days)
    except ValueError:
        return None


@cache
def _label_pattern(words: Words) -> re.Pattern[str]:
    def named(names: tuple[str, ...]) -> str:
        return "(?:" + "|".join(f"{name}|{name[:3]}\\b\\.?" for name in names) + ")"

    weekday, month = named(words.weekdays), named(words.months)
    day, year, to = r"\d{1,2}(?:st|nd|rd|th)?", r"(?:,?\s+\d{4})?", r"\s*[-–—/&]\s*"
    dates = (
        rf"{day}\s+{month}{to}{day}\s+{month}{year}",
        rf"{day}(?:{to}{day})?\s+{month}{year}",
        rf"{month}\s+{day}(?:{to}{day})?{year}",
        r"\d{4}-\d\d-\d\d",
    )
    dated = "(?:" + "|".join(dates) + ")"
    named_day = rf"{weekday}(?:,?\s+(?:{dated}|{day}))?"
    return re.compile(
        rf"({named_day}(?:{to}{named_day})?|{dated}|{words.day}\s+\d{{1,2}})"
        r"(?:\s*[:–—]\s*|\s+-\s+|\s*$)",
        re.IGNORECASE,
    )
