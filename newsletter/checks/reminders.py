"""What a colleague would only remind of: where it is dangerous, and whose words it rests on."""

import re
from collections import Counter
from collections.abc import Iterator

from newsletter.bulletin import Bulletin, Sensitivity
from newsletter.bulletin.prose import sentences
from newsletter.checks.model import Finding
from newsletter.checks.places import countries_in
from newsletter.checks.reading import few_words, texts
from newsletter.checks.rules import remark
from newsletter.scripture import find_references

_MOST_COUNTRIES = 3  # a bulletin with more is about none of them
_FEWEST = 10  # people, of a number worth a word
# A number that counts: no year, hour, share, price or piece of something longer.
_BARE = r"a-zA-ZÀ-ÿа-яё_\d:/"  # in Chinese and Korean a word may stand right beside it
_NUMBER = re.compile(
    rf"(?<![{_BARE}.,+$€£-])"
    r"(?:(?!(?:19|20)\d\d(?!\d))\d{2,3}(?:[.,\u00a0\u202f ]?\d{3}){0,3}|\d[., ]\d{3})"
    rf"(?![{_BARE}%-]|[.,]\d|\s?(?:%|°|(?:km|kg|m|am|pm|h|Uhr|EUR|USD)\b|[年月日号號点點岁歲元米度]|公里"
    r"|년|월|일|시|분|원|세|살))"
)
_DATED = re.compile(r"\s+[^\W\d_]+\.?,?\s+(?:19|20)\d\d\b")  # "27 November 2026"
_WORD = r"[A-ZÀ-ÞА-Я][\w’'&.-]*"
_NAME = rf"(?P<name>{_WORD}(?:\s+(?:of\s+|for\s+)?{_WORD}){{1,5}}|[A-Z]{{3,8}}\b)"
_ACCORDING = {
    "en": rf"\b[Aa]ccording\s+to\s+(?:the\s+)?{_NAME}",
    "de": rf"\b(?:[Ll]aut|[Nn]ach\s+Angaben\s+(?:von|der|des))\s+{_NAME}",
    "fr": rf"\b(?:[Ss]elon|[Dd]['’]après)\s+(?:l['’]|la\s+|le\s+|les\s+)?{_NAME}",
    "es": rf"\b[Ss]egún\s+(?:la\s+|el\s+|los\s+)?{_NAME}",
    "pt": rf"\b(?:[Ss]egundo|[Dd]e\s+acordo\s+com)\s+(?:a\s+|o\s+|os\s+)?{_NAME}",
    "ru": rf"\b(?:[Пп]о\s+(?:данным|сообщению|словам)|[Сс]огласно)\s+{_NAME}",
    "ar": r"(?:وفق\S{1,3}\s+ل|بحسب|حسب)\s*(?P<name>(?:منظمة|مؤسسة|هيئة|موقع)\s+\S+)",
    "fa": r"به\s+(?:گزارش|گفته)\s?ی?\s+(?P<name>(?:سازمان|موسسه|خبرگزاری)\s+\S+)",
    "ur": r"(?P<name>(?:ادارے|تنظیم|خبر\s?رساں)\s+\S+(?:\s+\S+)?)\s+کے\s+مطابق",
    "ko": r"(?P<name>[\w·]*(?:단체|선교회|통신|기구|협회|뉴스)[\w·]*?)에\s?따르면",
    "zh": r"(?:根据|根據|据|據)(?P<name>[^，。,、]{2,20}?)的?"
    r"(?:报道|報道|报导|報導|报告|報告|消息|统计|統計)",
}
_GIVES = {language: re.compile(pattern) for language, pattern in _ACCORDING.items()}
_NO_SOURCE = re.compile(
    r"\b(?:God|Lord|Jesus|Christ|Bible|Scripture|Gospel|Holy|Gott|Bibel|Dieu|Dios|Biblia|Deus|Bíblia)\b"
)


def reminders(bulletin: Bulletin) -> Iterator[Finding]:
    """Yield notes that hold nothing back."""
    yield from _countries(bulletin)
    yield from _sources(bulletin)


def _countries(bulletin: Bulletin) -> Iterator[Finding]:
    said = [(line, text) for line, text, _ in texts(bulletin)]
    if not countries_in("\n".join(text for _, text in said), bulletin.language):
        return
    named: Counter[str] = Counter()
    first: dict[str, int] = {}
    for line, text in said:
        for country in countries_in(text, bulletin.language):
            named[country] += 1
            first.setdefault(country, line)
    in_title = countries_in(bulletin.title, bulletin.language)
    about = [country for country in first if country in in_title or named[country] > 1]
    if not about or len(about) > _MOST_COUNTRIES:
        return
    where = " and ".join(filter(None, [", ".join(about[:-1]), about[-1]]))
    if bulletin.sensitivity is Sensitivity.PUBLIC:
        yield remark(
            "country-named",
            first[about[0]],
            f"The bulletin seems to be about {where}, where a letter like this can bring people "
            "into danger: see that nothing leads to any of them, and mark the bulletin as "
            "supporters or restricted if not everybody should read it.",
            suggestion=", ".join(about),
        )
    told = set()
    for line, text in said:
        if line not in told and (words := _number(text, bulletin.language)):
            told.add(line)
            yield remark(
                "operational-detail",
                line,
                f"Line {line} counts people or things ({few_words(words)}), and the bulletin is "
                f"about {where}: a number helps those who look for them, so say it less exactly "
                "if nothing is lost by it.",
            )


def _number(text: str, language: str) -> str:
    """Return the words of a sentence from a number on that is worth a reminder, else ""."""
    for sentence in sentences(text, language):
        cited = [(each.start, each.end) for each in find_references(sentence, language)]
        for found in _NUMBER.finditer(sentence):
            if any(start <= found.start() < end for start, end in cited):
                continue
            if _DATED.match(sentence[found.end() :]):
                continue
            if int("".join(str(int(digit)) for digit in found[0] if digit.isdigit())) >= _FEWEST:
                return sentence[found.start() :]
    return ""


def _sources(bulletin: Bulletin) -> Iterator[Finding]:
    pattern = _GIVES.get(bulletin.language.partition("-")[0].lower())
    if pattern is None:
        return
    told = set()
    for line, text, _ in texts(bulletin):
        for found in pattern.finditer(text):
            name = found["name"].strip(" .,;:")
            cited = find_references(text[found.start("name") :], bulletin.language)
            if name in told or _NO_SOURCE.search(name) or (cited and cited[0].start == 0):
                continue
            told.add(name)
            yield remark(
                "source-named",
                line,
                f"Line {line} rests on what others say ({few_words(name)}): if they ask for it, "
                "name them at the end of the bulletin as the source.",
                suggestion=name,
            )
