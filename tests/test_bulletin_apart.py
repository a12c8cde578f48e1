"""What stands apart from the running text, in every format that has a form for it."""

import pytest

from newsletter.bulletin import (
    Bulletin,
    Button,
    Columns,
    Divider,
    Note,
    Paragraph,
    Quotation,
    Sensitivity,
    bulletin_json,
    read_bulletin,
    shown_to,
)
from newsletter.checks import check
from newsletter.rendering import merge, render, slot_values
from newsletter.rendering.inlining import Reading
from tests.bulletins import LOOK
from tests.office import TEMPLATES

POINTS = "\n\n## Pray\n\n* Pray for rain.\n* Pray for sun.\n"


def read(text: str, name: str = "a.md") -> Bulletin:
    return read_bulletin(f"# The hills\n\nThey met.\n\n{text}{POINTS}".encode(), name)


def last(text: str, name: str = "a.md") -> object:
    return read(text, name).blocks[-1]


@pytest.mark.parametrize(
    ("text", "words", "url"),
    [
        ("[Read on](https://x.org/a)", "Read on", "https://x.org/a"),
        ("**[Read on](https://x.org/a?utm_source=m&b=1)**", "Read on", "https://x.org/a?b=1"),
        ("[Write to us](mailto:office@x.org)", "Write to us", "mailto:office@x.org"),
        ("[Read (now) on](<https://x.org/a (b)>)", "Read (now) on", "https://x.org/a%20(b)"),
        ("[https://x.org/a](https://x.org/a)", None, None),
        ("<https://x.org/a>", None, None),
        ("Then [read on](https://x.org/a)", None, None),
        ("[Read](https://x.org/a) [on](https://x.org/b)", None, None),
        ("[Read on](https://x.org/a)\nand on.", None, None),
        (f"[{'Read on ' * 9}](https://x.org/a)", None, None),  # a sentence
        ("[Read on](/a)", None, None),
    ],
)
def test_a_link_alone_is_a_button(text: str, words: str | None, url: str | None) -> None:
    block = last(text)

    if words is None or url is None:
        assert isinstance(block, Paragraph)
    else:
        assert block == Button(words, url, line=5)


@pytest.mark.parametrize(
    ("text", "label", "said"),
    [
        ("> **Note:** Come by boat.", "Note", ("Come by boat.",)),
        (
            "> Please note: come by boat.\n>\n> Or wait.",
            "Please note",
            ("come by boat.", "Or wait."),
        ),
        ("> [!NOTE]\n> Come by boat.", "", ("Come by boat.",)),
        ("> [!WARNING]\n>\n> Come by boat.", "", ("Come by boat.",)),
        ("> **Hinweis:** Mit dem Boot.", "Hinweis", ("Mit dem Boot.",)),
        ("> **注意：**请坐船来。", "注意", ("请坐船来。",)),
    ],
)
def test_a_quotation_that_begins_as_a_note_is_one(
    text: str, label: str, said: tuple[str, ...]
) -> None:
    block = last(text)

    assert isinstance(block, Note)
    assert (block.label, block.paragraphs) == (label, said)


def test_words_of_somebody_stay_a_quotation() -> None:
    quoted = last("> **Amos:** I could not sleep.")
    both = read("> I could not sleep.\n\n> **Note:** Come by boat.").blocks

    assert isinstance(quoted, Quotation)
    assert [type(block) for block in both] == [Paragraph, Quotation, Note]
    assert read("> **Note:**").blocks == (Paragraph("They met.", 3),)


@pytest.mark.parametrize(
    "text",
    [
        "| North | South |\n|---|---|\n| Rain. | Sun. |",
        "| North | South |\n|---|---|",
    ],
)
def test_a_table_that_sets_two_texts_beside_each_other_is_two_columns(text: str) -> None:
    block = last(text)

    assert isinstance(block, Columns)
    assert (block.first[0], block.second[0]) == ("North", "South")
    assert block.first[1:] == (("Rain.",) if "Rain" in text else ())
    assert block.headed == ("Rain" in text)


@pytest.mark.parametrize(
    "text",
    [
        "| N | S |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |",
        "| N | S | W |\n|---|---|---|\n| 1 | 2 | 3 |",
        "| N |  |\n|---|---|\n| 1 | 2 |",
    ],
)
def test_a_table_of_facts_is_told(text: str) -> None:
    bulletin = read(text)

    assert [(one.kind, one.line, one.what) for one in bulletin.leftovers] == [
        ("not-taken", 5, "a table")
    ]
    assert len(bulletin.blocks) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("***\n\nThey sang.", "PDP"),
        ("---\n\n***\n\nThey sang.", "PDP"),
        ("", "P"),
        ("***", "PD"),  # before the points
        ("***\n\n## Pray\n\n* Pray for sea.\n\n---\n\nThey sang.", "PDP"),
        ("## Pray\n\n***\n\n* Pray for sea.\n* Pray for land.", "P"),
    ],
)
def test_a_divider_parts_what_stands_on_both_its_sides(text: str, shown: str) -> None:
    blocks = read(text).blocks

    assert "".join("D" if isinstance(block, Divider) else "P" for block in blocks) == shown


