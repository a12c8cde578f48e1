"""Each transition of a delivery, statement by statement, on both databases."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, literal, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from newsletter.dispatch import course, ledger
from newsletter.dispatch.freeze import freeze
from newsletter.dispatch.ledger import Claim, Deadlines, Turn
from newsletter.dispatch.received import why_left_out
from newsletter.dispatch.retry import FIRST_WAIT, Answered, answered, not_sent
from newsletter.dispatch.sweep import sweep
from newsletter.dispatch.undo import undo
from newsletter.providers.base import Answer, Hold, Outcome
from newsletter.tables import (
    Attempt,
    Batch,
    Delivery,
    DeliveryNote,
    DeliveryState,
    Edition,
    HandOver,
    Issue,
    IssueState,
    Notice,
    Reason,
    Stop,
    Trial,
)
from subscribers.database import open_engine, reading, writing
from subscribers.privacy import Keys
from subscribers.style import Style
from subscribers.tables import MailingList, Subscriber, Subscription, SubscriptionState
from tests.audiences import (
    MONDAY,
    add_bulletin,
    add_issue,
    add_list,
    add_people,
    states_of,
    subscribe,
    suppress,
)

PENDING, IN_FLIGHT, SUBMITTED, FAILED, UNKNOWN, EXCLUDED = DeliveryState
SOON = timedelta(seconds=10)
ME, OTHER = 1, 2


def nobody_is_gone(_session: Session, _worker_id: int) -> bool:
    return False


def everybody_is_gone(_session: Session, _worker_id: int) -> bool:
    return True


@dataclass
class Desk:
    """One issue being sent, and the ledger's functions with what they always need."""

    session: Session
    keys: Keys
    list_id: int
    people: Sequence[int]
    issue_id: int
    practice: bool = False
    now: datetime = MONDAY

    def claim(self, worker: int = ME) -> Claim | None:
        deadlines = self.deadlines()
        return ledger.claim(self.session, worker, self.practice, deadlines, nobody_is_gone, "smtp")

    def held(self, worker: int = ME) -> Claim:
        held = self.claim(worker)
        assert held is not None
        return held

    def deadlines(self) -> Deadlines:
        return Deadlines(self.now, 100.0, SOON, SOON)

    def turn(
        self, held: Claim, ids: Sequence[int] | None = None, answers: Answered | None = None
    ) -> Turn:
        if ids is None:
            ids = range(held.first_id, held.last_id + 1)
        deadlines = self.deadlines()
        return ledger.turn(self.session, self.keys, held, ME, list(ids), answers, deadlines)

    def release(self, held: Claim, answers: Answered | None = None) -> Turn:
        return ledger.release(self.session, self.keys, held, answers, self.now)

    def sweep(self, *gone: int) -> None:
        sweep(self.session, self.now, lambda _session, worker_id: worker_id in gone)

    def all_say(self, turn: Turn, answer: Answer, **more: object) -> Answered:
        assert turn.intent is not None
        outcomes = [Outcome(number, answer, **more) for number in turn.tries]  # type: ignore[arg-type]  # any field
        return answered(turn.intent.attempt_id, turn.tries, outcomes, self.now)

    def states(self) -> dict[DeliveryState, int]:
        return states_of(self.session, self.issue_id)

    def deliveries(self) -> Sequence[Delivery]:
        chosen = select(Delivery).where(Delivery.issue_id == self.issue_id).order_by(Delivery.id)
        return self.session.scalars(chosen.execution_options(populate_existing=True)).all()

    def batch(self) -> Batch:
        return self.session.scalars(
            select(Batch)
            .where(Batch.issue_id == self.issue_id)
            .execution_options(populate_existing=True)
        ).one()

    def issue(self) -> Issue:
        return self.session.get_one(Issue, self.issue_id, populate_existing=True)

    def set_issue(self, state: IssueState) -> None:
        self.session.execute(update(Issue).where(Issue.id == self.issue_id).values(state=state))


def open_desk(session: Session, keys: Keys, practice: bool = False) -> Desk:
    list_id = add_list(session)
    people = add_people(session, keys, list_id, 4)
    issue_id = add_issue(session, keys, list_id)
    freeze(session, keys, issue_id, practice, 500, 1, MONDAY)
    return Desk(session, keys, list_id, people, issue_id, practice)


def attempt_of(turn: Turn) -> int:
    assert turn.intent is not None
    return turn.intent.attempt_id


@pytest.fixture
def desk(engine: Engine, keys: Keys) -> Iterator[Desk]:
    with writing(engine) as session:
        yield open_desk(session, keys)


@pytest.fixture
def practice(engine: Engine, keys: Keys) -> Iterator[Desk]:
    with writing(engine) as session:
        yield open_desk(session, keys, practice=True)


# --- claim ------------------------------------------------------------------------------------


@pytest.mark.transition("c")
def test_a_batch_is_claimed_by_one(desk: Desk) -> None:
    assert ledger.anything_due(desk.session, False, desk.now, "smtp")
    assert desk.claim(ME) is not None
    assert desk.claim(OTHER) is None
    assert not ledger.anything_due(desk.session, False, desk.now, "smtp")


def test_a_claim_leaves_no_trace_in_the_deliveries(desk: Desk) -> None:
    desk.held()

    assert desk.states() == {PENDING: 4}


@pytest.mark.transition("d")
def test_a_claim_whose_lease_is_over_is_taken_again(desk: Desk) -> None:
    first = desk.held(ME)
    desk.now += 4 * SOON

    second = desk.held(OTHER)

    assert second.batch_id == first.batch_id
    assert second.fence == first.fence + 1
    assert not desk.turn(first).goes_on
    assert desk.turn(second).goes_on


