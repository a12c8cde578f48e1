"""What an answer makes of a delivery, and when it is tried again.  Pure: no clock, no database."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from newsletter.providers.base import Answer, Outcome
from newsletter.tables import DeliveryState, IssueState, Reason

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=4)
MAX_ATTEMPTS = 12  # the last one comes about 16 hours after the first


@dataclass(frozen=True)
class Verdict:
    """What a delivery becomes."""

    state: DeliveryState
    reason: Reason | None = None
    due_at: datetime | None = None  # not before it; only of a pending one
    counts: bool = True  # whether this try is one of MAX_ATTEMPTS


_SUBMITTED = Verdict(DeliveryState.SUBMITTED)

NOT_SENT = Verdict(DeliveryState.PENDING, counts=False)
"""No byte left, and not because of the recipient: as if it had never been tried."""


@dataclass(frozen=True)
class Answered:
    """What came of one attempt, ready to be recorded."""

    attempt_id: int
    verdicts: Mapping[int, Verdict]  # by delivery id
    replies: Mapping[int, str] = field(default_factory=dict, repr=False)  # sealed when stored
    reference: str | None = None
    fault: str | None = None  # a sentence: our account or domain is at fault, the issue stops
    accepted: int = 0
    definite: bool = False  # somebody was accepted or refused: the provider works
    doubtful: bool = False  # of somebody nobody knows what became
    slow_down: bool = False  # the provider wants less of the whole site
    retry_after: timedelta | None = None  # how long it wants nothing, with slow_down

    @property
    def may_stop(self) -> bool:
        """Whether recording it may pause the issue."""
        return self.fault is not None or self.doubtful


def answered(
    attempt_id: int, tries: Mapping[int, int], outcomes: Sequence[Outcome], now: datetime
) -> Answered:
    """Return what to record for an attempt on the deliveries of `tries` (id -> tries so far).

    A delivery without an outcome is unknown: the provider may have it.
    """
    told = {outcome.delivery_id: outcome for outcome in outcomes}
    given = {number: told.get(number, _NOT_TOLD) for number in tries}
    faults = [o.sentence for o in given.values() if o.answer is Answer.SENDER_FAULT]
    answers = Counter(o.answer for o in given.values())
    slower = [o for o in given.values() if o.slow_down]
    return Answered(
        attempt_id,
        verdicts={number: verdict(o, tries[number], now) for number, o in given.items()},
        replies={number: o.reply for number, o in given.items() if o.reply},
        reference=next((o.reference for o in given.values() if o.reference), None),
        fault=(faults[0] or _A_FAULT) if faults else None,
        accepted=answers[Answer.ACCEPTED],
        definite=answers[Answer.ACCEPTED] + answers[Answer.REFUSED] > 0,
        doubtful=answers[Answer.UNKNOWN] > 0,
        slow_down=bool(slower),
        retry_after=max((o.retry_after for o in slower if o.retry_after), default=None),
    )


def not_sent(attempt_id: int, tries: Mapping[int, int]) -> Answered:
    """Return what to record when the time to start had passed: no byte left."""
    return Answered(attempt_id, dict.fromkeys(tries, NOT_SENT))


_NOT_TOLD = Outcome(0, Answer.UNKNOWN)  # whoever it is about
_A_FAULT = "The provider refuses to take mail from this site: check its account and settings."


def verdict(outcome: Outcome, attempts: int, now: datetime) -> Verdict:
    """Return what `outcome` makes of a delivery after `attempts` tries (1 after the first)."""
    match outcome.answer:
        case Answer.ACCEPTED:
            return _SUBMITTED
        case Answer.REFUSED:
            return Verdict(DeliveryState.FAILED, outcome.reason or Reason.MESSAGE_REFUSED)
        case Answer.UNKNOWN:
            return Verdict(DeliveryState.UNKNOWN, outcome.reason or Reason.ANSWER_LOST)
        case Answer.SENDER_FAULT:
            return NOT_SENT  # the issue is paused; the person has done nothing wrong
        case Answer.TRY_LATER if outcome.retry_after == timedelta():
            return NOT_SENT  # somebody else in the same call was at fault
        case Answer.TRY_LATER:
            due_at = next_attempt(outcome, attempts, now)
            if due_at is None:
                return Verdict(DeliveryState.FAILED, Reason.GAVE_UP)
            return Verdict(DeliveryState.PENDING, Reason.TRY_LATER, due_at)


def next_attempt(outcome: Outcome, attempts: int, now: datetime) -> datetime | None:
    """Return when to try again, or None to give up.

    Waits double from FIRST_WAIT to LONGEST_WAIT; a longer `retry_after` of the provider wins.
    """
    # Only TRY_LATER is repeated.  After UNKNOWN the mail may already be on its way, and a
    # second copy of a prayer request is worse than a line in the report.
    if outcome.answer is not Answer.TRY_LATER or attempts >= MAX_ATTEMPTS:
        return None
    wait = min(FIRST_WAIT * (1 << (attempts - 1)), LONGEST_WAIT)
    return now + max(wait, outcome.retry_after or timedelta())


def in_issue(given: Verdict, state: IssueState) -> Verdict:
    """Return the verdict as it holds in an issue of that state: what is over stays over."""
    if given.state is not DeliveryState.PENDING:
        return given
    if state is IssueState.CANCELLED:
        return replace(given, state=DeliveryState.EXCLUDED, reason=Reason.CANCELLED, due_at=None)
    if state is IssueState.COMPLETED:  # a very late answer: a person may send the rest
        return replace(given, state=DeliveryState.FAILED, reason=Reason.GAVE_UP, due_at=None)
    return given
