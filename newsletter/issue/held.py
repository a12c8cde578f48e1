"""Copies that a provider got before their time: what people decide about them, and are told."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from newsletter.errors import NotAllowed
from newsletter.issue.desk import local_time
from newsletter.tables import Delivery, DeliveryState, HandOver, Issue, IssueState, Stop

STOP_BEFORE = timedelta(minutes=10)  # a later stop is not certain to hold


def want_stop(session: Session, issue_id: int, now: datetime) -> None:
    """Ask that what a provider holds of an issue does not go out, if it can still be stopped."""
    session.execute(
        update(HandOver)
        .where(
            HandOver.issue_id == issue_id,
            HandOver.stop.in_((Stop.NONE, Stop.REFUSED)),
            HandOver.send_at > now + STOP_BEFORE,
            HandOver.provider != "",
        )
        .values(stop=Stop.WANTED)
        .execution_options(synchronize_session=False)
    )


def refuse_while_stopping(session: Session, issue_id: int) -> None:
    """Do nothing unless a provider is just being asked to stop what it holds of an issue.

    Raises:
        NotAllowed: it is, and nothing may be handed over before it has answered.
    """
    stop = session.scalar(select(HandOver.stop).where(HandOver.issue_id == issue_id))
    if stop in (Stop.WANTED, Stop.ASKED):
        raise NotAllowed(
            f"The provider is still being asked to stop what it holds of issue {issue_id}: "
            "try again in a moment."
        )


def refuse_while_held(session: Session, issue_id: int, now: datetime) -> None:
    """Do nothing unless a provider holds copies of an issue whose time is still to come.

    Raises:
        NotAllowed: it does; one more copy would come before the first.
    """
    row = session.get(HandOver, issue_id)
    if row is not None and row.stop is not Stop.CONFIRMED and row.send_at > now:
        raise NotAllowed(
            f"Issue {issue_id} was handed over before its time and has not gone out yet: wait "
            "for it."
        )


def held_sentence(session: Session, issue: Issue, zone: ZoneInfo) -> str | None:
    """Return where copies stand that a provider got before their time, None if it holds none."""
    row = session.get(HandOver, issue.id)
    begun = (IssueState.SENDING, IssueState.PAUSED, IssueState.CANCELLED)
    if row is None or issue.state not in begun:
        return None
    count = session.scalar(
        select(func.count()).where(
            Delivery.issue_id == issue.id, Delivery.state == DeliveryState.SUBMITTED
        )
    )
    when = local_time(row.send_at, zone)
    if row.stop is Stop.CONFIRMED:
        return "What was handed over before its time was stopped: the provider confirmed it."
    if row.stop in (Stop.WANTED, Stop.ASKED):
        return (
            f"{count:,} copies were handed over, to go out at {when}: the provider is being asked "
            "to stop them, and has not confirmed it yet."
        )
    if issue.state is IssueState.SENDING:
        return f"{count:,} copies are handed over, to go out at {when}."
    return f"{count:,} copies were handed over and are not stopped: their time is {when}."
