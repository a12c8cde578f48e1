"""Every bulletin of the corpus is read and checked as a careful colleague would."""

import re
from collections import Counter
from pathlib import Path

import pytest

from newsletter import demo
from newsletter.bulletin import MOSTLY, read_bulletin, similarity
from newsletter.checks import RULES, blocks, check
from tests.corpus import (
    EXPECTED,
    SAMPLES,
    Sample,
    found,
    out_of_place,
    outside,
    right,
    right_outside,
    right_suggestions,
    samples,
    story,
)

DOCS = Path(__file__).parents[1] / "docs"
DEMO = Path(demo.__file__).parent
KEYS = {
    *(
        "about",
        "encoding",
        "bom",
        "newlines",
        "told",
        "title",
        "direction",
        "sensitivity",
        "story",
        "points",
    ),
    *("times", "sent", "scriptures", "findings", "names", "present", "absent"),
}


@pytest.mark.parametrize(
    "sample",
    [pytest.param(sample, id=sample.name) for sample in samples()],
)
def test_a_sample_is_read_and_checked_as_a_careful_colleague_would(sample: Sample) -> None:
    bulletin = sample.read()
    told, expected = found(sample, bulletin), right(sample)

    assert outside(bulletin) == right_outside(sample)
    assert told.points == expected.points
    assert told.passages == expected.passages
    assert sorted(told.findings) == sorted(expected.findings)
    suggested = {s.osis: s.suggestion for s in bulletin.scriptures if s.suggestion}
    assert suggested == right_suggestions(sample)
    assert out_of_place(sample, bulletin) == []


def test_two_versions_of_one_bulletin_are_alike_and_two_bulletins_are_not() -> None:
    first, second, other = (
        sample(f"en/{name}").read() for name in ("flood_first.txt", "flood_second.txt", "signs.txt")
    )

    assert similarity(first, second) >= MOSTLY > similarity(first, other)


def sample(name: str) -> Sample:
    return next(sample for sample in samples() if sample.name == name)


# --- the corpus itself -------------------------------------------------------------------


def test_every_sample_says_what_is_right_and_why_it_is_here() -> None:
    files = {path for path in SAMPLES.rglob("*") if path.is_file()}
    tables = {path for path in files if path.suffix == EXPECTED}

    assert files - tables == {path.with_suffix("") for path in tables}
    assert {key for sample in samples() for key in sample.right} <= KEYS
    assert all({"about", "title"} <= sample.right.keys() for sample in samples())


def test_the_corpus_has_every_language_and_format() -> None:
    assert len(samples()) >= 60
    assert {sample.language for sample in samples()} == {
        *("en", "de", "fr", "es", "pt", "ar", "fa", "ur", "ko", "zh", "ru")
    }
    assert {sample.format for sample in samples()} == {"txt", "md", "docx", "html", "xml"}


def test_every_rule_has_two_samples() -> None:
    of_the_discreet_identity = {"ministry-named", "discreet-impossible"}  # samples know none
    counted = Counter(
        rule for sample in samples() for rule in {row[2] for row in right(sample).findings}
    )

    few = {rule for rule in RULES if counted[rule] < 2}
    assert few == of_the_discreet_identity


# --- what the how-to promises ------------------------------------------------------------


def test_the_examples_of_the_how_to_are_read_as_it_says() -> None:
    page = (DOCS / "how-to/write-a-bulletin.md").read_text(encoding="utf-8")
    orchard, week = (
        read_bulletin(text.encode(), "example.txt")
        for text in re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    )

    assert story(orchard) == "PP"
    assert [point.kind for point in orchard.points] == ["thanksgiving", "petition", "petition"]
    assert [verse.osis for verse in orchard.scriptures] == ["Ps.126.5"]
    assert [point.date for point in week.points] == [
        "2026-03-02",
        "2026-03-03",
        "2026-03-07/2026-03-08",
    ]
    assert not blocks(check(orchard) + check(week))


def test_the_pictures_of_the_how_to_are_there_and_light() -> None:
    page = (DOCS / "how-to/write-a-bulletin.md").read_text(encoding="utf-8")
    pictures = [DOCS / "images" / name for name in re.findall(r"\(\.\./images/(.*?)\)", page)]

    assert len(pictures) == 3
    assert all(picture.stat().st_size < 60_000 for picture in pictures)


# --- the demonstration -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "blocks_of_story", "points", "rules"),
    [
        ("2026-11-27-harvest-in-the-hills.txt", "PPQPP", 3, ["unfinished-paragraph"]),
        ("2026-12-04-a-light-by-the-river.md", "PPPQHL", 3, []),
        ("2026-12-11-letters-from-the-north-road.txt", "PPP", 3, ["ref-invalid", "artefact-line"]),
    ],
)
def test_the_demonstrations_bulletins_show_what_they_are_for(
    file: str, blocks_of_story: str, points: int, rules: list[str]
) -> None:
    bulletin = read_bulletin((DEMO / file).read_bytes(), file)
    findings = check(bulletin)
    told = [finding.rule for finding in findings if finding.severity != "note"]

    assert story(bulletin) == blocks_of_story
    assert len(bulletin.points) == points
    assert told == rules
    assert blocks(findings) == ("ref-invalid" in rules)
    assert len(bulletin.scriptures) == 1
    assert bulletin.scriptures[0].quotation
