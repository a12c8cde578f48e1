import importlib
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.scripture import CANON, find_references


def osis(text: str) -> list[str]:
    return [reference.osis for reference in find_references(text)]


def test_the_canon_is_that_of_an_independent_table() -> None:
    with warnings.catch_warnings():  # of the package itself, when it is first compiled
        warnings.simplefilter("ignore")
        data = importlib.import_module("bibleref.data")
    theirs = [tuple(data.default_max_verses[book]) for book in data.default_book_order]

    assert [*CANON.values()] == theirs
    assert len(CANON) == 66
    assert sum(map(len, CANON.values())) == 1189
    assert sum(map(sum, CANON.values())) == 31102


def test_the_canon_is_that_of_a_second_table() -> None:
    theirs = importlib.import_module("pythonbible.verses").MAX_VERSE_NUMBER_BY_BOOK_AND_CHAPTER

    assert [*CANON.values()] == [tuple(chapters) for chapters in theirs.values()][: len(CANON)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Matthew 2 vs 40: “And the king”", ["Matt.2.40"]),
        ("Mt 25.40", ["Matt.25.40"]),
        ("Matthew chapter 25 verse 40", ["Matt.25.40"]),
        ("Matt. ch. 25, verse 40", ["Matt.25.40"]),
        ("Mark 2v5", ["Mark.2.5"]),
        ("JOHN 3:16", ["John.3.16"]),
        ("John 3 : 16", ["John.3.16"]),
        ("John 3:16b (NIV)", ["John.3.16"]),
        ("Acts 2:42ff.", ["Acts.2.42"]),
        ("1 Cor 13:4-7", ["1Cor.13.4-1Cor.13.7"]),
        ("2Cor 4:8–9", ["2Cor.4.8-2Cor.4.9"]),
        ("I Corinthians 13", ["1Cor.13"]),
        ("II Tim 1:7", ["2Tim.1.7"]),
        ("First Peter 5:7", ["1Pet.5.7"]),
        ("1. Samuel 3", ["1Sam.3"]),
        ("1st John 4:8", ["1John.4.8"]),
        ("Song of Songs 2:4", ["Song.2.4"]),
        ("Ps 23", ["Ps.23"]),
        ("Psalm 23 is read", ["Ps.23"]),
        ("Ps 120–134", ["Ps.120-Ps.134"]),
        ("Ps 121:7,8", ["Ps.121.7-Ps.121.8"]),
        ("Ps 121:7, 8-9", ["Ps.121.7-Ps.121.9"]),
        ("Matt 5:1-6:2", ["Matt.5.1-Matt.6.2"]),
        ("Gen 1-2:3", ["Gen.1.1-Gen.2.3"]),
        ("Matt 5:3, 5-7; 6:9", ["Matt.5.3", "Matt.5.5-Matt.5.7", "Matt.6.9"]),
        ("Matt 5:3; 7", ["Matt.5.3", "Matt.7"]),
        ("Ps 23 and 24", ["Ps.23", "Ps.24"]),
        ("Ps 23, 23", ["Ps.23"]),
        ("John 3:16, 1 John 4:8", ["John.3.16", "1John.4.8"]),
        ("John 3:16-1 John 4:8", ["John.3.16", "1John.4.8"]),
        ("Ps 23:1 and 2 Timothy 1:7", ["Ps.23.1", "2Tim.1.7"]),
        ("Psalm 23, 4 people came", ["Ps.23"]),
        ("Jude 3", ["Jude.1.3"]),
        ("Jude 3-4", ["Jude.1.3-Jude.1.4"]),
        ("Jude 3; 5", ["Jude.1.3", "Jude.1.5"]),
        ("2 John 1:6", ["2John.1.6"]),
        ("Is 40:31", ["Isa.40.31"]),
        ("Mark 2 is short", ["Mark.2"]),
        ("Psalm 121:17-8", ["Ps.121.17"]),
    ],
)
def test_a_reference_is_found_as_people_write_it(text: str, expected: list[str]) -> None:
    assert osis(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a job 3 days",
        "acts of kindness: 2",
        "Acts of kindness: 2",
        "Mark 2 copies",
        "Mark 2.5 million",
        "Mark 2-year-old",
        "Meet Mark 10:30 am",
        "Around 10 of them",
        "Is 40 enough?",
        "Is 40, he says",
        "Daniel 6 times",
        "Ruth 3 years",
        "John 45",
        "Jude 30",
        "Acts 29 churches",
        "Numbers 400 to 500 came",
        "Romans 45 years",
        "Luke 2:0",
        "Psalm 0",
        "the Genesis project 7",
        "1. Mose 3",
        "Markus 3:4",
        "Matthew",
        "Mark 2026",
    ],
)
def test_prose_is_no_reference(text: str) -> None:
    assert osis(text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Matthew 2 vs 40", "Matthew 2 has only 23 verses"),
        ("John 3:99", "John 3 has only 36 verses"),
        ("Mt. 29:1", "Mt has only 28 chapters"),
        ("Psalm 151:1", "Psalm has only 150 chapters"),
        ("Psalm 151", "Psalm has only 150 chapters"),
        ("John 3:16-40", "John 3 has only 36 verses"),
        ("Jude 1:26", "Jude has only 25 verses"),
        ("Jude 2:1", "Jude has only one chapter"),
        ("Rom 14:27", "Rom 14 has only 23 verses"),
    ],
)
def test_a_passage_that_does_not_exist_says_why(text: str, problem: str) -> None:
    (reference,) = find_references(text)

    assert not reference.valid
    assert reference.problem == problem


@pytest.mark.parametrize("text", ["Romans 14:24-26", "Romans 16:25-27", "3 John 15", "Rev 12:18"])
def test_verses_that_some_editions_number_otherwise_pass(text: str) -> None:
    assert all(reference.valid for reference in find_references(text))


def test_one_part_of_a_list_can_be_wrong() -> None:
    found = find_references("Read Matt 5:3; 6:99 today")

    assert [reference.valid for reference in found] == [True, False]
    assert {reference.written for reference in found} == {"Matt 5:3; 6:99"}


def test_a_language_that_is_not_known_yet_is_read_with_english_names() -> None:
    assert find_references("John 3:16", "pt-BR") == find_references("John 3:16", "en")


@given(
    st.sampled_from([(book, n) for book, chapters in CANON.items() for n in range(len(chapters))]),
    st.data(),
)
def test_a_verse_is_valid_exactly_where_the_canon_has_it(
    place: tuple[str, int], data: st.DataObject
) -> None:
    book, chapter = place
    verse = data.draw(st.integers(1, 200))
    name = {"Song": "Song of Songs", "Dan": "Daniel"}.get(book, book)

    found = find_references(f"see {name} {chapter + 1}:{verse}.")

    extra = {("Rom", 13): 26, ("3John", 0): 15, ("Rev", 11): 18}.get(place, 0)
    assert [reference.osis for reference in found] == [f"{book}.{chapter + 1}.{verse}"]
    assert found[0].valid == (verse <= max(CANON[book][chapter], extra))


@given(st.text(alphabet="Mark JohnPs12 3:,;-–.v&and", max_size=60))
def test_what_was_written_is_in_the_text(text: str) -> None:
    for reference in find_references(text):
        assert text[reference.start : reference.end] == reference.written
