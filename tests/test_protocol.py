"""docs/protocol.md and the tests name the same transitions."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")
ARROW = re.compile(r"^    (?:\[\*\]|\w+) --> \w+: ([a-z, ]+)$", re.MULTILINE)
ROW = re.compile(r"^\| \*\*([a-z])\*\* \|", re.MULTILINE)
MARK = re.compile(r"^(?:@pytest|pytestmark = pytest)\.mark\.transition\(([^)]*)\)", re.MULTILINE)


def letters(pattern: re.Pattern[str], text: str) -> list[str]:
    return [letter for found in pattern.findall(text) for letter in re.findall(r"[a-z]", found)]


def named_by_tests() -> set[str]:
    sources = sorted((ROOT / "tests").rglob("*.py"))
    return {letter for source in sources for letter in letters(MARK, source.read_text("utf-8"))}


def test_the_diagram_and_the_table_show_the_same_transitions() -> None:
    in_table = letters(ROW, PAGE)

    assert in_table == sorted(set(in_table))
    assert set(letters(ARROW, PAGE)) == set(in_table)


def test_tests_name_every_transition_and_no_other() -> None:
    assert named_by_tests() == set(letters(ROW, PAGE))
