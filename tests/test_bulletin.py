import codecs
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.bulletin import (
    Bulletin,
    Heading,
    ItemList,
    Paragraph,
    Quotation,
    SourceLine,
    bulletin_json,
    opening_salutation,
    read_bulletin,
)
from newsletter.bulletin.decoding import MAX_BYTES
from newsletter.checks import check
from newsletter.errors import UnreadableInput

LETTER = "A title\n\nA story.\n\n• Pray for rain.\n"


def read(text: str, name: str = "letter.txt", language: str | None = None) -> Bulletin:
    return read_bulletin(text.encode(), name, language)


def story(bulletin: Bulletin) -> list[str]:
    """Each block as one line: ". paragraph", "> quotation", "## heading", "- list"."""
    shown = []
    for block in bulletin.blocks:
        match block:
            case Paragraph(text):
                shown.append(f". {text}")
            case Quotation(paragraphs):
                shown.append("> " + " | ".join(paragraphs))
            case Heading(text):
                shown.append(f"## {text}")
            case ItemList(items):
                shown.append("- " + " | ".join(items))
    return shown


def points(bulletin: Bulletin) -> list[str]:
    return [point.text for point in bulletin.points]


# --- the real sample ---------------------------------------------------------------------


@pytest.fixture
def sample(shared: Path) -> Bulletin:
    return read_bulletin((shared / "samples/north-korea.txt").read_bytes(), "north-korea.txt")


def test_the_sample_keeps_its_title_with_the_stop(sample: Bulletin) -> None:
    assert sample.title == "Help and Hope for Women Victims of Human Trafficking in North Korea."


def test_the_sample_has_seven_paragraphs_three_of_them_one_testimony(sample: Bulletin) -> None:
    kinds = [type(block).__name__ for block in sample.blocks]
    (testimony,) = [block for block in sample.blocks if isinstance(block, Quotation)]

    assert kinds == ["Paragraph", "Paragraph", "Quotation", "Paragraph", "Paragraph"]
    assert testimony.lines == (7, 9, 11)
    assert [block.line for block in sample.blocks] == [3, 5, 7, 13, 15]


def test_the_samples_points_are_mixed_petition_petition(sample: Bulletin) -> None:
    assert [point.kind for point in sample.points] == ["mixed", "petition", "petition"]
    assert [point.line for point in sample.points] == [17, 18, 19]
    assert all(point.text.startswith(point.lead) for point in sample.points)
    assert sample.points[0].lead.endswith("trafficked and abused women.")


def test_the_samples_verse_does_not_exist(sample: Bulletin) -> None:
    (verse,) = sample.scriptures

    assert (verse.written, verse.osis, verse.valid) == ("Matthew 2 vs 40", "Matt.2.40", False)
    assert verse.quotation is not None
    assert verse.quotation.startswith("“And the king")
    assert verse.quotation.endswith("you did it to me.”")


def test_the_samples_leftover_line_is_in_no_block_but_seen(sample: Bulletin) -> None:
    assert sample.residue == (24,)
    assert sample.lines[23] == SourceLine(24, "The message will be closed after 20 s")
    assert "20 s" not in json.dumps(bulletin_json(sample))


def test_the_samples_no_break_space_is_gone(sample: Bulletin) -> None:
    assert "Around 10 of them are currently being trained" in story(sample)[-1]


def test_the_samples_findings_are_the_true_ones(sample: Bulletin) -> None:
    found = [(finding.rule, finding.severity, finding.line) for finding in check(sample)]

    assert found == [
        ("country-named", "note", 1),
        ("source-named", "note", 3),
        ("operational-detail", "note", 5),
        ("unfinished-paragraph", "warning", 15),
        ("operational-detail", "note", 15),
        ("ref-invalid", "blocker", 21),
        ("ref-style", "note", 21),
        ("translation-unnamed", "note", 21),
        ("quote-unbalanced", "warning", 21),
        ("artefact-line", "blocker", 24),
    ]


