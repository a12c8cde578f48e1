"""A sheet of people as staff have it: encodings, delimiters and headers of the real world.

Knows the file, not the database.  The whole file is read once before its first row is given
out, so that a file that cannot be read to its end changes nothing.
"""

import csv
import io
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO

from subscribers.errors import UnreadableInput

DELIMITERS = (",", ";", "\t", "|")
_PEEK_BYTES = 1 << 16
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

# Names of columns in the order of preference; compared without case, accents, spaces and
# punctuation.
_KNOWN = {
    "email": "email emailaddress emailadress emailadresse eposta epost mailaddress mailadresse"
    " adresseemail adressemail adresseelectronique courriel correoelectronico correo"
    " indirizzoemail enderecodeemail emailid mail address adresse почта электроннаяпочта"
    " 이메일 메일 メールアドレス メール 邮箱 电子邮件 ایمیل البريدالإلكتروني",
    "name": "name fullname displayname nom nombre nome naam имя 이름 氏名 姓名 نام",
    "first_name": "firstname first fname givenname forename vorname prenom primernombre voornaam",
    "last_name": "lastname last lname surname familyname nachname nomdefamille apellido apellidos"
    " cognome achternaam",
    "language": "language lang locale sprache langue idioma lingua taal язык 언어",
    "timezone": "timezone tz zone zeitzone fuseauhoraire zonahoraria",
    "country": "country countrycode cc land pays pais",
    "style": "style stil",
    "state": "state status subscriptionstatus",
}
LEAVERS = {"unsubtime", "cleantime"}  # only exports of people who left, or bounced, have them


class Row(NamedTuple):
    """One row: its number as a spreadsheet shows it (the header is 1), and the cells we take."""

    number: int
    cells: dict[str, str]  # by the names in _KNOWN
    fault: str | None = None


@dataclass(frozen=True)
class Sheet:
    """A file whose encoding, delimiter and header are understood, readable to its end."""

    source: bytes | Path
    encoding: str
    delimiter: str
    strict: bool
    columns: dict[str, int]  # name in _KNOWN to place
    width: int
    header_row: int
    not_taken: tuple[str, ...]  # headers that mean nothing to us, as written

    def rows(self) -> Iterator[Row]:
        """Return the rows that are not blank; each call reads the file anew."""
        with _text(self.source, self.encoding) as text:
            reader = csv.reader(text, delimiter=self.delimiter, strict=self.strict)
            for number, cells in enumerate(reader, 1):
                if number > self.header_row and any(map(str.strip, cells)):
                    yield self._row(number, cells)

    def _row(self, number: int, cells: list[str]) -> Row:
        taken = {
            name: without_guard(cells[place]) if place < len(cells) else ""
            for name, place in self.columns.items()
        }
        if len(cells) > self.width and any(map(str.strip, cells[self.width :])):
            return Row(number, taken, "The row has more cells than the header.")
        return Row(number, taken)


def open_sheet(source: bytes | Path) -> Sheet:
    """Read `source` once and return it as a sheet.

    UTF-8 with or without BOM, UTF-16 and Windows-1252 are understood, and commas, semicolons,
    tabs and bars between the cells.

    Raises:
        UnreadableInput: missing, empty, binary, broken, without a column for the address, or
            an export of people who left.
    """
    encoding = _encoding(source)
    headers = {one: _header(source, encoding, one) for one in DELIMITERS}
    delimiter = max(headers, key=lambda one: _fit(headers[one][1]))
    number, header = headers[delimiter]
    if not header:
        raise UnreadableInput(
            "The file is empty or its first row cannot be read: it needs a header and one row a "
            "person."
        )
    columns = _columns(header)
    _refuse_leavers(header)
    if "email" not in columns:
        raise UnreadableInput(
            "The file has no column for the address: name one of the columns in its first row "
            "email."
        )
    strict = _is_strict(source, encoding, delimiter)
    others = (cell for place, cell in enumerate(header) if place not in columns.values())
    not_taken = tuple(cell for cell in others if cell)
    return Sheet(source, encoding, delimiter, strict, columns, len(header), number, not_taken)


