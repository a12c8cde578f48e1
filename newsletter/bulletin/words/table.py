"""What the table of a language holds, and how its patterns are written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from newsletter.bulletin.words.letters import folded

KEYS = ("date", "language", "summary", "sensitivity", "country", "image")


@dataclass(frozen=True, eq=False)
class Dates:
    """How a language writes days.  Of each name its other forms stand behind it."""

    weekdays: tuple[tuple[str, ...], ...]  # Monday first
    months: tuple[tuple[str, ...], ...]
    to: str  # pattern of what joins the ends of a range, beside a dash: "au"
    other_months: tuple[str, ...] = ()  # of another calendar: a label, but no date
    day: str = r"(?!)"  # pattern of "Day 1"
    ordinal: str = ""  # pattern of what may follow the number: "rd", "."
    of: str = ""  # pattern of what may stand between the number and the month: "de"
    since: str = ""  # pattern of what a range may begin with: "du"
    on: str = ""  # pattern of what may stand before a day: "am", "le"
    in_year: str = ""  # pattern of what may stand behind a year: "г."
    month_first: bool = False  # "May 3" beside "3 May"
    units: tuple[str, str, str] | None = None  # patterns behind year, month, day: "5월 3일"
    numerals: str = ""  # that may stand for the digits of a date: "一二三"
    numeric: str = ""  # "d.m", "d/m" or "m/d"
    spaced: bool = True  # False: a label may end with a space alone, "周一 为…"


@dataclass(frozen=True, eq=False)  # one table is one language: compared and hashed as itself
class Words:
    """What a language calls the parts of a bulletin.

    Patterns ignore case; all but those of `dates` are for `folded` text.
    """

    petition: re.Pattern[str]  # a verb that asks
    thanks: re.Pattern[str]  # a verb that gives thanks
    turns: re.Pattern[str]  # "… and pray": where one sentence may turn to the other kind
    prayer_heading: re.Pattern[str]  # the whole heading; what follows are prayer points
    thanks_heading: re.Pattern[str]
    other_heading: re.Pattern[str]  # what follows are dates or facts, never prayer points
    topic_heading: re.Pattern[str]  # begins "Pray for …": prayer points about something
    dates: Dates
    abbreviations: frozenset[str]  # whose full stop ends no sentence, lower case
    unfinished: frozenset[str]  # words that no sentence ends with
    salutation: re.Pattern[str]  # the whole paragraph: "Dear friends,"
    keys: Mapping[
        str, str
    ]  # "date", as this language calls it in lower case and `folded` -> one of KEYS
    residue: tuple[re.Pattern[str], ...]  # a whole line that only a web page or a mailer writes
    residue_at_an_end: tuple[re.Pattern[str], ...]  # the same, but only as first or last line
    known: bool = True  # False: these are another language's words

    @property
    def weekdays(self) -> tuple[str, ...]:
        """The names in full, Monday first."""
        return tuple(names[0] for names in self.dates.weekdays)

    @property
    def months(self) -> tuple[str, ...]:
        """The names in full."""
        return tuple(names[0] for names in self.dates.months)


def any_of(*patterns: str) -> re.Pattern[str]:
    """Return a pattern that is any of these; they may be written with any letters."""
    written = "|".join(f"(?:{folded(pattern)})" for pattern in patterns)
    return re.compile(written, re.IGNORECASE)


def turning(joints: str, verbs: str) -> re.Pattern[str]:
    """Return the pattern of a comma or a joining word, before one of the verbs."""
    return re.compile(
        rf"(?:[,;:–—،؛]|\b(?:{folded(joints)})\b)\s*(?:(?:{folded(joints)})\s+)*"
        rf"(?=(?:{folded(verbs)}))",
        re.IGNORECASE,
    )


def a_set_of(words: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(words.split())


def names(text: str) -> tuple[tuple[str, ...], ...]:
    """Return names with their other forms: "Monday Mon, Tuesday Tue"; "_" is a space in one."""
    return tuple(
        tuple(name.replace("_", " ") for name in forms.split()) for forms in text.split(",")
    )


def keys(text: str) -> dict[str, str]:
    """Return key words by what they mean: "date datum, language sprache", in the order of KEYS."""
    return {
        folded(word).replace("_", " "): key
        for key, words in zip(KEYS, text.lower().split(","), strict=True)
        for word in words.split()
    }
