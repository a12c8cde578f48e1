"""docs/reliability.md and the tests name the same faults."""

import re
from pathlib import Path

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
