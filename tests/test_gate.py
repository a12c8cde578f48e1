"""The row of the pace on both databases: shared, lasting, and free where nothing limits."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, select
from sqlalchemy.orm import Session

from newsletter.dispatch import pace
from newsletter.dispatch.gate import Gate
from newsletter.dispatch.pace import RUN, Grant
from newsletter.dispatch.retry import NOT_SENT, Answered, answered
from newsletter.providers.base import Answer, Outcome
from newsletter.quota import Limits
from newsletter.tables import Pace
from subscribers.database import open_engine, reading, run_by_driver, writing
from tests.scripted import Scripted

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
SECOND = timedelta(seconds=1)


@pytest.fixture
def engine(warm_engine: Engine) -> Engine:
    """Both databases, with statements that are compiled once for all tests."""
    return warm_engine


@dataclass
class Process:
    """One process with its gate, on a shared database."""

    engine: Engine
    limits: Limits = field(default_factory=Limits)
    now: datetime = NOON
    repeatable: bool = False

    def __post_init__(self) -> None:
        provider = Scripted(Path("unused"), repeatable=self.repeatable)
        self.gate = Gate(provider, self.limits, LONDON, self.now, chance=lambda: 0.0)
        self.attempts = 0

    def take(self, want: int = 1, intended: int | None = None, attempt_id: int = 0) -> Grant:
        with writing(self.engine) as session:
            self.gate.hold_row(session)
            grant = self.gate.take(session, want, self.now)
            count = grant.count if intended is None else intended
            self.gate.use(session, grant, count, attempt_id, self.now)
            return grant

    def learn(self, answer: Answer, count: int = 1, attempt_id: int = 1, **more: object) -> str:
        outcomes = [Outcome(n, answer, **more) for n in range(count)]  # type: ignore[arg-type]  # any field
        given = answered(attempt_id, dict.fromkeys(range(count), 1), outcomes, self.now)
        return self.learn_of(given)

    def learn_of(self, given: Answered | None) -> str:
        with writing(self.engine) as session:
            return self.gate.learn(session, given, self.now) or ""

    def look(self) -> None:
        with writing(self.engine) as session:
            self.gate.look(session, self.now)

    def died(self) -> str:
        with writing(self.engine) as session:
            return self.gate.process_died(session, self.now) or ""

    def row(self) -> Pace:
        with reading(self.engine) as session:
            return session.scalars(select(Pace)).one()


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements that run meanwhile."""
    run: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        run.append(statement)

    def note_by_driver(connection: Connection, statement: str, arguments: Any) -> list[Any]:
        run.append(statement)
        return run_by_driver(connection, statement, arguments)

    event.listen(engine, "before_cursor_execute", note)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("subscribers.statement.run_by_driver", note_by_driver)
        yield run
    event.remove(engine, "before_cursor_execute", note)


def test_without_limits_a_turn_costs_no_statement(engine: Engine) -> None:
    process = Process(engine)
    with writing(engine) as session, counted(engine) as run:
        process.gate.hold_row(session)
        process.gate.learn(session, answered(1, {1: 1}, [Outcome(1, Answer.ACCEPTED)], NOON), NOON)
        grant = process.gate.take(session, 500, NOON)
        process.gate.use(session, grant, 500, 7, NOON)

    assert grant == Grant(500)
    assert run == []


def test_with_limits_and_a_content_provider_it_costs_one(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    process = Process(engine, Limits(per_second=100, per_day=1_000))
    process.take()
    process.now += SECOND
    with writing(engine) as session, counted(engine) as run:
        process.gate.hold_row(session)
        grant = process.gate.take(session, 500, process.now)
        process.gate.use(session, grant, 100, 7, process.now)

    assert grant == Grant(100)
    assert len(run) == 1
    engine.dispose()


def test_two_processes_share_one_day(engine: Engine) -> None:
    one, other = (Process(engine, Limits(per_day=100)) for _ in range(2))

    granted = [one.take(60).count, other.take(60).count, one.take(60).count]

    assert granted == [60, 40, 0]
    assert one.gate.shut_until == datetime(2026, 11, 24, tzinfo=UTC)


def test_two_processes_share_one_rate(engine: Engine) -> None:
    one, other = (Process(engine, Limits(per_second=2)) for _ in range(2))

    first, second = one.take(), other.take()
    other.now += SECOND / 2
    third = other.take()

    assert (first.count, second, third.count) == (1, Grant(0, NOON + SECOND / 2), 1)


def test_a_restart_keeps_the_days_use(engine: Engine) -> None:
    Process(engine, Limits(per_day=100)).take(90)

    assert Process(engine, Limits(per_day=100)).take(90).count == 10
    assert Process(engine, Limits(per_day=100), NOON + timedelta(days=1)).take(90).count == 90


def test_days_and_months_are_those_of_the_zone(engine: Engine) -> None:
    summer = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)  # half past midnight, in July, in London
    process = Process(engine, Limits(per_day=10, per_month=15), summer)

    process.take(10)

    assert (process.row().day, process.row().month) == (date(2026, 7, 1), date(2026, 7, 1))
    assert process.take(10).not_before == datetime(2026, 7, 1, 23, 0, tzinfo=UTC)


