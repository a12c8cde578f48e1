"""Quotations beside the text of an English Bible: the real one, indexed once in a run."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter import verses
from newsletter.bulletin import Bulletin, read_bulletin
from newsletter.scripture import CANON
from newsletter.scripture.match import compare
from newsletter.verses import VerseIndex, compared, open_verses


@pytest.fixture(scope="module")
def index() -> VerseIndex:
    found = open_verses()
    assert found is not None, "the extra scripture is installed for tests"
    return found


@pytest.fixture
def file(index: VerseIndex, tmp_path: Path) -> Iterator[Path]:
    """A sound index of its own."""
    copy = tmp_path / index.file.name
    copy.write_bytes(index.file.read_bytes())
    yield copy
    open_verses.cache_clear()


# Well-known verses in words of our own, as another translation might have them.
REWORDED = [
    ("John.3.16", "This is how God loved the world: he gave his only Son, so that everyone who "
     "believes in him will not perish but have eternal life."),
    ("Ps.23.1", "The LORD is my shepherd, I lack nothing."),
    ("Ps.34.18", "The Lord is near to the broken-hearted and saves those whose spirits are "
     "crushed."),
    ("Phil.4.13", "I can do everything through Christ, who gives me strength."),
    ("Rom.8.28", "We know that in everything God works together for the good of those who love "
     "him, called according to his plan."),
    ("Isa.41.10", "Do not fear, for I am with you; do not be dismayed, for I am your God. I will "
     "strengthen you and help you."),
    ("Eph.2.8", "It is by grace you have been saved, through faith, and that is not your doing; it "
     "is the gift of God."),
    ("Matt.28.19", "So go and make disciples of every nation, baptising them in the name of the "
     "Father, the Son and the Holy Spirit."),
    ("Mic.6.8", "He has shown you what is good. What does the Lord want of you? To act justly, to "
     "love mercy, and to walk humbly with your God."),
    ("Heb.13.3", "Remember those in prison as if you were bound with them, and those who are "
     "ill-treated."),
    ("Matt.5.44", "Love your enemies and pray for the people who persecute you."),
    ("Rev.21.4", "He will wipe every tear out of their eyes, and there will be no more death, or "
     "mourning, or crying, or pain."),
    ("2Cor.12.9", "My grace is all you need. My power works best in weakness."),
    ("Josh.1.9", "Be strong and brave. Do not be afraid or discouraged, because the Lord your God "
     "will be with you wherever you go."),
    ("Jer.29.11", "I know what plans I have in mind for you, says the Lord, plans for good and not "
     "for disaster, to give you hope and a future."),
]  # fmt: skip
# Too far from the wording of this text; and Deuteronomy 31:6 says nearly the same.
UNSURE = {"Jer.29.11", "Josh.1.9"}

NO_VERSE = [
    "The women meet every week to sew, to cook and to talk about their children.",
    "We thank everybody who gave to the new roof of the school last month.",
    "Please pray for us, the road to the village is closed by snow.",
    "God is good to us here, and people come to our church every day.",
]


@pytest.mark.parametrize(("osis", "words"), REWORDED)
def test_the_right_reference_of_reworded_words_is_left_alone(
    index: VerseIndex, osis: str, words: str
) -> None:
    said = index.compare((osis,), f"“{words}”")

    assert said is not None
    assert (said.suggestion, said.differs) == (None, False)


@pytest.mark.parametrize(("osis", "words"), REWORDED)
def test_a_wrong_reference_of_reworded_words_gets_the_right_one_or_none(
    index: VerseIndex, osis: str, words: str
) -> None:
    said = index.compare(("Obad.1.2",), words)

    assert said is not None
    assert said.suggestion == (None if osis in UNSURE else osis)


@pytest.mark.parametrize("words", NO_VERSE)
def test_words_of_nobody_in_the_bible_get_no_suggestion(index: VerseIndex, words: str) -> None:
    said = index.compare(("Matt.2.40",), words)

    assert said is not None
    assert said.suggestion is None


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("Matt.2.40", "Matt.25.40"),  # a digit is missing
        ("Matt.25.4", "Matt.25.40"),
        ("Matt.25.440", "Matt.25.40"),
        ("Matt.52.40", "Matt.25.40"),  # two are exchanged
        ("Matt.24.40", "Matt.25.40"),  # one is another
        ("Mark.2.40", "Matt.25.40"),  # another book
    ],
)
def test_a_slip_of_the_finger_is_found_by_the_words(
    index: VerseIndex, written: str, right: str
) -> None:
    words = (
        "The king will answer: Truly I tell you, just as you did it to one of the least … to me."
    )

    said = index.compare((written,), words)

    assert said is not None
    assert said.suggestion == right


def test_a_slip_is_told_from_a_like_verse_elsewhere(index: VerseIndex) -> None:
    words = "My help is from the Lord, the maker of heaven and earth."

    slip, far = index.compare(("Ps.121.20",), words), index.compare(("Obad.1.2",), words)

    assert slip is not None
    assert slip.suggestion == "Ps.121.2"
    assert far is not None
    assert far.suggestion is None  # Isaiah 51:13 and Psalm 124:8 say nearly the same


def test_the_whole_cited_range_counts(index: VerseIndex) -> None:
    words = "Love is patient, love is kind. It does not envy, and hopes all things."

    one = index.compare(("1Cor.13.7",), words)
    all_four = index.compare(("1Cor.13.4-1Cor.13.7",), words)
    parts = index.compare(("1Cor.13.4", "1Cor.13.7"), words)

    assert one is not None
    assert all_four is not None
    assert parts is not None
    assert min(all_four.score, parts.score) > one.score


def test_words_that_run_over_two_verses_are_suggested_as_a_range(index: VerseIndex) -> None:
    words = (
        "The harvest indeed is plentiful, but the laborers are few. Pray therefore that the Lord "
        "of the harvest will send out laborers into his harvest."
    )
    text = "Yahweh is my shepherd: I shall lack nothing. He makes me lie down in green pastures."

    harvest, shepherd = (index.compare(("Obad.1.2",), each) for each in (words, text))

    assert harvest is not None
    assert harvest.suggestion is None  # Matthew 9:37-38 and Luke 10:2
    assert shepherd is not None
    assert shepherd.suggestion == "Ps.23.1-Ps.23.2"


def test_what_is_left_out_and_put_in_does_not_count(index: VerseIndex) -> None:
    plain = index.compare(("Ps.23.1",), "The Lord is my shepherd; I shall lack nothing.")
    typed = index.compare(
        ("Ps.23.1",), "“The LORD … is my [good and only] shepherd; … I shall lack nothing.”"
    )

    assert plain is not None
    assert typed is not None
    assert typed.score > 0.8
    assert plain.score > 0.8


def test_too_few_words_say_nothing(index: VerseIndex) -> None:
    assert index.compare(("Matt.2.40",), "Jesus wept.") is None


def test_words_that_read_quite_differently_are_told_only_where_they_are_many(
    index: VerseIndex,
) -> None:
    long = "The women meet every week in the old mill to sew, to cook and to talk about children."

    foreign = index.compare(("Acts.4.12",), long)
    paraphrase = index.compare(
        ("Ps.126.5",), "Whoever has wept over his field will come home laughing."
    )

    assert foreign is not None
    assert (foreign.differs, foreign.suggestion) == (True, None)
    assert paraphrase is not None
    assert (paraphrase.differs, paraphrase.suggestion) == (False, None)


def test_the_text_has_every_verse_of_the_canon(index: VerseIndex) -> None:
    with index.opened() as text:
        missing = [
            f"{book}.{chapter}.{verse}"
            for book, chapters in CANON.items()
            for chapter, last in enumerate(chapters, 1)
            for verse in (1, last)
            if not text.passage(f"{book}.{chapter}.{verse}")
        ]
        doxology = text.passage("Rom.16.25"), text.passage("Rom.14.24")
        nothing = text.holding([]), text.passage("Obad.1.99")

    assert missing == []
    assert doxology[0] == doxology[1]
    assert doxology[0]
    assert nothing == ([], "")


# --- bulletins ---------------------------------------------------------------------------


def read(text: str, language: str = "en") -> Bulletin:
    return compared(read_bulletin(text.encode(), "a.txt", language))


def test_the_real_sample_gets_matthew_25_40(shared: Path) -> None:
    source = (shared / "samples" / "north-korea.txt").read_bytes()

    (verse,) = compared(read_bulletin(source, "north-korea.txt")).scriptures

    assert (verse.osis, verse.suggestion, verse.valid) == ("Matt.2.40", "Matt.25.40", False)


def test_words_quoted_in_running_text_are_compared_too() -> None:
    before = read("Title\n\n• Pray as “The Lord is near to the broken-hearted” (Ps 34:19) says.")
    behind = read("Title\n\n• Think of Ps 34:19: “The Lord is near to the broken-hearted”. Pray.")

    for bulletin in (before, behind):
        (verse,) = bulletin.scriptures
        assert (verse.quotation, verse.suggestion, verse.differs) == (None, "Ps.34.18", True)


def test_a_list_of_passages_gets_no_single_suggestion() -> None:
    bulletin = read("Title\n\n• Pray.\n\nPs 1:1; 2:1: “The LORD is my shepherd, I lack nothing.”")

    assert [verse.suggestion for verse in bulletin.scriptures] == [None, None]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Titel\n\n• Betet.\n\nPsalm 24,1: “The LORD is my shepherd, I lack nothing.”", "de"),
        ("Title\n\n• Pray.\n\nWe read Psalm 24:1.", "en"),
    ],
)
def test_without_english_words_nothing_is_compared(text: str, language: str) -> None:
    bulletin = read_bulletin(text.encode(), "a.txt", language)

    assert compared(bulletin) is bulletin


def test_without_the_extra_nothing_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verses, "_PACKAGE", "no-such-package-anywhere")
    open_verses.cache_clear()
    text = "Title\n\n• Pray.\n\nPsalm 24:1: “The LORD is my shepherd, I lack nothing.”"
    bulletin = read_bulletin(text.encode(), "a.txt")

    assert compared(bulletin) is bulletin
    open_verses.cache_clear()


# --- the file ----------------------------------------------------------------------------

PSALM = (("Ps.24.1",), "The LORD is my shepherd, I lack nothing.")


def test_the_index_is_made_in_the_folder_that_is_named(index: VerseIndex, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "verses"
    program = (
        "import sys; from pathlib import Path; from newsletter import verses; "
        "verse = (19023001, 'Yahweh is my shepherd: I shall lack nothing'); "
        "verses._verses = lambda: iter([verse]); "
        "verses.open_verses(Path(sys.argv[1]))"
    )

    both = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", program, str(folder)])
        for _ in range(2)
    ]

    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert [path.name for path in folder.iterdir()] == [index.file.name]
    assert _suggested(VerseIndex(folder / index.file.name)) == "Ps.23.1"


@pytest.mark.parametrize("damage", ["cut", "overwritten", "gone", "empty"])
def test_a_damaged_index_is_made_anew(
    index: VerseIndex, file: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verses, "_verses", lambda: _some(index))
    _damage(file, damage)

    made = open_verses(file.parent)

    assert made is not None
    assert _suggested(made) == "Ps.23.1"


def test_an_index_that_is_damaged_while_open_is_made_anew(
    index: VerseIndex, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verses, "_verses", lambda: _some(index))
    opened = open_verses(file.parent)
    assert opened is not None
    _damage(file, "overwritten")

    assert _suggested(opened) == "Ps.23.1"


def test_an_index_that_cannot_be_made_again_compares_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> Iterator[tuple[int, str]]:
        raise sqlite3.OperationalError("database or disk is full")

    opened = open_verses(file.parent)
    assert opened is not None
    monkeypatch.setattr(verses, "_verses", full)
    _damage(file, "overwritten")

    assert opened.compare(*PSALM) is None
    assert [path.name for path in file.parent.iterdir()] == [file.name]  # nothing half made


def test_without_a_place_the_index_lasts_as_long_as_the_process(
    index: VerseIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verses, "_verses", lambda: _some(index))
    taken = tmp_path / "file"
    taken.touch()

    made = open_verses(taken)

    assert made is not None
    assert made.file.parent != taken
    assert _suggested(made) == "Ps.23.1"
    open_verses.cache_clear()


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert verses.cache_folder() == tmp_path / ".cache" / "prayer-newsletter"


def test_the_same_is_compared_once(index: VerseIndex) -> None:
    fresh = VerseIndex(index.file)
    asked = [fresh.compare((f"Ps.{n}.1",), PSALM[1]) for n in range(1, 4)]

    with fresh.opened() as text:
        again = compare(("Ps.1.1",), PSALM[1], text)

    assert asked[0] == again
    assert fresh.compare(("Ps.1.1",), PSALM[1]) is asked[0]


def _some(index: VerseIndex) -> Iterator[tuple[int, str]]:
    """Three psalms: quicker to index than the whole."""
    with index.opened() as text:
        found = [(19_000_000 + n * 1000 + 1, text.passage(f"Ps.{n}.1")) for n in (22, 23, 24)]
    return iter(found)


def _suggested(index: VerseIndex) -> str | None:
    said = index.compare(*PSALM)
    return said.suggestion if said else None


def _damage(file: Path, how: str) -> None:
    whole = file.read_bytes()
    if how == "gone":
        file.unlink()
        return
    written = {"cut": whole[:100_000], "overwritten": b"x" * len(whole), "empty": b""}
    file.write_bytes(written[how])
