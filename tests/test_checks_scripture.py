"""What is said of references, and of the words beside them."""

from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.bulletin import Bulletin, read_bulletin
from newsletter.checks import Finding, check
from newsletter.scripture import find_references, find_unread, names_translation
from newsletter.scripture.translations import example_translation
from newsletter.verses import compared

OURS = ("ref-invalid", "ref-mismatch", "ref-style", "ref-unparsed", "translation-unnamed")


def read(text: str, language: str = "en") -> Bulletin:
    return read_bulletin(f"Title\n\n• Pray.\n\n{text}".encode(), "a.txt", language)


def found(bulletin: Bulletin) -> list[Finding]:
    return [finding for finding in check(bulletin) if finding.rule in OURS]


def test_a_verse_that_does_not_exist_blocks_and_its_words_name_the_right_one() -> None:
    words = "“Truly, just as you did it to one of the least of these, you did it to me.”"

    (finding,) = found(compared(read(f"Matthew 2:40 (NIV): {words}")))

    assert (finding.rule, finding.severity, finding.suggestion) == (
        "ref-invalid",
        "blocker",
        "Matt.25.40",
    )
    assert finding.message == (
        "Line 5 refers to Matthew 2:40, but Matthew 2 has only 23 verses: the words are those of "
        "Matthew 25:40, so correct the reference."
    )


def test_without_a_text_to_compare_with_the_verse_is_to_be_looked_up() -> None:
    (finding,) = found(read("Matthew 2:40 (NIV): “The king will answer them.”"))

    assert finding.suggestion is None
    assert finding.message.endswith("look the passage up and correct the reference.")


def test_words_of_another_verse_are_a_warning_with_the_right_one() -> None:
    (finding,) = found(
        compared(read("Psalm 24:1 (NIV): “The LORD is my shepherd, I lack nothing.”"))
    )

    assert (finding.rule, finding.severity, finding.suggestion) == (
        "ref-mismatch",
        "warning",
        "Ps.23.1",
    )
    assert finding.message == (
        "Line 5 quotes words as Psalm 24:1, but they are those of Psalm 23:1: correct the "
        "reference, or the words."
    )


def test_words_that_are_no_verse_are_to_be_looked_up() -> None:
    bulletin = read("Psalm 24:1 (NIV): “The mill stands by the river.”")
    (verse,) = bulletin.scriptures

    (finding,) = found(replace(bulletin, scriptures=(replace(verse, differs=True),)))

    assert finding.suggestion is None
    assert finding.message.endswith("but they read quite differently there: look the passage up.")


def test_the_right_words_are_left_alone() -> None:
    assert (
        found(compared(read("Psalm 23:1 (NIV): “The LORD is my shepherd, I lack nothing.”"))) == []
    )


def test_an_unusual_spelling_is_a_note_told_once() -> None:
    bulletin = read("We read Matthew 5 vs 3; 6:9 and Matt 7:1.")

    (finding,) = found(bulletin)

    assert (finding.rule, finding.severity) == ("ref-style", "note")
    assert finding.message == (
        "Line 5 writes “Matthew 5 vs 3; 6:9”: the usual way to write it is Matthew 5:3; "
        "Matthew 6:9."
    )


def test_how_to_write_a_verse_that_does_not_exist_is_never_shown(shared: Path) -> None:
    sample = read_bulletin((shared / "samples/north-korea.txt").read_bytes(), "a.txt")

    before, after = (
        next(each for each in check(bulletin) if each.rule == "ref-style")
        for bulletin in (read("We read Matthew 2 vs 40."), compared(sample))
    )

    assert before.message == "Line 5 writes “Matthew 2 vs 40”: write it as in Matthew 25:40."
    assert before.suggestion is None
    assert after.message.endswith("the usual way to write it is Matthew 25:40.")
    assert after.suggestion == "Matthew 25:40"


@pytest.mark.parametrize(
    ("language", "text", "unread"),
    [
        ("en", "We read Matthwe 25:40 today", ["Matthwe 25:40"]),
        ("en", "We read Corinthians 13:4 today", ["Corinthians 13:4"]),
        ("en", "We read Matthew 25:4O today", ["Matthew 25:4O"]),
        ("en", "We read Matthew 25:xx today", ["Matthew 25:xx"]),
        ("en", "We read Psalm cxxi. 7 today", ["Psalm cxxi. 7"]),
        ("en", "We read Luke ??:7 today", ["Luke ??:7"]),
        ("de", "Wir lesen Mathaeus 5:3", ["Mathaeus 5:3"]),
        ("en", "Tobit 4:5 and Judith 8:1 and 1 Maccabees 2:4", []),
        ("en", "We meet at Manchester 10:30", []),
        ("en", "Philippians 4:13 and Romans 8:28", []),
        ("en", "score 3:1, Monday 10:30, Mark ix", []),
        ("en", "Romans 8: what we learned", []),
        ("en", "Matic, the automatic one", []),
        ("ko", "오전 10:30", []),
    ],
)
def test_what_means_a_reference_and_cannot_be_read_is_found(
    language: str, text: str, unread: list[str]
) -> None:
    assert find_unread(text, language, find_references(text, language)) == unread


def test_what_cannot_be_read_is_a_warning_that_shows_how_to_write_it() -> None:
    (finding,) = found(read("Wir lesen Mathaeus 5:3.", "de"))

    assert (finding.rule, finding.severity, finding.line) == ("ref-unparsed", "warning", 5)
    assert "“Mathaeus 5:3”" in finding.message
    assert finding.message.endswith("write it as in Matthäus 25,40.")


@pytest.mark.parametrize(
    ("language", "text", "unnamed"),
    [
        ("en", "Psalm 23:1: “The LORD is my shepherd.”", 1),
        ("en", "Psalm 23:1 (ESV): “The LORD is my shepherd.”", 0),
        ("en", "“The LORD is my shepherd.” (Psalm 23:1, NIV)", 0),
        ("en", "“The LORD is my shepherd.” (Psalm 23:1)\n\nQuotations: King James Version.", 0),
        ("en", "“The LORD is my shepherd.” (Psalm 23:1 (Hope for Today))", 0),
        ("en", "We read Psalm 23:1.", 0),
        ("de", "„Der Herr ist mein Hirte.“ (Psalm 23,1, Lutherbibel 2017)", 0),
        ("de", "„Der Herr ist mein Hirte.“ (Psalm 23,1)", 1),
        ("ko", "“여호와는 나의 목자시니” (시편 23:1, 개역개정)", 0),
        ("ko", "“여호와는 나의 목자시니” (시편 23:1)", 1),
        ("zh", "「耶和華是我的牧者」（詩篇 23:1，和合本）", 0),
        ("zh", "「耶和華是我的牧者」（詩篇 23:1）", 1),
        ("ru", "«Господь — Пастырь мой» (Псалом 22:1, Синодальный перевод)", 0),
    ],
)
def test_a_quotation_says_which_translation_it_is(language: str, text: str, unnamed: int) -> None:
    told = [finding.rule for finding in found(read(text, language))]

    assert told == ["translation-unnamed"] * unnamed


def test_the_name_of_a_translation_is_known_as_it_is_written() -> None:
    assert names_translation("(NVI 2017)")
    assert names_translation("Reina-Valera 1960")
    assert not names_translation("The message will be closed; see the web.")
    assert not names_translation("A NIVEL de barrio")


def test_an_example_of_a_translation_fits_the_language() -> None:
    assert [example_translation(code) for code in ("ko", "pt-BR", "sw")] == [
        "개역개정",
        "ARA",
        "NIV",
    ]
