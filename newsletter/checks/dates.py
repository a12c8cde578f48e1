"""Days: whether weekday and date agree, and whether one was left out."""

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from newsletter.bulletin import Bulletin
from newsletter.bulletin.days import label_of
from newsletter.bulletin.marks import mark_of
from newsletter.bulletin.prose import tidy
from newsletter.bulletin.words import Words, words_of
from newsletter.checks.model import Finding
from newsletter.checks.reading import texts
from newsletter.checks.rules import remark

_RUN = 4  # days that make a row
_ROUND_A_MONTH = timedelta(days=7)  # a month's diary may begin or end with a whole week
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


# --- mismatches --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Written:
    """A day as somebody wrote it."""

    text: str
    weekday: int | None  # Monday is 0
    day: int
    month: int
    year: int | None

    def problem(self, year: int | None) -> str | None:
        """Return what is wrong with it, as a sentence without its end."""
        year = self.year or year
        longest = monthrange(year or 2024, self.month)[1]
        if not 1 <= self.day <= longest:
            named = f"{_MONTHS[self.month - 1]}{f' {year}' if year else ''}"
            return f"{named} has only {longest} days"
        if year is None or self.weekday is None:
            return None
        real = date(year, self.month, self.day).weekday()
        if real == self.weekday:
            return None
        named = f"{self.day} {_MONTHS[self.month - 1]} {year}"
        return f"{named} is a {_DAYS[real]}"


def date_mismatches(bulletin: Bulletin) -> Iterator[Finding]:
    """Days that cannot be what they say."""
    words = words_of(bulletin.language)
    year = _year(bulletin)
    told: set[tuple[int, str]] = set()
    labels = list(_labels(bulletin, words))
    everywhere = [(line, text, None) for line, text, _ in texts(bulletin)]
    for line, text, guess in [*((line, label, year) for line, label in labels), *everywhere]:
        for written in _dates_in(text, words):
            problem = written.problem(guess)
            if problem and (line, written.text) not in told:
                told.add((line, written.text))
                yield remark(
                    "date-mismatch",
                    line,
                    f"Line {line} says {written.text}, but {problem}: correct one of them.",
                )
    yield from _outside(bulletin, words)
    for line, label in labels:
        if (days := _range(words).search(label)) and int(days[1]) > int(days[2]):
            yield remark(
                "date-mismatch",
                line,
                f"In line {line} the days run backwards ({label}): correct one of them.",
            )


def _outside(bulletin: Bulletin, words: Words) -> Iterator[Finding]:
    period = _period(bulletin.title, words)
    if period is None:
        return
    first, last = period
    for point in bulletin.points:
        for day in _days_of(point.date):
            if not first <= day <= last:
                yield remark(
                    "date-mismatch",
                    point.line,
                    f"The prayer point in line {point.line} is for {day.day} "
                    f"{_MONTHS[day.month - 1]} {day.year}, which is outside the time that the "
                    "title names: correct one of them.",
                )
                break


def _year(bulletin: Bulletin) -> int | None:
    years = {day.year for point in bulletin.points for day in _days_of(point.date)}
    years |= {int(year) for year in re.findall(r"\b20\d\d\b", bulletin.title)}
    return years.pop() if len(years) == 1 else None


def _labels(bulletin: Bulletin, words: Words) -> Iterator[tuple[int, str]]:
    """Yield the day that each point begins with, as it stands in the source."""
    lines = {line.number: line.text for line in bulletin.lines}
    for point in bulletin.points:
        text = re.sub(r"[*_]{1,2}(?=\S)|(?<=\S)[*_]{1,2}", "", lines.get(point.line, ""))
        mark = mark_of(text, words)
        if label := label_of(tidy(mark.rest if mark else text).lstrip("#> "), words):
            yield point.line, label.written


@cache
def _patterns(words: Words) -> tuple[re.Pattern[str], ...]:
    weekdays, months = _names(words.weekdays), _names(words.months)
    weekday = rf"(?:\b(?P<weekday>{weekdays})\b\.?(?:,?\s+(?:the\s+|den\s+|le\s+)?))?"
    year = r"(?:\.?,?\s+(?:de\s+|del\s+)?(?P<year>20\d\d|19\d\d)\b)?"
    day = r"(?<![\d.,:/])(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.|º)?(?!\d)"
    month = rf"\b(?P<month>{months})\b"
    return (
        re.compile(rf"{weekday}{day}\s+(?:of\s+|de\s+)?{month}{year}", re.IGNORECASE),
        re.compile(rf"{weekday}{month}\.?\s+{day}(?![.:]\d){year}", re.IGNORECASE),
    )


@cache
def _range(words: Words) -> re.Pattern[str]:
    """Two days of one month: "7–8 March"."""
    return re.compile(
        rf"(?<!\d)(\d{{1,2}})\.?\s*[-–—]\s*(\d{{1,2}})\.?\s+(?:{_names(words.months)})",
        re.IGNORECASE,
    )


def _names(names: Sequence[str]) -> str:
    return "|".join(
        f"{re.escape(name)}|{re.escape(name[:3])}" if len(name) > 3 else re.escape(name)
        for name in names
    )


