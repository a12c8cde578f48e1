"""Where a text refers to the Bible: references in prose, as OSIS, and whether they exist.

Pure: words in, references out.  Verses are counted as in English Bibles (1,189 chapters,
31,102 verses); a few verses that other editions number differently are let through.
Names and spellings are tables by language, so that a language is added as data.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# OSIS book id, then the number of verses of each chapter.
_CANON_TEXT = """
Gen 31 25 24 26 32 22 24 22 29 32 32 20 18 24 21 16 27 33 38 18 34 24 20 67 34 35 46 22 35 43 55 32
  20 31 29 43 36 30 23 23 57 38 34 34 28 34 31 22 33 26
Exod 22 25 22 31 23 30 25 32 35 29 10 51 22 31 27 36 16 27 25 26 36 31 33 18 40 37 21 43 46 38 18
  35 23 35 35 38 29 31 43 38
Lev 17 16 17 35 19 30 38 36 24 20 47 8 59 57 33 34 16 30 37 27 24 33 44 23 55 46 34
Num 54 34 51 49 31 27 89 26 23 36 35 16 33 45 41 50 13 32 22 29 35 41 30 25 18 65 23 31 40 16 54 42
  56 29 34 13
Deut 46 37 29 49 33 25 26 20 29 22 32 32 18 29 23 22 20 22 21 20 23 30 25 22 19 19 26 68 29 20 30
  52 29 12
Josh 18 24 17 24 15 27 26 35 27 43 23 24 33 15 63 10 18 28 51 9 45 34 16 33
Judg 36 23 31 24 31 40 25 35 57 18 40 15 25 20 20 31 13 31 30 48 25
Ruth 22 23 18 22
1Sam 28 36 21 22 12 21 17 22 27 27 15 25 23 52 35 23 58 30 24 42 15 23 29 22 44 25 12 25 11 31 13
2Sam 27 32 39 12 25 23 29 18 13 19 27 31 39 33 37 23 29 33 43 26 22 51 39 25
1Kgs 53 46 28 34 18 38 51 66 28 29 43 33 34 31 34 34 24 46 21 43 29 53
2Kgs 18 25 27 44 27 33 20 29 37 36 21 21 25 29 38 20 41 37 37 21 26 20 37 20 30
1Chr 54 55 24 43 26 81 40 40 44 14 47 40 14 17 29 43 27 17 19 8 30 19 32 31 31 32 34 21 30
2Chr 17 18 17 22 14 42 22 18 31 19 23 16 22 15 19 14 19 34 11 37 20 12 21 27 28 23 9 27 36 27 21 33
  25 33 27 23
Ezra 11 70 13 24 17 22 28 36 15 44
Neh 11 20 32 23 19 19 73 18 38 39 36 47 31
Esth 22 23 15 17 14 14 10 17 32 3
Job 22 13 26 21 27 30 21 22 35 22 20 25 28 22 35 22 16 21 29 29 34 30 17 25 6 14 23 28 25 31 40 22
  33 37 16 33 24 41 30 24 34 17
Ps 6 12 8 8 12 10 17 9 20 18 7 8 6 7 5 11 15 50 14 9 13 31 6 10 22 12 14 9 11 12 24 11 22 22 28 12
  40 22 13 17 13 11 5 26 17 11 9 14 20 23 19 9 6 7 23 13 11 11 17 12 8 12 11 10 13 20 7 35 36 5 24
  20 28 23 10 12 20 72 13 19 16 8 18 12 13 17 7 18 52 17 16 15 5 23 11 13 12 9 9 5 8 28 22 35 45 48
  43 13 31 7 10 10 9 8 18 19 2 29 176 7 8 9 4 8 5 6 5 6 8 8 3 18 3 3 21 26 9 8 24 13 10 7 12 15 21
  10 20 14 9 6
Prov 33 22 35 27 23 35 27 36 18 32 31 28 25 35 33 33 28 24 29 30 31 29 35 34 28 28 27 28 27 33 31
Eccl 18 26 22 16 20 12 29 17 18 20 10 14
Song 17 17 11 16 16 13 13 14
Isa 31 22 26 6 30 13 25 22 21 34 16 6 22 32 9 14 14 7 25 6 17 25 18 23 12 21 13 29 24 33 9 20 24 17
  10 22 38 22 8 31 29 25 28 28 25 13 15 22 26 11 23 15 12 17 13 12 21 14 21 22 11 12 19 12 25 24