def test_a_divider_at_an_end_hides_no_leftover_of_a_page() -> None:
    page = "<h1>The hills</h1><hr><p>They met.</p><hr><p>Unsubscribe</p><hr>"
    bulletin = read_bulletin(page.encode(), "a.html")

    assert [type(block) for block in bulletin.blocks] == [Paragraph]
    assert len(bulletin.residue) == 1


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("Read more", "en"),
        ("**Click here**", "en"),
        ("阅读全文", "zh"),
        ("閱讀全文", "zh-Hant"),
        ("Weiterlesen", "de"),
        ("Share", "en"),  # a leftover where it ends a bulletin
    ],
)
def test_a_link_that_a_writer_made_in_markdown_is_no_leftover(words: str, language: str) -> None:
    link = f"[{words}](https://wells.example.org/letter)"
    source = f"# The hills\n\nThey met.\n\n{link}\n"

    bulletin = read_bulletin(source.encode(), "a.md", language)

    assert bulletin.blocks[1:] == (Button(words.strip("*"), "https://wells.example.org/letter", 5),)
    assert bulletin.residue == ()


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("# The hills\n\nThey met.\n\nRead more\n", "a.md"),
        ("# The hills\n\nThey met.\n\n[Unsubscribe](https://a.org/unsubscribe?u=1)\n", "a.md"),
        (
            "# The hills\n\nThey met.\n\n[View this email in your browser](https://mailchi.mp/a/b)\n",
            "a.md",
        ),
        ("The hills\n\nThey met.\n\nRead more (https://a.org/b)\n", "a.txt"),
        ("<h1>The hills</h1><p>They met.<p><a href='https://a.org/b'>Read more</a>", "a.html"),
    ],
)
def test_what_a_page_or_a_mail_program_left_stays_a_leftover(source: str, name: str) -> None:
    bulletin = read_bulletin(source.encode(), name)

    assert [type(block) for block in bulletin.blocks] == [Paragraph]
    assert len(bulletin.residue) == 1


def test_on_a_web_page_a_link_in_a_list_or_a_heading_is_no_button() -> None:
    link = "<a href='https://x.org/a'>Read on</a>"
    page = f"<h1>The hills</h1><p>They met.</p><h2>{link}</h2><p>So.</p><ul><li>{link}</ul>"

    blocks = read_bulletin(page.encode(), "a.html").blocks
    assert not any(isinstance(block, Button) for block in blocks)


def test_a_column_that_is_only_a_leftover_leaves_the_other_as_text() -> None:
    page = (
        "<h1>The hills</h1><p>They met.</p><table><tr><td>Unsubscribe</td><td>They sang.</td>"
        "</tr></table><p>And so on.</p>"
    )
    blocks = read_bulletin(page.encode(), "a.html").blocks

    assert [block.text for block in blocks if isinstance(block, Paragraph)] == [
        "They met.",
        "They sang.",
        "And so on.",
    ]


ALL = (
    "> **Note:** Come by boat. [restricted]\n\n| North [restricted] | South |\n|---|---|\n\n"
    "***\n\n[Read on](https://x.org/a)"
)


def test_json_names_them() -> None:
    blocks = bulletin_json(read(ALL.replace(" [restricted]", "")))["blocks"]

    assert isinstance(blocks, list)
    assert blocks[1:] == [
        {"kind": "note", "label": "Note", "paragraphs": ["Come by boat."]},
        {"kind": "columns", "columns": [["North"], ["South"]]},
        {"kind": "divider"},
        {"kind": "button", "text": "Read on", "url": "https://x.org/a"},
    ]


def test_what_is_marked_in_them_is_kept_back_outside_the_mail_and_unmarked_in_it() -> None:
    bulletin = read(ALL)
    shown = shown_to(bulletin, Sensitivity.PUBLIC)

    assert shown is not None
    assert [type(block) for block in shown.blocks] == [Paragraph, Divider, Button]
    mail = render(bulletin, LOOK, TEMPLATES)
    assert "restricted" not in f"{mail!r}"
    assert "Come by boat." in f"{mail!r}"


def test_checks_read_them() -> None:
    rules = {finding.rule for finding in check(read("> **Note:** “Come by boat."))}

    assert "quote-unbalanced" in rules


def test_both_parts_of_the_mail_show_them() -> None:
    mail = render(read(ALL), LOOK, TEMPLATES)
    in_html, in_text = slot_values("Miriam", "en", "https://x.org/u", "https://x.org/p")
    page, text = Reading(merge(mail.html, in_html)), merge(mail.text, in_text)

    assert "https://x.org/a" in page.links
    assert "Read on:\nhttps://x.org/a\n" in text
    assert "[Note] Come by boat." in text
    assert "\n* * *\n" in text
    assert "North\n\nSouth" in text
    assert "<hr" in "".join(mail.html.literals)


def test_a_note_without_a_name_gets_the_usual_one() -> None:
    mail = render(read("> [!NOTE]\n> Come by boat."), LOOK, TEMPLATES)

    assert "[Note] Come by boat." in "".join(mail.text.literals)
