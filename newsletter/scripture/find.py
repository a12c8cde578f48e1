"""References in prose: look at every number, and back for a name."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from newsletter.scripture.canon import CANON, is_single, last_chapter, last_verse
from newsletter.scripture.display import osis_of, reference_name
from newsletter.scripture.names import known, names_of
from newsletter.scripture.spelling import Book, Spelling, exact, folded, plain, spelling_of, value

_LONGEST_NAME = 45  # characters before a number that may be a name
_LONGEST_WORD = 25
_LONGEST_LEAD = 14  # ", chapter "
_MOST_VERSES = 176  # of any chapter

_TOKEN = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u064b-\u0655\u0670\u200c])*|\d+[.ªº]?")
_LAST_TOKEN = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u064b-\u0655\u0670\u200c])*$")
_BETWEEN_TOKENS = re.compile(r"[.\s'’-]{0,2}")
_GOES_ON = re.compile(r"[:.,]?\d|:[xX?_]")  # "2:0" and "1,2345": a number that was not taken whole
_NUMBERED_NAME = re.compile(r"[1-5]\.?\s?[^\W\d_]+")
_CAUSES = "见見參参看读讀照引如据據按"  # "see", "read": may stand right before a short Chinese name


class Reference(NamedTuple):
    """A passage named in a text.  A list such as "Ps 23; 121:1" gives one for each part."""

    written: str  # the whole reference as it stands in the text, also for a part of a list
    osis: str  # "Matt.25.40", "Ps.121.7-Ps.121.8", whole chapter "Ps.23"
    valid: bool
    start: int  # of `written` in the text
    end: int
    problem: str = ""  # why it is not valid, as a clause: "Matthew 2 has only 23 verses"
    usual: str = ""  # the usual form of `written`, where that is spelled in an unusual way


class _Passage(NamedTuple):
    book: str
    chapter: int
    verse: int | None = None
    last_chapter: int | None = None
    last_verse: int | None = None

    def osis(self) -> str:
        first = osis_of(self.book, self.chapter, self.verse)
        if self.last_chapter is None:
            return first
        return f"{first}-{osis_of(self.book, self.last_chapter, self.last_verse)}"

    def last(self) -> tuple[int, int | None]:
        if self.last_chapter is None:
            return self.chapter, self.verse
        return self.last_chapter, self.last_verse


class _Name(NamedTuple):
    """A book's name in front of a number."""

    book: Book
    start: int
    written: str
    sure: bool  # "chapter" stands behind it
    short: bool  # a single ideograph, or two letters that are a word too


class _Read(NamedTuple):
    """What follows a name."""

    passages: tuple[_Passage, ...]
    end: int
    unusual: bool


def find_references(text: str, language: str = "en") -> list[Reference]:
    """Return the references in `text`, in its order; parts of a list stand side by side.

    Only what carries a number is one, so "Acts of kindness: 2" and "a job 3 days" are none.
    A language whose names are not known is read with the English ones.
    """
    spelling = spelling_of(language)
    even = plain(text)
    found: list[Reference] = []
    end = 0
    for number in spelling.number.finditer(even):
        if number.start() < end:
            continue
        name = name_before(even, number.start(), end, spelling)
        read = _read(even, name, number.start(), spelling, language) if name else None
        if name is None or read is None:
            continue
        end = read.end
        found += _references(text, name, read, language)
    return found


def _references(text: str, name: _Name, read: _Read, language: str) -> Iterator[Reference]:
    passages = _merged(read.passages)
    written = text[name.start : read.end]
    usual = ""
    if read.unusual:
        usual = "; ".join(reference_name(passage.osis(), language) for passage in passages)
    for passage in passages:
        problem = _problem(passage, name.written, language)
        yield Reference(written, passage.osis(), not problem, name.start, read.end, problem, usual)


# --- the name ----------------------------------------------------------------------------


def name_before(even: str, number: int, floor: int, spelling: Spelling) -> _Name | None:
    """Return the book's name that ends right before the number at `number`."""
    window = even[max(floor, number - _LONGEST_NAME) : number]
    lead = spelling.lead.search(window, max(0, len(window) - _LONGEST_LEAD))
    if lead is None:
        return None
    begin = number - len(window)
    sure = any(map(str.isalpha, lead.group()))
    before = window[: lead.start()]
    if spelling.names.letters == "ideographs":
        name = _name_of_ideographs(before, begin, spelling, sure)
        if name is not None:
            return name
    return _name_of_words(before, begin, spelling, sure)


def _name_of_words(before: str, begin: int, spelling: Spelling, sure: bool) -> _Name | None:
    # Most numbers stand behind a word that ends no name.
    last = _LAST_TOKEN.search(before, max(0, len(before) - _LONGEST_WORD))
    if last is None or not _ends_a_name(last.group(), spelling):
        return None
    tokens = list(_TOKEN.finditer(before))[-5:]
    start = len(tokens) - 1
    while start and _BETWEEN_TOKENS.fullmatch(
        before, tokens[start - 1].end(), tokens[start].start()
    ):
        start -= 1
    for token in tokens[start:]:
        place = token.start()
        book = _book(before[place:], spelling)
        if book is None and _has_and(token.group(), spelling):
            place += 1
            book = _book(before[place:], spelling)
        written = before[place:]
        if book is None or not _is_name(written, book, spelling):
            continue
        letters = sum(map(str.isalpha, written))
        return _Name(book, begin + place, written, sure, letters <= 2 and book.doubtful)
    return None


