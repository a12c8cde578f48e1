"""What happens to one issue leaves every other alone, on both databases."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from newsletter.dispatch import course, ledger
from newsletter.dispatch.freeze import freeze, hold_back
from newsletter.dispatch.ledger import Claim, Deadlines
from newsletter.dispatch.sweep import sweep
from newsletter.tables import (
    Batch,
    Delivery,
    DeliveryState,
    Issue,
    IssueState,
    Notice,
    Reason,
)
from subscribers.database import writing
from subscribers.privacy import Keys
from tests.audiences import MONDAY, add_issue, add_list, add_people, states_of

PENDING, IN_FLIGHT, SUBMITTED, FAILED, UNKNOWN, EXCLUDED = DeliveryState
SOON, HOUR = timedelta(seconds=10), timedelta(hours=1)
ME, OTHER = 1, 2


@dataclass
class Two:
    """Two issues of two lists, both being sent, each of two batches of ten."""

    session: Session
    keys: Keys
    one: int
    other: int
    now: datetime = MONDAY

    def claim(self, worker: int = ME) -> Claim:
        held = ledger.claim(self.session, worker, False, self.deadlines(), nobody)
        assert held is not None
        return held

    def intend(self, held: Claim, ids: Sequence[int], worker: int = ME) -> None:
        deadlines = self.deadlines()
        turn = ledger.turn(self.session, self.keys, held, worker, list(ids), None, deadlines)
        assert turn.intent is not None

    def deadlines(self) -> Deadlines:
        return Deadlines(self.now, 0.0, SOON, SOON)

    def sweep(self, *gone: int) -> dict[DeliveryState, int]:
        def is_gone(session: Session, worker_id: int) -> bool:
            assert session is self.session
            return worker_id in gone

        return dict(sweep(self.session, self.now, is_gone))

    def state(self, issue_id: int) -> IssueState:
        return self.session.scalars(select(Issue.state).where(Issue.id == issue_id)).one()

    def set(self, issue_id: int, state: IssueState) -> None:
        self.session.execute(update(Issue).where(Issue.id == issue_id).values(state=state))

    def batches(self, issue_id: int) -> Sequence[Batch]:
        here = select(Batch).where(Batch.issue_id == issue_id).order_by(Batch.id)
        return self.session.scalars(here.execution_options(populate_existing=True)).all()

    def end(self, issue_id: int) -> None:
        """Let everybody in an issue have their copy."""
        here = Delivery.issue_id == issue_id
        self.session.execute(update(Delivery).where(here).values(state=SUBMITTED))
        self.session.execute(update(Batch).where(Batch.issue_id == issue_id).values(due_at=None))


def nobody(_session: Session, _worker_id: int) -> bool:
    return False


@pytest.fixture
def two(engine: Engine, keys: Keys) -> Iterator[Two]:
    with writing(engine) as session:
        issues = []
        for name in ("weekly", "monthly"):
            list_id = add_list(session, name)
            add_people(session, keys, list_id, 20)
            issues.append(add_issue(session, keys, list_id))
            freeze(session, keys, issues[-1], False, 10, 1, MONDAY)
        yield Two(session, keys, issues[0], issues[1])


def told(session: Session, keys: Keys) -> list[dict[str, object]]:
    rows = session.execute(select(Notice.key, Notice.body)).all()
    return [json.loads(keys.decrypt(row.body, "notice.body", row.key.encode())) for row in rows]


# --- pause ------------------------------------------------------------------------------------


def test_a_pause_stops_one_issue_and_says_what_to_do(two: Two) -> None:
    assert course.pause(two.session, two.keys, two.one, "The key is wrong.", MONDAY)

    assert (two.state(two.one), two.state(two.other)) == (IssueState.PAUSED, IssueState.SENDING)
    [notice] = told(two.session, two.keys)
    assert notice["subject"] == f"Issue {two.one} has stopped"
    assert notice["paragraphs"] == [
        "The key is wrong.",
        "Nobody was marked as failed. When it is put right, resume the issue: "
        f"newsletter issue resume {two.one}. It goes on where it stopped.",
    ]


@pytest.mark.parametrize("state", [IssueState.PAUSED, IssueState.CANCELLED, IssueState.COMPLETED])
def test_what_is_not_being_sent_is_not_paused(two: Two, state: IssueState) -> None:
    two.set(two.one, state)

    assert not course.pause(two.session, two.keys, two.one, "The key is wrong.", MONDAY)

    assert two.state(two.one) is state
    assert told(two.session, two.keys) == []


@pytest.mark.parametrize(
    ("practice", "begun", "is_now"),
    [(True, "with a real provider", "practice"), (False, "as practice", "real")],
)
def test_a_change_of_the_provider_stops_what_the_other_kind_began(
    two: Two, practice: bool, begun: str, is_now: str
) -> None:
    two.session.execute(update(Issue).values(practice=not practice))
    two.set(two.other, IssueState.COMPLETED)

    course.pause_the_other_kind(two.session, two.keys, practice, MONDAY)

    assert two.state(two.other) is IssueState.COMPLETED
    assert two.session.get_one(Issue, two.one).pause_reason == (
        f"Issue {two.one} was begun {begun}, and the provider in the settings is now {is_now}: "
        "set the provider back, or cancel the issue."
    )


# --- complete ---------------------------------------------------------------------------------


def test_an_issue_is_completed_while_another_goes_on(two: Two) -> None:
    two.end(two.other)

    assert course.complete(two.session, MONDAY) == [two.other]

    assert (two.state(two.one), two.state(two.other)) == (IssueState.SENDING, IssueState.COMPLETED)


def test_several_are_completed_together(two: Two) -> None:
    two.end(two.other)
    two.end(two.one)

    assert course.complete(two.session, MONDAY) == [two.one, two.other]


@pytest.mark.parametrize(
    "state", [IssueState.CANCELLED, IssueState.COMPLETED, IssueState.SCHEDULED]
)
def test_only_what_is_under_way_is_completed(two: Two, state: IssueState) -> None:
    two.end(two.one)
    two.set(two.one, state)

    assert course.complete(two.session, MONDAY) == []

    assert two.state(two.one) is state


def test_what_is_left_is_counted_in_issues_under_way(two: Two) -> None:
    assert course.count_left(two.session) == 40
    two.set(two.one, IssueState.PAUSED)
    assert course.count_left(two.session) == 40

    two.set(two.one, IssueState.CANCELLED)

    assert course.count_left(two.session) == 20


def test_what_was_cancelled_stays_so_when_another_is_completed(two: Two) -> None:
    two.end(two.one)
    two.end(two.other)
    two.set(two.other, IssueState.CANCELLED)

    assert course.complete(two.session, MONDAY) == [two.one]

    assert two.state(two.other) is IssueState.CANCELLED


# --- due --------------------------------------------------------------------------------------


def test_issues_start_in_the_order_of_their_time(two: Two) -> None:
    first, third = (
        add_issue(
            two.session, two.keys, add_list(two.session, f"list-{n}"), due_at=MONDAY + n * HOUR
        )
        for n in (2, 3)
    )
    second = add_issue(two.session, two.keys, add_list(two.session, "x"), due_at=MONDAY + 2 * HOUR)
    last = add_issue(two.session, two.keys, add_list(two.session, "y"), due_at=MONDAY + HOUR)
    two.session.execute(update(Issue).values(not_before=None))

    at = MONDAY + 2 * HOUR

    assert course.due_issues(two.session, MONDAY) == []
    assert course.due_issues(two.session, at) == [last, first, second]
    assert course.due_issues(two.session, at + HOUR) == [last, first, second, third]


def test_an_issue_waits_for_the_end_of_the_time_to_stop_it(two: Two) -> None:
    issue_id = add_issue(two.session, two.keys, add_list(two.session, "new"))
    two.session.execute(update(Issue).values(not_before=MONDAY + HOUR))

    assert course.due_issues(two.session, MONDAY + HOUR - SOON) == []
    assert course.due_issues(two.session, MONDAY + HOUR) == [issue_id]


# --- sweep ------------------------------------------------------------------------------------


def test_the_sweep_counts_every_batch(two: Two) -> None:
    for _ in range(3):
        held = two.claim()
        two.intend(held, [held.first_id, held.first_id + 1])

    assert two.sweep(ME) == {UNKNOWN: 6}
    assert two.sweep(ME) == {}


@pytest.mark.transition("l")
def test_what_is_settled_of_a_call_stays_settled_when_its_owner_dies(two: Two) -> None:
    held = two.claim()
    two.intend(held, [held.first_id, held.first_id + 1])
    reported = Delivery.id == held.first_id  # by the provider, say, before our own answer
    two.session.execute(update(Delivery).where(reported).values(state=SUBMITTED))

    assert two.sweep(ME) == {UNKNOWN: 1}

    assert states_of(two.session, two.one) == {SUBMITTED: 1, UNKNOWN: 1, PENDING: 18}


def test_a_batch_that_was_only_claimed_is_free_when_its_owner_is_gone(two: Two) -> None:
    held = two.claim()

    two.sweep(OTHER)
    assert two.batches(two.one)[0].lease_until is not None
    two.sweep(ME)

    batch = two.batches(two.one)[0]
    assert (batch.due_at, batch.lease_until, batch.worker_id) == (MONDAY, None, None)
    assert two.claim(OTHER).batch_id == held.batch_id


def test_a_lease_holds_to_its_last_moment(two: Two) -> None:
    two.claim()
    lease_until = two.deadlines().lease_until

    two.now = lease_until
    two.sweep()
    assert two.batches(two.one)[0].lease_until == lease_until
    two.now += timedelta(microseconds=1)
    two.sweep()

    assert two.batches(two.one)[0].lease_until is None


def test_an_answer_is_waited_for_while_the_lease_of_whoever_lives_lasts(two: Two) -> None:
    held = two.claim()
    two.intend(held, [held.first_id])
    lease_until = two.batches(two.one)[0].lease_until

    assert lease_until is not None
    assert lease_until > two.deadlines().answer_by
    two.now = lease_until
    assert two.sweep() == {}
    two.now += timedelta(microseconds=1)

    assert two.sweep() == {UNKNOWN: 1}


def test_a_batch_is_done_while_others_wait(two: Two) -> None:
    held = two.claim()
    here = Delivery.id.between(held.first_id, held.last_id)
    two.session.execute(update(Delivery).where(here).values(state=SUBMITTED))

    ledger.release(two.session, two.keys, held, None, MONDAY)

    mine, waiting = two.batches(two.one)
    assert (mine.due_at, waiting.due_at) == (None, MONDAY)


def test_a_batch_comes_back_for_its_own_answer_and_not_for_another(two: Two) -> None:
    first, second = two.claim(ME), two.claim(ME)
    two.intend(second, [second.first_id])
    two.now += timedelta(seconds=3)
    two.intend(first, [first.first_id])
    answer_by = two.deadlines().answer_by
    others = Delivery.id.between(first.first_id + 1, first.last_id)
    two.session.execute(update(Delivery).where(others).values(state=SUBMITTED))

    ledger.release(two.session, two.keys, first, None, two.now)

    assert two.batches(two.one)[0].due_at == answer_by


@pytest.mark.transition("v")
def test_a_cancellation_ends_one_issue_and_no_other(two: Two) -> None:
    two.session.execute(update(Delivery).values(due_at=MONDAY + HOUR))
    two.set(two.one, IssueState.CANCELLED)

    two.sweep()

    assert states_of(two.session, two.one) == {EXCLUDED: 20}
    assert states_of(two.session, two.other) == {PENDING: 20}
    excluded = two.session.execute(
        select(Delivery.reason, Delivery.due_at).where(Delivery.issue_id == two.one)
    )
    assert {tuple(row) for row in excluded} == {(Reason.CANCELLED, None)}
    assert {batch.due_at for batch in two.batches(two.one)} == {None}
    assert {batch.due_at for batch in two.batches(two.other)} == {MONDAY}


def test_a_cancelled_issue_stays_open_for_what_is_on_the_way(two: Two) -> None:
    held = two.claim()
    two.intend(held, [held.first_id])
    two.set(two.one, IssueState.CANCELLED)

    two.sweep()

    mine, unclaimed = two.batches(two.one)
    assert mine.due_at is not None  # the sweep comes back for it
    assert unclaimed.due_at is None
    assert states_of(two.session, two.one) == {IN_FLIGHT: 1, EXCLUDED: 19}
    assert two.sweep(ME) == {UNKNOWN: 1}


# --- held back --------------------------------------------------------------------------------


def test_one_issue_is_held_back_and_the_others_start(two: Two) -> None:
    held = add_issue(two.session, two.keys, add_list(two.session, "a"))
    free = add_issue(two.session, two.keys, add_list(two.session, "b"))

    hold_back(two.session, two.keys, held, "It changed.", MONDAY)
    hold_back(two.session, two.keys, two.one, "It changed.", MONDAY)

    assert (two.state(held), two.state(free)) == (IssueState.DRAFT, IssueState.SCHEDULED)
    assert two.state(two.one) is IssueState.SENDING  # too late to hold it back
    assert told(two.session, two.keys)[0]["subject"] == f"Issue {held} did not start"
    assert told(two.session, two.keys)[0]["paragraphs"] == ["It changed.", "Nobody received it."]