Jer 19 37 25 31 31 30 34 22 26 25 23 17 27 22 21 21 27 23 15 18 14 30 40 10 38 24 22 17 32 24 40 44
  26 22 19 32 21 28 18 16 18 22 13 30 5 28 7 47 39 46 64 34
Lam 22 22 66 22 22
Ezek 28 10 27 17 17 14 27 18 11 22 25 28 23 23 8 63 24 32 14 49 32 31 49 27 17 21 36 26 21 26 18 32
  33 31 15 38 28 23 29 49 26 20 27 31 25 24 23 35
Dan 21 49 30 37 31 28 28 27 27 21 45 13
Hos 11 23 5 19 15 11 16 14 17 15 12 14 16 9
Joel 20 32 21
Amos 15 16 15 13 27 14 17 14 15
Obad 21
Jonah 17 10 10 11
Mic 16 13 12 13 15 16 20
Nah 15 13 19
Hab 17 20 19
Zeph 18 15 20
Hag 15 23
Zech 21 13 10 14 11 15 14 23 17 12 17 14 9 21
Mal 14 17 18 6
Matt 25 23 17 25 48 34 29 34 38 42 30 50 58 36 39 28 27 35 30 34 46 46 39 51 46 75 66 20
Mark 45 28 35 41 43 56 37 38 50 52 33 44 37 72 47 20
Luke 80 52 38 44 39 49 50 56 62 42 54 59 35 35 32 31 37 43 48 47 38 71 56 53
John 51 25 36 54 47 71 53 59 41 42 57 50 38 31 27 33 26 40 42 31 25
Acts 26 47 26 37 42 15 60 40 43 48 30 25 52 28 41 40 34 28 41 38 40 30 35 27 27 32 44 31
Rom 32 29 31 25 21 23 25 39 33 21 36 21 14 23 33 27
1Cor 31 16 23 21 13 20 40 13 27 33 34 31 13 40 58 24
2Cor 24 17 18 18 21 18 16 24 15 18 33 21 14
Gal 24 21 29 31 26 18
Eph 23 22 21 32 33 24
Phil 30 30 21 23
Col 29 23 25 18
1Thess 10 20 13 18 28
2Thess 12 17 18
1Tim 20 15 16 16 25 21
2Tim 18 26 17 22
Titus 16 15 15
Phlm 25
Heb 14 18 19 16 14 20 28 13 28 39 40 29 25
Jas 27 26 18 17 20
1Pet 25 25 22 19 14
2Pet 21 22 18
1John 10 29 24 21 21
2John 13
3John 14
Jude 25
Rev 20 29 22 11 14 17 17 13 21 11 19 17 18 20 8 21 18 24 21 15 27 21
"""

# Verses that some editions number otherwise: the doxology of Romans stands after chapter 14
# or 16; 3 John closes with a verse 15 and Revelation 12 with a verse 18 in modern editions.
_EXTRA_VERSES = {("Rom", 14): 26, ("3John", 1): 15, ("Rev", 12): 18}


def _read_canon(text: str) -> dict[str, tuple[int, ...]]:
    books: dict[str, list[int]] = {}
    book: list[int] = []
    for token in text.split():
        if token.isdigit():
            book.append(int(token))
        else:
            book = books[token] = []
    return {name: tuple(verses) for name, verses in books.items()}


CANON = _read_canon(_CANON_TEXT)

# Names by language.  "#" stands for the book's number, however it is written; a name after "|"
# is also an everyday word or a person's name, and is believed only where more speaks for it.
_NAMES = {
    "en": {
        "Gen": "Genesis Gen Gn",
        "Exod": "Exodus Exod Exo Ex",
        "Lev": "Leviticus Lev Lv",
        "Num": "Num Nm | Numbers",
        "Deut": "Deuteronomy Deut Dt",
        "Josh": "Josh | Joshua",
        "Judg": "Judg Jdg | Judges",
        "Ruth": "| Ruth",
        "1Sam": "#Samuel #Sam #Sm",
        "2Sam": "#Samuel #Sam #Sm",
        "1Kgs": "#Kings #Kgs #Ki",
        "2Kgs": "#Kings #Kgs #Ki",
        "1Chr": "#Chronicles #Chron #Chr",
        "2Chr": "#Chronicles #Chron #Chr",
        "Ezra": "| Ezra",
        "Neh": "Nehemiah Neh",
        "Esth": "Esth Est | Esther",
        "Job": "| Job",
        "Ps": "Psalms Psalm Pss Psa Ps",
        "Prov": "Proverbs Prov Prv Pr",
        "Eccl": "Ecclesiastes Eccles Eccl Ecc Qoheleth",
        "Song": "Song_of_Songs Song_of_Solomon Canticles Cant SoS | Song",
        "Isa": "Isaiah Isa | Is",
        "Jer": "Jeremiah Jer",
        "Lam": "Lamentations Lam",
        "Ezek": "Ezekiel Ezek Ezk",
        "Dan": "| Daniel Dan",
        "Hos": "Hosea Hos",
        "Joel": "| Joel",
        "Amos": "| Amos",
        "Obad": "Obadiah Obad",
        "Jonah": "Jonah Jon",
        "Mic": "Mic | Micah",
        "Nah": "Nahum Nah",
        "Hab": "Habakkuk Hab",
        "Zeph": "Zephaniah Zeph",
        "Hag": "Haggai Hag",
        "Zech": "Zechariah Zech",
        "Mal": "Malachi Mal",
        "Matt": "Matt Mt | Matthew",
        "Mark": "Mk | Mark",
        "Luke": "Lk | Luke",
        "John": "Jn | John",
        "Acts": "Acts_of_the_Apostles | Acts",
        "Rom": "Romans Rom",
        "1Cor": "#Corinthians #Cor",
        "2Cor": "#Corinthians #Cor",
        "Gal": "Galatians Gal",
        "Eph": "Ephesians Ephes Eph",
        "Phil": "Philippians Phil Php",
        "Col": "Colossians | Col",
        "1Thess": "#Thessalonians #Thess #Thes #Th",
        "2Thess": "#Thessalonians #Thess #Thes #Th",
        "1Tim": "#Timothy #Tim #Tm",
        "2Tim": "#Timothy #Tim #Tm",
        "Titus": "| Titus",
        "Phlm": "Philemon Philem Phlm Phm",
        "Heb": "Hebrews Heb",
        "Jas": "Jas | James",
        "1Pet": "#Peter #Pet #Pt",
        "2Pet": "#Peter #Pet #Pt",
        "1John": "#John #Jn",
        "2John": "#John #Jn",
        "3John": "#John #Jn",
        "Jude": "| Jude",
        "Rev": "Revelation Revelations Apocalypse | Rev",
    },
}
_ORDINALS = {
    "1": ("1", "1st", "I", "First"),
    "2": ("2", "2nd", "II", "Second"),
    "3": ("3", "3rd", "III", "Third"),
}

# What may follow a bare number that closes a reference: "Mark 2 copies" names no chapter, but
# "Mark 2 is" does.
_FUNCTION_WORDS = {
    "en": "and are as assures at because begins but by calls commands continues describes "
    "encourages ends for from gives has have he how in is it of on or our promises reminds said "
    "says shows speaks states talks teaches tells that the these they this to urges "
    "was we were when where which while who will with you",
}
_QUANTITIES = {
    "en": "million billion thousand hundred percent per degrees hours miles km kg am pm a.m p.m",
}


@dataclass(frozen=True)
class Reference:
    """A passage named in a text.  A list such as "Ps 23; 121:1" gives one for each part."""

    written: str  # the whole reference as it stands in the text, also for a part of a list
    osis: str  # "Matt.25.40", "Ps.121.7-Ps.121.8", whole chapter "Ps.23"
    valid: bool
    start: int  # of `written` in the text
    end: int
    problem: str = ""  # why it is not valid, as a clause: "Matthew 2 has only 23 verses"


def find_references(text: str, language: str = "en") -> list[Reference]:
    """Return the references in `text`, in its order; parts of a list stand side by side.

    Only what carries a number is one, so "Acts of kindness: 2" and "a job 3 days" are none.
    A language whose names are not known yet is read with the English ones.
    """
    spelling = _SPELLINGS.get(language.split("-")[0].lower(), _SPELLINGS["en"])
    found: list[Reference] = []
    end = 0
    while name := spelling.book.search(text, end):
        passages, end = _read_passages(text, name, spelling)
        written = text[name.start() : end]
        found += (
            Reference(written, passage.osis(), not problem, name.start(), end, problem)
            for passage in _merged(passages)
            for problem in [_problem(passage, name.group().strip(" ."))]
        )
    return found


@dataclass(frozen=True)
class _Passage:
    book: str
    chapter: int
    verse: int | None = None
    last_chapter: int | None = None
    last_verse: int | None = None

    def osis(self) -> str:
        first = _osis(self.book, self.chapter, self.verse)
        if self.last_chapter is None:
            return first
        return f"{first}-{_osis(self.book, self.last_chapter, self.last_verse)}"

    def last(self) -> tuple[int, int | None]:
        if self.last_chapter is None:
            return self.chapter, self.verse
        return self.last_chapter, self.last_verse


@dataclass(frozen=True)
class _Spelling:
    book: re.Pattern[str]  # a name as it may be written, dot and space included
    books: dict[str, tuple[str, bool]]  # name as written, in one form -> OSIS id, doubtful
    ends: re.Pattern[str]  # what may follow a bare number
    quantity: re.Pattern[str]  # what makes "2.5" or "10:30" something else


_VERSE_MARK = r"(?:[:.]|\s:\s|,?\s?\bverses?\s|:?\s?(?:vss?|vv?)\.?\s?)"
_FIRST = re.compile(
    r"(?:chapters?\s|chap\.?\s|ch\.?\s?)?(?P<chapter>\d{1,3})(?!\d)"
    rf"(?:{_VERSE_MARK}(?P<verse>\d{{1,3}})(?!\d)[a-d]?f{{0,2}}(?!\w))?"
)
_LAST = re.compile(
    r"\s?[-\u2010-\u2015\u2212]\s?(?:(?P<chapter>\d{1,3})[:.])?(?P<number>\d{1,3})(?!\d)"
    r"[a-d]?f{0,2}(?!\w)"
)
_NEXT = re.compile(
    r"(?P<mark>\s?[,;&]\s?(?:and\s)?|\sand\s)(?:(?P<chapter>\d{1,3})[:.])?"
    r"(?P<number>\d{1,3})(?!\d)[a-d]?f{0,2}(?!\w)"
)


def _read_passages(
    text: str, name: re.Match[str], spelling: _Spelling
) -> tuple[list[_Passage], int]:
    """Return the passages that follow a book's name, and where they end; maybe none."""
    book, doubtful = spelling.books[_one_form(name.group())]
    first = _FIRST.match(text, name.end())
    if first is None:
        return [], name.end()
    chapter, verse = int(first["chapter"]), first["verse"] and int(first["verse"])
    if verse is None and len(CANON[book]) == 1:
        chapter, verse = 1, chapter  # Jude 3
    passage, end = _with_last(text, first.end(), _Passage(book, chapter, verse or None))
    if first["verse"] is None:
        # Nothing but a number speaks for it: the words around must agree.
        exists = not _problem(passage, "")
        closed = spelling.ends.match(text, end) is not None
        short = len(name.group().strip(". ")) <= 2 and doubtful
        if not (exists or closed) or (doubtful and not (exists and closed)) or short:
            return [], name.end()
    if 0 in (chapter, verse) or spelling.quantity.match(text, end):
        return [], name.end()
    passages = [passage]
    while further := _read_next(text, end, passages[-1], spelling):
        passage, end = further
        passages.append(passage)
    return passages, end