def test_a_lease_is_made_longer_when_it_runs_short_and_not_before(desk: Desk) -> None:
    held = desk.held()
    leased = desk.batch().lease_until
    assert leased == MONDAY + 3 * SOON
    desk.now += SOON / 2
    desk.turn(held, [held.first_id])
    assert desk.batch().lease_until == leased
    desk.now += timedelta(microseconds=1)

    desk.turn(held, [held.first_id + 1])

    assert desk.batch().lease_until == desk.now + 3 * SOON


def test_a_claim_tells_what_its_holder_has_to_know(desk: Desk) -> None:
    batch = desk.batch()

    held = desk.held(OTHER)

    bulletin_id = desk.issue().bulletin_id
    span = (batch.first_id, batch.last_id)
    assert held == Claim(batch.id, desk.issue_id, desk.list_id, 0, *span, 1, False, (bulletin_id,))
    assert desk.batch().worker_id == OTHER


def test_a_claim_of_practice_asks_nobody_who_has_the_bulletin(practice: Desk) -> None:
    held = practice.held()

    assert (held.practice, held.bulletins) == (True, ())


@pytest.mark.parametrize("judged", [False, True])
def test_the_first_hundred_are_claimed_as_a_trial_until_they_are_judged(
    desk: Desk, judged: bool
) -> None:
    batch = desk.batch()
    desk.session.add(
        Trial(issue_id=desk.issue_id, batch_id=batch.id, judged_at=MONDAY if judged else None)
    )
    desk.session.flush()

    assert desk.held().is_trial is not judged


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(minutes=30)])
def test_what_is_held_for_its_time_is_claimed_with_the_name_of_that(
    desk: Desk, ahead: timedelta
) -> None:
    row = HandOver(
        issue_id=desk.issue_id,
        provider="sendgrid",
        batch_id="held-1",
        send_at=MONDAY + ahead,
        stop=Stop.NONE,
        takes_slot=True,
    )
    desk.session.add(row)
    desk.session.flush()

    held = ledger.claim(desk.session, ME, False, desk.deadlines(), nobody_is_gone, "sendgrid")

    assert held is not None
    assert held.hold == (Hold("held-1", MONDAY + ahead) if ahead else None)


def test_what_another_provider_holds_is_claimed_by_nobody_else(desk: Desk) -> None:
    row = HandOver(
        issue_id=desk.issue_id,
        provider="sendgrid",
        batch_id="held-1",
        send_at=MONDAY + timedelta(minutes=30),
        stop=Stop.NONE,
        takes_slot=True,
    )
    desk.session.add(row)
    desk.session.flush()
    others = (desk.session, False, MONDAY, "smtp")
    its_own = (desk.session, False, MONDAY, "sendgrid")

    assert not ledger.anything_due(*others)
    assert ledger.claim(desk.session, ME, False, desk.deadlines(), nobody_is_gone, "smtp") is None
    assert ledger.anything_due(*its_own)


def test_every_turn_renews_the_lease(desk: Desk) -> None:
    held = desk.held()
    desk.now += 2 * SOON
    desk.turn(held, [held.first_id])
    desk.now += 2 * SOON

    assert desk.claim(OTHER) is None


@pytest.mark.parametrize("state", [IssueState.PAUSED, IssueState.CANCELLED, IssueState.COMPLETED])
def test_nothing_is_claimed_in_an_issue_that_is_not_sending(desk: Desk, state: IssueState) -> None:
    desk.set_issue(state)

    assert desk.claim() is None
    assert not ledger.anything_due(desk.session, False, desk.now, "smtp")


def test_a_real_issue_is_never_claimed_for_practice(desk: Desk) -> None:
    desk.practice = True

    assert desk.claim() is None


# --- turn: what may be sent -------------------------------------------------------------------


@pytest.mark.transition("e")
def test_an_intent_is_on_record_before_anything_is_sent(desk: Desk) -> None:
    held = desk.held()

    turn = desk.turn(held, [held.first_id, held.first_id + 1])

    assert turn.intent is not None
    attempt = desk.session.get_one(Attempt, turn.intent.attempt_id)
    assert (attempt.size, attempt.worker_id, attempt.fence) == (2, ME, held.fence)
    assert attempt.start_by == MONDAY + SOON
    assert attempt.answer_by == MONDAY + 2 * SOON
    assert (turn.intent.start_by, turn.intent.answer_by) == (110.0, 120.0)
    assert turn.tries == {held.first_id: 1, held.first_id + 1: 1}
    assert desk.states() == {IN_FLIGHT: 2, PENDING: 2}


def test_a_turn_for_nobody_intends_nothing_and_goes_on(desk: Desk) -> None:
    held = desk.held()

    turn = desk.turn(held, [])

    assert turn == Turn(
        desk.issue_id, Counter(), goes_on=True, batch_id=held.batch_id, fence=held.fence
    )
    assert desk.session.scalars(select(Attempt)).all() == []


def test_a_delivery_is_intended_once(desk: Desk) -> None:
    held = desk.held()
    desk.turn(held, [held.first_id])

    again = desk.turn(held, [held.first_id])

    assert again.goes_on
    assert again.intent is None
    assert desk.session.scalars(select(Attempt)).all()[1:] == []


@pytest.mark.transition("f")
def test_who_left_before_the_turn_is_left_out(desk: Desk) -> None:
    held = desk.held()
    desk.session.execute(
        update(Subscription)
        .where(Subscription.subscriber_id == desk.people[0])
        .values(state=SubscriptionState.UNSUBSCRIBED)
    )
    suppress(desk.session, desk.keys, desk.people[1])

    turn = desk.turn(held)

    assert len(turn.tries) == 2
    assert turn.changes == {EXCLUDED: 2}
    reasons = {d.subscriber_id: d.reason for d in desk.deliveries()}
    assert reasons[desk.people[0]] is Reason.UNSUBSCRIBED
    assert reasons[desk.people[1]] is Reason.SUPPRESSED
    assert desk.session.scalars(select(Attempt.size)).one() == 2


