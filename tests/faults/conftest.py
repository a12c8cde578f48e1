"""What the rows share: receivers that run for a whole file, and figures for the page."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.faults.processes import Kind
from tests.faults.receivers import Receiver, receiver
from tests.faults.sizes import SEED, SIZE

Takers = Callable[[Kind], Receiver]
Figures = Callable[..., None]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Takers]:
    """Receivers by their kind, each started when it is first asked for."""
    started: dict[Kind, Receiver] = {}
    with ExitStack() as stack:

        def ask(to: Kind) -> Receiver:
            if to not in started:
                started[to] = stack.enter_context(receiver(to, tmp_path_factory.mktemp(to)))
            return started[to]

        yield ask


@pytest.fixture
def takers(running: Takers) -> Takers:
    """Receivers by their kind, with an empty record."""

    def ask(to: Kind) -> Receiver:
        found = running(to)
        found.forget()
        return found

    return ask


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
