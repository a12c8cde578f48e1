"""What is said of a bulletin before it begins: key lines, or the front matter of Markdown."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from newsletter.bulletin.model import Sensitivity, SourceLine
from newsletter.bulletin.passage import Passage, Role
from newsletter.bulletin.prose import tidy
from newsletter.bulletin.reading import Head, Tally
from newsletter.bulletin.sensitivity import level_named
from newsletter.errors import UnreadableInput

# In the supported languages; what a bulletin has no place for is told, not taken.
_KEYS = {
    "title": "title titel titre título titulo العنوان عنوان 제목 标题 標題 题目 заголовок название "
    "subject betreff objet asunto assunto тема الموضوع موضوع 主题 主旨",
    "sender": "from von de da от من از 보낸사람 发件人 寄件者",
    "receiver": "to cc an à para кому إلى به 받는사람 收件人 收件者",
    "date": "date datum fecha data التاريخ تاریخ 날짜 日期 дата sent gesendet envoyé enviado "
    "отправлено",
    "language": "language lang sprache langue idioma lingua língua اللغة زبان 언어 语言 語言 язык",
    "summary": "summary zusammenfassung résumé resumen resumo الملخص خلاصه خلاصہ 요약 摘要 резюме",
    "sensitivity": "sensitivity vertraulichkeit confidentialité confidencialidad "
    "confidencialidade السرية محرمانگی رازداری 보안등급 保密 конфиденциальность",
    "country": "country land pays país البلد کشور ملک 국가 나라 国家 國家 страна",
    "image": "image bild imagen imagem picture photo foto الصورة تصویر 사진 图片 圖片 изображение",
    "author": "author autor auteur verfasser المؤلف نویسنده مصنف 작성자 作者 автор",
    "tags": "tags tag keywords schlagwörter",
    "source": "source quelle fuente fonte المصدر منبع ماخذ 출처 来源 來源 источник",
}
_TAKEN = {"title", "date", "language", "summary", "sensitivity"}
_NAMED = {name: key for key, names in _KEYS.items() for name in names.split()}
_KEY_LINE = re.compile(r"\s*([^\W\d_][^\W_]*(?:[ -][^\W_]+)?)\s*[:：]\s*(\S.*)")
_LANGUAGE = re.compile(r"(?=.{2,35}\Z)[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")  # RFC 5646, 4.4.1
_LANGUAGES = {
    "en": "english", "de": "german deutsch", "fr": "french français", "es": "spanish español",
    "pt": "portuguese português", "ar": "arabic العربية عربي", "fa": "farsi persian فارسی",
    "ur": "urdu اردو", "ko": "korean 한국어", "zh": "chinese 中文", "ru": "russian русский",
}  # fmt: skip
_SPOKEN = {name: code for code, names in _LANGUAGES.items() for name in names.split()}
_RULE = re.compile(r"-{3,}\s*$")
_LONGEST_FRONT_MATTER = 200  # lines
_MOST_CHARACTERS = 20_000  # of it


@dataclass(frozen=True)
class _Said:
    key: str
    value: object
    line: int


def take_key_lines(
    passages: Sequence[Passage], head: Head, tally: Tally
) -> tuple[Head, list[Passage]]:
    """Take "Key: value" lines from the beginning, or from right behind the first line.

    They count as such only where the first of them is a key that we know: "Monday: pray for
    rain" is text.  What is not understood is told.
    """
    kept = list(passages)
    for place in (0, 1):
        lines: list[SourceLine] = []
        while place < len(kept) and (found := _keyed(kept[place], place, bool(lines))):
            lines += found
            kept[place : place + 1] = _without(kept[place], found)
        if lines:
            return _understood(map(_split, lines), head, tally), kept
    return head, kept


def take_front_matter(
    lines: Sequence[SourceLine], tally: Tally
) -> tuple[Head, Sequence[SourceLine]]:
    """Take YAML between two lines of dashes; return the lines with blank ones in its place."""
    if not lines or not _RULE.match(lines[0].text.lstrip("\ufeff")):
        return Head(), lines
    ends = (n for n, line in enumerate(lines[1:_LONGEST_FRONT_MATTER], 1) if _ends(line.text))
    end = next(ends, 0)
    short = sum(len(line.text) for line in lines[1:end]) <= _MOST_CHARACTERS
    said = list(_values(lines[1:end])) if end and short else []
    if not said:
        return Head(), lines
    blank = [replace(line, text="") for line in lines[: end + 1]]
    return _understood(said, Head(), tally), [*blank, *lines[end + 1 :]]


def _ends(text: str) -> bool:
    return _RULE.match(text) is not None or text.rstrip() == "..."


def _keyed(passage: Passage, place: int, begun: bool) -> list[SourceLine]:
    """Return the key lines of a passage: all of it, or all behind the very first line."""
    if passage.role is not Role.TEXT:
        return []
    for lines in (passage.lines, passage.lines[1:] if place == 0 and not begun else ()):
        keys = [_key(line.text) for line in lines]
        named = [_NAMED.get(key or "") for key in keys]
        if not keys or None in keys or named[0] is None:
            continue
        if _TAKEN.intersection(named) if not begun else None not in named:
            return list(lines)
    return []


def _key(text: str) -> str | None:
    found = _KEY_LINE.fullmatch(text)
    return found[1].lower() if found else None


def _without(passage: Passage, lines: Sequence[SourceLine]) -> list[Passage]:
    kept = tuple(line for line in passage.lines if line not in lines)
    return [replace(passage, lines=kept)] if kept else []


def _split(line: SourceLine) -> _Said:
    found = _KEY_LINE.fullmatch(line.text)
    return _Said(found[1], found[2], line.number) if found else _Said("", "", line.number)


def _values(lines: Sequence[SourceLine]) -> Iterator[_Said]:
    import yaml  # no other command has to wait for it

    try:
        values = yaml.safe_load("\n".join(line.text for line in lines))
    except (yaml.YAMLError, ValueError, RecursionError):
        # "Title: Sudan: a week of prayer" is no YAML, and yet it says what it means.
        yield from (_split(line) for line in lines if _KEY_LINE.fullmatch(line.text))
        return
    if isinstance(values, dict):
        for key, value in values.items():
            start = re.compile(rf"[\"']?{re.escape(str(key))}[\"']?\s*:")
            line = next((line.number for line in lines if start.match(line.text)), 1)
            yield _Said(str(key), value, line)


def _understood(said: Iterator[_Said] | Sequence[_Said], head: Head, tally: Tally) -> Head:
    for one in said:
        taken = _taken(one, head) if one.value is not None else head
        if taken is None:
            tally.add("not-taken", one.line, f"the line “{one.key}”")
        else:
            head = taken
    return head


def _taken(said: _Said, head: Head) -> Head | None:
    """Return the head with one value more; None where there is no place for it."""
    value = said.value
    text = tidy(str(value)) if isinstance(value, str | int | float | date) else ""
    match _NAMED.get(said.key.strip().lower()):
        case "title" if any(map(str.isalnum, text)):
            return replace(head, title=text, title_line=said.line)
        case "summary" if text:
            return replace(head, summary=text)
        case "language" if language := language_named(text):
            return replace(head, language=language)
        case "date" if found := re.search(r"(?<!\d)20\d\d(?!\d)", text):
            return replace(head, year=int(found[0]))
        case "sensitivity":
            return replace(head, sensitivity=_sensitivity(text, said.line))
        case _:
            return None


def language_named(text: str) -> str:
    """Return the language (BCP 47) that a code or a name ("Farsi") stands for, "" for none."""
    named = _SPOKEN.get(text.lower())
    return named or (text if _LANGUAGE.fullmatch(text) else "")


def _sensitivity(text: str, line: int) -> Sensitivity:
    if level := level_named(text):
        return level
    # Guessing wrong would show to everybody what somebody wanted to keep back.
    raise UnreadableInput(
        f"The sensitivity in line {line} is none that we know: write public, supporters or "
        "restricted."
    )
