"""What was counted while something was broken on purpose, for the page and at the end of a run."""

from collections.abc import Callable

import pytest

from tests.faults.sizes import SEED, SIZE

Figures = Callable[..., None]


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Figures:
    """Notes what was counted, for the table at the end: `figures("F1", kills=200)`."""

    def note(row: str, **counted: float) -> None:
        record_property("figures", {"row": row} | counted)

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was counted, by row, with the seed that leads there again."""
    lines: list[str] = []
    for reports in terminalreporter.stats.values():
        for found in reports:
            for name, value in getattr(found, "user_properties", ()):
                if name == "figures" and getattr(found, "when", "") == "call":
                    counted = dict(value)
                    row = counted.pop("row")
                    shown = ", ".join(f"{what} {number:g}" for what, number in counted.items())
                    test = found.nodeid.rpartition("::")[2]
                    lines.append(f"{row:4} {test}: {shown}")
    if lines:
        terminalreporter.section(f"faults: size {SIZE}, seed {SEED}")
        for line in sorted(lines):
            terminalreporter.line(line)
