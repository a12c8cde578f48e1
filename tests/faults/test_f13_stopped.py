"""F13: a SIGTERM, a pause, a cancellation, somebody who leaves, in the middle of an issue."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update

from newsletter.report import report
from newsletter.tables import Attempt, Batch, Delivery, DeliveryState, Issue, IssueState, Reason
from subscribers.database import open_engine, reading, writing
from subscribers.tables import Subscription, SubscriptionState
from tests.audiences import address_of
from tests.faults.answers import resume, states_of
from tests.faults.conftest import Takers
from tests.faults.figures import Figures
from tests.faults.oracle import check, compare, prepare
from tests.faults.processes import Kind, finish, start, stop_between_two_writes, wait_for
from tests.faults.receivers import KINDS
from tests.faults.sizes import count, dice

pytestmark = pytest.mark.fault("F13")


@pytest.fixture
def site(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@dataclass
class Stop:
    """What had been intended when a stop was committed."""

    last_attempt: int
    in_flight: int


def stop(engine: Engine, issue_id: int, state: IssueState) -> Stop:
    """Stop an issue as the button does, and look around in the same transaction."""
    with writing(engine) as session:
        session.execute(update(Issue).where(Issue.id == issue_id).values(state=state))
        here = select(func.max(Attempt.id)).where(Attempt.issue_id == issue_id)
        on_the_way = select(func.count()).where(
            Delivery.issue_id == issue_id, Delivery.state == DeliveryState.IN_FLIGHT
        )
        return Stop(session.scalar(here) or 0, session.scalar(on_the_way) or 0)


def attempts_after(engine: Engine, issue_id: int, last: int) -> int:
    with reading(engine) as session:
        later = (Attempt.issue_id == issue_id, Attempt.id > last)
        return session.scalars(select(func.count()).select_from(Attempt).where(*later)).one()


def is_quiet(engine: Engine, issue_id: int) -> bool:
    with reading(engine) as session:
        return (
            session.get_one(Issue, issue_id).state is not IssueState.SENDING
            and not (report(session, issue_id).sending["in_flight"])
        )


@pytest.mark.parametrize("to", KINDS)
def test_a_sigterm_finishes_what_is_on_the_way(
    sqlite_url: str, takers: Takers, figures: Figures, to: Kind
) -> None:
    chance = dice("F13", "sigterm", to)
    taker = takers(to)
    engine = open_engine(sqlite_url)
    times, slowest = count(1, 17), 0.0

    for _ in range(times):
        issues = prepare(engine, people=60)
        taker.slowly(0.005)
        before = taker.grown()
        work = taker.work(sqlite_url, connections=2, turn_size=3, pause=0.01, lasts=True)
        process = start(work)
        wait_for(lambda before=before: taker.grown() > before)  # type: ignore[misc]  # a loop variable
        process.join(chance.uniform(0, 0.05))
        asked = time.monotonic()
        process.terminate()
        process.join(60)
        slowest = max(slowest, time.monotonic() - asked)

        assert process.exitcode == 0
        found = states_of(engine, issues[0])
        assert found[DeliveryState.IN_FLIGHT] == found[DeliveryState.UNKNOWN] == 0
        with reading(engine) as session:
            assert (
                session.scalars(select(Batch.id).where(Batch.lease_until.is_not(None))).all() == []
            )
        taker.usual()
        finish(work._replace(lasts=False))
        assert check(sqlite_url, issues, taker) == 0

    engine.dispose()
    figures(
        "F13", sigterms=times, people=60 * times, twice=0, lost=0, unknown=0, slowest_end=slowest
    )


def test_nothing_is_intended_after_a_pause_and_resuming_loses_nobody(
    site: Engine, database_url: str, takers: Takers, figures: Figures
) -> None:
    chance = dice("F13", "pause", site.dialect.name)
    taker = takers("record")
    times, slowest = count(2, 25), 0.0
    people = count(120, 1000)
    [issue_id] = prepare(site, people)
    process = start(taker.work(database_url, connections=3, turn_size=1, pause=0.005, lasts=True))

    for _ in range(times):
        before = taker.grown()
        wait_for(lambda before=before: taker.grown() > before)  # type: ignore[misc]  # a loop variable
        time.sleep(chance.uniform(0, 0.05))
        stopped = stop(site, issue_id, IssueState.PAUSED)
        assert stopped.in_flight <= 3
        wait_for(lambda: is_quiet(site, issue_id))
        taken = sum(taker.taken().values())
        time.sleep(0.1)
        assert attempts_after(site, issue_id, stopped.last_attempt) == 0
        assert sum(taker.taken().values()) == taken
        resumed = time.monotonic()
        resume(site, issue_id)
        last = stopped.last_attempt
        wait_for(lambda last=last: attempts_after(site, issue_id, last) > 0)  # type: ignore[misc]
        slowest = max(slowest, time.monotonic() - resumed)
    process.terminate()
    process.join(60)

    assert process.exitcode == 0
    finish(taker.work(database_url))
    assert check(database_url, [issue_id], taker) == 0
    figures(
        "F13",
        pauses=times,
        calls_after=0,
        slowest_resume=slowest,
        people=people,
        twice=0,
        lost=0,
        unknown=0,
    )


@pytest.mark.transition("v")
def test_nothing_is_intended_after_a_cancellation_and_all_are_accounted_for(
    site: Engine, database_url: str, takers: Takers
) -> None:
    taker = takers("record")
    [issue_id] = prepare(site, people=120)
    process = start(taker.work(database_url, connections=3, turn_size=1, pause=0.005, lasts=True))
    wait_for(lambda: taker.grown() > 0)

    stopped = stop(site, issue_id, IssueState.CANCELLED)
    wait_for(lambda: states_of(site, issue_id)[DeliveryState.PENDING] == 0)
    wait_for(lambda: is_quiet(site, issue_id))
    process.terminate()
    process.join(60)

    assert attempts_after(site, issue_id, stopped.last_attempt) == 0
    found = compare(site, issue_id, taker)
    assert (found.twice, found.lost, found.unknown) == (0, 0, 0)
    assert set(found.states) == {DeliveryState.SUBMITTED, DeliveryState.EXCLUDED}


@pytest.mark.transition("f")
def test_who_leaves_before_their_turn_gets_nothing(
    sqlite_url: str, tmp_path: Path, takers: Takers, figures: Figures
) -> None:
    chance = dice("F13", "leaving")
    engine = open_engine(sqlite_url)
    taker = takers("record")
    [issue_id] = prepare(engine, people=count(100, 600))
    process = start(taker.work(sqlite_url, connections=3, turn_size=1, pause=0.01))
    leavers: list[int] = []
    for _ in range(count(3, 20)):
        before = taker.grown()
        wait_for(lambda before=before: taker.grown() > before)  # type: ignore[misc]  # a loop variable
        pid = stop_between_two_writes(process, tmp_path / "newsletter.db")
        with writing(engine) as session:
            here = (Delivery.issue_id == issue_id, Delivery.state == DeliveryState.PENDING)
            left = Subscription.state == SubscriptionState.UNSUBSCRIBED
            gone = select(Subscription.subscriber_id).where(left)
            waiting = session.scalars(
                select(Delivery.subscriber_id).where(*here, Delivery.subscriber_id.not_in(gone))
            ).all()
            chosen = chance.sample(waiting, 2)
            session.execute(
                update(Subscription)
                .where(Subscription.subscriber_id.in_(chosen))
                .values(state=SubscriptionState.UNSUBSCRIBED)
            )
        os.kill(pid, signal.SIGCONT)
        leavers += chosen
    process.join(60)

    assert process.exitcode == 0
    addresses = {taken.address for taken in taker.taken()}
    assert not {address_of(number) for number in leavers} & addresses
    found = compare(engine, issue_id, taker)
    assert (found.twice, found.lost, found.unknown) == (0, 0, 0)
    assert found.states[DeliveryState.EXCLUDED] == len(leavers)
    with reading(engine) as session:
        excluded = Delivery.state == DeliveryState.EXCLUDED
        reasons = session.scalars(select(Delivery.reason).where(excluded)).all()
    assert set(reasons) == {Reason.UNSUBSCRIBED}
    engine.dispose()
    figures(
        "F13",
        left_in_mid_send=len(leavers),
        copies_to_them=0,
        people=count(100, 600),
        twice=0,
        lost=0,
        unknown=0,
    )