def test_who_was_left_out_in_the_turn_does_not_count(engine: Engine) -> None:
    process = Process(engine, Limits(per_day=100))

    process.take(60, intended=20)

    assert process.row().used == 20
    assert process.take(100).count == 80


def test_what_was_not_taken_is_given_back(engine: Engine) -> None:
    process = Process(engine, Limits(per_day=100))
    process.take(60)

    process.learn(Answer.TRY_LATER, 30)
    process.learn_of(Answered(2, dict.fromkeys(range(10), NOT_SENT)))
    process.learn(Answer.REFUSED, 20)

    assert process.row().used == 20


# --- slower ---------------------------------------------------------------------------------


def test_another_process_slows_down_within_a_second(engine: Engine) -> None:
    one, other = Process(engine), Process(engine)
    one.learn(Answer.ACCEPTED, 80)
    one.learn(Answer.TRY_LATER, slow_down=True, retry_after=timedelta(seconds=30))

    before = other.take(500)
    other.look()
    after = other.take(500)

    assert before == Grant(500)
    assert after == Grant(0, NOON + timedelta(seconds=30))
    assert other.gate.is_shut(NOON)
    other.now += timedelta(seconds=30)
    assert other.take(500).count == 40  # half of what was measured


def test_successes_bring_the_old_rate_back(engine: Engine) -> None:
    process = Process(engine, Limits(per_second=10))
    process.take()
    process.learn(Answer.TRY_LATER, slow_down=True)
    process.now += timedelta(seconds=5)
    at_first = process.take(500).count
    for _ in range(100):
        process.learn(Answer.ACCEPTED, 5)
    process.now += timedelta(seconds=5)

    assert at_first == 5
    assert process.row().per_second is None
    assert process.take(500).count == 10


def test_the_measured_rate_is_the_better_of_now_and_just_before(engine: Engine) -> None:
    process = Process(engine)
    process.learn(Answer.ACCEPTED, 500)
    process.now += 5 * SECOND
    process.look()
    process.learn(Answer.ACCEPTED, 30)
    process.learn(Answer.TRY_LATER, slow_down=True)

    assert process.row().per_second == 50_000
    assert process.row().recovers_to == 100_000


# --- in doubt -------------------------------------------------------------------------------


def test_one_doubtful_answer_stops_all_processes_until_a_probe_is_answered(
    engine: Engine,
) -> None:
    one, other = Process(engine), Process(engine)
    one.learn(Answer.UNKNOWN, 10)
    other.look()

    probe = one.take(500, attempt_id=41)
    waits = other.take(500)
    one.learn(Answer.ACCEPTED, attempt_id=40)  # it was on its way before
    still = other.take(500)
    one.learn(Answer.ACCEPTED, attempt_id=41)
    other.look()

    assert (probe.count, probe.probes, waits.count, still.count) == (1, True, 0, 0)
    assert one.row().breaker_until is None
    assert other.take(500) == Grant(500)


@pytest.mark.parametrize(
    ("answer", "doubts", "broken"),
    [
        (Answer.ACCEPTED, 0, False),
        (Answer.REFUSED, 0, False),
        (Answer.TRY_LATER, 1, True),
        (Answer.SENDER_FAULT, 1, True),
        (Answer.UNKNOWN, 2, True),
    ],
)
def test_what_a_probe_tells(engine: Engine, answer: Answer, doubts: int, broken: bool) -> None:
    process = Process(engine)
    process.learn(Answer.UNKNOWN)
    process.take(attempt_id=41)

    assert process.gate.probing
    process.learn(answer, attempt_id=41)

    assert not process.gate.probing
    assert (process.row().doubts, process.row().breaker_until is not None) == (doubts, broken)


