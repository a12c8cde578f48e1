"""One more copy for one person: the delivery they have stays one, whatever happens."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from newsletter.dispatch import TreatAs
from newsletter.dispatch.extra import COPY_FENCE
from newsletter.errors import NotAllowed, NotFound
from newsletter.original import PutBack
from newsletter.providers.base import Answer
from newsletter.tables import (
    Attempt,
    Delivery,
    DeliveryNote,
    DeliveryState,
    IssueState,
    Original,
    Reason,
)
from subscribers.database import reading, writing
from subscribers.privacy import Keys, Purpose
from tests.aftermath import EXCLUDED, FAILED, PENDING, SUBMITTED, UNKNOWN, Aftermath, aftermath
from tests.audiences import MONDAY, suppress

A, U, R, L, F = (
    Answer.ACCEPTED,
    Answer.UNKNOWN,
    Answer.REFUSED,
    Answer.TRY_LATER,
    Answer.SENDER_FAULT,
)


@pytest.fixture
def after(warm_engine: Engine, keys: Keys, tmp_path: Path) -> Aftermath:
    """Three people: the first as the test says, the others have it."""
    return aftermath(warm_engine, keys, tmp_path, 3)


def went(after: Aftermath, answer: Answer, reason: Reason | None = None) -> int:
    """Send the issue; the first person's answer was this.  Or they were left out."""
    first = after.people[0]
    after.answers = {first: answer}
    after.send()
    after.answers = {}
    after.later(hours=1)
    if reason is not None:
        after.change(
            lambda: (
                update(Delivery)
                .where(Delivery.subscriber_id == first)
                .values(state=EXCLUDED, reason=reason, attempt_id=None, due_at=None)
            )
        )
        after.set_issue(IssueState.COMPLETED)
    return first


CASES = [
    # before, why left out, answer for the copy, after
    (A, None, A, SUBMITTED),
    (A, None, U, SUBMITTED),
    (A, None, R, SUBMITTED),
    (U, None, A, SUBMITTED),
    (U, None, U, UNKNOWN),
    (U, None, R, UNKNOWN),
    (U, None, L, UNKNOWN),
    (R, None, A, SUBMITTED),
    (R, None, U, UNKNOWN),
    (R, None, R, FAILED),
    (R, None, F, FAILED),
    (L, Reason.CANCELLED, A, SUBMITTED),
    (L, Reason.CANCELLED, L, EXCLUDED),
    (L, Reason.ALREADY_RECEIVED, A, EXCLUDED),
    (L, Reason.NO_DISCREET_EDITION, A, SUBMITTED),
]


@pytest.mark.parametrize(("before", "left_out", "answer", "state"), CASES)
def test_what_one_more_copy_makes_of_the_delivery(
    after: Aftermath,
    before: Answer,
    left_out: Reason | None,
    answer: Answer,
    state: DeliveryState,
) -> None:
    first = went(after, before, left_out)
    issue, had, was = after.issue().state, after.taken()[first], after.delivery(first)
    after.answers = {first: answer}

    copied = after.copy(first)

    now = after.delivery(first)
    assert (copied.outcome.answer, copied.state, now.state) == (answer, state, state)
    if state is was.state and answer is not Answer.UNKNOWN:
        assert (now.reason, now.attempt_id) == (was.reason, was.attempt_id)
    assert after.taken()[first] == had + (answer in (A, U))
    assert after.issue().state is issue
    assert after.report().adds_up
    assert after.acts() == {"one more copy": "command"}
    after.answers = {}
    after.send()
    assert after.taken()[first] == had + (answer in (A, U))


