"""The course of an issue while it is being sent: stopped, completed, how far it is."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.orm import Session

from newsletter import notices
from newsletter.counted import counted
from newsletter.dispatch.failpoint import failpoint
from newsletter.dispatch.handover import drop_over, is_held
from newsletter.tables import Batch, Delivery, DeliveryState, Issue, IssueState
from subscribers.database import table_of
from subscribers.privacy import Keys
from subscribers.tables import MailingList

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


NOBODY_FAILED = "Nobody was marked as failed. When it is put right, resume the issue"


def pause(
    session: Session,
    keys: Keys,
    issue_id: int,
    sentence: str,
    now: datetime,
    *,
    then: str = NOBODY_FAILED,
    provider_fails: bool = False,
) -> bool:
    """Stop an issue that is sending and tell staff why; False when it was not sending.

    `then` begins the sentence that names the command to go on with.  Where the provider itself
    fails, staff are told by another road if there is one.
    """
    stopped = session.scalar(
        update(_issue)
        .where(_issue.c.id == issue_id, _issue.c.state == IssueState.SENDING)
        .values(state=IssueState.PAUSED, pause_reason=sentence[:_PAUSE_REASON_LENGTH])
        .returning(_issue.c.id)
    )
    if stopped is not None:
        notices.tell(
            session,
            keys,
            f"issue-paused/{issue_id}/{now.isoformat()}",
            f"Issue {issue_id} has stopped",
            [
                sentence,
                f"{then}: newsletter issue resume {issue_id}. It goes on where it stopped.",
            ],
            now,
            provider_fails=provider_fails,
        )
        failpoint("pause-written")
    return stopped is not None


def pause_the_other_kind(session: Session, keys: Keys, practice: bool, now: datetime) -> None:
    """Stop what was begun as practice when the provider is real by now, and the other way round."""
    begun, ours = ("with a real provider", "practice") if practice else ("as practice", "real")
    for issue_id in _sending(session, practice=not practice):
        sentence = (
            f"Issue {issue_id} was begun {begun}, and the provider in the settings is now "
            f"{ours}: set the provider back, or cancel the issue."
        )
        pause(session, keys, issue_id, sentence, now)


def complete(session: Session, now: datetime) -> list[int]:
    """End every issue in which nothing is pending, claimed or in flight; return their ids.

    One that somebody holds at this moment is left for the next look.
    """
    is_open = exists().where(_batch.c.issue_id == _issue.c.id, _batch.c.due_at.is_not(None))
    done = session.scalars(
        select(_issue.c.id)
        .where(
            _issue.c.state.in_((IssueState.SENDING, IssueState.PAUSED)),
            _issue.c.audience_size.is_not(None),
            ~is_open,
            ~is_held(_issue, now),
        )
        .with_for_update(skip_locked=True)
    ).all()
    if not done:
        return []
    # The lock first, then a fresh look: a late answer may just have opened a batch again.
    ended = session.scalars(
        update(_issue)
        .where(_issue.c.id.in_(done), ~is_open)
        .values(state=IssueState.COMPLETED, ended_at=now, pause_reason=None)
        .returning(_issue.c.id)
    ).all()
    drop_over(session, ended)
    failpoint("complete-written")
    return sorted(ended)


def pause_all(session: Session, keys: Keys, sentence: str, now: datetime) -> None:
    """Stop every issue that is being sent for real: the provider fails them all."""
    for issue_id in _sending(session, practice=False):
        pause(session, keys, issue_id, sentence, now, provider_fails=True)


def _sending(session: Session, *, practice: bool) -> Sequence[int]:
    return session.scalars(
        select(_issue.c.id)
        .where(_issue.c.state == IssueState.SENDING, _issue.c.practice == practice)
        .order_by(_issue.c.id)
    ).all()


def tell_completed(
    session: Session, keys: Keys, issue_id: int, provider: str, now: datetime
) -> None:
    """Leave a short note for staff that an issue is through; `provider` is who took it."""
    issue = session.execute(
        select(_issue.c.practice, MailingList.title)
        .join(MailingList)
        .where(_issue.c.id == issue_id)
    ).one()
    rows = session.execute(
        select(_delivery.c.state, func.count().label("people"))
        .where(_delivery.c.issue_id == issue_id)
        .group_by(_delivery.c.state)
    )
    counts = {row.state: row.people for row in rows}
    subject = f"Issue {issue_id} has gone out" + (", as practice" if issue.practice else "")
    notices.tell(
        session,
        keys,
        f"issue-completed/{issue_id}/{now.isoformat()}",
        subject,
        _completed(issue_id, issue.title, provider, counts, practice=issue.practice),
        now,
    )


def _completed(
    issue_id: int,
    title: str,
    provider: str,
    counts: Mapping[DeliveryState, int],
    *,
    practice: bool,
) -> list[str]:
    done = counts.get(DeliveryState.SUBMITTED)
    through = f"Issue {issue_id} for the list {title} is through: {provider} took "
    told = ["This was practice: nothing left this machine."] if practice else []
    told.append(through + (counted(done, "copy", "copies") if done else "none") + ".")
    rest = [counted(counts[state], *words) for state, words in _REST.items() if counts.get(state)]
    if rest:
        told.append("; ".join(rest) + ".")
    told += [
        f"Who and why: newsletter issue deliveries {issue_id} --state {state.name.lower()}"
        for state in (DeliveryState.UNKNOWN, DeliveryState.FAILED)
        if counts.get(state)
    ]
    return told


_NOT_CERTAIN = "not certain: a person decides, nothing is sent twice by itself"
_REST = {
    DeliveryState.UNKNOWN: (f"is {_NOT_CERTAIN}", f"are {_NOT_CERTAIN}"),
    DeliveryState.FAILED: ("did not get it", "did not get it"),
    DeliveryState.EXCLUDED: ("is left out on purpose", "are left out on purpose"),
}


def is_under_way(session: Session, issue_id: int, now: datetime) -> bool:
    """Return whether something of an issue is due now, or in somebody's hands."""
    due = exists().where(
        _issue.c.id == issue_id,
        _issue.c.state == IssueState.SENDING,
        _batch.c.issue_id == _issue.c.id,
        _batch.c.due_at <= now,
    )
    return session.scalars(select(due)).one()


def count_settled(session: Session, issue_id: int) -> tuple[int, int]:
    """Return how many of an issue's audience are settled, and how many there are."""
    settled = func.count().filter(_delivery.c.state.in_(SETTLED))
    row = session.execute(
        select(settled, func.count()).where(_delivery.c.issue_id == issue_id)
    ).one()
    return row[0], row[1]


def paused_issues(session: Session) -> Sequence[int]:
    """Return the issues that stopped while they were being sent, oldest first."""
    return session.scalars(
        select(_issue.c.id)
        .where(_issue.c.state == IssueState.PAUSED, _issue.c.audience_size.is_not(None))
        .order_by(_issue.c.id)
    ).all()


def count_left(session: Session) -> int:
    """Return how many deliveries of issues under way are pending or in flight."""
    return session.scalars(
        select(func.count()).where(
            _delivery.c.issue_id == _issue.c.id,
            _issue.c.state.in_((IssueState.SENDING, IssueState.PAUSED)),
            _delivery.c.state.in_((DeliveryState.PENDING, DeliveryState.IN_FLIGHT)),
        )
    ).one()


_issue = table_of(Issue)
_batch = table_of(Batch)
_delivery = table_of(Delivery)
