"""Days in words, in the language of an edition: by Unicode's tables, which Babel carries."""

import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from newsletter.languages import base_language

if TYPE_CHECKING:
    from babel.core import Locale

_FORMS = ("MMMMEEEEd", "MMMMEd", "MMMEd")  # weekday, day and month; the nearest to whole words
_FIELD = re.compile(r"'[^']*'|E+|c+|MMM+|LLL+")
_SPACES = str.maketrans("\u2009\u202f", " \u00a0")  # no thin ones, which show as boxes in places
_DIGITS = {
    "arab": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"),
    "arabext": str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"),
}


def in_words(days: str, language: str) -> str:
    """Return an ISO date, or two joined by "/" as first and last, with weekdays.

    The year is told only where the two have different ones.  The calendar is the Gregorian one.
    """
    from babel.dates import format_date  # here and not above: for commands that write no mail

    found = [date.fromisoformat(day) for day in days.split("/")]
    locale = _locale_of(language)
    pattern = _day_and_month(locale)
    if found[0].year != found[-1].year:
        pattern = locale.date_formats["full"].pattern
    said = [format_date(day, pattern, locale) for day in found]
    joined = said[0] if len(said) == 1 else locale.interval_formats[None].format(*said)
    digits = _DIGITS.get(locale.default_numbering_system, {})
    return str(joined).translate(_SPACES | digits)


def in_digits(number: int, language: str) -> str:
    """Return a number in the digits of a language."""
    return str(number).translate(_DIGITS.get(_locale_of(language).default_numbering_system, {}))


@lru_cache(64)
def _locale_of(language: str) -> "Locale":
    from babel.core import Locale, UnknownLocaleError

    # English without a country is written as in most of them: "4 December".
    tag = "en-GB" if language.lower() == "en" else language.replace("_", "-")
    for name in (tag, base_language(tag)):
        try:
            return Locale.parse(name, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en", "GB")


@lru_cache(64)
def _day_and_month(locale: "Locale") -> str:
    forms = locale.datetime_skeletons
    pattern = next(forms[form].pattern for form in _FORMS if form in forms)
    return _FIELD.sub(_in_full, pattern)


def _in_full(field: re.Match[str]) -> str:
    return field[0] if field[0].startswith("'") else field[0][0] * 4
