from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.dispatch.retry import (
    FIRST_WAIT,
    LONGEST_WAIT,
    MAX_ATTEMPTS,
    NOT_SENT,
    Verdict,
    answered,
    in_issue,
    next_attempt,
    not_sent,
    verdict,
)
from newsletter.providers.base import Answer, Outcome
from newsletter.tables import DeliveryState, IssueState, Reason

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_a_lost_answer_is_never_tried_again() -> None:
    lost = Outcome(7, Answer.UNKNOWN, Reason.ANSWER_LOST)

    assert next_attempt(lost, attempts=1, now=NOON) is None


@pytest.mark.parametrize(
    ("attempts", "wait"),
    [
        (1, timedelta(minutes=1)),
        (2, timedelta(minutes=2)),
        (8, timedelta(minutes=128)),
        (9, LONGEST_WAIT),
        (MAX_ATTEMPTS - 1, LONGEST_WAIT),
        (MAX_ATTEMPTS, None),
    ],
)
def test_waits_double_until_the_tries_are_used_up(attempts: int, wait: timedelta | None) -> None:
    due_at = next_attempt(Outcome(7, Answer.TRY_LATER), attempts, NOON)

    assert due_at == (NOON + wait if wait else None)


@given(st.integers(1, MAX_ATTEMPTS - 1), st.timedeltas(timedelta(), timedelta(days=3)))
def test_a_provider_is_never_bothered_earlier_than_it_asked(
    attempts: int, retry_after: timedelta
) -> None:
    due_at = next_attempt(Outcome(7, Answer.TRY_LATER, retry_after=retry_after), attempts, NOON)

    assert due_at is not None
    assert due_at - NOON >= max(retry_after, FIRST_WAIT)


@pytest.mark.parametrize(
    ("outcome", "attempts", "expected"),
    [
        (Outcome(7, Answer.ACCEPTED), 1, Verdict(DeliveryState.SUBMITTED)),
        (
            Outcome(7, Answer.REFUSED, Reason.ADDRESS_REFUSED),
            1,
            Verdict(DeliveryState.FAILED, Reason.ADDRESS_REFUSED),
        ),
        (Outcome(7, Answer.REFUSED), 1, Verdict(DeliveryState.FAILED, Reason.MESSAGE_REFUSED)),
        (Outcome(7, Answer.UNKNOWN), 1, Verdict(DeliveryState.UNKNOWN, Reason.ANSWER_LOST)),
        (Outcome(7, Answer.SENDER_FAULT), 3, NOT_SENT),
        (
            Outcome(7, Answer.TRY_LATER),
            1,
            Verdict(DeliveryState.PENDING, Reason.TRY_LATER, NOON + FIRST_WAIT),
        ),
        (
            Outcome(7, Answer.TRY_LATER),
            MAX_ATTEMPTS,
            Verdict(DeliveryState.FAILED, Reason.GAVE_UP),
        ),
    ],
)
def test_an_answer_settles_a_delivery(outcome: Outcome, attempts: int, expected: Verdict) -> None:
    assert verdict(outcome, attempts, NOON) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (IssueState.SENDING, (DeliveryState.PENDING, Reason.TRY_LATER)),
        (IssueState.PAUSED, (DeliveryState.PENDING, Reason.TRY_LATER)),
        (IssueState.CANCELLED, (DeliveryState.EXCLUDED, Reason.CANCELLED)),
        (IssueState.COMPLETED, (DeliveryState.FAILED, Reason.GAVE_UP)),
    ],
)
def test_nothing_is_tried_again_in_an_issue_that_is_over(
    state: IssueState, expected: tuple[DeliveryState, Reason]
) -> None:
    later = Verdict(DeliveryState.PENDING, Reason.TRY_LATER, NOON)

    became = in_issue(later, state)

    assert (became.state, became.reason) == expected
    assert (became.due_at is None) == (became.state is not DeliveryState.PENDING)


def test_an_accepted_copy_counts_even_in_a_cancelled_issue() -> None:
    accepted = Verdict(DeliveryState.SUBMITTED)

    assert in_issue(accepted, IssueState.CANCELLED) is accepted


def test_a_delivery_without_an_outcome_is_unknown() -> None:
    result = answered(5, {1: 1, 2: 1}, [Outcome(1, Answer.ACCEPTED, reference="r1")], NOON)

    assert result.verdicts[1].state is DeliveryState.SUBMITTED
    assert result.verdicts[2] == Verdict(DeliveryState.UNKNOWN, Reason.ANSWER_LOST)
    assert (result.attempt_id, result.reference, result.fault) == (5, "r1", None)


def test_an_outcome_for_somebody_else_is_nobodys() -> None:
    result = answered(5, {1: 1}, [Outcome(1, Answer.ACCEPTED), Outcome(99, Answer.REFUSED)], NOON)

    assert set(result.verdicts) == {1}


def test_a_fault_of_the_sender_speaks_in_its_own_sentence() -> None:
    spoken = answered(5, {1: 1}, [Outcome(1, Answer.SENDER_FAULT, sentence="No key.")], NOON)
    silent = answered(5, {1: 1}, [Outcome(1, Answer.SENDER_FAULT)], NOON)

    assert spoken.fault == "No key."
    assert silent.fault is not None
    assert silent.fault.endswith(".")


def slow(seconds: int | None) -> dict[str, object]:
    return {"slow_down": True, "retry_after": timedelta(seconds=seconds) if seconds else None}


@pytest.mark.parametrize(
    ("said", "accepted", "definite", "doubtful", "slow_down", "retry_after"),
    [
        ([(Answer.ACCEPTED, {})], 1, True, False, False, None),
        ([(Answer.REFUSED, {})], 0, True, False, False, None),
        ([(Answer.ACCEPTED, {})] * 2 + [(Answer.REFUSED, {})] * 2, 2, True, False, False, None),
        ([(Answer.UNKNOWN, {})], 0, False, True, False, None),
        ([(Answer.TRY_LATER, {})], 0, False, False, False, None),
        ([(Answer.TRY_LATER, slow(None))], 0, False, False, True, None),
        (
            [
                *((Answer.TRY_LATER, slow(seconds)) for seconds in (5, 9, None)),
                (Answer.TRY_LATER, {"retry_after": timedelta(hours=1)}),  # of one recipient alone
            ],
            *(0, False, False, True, timedelta(seconds=9)),
        ),
    ],
)
def test_what_an_attempt_tells_of_the_provider(
    said: list[tuple[Answer, dict[str, Any]]],
    accepted: int,
    definite: bool,
    doubtful: bool,
    slow_down: bool,
    retry_after: timedelta | None,
) -> None:
    outcomes = [Outcome(number, answer, **more) for number, (answer, more) in enumerate(said)]

    result = answered(5, {outcome.delivery_id: 1 for outcome in outcomes}, outcomes, NOON)

    assert (result.accepted, result.definite) == (accepted, definite)
    assert (result.doubtful, result.may_stop) == (doubtful, doubtful)
    assert (result.slow_down, result.retry_after) == (slow_down, retry_after)


def test_what_was_not_sent_does_not_count_as_a_try() -> None:
    assert not_sent(5, {1: 3}).verdicts == {1: NOT_SENT}
    assert not NOT_SENT.counts


def test_one_who_was_not_tried_because_of_another_waits_for_nothing_and_loses_no_try() -> None:
    spared = Outcome(7, Answer.TRY_LATER, retry_after=timedelta())

    assert verdict(spared, attempts=MAX_ATTEMPTS, now=NOON) == NOT_SENT
