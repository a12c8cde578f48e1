"""F10: two to five schedulers and dispatchers on one database, and some of them die."""

import time
from collections.abc import Sequence

import pytest

from tests.faults.conftest import Takers
from tests.faults.figures import Figures
from tests.faults.oracle import check, prepare
from tests.faults.processes import finish, killed, start
from tests.faults.sizes import SIZE, count, dice

pytestmark = pytest.mark.fault("F10")

CROWDS: Sequence[int] = range(2, 6) if SIZE != "sample" else [3]


@pytest.mark.parametrize("crowd", CROWDS)
def test_a_storm_of_processes(
    database_url: str, takers: Takers, figures: Figures, crowd: int
) -> None:
    """Issues become due all the time; a process is killed now and then, and another begins."""
    chance = dice("F10", crowd, database_url.partition(":")[0])
    taker = takers("record")
    work = taker.work(database_url, connections=2, turn_size=2, pause=0.003, lasts=True)
    processes = [start(work) for _ in range(crowd)]
    issues: list[int] = []
    kills = 0
    until = time.monotonic() + count(2, 30)

    while time.monotonic() < until:
        issues += prepare(database_url, people=chance.randint(5, 40))
        time.sleep(chance.uniform(0.1, 0.6))
        if chance.random() < 0.3:
            kills += killed(processes.pop(chance.randrange(crowd)))
            processes.append(start(work))
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(60)

    assert {process.exitcode for process in processes} == {0}
    finish(work._replace(lasts=False))
    unknown = check(database_url, issues, taker, connections=work.connections)
    figures(
        "F10", processes=crowd, issues=len(issues), kills=kills, twice=0, lost=0, unknown=unknown
    )
