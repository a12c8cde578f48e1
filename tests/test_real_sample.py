"""The real sample gives exactly what its byte-by-byte notes say: a test for each of their rows."""

import json
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from newsletter.bulletin import Bulletin, Paragraph, Quotation, bulletin_json, read_bulletin
from newsletter.checks import Finding, check
from newsletter.rendering import RenderedEmail, render
from newsletter.verses import compared
from tests.bulletins import LOOK
from tests.corpus import templates


@pytest.fixture(scope="module")
def source(shared: Path) -> bytes:
    return (shared / "samples/north-korea.txt").read_bytes()


@pytest.fixture(scope="module")
def bulletin(source: bytes) -> Bulletin:
    return compared(read_bulletin(source, "north-korea.txt"))


@pytest.fixture(scope="module")
def findings(bulletin: Bulletin) -> list[Finding]:
    return check(bulletin)


@pytest.fixture(scope="module")
def email(bulletin: Bulletin) -> RenderedEmail:
    return render(bulletin, LOOK, templates())


def remarks(findings: list[Finding], line: int) -> list[tuple[str, str]]:
    return [(f.rule, f.severity.value) for f in findings if f.line == line]


def test_the_bytes_are_those_that_the_notes_tell_of(source: bytes) -> None:
    text = source.decode("utf-8")

    assert (len(source), text.count("\n"), len(text.split())) == (2586, 23, 452)
    assert text.count("\u00a0") == 1
    assert not source.endswith(b"\n")


def test_row_1_the_title_keeps_its_stop_and_the_subject_does_not(
    bulletin: Bulletin, email: RenderedEmail
) -> None:
    assert bulletin.title == "Help and Hope for Women Victims of Human Trafficking in North Korea."
    assert email.subject == bulletin.title.removesuffix(".")


def test_row_2_what_it_does_not_say_is_not_made_up(bulletin: Bulletin) -> None:
    assert (bulletin.language, bulletin.direction) == ("en", "ltr")
    assert [point.date for point in bulletin.points] == [None] * 3


def test_row_2_the_first_sentence_is_shortened_to_what_a_mailbox_shows(
    bulletin: Bulletin, email: RenderedEmail
) -> None:
    assert bulletin.summary.startswith("Hundreds of women from North Korea")
    assert bulletin.summary.endswith("abuse and exploitation…")
    assert len(bulletin.summary) <= 140
    assert f">{bulletin.summary}" in "".join(email.html.literals)


def test_row_2_its_countries_are_offered(findings: list[Finding]) -> None:
    (country,) = [finding for finding in findings if finding.rule == "country-named"]

    assert (country.suggestion, country.severity) == ("North Korea, China", "note")


def test_row_3_each_paragraph_is_one_and_only_the_text_part_wraps_it(
    bulletin: Bulletin, email: RenderedEmail
) -> None:
    paragraphs = [block for block in bulletin.blocks if isinstance(block, Paragraph)]

    assert [paragraph.line for paragraph in paragraphs] == [3, 5, 13, 15]
    assert "across the border into north-east China, where they face" in repr(email.html)
    assert max(len(line) for line in repr(email.text).split("\\n")) < 400


def test_row_4_the_testimony_is_one_quotation_and_correct(
    bulletin: Bulletin, findings: list[Finding]
) -> None:
    (testimony,) = [block for block in bulletin.blocks if isinstance(block, Quotation)]

    assert testimony.lines == (7, 9, 11)
    assert [remarks(findings, line) for line in testimony.lines] == [[], [], []]


def test_row_5_quotations_with_a_speaker_between_stay_in_their_line(
    bulletin: Bulletin, findings: list[Finding]
) -> None:
    (paragraph,) = [block for block in bulletin.blocks if block.line == 13]

    assert isinstance(paragraph, Paragraph)
    assert remarks(findings, 13) == []


def test_row_6_an_apostrophe_closes_nothing(findings: list[Finding]) -> None:
    quotes = [finding.line for finding in findings if finding.rule == "quote-unbalanced"]

    assert quotes == [21]


def test_row_7_the_no_break_space_is_gone(bulletin: Bulletin) -> None:
    told = json.dumps(bulletin_json(bulletin), ensure_ascii=False)

    assert "Around 10 of them are currently being trained" in told
    assert "\u00a0" not in told