def _read_next(
    text: str, start: int, before: _Passage, spelling: _Spelling
) -> tuple[_Passage, int] | None:
    """Return the next passage of a list: "5:3, 5-7; 6:9", "23 and 24"."""
    found = _NEXT.match(text, start)
    if found is None:
        return None
    chapter, verse = before.last()
    number = int(found["number"])
    if found["chapter"]:
        here = _Passage(before.book, int(found["chapter"]), number)
    elif verse is not None and (";" not in found["mark"] or len(CANON[before.book]) == 1):
        here = _Passage(before.book, chapter, number)
    else:
        here = _Passage(before.book, number)
    passage, end = _with_last(text, found.end(), here)
    # "John 3:16, 1 John 4:8" and "Psalm 23, 4 people": the number is the next thing's.
    if found["chapter"] is None and not spelling.ends.match(text, end):
        return None
    return passage, end


def _with_last(text: str, end: int, passage: _Passage) -> tuple[_Passage, int]:
    """Return the passage with the end of its range, if one follows and lies after it."""
    found = _LAST.match(text, end)
    if found is None:
        return passage, end
    number = int(found["number"])
    if found["chapter"]:
        last: tuple[int, int | None] = (int(found["chapter"]), number)
    elif passage.verse is not None:
        last = (passage.chapter, number)
    else:
        last = (number, None)
    if (last[0], last[1] or 0) <= (passage.chapter, passage.verse or 0):
        return passage, end
    verse = passage.verse if last[1] is None else passage.verse or 1
    return _Passage(passage.book, passage.chapter, verse, *last), found.end()


