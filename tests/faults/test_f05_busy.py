"""F5: somebody else holds the SQLite file while mail goes out."""

import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from newsletter.tables import Attempt, IssueState
from subscribers.database import open_engine, reading
from tests.faults.answers import issue_state
from tests.faults.conftest import Takers
from tests.faults.figures import Figures
from tests.faults.oracle import check, prepare
from tests.faults.processes import start, wait_for
from tests.faults.sizes import count, dice

pytestmark = pytest.mark.fault("F5")


def test_nothing_is_sent_while_no_intent_can_be_written(
    sqlite_url: str, tmp_path: Path, takers: Takers, figures: Figures
) -> None:
    chance = dice("F5")
    # Twice as long as the product waits for a lock, and mostly less.
    longest = count(1, 30)
    holds = [longest / 300 ** chance.random() for _ in range(count(2, 19))] + [float(longest)]
    people = count(60, 400)
    issues = prepare(sqlite_url, people)
    taker = takers("record")
    engine = open_engine(sqlite_url)
    somebody = sqlite3.connect(tmp_path / "newsletter.db", timeout=60, isolation_level=None)
    process = start(taker.work(sqlite_url, connections=2, turn_size=1, pause=0.01, lasts=True))
    wait_for(lambda: taker.grown() > 0)

    for hold in holds:
        somebody.execute("BEGIN IMMEDIATE")
        with reading(engine) as session:
            intended = session.scalar(select(func.count()).select_from(Attempt)) or 0
        time.sleep(hold)
        assert sum(taker.taken().values()) <= intended
        somebody.execute("COMMIT")
        time.sleep(0.05)
    wait_for(lambda: issue_state(engine, issues[0]) is IssueState.COMPLETED)
    process.terminate()
    process.join(60)

    assert process.exitcode == 0
    assert check(sqlite_url, issues, taker) == 0
    figures("F5", holds=len(holds), longest=max(holds), people=people, twice=0, lost=0, unknown=0)
    somebody.close()
    engine.dispose()
