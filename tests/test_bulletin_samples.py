"""A corpus of small bulletins, each with what must be read in it and found wrong with it.

A block is written as in the code below; a point as "kind|day or group|text".
"""

from pathlib import Path

import pytest

from newsletter import demo
from newsletter.bulletin import Heading, ItemList, Paragraph, Quotation, read_bulletin
from newsletter.checks import blocks, check

SAMPLES = Path(__file__).parent / "samples"
DEMO = Path(demo.__file__).parent
SIGNS = {Paragraph: "P", Quotation: "Q", Heading: "H", ItemList: "L"}

# file, title, blocks, points, passages, findings as rule and line
CORPUS: list[tuple[str, str, str, list[str], list[str], list[tuple[str, int]]]] = [
    (
        "plain.txt",
        "News from the Valley",
        "PPPP",
        [
            "petition||Pray for safe journeys home.",
            "thanksgiving||Give thanks for the family that opened its house.",
        ],
        [],
        [],
    ),
    (
        "headed.txt",
        "Spring letter",
        "HPHL",
        [
            "thanksgiving|Praise|The new roof is finished.",
            "thanksgiving|Praise|Two teachers have joined.",
            "petition|Prayer points|For wisdom for the head teacher.",
            "petition|Prayer points|That parents will trust the school.",
        ],
        [],
        [],
    ),
    (
        "spread.txt",
        "A week of prayer",
        "",
        [
            "petition||Pray for the translators in the south, who work by night.",
            "petition||Pray for their families: for health for patience",
            "mixed||Thank God for the first draft, and pray that it may be read widely.",
        ],
        [],
        [],
    ),
    (
        "week.txt",
        "Praying through March 2026",
        "",
        [
            "petition|2026-03-02|for nurses on night duty.",
            "petition|2026-03-03|for patients far from home.",
            "thanksgiving|2026-03-07/2026-03-08|give thanks for the chapel.",
        ],
        [],
        [],
    ),
    (
        "numbered.txt",
        "Numbers and names",
        "",
        [
            "petition||Pray for Samuel, whose trial begins.",
            "petition||Ask God to keep the judge honest.",
            "thanksgiving||Praise God that the lawyer was let in.",
        ],
        ["Ps.34.18"],
        [],
    ),
    (
        "labels.txt",
        "Daily prayer",
        "",
        ["petition|Monday|Pray for farmers.", "petition|Tuesday|Pray for teachers."],
        [],
        [],
    ),
    ("no_points.txt", "Staff news", "PHLP", [], [], [("no-prayer-points", 1)]),
    (
        "residue.txt",
        "Light on the Border",
        "P",
        ["petition||Pray for the doctor.", "petition||Pray for medicine."],
        [],
        [("artefact-line", 1), ("artefact-line", 10), ("artefact-line", 12)],
    ),
    (
        "verse_dash.txt",
        "Short letter",
        "P",
        [
            "petition||Pray for unity, as in Eph 4:3.",
            "petition||Pray for rest (Matt. 11.28-30).",
        ],
        ["Rom.8", "Ps.151", "Eph.4.3", "Matt.11.28-Matt.11.30", "1Pet.5.7"],
        [("ref-invalid", 3)],
    ),
    (
        "quotes.txt",
        "Voices",
        "QPPP",
        ["petition||Lena", "petition||her brother"],
        [],
        [("quote-unbalanced", 11)],
    ),
    (
        "marked.md",
        "Letter from the Coast",
        "PHLP",
        [
            "petition||For the fishermen. Two were hurt. Their names are known to God.",
            "petition||For the harbour mission (https://harbour.example.org).",
            "thanksgiving||Give thanks for rain.",
        ],
        ["Jas.5.18"],
        [("review-comment", 17), ("tracked-changes", 24)],
    ),
    (
        "typed.markdown",
        "Help after the flood",
        "P",
        ["petition||Pray for dry houses.", "petition||Pray for clean water."],
        [],
        [],
    ),
    (
        "topics.md",
        "Prayer letter",
        "",
        [
            "petition|Sudan|Peace in the capital.",
            "petition|Sudan|Food for the camps.",
            "petition|Eritrea|Freedom for those in prison.",
        ],
        [],
        [],
    ),
    (
        "lines.txt",
        "One line for each paragraph",
        "PP",
        ["petition||Pray for the eleven congregations."],
        [],
        [],
    ),
]


@pytest.mark.parametrize(
    ("file", "title", "story", "points", "passages", "findings"), CORPUS, ids=lambda v: str(v)[:20]
)
def test_a_sample_is_read_and_checked_as_a_careful_colleague_would(
    file: str,
    title: str,
    story: str,
    points: list[str],
    passages: list[str],
    findings: list[tuple[str, int]],
) -> None:
    bulletin = read_bulletin((SAMPLES / file).read_bytes(), file)

    assert bulletin.title == title
    assert "".join(SIGNS[type(block)] for block in bulletin.blocks) == story
    assert [f"{p.kind}|{p.date or p.group or ''}|{p.text}" for p in bulletin.points] == points
    assert [passage.osis for passage in bulletin.scriptures] == passages
    told = [(f.rule, f.line) for f in check(bulletin) if f.severity != "note"]
    assert told == findings


def test_every_sample_has_its_row() -> None:
    files = {path.name for path in SAMPLES.iterdir()} - {"arabic.txt"}

    assert files == {row[0] for row in CORPUS}


def test_a_bulletin_in_arabic_runs_from_right_to_left() -> None:
    bulletin = read_bulletin((SAMPLES / "arabic.txt").read_bytes(), "arabic.txt", "ar")

    assert (bulletin.language, bulletin.direction, len(bulletin.points)) == ("ar", "rtl", 2)


@pytest.mark.parametrize(
    ("file", "story", "points", "rules"),
    [
        ("2026-11-27-harvest-in-the-hills.txt", "PPQPP", 3, ["unfinished-paragraph"]),
        ("2026-12-04-a-light-by-the-river.md", "PPPQHL", 3, []),
        ("2026-12-11-letters-from-the-north-road.txt", "PPP", 3, ["ref-invalid", "artefact-line"]),
    ],
)
def test_the_demonstrations_bulletins_show_what_they_are_for(
    file: str, story: str, points: int, rules: list[str]
) -> None:
    bulletin = read_bulletin((DEMO / file).read_bytes(), file)
    findings = check(bulletin)

    assert "".join(SIGNS[type(block)] for block in bulletin.blocks) == story
    assert len(bulletin.points) == points
    assert [finding.rule for finding in findings] == rules
    assert blocks(findings) == ("ref-invalid" in rules)
    assert len(bulletin.scriptures) == 1
    assert bulletin.scriptures[0].quotation
