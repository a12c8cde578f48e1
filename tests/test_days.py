"""Days in words: the form, the case, the digits and the order of each language."""

import pytest

from newsletter.rendering.days import in_words

# one day, two days, and days over New Year
DAYS = {
    "en": (
        "Friday 4 December",
        "Saturday 7 March – Sunday 8 March",
        "Monday, 28 December 2026 – Sunday, 3 January 2027",
    ),
    "en-US": (
        "Friday, December 4",
        "Saturday, March 7 – Sunday, March 8",
        "Monday, December 28, 2026 – Sunday, January 3, 2027",
    ),
    "de": (
        "Freitag, 4. Dezember",
        "Samstag, 7. März – Sonntag, 8. März",
        "Montag, 28. Dezember 2026 – Sonntag, 3. Januar 2027",
    ),
    "fr": (
        "vendredi 4 décembre",
        "samedi 7 mars – dimanche 8 mars",
        "lundi 28 décembre 2026 – dimanche 3 janvier 2027",
    ),
    "es-MX": (
        "viernes, 4 de diciembre",
        "sábado, 7 de marzo – domingo, 8 de marzo",
        "lunes, 28 de diciembre de 2026 – domingo, 3 de enero de 2027",
    ),
    "pt-BR": (
        "sexta-feira, 4 de dezembro",
        "sábado, 7 de março – domingo, 8 de março",
        "segunda-feira, 28 de dezembro de 2026 – domingo, 3 de janeiro de 2027",
    ),
    "ru": (
        "пятница, 4 декабря",
        "суббота, 7 марта – воскресенье, 8 марта",
        "понедельник, 28 декабря 2026\u00a0г. – воскресенье, 3 января 2027\u00a0г.",
    ),
    "ar": (
        "الجمعة، 4 ديسمبر",
        "السبت، 7 مارس – الأحد، 8 مارس",
        "الاثنين، 28 ديسمبر 2026 – الأحد، 3 يناير 2027",
    ),
    "ar-EG": (
        "الجمعة، ٤ ديسمبر",
        "السبت، ٧ مارس – الأحد، ٨ مارس",
        "الاثنين، ٢٨ ديسمبر ٢٠٢٦ – الأحد، ٣ يناير ٢٠٢٧",
    ),
    "fa": (
        "جمعه ۴ دسامبر",
        "شنبه ۷ مارس تا یکشنبه ۸ مارس",
        "دوشنبه ۲۸ دسامبر ۲۰۲۶ تا یکشنبه ۳ ژانویهٔ ۲۰۲۷",
    ),
    "fa-AF": (
        "جمعه ۴ دسمبر",
        "شنبه ۷ مارچ تا یکشنبه ۸ مارچ",
        "دوشنبه ۲۸ دسمبر ۲۰۲۶ تا یکشنبه ۳ جنوری ۲۰۲۷",
    ),
    "ur": (
        "جمعہ، 4 دسمبر",
        "ہفتہ، 7 مارچ – اتوار، 8 مارچ",
        "پیر، 28 دسمبر، 2026 – اتوار، 3 جنوری، 2027",
    ),
    "ko": (
        "12월 4일 (금요일)",
        "3월 7일 (토요일) ~ 3월 8일 (일요일)",
        "2026년 12월 28일 월요일 ~ 2027년 1월 3일 일요일",
    ),
    "zh": (
        "12月4日星期五",
        "3月7日星期六 – 3月8日星期日",
        "2026年12月28日星期一 – 2027年1月3日星期日",
    ),
    "zh-TW": (
        "12月4日 星期五",
        "3月7日 星期六 – 3月8日 星期日",
        "2026年12月28日 星期一 – 2027年1月3日 星期日",
    ),
    # without fixed words of ours
    "sw": (
        "Ijumaa, 4 Desemba",
        "Jumamosi, 7 Machi – Jumapili, 8 Machi",
        "Jumatatu, 28 Desemba 2026 – Jumapili, 3 Januari 2027",
    ),
}


@pytest.mark.parametrize("language", DAYS)
def test_days_are_told_as_the_language_tells_them(language: str) -> None:
    days = ("2026-12-04", "2026-03-07/2026-03-08", "2026-12-28/2027-01-03")

    assert tuple(in_words(each, language) for each in days) == DAYS[language]


@pytest.mark.parametrize(
    ("language", "day"),
    [
        ("prs", "جمعه ۴ دسامبر"),  # by its base
        ("pt-XX", "sexta-feira, 4 de dezembro"),
        ("EN_us", "Friday, December 4"),
        ("tlh", "Friday 4 December"),  # unknown to Unicode: English, as the fixed words
        ("not a tag", "Friday 4 December"),
    ],
)
def test_an_odd_tag_gets_the_nearest_form(language: str, day: str) -> None:
    assert in_words("2026-12-04", language) == day