def test_the_sample_reads_the_same_in_every_encoding_and_with_every_line_end(
    sample: Bulletin, shared: Path
) -> None:
    text = (shared / "samples/north-korea.txt").read_text(encoding="utf-8")
    crlf, cr = text.replace("\n", "\r\n"), text.replace("\n", "\r")
    copies = [
        codecs.BOM_UTF8 + crlf.encode(),
        text.encode("cp1252"),
        cr.encode("utf-16"),
        codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    ]

    read_again = [read_bulletin(copy, "north-korea.TXT") for copy in copies]

    assert all(bulletin_json(again) == bulletin_json(sample) for again in read_again)
    assert all(again.lines == sample.lines for again in read_again)
    assert [again.encoding for again in read_again] == ["utf-8", "windows-1252", "utf-16", "utf-16"]


# --- what cannot be read -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "name", "sentence"),
    [
        (b"Hello", "letter.odt", ".docx, .html, .*.rss or .atom"),
        (b"Hello", "letter", ".txt, .md"),
        (b"", "a.txt", "no words"),
        (b" \r\n\t \xc2\xa0\n", "a.txt", "no words"),
        (codecs.BOM_UTF8 + b"\n--- ***\n", "a.md", "no words"),
        ("\u200b\u2028".encode(), "a.txt", "no words"),
        (b"# \n\n<!-- secret -->", "a.md", "no words"),
        (b"Read more", "a.txt", "no words"),
        (b"a\0b", "a.txt", "not a text file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "a.txt", "a picture"),
        (b"\x7fELF" + bytes(40), "a.txt", "not a text file"),
        (b"\x01\x02\x03 abc", "a.txt", "not a text file"),
        (b"caf\x81\xe9", "a.txt", "not a text file"),
        (codecs.BOM_UTF16_LE + b"a", "a.txt", "not a text file"),
        (b"%PDF-1.7 text", "a.txt", "a PDF"),
        (rb"{\rtf1 text}", "a.txt", "rich-text"),
        (b"PK\x03\x04 text", "a.txt", "a Word file"),
        (codecs.BOM_UTF8 + b"\n<!DOCTYPE html><p>text", "a.md", "a web page"),
        (b"a" * (MAX_BYTES + 1), "a.txt", "512 kB"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(source: bytes, name: str, sentence: str) -> None:
    with pytest.raises(UnreadableInput, match=sentence) as raised:
        read_bulletin(source, name)

    assert str(raised.value).count(". ") <= 1


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=300), st.sampled_from(["a.txt", "a.md"]))
def test_any_bytes_give_a_bulletin_or_one_clear_error(source: bytes, name: str) -> None:
    try:
        bulletin = read_bulletin(source, name)
    except UnreadableInput:
        return

    check(bulletin)
    assert bulletin.title
    assert bulletin_json(bulletin) == json.loads(json.dumps(bulletin_json(bulletin)))


MARKS = (
    'Pray|Monday|3 May|:|- |• |1. |\n|\n\n|  |“|”|"|«|»|# |> |**|<del>|</del>|[a](b)|John 3:16|'
    "Prayer points|Read more|.|---\n|\u00a0|word |Give thanks|Dates|\t|<b>|`|    |صلوا|e.g."
)


@settings(deadline=None, max_examples=250)
@given(st.lists(st.sampled_from(MARKS.split("|")), max_size=40), st.sampled_from(["a.txt", "a.md"]))
def test_any_mixture_of_marks_is_read(pieces: list[str], name: str) -> None:
    try:
        bulletin = read("".join(pieces), name)
    except UnreadableInput:
        return

    check(bulletin)
    assert all(point.text and point.lead for point in bulletin.points)
    assert all(line[2:].strip() for line in story(bulletin))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["alpha", "beta", "gamma delta", "Epsilon."]), min_size=1))
def test_no_word_of_a_text_is_lost(words: list[str]) -> None:
    bulletin = read("Title\n\n" + "\n".join(words) + "\n\nEnd")

    read_again = " ".join(line[2:] for line in story(bulletin)).split()
    assert read_again == [*" ".join(words).split(), "End"]


@pytest.mark.parametrize(
    "text",
    [
        "- a\n" * 6_000,
        "• " * 25_000,
        "a. " * 25_000,
        "“" * 25_000,
        "> " * 25_000 + "x",
        "*a " * 6_000,
        "[a](" * 8_000,
        "John 3:16, " * 5_000,
        "1 " * 25_000,
        "Monday " * 8_000,
        "\u00a0" * 25_000 + "x",
        "pray and " * 5_000,
        "<del>" * 5_000,
    ],
    ids=lambda text: repr(text[:8]),
)
@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_hostile_repetition_takes_no_long_time(text: str, name: str) -> None:
    before = time.process_time()
    check(read("Title\n\n" + text, name))

    assert time.process_time() - before < 5


