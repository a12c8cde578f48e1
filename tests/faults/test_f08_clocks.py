"""F8: the clock of one machine jumps while two dispatchers share an issue."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update

from newsletter.config import Settings
from newsletter.dispatch.engine import Dispatcher
from newsletter.providers.base import Provider
from newsletter.tables import Issue, IssueState
from subscribers.database import reading, writing
from tests.audiences import MONDAY
from tests.faults.conftest import Takers
from tests.faults.figures import Figures
from tests.faults.oracle import KEYS, compare, prepare
from tests.faults.processes import provider_for
from tests.scripted import Scripted

pytestmark = pytest.mark.fault("F8")

DAY, YEAR = timedelta(days=1), timedelta(days=365)
JUMPS = [timedelta(minutes=5), -timedelta(minutes=5), DAY, -DAY, YEAR, -YEAR]


class Clock:
    """A clock that a test sets."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


def due_on_monday(engine: Engine, people: int) -> int:
    [issue_id] = prepare(engine, people)
    with writing(engine) as session:
        session.execute(
            update(Issue).where(Issue.id == issue_id).values(due_at=MONDAY, not_before=None)
        )
    return issue_id


def dispatcher(engine: Engine, provider: Provider, clock: Callable[[], datetime]) -> Dispatcher:
    return Dispatcher(engine, KEYS, Settings(), provider, clock)


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_nobody_gets_two_copies_when_one_clock_jumps(
    engine: Engine, takers: Takers, figures: Figures, jump: timedelta
) -> None:
    issue_id = due_on_monday(engine, 40)
    taker = takers("record")
    right, wrong = Clock(MONDAY), Clock(MONDAY)
    provider = provider_for(taker.work("", connections=2, turn_size=2, pause=0.002))
    assert isinstance(provider, Scripted)

    def leap(call: int) -> None:
        if call == 4:
            wrong.at += jump

    provider.before = leap
    threads = [
        threading.Thread(target=dispatcher(engine, provider, clock).run_once)
        for clock in (wrong, right)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    wrong.at = MONDAY + timedelta(minutes=1)  # somebody sets it right
    dispatcher(engine, provider, wrong).run_once()

    found = compare(engine, issue_id, taker)
    assert (found.twice, found.lost, found.unknown) == (0, 0, 0)
    with reading(engine) as session:
        assert session.get_one(Issue, issue_id).state is IssueState.COMPLETED
    figures("F8", jumps=1, people=40, twice=0, lost=0, unknown=0)


@pytest.mark.parametrize("jump", [jump for jump in JUMPS if jump < timedelta()], ids=str)
def test_an_issue_does_not_begin_again_when_the_clock_goes_back(
    engine: Engine, takers: Takers, jump: timedelta
) -> None:
    issue_id = due_on_monday(engine, 5)
    taker = takers("record")
    clock = Clock(MONDAY)
    provider = provider_for(taker.work(""))
    dispatcher(engine, provider, clock).run_once()

    clock.at += jump
    dispatcher(engine, provider, clock).run_once()
    clock.at = MONDAY
    tally = dispatcher(engine, provider, clock).run_once()

    assert tally.started == []
    assert compare(engine, issue_id, taker).twice == 0
    with reading(engine) as session:
        assert session.scalars(select(Issue.state)).all() == [IssueState.COMPLETED]
