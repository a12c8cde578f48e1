"""The course of an issue while it is being sent: stopped, completed, how far it is."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.orm import Session

from newsletter import notices
from newsletter.tables import Batch, Delivery, DeliveryState, Issue, IssueState
from subscribers.database import table_of
from subscribers.privacy import Keys

SETTLED = (
    DeliveryState.SUBMITTED,
    DeliveryState.FAILED,
    DeliveryState.UNKNOWN,
    DeliveryState.EXCLUDED,
)
"""The states that nothing but an answer that comes late, or a person, changes."""

_PAUSE_REASON_LENGTH = 500  # of issue.pause_reason


def due_issues(session: Session, now: datetime) -> Sequence[int]:
    """Return the scheduled issues whose time has come and whose wait is over, oldest first."""
    return session.scalars(
        select(Issue.id)
        .where(
            Issue.state == IssueState.SCHEDULED,
            Issue.due_at <= now,
            or_(Issue.not_before.is_(None), Issue.not_before <= now),
        )
        .order_by(Issue.due_at, Issue.id)
    ).all()


def pause(session: Session, keys: Keys, issue_id: int, sentence: str, now: datetime) -> bool:
    """Stop an issue that is sending and tell staff why; False when it was not sending."""
    stopped = session.execute(
        update(_issue)
        .where(_issue.c.id == issue_id, _issue.c.state == IssueState.SENDING)
        .values(state=IssueState.PAUSED, pause_reason=sentence[:_PAUSE_REASON_LENGTH])
        .returning(_issue.c.id)
    ).all()
    if stopped:
        notices.tell(
            session,
            keys,
            f"issue-paused/{issue_id}/{now.isoformat()}",
            f"Issue {issue_id} has stopped",
            [
                sentence,
                "Nobody was marked as failed. When it is put right, resume the issue: "
                f"newsletter issue resume {issue_id}. It goes on where it stopped.",
            ],
            now,
        )
    return bool(stopped)


def pause_the_other_kind(session: Session, keys: Keys, practice: bool, now: datetime) -> None:
    """Stop what was begun as practice when the provider is real by now, and the other way round."""
    others = session.scalars(
        select(_issue.c.id).where(
            _issue.c.state == IssueState.SENDING, _issue.c.practice != practice
        )
    ).all()
    begun, ours = ("with a real provider", "practice") if practice else ("as practice", "real")
    for issue_id in others:
        sentence = (
            f"Issue {issue_id} was begun {begun}, and the provider in the settings is now "
            f"{ours}: set the provider back, or cancel the issue."
        )
        pause(session, keys, issue_id, sentence, now)


def complete(session: Session, now: datetime) -> list[int]:
    """End every issue in which nothing is pending, claimed or in flight; return their ids."""
    is_open = exists().where(_batch.c.issue_id == _issue.c.id, _batch.c.due_at.is_not(None))
    done = session.scalars(
        select(_issue.c.id)
        .where(
            _issue.c.state.in_((IssueState.SENDING, IssueState.PAUSED)),
            _issue.c.audience_size.is_not(None),
            ~is_open,
        )
        .order_by(_issue.c.id)
        .with_for_update()
    ).all()
    if not done:
        return []
    # The lock first, then a fresh look: a late answer may just have opened a batch again.
    ended = session.scalars(
        update(_issue)
        .where(_issue.c.id.in_(done), ~is_open)
        .values(state=IssueState.COMPLETED, ended_at=now, pause_reason=None)
        .returning(_issue.c.id)
    )
    return sorted(ended)


def count_settled(session: Session, issue_id: int) -> tuple[int, int]:
    """Return how many of an issue's audience are settled, and how many there are."""
    settled = func.count().filter(_delivery.c.state.in_(SETTLED))
    row = session.execute(
        select(settled, func.count()).where(_delivery.c.issue_id == issue_id)
    ).one()
    return row[0], row[1]


def count_left(session: Session) -> int:
    """Return how many deliveries of issues under way are pending or in flight."""
    waiting = (
        select(func.count())
        .select_from(_delivery)
        .join(_issue, _issue.c.id == _delivery.c.issue_id)
    )
    return session.scalars(
        waiting.where(
            _issue.c.state.in_((IssueState.SENDING, IssueState.PAUSED)),
            _delivery.c.state.in_((DeliveryState.PENDING, DeliveryState.IN_FLIGHT)),
        )
    ).one()


_issue = table_of(Issue)
_batch = table_of(Batch)
_delivery = table_of(Delivery)
