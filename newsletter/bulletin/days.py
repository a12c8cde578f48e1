"""Days that an entry begins with: weekdays, dates, "Day 1", in the words of any language."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from newsletter.bulletin.words import Dates, Words, same_letters


@dataclass(frozen=True)
class Label:
    """The day that an entry begins with: "Monday:", "3 May –", "Day 1:"."""

    written: str
    rest: str
    loose: bool = False  # nothing but a space stands behind it, and that says little
    spaced: bool = False  # the same, behind a weekday with its number or with a wide gap


def label_of(
    text: str, words: Words, *, loosely: bool = False, dated: bool = False
) -> Label | None:
    """Return the label that `text` begins with, if any.

    A space alone ends one only where that is asked for, `loosely`: in languages that write
    so, behind a weekday with its number ("Sun 1 Pray for …"), and where the gap is wide.
    `dated`: it is known that there is a label.
    """
    form = _form(words.dates)
    plain = same_letters(text)
    if found := form.label.match(plain):
        start, end = found.span(found.lastgroup or "label")
        return Label(text[start:end].strip(), text[found.end() :])
    if loosely and not words.dates.spaced and (found := form.loose_label.match(plain)):
        return Label(text[: found.end()].strip(), text[found.end() :], loose=True)
    known = form.loose_label if dated else form.spaced_label
    if (loosely or dated) and words.dates.spaced and (found := known.match(plain)):
        return Label(text[: found.end()].strip(), text[found.end() :], spaced=True)
    return None


def iso_date(label: str, words: Words, year: int | None) -> str | None:
    """Return the day or days of a label as ISO 8601, two joined by "/"; None without a year."""
    if found := re.fullmatch(r".*?(\d{4})-(\d\d)-(\d\d)", label):
        return _iso([(int(found[3]), int(found[2]))], [int(found[1])], told=True)
    form = _form(words.dates)
    plain = form.weekday_before.sub("", same_letters(label).lower())
    days, months, years = _numbers(plain, words.dates, form)
    if not 1 <= len(days) <= 2 or not 1 <= len(months) <= len(days) or len(years) > len(days):
        return None
    named = years or ([year] if year else [])
    if not named:
        return None
    pairs = [(day, months[min(n, len(months) - 1)]) for n, day in enumerate(days)]
    return _iso(pairs, named, told=bool(years))


def _numbers(label: str, dates: Dates, form: "_Form") -> tuple[list[int], list[int], list[int]]:
    """Return days, months and years of a label, each in their order."""
    days: list[int] = []
    months: list[int] = []
    years: list[int] = []
    for found in form.token.finditer(label):
        kind, text = found.lastgroup, found.group()
        if kind == "numeric":
            first, second, *rest = (int(number) for number in re.findall(r"\d+", text))
            day, month = (second, first) if dates.numeric == "m/d" else (first, second)
            days.append(day)
            months.append(month)
            years += (number if number >= 100 else 2000 + number for number in rest)
        elif kind == "year":
            years.append(int(text))
        elif kind in ("day", "written"):
            days.append(_number(text, dates))
        else:
            month = _number(text, dates) if kind == "month" else form.months[_name(text)]
            if months[-1:] != [month]:  # "أيار/مايو" is one month
                months.append(month)
    return days, months, years


def _or_numerals(dates: Dates) -> str:
    return rf"|[{dates.numerals}]{{1,3}}" if dates.numerals else ""


def _number(text: str, dates: Dates) -> int:
    """Return the number that digits or Chinese numerals up to 99 write."""
    if text.isdecimal():
        return int(text)
    tens, ten, ones = text.rpartition(dates.numerals[-1])
    value = {numeral: number for number, numeral in enumerate(dates.numerals[:-1], 1)}
    return (value.get(tens, 1) * 10 if ten else 0) + value.get(ones, 0)


def _name(text: str) -> str:
    return re.sub(r"\s", " ", text.rstrip("."))


def _iso(days: list[tuple[int, int]], years: list[int], told: bool) -> str | None:
    """Return the days; a range over New Year ends in the next year, or begins in the last."""
    if len(years) < len(days):
        years = years * 2
        if days[0][1] > days[-1][1]:
            years = [years[0] - 1, years[0]] if told else [years[0], years[0] + 1]
    try:
        found = [date(year, month, day) for (day, month), year in zip(days, years, strict=False)]
    except ValueError:
        return None
    return "/".join(day.isoformat() for day in found)


@dataclass(frozen=True)
class _Form:
    """The patterns of one language's days, for text of `same_letters`."""

    label: re.Pattern[str]
    loose_label: re.Pattern[str]
    spaced_label: re.Pattern[str]
    token: re.Pattern[str]
    weekday_before: re.Pattern[str]  # a number
    months: dict[str, int]


_DASH = r"\s*[-–—/&~〜～]\s*"
_OPENING, _CLOSING = r"[(\[（【〔<〈「《]", r"[)\]）】〕>〉」》]"


