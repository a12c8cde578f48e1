"""What was counted while something was broken on purpose: a table for the page, after a run."""

from collections.abc import Callable, Iterable, Mapping

import pytest

from tests.faults.sizes import SEED, SIZE

Figures = Callable[..., None]

PROMISES = ("people", "twice", "lost", "unknown")
"""The columns of their own; whatever else was counted stands before them, in words."""
_APART = {"practice", "smtp", "sendgrid", "sqlite", "postgresql"}
_MOST_OF = ("longest", "slowest")  # whose greatest counts, not the sum


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Figures:
    """Notes what was counted, for the table at the end: `figures("F1", kills=200)`."""

    def note(row: str, **counted: float) -> None:
        record_property("figures", {"row": row} | counted)

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was counted, by row, with the seed that leads there again."""
    found = {
        (report.nodeid, tuple(value.items())): value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in getattr(report, "user_properties", ())
        if name == "figures"  # a part of a test tells again what was noted before it
    }
    if found:
        terminalreporter.section(f"faults: size {SIZE}, seed {SEED}")
        for line in table((nodeid, counted) for (nodeid, _), counted in found.items()):
            terminalreporter.line(line)


def table(noted: Iterable[tuple[str, Mapping[str, object]]]) -> list[str]:
    """Return the lines of a Markdown table: one for each test and kind of receiver or database."""
    sums: dict[tuple[int, str, str], dict[str, float]] = {}
    for nodeid, counted in noted:
        row = str(counted["row"])
        order = int(row.removeprefix("F")) if row.startswith("F") else 99
        into = sums.setdefault((order, row, _title(nodeid)), {})
        for name, value in counted.items():
            if isinstance(value, int | float):
                both = (into.get(name, 0), value)
                into[name] = max(both) if name.startswith(_MOST_OF) else sum(both)
    lines = [f"| row | what | done | {' | '.join(PROMISES)} |", "|---|---|---|---|---|---|---|"]
    for (_, row, title), numbers in sorted(sums.items()):
        done = ", ".join(
            f"{_shown(value)} {name.replace('_', ' ')}"
            for name, value in numbers.items()
            if name not in PROMISES
        )
        kept = " | ".join(_shown(numbers[name]) if name in numbers else "" for name in PROMISES)
        lines.append(f"| {row} | {title} | {done} | {kept} |")
    return lines


def _title(nodeid: str) -> str:
    name, _, case = nodeid.rpartition("::")[2].removesuffix("]").partition("[")
    apart = [word for word in case.split("-") if word in _APART]
    return ", ".join([name.removeprefix("test_").replace("_", " "), *apart])


def _shown(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:.2g}"
