"""What people decide about the unknown: exact, on record, and never before it is safe."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, update

from newsletter.dispatch import TreatAs
from newsletter.dispatch.freeze import ApprovalVoid
from newsletter.dispatch.retry import MAX_ATTEMPTS
from newsletter.errors import NotAllowed, NotFound
from newsletter.providers.base import Answer
from newsletter.tables import Attempt, Delivery, DeliveryNote, Issue, IssueState, Reason
from subscribers.database import writing
from subscribers.privacy import Keys
from tests.aftermath import EXCLUDED, FAILED, PENDING, SUBMITTED, UNKNOWN, Aftermath, aftermath
from tests.audiences import address_of, suppress

LONG_AFTER = timedelta(hours=1)


@pytest.fixture
def after(warm_engine: Engine, keys: Keys, tmp_path: Path) -> Aftermath:
    """Five people: the answers of two were lost, and the time for them is over."""
    after = aftermath(warm_engine, keys, tmp_path)
    first, second = after.people[:2]
    after.answers = {first: Answer.UNKNOWN, second: Answer.UNKNOWN}
    after.send(turn_size=5)  # together: after a lost answer the others would wait
    after.answers = {}
    after.now += LONG_AFTER
    assert after.states() == {UNKNOWN: 2, SUBMITTED: 3}
    return after


def forget_the_answers(after: Aftermath) -> None:
    """As if the process had died in mid-air: nothing is noted of its attempts."""
    after.change(lambda: delete(DeliveryNote))
    after.change(
        lambda: update(Delivery).where(Delivery.state == UNKNOWN).values(reason=Reason.PROCESS_DIED)
    )


@pytest.mark.transition("q")
def test_counted_as_received(after: Aftermath) -> None:
    settled = after.settle(TreatAs.RECEIVED)

    assert (settled.changed, settled.waiting) == (2, 0)
    assert after.states() == {SUBMITTED: 5}
    assert after.issue().state is IssueState.COMPLETED
    assert "staff counted it as received" in after.reason_in_words(after.people[0])
    assert after.acts() == {"unknown treated as received": "command"}
    after.send()
    assert set(after.taken().values()) == {1}


@pytest.mark.transition("s")
def test_left_alone(after: Aftermath) -> None:
    settled = after.settle(TreatAs.LEAVE)

    assert settled.changed == 2
    assert after.states() == {FAILED: 2, SUBMITTED: 3}
    assert "staff left it at that" in after.reason_in_words(after.people[0])
    assert after.acts() == {"unknown treated as leave": "command"}
    assert after.send_rest().taken == 0
    after.send()
    assert set(after.taken().values()) == {1}


@pytest.mark.transition("r")
def test_sent_again_reopens_the_issue_and_reaches_only_them(after: Aftermath) -> None:
    assert after.issue().state is IssueState.COMPLETED

    settled = after.settle(TreatAs.SEND_AGAIN)

    assert settled.changed == 2
    assert after.issue().state is IssueState.SENDING
    assert after.states() == {PENDING: 2, SUBMITTED: 3}
    after.send()
    first, second, *others = after.people
    assert after.taken() == {first: 2, second: 2, **dict.fromkeys(others, 1)}
    assert after.states() == {SUBMITTED: 5}
    assert after.issue().state is IssueState.COMPLETED
    assert after.acts() == {"unknown treated as send-again": "command"}


@pytest.mark.parametrize("treat_as", TreatAs)
def test_one_person_alone(after: Aftermath, treat_as: TreatAs) -> None:
    settled = after.settle(treat_as, person=after.people[1])

    assert settled.changed == 1
    assert after.state_of(after.people[0]) is UNKNOWN
    assert after.state_of(after.people[1]) is not UNKNOWN


@pytest.mark.parametrize("treat_as", TreatAs)
def test_the_same_again_changes_nothing(after: Aftermath, treat_as: TreatAs) -> None:
    after.settle(treat_as)
    before = after.states()

    again = after.settle(treat_as)

    assert (again.changed, after.states(), len(after.acts())) == (0, before, 1)


def test_a_paused_issue_stays_paused_until_it_is_resumed(after: Aftermath) -> None:
    after.set_issue(IssueState.PAUSED)

    after.settle(TreatAs.SEND_AGAIN)
    after.send()

    assert after.issue().state is IssueState.PAUSED
    assert set(after.taken().values()) == {1}
    after.set_issue(IssueState.SENDING)
    after.send()
    assert after.taken()[after.people[0]] == 2


def test_of_a_cancelled_issue_only_they_are_sent_again(
    engine: Engine, keys: Keys, tmp_path: Path
) -> None:
    after = aftermath(engine, keys, tmp_path, 3)
    after.answers = {after.people[0]: Answer.UNKNOWN}
    after.send()
    after.set_issue(IssueState.CANCELLED)
    after.change(
        lambda: (
            update(Delivery)
            .where(Delivery.subscriber_id == after.people[2])
            .values(state=EXCLUDED, reason=Reason.CANCELLED)
        )
    )
    after.answers = {}
    after.now += LONG_AFTER

    after.settle(TreatAs.SEND_AGAIN)
    after.send()

    assert after.states() == {SUBMITTED: 2, EXCLUDED: 1}
    assert after.taken()[after.people[0]] == 2


def test_who_left_meanwhile_is_left_out_when_it_is_sent_again(after: Aftermath) -> None:
    with writing(after.engine) as session:
        suppress(session, after.keys, after.people[0])

    after.settle(TreatAs.SEND_AGAIN)
    after.send()

    assert after.states() == {EXCLUDED: 1, SUBMITTED: 4}
    assert after.taken()[after.people[0]] == 1


def test_a_fresh_set_of_tries_begins(after: Aftermath) -> None:
    after.change(lambda: update(Delivery).values(tries=MAX_ATTEMPTS))
    after.settle(TreatAs.SEND_AGAIN)
    after.answers = dict.fromkeys(after.people, Answer.TRY_LATER)

    after.send()

    assert after.state_of(after.people[0]) is PENDING


# --- while the first copy may still leave -----------------------------------------------------


def test_nobody_is_sent_again_while_the_time_for_the_answer_runs(after: Aftermath) -> None:
    after.now -= LONG_AFTER

    found, settled = after.unknowns(), after.settle(TreatAs.SEND_AGAIN)

    assert (settled.changed, settled.waiting) == (0, 2)
    assert settled.until == found.until == after.now + timedelta(seconds=40)
    assert found.waiting == 2
    assert after.states() == {UNKNOWN: 2, SUBMITTED: 3}
    assert after.issue().state is IssueState.COMPLETED


def test_nobody_is_sent_again_while_the_process_that_held_them_may_wake(after: Aftermath) -> None:
    forget_the_answers(after)
    after.gone = False

    found, settled = after.unknowns(), after.settle(TreatAs.SEND_AGAIN)

    assert (settled.changed, settled.waiting, settled.until) == (0, 2, None)
    assert found.reasons == {Reason.PROCESS_DIED: 2}
    after.gone = True
    assert after.settle(TreatAs.SEND_AGAIN).changed == 2


def test_a_process_that_lives_and_said_that_the_answer_was_lost_holds_nobody_up(
    after: Aftermath,
) -> None:
    after.gone = False

    assert after.settle(TreatAs.SEND_AGAIN).changed == 2


@pytest.mark.parametrize("treat_as", [TreatAs.RECEIVED, TreatAs.LEAVE])
def test_what_sends_nothing_is_never_held_up(after: Aftermath, treat_as: TreatAs) -> None:
    forget_the_answers(after)
    after.gone = False
    after.now -= LONG_AFTER

    assert after.settle(treat_as).changed == 2


# --- evidence that comes later ----------------------------------------------------------------


def test_a_late_answer_after_it_was_sent_again_shows_that_it_was_received_twice(
    after: Aftermath,
) -> None:
    after.settle(TreatAs.SEND_AGAIN)
    after.send()
    assert after.twice() == 0

    after.evidence(after.people[0])

    assert after.twice() == 1
    assert after.reason_in_words(after.people[0]).startswith("Received twice:")
    assert after.reason_in_words(after.people[1]) == ""


def test_a_late_answer_after_it_was_left_alone_is_shown(after: Aftermath) -> None:
    after.settle(TreatAs.LEAVE)

    after.evidence(after.people[0])

    assert "taken after all" in after.reason_in_words(after.people[0])


# --- refusals ---------------------------------------------------------------------------------


def test_what_cannot_be_settled_says_so(engine: Engine, keys: Keys, tmp_path: Path) -> None:
    after = aftermath(engine, keys, tmp_path)

    with pytest.raises(NotAllowed, match="has not begun"):
        after.settle(TreatAs.RECEIVED)
    after.send()
    with pytest.raises(NotFound, match="Nobody in the audience") as refusal:
        after.settle(TreatAs.RECEIVED, person=99)
    assert address_of(99) not in str(refusal.value)
    after.issue_id = 99
    with pytest.raises(NotFound, match="no issue 99"):
        after.settle(TreatAs.RECEIVED)


def test_nothing_but_what_was_approved_is_sent_again(after: Aftermath) -> None:
    after.change(lambda: update(Issue).values(approved_hash=b"x" * 32))

    with pytest.raises(ApprovalVoid):
        after.settle(TreatAs.SEND_AGAIN)

    assert after.states() == {UNKNOWN: 2, SUBMITTED: 3}


def test_what_is_known_of_the_unknown(after: Aftermath) -> None:
    begun = after.now - LONG_AFTER

    found = after.unknowns()

    assert found.reasons == {Reason.ANSWER_LOST: 2}
    assert (found.people, found.waiting, found.until) == (2, 0, None)
    assert (found.first_at, found.last_at) == (begun, begun)


def test_unknowns_without_an_attempt_can_be_sent_again(after: Aftermath) -> None:
    after.change(lambda: update(Delivery).where(Delivery.state == UNKNOWN).values(attempt_id=None))
    after.change(lambda: delete(Attempt))

    assert after.unknowns().first_at is None
    assert after.settle(TreatAs.SEND_AGAIN).changed == 2