def _merged(passages: list[_Passage]) -> list[_Passage]:
    """Return the passages with adjacent verses as one range, each once."""
    merged: list[_Passage] = []
    for passage in passages:
        before = merged[-1] if merged else None
        if before and before.verse and passage.verse:
            chapter, verse = before.last()
            if (passage.chapter, passage.verse) == (chapter, (verse or 0) + 1):
                merged[-1] = _Passage(before.book, before.chapter, before.verse, *passage.last())
                continue
        if passage not in merged:
            merged.append(passage)
    return merged


def _problem(passage: _Passage, name: str) -> str:
    """Return why the passage does not exist, or an empty string."""
    chapters = CANON[passage.book]
    for chapter, verse in ((passage.chapter, passage.verse), passage.last()):
        if not 1 <= chapter <= len(chapters):
            count = f"only {len(chapters)} chapters" if len(chapters) > 1 else "only one chapter"
            return f"{name} has {count}"
        most = _EXTRA_VERSES.get((passage.book, chapter), chapters[chapter - 1])
        if verse is not None and verse > most:
            place = f"{name} {chapter}" if len(chapters) > 1 else name
            return f"{place} has only {chapters[chapter - 1]} verses"
    return ""


def _osis(book: str, chapter: int, verse: int | None) -> str:
    return f"{book}.{chapter}" if verse is None else f"{book}.{chapter}.{verse}"


