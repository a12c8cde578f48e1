"""The first hundred of an issue go alone, on one connection, and the provider's answers judge it.

A list that was bought, or a domain that is refused everywhere, then costs a hundred copies and
not a reputation.  Nobody waits for what becomes of those copies later.
"""

from collections import Counter
from datetime import datetime

from sqlalchemy import ColumnElement, FromClause, exists, func, select, update
from sqlalchemy.orm import Session

from newsletter.counted import counted
from newsletter.dispatch.course import pause
from newsletter.dispatch.failpoint import failpoint
from newsletter.tables import Batch, Delivery, DeliveryState, IssueState, Reason, Trial
from newsletter.tables import Issue as IssueRow
from subscribers.database import table_of
from subscribers.privacy import Keys

FIRST = 100
REFUSED_SHARE = 0.1  # of those answered, for good
REFUSED_LEAST = 5


def refuses_too_many(answered: int, refused: int) -> bool:
    """Return whether a person should look before everybody else gets their copy."""
    return refused >= max(REFUSED_LEAST, REFUSED_SHARE * answered)


def waits_for_trial(batch: FromClause) -> ColumnElement[bool]:
    """Return SQL for: this batch is not of its issue's first hundred, who are not judged yet."""
    return exists().where(
        _trial.c.issue_id == batch.c.issue_id,
        _trial.c.judged_at.is_(None),
        _trial.c.batch_id != batch.c.id,
    )


def judge(session: Session, keys: Keys, issue_id: int, now: datetime) -> None:
    """Let everybody else go, or stop the issue and tell staff, once the first are answered.

    Does nothing while some of them were never tried, most have been put off, or the issue is
    stopped.
    """
    held = session.execute(
        select(_trial.c.batch_id)
        .join(_issue, _issue.c.id == _trial.c.issue_id)
        .where(
            _trial.c.issue_id == issue_id,
            _trial.c.judged_at.is_(None),
            _issue.c.state == IssueState.SENDING,
        )
        .with_for_update(of=_trial)
    ).one_or_none()
    if held is None:
        return
    counts = _counts(session, issue_id, held.batch_id)
    answered = counts["submitted"] + counts["refused"] + counts["other"]
    if counts["untried"] or answered < counts["put_off"]:
        return
    session.execute(update(_trial).where(_trial.c.issue_id == issue_id).values(judged_at=now))
    failpoint("trial-judged")
    if refuses_too_many(counts["submitted"] + counts["refused"], counts["refused"]):
        pause(
            session,
            keys,
            issue_id,
            f"{counts['refused']} of the first {counted(sum(counts.values()))} were refused for "
            "good, so nobody else was tried: the list may be old, or the provider may not trust "
            f"this sender. See why: newsletter issue deliveries {issue_id} --state failed",
            now,
            then="When you have looked, and want it to go to the others too, resume it",
        )


def judge_ended(session: Session, keys: Keys, now: datetime) -> None:
    """Judge those whose batch ended in another way, such as the death of its process."""
    for issue_id in session.scalars(
        select(_trial.c.issue_id)
        .join(_batch, _batch.c.id == _trial.c.batch_id)
        .join(_issue, _issue.c.id == _trial.c.issue_id)
        .where(
            _trial.c.judged_at.is_(None),
            _batch.c.due_at.is_(None),
            _issue.c.state == IssueState.SENDING,
        )
    ).all():
        judge(session, keys, issue_id, now)


_trial = table_of(Trial)
_batch = table_of(Batch)
_issue = table_of(IssueRow)
_delivery = table_of(Delivery)
_REFUSALS = (Reason.ADDRESS_REFUSED, Reason.MESSAGE_REFUSED)


def _counts(session: Session, issue_id: int, batch_id: int) -> Counter[str]:
    """Count the first hundred: submitted, refused, put_off, untried, and every other end."""
    first, last = session.execute(
        select(_batch.c.first_id, _batch.c.last_id).where(_batch.c.id == batch_id)
    ).one()
    rows = session.execute(
        select(
            _delivery.c.state,
            _delivery.c.reason,
            _delivery.c.tries,
            func.count().label("people"),
        )
        .where(
            _delivery.c.id.between(first, last),
            _delivery.c.issue_id + 0 == issue_id,  # keeps SQLite on the range of ids
        )
        .group_by(_delivery.c.state, _delivery.c.reason, _delivery.c.tries)
    )
    counts: Counter[str] = Counter()
    for row in rows:
        counts[_kind(row.state, row.reason, row.tries)] += row.people
    return counts


def _kind(state: DeliveryState, reason: Reason | None, tries: int) -> str:
    if state is DeliveryState.IN_FLIGHT or (state is DeliveryState.PENDING and not tries):
        return "untried"
    if state is DeliveryState.PENDING:
        return "put_off"
    if state is DeliveryState.SUBMITTED:
        return "submitted"
    refused = state is DeliveryState.FAILED and reason in _REFUSALS
    return "refused" if refused else "other"
