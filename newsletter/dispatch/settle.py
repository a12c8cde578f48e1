"""What people decide about those of whom nobody can tell whether they have their copy.

The machine never decides: whichever way it guessed, somebody would get a second copy or none.
"""

import enum
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from newsletter.dispatch.failpoint import failpoint
from newsletter.dispatch.reopen import begun_issue, reopen
from newsletter.errors import NotFound
from newsletter.issue import Actor, record
from newsletter.tables import Attempt, Delivery, DeliveryNote, DeliveryState, Reason
from subscribers.address import read_address
from subscribers.database import Instant, table_of
from subscribers.privacy import Keys
from subscribers.tables import Subscriber

IsGone = Callable[[Session, int], bool]


class TreatAs(enum.Enum):
    """What a person says; the values are those of the command."""

    RECEIVED = "received"
    SEND_AGAIN = "send-again"  # who has it gets it twice
    LEAVE = "leave"  # who does not have it misses it


@dataclass(frozen=True)
class Unknowns:
    """Of whom nobody can tell, and what is known of them."""

    reasons: Mapping[Reason, int]
    first_at: datetime | None  # of their attempts; None where no attempt is on record
    last_at: datetime | None
    waiting: int  # their copy may still leave, or its answer come: not to be sent again yet
    until: datetime | None  # when the last of those answers is overdue, where time will tell

    @property
    def people(self) -> int:
        """All of them."""
        return sum(self.reasons.values())


@dataclass(frozen=True)
class Settled:
    """What a decision changed."""

    changed: int
    waiting: int  # not sent again: their first copy may still leave, or its answer come
    until: datetime | None  # when the last of those answers is overdue, where time will tell


def unknowns(
    session: Session, issue_id: int, is_gone: IsGone, now: datetime, person: int | None = None
) -> Unknowns:
    """Return of whom nobody can tell, in an issue or of one subscriber."""
    chosen = _unknown(issue_id, person)
    reasons = session.execute(
        select(_delivery.c.reason, func.count().label("people")).where(*chosen).group_by("reason")
    )
    times = session.execute(
        select(func.min(_attempt.c.started_at), func.max(_attempt.c.started_at))
        .join_from(_delivery, _attempt, _attempt.c.id == _delivery.c.attempt_id)
        .where(*chosen)
    ).one()
    open_ = _open_attempts(session, chosen, is_gone, now)
    return Unknowns(
        Counter({row.reason: row.people for row in reasons}),
        times[0],
        times[1],
        _count(session, *chosen, open_.may_still_leave),
        open_.until,
    )


def settle(
    session: Session,
    keys: Keys,
    issue_id: int,
    treat_as: TreatAs,
    by: Actor,
    is_gone: IsGone,
    now: datetime,
    person: int | None = None,
) -> Settled:
    """Do as a person says with the unknown deliveries of an issue, or with one subscriber's.

    Sending again reopens an issue that was over.  Whoever's first copy may still leave, or
    whose answer is not overdue yet, is left unknown then.  What an answer or an event tells
    later is kept as evidence.  The same again changes nothing.

    Raises:
        NotFound: there is no such issue.
        NotAllowed: the issue has not begun.
        ApprovalVoid: it would be sent again and is not what was approved.
    """
    issue = begun_issue(session, issue_id)
    chosen = _unknown(issue_id, person)
    waiting, until = 0, None
    if treat_as is TreatAs.SEND_AGAIN:
        open_ = _open_attempts(session, chosen, is_gone, now)
        waiting, until = _count(session, *chosen, open_.may_still_leave), open_.until
        chosen = (*chosen, ~open_.may_still_leave)
        _keep_evidence(session, chosen, now)
    changed = session.execute(
        update(_delivery).where(*chosen).values(_BECOMES[treat_as]).returning(_delivery.c.id)
    )
    count = len(changed.all())
    if count and treat_as is TreatAs.SEND_AGAIN:
        reopen(session, keys, issue, now)
    if count:
        act = f"unknown treated as {treat_as.value}"
        record(session, keys, by, act, now, issue_id=issue_id, list_id=issue.list_id)
    failpoint("settled-written")
    return Settled(count, waiting, until)


