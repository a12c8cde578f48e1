"""Send the rest: one more go for those whom an issue did not reach."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select, update
from sqlalchemy.orm import Session

from newsletter.dispatch.failpoint import failpoint
from newsletter.dispatch.freeze import count_joined, edition_for, freeze_joined
from newsletter.dispatch.received import same_bulletin, why_left_out
from newsletter.dispatch.reopen import begun_issue, reopen
from newsletter.issue import Actor, record
from newsletter.providers.base import Provider
from newsletter.tables import Delivery, DeliveryNote, DeliveryState, Issue, Reason
from subscribers.database import table_of
from subscribers.privacy import Keys
from subscribers.tables import Subscriber


@dataclass(frozen=True)
class Rest:
    """Whom a further go takes, and whom it does not."""

    failed: int
    cancelled: int
    left_out: int  # failed or cancelled, and now there is a reason to leave them out
    left_alone: int  # staff left them alone, or an answer that came late says they have it
    unknown: int  # nobody can tell: settled apart
    joined: int  # subscribed since, and so not in the audience

    @property
    def taken(self) -> int:
        """Everyone who is written to again."""
        return self.failed + self.cancelled


def the_rest(session: Session, issue_id: int) -> Rest:
    """Return whom `send_rest` would take, and change nothing.

    Raises:
        NotFound: there is no such issue.
        NotAllowed: it has not begun.
    """
    issue = begun_issue(session, issue_id)
    missed = _missed(session, issue)
    row = session.execute(
        select(
            *(
                func.count().filter(chosen)
                for chosen in (
                    and_(missed.taken, _delivery.c.state == DeliveryState.FAILED),
                    and_(missed.taken, _delivery.c.state == DeliveryState.EXCLUDED),
                    missed.left_out,
                    missed.left_alone,
                    _delivery.c.state == DeliveryState.UNKNOWN,
                )
            )
        ).where(_delivery.c.issue_id == issue_id)
    ).one()
    joined = count_joined(session, issue_id, issue.list_id)
    return Rest(row[0], row[1], row[2], row[3], row[4], joined)


def send_rest(session: Session, keys: Keys, issue_id: int, by: Actor, now: datetime) -> Rest:
    """Make failed and cancelled deliveries pending again, with a fresh set of tries.

    An issue that was over is being sent again; a paused one stays paused.  The same again
    takes nobody.

    Raises:
        NotFound: there is no such issue.
        NotAllowed: it has not begun.
        ApprovalVoid: it is not what was approved.
    """
    found = the_rest(session, issue_id)
    issue = begun_issue(session, issue_id)
    missed = _missed(session, issue)
    taken = session.execute(
        update(_delivery)
        .where(_delivery.c.issue_id == issue_id, missed.taken)
        .values(state=DeliveryState.PENDING, reason=None, due_at=None, attempt_id=None, tries=0)
        .returning(_delivery.c.id)
    ).all()
    if taken:
        reopen(session, keys, issue, now)
        record(session, keys, by, "issue rest sent", now, issue_id=issue_id, list_id=issue.list_id)
    failpoint("rest-written")
    return found


def send_to_joined(
    session: Session, keys: Keys, issue_id: int, provider: Provider, by: Actor, now: datetime
) -> int:
    """Take those who subscribed since into the audience, and send to them; return how many.

    Raises:
        NotFound: there is no such issue.
        NotAllowed: it has not begun, or somebody subscribes at this very moment.
        ApprovalVoid: it is not what was approved.
    """
    issue = begun_issue(session, issue_id)
    joined = freeze_joined(
        session,
        issue_id,
        issue.list_id,
        issue.practice,
        provider.batch_limit,
        provider.connections,
        now,
    )
    if joined:
        reopen(session, keys, issue, now)
        act = "issue sent to those who joined since"
        record(session, keys, by, act, now, issue_id=issue_id, list_id=issue.list_id)
    return joined


_delivery = table_of(Delivery)
_note = table_of(DeliveryNote)
_subscriber = table_of(Subscriber)


@dataclass(frozen=True)
class _Missed:
    """SQL for the deliveries that did not reach anybody."""

    taken: ColumnElement[bool]
    left_out: ColumnElement[bool]
    left_alone: ColumnElement[bool]


def _missed(session: Session, issue: Issue) -> _Missed:
    bulletins = () if issue.practice else same_bulletin(session, issue.id)
    why = why_left_out(
        _delivery.c.subscriber_id,
        literal(issue.list_id),
        literal(issue.id),
        bulletins,
        discreet=True,
    )
    failed = _delivery.c.state == DeliveryState.FAILED
    cancelled = and_(
        _delivery.c.state == DeliveryState.EXCLUDED, _delivery.c.reason == Reason.CANCELLED
    )
    # A note without a reason is an acceptance that came too late to count: they have it.
    has_it = exists(
        select(_note.c.id).where(_note.c.delivery_id == _delivery.c.id, _note.c.reason.is_(None))
    )
    alone = and_(failed, or_(_delivery.c.reason == Reason.LEFT_ALONE, has_it))
    missed = and_(or_(failed, cancelled), ~alone)
    # Who turned to the discreet mail since and has no such copy here would be left out later.
    has_edition = exists(
        select(_subscriber.c.id).where(
            _subscriber.c.id == _delivery.c.subscriber_id,
            edition_for(session, issue.id, issue.list_id).is_not(None),
        )
    )
    return _Missed(
        taken=and_(missed, why.is_(None), has_edition),
        left_out=and_(missed, or_(why.is_not(None), ~has_edition)),
        left_alone=alone,
    )