# --- title, language, white space --------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "title"),
    [
        ("\n\n  The  title \nThe story.", "a.txt", "The title"),
        ("The title\n=========\nThe story.", "a.txt", "The title"),
        ("=====\nThe title\n=====\n\nThe story.", "a.txt", "The title"),
        ("Before\n\n# The *title*\n\nAfter", "a.md", "The title"),
        ("## The title\n\nAfter", "a.md", "The title"),
        ("The title\n\n## Later", "a.md", "The title"),
        ("3 May – 9 May: The title\n\nText", "a.txt", "3 May – 9 May: The title"),
        ("• Pray for rain. And sun.\n• Pray for corn.", "a.txt", "Pray for rain."),
        ("* Pray for rain. And sun.\n* Pray for corn.", "a.md", "Pray for rain."),
    ],
)
def test_the_title_is_the_first_heading_or_line(text: str, name: str, title: str) -> None:
    assert read(text, name).title == title


def test_a_first_line_too_long_for_a_title_stays_in_the_story() -> None:
    line = "word " * 60 + "end."

    bulletin = read(f"{line}\n\n• Pray.")

    assert bulletin.title.endswith("word…")
    assert len(bulletin.title) <= 150
    assert story(bulletin) == [f". {line}"]


def test_a_word_without_end_is_cut_too() -> None:
    assert read("x" * 200).title == "x" * 149 + "…"


def test_a_point_that_lends_its_words_to_the_title_stays() -> None:
    assert points(read("• Pray for rain.\n• Pray for corn.")) == [
        "Pray for rain.",
        "Pray for corn.",
    ]


@pytest.mark.parametrize(
    ("text", "language", "direction"),
    [
        ("Letter", None, "ltr"),
        ("رسالة الصلاة – ABC", None, "rtl"),
        ("رسالة", "en", "rtl"),
        ("Letter", "fa", "ltr"),
        ("2026", "fa-IR", "rtl"),
        ("2026", None, "ltr"),
    ],
)
def test_direction_is_told_by_the_letters(text: str, language: str | None, direction: str) -> None:
    bulletin = read(text, language=language)

    assert bulletin.direction == direction
    assert bulletin.language == (language or "en")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("are\u00a0 currently", "are currently"),
        ("are\u00a0currently", "are currently"),
        ("Priez\u00a0: «\u00a0oui\u202f»\u00a0!", "Priez\u00a0: «\u00a0oui\u202f»\u00a0!"),
        ("10\u00a0km and 5\u00a0women", "10\u00a0km and 5 women"),
        ("a\u200bb\ufeffc\u00add\u202ee\ufffef", "abcdef"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\x0bb\x85c\u2028d", "a b c d"),
    ],
)
def test_white_space_is_tidied_where_typography_does_not_want_it(text: str, shown: str) -> None:
    assert story(read(f"Title\n\n{text}\n\nEnd")) == [f". {shown}", ". End"]


def test_the_summary_is_the_first_sentence_that_tells_something() -> None:
    bulletin = read("Title\n\nDear friends,\n\nDr. Lee has come, e.g. by boat. She is well.")

    assert bulletin.summary == "Dr. Lee has come, e.g. by boat."


def test_a_summary_is_never_long() -> None:
    assert len(read("Title\n\n" + "word " * 200).summary) <= 250


def test_a_title_alone_has_no_summary() -> None:
    assert read("Title").summary == ""


# --- paragraphs --------------------------------------------------------------------------


def test_hard_wrapped_lines_are_joined_and_deliberate_ends_are_kept() -> None:
    text = (
        "Dear friends,\n"
        "Thank you for praying. The first of the three houses has been\n"
        "repaired, and the Moreno family has moved in. We hope to see the\n"
        "second finished before the rains. That is all for today.\n"
        "Next month we shall write about the school that is being built in\n"
        "the valley."
    )

    assert story(read(f"Title\n\n{text}")) == [
        ". Dear friends,",
        ". Thank you for praying. The first of the three houses has been repaired, and the Moreno "
        "family has moved in. We hope to see the second finished before the rains. That is all "
        "for today.",
        ". Next month we shall write about the school that is being built in the valley.",
    ]


