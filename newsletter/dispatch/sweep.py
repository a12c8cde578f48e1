"""What is taken back from processes that are gone, and when a batch is due again."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, case, exists, func, or_, select, update
from sqlalchemy.orm import Session

from newsletter.dispatch.failpoint import failpoint
from newsletter.dispatch.retry import NOT_SENT, Verdict
from newsletter.tables import Attempt, Batch, Delivery, DeliveryState, Issue, IssueState, Reason
from subscribers.database import Instant, table_of
from subscribers.statement import Statement, place

IsGone = Callable[[Session, int], bool]
"""Whether a worker, by its id, has certainly ended."""


def sweep(session: Session, now: datetime, is_gone: IsGone) -> Counter[DeliveryState]:
    """Take back what processes that are gone held, and settle overdue answers.

    Looks at every batch that somebody claimed and no longer works on, whatever state its issue
    is in, and ends what a cancelled issue left open.  The batches of those who live are left
    alone, so that nobody waits for the sweeps of others.
    """
    claimed = (_batch.c.due_at.is_not(None), _batch.c.worker_id.is_not(None))
    owners = session.scalars(select(_batch.c.worker_id).where(*claimed).distinct()).all()
    gone = [number for number in owners if is_gone(session, number)]
    free = or_(
        _batch.c.lease_until.is_(None), _batch.c.lease_until < now, _batch.c.worker_id.in_(gone)
    )
    abandoned = session.execute(
        select(_batch).where(*claimed, free).order_by(_batch.c.id).with_for_update(skip_locked=True)
    ).all()
    swept: Counter[DeliveryState] = Counter()
    for row in abandoned:
        found = sweep_range(session, row.issue_id, row.first_id, row.last_id, now, is_gone)
        if found or row.lease_until is not None:
            let_go(session, row.id, row.issue_id, row.first_id, row.last_id, now)
        swept += found
    _close_cancelled(session)
    failpoint("sweep-written")
    return swept


def sweep_range(
    session: Session, issue_id: int, first_id: int, last_id: int, now: datetime, is_gone: IsGone
) -> Counter[DeliveryState]:
    """Settle the deliveries in flight of one batch that nobody will answer for any more."""
    in_flight = _IN_FLIGHT.run(
        session, this_issue=issue_id, first_id=first_id, last_id=last_id, now=now
    )
    died = [number for number, worker_id, _ in in_flight if is_gone(session, worker_id)]
    overdue = [number for number, _, late in in_flight if number not in died and late]
    swept: Counter[DeliveryState] = Counter()
    if not died and not overdue:
        return swept
    here = in_batch(issue_id, first_id, last_id)
    practice = session.scalars(select(_issue.c.practice).where(_issue.c.id == issue_id)).one()
    for attempts, reason in ((died, Reason.PROCESS_DIED), (overdue, Reason.ANSWER_LOST)):
        # In practice the copy is a file named after the delivery: handing it over again
        # leaves one copy.  Anywhere else it may be on its way, and only a person may decide.
        fate = NOT_SENT if practice else Verdict(DeliveryState.UNKNOWN, reason)
        found = session.execute(
            update(_delivery)
            .where(
                *here,
                _delivery.c.state == DeliveryState.IN_FLIGHT,
                _delivery.c.attempt_id.in_(attempts),
            )
            .values(state=fate.state, reason=fate.reason)
            .returning(_delivery.c.id)
        )
        swept[fate.state] += len(found.all())
    return +swept


def let_go(
    session: Session, batch_id: int, issue_id: int, first_id: int, last_id: int, now: datetime
) -> None:
    """End the lease; due again at the first retry or overdue answer in it, or never."""
    ((due_at, in_flight),) = _LEFT.run(
        session, this_issue=issue_id, first_id=first_id, last_id=last_id, now=now
    )
    # A batch with nothing in flight need not be looked at by the sweep any more.
    let = _LET_GO_WATCHED if in_flight else _LET_GO
    let.run(session, this_batch=batch_id, due=due_at)


def in_batch(
    issue_id: int | ColumnElement[int],
    first_id: int | ColumnElement[int],
    last_id: int | ColumnElement[int],
) -> tuple[ColumnElement[bool], ...]:
    """Return SQL for the deliveries of one batch."""
    # The sum keeps SQLite on the range of ids: the index of the issue is 40 times slower.
    return (_delivery.c.id.between(first_id, last_id), _delivery.c.issue_id + 0 == issue_id)


_issue = table_of(Issue)
_batch = table_of(Batch)
_delivery = table_of(Delivery)
_attempt = table_of(Attempt)

_HERE = in_batch(place("this_issue"), place("first_id"), place("last_id"))
_NOW = place("now", Instant())
_IN_FLIGHT = Statement(
    lambda _: (
        select(_attempt.c.id, _attempt.c.worker_id, _attempt.c.answer_by < _NOW)
        .join(_delivery, _delivery.c.attempt_id == _attempt.c.id)
        .where(*_HERE, _delivery.c.state == DeliveryState.IN_FLIGHT)
        .distinct()
    )
)
_LEFT = Statement(
    lambda _: (
        select(
            func.min(
                case(
                    (
                        _delivery.c.state == DeliveryState.PENDING,
                        func.coalesce(_delivery.c.due_at, _NOW),
                    ),
                    else_=_attempt.c.answer_by,
                )
            ),
            func.count().filter(_delivery.c.state == DeliveryState.IN_FLIGHT),
        )
        .select_from(_delivery)
        .outerjoin(_attempt, _attempt.c.id == _delivery.c.attempt_id)
        .where(*_HERE, _delivery.c.state.in_((DeliveryState.PENDING, DeliveryState.IN_FLIGHT)))
    )
)
_LET_GO_WATCHED = Statement(
    lambda _: (
        update(_batch)
        .where(_batch.c.id == place("this_batch"))
        .values(due_at=place("due"), lease_until=None)
    )
)
_LET_GO = Statement(
    lambda _: (
        update(_batch)
        .where(_batch.c.id == place("this_batch"))
        .values(due_at=place("due"), lease_until=None, worker_id=None)
    )
)


def _close_cancelled(session: Session) -> None:
    """Leave nothing pending, and no batch open, in an issue that was cancelled."""
    cancelled = session.scalars(
        select(_issue.c.id).where(
            _issue.c.state == IssueState.CANCELLED,
            exists().where(_batch.c.issue_id == _issue.c.id, _batch.c.due_at.is_not(None)),
        )
    ).all()
    if not cancelled:
        return
    session.execute(
        update(_delivery)
        .where(_delivery.c.issue_id.in_(cancelled), _delivery.c.state == DeliveryState.PENDING)
        .values(state=DeliveryState.EXCLUDED, reason=Reason.CANCELLED, due_at=None)
    )
    session.execute(
        update(_batch)
        .where(
            _batch.c.issue_id.in_(cancelled),
            _batch.c.due_at.is_not(None),
            _batch.c.worker_id.is_(None),
        )
        .values(due_at=None)
    )
