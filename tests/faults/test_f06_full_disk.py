"""F6: the disk is full, and then it is not."""

import resource

import pytest
from sqlalchemy import func, select

from newsletter.tables import Attempt, Issue, IssueState
from subscribers.database import open_engine, reading
from tests.faults.conftest import Takers
from tests.faults.figures import Figures
from tests.faults.oracle import check, prepare
from tests.faults.processes import start, wait_for
from tests.faults.sizes import count

FULL_AT = 16_384  # bytes of a file: four pages of the write-ahead log, and enough for our log

pytestmark = pytest.mark.fault("F6")


def test_a_full_disk_stops_the_mail_and_it_goes_on_alone(
    sqlite_url: str, takers: Takers, figures: Figures
) -> None:
    """The limit of the system for the size of a file stands in for the end of the disk."""
    taker = takers("smtp")
    taker.slowly(0.002)
    engine = open_engine(sqlite_url)
    rounds = count(1, 10)

    for _ in range(rounds):
        [issue_id] = prepare(engine, people=40)
        before = taker.grown()
        process = start(taker.work(sqlite_url, connections=2, lasts=True))
        assert process.pid is not None
        wait_for(lambda before=before: taker.grown() > before)  # type: ignore[misc]  # a loop variable
        log = taker.folder / f"log.{process.pid}"
        unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (FULL_AT, unlimited[1]))
        wait_for(lambda log=log: "cannot be written" in log.read_text())  # type: ignore[misc]
        with reading(engine) as session:
            intended = session.scalar(select(func.count()).select_from(Attempt)) or 0
        assert sum(taker.taken().values()) <= intended
        assert process.exitcode is None
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)

        def is_done(issue_id: int = issue_id) -> bool:
            with reading(engine) as session:
                return session.get_one(Issue, issue_id).state is IssueState.COMPLETED

        wait_for(is_done)
        process.terminate()
        process.join(60)
        assert process.exitcode == 0
        assert "disk" in log.read_text()  # what staff read there is a sentence
        assert check(sqlite_url, [issue_id], taker) == 0

    engine.dispose()
    figures("F6", rounds=rounds, people=40 * rounds, twice=0, lost=0, unknown=0)