def test_short_lines_are_not_run_together() -> None:
    assert story(read("Title\n\nWith love,\nAnna\nPrayer Network")) == [
        ". With love,",
        ". Anna",
        ". Prayer Network",
    ]


def test_long_lines_are_paragraphs_unless_they_break_in_a_sentence() -> None:
    wide = (
        "The lines of this letter were wrapped by a program that thinks a hundred and ten columns "
        "are right, as in the\nUpper Valley."
    )
    each = "word " * 40 + "end\nNext one."

    assert len(read(f"Title\n\n{wide}").blocks) == 1
    assert len(read(f"Title\n\n{each}").blocks) == 2


def test_a_web_address_does_not_make_a_letter_wide() -> None:
    text = "See https://prayer.example.org/" + "x" * 100 + "\nfor more.\nAnd come."

    assert len(read(f"Title\n\n{text}").blocks) == 2


def test_a_drawn_line_makes_a_heading_only_of_a_short_line() -> None:
    bulletin = read("Title\n\nOne.\nNews\n-----\nTwo.\n\nThree.\n-----\nFour.")

    assert story(bulletin) == [". One.", "## News", ". Two.", ". Three.", ". Four."]


# --- quotations --------------------------------------------------------------------------


def test_a_paragraph_in_quotation_marks_from_end_to_end_is_a_quotation() -> None:
    bulletin = read("Title\n\n“We are well.”\n\n“We are,” she said. “Quite.”\n\nShe left.")

    assert story(bulletin) == [
        "> “We are well.”",
        ". “We are,” she said. “Quite.”",
        ". She left.",
    ]


def test_points_end_a_quotation() -> None:
    bulletin = read("Title\n\nHe said “yes.\n\n• Pray.\n\n“No,” she said.")

    assert story(bulletin) == [". He said “yes.", ". “No,” she said."]


# --- scripture ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paragraph", "written", "quotation"),
    [
        ("Psalm 126 vs 5: “Those who sow.”", "Psalm 126 vs 5", "“Those who sow.”"),
        ("Psalm 126:5 (NIV) Those who sow.", None, None),
        ("Psalm 126:5: Those who sow.", "Psalm 126:5", "Those who sow."),
        ("Psalm 126:5 (NIV) “Those who sow.”", "Psalm 126:5", "“Those who sow.”"),
        ("“Those who sow.” (Psalm 126:5, NIV)", "Psalm 126:5", "“Those who sow.”"),
        ("“Those who sow.” (Psalm 126:5 NIV)", "Psalm 126:5", "“Those who sow.”"),
        ("“Those who sow.” Psalm 126:5.", "Psalm 126:5", "“Those who sow.”"),
        ("Those who sow. – Psalm 126:5", "Psalm 126:5", "Those who sow."),
        ("We trust his promise (Psalm 126:5).", None, None),
        ("We read Psalm 126:5", None, None),
        ("Psalm 126:5", None, None),
        ("“Those who sow.”\nPsalm 126:5", "Psalm 126:5", "“Those who sow.”"),
        ("Psalm 126:5\n\n“Those who sow.”", "Psalm 126:5", "“Those who sow.”"),
        ("Those who sow.\n\nPsalm 126:5", None, None),
    ],
)
def test_a_verse_with_its_reference_stands_on_its_own(
    paragraph: str, written: str | None, quotation: str | None
) -> None:
    bulletin = read(f"Title\n\nA story.\n\n{paragraph}")

    (verse,) = bulletin.scriptures
    assert verse.quotation == quotation
    assert verse.written == (written or "Psalm 126:5")
    assert (len(bulletin.blocks) == 1) == (quotation is not None)


