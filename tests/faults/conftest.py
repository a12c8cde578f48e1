"""What the rows share: receivers that run for a whole file."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.faults.processes import Kind
from tests.faults.receivers import Receiver, receiver

Takers = Callable[[Kind], Receiver]


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