def _one_form(name: str) -> str:
    return re.sub(r"[\s.]", "", name).upper()


def _spelling(language: str) -> _Spelling:
    books: dict[str, tuple[str, bool]] = {}
    patterns: set[str] = set()
    for book, (name, doubtful) in _names(language):
        numbers = _ORDINALS[book[0]] if name.startswith("#") else ("",)
        for number in numbers:
            words = name.lstrip("#").replace("_", " ")
            books[_one_form(number + words)] = (book, doubtful)
            space = r"\.?\s?" if number.isdigit() else r"\s" if number else ""
            for form in (words, words.upper()):
                patterns.add(re.escape(number) + space + re.escape(form).replace(r"\ ", r"\s"))
    # The longest first, and tried only where one can begin: most places are none.
    starts = "".join(sorted({re.escape(pattern.lstrip("\\")[0]) for pattern in patterns}))
    choice = "|".join(sorted(patterns, key=len, reverse=True))
    functions = "|".join(_FUNCTION_WORDS[language].split())
    quantities = "|".join(re.escape(word) for word in _QUANTITIES[language].split())
    return _Spelling(
        book=re.compile(rf"(?<!\w)(?=[{starts}])(?:{choice})(?![^\W\d])\.?\s{{0,2}}(?=\d|ch)"),
        books=books,
        ends=re.compile(rf"(?!-[^\W\d])\s*(?:$|(?![%°€£$])[^\w\s])|\s+(?:{functions})\b"),
        quantity=re.compile(rf"\s?(?:%|(?:{quantities})\b)"),
    )


def _names(language: str) -> Iterator[tuple[str, tuple[str, bool]]]:
    for book, written in _NAMES[language].items():
        certain, _, doubtful = written.partition("|")
        yield from ((book, (name, False)) for name in certain.split())
        yield from ((book, (name, True)) for name in doubtful.split())


_SPELLINGS = {language: _spelling(language) for language in _NAMES}
