from pathlib import Path

import pytest

from newsletter.bulletin import MOSTLY, Bulletin, normal_text, read_bulletin, similarity

FIRST = """Letter from the harbour

Dear friends,

The storm took two of the boats on Monday night. Nobody was lost, but three families cannot fish
until the boats are mended, and the timber has to come over the pass.

Sister Grace “never doubted” that help would come. On Wednesday a lorry stopped at the gate with
planks, nails and a carpenter who had heard of us from his cousin.

Prayer points
• Pray for the three families who have lost their catch.
• Give thanks for the carpenter, and pray that he will stay until spring.
• Pray for calm weather in the coming weeks.

Psalm 107:31: “Let them thank the Lord for his steadfast love.”

With our love and thanks for every prayer,
The team at the harbour mission
"""
NEXT_WEEK = """Letter from the harbour

Dear friends,

School began again this week. Forty children came on the first day, and the youngest of them fell
asleep over her slate. The new teacher has a cough but would not hear of staying at home.

In the evenings we read aloud by lamplight, and some of the parents have begun to listen at the
window. Brother Paul has put out a bench for them.

Prayer points
• Pray for the new teacher, that he will soon be well.
• Give thanks for forty children.
• Pray for the parents at the window.

Mark 10:14: “Let the little children come to me.”

With our love and thanks for every prayer,
The team at the harbour mission
"""


def read(text: str, name: str = "letter.txt") -> Bulletin:
    return read_bulletin(text.encode(), name)


@pytest.mark.parametrize(
    "copy",
    [
        FIRST.replace("\n", "\r\n"),
        "\ufeff" + FIRST,
        FIRST.replace("\n\n", "\n\n \t\n\n").replace(" the ", "  the\u00a0 "),
        FIRST.replace("“", '"').replace("”", '"'),
        FIRST.replace("“", "« ").replace("”", " »"),
        FIRST.rstrip(),
    ],
)
def test_the_same_words_have_the_same_normal_text(copy: str) -> None:
    assert normal_text(read(copy)) == normal_text(read(FIRST))
    assert similarity(read(copy), read(FIRST)) == 1


@pytest.mark.parametrize(
    "mended",
    [
        FIRST.replace("107:31", "107:13"),
        FIRST.replace("spring.", "spring!"),
        FIRST.replace("Let them thank the Lord", "Let them praise the Lord"),
        FIRST + "\nClose this window\n",
        FIRST.replace("The storm", "• The storm"),
        FIRST.replace("Prayer points", "News"),
    ],
)
def test_whatever_a_person_mends_makes_another_normal_text(mended: str) -> None:
    assert normal_text(read(mended)) != normal_text(read(FIRST))
    assert similarity(read(mended), read(FIRST)) > MOSTLY


def test_a_mark_at_a_verse_makes_another_normal_text() -> None:
    verse = "Title\n\nIt rained.\n\nPsalm 126:5: “Those who sow.”"

    assert normal_text(read(verse)) != normal_text(read(f"{verse} [restricted]"))


def test_a_corrected_verse_and_two_rewritten_sentences_are_the_same_bulletin() -> None:
    rewritten = (
        FIRST.replace("107:31", "107:8")
        .replace("Nobody was lost, but three families", "All came home, yet three households")
        .replace("On Wednesday a lorry stopped at the gate", "Two days later a truck drew up")
    )

    assert similarity(read(rewritten), read(FIRST)) >= MOSTLY


def test_next_weeks_bulletin_with_the_same_frame_is_another() -> None:
    assert similarity(read(FIRST), read(NEXT_WEEK)) < MOSTLY / 2


def test_likeness_looks_both_ways_and_needs_no_many_words() -> None:
    assert similarity(read("Rain"), read("Rain")) == 1
    assert similarity(read("Rain"), read("Sun")) == 0
    assert similarity(read(FIRST), read(NEXT_WEEK)) == similarity(read(NEXT_WEEK), read(FIRST))


def test_a_script_without_spaces_is_compared_sign_by_sign() -> None:
    first = read("标题\n\n请为山区的教会祷告，求神保守他们。")
    second = read("标题\n\n请为山区的教会祷告，求主保守他们。")

    assert MOSTLY < similarity(first, second) < 1


def test_two_real_weeks_are_told_apart(shared: Path) -> None:
    sample = read_bulletin((shared / "samples/north-korea.txt").read_bytes(), "a.txt")

    assert similarity(sample, read(FIRST)) < 0.05


def test_headings_lists_and_quotations_count() -> None:
    text = "# Title\n\n> Said.\n\n## Dates\n\n* 1 June\n\n## Pray\n\n* A\n"

    assert normal_text(read(text, "a.md")).split("\n") == [
        "# Title",
        ". Said.",
        "## Dates",
        "- 1 June",
        "* ||A",
    ]