def test_an_answer_that_is_written_twice_is_a_probe_both_times(engine: Engine) -> None:
    process = Process(engine)
    process.learn(Answer.UNKNOWN)
    process.take(attempt_id=41)
    given = answered(41, {1: 1}, [Outcome(1, Answer.ACCEPTED)], NOON)
    with writing(engine) as session:
        process.gate.learn(session, given, NOON)
        session.rollback()  # the commit failed, say

    process.learn_of(given)

    assert process.row().breaker_until is None


def test_a_run_of_doubts_stops_the_issue_and_begins_anew(engine: Engine) -> None:
    process = Process(engine)
    said = [process.learn(Answer.UNKNOWN)]
    for number in range(RUN - 1):
        process.now += timedelta(minutes=10)
        process.take(attempt_id=number + 2)
        said.append(process.learn(Answer.UNKNOWN, attempt_id=number + 2))

    assert said[:-1] == [""] * (RUN - 1)
    assert "nobody could tell whether a scripted provider took" in said[-1]
    assert process.row().doubts == 0
    assert process.take(500).probes


def test_the_deaths_of_processes_count_once_each(engine: Engine) -> None:
    said = [Process(engine).died() for _ in range(RUN)]

    assert [bool(sentence) for sentence in said] == [False] * (RUN - 1) + [True]


def test_a_probe_that_was_left_out_lets_another_go(engine: Engine) -> None:
    process = Process(engine)
    process.learn(Answer.UNKNOWN)

    process.take(500, intended=0)

    assert not process.gate.probing
    assert process.take(500).probes


def test_a_probe_of_which_nobody_knows_lets_another_go(engine: Engine) -> None:
    process = Process(engine)
    process.learn(Answer.UNKNOWN)
    process.take(attempt_id=41)
    with writing(engine) as session:
        process.gate.forget_probe(session, 40, NOON)
        process.gate.forget_probe(session, 41, NOON)

    assert process.take(500).probes


def test_practice_is_never_in_doubt(engine: Engine) -> None:
    process = Process(engine, repeatable=True)

    process.learn(Answer.UNKNOWN)
    process.learn(Answer.TRY_LATER, slow_down=True)

    assert process.take(500) == Grant(500)


# --- the one statement does what the pure rules say -------------------------------------------


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    used=st.integers(0, 30),
    days=st.integers(-40, 2),
    lead=st.integers(-300, 300),
    want=st.integers(1, 20),
    per_second=st.none() | st.sampled_from([0.5, 7.0]),
    per_day=st.none() | st.integers(1, 30),
    per_month=st.none() | st.integers(1, 40),
)
def test_the_statement_agrees_with_the_rules(
    sqlite_url: str,
    used: int,
    days: int,
    lead: int,
    want: int,
    per_second: float | None,
    per_day: int | None,
    per_month: int | None,
) -> None:
    limits = Limits(per_second, per_day, per_month)
    day = NOON.date() + timedelta(days=days)
    before = pace.Standing(day, day.replace(day=1), used, used, NOON + timedelta(milliseconds=lead))
    engine = open_engine(sqlite_url)
    process = Process(engine, limits)
    with writing(engine) as session:
        process.gate._read(session, NOON)  # makes the row
        process.gate._write(session, before)

    grant = process.take(want)

    expected = pace.allowance(before, limits, want, NOON, LONDON)
    assert grant.count == (expected.count if limits.any else want)
    if limits.any:
        after = pace.take(before, limits, expected.count, NOON, LONDON, NOON)
        with writing(engine) as session:
            assert _comparable(process, session, limits) == _told(after, limits)
    engine.dispose()


def _comparable(process: Process, session: Session, limits: Limits) -> object:
    return _told(process.gate._read(session, NOON), limits)


def _told(standing: pace.Standing, limits: Limits) -> object:
    spaced = standing.next_at if limits.per_second is not None else None
    counts = (standing.day, standing.month, standing.used, standing.used_month)
    return *counts, spaced