def _book(written: str, spelling: Spelling) -> Book | None:
    return spelling.books.get(exact(written)) or spelling.books.get(folded(written))


def _ends_a_name(word: str, spelling: Spelling) -> bool:
    tail = folded(word)
    return tail in spelling.tails or (
        _has_and(word, spelling) and folded(word[1:]) in spelling.tails
    )


def _has_and(word: str, spelling: Spelling) -> bool:
    """Whether the word may begin with the Arabic "and", which is written together with it."""
    return spelling.names.letters == "bare" and word.startswith("و")


def _is_name(written: str, book: Book, spelling: Spelling) -> bool:
    if spelling.names.letters == "bare" or book.any_case:
        return True
    first = next((sign for sign in written if sign.isalpha()), "")
    return not first.islower() or (not book.doubtful and len(written) > 3)


def _name_of_ideographs(before: str, begin: int, spelling: Spelling, sure: bool) -> _Name | None:
    if before[-1:] not in spelling.tails:
        return None
    for length in range(min(10, len(before)), 0, -1):
        written = before[-length:]
        if not written[0].isalnum() or (book := spelling.books.get(folded(written))) is None:
            continue
        if written[0].isascii():
            return None  # an English name, which has borders
        ahead = before[-length - 1 : -length] if length < len(before) else ""
        joined = ahead.isalpha() and ahead not in _CAUSES
        if joined and (length == 1 or _is_hangul(written[0])):
            continue
        return _Name(book, begin + len(before) - length, written, sure, length == 1)
    return None


def _is_hangul(sign: str) -> bool:
    return "가" <= sign <= "힣"


# --- what follows it ---------------------------------------------------------------------


def _read(even: str, name: _Name, number: int, spelling: Spelling, language: str) -> _Read | None:
    """Return the passages that follow a book's name; None where it is no reference."""
    first = spelling.first.match(even, number)
    if first is None:
        return None
    book = name.book.osis
    found = first.groupdict()
    chapter, mark = value(found["chapter"]), found["mark"] or ""
    written_verse = found["verse"] or found.get("late")
    verse = value(written_verse) if written_verse else None
    if verse is None and not found.get("after") and not found["chapter"].isdigit():
        return None  # 约翰一书: the numeral is part of a name
    end = first.end()
    if verse is not None and _is_something_else(even, end, mark, chapter, verse, name, language):
        return None
    if verse is not None and mark == ", " and _is_next_chapter(book, chapter, verse, language):
        verse, mark, end = None, "", first.end("chapter")
    explicit = verse is not None or name.sure or bool(found.get("after"))
    if verse is None and is_single(book):
        chapter, verse = 1, chapter  # Jude 3
    passage, end = _with_last(even, end, _Passage(book, chapter, verse), mark, spelling)
    if not _is_believed(even, end, passage, name, explicit, spelling, language):
        return None
    passages = [passage]
    while more := _further(even, end, passages[-1], mark, spelling):
        passage, end = more
        passages.append(passage)
    return _Read(tuple(passages), end, _is_unusual(name, mark, spelling))


def _is_something_else(
    even: str, end: int, mark: str, chapter: int, verse: int, name: _Name, language: str
) -> bool:
    """Whether the two numbers are a time, an amount or a date."""
    if 0 in (chapter, verse):
        return True
    sign = mark.strip()
    if sign in (".", ",") and verse > _MOST_VERSES:
        return True  # 1.200
    again = even[end : end + 1]
    if sign and again == sign and even[end + 1 : end + 2].isdigit():
        return True  # 10:30:15, 7.5.2026
    # "Am 7.5. um neun", "Is 40:60 a fair share": what is also a word is believed with an unusual
    # point only where it exists, and a very short one only there.
    names = names_of(known(language))
    faint = _is_faint(name) and "." not in names.usual
    unsure = (sign == "." and (faint or _may_be_initials(name))) or (
        name.short and name.book.doubtful
    )
    dated = again == "." and names.between == ","
    return unsure and (dated or verse > last_verse(name.book.osis, chapter, known(language)))


def _is_next_chapter(book: str, chapter: int, number: int, language: str) -> bool:
    """Whether "Psaume 23, 24" are two psalms: the one has fewer verses."""
    code = known(language)
    return last_verse(book, chapter, code) < number <= last_chapter(book, code)


