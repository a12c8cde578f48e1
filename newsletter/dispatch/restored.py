"""A copy of the database takes the original's place: people say what went out since."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from newsletter.dispatch.course import complete
from newsletter.dispatch.failpoint import failpoint
from newsletter.dispatch.freeze import freeze
from newsletter.dispatch.handover import leave_to_their_time
from newsletter.errors import NotAllowed
from newsletter.issue import Actor, record
from newsletter.original import take_the_place
from newsletter.providers.base import Provider
from newsletter.tables import (
    AuditEntry,
    Batch,
    Delivery,
    DeliveryState,
    Issue,
    IssueState,
    Reason,
)
from subscribers.database import table_of
from subscribers.privacy import Keys

_UNDER_WAY = (IssueState.SENDING, IssueState.PAUSED)


@dataclass(frozen=True)
class OpenIssue:
    """An issue that may have gone out, further or at all, after the copy was made."""

    id: int
    state: IssueState
    due_at: datetime | None
    open: int | None  # people without an answer; None before the audience was fixed


def open_issues(session: Session) -> Sequence[OpenIssue]:
    """Return the issues about which somebody must say whether they went out.

    Practice under way is not among them: doing it again leaves one copy in the mailbox.
    """
    waiting = (
        select(func.count())
        .where(
            Delivery.issue_id == Issue.id,
            Delivery.state.in_((DeliveryState.PENDING, DeliveryState.IN_FLIGHT)),
        )
        .scalar_subquery()
    )
    rows = session.execute(
        select(Issue.id, Issue.state, Issue.due_at, Issue.audience_size, waiting.label("open"))
        .where(
            or_(
                Issue.state == IssueState.SCHEDULED,
                and_(Issue.state.in_(_UNDER_WAY), waiting > 0),
            ),
            ~Issue.practice,
        )
        .order_by(Issue.due_at, Issue.id)
    )
    return [
        OpenIssue(row.id, row.state, row.due_at, row.open if row.audience_size else None)
        for row in rows
    ]


def unsent_issues(session: Session) -> Sequence[int]:
    """Return the drafts and those that wait for approval: they may have gone out as well."""
    states = (IssueState.DRAFT, IssueState.AWAITING_APPROVAL)
    return session.scalars(select(Issue.id).where(Issue.state.in_(states)).order_by(Issue.id)).all()


def last_known(session: Session) -> datetime | None:
    """Return when somebody last did something that this database knows of."""
    return session.scalar(select(func.max(AuditEntry.at)))


def take_over(
    session: Session,
    keys: Keys,
    provider: Provider,
    went_out: Collection[int],
    did_not: Collection[int],
    by: Actor,
    now: datetime,
) -> int:
    """Let a copy dispatch, with every open issue named; return how many became unknown.

    What went out, or may have, makes everyone without an answer *unknown*: nobody can tell how
    far it went, so nothing is sent until a person settles them.  What did not go out goes on
    where the copy stopped.

    Raises:
        NotAllowed: an open issue is not named, or one that is named is not open or named twice.
    """
    _check_answers(session, went_out, did_not)
    doubtful = sum(_doubt(session, keys, provider, number, by, now) for number in sorted(went_out))
    for number in sorted(did_not):
        record(session, keys, by, "copy: did not go out", now, issue_id=number)
    leave_to_their_time(session, now)
    complete(session, now)
    take_the_place(session)
    record(session, keys, by, "copy took the place of the original", now)
    failpoint("taken-over-written")
    return doubtful


def _check_answers(session: Session, went_out: Collection[int], did_not: Collection[int]) -> None:
    asked = {issue.id for issue in open_issues(session)}
    named = [*went_out, *did_not]
    if strange := sorted({number for number in named if number not in asked}):
        raise NotAllowed(
            f"{_listed(strange)} cannot have gone out after the copy was made: newsletter "
            "restored names those that can."
        )
    if twice := sorted({number for number in named if named.count(number) > 1}):
        raise NotAllowed(f"{_listed(twice)}: say one thing only.")
    if missing := sorted(asked - set(named)):
        raise NotAllowed(
            f"Nothing is changed: say of {_listed(missing).lower()} too whether it went out."
        )


def _listed(numbers: Sequence[int]) -> str:
    return f"{'Issue' if len(numbers) == 1 else 'Issues'} {', '.join(map(str, numbers))}"


def _doubt(
    session: Session, keys: Keys, provider: Provider, issue_id: int, by: Actor, now: datetime
) -> int:
    if session.scalar(select(Issue.audience_size).where(Issue.id == issue_id)) is None:
        # The audience as this copy knows it: who joined or left since is not in it.
        _let_begin(session, issue_id, now)
        freeze(session, keys, issue_id, False, provider.batch_limit, provider.connections, now)
    doubtful = session.execute(
        update(_delivery)
        .where(
            _delivery.c.issue_id == issue_id,
            _delivery.c.state.in_((DeliveryState.PENDING, DeliveryState.IN_FLIGHT)),
        )
        .values(state=DeliveryState.UNKNOWN, reason=Reason.PUT_BACK, due_at=None)
        .returning(_delivery.c.id)
    ).all()
    session.execute(
        update(_batch)
        .where(_batch.c.issue_id == issue_id)
        .values(due_at=None, lease_until=None, worker_id=None)
    )
    record(session, keys, by, "copy: may have gone out", now, issue_id=issue_id)
    return len(doubtful)


def _let_begin(session: Session, issue_id: int, now: datetime) -> None:
    """Take away what the freeze would wait for: staff may have moved the issue since."""
    session.execute(
        update(_issue).where(_issue.c.id == issue_id, _issue.c.due_at > now).values(due_at=now)
    )
    session.execute(update(_issue).where(_issue.c.id == issue_id).values(not_before=None))


_issue = table_of(Issue)
_delivery = table_of(Delivery)
_batch = table_of(Batch)
