"""F11: a process, or the whole machine, stands still for longer than its lease, and wakes."""

import os
import signal
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete

from newsletter.config import Settings
from newsletter.dispatch import engine as engine_module
from newsletter.dispatch.engine import Dispatcher
from newsletter.tables import DeliveryState, Pace
from subscribers.database import open_engine, writing
from tests.faults.answers import resume
from tests.faults.conftest import Takers
from tests.faults.figures import Figures
from tests.faults.oracle import KEYS, check, compare, prepare
from tests.faults.processes import (
    Kind,
    finish,
    provider_for,
    start,
    stop_between_two_writes,
    wait_for,
)
from tests.faults.receivers import KINDS
from tests.faults.sizes import SIZE, count, dice
from tests.scripted import Scripted

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

    figures("F11", stops=times, people=40 * times, twice=0, lost=0, unknown=unknown)


def test_a_machine_whose_processes_all_stood_still_goes_on(
    sqlite_url: str, tmp_path: Path, takers: Takers, figures: Figures
) -> None:
    chance = dice("F11", "all")
    engine = open_engine(sqlite_url)
    unknown = 0
    times = count(1, 20)

    for _ in range(times):
        issues = prepare(engine, people=40)
        taker = takers(chance.choice(KINDS))
        taker.slowly(0.02)
        work = taker.work(sqlite_url, turn_size=4, pause=0.05, waits=WAITS, lasts=True)
        processes = [start(work) for _ in range(2)]
        wait_for(lambda taker=taker: taker.grown() > 0)  # type: ignore[misc]  # a loop variable
        pids = [stop_between_two_writes(each, tmp_path / "newsletter.db") for each in processes]

        time.sleep(3 * WAITS + 0.1)
        for pid in chance.sample(pids, 2):
            os.kill(pid, signal.SIGCONT)
            time.sleep(chance.uniform(0, 0.05))
        taker.usual()
        for process in processes:
            process.terminate()
            process.join(60)
        assert {process.exitcode for process in processes} == {0}
        # Each answer that came too late lets it wait longer, and then pauses the issue.
        resume(engine, issues[0])
        with writing(engine) as session:
            session.execute(delete(Pace))
        work = work._replace(waits=10.0, lasts=False, pause=0.0)
        finish(work)
        finish(work._replace(ahead=timedelta(minutes=5)))  # whoever was put off: it was too late
        # An answer that a slow machine gave too late is as lost as one that came while it stood.
        unknown += check(sqlite_url, issues, taker, connections=10, others=FAILED)

    engine.dispose()
    figures("F11", processes_stopped=2 * times, people=40 * times, twice=0, lost=0, unknown=unknown)


class Machine:
    """The clocks of a machine that may sleep: monotonic time alone stands still meanwhile."""

    def __init__(self) -> None:
        self.slept = timedelta()

    def sleep(self, long: timedelta) -> None:
        self.slept += long

    def now(self) -> datetime:
        return datetime.now(UTC) + self.slept

    def gettime(self, which: int) -> float:
        slept = self.slept.total_seconds() if which == time.CLOCK_BOOTTIME else 0.0
        return CLOCK(which) + slept


CLOCK = time.clock_gettime
MOMENTS = ["claimed", "intended", "in the call", "submitted", "released"]
NAPS = [timedelta(minutes=5), timedelta(hours=8), timedelta(days=4)]


def naps() -> list[tuple[str, timedelta]]:
    """Return each moment with each length of a nap; in a sample two by lot."""
    if SIZE != "sample":
        return [(moment, nap) for moment in MOMENTS for nap in NAPS]
    chance = dice("F11", "naps")
    return [(moment, chance.choice(NAPS)) for moment in chance.sample(MOMENTS, 2)]


@pytest.mark.parametrize(("moment", "nap"), naps())
def test_a_machine_that_was_suspended_goes_on(
    engine: Engine,
    takers: Takers,
    figures: Figures,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
    nap: timedelta,
) -> None:
    """Two dispatchers on it; the wall clock and the deadlines jump, waits of the system do not."""
    machine, passed = Machine(), Counter[str]()
    monkeypatch.setattr(time, "clock_gettime", machine.gettime)
    [issue_id] = prepare(engine, people=40)
    taker = takers("record")
    provider = provider_for(taker.work("", connections=2, turn_size=2, pause=0.002))
    assert isinstance(provider, Scripted)

    def pass_by(name: str) -> None:
        passed[name] += 1
        if name == moment and passed[name] == 3:
            machine.sleep(nap)

    monkeypatch.setattr(engine_module, "failpoint", pass_by)
    provider.before = lambda _call: pass_by("in the call")

    def dispatch() -> None:
        Dispatcher(engine, KEYS, Settings(), provider, machine.now).run_once()

    threads = [threading.Thread(target=dispatch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    dispatch()

    assert passed[moment] >= 3
    found = compare(engine, issue_id, taker)
    assert (found.twice, found.lost, found.unknown) == (0, 0, 0)
    assert set(found.states) <= {DeliveryState.SUBMITTED, DeliveryState.FAILED}
    assert found.states[DeliveryState.FAILED] <= 2  # in hand when the other completed the issue
    figures("F11", naps=1, people=40, twice=0, lost=0, unknown=0)