@pytest.mark.parametrize("state", [IssueState.PAUSED, IssueState.CANCELLED])
def test_a_pause_holds_before_the_next_turn(desk: Desk, state: IssueState) -> None:
    held = desk.held()
    desk.set_issue(state)

    turn = desk.turn(held)

    assert turn == Turn(desk.issue_id, Counter())
    assert desk.states() == {PENDING: 4}


@pytest.mark.transition("f")
def test_two_lists_never_send_one_bulletin_twice_to_a_person(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        weekly, monthly = add_list(session), add_list(session, "monthly")
        people = add_people(session, keys, weekly, 3)
        subscribe(session, monthly, people)
        bulletin_id = add_bulletin(session, weekly)
        issues = [add_issue(session, keys, no, bulletin_id) for no in (weekly, monthly)]
        for issue_id in issues:  # both frozen before either has sent a thing
            freeze(session, keys, issue_id, False, 500, 1, MONDAY)
        first, second = (Desk(session, keys, 0, people, no) for no in issues)
        first.turn(first.held())

        turn = second.turn(second.held())

        assert turn.intent is None
        assert second.states() == {EXCLUDED: 3}
        assert {d.reason for d in second.deliveries()} == {Reason.ALREADY_RECEIVED}


@pytest.mark.parametrize("has_it", list(DeliveryState))
def test_only_who_has_the_bulletin_through_another_list_is_left_out(
    desk: Desk, has_it: DeliveryState
) -> None:
    bulletin_id = desk.issue().bulletin_id
    monthly, practised, another = (add_list(desk.session, name) for name in "mpa")
    for number in (monthly, practised, another):
        subscribe(desk.session, number, desk.people)
    rows = update(Delivery)
    for list_id, bulletin, practice in (
        (monthly, bulletin_id, False),
        (practised, bulletin_id, True),
        (another, add_bulletin(desk.session, another, "another"), False),
    ):
        number = add_issue(desk.session, desk.keys, list_id, bulletin)
        freeze(desk.session, desk.keys, number, practice, 500, 1, MONDAY)
        here = rows.where(Delivery.issue_id == number)
        if list_id == monthly:
            desk.session.execute(here.values(state=PENDING))
            here = here.where(Delivery.subscriber_id == desk.people[1])
            desk.session.execute(here.values(state=has_it))
        else:
            desk.session.execute(here.values(state=SUBMITTED))

    turn = desk.turn(replace(desk.held(), bulletins=(bulletin_id,)))

    left_out = has_it in (IN_FLIGHT, SUBMITTED, UNKNOWN)
    reasons = {each.subscriber_id: each.reason for each in desk.deliveries()}
    assert reasons == {
        number: Reason.ALREADY_RECEIVED if left_out and number == desk.people[1] else None
        for number in desk.people
    }
    assert len(turn.tries) == (3 if left_out else 4)


def test_what_somebody_has_of_an_issue_is_no_copy_of_another(desk: Desk) -> None:
    desk.session.execute(update(Delivery).values(state=SUBMITTED))
    bulletins = (desk.issue().bulletin_id,)

    def why(issue_id: int) -> Reason | None:
        person, list_id = literal(desk.people[0]), literal(desk.list_id)
        reason = why_left_out(person, list_id, literal(issue_id), bulletins, discreet=True)
        return desk.session.scalar(select(reason))

    assert why(desk.issue_id) is None
    assert why(desk.issue_id + 1) is Reason.ALREADY_RECEIVED


def test_who_left_this_list_and_not_another_is_left_out(desk: Desk) -> None:
    monthly = add_list(desk.session, "monthly")
    subscribe(desk.session, monthly, desk.people)
    desk.session.execute(
        update(Subscription)
        .where(
            Subscription.list_id == desk.list_id,
            Subscription.subscriber_id.in_(desk.people[:2]),
        )
        .values(state=SubscriptionState.UNSUBSCRIBED)
    )

    turn = desk.turn(desk.held())

    assert turn.changes == {EXCLUDED: 2}
    assert {each.reason for each in desk.deliveries()} == {None, Reason.UNSUBSCRIBED}


def test_who_is_left_out_is_somebody_who_waits(desk: Desk) -> None:
    held = desk.held()
    desk.turn(held, [held.first_id])
    suppress(desk.session, desk.keys, desk.people[1])
    desk.session.execute(update(Delivery).values(due_at=MONDAY))

    turn = ledger.leave_out(
        desk.session, held, [held.first_id + 1], [held.first_id, held.first_id + 2]
    )

    assert turn == Turn(desk.issue_id, Counter({EXCLUDED: 1, FAILED: 1}))
    states = [(each.state, each.due_at) for each in desk.deliveries()]
    assert states == [(IN_FLIGHT, MONDAY), (EXCLUDED, None), (FAILED, None), (PENDING, MONDAY)]


@pytest.mark.parametrize(
    ("style", "by_list", "goes"),
    [("standard", False, 2), ("discreet", False, 3), ("standard", True, 0), ("discreet", True, 3)],
)
def test_to_whoever_reads_the_discreet_mail_by_now_no_other_goes_out(
    desk: Desk, style: str, by_list: bool, goes: int
) -> None:
    desk.session.execute(update(Edition).values(style=style))
    first = update(Subscriber).where(Subscriber.id == desk.people[0])
    held = desk.held()
    chosen = update(MailingList) if by_list else first
    desk.session.execute(chosen.values(style=Style.DISCREET))

    turn = desk.turn(held, range(held.first_id, held.first_id + 3))

    assert held.discreet == (style == "discreet")
    assert len(turn.tries) == goes
    reasons = [each.reason for each in desk.deliveries() if each.state is EXCLUDED]
    assert reasons == [Reason.NO_DISCREET_EDITION] * (3 - goes)
    left_out = ledger.leave_out(desk.session, held, [held.last_id], []).changes
    assert left_out == ({} if goes else {EXCLUDED: 1})


def test_nobody_to_leave_out_changes_nothing(desk: Desk) -> None:
    held = desk.held()

    assert ledger.leave_out(desk.session, held, [], []) == Turn(desk.issue_id, Counter())
    assert desk.states() == {PENDING: 4}


@pytest.mark.transition("g")
def test_an_unusable_address_fails_alone(desk: Desk) -> None:
    held = desk.held()

    turn = ledger.leave_out(desk.session, held, [held.first_id + 1], [held.first_id])

    assert turn.changes == {FAILED: 1}  # the other is still on the list, so nothing is known
    assert desk.deliveries()[0].reason is Reason.ADDRESS_UNUSABLE
    assert desk.states() == {FAILED: 1, PENDING: 3}


# --- answers ----------------------------------------------------------------------------------


@pytest.mark.transition("h")
def test_accepted_is_submitted_and_the_batch_is_done(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held)

    released = desk.release(held, desk.all_say(turn, Answer.ACCEPTED, reference="abc"))

    assert released.changes == {SUBMITTED: 4}
    batch = desk.batch()
    assert (batch.due_at, batch.lease_until, batch.worker_id) == (None, None, None)
    assert desk.session.scalars(select(Attempt.reference)).one() == "abc"
    assert desk.session.scalars(select(DeliveryNote)).all() == []
    assert course.complete(desk.session, desk.now) == [desk.issue_id]
    assert (desk.issue().state, desk.issue().ended_at) == (IssueState.COMPLETED, MONDAY)


@pytest.mark.transition("i")
def test_the_providers_words_are_kept_sealed(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held, [held.first_id])
    words = "550 no such user person1@example.org"

    desk.release(held, desk.all_say(turn, Answer.REFUSED, reply=words))

    note = desk.session.scalars(select(DeliveryNote)).one()
    assert note.reason is Reason.MESSAGE_REFUSED
    assert note.reply is not None
    assert b"example" not in note.reply
    row = str(note.delivery_id).encode()
    assert desk.keys.decrypt(note.reply, "delivery_note.reply", row) == words


@pytest.mark.transition("j")
def test_try_later_waits_and_comes_again(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held)
    desk.release(held, desk.all_say(turn, Answer.TRY_LATER, reason=Reason.TRY_LATER))

    assert desk.claim() is None
    assert desk.batch().due_at == MONDAY + FIRST_WAIT
    assert course.complete(desk.session, desk.now) == []
    desk.now += FIRST_WAIT
    again = desk.turn(desk.held())
    assert set(again.tries.values()) == {2}


@pytest.mark.transition("j")
def test_what_was_not_sent_is_due_at_once_and_not_a_try(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held)
    assert turn.intent is not None

    desk.release(held, not_sent(turn.intent.attempt_id, turn.tries))

    assert {(d.state, d.tries) for d in desk.deliveries()} == {(PENDING, 0)}
    assert desk.claim() is not None


def test_a_fault_of_the_sender_stops_the_issue_and_blames_nobody(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held, [held.first_id])

    answers = desk.all_say(turn, Answer.SENDER_FAULT, sentence="The key is wrong: correct it.")
    after = desk.turn(held, [held.first_id + 1], answers)

    assert after == Turn(desk.issue_id, Counter({PENDING: 1}))
    assert {(d.state, d.tries) for d in desk.deliveries()} == {(PENDING, 0)}
    assert desk.issue().state is IssueState.PAUSED
    assert desk.issue().pause_reason == "The key is wrong: correct it."
    notice = desk.session.scalars(select(Notice)).one()
    body = json.loads(desk.keys.decrypt(notice.body, "notice.body", notice.key.encode()))
    assert body["provider_fails"]  # so it goes by another road


def test_staff_are_told_once_when_several_connections_meet_the_fault(desk: Desk) -> None:
    held = desk.held()
    turns = [desk.turn(held, [held.first_id + no]) for no in range(3)]

    for turn in turns:
        desk.release(held, desk.all_say(turn, Answer.SENDER_FAULT))

    assert desk.states() == {PENDING: 4}
    assert len(desk.session.scalars(select(Notice)).all()) == 1


@pytest.mark.transition("v")
def test_what_was_on_the_way_when_the_issue_was_cancelled_is_counted(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held, [held.first_id, held.first_id + 1])
    desk.set_issue(IssueState.CANCELLED)
    assert turn.intent is not None
    outcomes = [
        Outcome(held.first_id, Answer.ACCEPTED),
        Outcome(held.first_id + 1, Answer.TRY_LATER),
    ]

    desk.release(held, answered(turn.intent.attempt_id, turn.tries, outcomes, desk.now))
    desk.sweep()

    assert desk.states() == {SUBMITTED: 1, EXCLUDED: 3}
    assert {d.reason for d in desk.deliveries()} == {None, Reason.CANCELLED}
    assert desk.batch().due_at is None
    assert desk.issue().state is IssueState.CANCELLED


# --- those who died, stood still or came late -------------------------------------------------


@pytest.mark.transition("d", "l")
def test_a_dead_process_leaves_its_mail_unknown_and_the_rest_pending(desk: Desk) -> None:
    held = desk.held()
    desk.turn(held, [held.first_id])

    desk.sweep(ME)

    assert desk.states() == {UNKNOWN: 1, PENDING: 3}
    assert desk.deliveries()[0].reason is Reason.PROCESS_DIED
    assert desk.held(OTHER).fence == held.fence + 1  # at once, whatever the lease says


@pytest.mark.transition("m")
def test_a_dead_process_in_practice_leaves_nothing_unknown(practice: Desk) -> None:
    held = practice.held()
    practice.turn(held, [held.first_id])

    practice.sweep(ME)

    assert practice.states() == {PENDING: 4}
    assert practice.turn(practice.held(OTHER)).tries[held.first_id] == 2


def test_a_process_that_stands_still_is_waited_for(desk: Desk) -> None:
    held = desk.held()
    desk.turn(held, [held.first_id])
    desk.now += 2 * SOON

    desk.sweep()

    assert desk.states() == {IN_FLIGHT: 1, PENDING: 3}


@pytest.mark.transition("l")
def test_an_overdue_answer_counts_as_lost(desk: Desk) -> None:
    held = desk.held()
    desk.turn(held, [held.first_id])
    desk.now += 4 * SOON

    desk.sweep()

    assert desk.states() == {UNKNOWN: 1, PENDING: 3}
    assert desk.deliveries()[0].reason is Reason.ANSWER_LOST


def test_a_claim_sweeps_its_own_batch(desk: Desk) -> None:
    held = desk.held(ME)
    desk.turn(held)
    desk.now += 4 * SOON

    desk.held(OTHER)

    assert desk.states() == {UNKNOWN: 4}


def test_somebody_elses_mail_on_the_way_keeps_the_batch_open(desk: Desk) -> None:
    stalled = desk.held(ME)
    desk.turn(stalled, [stalled.first_id])
    overdue_at = desk.now + 2 * SOON
    desk.session.execute(update(Batch).values(lease_until=desk.now - SOON))
    successor = desk.held(OTHER)
    turn = desk.turn(successor, range(successor.first_id + 1, successor.last_id + 1))

    desk.release(successor, desk.all_say(turn, Answer.ACCEPTED))

    assert desk.batch().due_at == overdue_at
    assert course.complete(desk.session, desk.now) == []
    desk.sweep(ME)
    assert desk.states() == {UNKNOWN: 1, SUBMITTED: 3}
    assert course.complete(desk.session, desk.now) == [desk.issue_id]


@pytest.mark.parametrize("state", [IssueState.PAUSED, IssueState.CANCELLED])
def test_an_issue_that_stands_still_is_swept_too(desk: Desk, state: IssueState) -> None:
    held = desk.held()
    desk.turn(held, [held.first_id])
    desk.set_issue(state)

    desk.sweep(ME)

    left = EXCLUDED if state is IssueState.CANCELLED else PENDING
    assert desk.states() == {UNKNOWN: 1, left: 3}
    assert desk.batch().lease_until is None


@pytest.mark.transition("n")
def test_the_slow_owners_answer_is_the_only_true_evidence(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held)
    desk.now += 4 * SOON
    desk.sweep()
    assert desk.states() == {UNKNOWN: 4}
    assert course.complete(desk.session, desk.now) == [desk.issue_id]

    late = desk.release(held, desk.all_say(turn, Answer.ACCEPTED))

    assert late.changes == {SUBMITTED: 4}
    assert desk.states() == {SUBMITTED: 4}


@pytest.mark.transition("o")
def test_a_late_try_later_opens_the_batch_again(desk: Desk) -> None:
    held = desk.held(ME)
    turn = desk.turn(held)
    desk.now += 4 * SOON
    desk.release(desk.held(OTHER))  # finds all of them unknown, so the batch is done
    assert desk.batch().due_at is None

    desk.release(held, desk.all_say(turn, Answer.TRY_LATER))

    assert desk.states() == {PENDING: 4}
    assert desk.batch().due_at == desk.now + FIRST_WAIT


@pytest.mark.transition("p")
def test_a_late_refusal_is_evidence_too(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held)
    desk.sweep(ME)

    late = desk.release(held, desk.all_say(turn, Answer.REFUSED, reason=Reason.ADDRESS_REFUSED))

    assert late.changes == {FAILED: 4}
    assert {d.reason for d in desk.deliveries()} == {Reason.ADDRESS_REFUSED}


def test_a_late_try_later_starts_nothing_that_was_completed(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held)
    desk.sweep(ME)
    course.complete(desk.session, desk.now)

    desk.release(held, desk.all_say(turn, Answer.TRY_LATER))

    assert desk.states() == {FAILED: 4}


def test_a_late_acceptance_spares_whoever_was_to_be_sent_it_again(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held)
    desk.sweep(ME)
    desk.session.execute(  # as `settle` leaves those who are sent it again
        update(Delivery).values(state=PENDING, reason=None, attempt_id=None)
    )

    desk.release(held, desk.all_say(turn, Answer.ACCEPTED))

    assert desk.states() == {SUBMITTED: 4}
    assert {each.attempt_id for each in desk.deliveries()} == {attempt_of(turn)}


def test_a_late_acceptance_spares_nobody_who_waits_for_their_first_copy(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held, [held.first_id])
    desk.sweep(ME)
    again = update(Delivery).where(Delivery.id == held.first_id)
    desk.session.execute(again.values(state=PENDING, reason=None, attempt_id=None))

    desk.release(held, desk.all_say(turn, Answer.ACCEPTED))

    assert desk.states() == {SUBMITTED: 1, PENDING: 3}


def test_a_late_acceptance_spares_nobody_who_was_tried_again_or_was_not_asked_about(
    desk: Desk,
) -> None:
    held = desk.held()
    turn = desk.turn(held, [held.first_id, held.first_id + 1, held.last_id])
    desk.sweep(ME)
    again = desk.turn(desk.held(OTHER), [held.first_id + 2])
    left = update(Delivery).where(Delivery.id == held.last_id)
    left = left.values(state=EXCLUDED, reason=Reason.UNSUBSCRIBED, attempt_id=None)
    desk.session.execute(left)
    rows = update(Delivery).values(state=PENDING, reason=None)
    desk.session.execute(rows.where(Delivery.id == held.first_id).values(attempt_id=None))
    tried = rows.where(Delivery.id == held.first_id + 1).values(attempt_id=attempt_of(again))
    desk.session.execute(tried)

    desk.release(held, desk.all_say(turn, Answer.ACCEPTED))

    states = [each.state for each in desk.deliveries()]
    assert states == [SUBMITTED, PENDING, IN_FLIGHT, EXCLUDED]


@pytest.mark.parametrize("apart", [-SOON, SOON])
def test_a_late_try_later_brings_a_batch_forward_and_never_puts_it_off(
    desk: Desk, apart: timedelta
) -> None:
    held = desk.held(ME)
    turn = desk.turn(held)
    desk.now += 4 * SOON
    desk.release(desk.held(OTHER))
    due_at = desk.now + FIRST_WAIT
    desk.session.execute(update(Batch).values(due_at=due_at + apart))

    desk.release(held, desk.all_say(turn, Answer.TRY_LATER))

    assert desk.batch().due_at == min(due_at, due_at + apart)


def test_a_late_word_that_nothing_was_sent_opens_the_batch_at_once(desk: Desk) -> None:
    held = desk.held(ME)
    turn = desk.turn(held)
    desk.now += 4 * SOON
    desk.release(desk.held(OTHER))

    desk.release(held, not_sent(attempt_of(turn), turn.tries))

    assert desk.states() == {PENDING: 4}
    assert desk.batch().due_at == desk.now


def test_a_late_try_later_opens_no_other_batch(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        one = open_desk(session, keys)
        held = one.held()
        turn = one.turn(held)
        one.now += 4 * SOON
        one.release(one.held(OTHER))
        list_id = add_list(session, "monthly")
        people = add_people(session, keys, list_id, 4)
        issue_id = add_issue(session, keys, list_id)
        freeze(session, keys, issue_id, False, 500, 1, MONDAY)
        two = Desk(session, keys, list_id, people, issue_id)
        session.execute(update(Batch).where(Batch.issue_id == issue_id).values(due_at=None))

        one.release(held, one.all_say(turn, Answer.TRY_LATER))

        assert one.batch().due_at is not None
        assert two.batch().due_at is None


def test_a_batch_comes_back_for_the_first_of_those_who_are_tried_later(desk: Desk) -> None:
    held = desk.held(ME)
    turn = desk.turn(held)
    assert turn.intent is not None
    desk.now += 4 * SOON
    desk.release(desk.held(OTHER))
    waits = [timedelta(hours=2), timedelta(hours=1), timedelta(hours=3)]
    outcomes = [
        Outcome(held.first_id + no, Answer.TRY_LATER, retry_after=wait)
        for no, wait in enumerate(waits)
    ]
    outcomes.append(Outcome(held.last_id, Answer.ACCEPTED))

    desk.release(held, answered(turn.intent.attempt_id, turn.tries, outcomes, desk.now))

    assert desk.batch().due_at == desk.now + timedelta(hours=1)
    assert [each.due_at for each in desk.deliveries()] == [
        *(desk.now + wait for wait in waits),
        None,
    ]


def test_each_gets_their_own_answer_and_the_words_that_came_with_it(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held)
    assert turn.intent is not None
    desk.now += timedelta(seconds=1)
    outcomes = [
        Outcome(held.first_id, Answer.REFUSED, Reason.ADDRESS_REFUSED, reply="550 no"),
        Outcome(held.first_id + 1, Answer.ACCEPTED),
        Outcome(held.first_id + 2, Answer.REFUSED, Reason.MESSAGE_REFUSED),
        Outcome(held.first_id + 3, Answer.UNKNOWN),
    ]

    said = desk.release(held, answered(turn.intent.attempt_id, turn.tries, outcomes, desk.now))

    assert said == Turn(desk.issue_id, Counter({FAILED: 2, SUBMITTED: 1, UNKNOWN: 1}))
    assert [each.state for each in desk.deliveries()] == [FAILED, SUBMITTED, FAILED, UNKNOWN]
    notes = desk.session.scalars(select(DeliveryNote).order_by(DeliveryNote.delivery_id)).all()
    assert [(note.delivery_id, note.reason) for note in notes] == [
        (held.first_id, Reason.ADDRESS_REFUSED),
        (held.first_id + 2, Reason.MESSAGE_REFUSED),
        (held.first_id + 3, Reason.ANSWER_LOST),
    ]
    assert {(note.at, note.attempt_id) for note in notes} == {(desk.now, attempt_of(turn))}
    assert [note.reply is None for note in notes] == [False, True, True]


def test_an_answer_that_is_too_late_to_count_is_kept_as_evidence(practice: Desk) -> None:
    first = practice.held()
    turn = practice.turn(first)
    practice.sweep(ME)
    practice.turn(practice.held(OTHER))

    late = practice.release(first, practice.all_say(turn, Answer.ACCEPTED))

    assert late.changes == {}
    assert practice.states() == {IN_FLIGHT: 4}
    notes = practice.session.scalars(select(DeliveryNote)).all()
    assert {(note.attempt_id, note.reason) for note in notes} == {(attempt_of(turn), None)}
    assert len(notes) == 4


def test_a_second_acceptance_of_another_attempt_is_evidence_of_a_second_copy(
    practice: Desk,
) -> None:
    first = practice.held()
    turn = practice.turn(first)
    practice.sweep(ME)
    second = practice.held(OTHER)
    again = practice.turn(second)
    practice.release(second, practice.all_say(again, Answer.ACCEPTED))

    practice.release(first, practice.all_say(turn, Answer.ACCEPTED))

    assert practice.states() == {SUBMITTED: 4}
    notes = practice.session.scalars(select(DeliveryNote.attempt_id)).all()
    assert notes == [attempt_of(turn)] * 4


def test_only_what_came_too_late_is_kept_as_evidence(practice: Desk) -> None:
    first = practice.held()
    turn = practice.turn(first, range(first.first_id, first.last_id))
    practice.sweep(ME)
    practice.turn(practice.held(OTHER), [first.first_id, first.last_id])
    mine = update(Delivery).where(Delivery.id == first.first_id + 1)
    practice.session.execute(mine.values(state=IN_FLIGHT, attempt_id=attempt_of(turn)))

    late = practice.release(first, practice.all_say(turn, Answer.ACCEPTED))

    assert late.changes == {SUBMITTED: 1}
    noted = practice.session.scalars(select(DeliveryNote.delivery_id)).all()
    assert sorted(noted) == [first.first_id, first.first_id + 2]


def test_the_same_answer_twice_is_the_same_as_once(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held)
    answers = desk.all_say(turn, Answer.REFUSED)
    desk.release(held, answers)

    again = desk.release(held, answers)

    assert again.changes == {}
    assert desk.states() == {FAILED: 4}
    assert len(desk.session.scalars(select(DeliveryNote)).all()) == 4


# --- a commit of which nobody knows whether it happened ---------------------------------------


def test_an_intent_that_was_committed_after_all_is_taken_back(desk: Desk) -> None:
    turn = desk.turn(desk.held())

    undo(desk.session, [turn], desk.now)
    undo(desk.session, [turn], desk.now)

    assert {(d.state, d.tries, d.attempt_id) for d in desk.deliveries()} == {(PENDING, 0, None)}
    assert desk.session.scalars(select(Attempt.void)).one()


def test_only_the_doubtful_attempt_of_a_batch_is_void(desk: Desk) -> None:
    held = desk.held()
    turns = [desk.turn(held, [held.first_id + no]) for no in range(2)]

    undo(desk.session, [turns[1]], desk.now)

    assert [desk.session.get_one(Attempt, attempt_of(one)).void for one in turns] == [False, True]
    assert desk.states() == {IN_FLIGHT: 1, PENDING: 3}


def test_an_intent_that_was_not_committed_never_will_be(desk: Desk) -> None:
    turn = desk.turn(desk.held())
    assert turn.intent is not None
    never = replace(turn, intent=replace(turn.intent, attempt_id=4711))

    undo(desk.session, [never], desk.now)

    void = desk.session.get_one(Attempt, 4711)
    assert (void.void, void.issue_id, void.worker_id, void.size) == (True, desk.issue_id, 0, 0)
    assert (void.fence, void.started_at) == (0, MONDAY)
    assert (void.start_by, void.answer_by) == (MONDAY, MONDAY)
    assert desk.states() == {IN_FLIGHT: 4}


def test_a_number_that_a_crashed_server_gives_again_is_passed_over(desk: Desk) -> None:
    """A crash of PostgreSQL takes back the numbers of transactions that were never committed."""
    held = desk.held()
    first = desk.turn(held, [held.first_id])
    assert first.intent is not None
    forgotten = first.intent.attempt_id + 2
    never = replace(first, intent=replace(first.intent, attempt_id=forgotten))

    undo(desk.session, [never], desk.now)
    turns = [desk.turn(held, [held.first_id + no]) for no in (1, 2, 3)]

    assert [attempt_of(turn) - forgotten for turn in turns] == [1, 2, 3]


@pytest.mark.parametrize("differs", ["batch_id", "fence"])
def test_a_number_that_somebody_else_got_is_left_alone(desk: Desk, differs: str) -> None:
    desk.held(ME)
    desk.session.execute(update(Batch).values(lease_until=desk.now - SOON))
    held = desk.held(OTHER)
    theirs = desk.turn(held, [held.first_id])
    # As ours was, before the server crashed.
    same_number = (
        replace(theirs, fence=theirs.fence - 1)
        if differs == "fence"
        else replace(theirs, batch_id=theirs.batch_id + 1)
    )

    undo(desk.session, [same_number], desk.now)

    assert desk.states() == {IN_FLIGHT: 1, PENDING: 3}
    assert not desk.session.get_one(Attempt, attempt_of(theirs)).void


def test_a_claim_that_is_taken_back_frees_no_other_batch(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        one = open_desk(session, keys)
        list_id = add_list(session, "monthly")
        people = add_people(session, keys, list_id, 4)
        issue_id = add_issue(session, keys, list_id)
        freeze(session, keys, issue_id, False, 500, 1, MONDAY)
        two = Desk(session, keys, list_id, people, issue_id)
        first, second = one.held(), two.held()

        undo(session, [second], MONDAY)

        assert first.fence == second.fence
        assert one.held(OTHER).batch_id == second.batch_id
        assert one.claim(OTHER) is None


def test_a_claim_that_was_committed_after_all_is_free_again(desk: Desk) -> None:
    held = desk.held()

    undo(desk.session, [held, None, 5], desk.now)

    assert desk.held(OTHER).batch_id == held.batch_id


def test_a_claim_that_somebody_else_has_got_meanwhile_stays_theirs(desk: Desk) -> None:
    held = desk.held(ME)
    desk.session.execute(update(Batch).values(lease_until=desk.now - SOON))
    desk.held(OTHER)

    undo(desk.session, [held], desk.now)

    assert desk.claim(ME) is None


def test_what_somebody_else_intends_meanwhile_is_not_taken_back(practice: Desk) -> None:
    turn = practice.turn(practice.held(ME), [practice.batch().first_id])
    practice.sweep(ME)
    again = practice.turn(practice.held(OTHER))

    undo(practice.session, [turn], practice.now)

    assert practice.states() == {IN_FLIGHT: 4}
    assert {each.attempt_id for each in practice.deliveries()} == {attempt_of(again)}


def test_what_has_its_answer_is_not_taken_back(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held, [held.first_id, held.first_id + 1])
    assert turn.intent is not None
    one = Outcome(held.first_id, Answer.ACCEPTED)
    tries = {held.first_id: 1}
    desk.release(held, answered(turn.intent.attempt_id, tries, [one], desk.now))

    undo(desk.session, [turn], desk.now)

    assert desk.states() == {SUBMITTED: 1, PENDING: 3}


# --- the course of an issue -------------------------------------------------------------------


def test_an_issue_without_a_freeze_is_never_completed(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        issue_id = add_issue(session, keys, add_list(session))
        session.execute(update(Issue).values(state=IssueState.PAUSED))

        assert course.complete(session, MONDAY) == []
        assert session.get_one(Issue, issue_id).state is IssueState.PAUSED


def test_a_paused_issue_with_nothing_left_is_completed(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held)
    course.pause(desk.session, desk.keys, desk.issue_id, "Stopped.", desk.now)

    desk.release(held, desk.all_say(turn, Answer.ACCEPTED))

    assert course.complete(desk.session, desk.now) == [desk.issue_id]
    assert desk.issue().pause_reason is None


def test_practice_never_goes_on_with_a_real_provider(practice: Desk) -> None:
    course.pause_the_other_kind(practice.session, practice.keys, True, practice.now)
    assert practice.issue().state is IssueState.SENDING

    course.pause_the_other_kind(practice.session, practice.keys, False, practice.now)

    assert practice.issue().state is IssueState.PAUSED
    assert "begun as practice" in (practice.issue().pause_reason or "")


def test_how_far_an_issue_is_is_counted_from_its_rows(desk: Desk) -> None:
    held = desk.held()
    turn = desk.turn(held, [held.first_id])
    desk.release(held, desk.all_say(turn, Answer.ACCEPTED))

    assert course.count_settled(desk.session, desk.issue_id) == (1, 4)
    assert course.count_left(desk.session) == 3


# --- two who write at once --------------------------------------------------------------------


def impatient(session: Session) -> None:
    """Wait for no lock: fail at once."""
    session.execute(text("SET LOCAL lock_timeout = '100ms'"))


def test_two_batches_of_an_issue_go_on_side_by_side(postgres_url: str, keys: Keys) -> None:
    engine = open_engine(postgres_url)
    with writing(engine) as session:
        list_id = add_list(session)
        people = add_people(session, keys, list_id, 20)
        issue_id = add_issue(session, keys, list_id)
        freeze(session, keys, issue_id, False, 10, 1, MONDAY)

    with writing(engine) as one, writing(engine) as two:
        desks = [Desk(session, keys, list_id, people, issue_id) for session in (one, two)]
        under_way = []
        for desk in desks:
            impatient(desk.session)
            held = desk.held()
            under_way.append((desk, held, desk.turn(held)))
        for desk, held, turn in under_way:
            desk.turn(held, [], desk.all_say(turn, Answer.ACCEPTED))

    with reading(engine) as session:
        assert states_of(session, issue_id) == {SUBMITTED: 20}
    engine.dispose()


def test_two_lists_wait_for_each_others_intents_of_one_bulletin(
    postgres_url: str, keys: Keys
) -> None:
    engine = open_engine(postgres_url)
    with writing(engine) as session:
        issues, bulletin_id = [], None
        for name in ("weekly", "monthly"):
            list_id = add_list(session, name)
            add_people(session, keys, list_id, 2)
            bulletin_id = bulletin_id or add_bulletin(session, list_id)
            issues.append(add_issue(session, keys, list_id, bulletin_id))
            freeze(session, keys, issues[-1], False, 500, 1, MONDAY)

    with writing(engine) as one:
        first = Desk(one, keys, 0, [], issues[0])
        first.turn(first.held())
        with writing(engine) as two:
            impatient(two)
            second = Desk(two, keys, 0, [], issues[1])
            held = second.held()
            with pytest.raises(DBAPIError, match="lock timeout"):
                second.turn(held)
            two.rollback()
    engine.dispose()


def test_two_who_claim_at_once_get_two_batches(postgres_url: str, keys: Keys) -> None:
    engine = open_engine(postgres_url)
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 20)
        issue_id = add_issue(session, keys, list_id)
        freeze(session, keys, issue_id, False, 10, 1, MONDAY)
    deadlines = Deadlines(MONDAY, 0.0, SOON, SOON)

    with writing(engine) as one, writing(engine) as two:
        first = ledger.claim(one, ME, False, deadlines, nobody_is_gone, "smtp")
        second = ledger.claim(two, OTHER, False, deadlines, nobody_is_gone, "smtp")
        third = ledger.claim(two, OTHER, False, deadlines, nobody_is_gone, "smtp")

    assert first is not None
    assert second is not None
    assert third is None
    assert first.batch_id != second.batch_id
    with reading(engine) as session:
        assert states_of(session, issue_id) == {PENDING: 20}
    engine.dispose()