def find_person(session: Session, keys: Keys, issue_id: int, address: str) -> int:
    """Return the subscriber with that address in an issue's audience.

    Raises:
        UnusableAddress: it is no address.
        NotFound: nobody in the audience has it.
    """
    index = keys.address_index(read_address(address).wire)
    found = session.scalar(
        select(Subscriber.id)
        .join(Delivery, Delivery.subscriber_id == Subscriber.id)
        .where(Subscriber.address_index == index, Delivery.issue_id == issue_id)
    )
    if found is None:
        raise NotFound(
            f"Nobody in the audience of issue {issue_id} has this address: check its spelling."
        )
    return found


_delivery = table_of(Delivery)
_attempt = table_of(Attempt)
_note = table_of(DeliveryNote)

_BECOMES: Mapping[TreatAs, Mapping[str, object]] = {
    TreatAs.RECEIVED: {"state": DeliveryState.SUBMITTED, "reason": Reason.COUNTED_RECEIVED},
    TreatAs.LEAVE: {"state": DeliveryState.FAILED, "reason": Reason.LEFT_ALONE},
    # Its old attempt is nobody's any more: an answer to that is evidence, and no answer.
    TreatAs.SEND_AGAIN: {
        "state": DeliveryState.PENDING,
        "reason": None,
        "due_at": None,
        "attempt_id": None,
        "tries": 0,
    },
}


def _unknown(issue_id: int, person: int | None) -> tuple[ColumnElement[bool], ...]:
    chosen = (_delivery.c.issue_id == issue_id, _delivery.c.state == DeliveryState.UNKNOWN)
    return chosen if person is None else (*chosen, _delivery.c.subscriber_id == person)


@dataclass(frozen=True)
class _Open:
    may_still_leave: ColumnElement[bool]  # of a delivery
    until: datetime | None


def _open_attempts(
    session: Session, chosen: tuple[ColumnElement[bool], ...], is_gone: IsGone, now: datetime
) -> _Open:
    """Return of which attempts something may still come.

    A process that lives, even one that has stood still for hours, may still hand over what it
    had in flight, unless it has given its answer.  And an answer, or an event, may still tell
    while the time for it is not over.
    """
    rows = session.execute(
        select(_attempt.c.id, _attempt.c.worker_id, _attempt.c.answer_by)
        .join_from(_delivery, _attempt, _attempt.c.id == _delivery.c.attempt_id)
        .where(*chosen)
        .distinct()
    ).all()
    gone = {number: is_gone(session, number) for number in {row.worker_id for row in rows}}
    alive = [row.id for row in rows if not gone[row.worker_id]]
    early = [row for row in rows if row.answer_by >= now]
    answered = exists(
        select(_note.c.id).where(
            _note.c.delivery_id == _delivery.c.id, _note.c.attempt_id == _delivery.c.attempt_id
        )
    )
    may_still_leave = and_(
        _delivery.c.attempt_id.is_not(None),
        or_(
            _delivery.c.attempt_id.in_([row.id for row in early]),
            and_(_delivery.c.attempt_id.in_(alive), ~answered),
        ),
    )
    return _Open(may_still_leave, max((row.answer_by for row in early), default=None))


def _count(session: Session, *chosen: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(_delivery).where(*chosen)) or 0


def _keep_evidence(
    session: Session, chosen: tuple[ColumnElement[bool], ...], now: datetime
) -> None:
    """Note which attempt is in doubt, so that what comes of it later is known for a second copy."""
    doubts = select(
        _delivery.c.id, _delivery.c.attempt_id, literal(now, Instant), _delivery.c.reason
    ).where(*chosen, _delivery.c.attempt_id.is_not(None))
    columns = ["delivery_id", "attempt_id", "at", "reason"]
    session.execute(insert(_note).from_select(columns, doubts))