def _dates_in(text: str, words: Words) -> Iterator[_Written]:
    for pattern in _patterns(words):
        for found in pattern.finditer(text):
            if found["weekday"] is None and found["year"] is None and found.start() > 0:
                continue  # "in May 31 people came"
            yield _Written(
                found[0].strip(" ,."),
                _place(found["weekday"], words.weekdays) if found["weekday"] else None,
                int(found["day"]),
                _place(found["month"], words.months) + 1,
                int(found["year"]) if found["year"] else None,
            )


def _place(written: str, names: Sequence[str]) -> int:
    lower = written.lower()
    full = [name.lower() for name in names]
    return full.index(lower) if lower in full else [name[:3] for name in full].index(lower[:3])


def _period(title: str, words: Words) -> tuple[date, date] | None:
    """Return the first and last day that a title names: "1-7 March 2026", "March 2026"."""
    months = _names(words.months)
    days = re.search(
        rf"(?<!\d)(\d{{1,2}})\.?\s*(?:\b({months})\b\s*)?[-–—]\s*(\d{{1,2}})\.?\s+({months})\b"
        r"\.?,?\s+(20\d\d)\b",
        title,
        re.IGNORECASE,
    )
    try:
        if days:
            year, last_month = int(days[5]), _place(days[4], words.months) + 1
            first_month = _place(days[2], words.months) + 1 if days[2] else last_month
            first = date(year, first_month, int(days[1]))
            last = date(year, last_month, int(days[3]))
            return (first, last) if first <= last else None
    except ValueError:
        return None
    whole = re.search(rf"(?<!\d\s)(?<!\d\.\s)\b({months})\s+(20\d\d)\b", title, re.IGNORECASE)
    if whole is None:
        return None
    year, month = int(whole[2]), _place(whole[1], words.months) + 1
    first = date(year, month, 1)
    last = date(year, month, monthrange(year, month)[1])
    return first - _ROUND_A_MONTH, last + _ROUND_A_MONTH


def _days_of(iso: str | None) -> list[date]:
    """Return every day of a point."""
    if iso is None:
        return []
    ends = [date.fromisoformat(part) for part in iso.split("/")]
    return [
        ends[0] + timedelta(days=n) for n in range(min(31, max(1, (ends[-1] - ends[0]).days + 1)))
    ]


# --- gaps --------------------------------------------------------------------------------


def missing_dates(bulletin: Bulletin) -> Iterator[Finding]:
    """A row of days that leaves one out."""
    words = words_of(bulletin.language)
    dated = {
        day.toordinal(): point.line for point in bulletin.points for day in _days_of(point.date)
    }
    for number, line in _gaps(dated):
        day = date.fromordinal(number)
        yield remark(
            "date-missing",
            line,
            f"There are prayer points for the days before and after {_DAYS[day.weekday()]} "
            f"{day.day} {_MONTHS[day.month - 1]}, and none for that day: add one.",
        )
    if dated:
        return
    labels = list(_labels(bulletin, words))
    counted = _numbered(labels, words)
    for number, line in _gaps({day: line for day, (line, _) in counted.items()}, week=False):
        named = re.sub(r"\d+", str(number), labels[0][1])
        yield remark(
            "date-missing",
            line,
            f"There is no {named} between those before and after it: add it, or number the days "
            "anew.",
        )
    for number, line in _gaps(_weekdays(labels, words)):
        yield remark(
            "date-missing",
            line,
            f"There are prayer points for the days before and after {_DAYS[number % 7]}, and none "
            "for that day: add one.",
        )


def _numbered(labels: Sequence[tuple[int, str]], words: Words) -> dict[int, tuple[int, str]]:
    """Return line and label of "Day 1", "Day 2"."""
    return {
        int(told[0]): (line, label)
        for line, label in labels
        if re.fullmatch(words.dates.day, label, re.IGNORECASE)
        and (told := re.search(r"\d+", label))
    }


def _weekdays(labels: Sequence[tuple[int, str]], words: Words) -> dict[int, int]:
    """Return the line of each bare weekday, counted on from week to week."""
    found: dict[int, int] = {}
    last = -1
    for line, label in labels:
        names = [name.lower() for name in words.weekdays]
        if label.lower() not in names:
            return {}  # two days in one, or days of another kind
        number = names.index(label.lower())
        while number <= last:
            number += 7
        found[number] = line
        last = number
    return found


def _gaps(present: dict[int, int], *, week: bool = True) -> list[tuple[int, int]]:
    """Return the days that a row leaves out, each with the line of the day before it.

    A weekday that never occurs in more than a week is left out on purpose; a few days here
    and there are no row.
    """
    if len(present) < _RUN:
        return []
    days = sorted(present)
    missing = [day for day in range(days[0], days[-1]) if day not in present]
    if week and days[-1] - days[0] > 7:
        kept = {day % 7 for day in days}
        missing = [day for day in missing if day % 7 in kept]
    if len(missing) * _RUN > len(present):
        return []
    before = {day: max(other for other in days if other < day) for day in missing}
    return [(day, present[before[day]]) for day in missing]