def test_row_8_a_paragraph_that_ends_in_a_comma_is_told_and_not_mended(
    bulletin: Bulletin, findings: list[Finding]
) -> None:
    (paragraph,) = [block for block in bulletin.blocks if block.line == 15]

    assert isinstance(paragraph, Paragraph)
    assert paragraph.text.endswith("the Church in North Korea,")
    assert ("unfinished-paragraph", "warning") in remarks(findings, 15)


def test_row_9_the_bullets_are_points_where_markdown_sees_no_list(
    source: bytes, bulletin: Bulletin
) -> None:
    markdown = MarkdownIt("commonmark").parse(source.decode("utf-8"))

    assert not [token for token in markdown if token.type == "bullet_list_open"]
    assert [point.line for point in bulletin.points] == [17, 18, 19]
    assert not [point for point in bulletin.points if point.text.startswith("•")]


def test_row_10_thanks_and_petition_in_one_point_are_mixed(bulletin: Bulletin) -> None:
    assert [point.kind for point in bulletin.points] == ["mixed", "petition", "petition"]


def test_row_11_the_verse_does_not_exist(bulletin: Bulletin, findings: list[Finding]) -> None:
    (verse,) = bulletin.scriptures

    assert (verse.written, verse.osis, verse.valid) == ("Matthew 2 vs 40", "Matt.2.40", False)
    assert ("ref-invalid", "blocker") in remarks(findings, 21)


def test_row_11_its_words_are_those_of_matthew_25_40(
    bulletin: Bulletin, findings: list[Finding]
) -> None:
    (verse,) = bulletin.scriptures
    (finding,) = [finding for finding in findings if finding.rule == "ref-invalid"]

    assert verse.suggestion == "Matt.25.40"
    assert finding.suggestion


def test_row_12_a_mark_opened_twice_and_closed_once_is_told(findings: list[Finding]) -> None:
    assert ("quote-unbalanced", "warning") in remarks(findings, 21)


def test_row_12_the_inner_quotation_is_proposed_in_single_marks(findings: list[Finding]) -> None:
    (finding,) = [finding for finding in findings if finding.rule == "quote-unbalanced"]

    assert finding.suggestion is not None
    assert finding.suggestion.startswith("‘Truly")
    assert finding.suggestion.endswith("me.’”")
    assert "‘Truly I tell … to me.’”" in finding.message


def test_row_13_words_left_out_are_part_of_the_quotation(bulletin: Bulletin) -> None:
    (verse,) = bulletin.scriptures

    assert verse.quotation is not None
    assert " … " in verse.quotation


def test_row_13_the_translation_is_asked_for(findings: list[Finding]) -> None:
    assert ("translation-unnamed", "note") in remarks(findings, 21)


def test_row_14_the_leftover_of_a_page_holds_it_back_until_it_is_gone(
    source: bytes, findings: list[Finding]
) -> None:
    mended = source.replace(b"\n\n\nThe message will be closed after 20 s", b"\n")

    assert remarks(findings, 24) == [("artefact-line", "blocker")]
    assert not [f for f in check(read_bulletin(mended, "a.txt")) if f.rule == "artefact-line"]


def test_row_15_sources_stay_where_they_are_named(bulletin: Bulletin) -> None:
    told = json.dumps(bulletin_json(bulletin))

    assert "according to Open Doors Ministry" in told
    assert "Interserve" in told


def test_row_15_the_source_of_the_report_is_offered(findings: list[Finding]) -> None:
    (source,) = [finding for finding in findings if finding.rule == "source-named"]

    assert (source.line, source.severity) == (3, "note")
    assert source.suggestion == "Open Doors Ministry"


def test_row_16_names_of_public_figures_hold_nothing_back(findings: list[Finding]) -> None:
    assert remarks(findings, 13) == []


def test_row_17_numbers_of_people_are_reminded_of_and_hold_nothing_back(
    findings: list[Finding],
) -> None:
    details = [finding for finding in findings if finding.rule == "operational-detail"]

    assert [(finding.line, finding.severity) for finding in details] == [(5, "note"), (15, "note")]


def test_nothing_else_is_remarked(findings: list[Finding]) -> None:
    told = [(f.line, f.rule, f.severity.value) for f in findings if f.severity != "note"]

    assert told == [
        (15, "unfinished-paragraph", "warning"),
        (21, "ref-invalid", "blocker"),
        (21, "quote-unbalanced", "warning"),
        (24, "artefact-line", "blocker"),
    ]
