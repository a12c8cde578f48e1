import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from subscribers.errors import UnreadableInput
from subscribers.spreadsheet import guarded, open_sheet, without_guard

TABLE = "email;name\nanna@example.org;Åsa\n"


def _cells(source: bytes | Path) -> list[dict[str, str]]:
    return [row.cells for row in open_sheet(source).rows()]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le-bom", "utf-16-be-bom"]
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_usual_encoding_is_read(encoding: str, newline: str) -> None:
    text = TABLE.replace("\n", newline)
    if encoding.endswith("-bom"):
        text, encoding = "\ufeff" + text, encoding.removesuffix("-bom")

    assert _cells(text.encode(encoding)) == [{"email": "anna@example.org", "name": "Åsa"}]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_usual_delimiter_is_read(delimiter: str) -> None:
    table = f'name{delimiter}email\n"Ek{delimiter} Anna"{delimiter}anna@example.org\n'

    assert _cells(table.encode()) == [{"name": f"Ek{delimiter} Anna", "email": "anna@example.org"}]


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ("email", 0),
        ("E-Mail", 0),
        (" Email Address ", 0),
        ("EMAIL_ADDRESS", 0),
        ("x,Adresse e-mail", 1),
        ("Prénom,Courriel", 1),
        ("nombre,Correo electrónico", 1),
        ("x,メールアドレス", 1),
        ("x,이메일", 1),
        ("x,البريد الإلكتروني", 1),
        ("Address,Email", 1),  # the surer name wins
        ("Name,Adresse", 1),
        ("email,E-Mail", 0),  # of two the first
        ('"email"', 0),
    ],
)
def test_the_column_of_the_address_is_found_by_many_names(header: str, place: int) -> None:
    assert open_sheet(f"{header}\n".encode()).columns["email"] == place


def test_columns_that_mean_nothing_to_us_are_named() -> None:
    sheet = open_sheet(b"Email Address,First Name,LATITUDE,,Shoe size\na@example.org,A,1,2,3\n")

    assert sheet.not_taken == ("LATITUDE", "Shoe size")
    assert [row.cells for row in sheet.rows()] == [{"email": "a@example.org", "first_name": "A"}]


def test_rows_are_numbered_as_a_spreadsheet_shows_them() -> None:
    table = b'\nsep=;\n\nemail;name\n\na@example.org;"two\nlines"\n;;\nb@example.org\n'

    rows = list(open_sheet(table).rows())

    assert [(row.number, row.cells["email"]) for row in rows] == [
        (6, "a@example.org"),
        (8, "b@example.org"),
    ]
    assert rows[1].cells["name"] == ""


def test_a_row_with_too_many_cells_says_so() -> None:
    rows = list(open_sheet(b"name,email\nEk, Anna,a@example.org\nBo,b@example.org,,\n").rows())

    assert [row.fault for row in rows] == ["The row has more cells than the header.", None]


def test_a_header_may_run_over_two_lines() -> None:
    assert _cells(b'"e-\nmail",name\na@example.org,Anna\n') == [
        {"email": "a@example.org", "name": "Anna"}
    ]


def test_loose_quoting_is_read_while_every_row_is_one_line() -> None:
    table = b'email,name\n"Anna Ek" <a@example.org>,Anna\nb@example.org,Bo "the 2nd" Ek\n'

    assert [cells["email"] for cells in _cells(table)] == [
        "Anna Ek <a@example.org>",
        "b@example.org",
    ]


@pytest.mark.parametrize(
    "table",
    [
        'email,name\na@example.org,"Anna\nb@example.org,Bo\nc@example.org,Cy\n',
        'email,name\na@example.org,"Anna\nb@example.org,"Bo"\nc@example.org,Cy\n',
        'email,name\na@example.org,"' + "x" * 140_000 + '"\n',
    ],
)
def test_a_stray_quotation_mark_swallows_nobody(table: str) -> None:
    with pytest.raises(UnreadableInput, match=r"Row 2 .* quotation mark"):
        open_sheet(table.encode())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b"", "is empty"),
        (b"\n\n  \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"name,phone\nAnna,1\n", "no column for the address"),
        (b"anna@example.org\nben@example.org\n", "no column for the address"),
        (b"PK\x03\x04rest", "workbook or an archive"),
        (b"\xd0\xcf\x11\xe0rest", "workbook or an archive"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "is binary"),
        (b"\xff\xfea", "cannot be read: save it"),
        (b"email\n\x81\x8d\xff@example.org\n", "cannot be read: save it"),
        (b'"' + b"x" * 140_000, "first row cannot be read"),
        (b"email,UNSUB_TIME\na@example.org,2026\n", "UNSUB_TIME says"),
        (b"Email Address,Clean Time\na@example.org,2026\n", "Clean Time says"),
        (Path("missing.csv"), r"missing\.csv cannot be read"),
        (Path(), "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_taken_is_one_sentence(source: bytes | Path, said: str) -> None:
    with pytest.raises(UnreadableInput, match=said) as refusal:
        open_sheet(source)

    assert str(refusal.value).endswith(".")


def test_a_letter_that_breaks_the_encoding_is_found_at_the_end_too() -> None:
    table = (
        b"email,name\n" + b"a@example.org,Anna\n" * 10_000 + "b@example.org,Åsa\n".encode("cp1252")
    )

    *_, last = _cells(table)

    assert last["name"] == "Åsa"


_RISKY = st.text("'=+-@\t\rab", max_size=6)


@given(_RISKY)
@example("'=x")
@example("''")
def test_a_guarded_cell_comes_back_and_is_no_formula(text: str) -> None:
    cell = guarded(text)

    assert without_guard(cell) == text
    assert cell[:1] not in {"=", "+", "-", "@", "\t", "\r"}


_CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(st.lists(st.tuples(_RISKY, _CELL)))
def test_what_a_spreadsheet_writes_is_read_whole(pairs: list[tuple[str, str]]) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(["email", "name"])
    writer.writerows([("x" + email, guarded(name)) for email, name in pairs])

    found = _cells(b"\xef\xbb\xbf" + written.getvalue().encode())

    assert found == [{"email": "x" + email, "name": name} for email, name in pairs]


def test_a_file_is_read_as_often_as_asked(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(TABLE, encoding="utf-8")
    sheet = open_sheet(file)

    assert [row.number for row in sheet.rows()] == [2]
    assert [row.number for row in sheet.rows()] == [2]