@pytest.mark.parametrize(
    ("paragraph", "translation"),
    [
        ("Psalm 126:5 (NIV) “Those who sow.”", "NIV"),
        ("“Those who sow.” (Psalm 126:5, NIV)", "NIV"),
        ("“Those who sow.” Psalm 126:5 (New Life Version).", "New Life Version"),
        ("“Those who sow.”\nPsalm 126:5 ESV", "ESV"),
        ("“他们必欢呼收割。” 诗篇 126:5（和合本）", "和合本"),
        ("“Those who sow.” Psalm 126:5.", ""),
        ("“Those who sow.” Psalm 126:5 [restricted]", ""),
        ("“Those who sow.” (NIV) Psalm 126:5", "NIV"),
    ],
)
def test_the_translation_behind_a_reference_is_kept(paragraph: str, translation: str) -> None:
    language = "zh" if "诗" in paragraph else "en"

    (verse,) = read(f"Title\n\nA story.\n\n{paragraph}", language=language).scriptures

    assert (verse.quotation or "")[:1] == "“"
    assert verse.translation == translation


def test_a_reference_with_a_colon_amid_the_story_is_prose() -> None:
    bulletin = read("Title\n\nRomans 8: what we learned.\n\nGoodbye.")

    assert story(bulletin) == [". Romans 8: what we learned.", ". Goodbye."]


def test_a_list_of_passages_has_its_words_once() -> None:
    found = read("Title\n\nMatt 5:3; 6:9: “Blessed.”").scriptures

    assert [(verse.osis, verse.quotation) for verse in found] == [
        ("Matt.5.3", "“Blessed.”"),
        ("Matt.6.9", None),
    ]


def test_a_passage_is_listed_once_and_with_its_words() -> None:
    (verse,) = read(
        "On Ps 126:5\n\n• Pray as in Ps 126:5.\n\nPs 126:5: “Those who sow.”"
    ).scriptures

    assert verse.quotation == "“Those who sow.”"


def test_a_passage_that_is_quoted_twice_keeps_both_words() -> None:
    found = read(
        "Title\n\nPs 126:5: “Those who sow.”\n\nA story.\n\nPs 126:5: “They that weep.”"
    ).scriptures

    assert [verse.quotation for verse in found] == ["“Those who sow.”", "“They that weep.”"]


def test_words_in_brackets_behind_a_verse_are_lost_to_no_translation() -> None:
    (verse,) = read("Title\n\nPsalm 126:5 (NIV) “Those who sow.” (We do.)").scriptures

    assert (verse.quotation, verse.translation) == ("“Those who sow.” (We do.)", "NIV")


def test_a_heading_that_is_a_passage_stays_one_where_no_points_follow() -> None:
    text = "# Title\n\n> The hills were dark.\n\n## Psalm 121\n\nWe read it together."

    assert story(read(text, "a.md")) == [
        "> The hills were dark.",
        "## Psalm 121",
        ". We read it together.",
    ]


def test_two_passages_on_a_line_are_no_single_reference() -> None:
    assert len(read("Title\n\n“Words.”\n\nPs 1 – Ruth 2:3\n\nEnd").blocks) == 3


# --- JSON --------------------------------------------------------------------------------


def test_json_has_the_names_that_programs_rely_on() -> None:
    text = "# Title\n\nOne.\n\n> Said.\n\n## Dates\n\n* 1 June\n\n## Pray\n\n* A\n\nPs 1:1: “B.”"

    assert bulletin_json(read(text, "a.md")) == {
        "title": "Title",
        "language": "en",
        "direction": "ltr",
        "summary": "One.",
        "blocks": [
            {"kind": "paragraph", "text": "One."},
            {"kind": "quotation", "paragraphs": ["Said."]},
            {"kind": "heading", "text": "Dates"},
            {"kind": "list", "items": ["1 June"]},
        ],
        "points": [{"text": "A", "lead": "A", "kind": "petition", "date": None, "group": None}],
        "scriptures": [
            {
                "written": "Ps 1:1",
                "osis": "Ps.1.1",
                "valid": True,
                "suggestion": None,
                "quotation": "“B.”",
            }
        ],
    }


# --- Markdown ----------------------------------------------------------------------------


def test_what_is_hidden_in_markdown_never_passes() -> None:
    text = (
        "# Title\n\nA <!-- secret --> story <del>secret</del> <b>bold</b>.\n\n"
        "<!-- secret -->\n\n<div>\nshown <s>secret</s> &amp; told\n</div>\n\nEnd.\n\n"
        "* Pray<br>now.\n"
    )

    bulletin = read(text, "a.md")

    assert story(bulletin) == [". A story bold.", ". shown & told", ". End."]
    assert points(bulletin) == ["Pray now."]


