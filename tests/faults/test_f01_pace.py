"""Processes killed where the pace is written: each copy counts once, and nobody waits for ever."""

import pytest
from sqlalchemy import select

from newsletter.tables import Pace, Trial
from subscribers.database import open_engine, reading
from tests.faults.conftest import Takers
from tests.faults.oracle import check, prepare
from tests.faults.processes import Work, finish, start

pytestmark = pytest.mark.fault("F1")

PEOPLE = 60
EXITED_AT_A_FAILPOINT = 137


def die(work: Work, failpoint: str) -> None:
    process = start(work._replace(failpoint=failpoint))
    process.join(30)
    assert process.exitcode == EXITED_AT_A_FAILPOINT


@pytest.mark.parametrize("failpoint", ["pace-taken", "pace-taken:4", "turn-written:4", "intended"])
def test_what_was_taken_is_counted_once_for_each_intent(
    sqlite_url: str, takers: Takers, failpoint: str
) -> None:
    issues = prepare(sqlite_url, PEOPLE)
    taker = takers("record")
    work = taker.work(sqlite_url, per_day=1_000)

    die(work, failpoint)
    finish(work)

    check(sqlite_url, issues, taker, connections=work.connections)
    engine = open_engine(sqlite_url)
    with reading(engine) as session:
        assert session.scalars(select(Pace.used)).one() == PEOPLE
    engine.dispose()


def test_a_process_that_dies_in_doubt_about_another(sqlite_url: str, takers: Takers) -> None:
    issues = prepare(sqlite_url, PEOPLE)
    taker = takers("record")
    work = taker.work(sqlite_url)

    die(work, "submitted")
    die(work, "pace-written")
    finish(work)

    check(sqlite_url, issues, taker, connections=work.connections)
    engine = open_engine(sqlite_url)
    with reading(engine) as session:
        assert session.scalars(select(Pace.doubts)).one() == 0
    engine.dispose()


def test_a_process_that_dies_while_the_first_hundred_are_judged(
    sqlite_url: str, takers: Takers
) -> None:
    issues = prepare(sqlite_url, people=130)
    taker = takers("record")
    work = taker.work(sqlite_url, connections=2, turn_size=20)

    die(work, "trial-judged")
    finish(work)

    check(sqlite_url, issues, taker, connections=work.connections)
    engine = open_engine(sqlite_url)
    with reading(engine) as session:
        assert session.scalars(select(Trial.judged_at)).one() is not None
    engine.dispose()