def guarded(text: str) -> str:
    """Return `text` so that no spreadsheet takes it for a formula; `without_guard` undoes it."""
    return "'" + text if text.lstrip("'").startswith(_FORMULA) else text


def without_guard(text: str) -> str:
    """Return what `guarded` was given."""
    guards = text.startswith("'") and text.lstrip("'").startswith(_FORMULA)
    return text[1:] if guards else text


@contextmanager
def _bytes(source: bytes | Path) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    try:
        file = source.open("rb")
    except OSError:
        raise UnreadableInput(
            f"The file {source} cannot be read: check its name and that this user may read it."
        ) from None
    with file:
        yield file


@contextmanager
def _text(source: bytes | Path, encoding: str) -> Iterator[TextIO]:
    with _bytes(source) as file:
        yield io.TextIOWrapper(file, encoding=encoding, newline="")


def _encoding(source: bytes | Path) -> str:
    with _bytes(source) as file:
        start = file.read(_PEEK_BYTES)
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UnreadableInput(
            "The file is a workbook or an archive, no CSV: save the sheet as CSV, or unpack it."
        )
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        candidates = ["utf-16"]
    elif b"\0" in start:
        raise UnreadableInput("The file is binary: save the table as CSV in UTF-8.")
    else:
        candidates = ["utf-8-sig", "cp1252"]
    for encoding in candidates:
        if _decodes(source, encoding):
            return encoding
    raise UnreadableInput("The letters of the file cannot be read: save it as CSV in UTF-8.")


def _decodes(source: bytes | Path, encoding: str) -> bool:
    try:
        with _text(source, encoding) as text:
            while text.read(_PEEK_BYTES):
                pass
    except UnicodeError:
        return False
    return True


def _header(source: bytes | Path, encoding: str, delimiter: str) -> tuple[int, list[str]]:
    """Return the number and the cells of the first row that is not blank."""
    with _text(source, encoding) as text:
        with suppress(csv.Error):
            for number, cells in enumerate(csv.reader(text, delimiter=delimiter), 1):
                first, *others = [cell.strip() for cell in cells] or [""]
                if any(others) or (first and not first.lower().startswith("sep=")):  # Excel's
                    return number, [first, *others]
    return 0, []


def _fit(header: list[str]) -> tuple[int, int]:
    return len(_columns(header)), len(header)


def _columns(header: list[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, cell in reversed(list(enumerate(header))):
        places[_plain(cell)] = place  # the first of two columns of one name counts
    columns = {}
    for column, names in _NAMES.items():
        if found := next((name for name in names if name in places), None):
            columns[column] = places[found]
    return columns


def _plain(header: str) -> str:
    decomposed = unicodedata.normalize("NFKD", header.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if c.isalnum()))


_NAMES = {column: [_plain(name) for name in names.split()] for column, names in _KNOWN.items()}


def _refuse_leavers(header: list[str]) -> None:
    if found := next((cell for cell in header if _plain(cell) in LEAVERS), None):
        raise UnreadableInput(
            f"The column {found} says that this is a list of people who left or whose mail came "
            "back: import the list of those who are subscribed."
        )


def _is_strict(source: bytes | Path, encoding: str, delimiter: str) -> bool:
    """Return whether the quoting is exact; read to the end either way.

    Loose quoting (`"Anna" <a@b.org>` in a cell) is taken as long as every row is one line:
    otherwise a stray quotation mark could swallow people unseen.
    """
    try:
        with _text(source, encoding) as text:
            for _ in csv.reader(text, delimiter=delimiter, strict=True):
                pass
    except csv.Error:
        _refuse_swallowed_lines(source, encoding, delimiter)
        return False
    return True


def _refuse_swallowed_lines(source: bytes | Path, encoding: str, delimiter: str) -> None:
    with _text(source, encoding) as text:
        reader = csv.reader(text, delimiter=delimiter)
        number = 0
        try:
            for number, cells in enumerate(reader, 1):  # noqa: B007
                if any("\n" in cell or "\r" in cell for cell in cells):
                    break
            else:
                return
        except csv.Error:
            number += 1
    raise UnreadableInput(
        f"Row {number} of the file opens a quotation mark that never closes, so that the rows "
        "after it cannot be told apart: mend that row, then import the file again."
    )