def test_code_is_text_that_somebody_indented() -> None:
    bulletin = read("# Title\n\n    • Pray for A.\n    • Pray for B.\n\n```\nOne\n```", "a.md")

    assert points(bulletin) == ["Pray for A.", "Pray for B."]
    assert [block.line for block in bulletin.blocks] == [7]


def test_links_and_pictures_leave_their_words() -> None:
    text = "[us](https://a.example/) <b@a.example> https://c.example ![a hill](h.png)"

    assert story(read(f"# Title\n\n{text}\n\nEnd", "a.md"))[0] == (
        ". us (https://a.example/) b@a.example https://c.example a hill"
    )


def test_deep_nesting_is_no_danger() -> None:
    assert read("# Title\n\n" + "> " * 50 + "deep\n\nEnd", "a.md").blocks


def test_lines_of_markdown_are_numbered_as_in_the_file() -> None:
    bulletin = read("# Title\n\nOne\ntwo\n\n* Pray.\n\n  More.\n* Ask God.\n\n> Said", "a.md")

    assert [block.line for block in bulletin.blocks] == [3, 11]
    assert [point.line for point in bulletin.points] == [6, 9]
    assert points(bulletin) == ["Pray. More.", "Ask God."]


@pytest.mark.parametrize(
    ("language", "greeting", "following"),
    [
        (
            "en",
            "Dear friends,",
            "this week the snow came, and with it forty people whom nobody had",
        ),
        (
            "de",
            "Liebe Freunde,",
            "in dieser Woche kam der Schnee, und mit ihm kamen vierzig Leute,",
        ),
        ("fr", "Chers amis,", "cette semaine la neige est venue, et avec elle quarante personnes"),
        (
            "ru",
            "Дорогие друзья,",
            "на этой неделе выпал снег, и с ним пришли сорок человек, которых",
        ),
        ("fa", "دوستان عزیز،", "این هفته برف بارید و چهل نفر آمدند که هیچ کس منتظر آنها نبود و"),
    ],
)
def test_a_salutation_wrapped_into_its_paragraph_stands_by_itself(
    language: str, greeting: str, following: str
) -> None:
    bulletin = read(f"Snow\n\n{greeting}\n{following}\nABC 123.\n", language=language)

    first, second = bulletin.blocks
    assert first == opening_salutation(bulletin) == Paragraph(greeting, 3)
    assert second == Paragraph(f"{following} ABC 123.", 4)
    assert not bulletin.summary.startswith(greeting)


@pytest.mark.parametrize(
    ("language", "address"),
    [
        ("en", "Dear Lord,"),
        ("de", "Lieber Herr,"),
        ("es", "Querido Padre:"),
        ("ru", "Дорогой Господь,"),
    ],
)
def test_a_prayer_greets_no_reader(language: str, address: str) -> None:
    bulletin = read(f"Snow\n\n{address}\n\nABC 123, and so on.\n", language=language)

    assert opening_salutation(bulletin) is None


@pytest.mark.parametrize(
    ("written", "translation"),
    [
        ("Psalm 121:5: “The Lord watches over you and keeps you.” (WEB)", "WEB"),
        ("“The Lord watches over you and keeps you.” (WEB) Psalm 121:5", "WEB"),
        ("“The Lord watches over you and keeps you.” (WEB)\n\nPsalm 121:5", "WEB"),
        ("“The Lord watches over you and keeps you.”\n\nPsalm 121:5 (WEB)", "WEB"),
        ("“The Lord watches over you and keeps you.”\n\nPsalm 121:5", ""),
    ],
)
def test_a_verse_above_the_points_is_no_heading_and_its_translation_none_of_its_words(
    written: str, translation: str
) -> None:
    bulletin = read(f"Hills\n\nIt rained.\n\n{written}\n\n• Pray for rain.\n• Pray for sun.")

    (verse,) = bulletin.scriptures
    assert (verse.osis, verse.translation) == ("Ps.121.5", translation)
    assert verse.quotation == "“The Lord watches over you and keeps you.”"
    assert [point.group for point in bulletin.points] == [None, None]
    assert story(bulletin) == [". It rained."]