def _is_believed(
    even: str,
    end: int,
    passage: _Passage,
    name: _Name,
    explicit: bool,
    spelling: Spelling,
    language: str,
) -> bool:
    if spelling.quantity.match(even, end):
        return False
    if passage.verse is None and _GOES_ON.match(even, end):
        return False
    closed = spelling.ends.match(even, end) is not None
    if name.written and spelling.names.letters == "ideographs" and name.short:
        # One sign is a word too: it needs its verse, and room around it where it is a common one.
        bracket = even[name.start - 1 : name.start] in ("(", "[", "《", "【")
        alone = name.start == 0 or even[name.start - 1] == "\n"
        return explicit and (not name.book.doubtful or bracket or (alone and closed))
    brackets = even[name.start - 1 : name.start] == "(" and even[end : end + 1] == ")"
    if explicit or (brackets and not name.short):
        return True
    if name.book.needs_verse:
        return False
    # Nothing but a number speaks for it: the words around must agree.
    exists = not _problem(passage, "", language)
    if not (exists or closed) or (_is_faint(name) and not (exists and closed)):
        return False
    if name.short or _may_be_initials(name):
        return False
    lower = next((sign for sign in name.written if sign.isalpha()), "").islower()
    return not lower or name.book.any_case


def _is_faint(name: _Name) -> bool:
    """Whether the name alone says little: a word, or an abbreviation that others use too."""
    return name.book.doubtful or (len(name.written) <= 3 and name.book.osis != "Ps")


def _may_be_initials(name: _Name) -> bool:
    """Whether it is written as many other things are: "MT 6", "PHP 8.2"."""
    return name.written.isupper() and len(name.written) <= 3 and name.book.osis != "Ps"


def _is_unusual(name: _Name, mark: str, spelling: Spelling) -> bool:
    names = spelling.names
    if names.letters != "alphabet":
        return False
    sign = mark.strip(" .,:").lower() or mark.strip() or mark
    spaced = mark.strip() == ":" and mark != ":"
    lower = next((letter for letter in name.written if letter.isalpha()), "").islower()
    return (
        spaced
        or (lower and not name.book.any_case)
        or sign in ("v", "vs", "vv", "vss")
        or (len(sign) == 1 and not sign.isalpha() and sign not in names.usual)
    )


def _further(
    even: str, start: int, before: _Passage, mark: str, spelling: Spelling
) -> tuple[_Passage, int] | None:
    """Return the next passage of a list: "5:3, 5-7; 6:9", "23 and 24"."""
    found = spelling.further.match(even, start)
    if found is None or (found["mark"] == "." and mark.strip() != ","):
        return None
    if "," in found["mark"] and (found["between"] or "") == ",":
        return None
    if found["chapter"] is None and _begins_a_name(even, found.start("number"), spelling):
        return None
    chapter, verse = before.last()
    number = value(found["number"])
    if found["chapter"]:
        here = _Passage(before.book, value(found["chapter"]), number)
    elif verse is not None and (";" not in found["mark"] or is_single(before.book)):
        here = _Passage(before.book, chapter, number)
    else:
        here = _Passage(before.book, number)
    passage, end = _with_last(even, found.end(), here, mark, spelling)
    # "John 3:16, 1 John 4:8" and "Psalm 23, 4 people": the number is the next thing's.
    if found["chapter"] is None and not spelling.ends.match(even, end):
        return None
    if spelling.quantity.match(even, end):
        return None
    return passage, end


def _begins_a_name(even: str, number: int, spelling: Spelling) -> bool:
    """Whether the number belongs to a book's name: "Joh 3,16 und 1. Mose 1"."""
    found = _NUMBERED_NAME.match(even, number)
    return found is not None and folded(found.group()) in spelling.books


def _with_last(
    even: str, end: int, passage: _Passage, mark: str, spelling: Spelling
) -> tuple[_Passage, int]:
    """Return the passage with the end of its range, if one follows and lies after it."""
    found = spelling.last.match(even, end)
    if found is None:
        return passage, end
    number, stop = value(found["number"]), found.end()
    chapter = found["chapter"] and value(found["chapter"])
    if chapter and found["between"] == "." and mark.startswith(","):
        number, chapter, stop = chapter, None, found.end("chapter")  # "13,4-7.13"
    if chapter:
        last: tuple[int, int | None] = (chapter, number)
    elif passage.verse is not None:
        last = (passage.chapter, number)
    else:
        last = (number, None)
    if (last[0], last[1] or 0) <= (passage.chapter, passage.verse or 0):
        return passage, end
    if found["word"] and spelling.quantity.match(even, stop):
        return passage, end
    verse = passage.verse if last[1] is None else passage.verse or 1
    return passage._replace(verse=verse, last_chapter=last[0], last_verse=last[1]), stop


def _merged(passages: tuple[_Passage, ...]) -> list[_Passage]:
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


def _problem(passage: _Passage, name: str, language: str) -> str:
    """Return why the passage does not exist, or an empty string."""
    book, code = passage.book, known(language)
    chapters = last_chapter(book, code)
    for chapter, verse in ((passage.chapter, passage.verse), passage.last()):
        verses = last_verse(book, chapter, code)
        if chapter > chapters or not verses:
            count = f"only {len(CANON[book])} chapters" if chapters > 1 else "only one chapter"
            return f"{name} has {count}"
        if verse is not None and verse > verses:
            place = name if is_single(book) else f"{name} {chapter}"
            usual = CANON[book][chapter - 1] if chapter <= len(CANON[book]) else verses
            return f"{place} has only {max(usual, verses) if code != 'en' else usual} verses"
    return ""
