"""The mended copy: what is put right, what is left alone, and that it stays mended."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.bulletin import normal_text, read_bulletin
from newsletter.checks import check
from newsletter.errors import NotAllowed
from newsletter.mends import Mended, mended_copy, mended_name, refuse_what_is_no_text

LETTER = """Letter

The clinic is open again.

• Pray for the doctor.
• Pray for medicine.
"""


def mended(text: str | bytes, name: str = "a.txt", language: str = "en") -> Mended:
    source = text.encode() if isinstance(text, str) else text
    return mended_copy(read_bulletin(source, name, language), name)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # leftover lines go
        ("Skip to content\n" + LETTER, LETTER),
        (LETTER.replace("again.", "again.\nRead more"), LETTER),
        # broken characters are read again, also where they were broken twice
        (LETTER.replace("again", "againâ€™s"), LETTER.replace("again", "again’s")),
        (LETTER.replace("clinic", "clinic in FÃ¼rth"), LETTER.replace("clinic", "clinic in Fürth")),
        (LETTER.replace("•", "â€¢"), LETTER),
        ("ï»¿" + LETTER, LETTER),
        # spaces
        (LETTER.replace("is open", "is\u00a0 open"), LETTER),
        (LETTER.replace("is open", "is  open"), LETTER),
        (LETTER.replace("is open", "is\u200b  open"), LETTER),
        # marks in links
        (
            LETTER.replace("again.", "again: https://a.example/b?utm_source=x&c=d&fbclid=1#e"),
            LETTER.replace("again.", "again: https://a.example/b?c=d#e"),
        ),
        (
            LETTER.replace("again.", "again: (https://a.example/?utm_source=x)."),
            LETTER.replace("again.", "again: (https://a.example/)."),
        ),
        (
            LETTER.replace("again.", "again https://a.example/?gclid=2&q=a%20b&utm_id=7."),
            LETTER.replace("again.", "again https://a.example/?q=a%20b."),
        ),
        # signs
        (LETTER.replace("• Pray for medicine", "- Pray for medicine"), LETTER),
        (LETTER.replace("• Pray for medicine", "▪Pray for medicine"), LETTER),
        (LETTER.replace("medicine.", "medicine.\n•"), LETTER),
    ],
)
def test_what_is_certain_is_mended(before: str, after: str) -> None:
    copy = mended(before)

    assert copy.text == after
    assert copy.mends
    assert copy.findings == tuple(check(read_bulletin(after.encode(), "a.txt")))


@pytest.mark.parametrize(
    "text",
    [
        LETTER,
        LETTER.replace("again.", "again.\n\nJohn 3:99: “We are well."),  # scripture, quotations
        LETTER.replace("again", "caf\ufffd"),  # nobody knows what it was
        LETTER.replace("again", "«MAÇÃ»"),
        LETTER.replace("• Pray for the doctor.", "•\nPray for the doctor."),  # it may belong there
        LETTER.replace("again.", "again, at 20\u00a0°C."),
        LETTER.replace("again.", "again:\tAnna  Berg"),  # a column
        LETTER.replace("again.", "again: https://a.example/b?source=x."),
        LETTER.replace("Pray for medicine", "Pray for the doctor"),  # twice
        LETTER.replace("  ", " ").replace("again.", "again.  \nAnd  "),
    ],
)
def test_what_a_person_must_decide_is_left_alone(text: str) -> None:
    copy = mended(text)

    assert copy.text.replace("And  ", "And") == text.replace("And  ", "And")


def test_spaces_that_markdown_goes_by_stay() -> None:
    text = "# Letter\n\nOne line,  \nand  another.\n\n-   Pray  for rain.\n-   Pray for snow.\n"

    copy = mended(text, "a.md")

    assert copy.text == text.replace("and  another", "and another").replace("Pray  ", "Pray ")


def test_a_copy_of_another_encoding_is_utf8() -> None:
    copy = mended("Café\n\n• Pray.\n".encode("cp1252"))

    assert copy.text == "Café\n\n• Pray.\n"
    assert [mend.what for mend in copy.mends] == ["the copy is written as UTF-8"]
    assert copy.findings == ()


def test_mends_carry_the_lines_of_the_source() -> None:
    copy = mended("Skip to content\n\nLetter\n\nRead more\nAll is  well.\n\n• Pray.\n")

    assert [(mend.line, mend.what) for mend in copy.mends] == [
        (1, "“Skip to content” removed"),
        (5, "“Read more” removed"),
        (6, "spaces made single"),
    ]


PIECES = st.sampled_from(
    [
        "", "", "All is well.", "It is  done,\u00a0they say.", "Read more", "Share this page",
        "donâ€™t go", "FÃ¼rth", "See https://a.example/?utm_source=x&a=b now.", "• Pray for rain.",
        "- Pray for snow.", "* Give thanks.", "•", "1. Pray.", "3.", "Prayer points", "“Open",
        "Menu", "The message will be closed after 20 s", "• Pray for  “Anna", "John 3:99",
        "…",
    ]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=14), st.sampled_from(["a.txt", "a.md"]))
def test_a_mended_copy_has_nothing_left_to_mend(pieces: list[str], name: str) -> None:
    bulletin = read_bulletin("\n".join(["Letter", "", *pieces]).encode(), name)

    copy = mended_copy(bulletin, name)
    again = mended_copy(copy.bulletin, name)

    assert not any(finding.mend for finding in copy.findings)
    assert (again.text, again.mends) == (copy.text, ())
    assert normal_text(again.bulletin) == normal_text(copy.bulletin)


def test_only_a_text_file_is_mended() -> None:
    refuse_what_is_no_text("letter.MD")

    with pytest.raises(NotAllowed, match=r"letter\.docx is no text file.* save it as text"):
        refuse_what_is_no_text("folder/letter.docx")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("harvest.txt", "harvest.mended.txt"),
        ("harvest.pt-BR.md", "harvest.mended.pt-BR.md"),
        ("2026.11.27.txt", "2026.11.27.mended.txt"),
    ],
)
def test_a_copy_keeps_the_language_in_its_name(name: str, expected: str) -> None:
    assert mended_name(name) == expected
