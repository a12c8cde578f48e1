"""Marks, and what archive, feed and shared texts may show."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.bulletin import (
    Bulletin,
    Heading,
    Paragraph,
    Picture,
    Property,
    Sensitivity,
    normal_text,
    read_bulletin,
    shown_to,
    stricter,
    without_marks,
)
from newsletter.bulletin.sensitivity import level_named, read_mark

PUBLIC, SUPPORTERS, RESTRICTED = Sensitivity


def read(*points: str, title: str = "A letter", story: str = "It rained.") -> Bulletin:
    text = "\n\n".join([title, story, "Pray", "\n".join(f"• {point}" for point in points)])
    return read_bulletin(text.encode(), "letter.txt")


def test_without_a_mark_a_point_has_the_bulletins_level_and_that_is_public() -> None:
    bulletin = read("Pray for rain.")

    assert bulletin.points[0].sensitivity is None
    assert bulletin.sensitivity is PUBLIC


@pytest.mark.parametrize(
    ("written", "text", "level"),
    [
        ("[restricted] Pray for rain.", "Pray for rain.", RESTRICTED),
        ("Pray for rain. [restricted]", "Pray for rain.", RESTRICTED),
        ("Pray for rain [supporters].", "Pray for rain.", SUPPORTERS),
        ("[Supporters]: Pray for rain.", "Pray for rain.", SUPPORTERS),
        ("[ RESTRICTED ]Pray for rain.", "Pray for rain.", RESTRICTED),
        ("[public] Pray for rain.", "Pray for rain.", PUBLIC),
        ("【restricted】Pray for rain.", "Pray for rain.", RESTRICTED),
        ("[public] Pray for rain. [restricted]", "Pray for rain.", RESTRICTED),
        # misspelt, and inside (from a nested entry): rather kept back than shown
        ("[restriced] Pray for rain.", "Pray for rain.", RESTRICTED),
        ("Pray for rain. [suporters]", "Pray for rain.", SUPPORTERS),
        ("Pray for rain [restricted] and snow.", "Pray for rain and snow.", RESTRICTED),
        # no marks
        ("Pray for rain [in the hills].", "Pray for rain [in the hills].", None),
        ("[publik] Pray for rain.", "[publik] Pray for rain.", None),
        ("Pray for [restriced] areas.", "Pray for [restriced] areas.", None),
        ("Pray for the restricted area.", "Pray for the restricted area.", None),
        ("[restricted]", "[restricted]", RESTRICTED),
    ],
)
def test_a_mark_is_read_and_taken_out(written: str, text: str, level: Sensitivity | None) -> None:
    (point,) = read(written).points

    assert (point.text, point.sensitivity) == (text, level)
    assert "restricted]" not in point.lead or point.text == "[restricted]"


@pytest.mark.parametrize(
    ("language", "word", "level"),
    [
        ("de", "vertraulich", RESTRICTED),
        ("de", "Unterstützer", SUPPORTERS),
        ("fr", "Restreint", RESTRICTED),
        ("es", "publico", PUBLIC),
        ("pt-BR", "apoiadores", SUPPORTERS),
        ("ar", "مقيّد", RESTRICTED),
        ("fa", "محرمانه", RESTRICTED),
        ("ur", "خفیہ", RESTRICTED),
        ("ko", "비공개", RESTRICTED),
        ("ko", "공개", PUBLIC),
        ("zh", "支持者", SUPPORTERS),
        ("ru", "Ограничено", RESTRICTED),
        ("ru", "restricted", RESTRICTED),
        ("tr", "supporters", SUPPORTERS),
    ],
)
def test_marks_are_known_in_the_bulletins_language(
    language: str, word: str, level: Sensitivity
) -> None:
    assert read_mark(f"[{word}] 1 2 3.", language) == ("1 2 3.", level)
    assert read_mark(f"1 2 3 [{word}]", language) == ("1 2 3", level)
    assert level_named(f" {word} ") is level


def test_a_level_that_nobody_knows_is_none_and_the_stricter_wins() -> None:
    assert level_named("top secret") is None
    assert level_named("") is None
    assert stricter(None, PUBLIC, SUPPORTERS, None) is SUPPORTERS
    assert stricter() is PUBLIC


def test_a_mark_stands_before_or_behind_a_day_and_in_markdown() -> None:
    source = (
        b"Week\n\nPray\n\n* [restricted] Monday: Pray for A.\n* Tuesday: [supporters] Pray for B."
    )
    points = read_bulletin(source, "week.txt").points
    bold = read_bulletin(b"# T\n\n## Pray\n\n- **[restricted] Pray for A.** More.\n", "t.md").points

    assert [(p.text, p.group, p.sensitivity) for p in points] == [
        ("Pray for A.", "Monday", RESTRICTED),
        ("Pray for B.", "Tuesday", SUPPORTERS),
    ]
    assert (bold[0].lead, bold[0].sensitivity) == ("Pray for A.", RESTRICTED)


def test_another_mark_makes_another_version() -> None:
    assert normal_text(read("Pray.")) != normal_text(read("[restricted] Pray."))
    assert normal_text(read("Pray.")) != normal_text(read("Pray.", title="A letter [restricted]"))


def test_a_mark_in_the_title_is_for_the_whole_bulletin() -> None:
    bulletin = read("Pray for rain.", title="A letter [supporters]")

    assert (bulletin.title, bulletin.sensitivity) == ("A letter", SUPPORTERS)
    assert shown_to(bulletin, PUBLIC) is None
    assert shown_to(bulletin, SUPPORTERS) is not None


def test_a_line_above_the_text_is_for_the_whole_bulletin_and_the_stricter_counts() -> None:
    head = "A letter\nSensitivity: {}\n\nPray\n\n* Pray for rain."
    german = read_bulletin(head.format("Vertraulich").encode(), "letter.txt", "de")
    marked = head.format("public").replace("letter\n", "letter [restricted]\n")

    assert german.sensitivity is RESTRICTED
    assert read_bulletin(marked.encode(), "letter.txt").sensitivity is RESTRICTED


def test_a_restricted_bulletin_shows_nothing_but_to_those_who_have_the_mail() -> None:
    bulletin = replace(read("[public] Pray for rain."), sensitivity=RESTRICTED)

    assert shown_to(bulletin, PUBLIC) is None
    assert shown_to(bulletin, SUPPORTERS) is None
    assert shown_to(bulletin, RESTRICTED) is bulletin


def test_each_level_shows_its_points() -> None:
    bulletin = read("Pray for A.", "[supporters] Pray for B.", "[restricted] Pray for C.")

    shown = [shown_to(bulletin, level) for level in Sensitivity]
    assert [[point.text[-2] for point in each.points] for each in shown if each] == [
        ["A"],
        ["A", "B"],
        ["A", "B", "C"],
    ]


def test_a_passage_that_only_a_hidden_point_mentions_is_not_shown() -> None:
    bulletin = read(
        "[restricted] Pray John 3:16 and Psalm 23 for her.",
        "Pray Psalm 23 for us.",
        story="We read Jude 3.\n\nMatthew 5:3-4: “Blessed are the poor.”",
    )

    shown = shown_to(bulletin, PUBLIC)
    assert shown is not None
    assert {verse.osis for verse in shown.scriptures} == {"Matt.5.3-Matt.5.4", "Jude.1.3", "Ps.23"}


def test_title_and_summary_are_never_those_of_a_hidden_point() -> None:
    titled = read_bulletin(b"* Pray for Zed. [restricted]\n* Pray for A.", "letter.txt")
    summed = read_bulletin(b"Title\n\n* Pray for Zed. [restricted]\n* Pray for A.", "letter.txt")

    assert shown_to(titled, PUBLIC) is None
    assert summed.summary == "Pray for Zed."
    shown = shown_to(summed, PUBLIC)
    assert shown is not None
    assert shown.summary == "Pray for A."


def test_a_block_of_the_story_with_a_mark_is_not_shown() -> None:
    story = (
        "[restricted] Zed came.\n\nIt rained.\n\nDates\n\n- 3 May: [restricted] Zed\n- 4 May: rain"
    )
    bulletin = read("Pray for rain.", story=story)
    bulletin = replace(
        bulletin, blocks=(*bulletin.blocks, Picture(b"", "image/png", "rain", "", 9))
    )

    shown = shown_to(bulletin, PUBLIC)
    assert shown is not None
    assert "Zed" not in repr(shown)
    assert shown.summary == "It rained."
    assert shown.blocks[0] == Paragraph("It rained.", bulletin.blocks[1].line)
    assert isinstance(shown.blocks[-1], Picture)


@pytest.mark.parametrize(
    ("source", "headings"),
    [
        (
            "# The week\n\nIt.\n\n# In the hills\n\n## Pray\n\n- [restricted] Pray for Omar.",
            [],
        ),
        (
            "# The week\n\nIt.\n\n# The hills\n\n## Pray\n\n- [restricted] Pray.\n- Pray for all.",
            ["The hills"],
        ),
        (
            "# The week\n\nRain.\n\n## Omar\n\n[restricted] He met them.\n\n## Snow\n\nIt fell.",
            ["Snow"],
        ),
        ("# The week\n\nRain.\n\n## News of Omar\n\n- 3 May: [restricted] Omar\n", []),
        ("# The week\n\nRain.\n\n## Omar\n\n## Lina\n\n[restricted] They met.\n", []),
        ("# The week\n\nRain.\n\n[restricted] They met.\n\n## Thank you\n", ["Thank you"]),
    ],
)
def test_a_heading_goes_with_all_that_it_names(source: str, headings: list[str]) -> None:
    shown = shown_to(read_bulletin(source.encode(), "t.md"), PUBLIC)

    assert shown is not None
    assert [block.text for block in shown.blocks if isinstance(block, Heading)] == headings


def test_a_mark_in_a_heading_is_for_all_that_it_names() -> None:
    source = (
        b"# The week\n\nRain.\n\n## Kabul [restricted]\n\nOmar met them.\n\n### Pray\n\n"
        b"- Pray for Omar.\n\n### News\n\nHe sings.\n\n## Others\n\nSnow.\n\n- Pray for snow."
    )
    typed = b"The week\n\nRain.\n\nKabul [restricted]\n\n- Pray for Omar.\n- Pray for all."
    bulletin, other = read_bulletin(source, "week.md"), read_bulletin(typed, "week.txt")
    shown = shown_to(bulletin, PUBLIC)

    assert [(p.group, p.sensitivity) for p in bulletin.points] == [
        ("Pray", RESTRICTED),
        ("Others", None),
    ]
    assert [p.sensitivity for p in other.points] == [RESTRICTED] * 2
    assert shown is not None
    assert [p.text for p in shown.points] == ["Pray for snow."]
    assert "Kabul" not in repr(shown)
    assert "Omar" not in repr(shown)
    assert "sings" not in repr(shown)
    assert "Snow." in repr(shown)


@pytest.mark.parametrize(("below", "is_shown"), [("", False), ("## Snow\n\nIt fell.\n\n", True)])
def test_a_mark_in_a_heading_is_for_the_verse_below_it(below: str, is_shown: bool) -> None:
    source = (
        "# The week\n\nRain.\n\n## Kabul [restricted]\n\nThey met.\n\n### Evening\n\nThey sang.\n\n"
        f"{below}Psalm 121:5: “The Lord watches over you.”"
    )
    shown = shown_to(read_bulletin(source.encode(), "week.md"), PUBLIC)

    assert shown is not None
    assert bool(shown.scriptures) == is_shown


def test_the_mail_holds_what_is_marked_without_the_marks() -> None:
    source = (
        b"# The week\n\n[supporters] Omar met.\n\n> Snow [restricted]\n\n## News [restricted]\n\n"
        b"- 3 May: rain [restricted]\n- 4 May: [rain]\n\n## Pray\n\n- Pray for Omar. [restricted]"
    )
    bulletin = read_bulletin(source, "week.md")
    mailed = without_marks(bulletin)

    assert [point.text for point in mailed.points] == ["Pray for Omar."]
    assert "restricted]" not in repr(replace(mailed, lines=()))
    assert "[supporters]" not in repr(replace(mailed, lines=()))
    assert "4 May: [rain]" in repr(mailed)
    assert without_marks(mailed) == mailed


def test_nothing_is_left_where_all_that_there_was_is_hidden() -> None:
    bulletin = read_bulletin(b"Title\n\nPray\n\n* [restricted] Pray for Zed.", "letter.txt")

    assert shown_to(bulletin, PUBLIC) is None


LEVEL = st.sampled_from(["", "[supporters] ", "[restricted] "])
END = st.sampled_from(["", " [restricted]", " [supporters]"])


@given(
    st.lists(st.tuples(LEVEL, END, st.booleans()), min_size=1, max_size=5),
    st.booleans(),
    st.booleans(),
    st.sampled_from([PUBLIC, SUPPORTERS]),
)
def test_no_word_of_a_hidden_point_is_anywhere_in_what_is_shown(
    marks: list[tuple[str, str, bool]], with_title: bool, with_story: bool, level: Sensitivity
) -> None:
    lines = [
        f"* {begin}Mercyfor{n}x {f'Psalm {n + 90}:1' if verse else ''} now{n}x.{end}"
        for n, (begin, end, verse) in enumerate(marks)
    ]
    head = ["Title", ""] * with_title + ["We met.", ""] * with_story
    source = "\n".join([*head, *lines]).encode()
    bulletin = replace(read_bulletin(source, "letter.txt"), properties=(Property("author", "0x"),))

    shown = shown_to(bulletin, level)

    told = "" if shown is None else repr([getattr(shown, each.name) for each in fields(shown)])
    for n, (begin, end, _) in enumerate(marks):
        hidden = "restricted" in begin + end or (level is PUBLIC and "supporters" in begin + end)
        if hidden:
            assert f"{n}x" not in told
            assert f"Ps.{n + 90}" not in told
    assert "[restricted]" not in told


@pytest.mark.parametrize(
    "verse",
    [
        "“The Lord watches over you.” Psalm 121:5 [restricted]",
        "[restricted] “The Lord watches over you.” Psalm 121:5 (NIV)",
        "“The Lord watches over you.” [restricted]\n\nPsalm 121:5",
        "“The Lord watches over you.”\n\nPsalm 121:5 [restricted]",
    ],
)
def test_a_verse_that_is_marked_is_kept_back(verse: str) -> None:
    bulletin = read("Pray for rain.", story=verse)

    (scripture,) = bulletin.scriptures
    assert (scripture.osis, scripture.sensitivity) == ("Ps.121.5", RESTRICTED)
    assert scripture.quotation == "“The Lord watches over you.”"
    assert scripture.translation == ("NIV" if "NIV" in verse else "")
    shown = shown_to(bulletin, PUBLIC)
    assert shown is not None
    assert "watches" not in repr(shown)
