"""The register against everything that a file holds."""

from dataclasses import replace

import pytest

from newsletter.bulletin import (
    Bulletin,
    Heading,
    ItemList,
    Picture,
    PointKind,
    PrayerPoint,
    Property,
    Quotation,
    Scripture,
    read_bulletin,
)
from newsletter.checks import Facts, Finding, Severity, check
from newsletter.names import Kind, Names, Pseudonym

REAL = "Kim Min-jun"
NAMES = Names(
    [
        Pseudonym(Kind.NAME, REAL, "Anna"),
        Pseudonym(Kind.PLACE, "Ban Nam Khem", "the north"),
        Pseudonym(Kind.PHONE, "+82 10-1234-5678", ""),
        Pseudonym(Kind.LINK, "37.5665, 126.9780", ""),
    ]
)


def read(text: str, name: str = "letter.txt") -> Bulletin:
    return read_bulletin(f"A letter\n\n{text}\n\n* Pray for rain.\n".encode(), name)


def at_risk(bulletin: Bulletin, file_name: str = "letter.txt") -> list[Finding]:
    found = check(bulletin, Facts(names=NAMES, file_name=file_name))
    return [finding for finding in found if finding.rule == "name-at-risk"]


def test_the_line_is_told_and_what_is_published_never_what_is_real() -> None:
    (finding,) = at_risk(read("Rain came.\nKim Min-jun wrote."))

    assert finding == Finding(
        "name-at-risk",
        Severity.BLOCKER,
        4,
        "Line 4 holds a name that is published as “Anna”: write that instead.",
        "Anna",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("In ban nam khem.", "a place that is published as “the north”: write that instead."),
        ("Call 010 1234 5678.", "a phone number to keep secret: take it out."),
        ("At 37.5665, 126.9780.", "a link or a spot on the map to keep secret: take it out."),
    ],
)
def test_every_kind_has_its_sentence(text: str, sentence: str) -> None:
    assert [finding.message for finding in at_risk(read(text))] == [f"Line 3 holds {sentence}"]


def test_without_a_register_nothing_is_said() -> None:
    bulletin = read(REAL)

    assert check(bulletin) == []
    assert check(bulletin, Facts(file_name=f"{REAL}.txt")) == []


def test_a_name_over_two_lines_is_found_once() -> None:
    assert [finding.line for finding in at_risk(read("We prayed with Kim\nMin-jun."))] == [3]


def test_the_name_of_the_file_counts() -> None:
    for name in ("KimMinJun.txt", "kim_min-jun (2).txt", "2026-11-Min%20jun%20kim.fa.txt"):
        (finding,) = at_risk(read("Rain."), name)
        assert finding.message == (
            "The name of the file holds a name that is published as “Anna”: give the file another "
            "name, then add it again."
        )


EMPTY = replace(read("Rain."), lines=())


@pytest.mark.parametrize(
    "bulletin",
    [
        replace(EMPTY, title=REAL),
        replace(EMPTY, summary=REAL),
        replace(EMPTY, blocks=(Heading(REAL, 7),)),
        replace(EMPTY, blocks=(Quotation(("“We met Kim", "Min-jun.”"), 7, (7, 9)),)),
        replace(EMPTY, blocks=(Quotation((REAL,), 7),)),
        replace(EMPTY, blocks=(ItemList(("Rain", REAL), 7),)),
        replace(EMPTY, blocks=(Picture(b"", "image/png", REAL, "", 7),)),
        replace(EMPTY, blocks=(Picture(b"", "image/png", "", REAL, 7),)),
        replace(EMPTY, points=(PrayerPoint(REAL, REAL, PointKind.PETITION, 7),)),
        replace(EMPTY, points=(PrayerPoint("x", "x", PointKind.PETITION, 7, group=REAL),)),
        replace(EMPTY, scriptures=(Scripture("John 3:16", "John.3.16", True, 7, REAL),)),
        replace(EMPTY, properties=(Property("author", REAL, 7),)),
        replace(EMPTY, properties=(Property("link", "https://example.org/kim%20min%20jun", 7),)),
        replace(EMPTY, properties=(Property("picture", "KimMinJun.jpg", 7),)),
    ],
)
def test_whatever_holds_it_blocks(bulletin: Bulletin) -> None:
    (finding,) = at_risk(bulletin)

    assert finding.severity is Severity.BLOCKER
    assert "“Anna”" in finding.message
    assert "Kim" not in finding.message


def test_items_and_paragraphs_beside_each_other_make_no_name() -> None:
    assert at_risk(replace(EMPTY, blocks=(ItemList(("Kim", "Min-jun"), 7),))) == []
    assert at_risk(read("Kim\n\nMin-jun")) == []


@pytest.mark.parametrize(
    ("north", "east", "found"),
    [
        ("37.5665", "126.9780", True),
        ("(37.0, 33.0, 59.4)", "(126.0, 58.0, 40.8)", True),
        ("37/1, 33/1, 5940/100", "126/1 58/1 4080/100", True),
        ("37.5665", "126.8", False),
        ("unknown", "126.9780", False),
        ("1/0", "126.9780", False),
    ],
)
def test_the_spot_that_a_camera_wrote_down_counts(north: str, east: str, found: bool) -> None:
    properties = (
        Property("GPSLatitude", north, 9),
        Property("GPSLatitudeRef", "N", 9),
        Property("GPSLongitude", east, 9),
        Property("GPSLongitudeRef", "E", 9),
        Property("GPSPosition", "37.56650, 126.97800" if found else "1.00000, 2.00000", 9),
    )

    spots = at_risk(replace(EMPTY, properties=properties))
    assert [finding.line for finding in spots] == ([9] if found else [])
    south = (replace(properties[1], value="S"), properties[0], *properties[2:4])
    assert at_risk(replace(EMPTY, properties=south)) == []
    assert at_risk(replace(EMPTY, properties=properties[:2])) == []


def test_words_set_apart_by_markup_are_one_name() -> None:
    bulletin = read_bulletin(b"# T\n\n**Kim** <b>Min</b>-jun came.\n\n- Pray", "letter.md")

    assert [finding.line for finding in at_risk(bulletin)] == [3]


PAGE = """<html lang="en"><head><title>{title}</title><meta name="author" content="{author}"></head>
<body><h1>A letter</h1><p>Rain <a href="{link}">came</a>.</p>{more}
<ul><li>Pray for rain.</li></ul></body></html>"""
GOOD = {"title": "A letter", "author": "Ruth", "link": "https://example.org/", "more": ""}


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("title", "A letter by Min-jun Kim"),
        ("author", REAL),
        ("link", "https://maps.example/?q=37.5665%2C126.9780"),
        ("link", "https://example.org/kim-min-jun/"),
        ("link", "tel:+821012345678"),
        ("more", "<p>Kim <b>Min</b>&shy;-jun</p>"),
        ("more", "<p><span>Kim</span> <em>Min-jun</em></p>"),
        ("more", "<blockquote>K&zwj;im<br>Min-jun</blockquote>"),
    ],
)
def test_a_web_page_is_searched_where_nobody_looks(part: str, value: str) -> None:
    good = read_bulletin(PAGE.format(**GOOD).encode(), "letter.html")
    bad = read_bulletin(PAGE.format(**{**GOOD, part: value}).encode(), "letter.html")

    assert at_risk(good) == []
    assert at_risk(bad)
