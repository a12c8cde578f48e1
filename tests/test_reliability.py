"""docs/reliability.md and the tests name the same faults."""

import re
from pathlib import Path

from tests.faults.figures import table

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (F\d+) \|", re.MULTILINE)
MARK = re.compile(r'^(?:@pytest|pytestmark = pytest)\.mark\.fault\("(F\d+)"\)', re.MULTILINE)


def test_every_row_has_a_test_and_every_test_a_row() -> None:
    rows = set(ROW.findall(PAGE))
    sources = sorted((ROOT / "tests").rglob("*.py"))
    named = {row for source in sources for row in MARK.findall(source.read_text("utf-8"))}

    assert rows == {f"F{number}" for number in range(1, 15)}
    assert named == rows


def test_what_was_counted_is_a_table_that_can_be_pasted() -> None:
    killed = {"row": "F1", "kills": 3, "people": 900, "twice": 0, "slowest_restart": 0.25}
    noted = [
        ("tests/test_a.py::test_at_any_moment[practice]", killed),
        ("tests/test_a.py::test_at_any_moment[practice]", killed | {"slowest_restart": 4.0}),
        ("tests/test_a.py::test_at_any_moment[smtp]", killed),
        ("tests/test_b.py::test_a_storm[sqlite-3]", {"row": "F10", "lost": 0, "unknown": 2}),
    ]

    lines = table(reversed(noted))

    assert lines[2:] == [
        "| F1 | at any moment, practice | 6 kills, 4 slowest restart | 1,800 | 0 |  |  |",
        "| F1 | at any moment, smtp | 3 kills, 0.25 slowest restart | 900 | 0 |  |  |",
        "| F10 | a storm, sqlite |  |  |  | 0 | 2 |",
    ]
