"""An issue taken up again, when people made deliveries of it pending that were over."""

from datetime import datetime

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session

from newsletter.dispatch.freeze import check_approval
from newsletter.dispatch.jobs import call_workers
from newsletter.errors import NotAllowed
from newsletter.issue import lock_issue
from newsletter.issue.held import refuse_while_stopping
from newsletter.tables import Batch, Delivery, DeliveryState, Issue, IssueState
from subscribers.database import table_of
from subscribers.privacy import Keys


def begun_issue(session: Session, issue_id: int) -> Issue:
    """Return an issue whose audience is fixed, held until the transaction ends.

    Raises:
        NotFound: there is no such issue.
        NotAllowed: it has not begun, so that nobody has a delivery yet.
    """
    issue = lock_issue(session, issue_id)
    if issue.audience_size is None:
        raise NotAllowed(f"Issue {issue_id} has not begun: nobody has been written to yet.")
    return issue


def reopen(session: Session, keys: Keys, issue: Issue, now: datetime) -> None:
    """Let the dispatcher take up what is pending: only ever the bytes that were approved.

    A completed or cancelled issue is being sent again, until nothing is pending; a paused one
    stays paused.  `issue` is held.  The workers are called to it.

    Raises:
        ApprovalVoid: what is stored is not what was approved.
        NotAllowed: the provider is being asked to stop what it holds.
    """
    check_approval(session, keys, issue.id)
    refuse_while_stopping(session, issue.id)
    session.execute(
        update(_batch)
        .where(
            _batch.c.issue_id == issue.id,
            or_(_batch.c.due_at.is_(None), _batch.c.due_at > now),
            exists(
                select(_delivery.c.id).where(
                    _delivery.c.id.between(_batch.c.first_id, _batch.c.last_id),
                    _delivery.c.issue_id + 0 == issue.id,  # keeps SQLite on the range of ids
                    _delivery.c.state == DeliveryState.PENDING,
                    or_(_delivery.c.due_at.is_(None), _delivery.c.due_at <= now),
                )
            ),
        )
        .values(due_at=now)
    )
    if issue.state in (IssueState.COMPLETED, IssueState.CANCELLED):
        issue.state, issue.ended_at = IssueState.SENDING, None
        session.flush()
    if issue.state is IssueState.SENDING:
        call_workers(session, issue.id)


_batch = table_of(Batch)
_delivery = table_of(Delivery)