def test_the_copy_has_an_attempt_of_its_own_and_its_outcome_is_noted(after: Aftermath) -> None:
    first = went(after, A)

    after.copy(first)

    with reading(after.engine) as session:
        attempt = session.scalars(select(Attempt).order_by(Attempt.id.desc())).first()
        note = session.scalars(select(DeliveryNote)).one()
    assert attempt is not None
    assert (attempt.fence, attempt.size, attempt.batch_id) == (COPY_FENCE, 1, None)
    assert (note.attempt_id, note.reason) == (attempt.id, None)
    assert after.reason_in_words(first) == "One more copy was handed over."
    assert after.twice() == 0  # it was meant


def test_a_copy_whose_answer_was_lost_is_shown(after: Aftermath) -> None:
    first = went(after, A)
    after.answers = {first: U}

    after.copy(first)

    assert "may have arrived" in after.reason_in_words(first)


@pytest.mark.parametrize("before", [A, U, R])
def test_whoever_dies_in_the_middle_leaves_the_truth(after: Aftermath, before: Answer) -> None:
    first = went(after, before)
    provider = after.provider(after=die)

    with pytest.raises(KeyboardInterrupt):
        after.copy(first, provider)

    assert after.state_of(first) is (SUBMITTED if before is A else UNKNOWN)
    assert "may have arrived" in after.reason_in_words(first)
    assert after.report().adds_up
    after.later(hours=1)
    after.send()
    assert after.send_rest().taken == 0
    if before is not A:
        assert after.settle(TreatAs.RECEIVED).changed == 1


def die(_call: int) -> None:
    raise KeyboardInterrupt


def test_a_person_s_word_meanwhile_stands_and_the_answer_is_kept(after: Aftermath) -> None:
    first = went(after, U)

    def settled(_call: int) -> None:
        after.settle(TreatAs.LEAVE)

    after.copy(first, after.provider(before=settled))

    assert after.state_of(first) is FAILED
    assert "One more copy was handed over" in after.reason_in_words(first)


@pytest.mark.parametrize("state", [PENDING, DeliveryState.IN_FLIGHT])
def test_whose_own_copy_is_still_to_come_gets_no_other(
    after: Aftermath, state: DeliveryState
) -> None:
    first = went(after, L)
    after.change(
        lambda: update(Delivery).where(Delivery.subscriber_id == first).values(state=state)
    )

    with pytest.raises(NotAllowed, match="comes by itself"):
        after.copy(first)


def test_who_must_not_be_mailed_gets_none(after: Aftermath) -> None:
    first = went(after, A)
    with writing(after.engine) as session:
        suppress(session, after.keys, first)

    with pytest.raises(NotAllowed, match="gets no copy: the address is never to be mailed"):
        after.copy(first)

    assert after.taken()[first] == 1


def test_whose_first_copy_may_still_leave_waits(after: Aftermath) -> None:
    first = went(after, U)
    after.now = MONDAY

    with pytest.raises(NotAllowed, match="may still be on its way"):
        after.copy(first)


def test_who_is_not_in_the_audience_gets_none(after: Aftermath) -> None:
    went(after, A)

    with pytest.raises(NotFound, match="Nobody in the audience"):
        after.copy(77)


def test_a_practice_issue_is_not_copied_for_real(after: Aftermath) -> None:
    first = after.people[0]
    after.send(repeatable=True)

    with pytest.raises(NotAllowed, match="begun as practice"):
        after.copy(first)


def test_a_copy_of_the_database_hands_over_none(after: Aftermath) -> None:
    first = went(after, A)
    after.change(lambda: update(Original).values(copied_at=MONDAY))

    with pytest.raises(PutBack):
        after.copy(first)

    assert after.taken()[first] == 1


def test_a_copy_has_a_message_id_of_its_own_that_names_the_same_delivery(keys: Keys) -> None:
    token = keys.copy_token(7, 12)

    assert token != keys.token(Purpose.DELIVERY, 7)
    assert keys.open_token(Purpose.DELIVERY, token) == 7
    assert keys.open_token(Purpose.DELIVERY, token + "x") is None
    assert keys.open_token(Purpose.UNSUBSCRIBE, keys.token(Purpose.UNSUBSCRIBE, 7) + "-1") is None