@lru_cache(maxsize=32)
def _form(dates: Dates) -> _Form:
    on = _optional(dates.on, r"\s+")
    weekday = on + _one_of(name for names in dates.weekdays for name in names)
    dated, to = _dated(dates), _joint(dates)
    in_brackets = rf"(?:\s*{_OPENING}\s*{weekday}\s*{_CLOSING})?"
    some_day = rf"(?:{weekday}(?:[,،]?\s*{on}(?:{dated}|{_day(dates)}))?|{on}{dated}{in_brackets})"
    numbered = same_letters(dates.day)
    since = _optional(dates.since, after=r"\s+")
    label = rf"(?:{since}{some_day}(?:{to}{some_day})?|{numbered})"
    # "월" is Monday and month: where units tell the month no name of a day is like it.
    weekday_before = "(?!)" if dates.units else rf"{weekday},?\s+(?=\d)"
    return _Form(
        label=re.compile(
            rf"(?P<label>{label})(?:\s*[:–—]\s*|\s+-\s+|\s*$)"
            rf"|{_OPENING}\s*(?P<boxed>{label})\s*{_CLOSING}\s*[:–—]?\s*",
            re.IGNORECASE,
        ),
        loose_label=re.compile(rf"{label}(?:\s+|(?<=[)）】]))(?=\S)", re.IGNORECASE),
        spaced_label=re.compile(
            rf"{weekday}[,،]?\s+{on}(?:{dated}|{_day(dates)})\s+(?=[^\W\d_])|{label}\s{{2,}}(?=\S)",
            re.IGNORECASE,
        ),
        token=re.compile(_token(dates), re.IGNORECASE),
        weekday_before=re.compile(weekday_before, re.IGNORECASE),
        months={
            same_letters(name.lower()): number
            for number, names in enumerate(dates.months, 1)
            for name in names
        },
    )


def _dated(dates: Dates) -> str:
    """Return the pattern of one date, or of two in one month."""
    day, to = _day(dates), _joint(dates)
    if dates.units:
        in_year, in_month, on_day = dates.units
        number = rf"(?:\d{{1,2}}{_or_numerals(dates)})"
        forms = [
            rf"(?:\d{{4}}\s?{in_year}\s?)?{number}\s?{in_month}\s?{number}\s?(?:{on_day})?"
            rf"(?:{to}{number}\s?{on_day})?"
        ]
    else:
        names = [name for names in dates.months for name in names]
        month = _one_of([*names, *dates.other_months])
        month = rf"{month}(?:\s?/\s?{month})?"
        of, in_year = _optional(dates.of, after=r"\s+"), _optional(dates.in_year, before=r"\s?")
        year = rf"(?:,?\s+{of}\d{{4}}{in_year})?"
        of = _optional(dates.of, before=r"\s+")
        forms = [rf"{day}(?:{to}{day})?{of}\s*{month}{year}"]
        if dates.month_first:
            forms.append(rf"{month}\s+{day}(?:{to}{day})?{year}")
    if dates.numeric:
        forms.append(_numeric(dates))
    forms.append(r"\d{4}-\d\d-\d\d")
    return "(?:" + "|".join(forms) + ")"


def _day(dates: Dates) -> str:
    return r"\d{1,2}" + _optional(dates.ordinal, before=r"\s?")


def _joint(dates: Dates) -> str:
    """Return the pattern of what stands between the first day and the last."""
    space = r"\s+" if dates.spaced else r"\s?"
    return rf"(?:{_DASH}|{space}(?:{same_letters(dates.to)}){space})"


def _optional(pattern: str, after: str = "", before: str = "") -> str:
    return f"(?:{before}(?:{same_letters(pattern)}){after})?" if pattern else ""


def _numeric(dates: Dates) -> str:
    if dates.numeric == "d.m":
        return r"\d{1,2}\.(?:\d{1,2}\.(?:\d{4}|\d\d)?|[01]\d)"
    return r"\d{1,2}/\d{1,2}(?:/(?:\d{4}|\d\d))?"


def _token(dates: Dates) -> str:
    if dates.units:
        _, in_month, on_day = dates.units
        months = rf"(?P<month>\d{{1,2}}{_or_numerals(dates)})(?=\s?{in_month})"
        # In words a day must show that it is one: "周一" holds a numeral too.
        if dates.numerals:
            ends = rf"(?=\s?(?:{on_day}|{dates.to}|[-–—~]))"
            months += rf"|(?P<written>[{dates.numerals}]{{1,3}}){ends}"
    else:
        months = rf"(?P<name>{_one_of(name for names in dates.months for name in names)})"
    numeric = rf"(?P<numeric>{_numeric(dates)})|" if dates.numeric else ""
    return rf"(?P<year>\d{{4}})|{numeric}{months}|(?P<day>\d{{1,2}})"


def _one_of(names: Iterator[str] | list[str]) -> str:
    """Return the pattern of a name; a short form may carry its stop."""
    written = sorted({same_letters(name.lower()) for name in names}, key=len, reverse=True)
    return "(?:" + "|".join(re.escape(name).replace(r"\ ", r"\s") for name in written) + r")\.?"
