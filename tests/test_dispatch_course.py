"""What happens to one issue leaves every other alone, on both databases."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, select, text, update
from sqlalchemy.orm import Session

from newsletter.dispatch import course, ledger
from newsletter.dispatch.freeze import freeze, hold_back
from newsletter.dispatch.ledger import Claim, Deadlines
from newsletter.dispatch.sweep import sweep
from newsletter.tables import (
    Batch,
    Delivery,
    DeliveryState,
    HandOver,
    Issue,
    IssueState,
    Notice,
    Reason,
    Stop,
)
from subscribers.database import open_engine, table_of, writing
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
        held = ledger.claim(self.session, worker, False, self.deadlines(), nobody, "smtp")
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

    def deliveries(self, issue_id: int) -> Sequence[Delivery]:
        here = select(Delivery).where(Delivery.issue_id == issue_id).order_by(Delivery.id)
        return self.session.scalars(here).all()

    def end(self, issue_id: int) -> None:
        """Let everybody in an issue have their copy."""
        here = Delivery.issue_id == issue_id
        self.session.execute(update(Delivery).where(here).values(state=SUBMITTED))
        self.session.execute(update(Batch).where(Batch.issue_id == issue_id).values(due_at=None))


def nobody(_session: Session, _worker_id: int) -> bool:
    return False


def begin_two(session: Session, keys: Keys) -> Two:
    issues = []
    for name in ("weekly", "monthly"):
        list_id = add_list(session, name)
        add_people(session, keys, list_id, 20)
        issues.append(add_issue(session, keys, list_id))
        freeze(session, keys, issues[-1], False, 10, 1, MONDAY)
    return Two(session, keys, issues[0], issues[1])


@pytest.fixture
def two(engine: Engine, keys: Keys) -> Iterator[Two]:
    with writing(engine) as session:
        yield begin_two(session, keys)


@contextmanager
def written(session: Session) -> Iterator[list[int]]:
    """Tell of each statement that writes how many rows it changed."""
    rows: list[int] = []

    def note(_connection: object, cursor: Any, statement: str, *_: object) -> None:
        if not statement.startswith("SELECT"):
            rows.append(cursor.rowcount)

    event.listen(session.get_bind(), "after_cursor_execute", note)
    yield rows
    event.remove(session.get_bind(), "after_cursor_execute", note)


def told(session: Session, keys: Keys) -> list[dict[str, Any]]:
    rows = session.execute(select(Notice.key, Notice.body).order_by(Notice.id)).all()
    return [json.loads(keys.decrypt(row.body, "notice.body", row.key.encode())) for row in rows]


# --- pause ------------------------------------------------------------------------------------


def test_a_pause_stops_one_issue_and_says_what_to_do(two: Two) -> None:
    assert course.pause(two.session, two.keys, two.one, "The key is wrong.", MONDAY)

    assert (two.state(two.one), two.state(two.other)) == (IssueState.PAUSED, IssueState.SENDING)
    [notice] = told(two.session, two.keys)
    assert not notice["provider_fails"]
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


def test_a_pause_keeps_as_much_of_the_sentence_as_there_is_room_for(two: Two) -> None:
    course.pause(two.session, two.keys, two.one, "x" * 501, MONDAY)

    assert two.session.get_one(Issue, two.one).pause_reason == "x" * 500
    assert told(two.session, two.keys)[0]["paragraphs"][0] == "x" * 501


def test_all_that_goes_out_for_real_is_stopped_where_the_provider_fails_it_all(two: Two) -> None:
    practice, paused = (add_issue(two.session, two.keys, add_list(two.session, n)) for n in "ab")
    freeze(two.session, two.keys, practice, True, 10, 1, MONDAY)
    two.set(paused, IssueState.PAUSED)  # before it had an audience
    # Whatever order an index or the rows have: the first one is due last, and written last.
    two.session.execute(update(Issue).where(Issue.id == two.one).values(due_at=MONDAY + HOUR))

    with written(two.session) as rows:
        course.pause_all(two.session, two.keys, "The account is closed.", MONDAY)

    assert len(rows) == 4  # two issues and two notices
    assert two.state(practice) is IssueState.SENDING
    notices = told(two.session, two.keys)
    assert [each["subject"] for each in notices] == [
        f"Issue {issue_id} has stopped" for issue_id in (two.one, two.other)
    ]
    assert [each["paragraphs"][0] for each in notices] == ["The account is closed."] * 2
    assert all(each["provider_fails"] for each in notices)
    assert course.paused_issues(two.session) == [two.one, two.other]


def test_an_issue_is_under_way_while_something_of_it_is_due_now(two: Two) -> None:
    def under_way(now: datetime) -> list[int]:
        issues = (two.one, two.other)
        return [each for each in issues if course.is_under_way(two.session, each, now)]

    two.session.execute(update(Batch).where(Batch.issue_id == two.one).values(due_at=MONDAY + HOUR))

    assert under_way(MONDAY - SOON) == []
    assert under_way(MONDAY) == [two.other]
    assert under_way(MONDAY + HOUR) == [two.one, two.other]
    two.end(two.one)
    assert under_way(MONDAY + HOUR) == [two.other]
    two.set(two.other, IssueState.PAUSED)
    assert under_way(MONDAY + HOUR) == []


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


def test_what_a_provider_holds_until_its_time_is_not_through_before_it(two: Two) -> None:
    two.end(two.one)
    held = HandOver(
        issue_id=two.one,
        provider="sendgrid",
        batch_id="held-1",
        send_at=MONDAY + HOUR,
        stop=Stop.NONE,
        takes_slot=False,
    )
    two.session.add(held)
    two.session.flush()

    assert course.complete(two.session, MONDAY) == []
    assert course.complete(two.session, MONDAY + HOUR) == [two.one]

    assert two.session.scalars(select(HandOver.issue_id)).all() == []


def test_a_late_answer_that_opens_a_batch_again_keeps_its_issue_open(two: Two) -> None:
    """PostgreSQL allows that between the look and the lock; here the same transaction does it."""

    def open_again(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT issue.id"):
            connection.execute(update(table_of(Batch)).values(due_at=MONDAY))

    two.end(two.one)
    event.listen(two.session.get_bind(), "after_cursor_execute", open_again)

    assert course.complete(two.session, MONDAY) == []

    event.remove(two.session.get_bind(), "after_cursor_execute", open_again)
    assert two.state(two.one) is IssueState.SENDING


def test_looking_for_what_is_through_waits_for_nobody_and_holds_up_nobody(
    postgres_url: str, keys: Keys
) -> None:
    engine = open_engine(postgres_url)
    with writing(engine) as session:
        two = begin_two(session, keys)
        two.end(two.one)
        two.end(two.other)
        third = add_issue(session, keys, add_list(session, "third"))
        add_people(session, keys, session.get_one(Issue, third).list_id, 1)
        freeze(session, keys, third, False, 10, 1, MONDAY)
    one, still_open = (
        select(Issue.id).where(Issue.id == each).with_for_update() for each in (two.one, third)
    )

    with writing(engine) as session, writing(engine) as another:
        impatient(session, another)
        another.execute(one)
        assert course.complete(session, MONDAY) == [two.other]
        another.execute(still_open)
    with writing(engine) as session:
        assert course.complete(session, MONDAY) == [two.one]
    engine.dispose()


UNSURE = "not certain: a person decides, nothing is sent twice by itself"


@pytest.mark.parametrize(
    ("states", "took", "rest", "why"),
    [
        (
            (14, 3, 2, 1),
            "14 copies",
            f"2 are {UNSURE}; 3 did not get it; 1 is left out on purpose.",
            "uf",
        ),
        ((1, 0, 1, 18), "1 copy", f"1 is {UNSURE}; 18 are left out on purpose.", "u"),
        ((0, 20, 0, 0), "none", "20 did not get it.", "f"),
        ((20, 0, 0, 0), "20 copies", None, ""),
    ],
)
@pytest.mark.parametrize("practice", [False, True])
def test_a_short_note_says_how_an_issue_went(
    two: Two,
    practice: bool,
    states: tuple[int, int, int, int],
    took: str,
    rest: str | None,
    why: str,
) -> None:
    two.set(two.one, IssueState.COMPLETED)
    two.session.execute(update(Issue).where(Issue.id == two.one).values(practice=practice))
    ids = iter([each.id for each in two.deliveries(two.one)])
    for state, people in zip((SUBMITTED, FAILED, UNKNOWN, EXCLUDED), states, strict=True):
        here = Delivery.id.in_([next(ids) for _ in range(people)])
        two.session.execute(update(Delivery).where(here).values(state=state))

    course.tell_completed(two.session, two.keys, two.one, "SendGrid", MONDAY)

    [notice] = told(two.session, two.keys)
    assert notice["subject"] == f"Issue {two.one} has gone out" + ", as practice" * practice
    named = {"u": "unknown", "f": "failed"}
    assert notice["paragraphs"] == [
        *(["This was practice: nothing left this machine."] if practice else []),
        f"Issue {two.one} for the list Weekly is through: SendGrid took {took}.",
        *([rest] if rest else []),
        *(
            f"Who and why: newsletter issue deliveries {two.one} --state {named[each]}"
            for each in why
        ),
    ]


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
    # PostgreSQL writes the row anew, after the others.
    two.session.execute(update(Issue).where(Issue.id == first).values(hold=False))

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


def test_a_sweep_that_finds_nothing_to_do_writes_nothing(two: Two) -> None:
    two.set(two.one, IssueState.CANCELLED)
    two.sweep()

    with written(two.session) as rows:
        two.sweep(ME, OTHER)

    assert rows == []


def test_what_a_cancellation_closed_is_not_written_again(two: Two) -> None:
    held = two.claim()
    two.intend(held, [held.first_id])
    two.set(two.one, IssueState.CANCELLED)
    two.sweep()

    with written(two.session) as rows:
        two.sweep()  # comes back for what is on the way

    assert rows == [0, 0]


def test_batches_are_swept_in_the_order_of_their_people(two: Two) -> None:
    """One order for all who lock deliveries, so that nobody waits for somebody who waits."""
    for worker in (3, 4, 5, 6):
        held = two.claim(worker)
        two.intend(held, [held.first_id], worker)
    first = two.batches(two.one)[0].id
    # Whatever order an index or the rows have: the first one is due last, and written last.
    two.session.execute(update(Batch).where(Batch.id == first).values(due_at=MONDAY + HOUR))
    looked: list[int] = []

    def is_gone(_session: Session, worker_id: int) -> bool:
        looked.append(worker_id)
        return True

    sweep(two.session, MONDAY, is_gone)

    assert sorted(looked[:4]) == looked[4:] == [3, 4, 5, 6]


def impatient(*sessions: Session) -> None:
    """Wait for no lock: fail at once."""
    for session in sessions:
        session.execute(text("SET LOCAL lock_timeout = '100ms'"))


def test_a_sweep_waits_for_nobody_and_holds_up_nobody(postgres_url: str, keys: Keys) -> None:
    engine = open_engine(postgres_url)
    with writing(engine) as session:
        held = begin_two(session, keys).claim(ME)
    batch = select(Batch.id).where(Batch.id == held.batch_id).with_for_update()
    deadlines = Deadlines(MONDAY, 0.0, SOON, SOON)

    with writing(engine) as session, writing(engine) as another:
        impatient(session, another)
        another.execute(batch)  # its owner is not gone after all
        assert sweep(session, MONDAY, lambda *_: True) == {}
        waiting = ledger.claim(another, OTHER, False, deadlines, nobody, "smtp")
        assert waiting is not None
        assert waiting.batch_id != held.batch_id
    engine.dispose()


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
