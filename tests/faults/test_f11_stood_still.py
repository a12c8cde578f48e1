"""F11: a process stands still for longer than its lease, and wakes."""

import os
import signal
import time
from pathlib import Path

import pytest

from newsletter.tables import DeliveryState
from tests.faults.conftest import Takers
from tests.faults.figures import Figures
from tests.faults.oracle import check, prepare
from tests.faults.processes import Kind, finish, start, stop_between_two_writes, wait_for
from tests.faults.receivers import KINDS
from tests.faults.sizes import count, dice

pytestmark = pytest.mark.fault("F11")

FAILED = frozenset({DeliveryState.FAILED})
WAITS = 0.4  # seconds that an intent, and then an answer, is good for


@pytest.mark.parametrize("to", KINDS)
def test_one_that_wakes_harms_nobody(
    sqlite_url: str, tmp_path: Path, takers: Takers, figures: Figures, to: Kind
) -> None:
    chance = dice("F11", to)
    taker = takers(to)
    unknown = 0
    times = count(1, 17)

    for _ in range(times):
        issues = prepare(sqlite_url, people=40)
        taker.slowly(0.02)
        before = taker.grown()
        work = taker.work(sqlite_url, turn_size=4, pause=0.05, waits=WAITS)
        zombie = start(work)
        wait_for(lambda before=before: taker.grown() > before)  # type: ignore[misc]  # a loop variable
        zombie.join(chance.uniform(0, 0.1))
        pid = stop_between_two_writes(zombie, tmp_path / "newsletter.db")

        time.sleep(3 * WAITS + 0.1)  # its lease, and the time for its answer, are over
        finish(work._replace(pause=0.0, waits=10.0))
        os.kill(pid, signal.SIGCONT)
        zombie.join(60)
        finish(work._replace(waits=10.0))
        # One that wakes before its first byte says that it did not send.  The issue is completed
        # by then, so its person counts as failed, and staff may send the rest.
        unknown += check(sqlite_url, issues, taker, connections=1, others=FAILED)

    figures("F11", stops=times, twice=0, lost=0, unknown=unknown)
