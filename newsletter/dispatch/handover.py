"""Issues that the provider gets before their time and holds until then: a setting, off at first.

```text
prepare      a batch id of the provider is stored, then the issue may begin early
claim        hands the copies over with the issue's time and that batch id
look_after   what people stopped is stopped at the provider, in one call
```
A stop is WANTED in the transaction that pauses or cancels the issue, so that no intent comes
after it; ASKED is durable before the call; only what the provider says makes it CONFIRMED or
REFUSED.  Confirmed, the copies that it held are excluded as cancelled, or pending again where
the issue is paused: they go out in the ordinary way, never before their time, and without the
batch id, which swallows whatever is handed over under it from then on.
"""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Engine,
    FromClause,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from newsletter import notices
from newsletter.config import Settings
from newsletter.dispatch.failpoint import failpoint
from newsletter.issue import local_time, lock_issue
from newsletter.issue.held import STOP_BEFORE
from newsletter.providers.base import Holding, boot_clock
from newsletter.providers.reported import NoAnswer
from newsletter.tables import (
    Attempt,
    Batch,
    Delivery,
    DeliveryState,
    HandOver,
    Issue,
    IssueState,
    Reason,
    Stop,
)
from subscribers.database import reading, table_of, writing
from subscribers.privacy import Keys
from subscribers.statement import place

LEAST_AHEAD = timedelta(minutes=20)  # later than this, an issue goes out in the ordinary way
MOST_HELD = 8  # issues that may need a cancellation; SendGrid keeps ten
START_WITHIN = 5.0  # seconds, from the look at the clock to the first byte of a stop
ASKING = timedelta(seconds=30)  # longer than a call takes: nobody else asks meanwhile
SILENCE = timedelta(minutes=1)  # after the last call: what is not stopped by then never will be
FORGET_AFTER = timedelta(hours=1)  # after the time of the copies; earlier, they would go out

_log = logging.getLogger(__name__)


# --- before its time ------------------------------------------------------------------------


def prepare(engine: Engine, holding: Holding, now: datetime) -> None:
    """Get a batch id for each issue whose hand-over is due, and store it: it may begin then.

    Where there is none to be had, the issue goes out in the ordinary way at its time.
    """
    if not holding.ahead:
        return
    with reading(engine) as session:
        wanted = session.execute(_to_prepare(now, holding.ahead)).all()
    for issue_id, send_at in wanted:
        try:
            batch_id = holding.new_batch()
        except NoAnswer as silence:
            _log.warning("no early hand-over issue=%d: %s", issue_id, silence)
            return
        failpoint("batch-named")
        with writing(engine) as session:
            _store(session, issue_id, holding.name, batch_id, send_at, now)
        failpoint("batch-stored")


def _to_prepare(now: datetime, ahead: timedelta) -> Any:
    return (
        select(_issue.c.id, _issue.c.due_at)
        .where(
            _issue.c.state == IssueState.SCHEDULED,
            ~_issue.c.practice,
            _issue.c.due_at > now + LEAST_AHEAD,
            _issue.c.due_at <= now + ahead,
            or_(_issue.c.not_before.is_(None), _issue.c.not_before <= now),
            ~exists().where(_held.c.issue_id == _issue.c.id, _held.c.send_at == _issue.c.due_at),
        )
        .order_by(_issue.c.due_at, _issue.c.id)
    )


def _store(
    session: Session, issue_id: int, provider: str, batch_id: str, send_at: datetime, now: datetime
) -> None:
    """Store a batch id, in place of one for another time; only what has not begun gets one."""
    issue = lock_issue(session, issue_id)
    # Each of them may need a cancellation, and must then find room for it.
    others = session.scalar(
        select(func.count()).where(
            _held.c.issue_id != issue_id,
            or_(
                _held.c.takes_slot,
                and_(_held.c.send_at > now, _held.c.stop != Stop.CONFIRMED),
            ),
        )
    )
    row = session.get(HandOver, issue_id)
    current = issue.state is IssueState.SCHEDULED and issue.due_at == send_at
    if not current or (others or 0) >= MOST_HELD or (row and row.send_at == send_at):
        return
    if row is None:
        row = HandOver(issue_id=issue_id, takes_slot=False)
        session.add(row)
    row.provider, row.batch_id, row.send_at, row.stop = provider, batch_id, send_at, Stop.NONE


def drop_unused(session: Session, issue_id: int, now: datetime) -> None:
    """Forget the batch id of an issue that begins in the ordinary way after all."""
    issue = _issue.c.id == _held.c.issue_id
    early = exists().where(issue, _issue.c.due_at == _held.c.send_at, ~_issue.c.practice)
    session.execute(
        delete(_held).where(
            _held.c.issue_id == issue_id, or_(_held.c.send_at <= now + LEAST_AHEAD, ~early)
        )
    )


def begins_early(issue: FromClause, now: datetime) -> ColumnElement[bool]:
    """Return SQL for: this scheduled issue may be handed over now, before its time."""
    return and_(
        issue.c.due_at > now + LEAST_AHEAD,
        exists().where(_held.c.issue_id == issue.c.id, _held.c.send_at == issue.c.due_at),
    )


def due_early(session: Session, now: datetime) -> list[int]:
    """Return the issues to hand over now, before their time."""
    return list(
        session.scalars(
            select(_issue.c.id)
            .where(
                _issue.c.state == IssueState.SCHEDULED,
                begins_early(_issue, now),
                or_(_issue.c.not_before.is_(None), _issue.c.not_before <= now),
            )
            .order_by(_issue.c.due_at, _issue.c.id)
        )
    )


def tell_begun(
    session: Session, keys: Keys, settings: Settings, issue_id: int, now: datetime
) -> None:
    """Tell staff that an issue is handed over before its time, if it is, and how to stop it."""
    row = session.get(HandOver, issue_id)
    if row is None:
        return
    when = local_time(row.send_at, settings.zone)
    until = local_time(row.send_at - STOP_BEFORE, settings.zone)
    notices.tell(
        session,
        keys,
        f"handed-over/{issue_id}",
        f"Issue {issue_id} is being handed over",
        [
            f"Issue {issue_id} is handed over now, to go out at {when}.",
            f"Until {until} it can be stopped wholly: newsletter issue cancel {issue_id}",
        ],
        now,
    )


# --- what the statements of a turn ask --------------------------------------------------------


def waits_for_its_time(batch: FromClause) -> ColumnElement[bool]:
    """Return SQL for: nothing of this issue may be handed over before its time any more.

    It began early, and its batch id swallows what comes, or is another provider's.
    """
    return exists().where(
        _held.c.issue_id == batch.c.issue_id,
        _held.c.send_at > place("now"),
        or_(_held.c.stop == Stop.CONFIRMED, _held.c.provider != place("provider")),
    )


def is_held(issue: FromClause, now: datetime) -> ColumnElement[bool]:
    """Return SQL for: the time of what a provider holds of this issue has not come."""
    return exists().where(
        _held.c.issue_id == issue.c.id,
        or_(_held.c.send_at > now, _held.c.stop.in_((Stop.WANTED, Stop.ASKED))),
    )


def drop_over(session: Session, issues: Collection[int]) -> None:
    """Forget the batch ids of issues that are completed, but for stops that take up a slot."""
    session.execute(delete(_held).where(_held.c.issue_id.in_(issues), ~_held.c.takes_slot))


def leave_to_their_time(session: Session, now: datetime) -> None:
    """Hand nothing more over under batch ids that this database, a copy, is not sure of.

    The original may have stopped them since.
    """
    session.execute(update(_held).where(_held.c.send_at > now).values(provider=""))


# --- stops ------------------------------------------------------------------------------------


def look_after(
    engine: Engine,
    keys: Keys,
    settings: Settings,
    holding: Holding,
    clock: Callable[[], datetime],
) -> None:
    """Carry out the stops that people want, and let the provider forget those long over."""
    with reading(engine) as session:
        ours = _held.c.provider == holding.name
        stops = session.scalars(
            select(_held.c.issue_id).where(ours, _held.c.stop.in_((Stop.WANTED, Stop.ASKED)))
        ).all()
        old = session.execute(
            select(_held.c.issue_id, _held.c.batch_id).where(
                ours,
                _held.c.takes_slot,
                _held.c.stop.in_((Stop.CONFIRMED, Stop.REFUSED)),
                _held.c.send_at < clock() - FORGET_AFTER,
            )
        ).all()
    for issue_id in stops:
        stop_held(engine, keys, settings, holding, issue_id, clock)
    for issue_id, batch_id in old:
        if holding.forget(batch_id):
            with writing(engine) as session:
                session.execute(
                    update(_held).where(_held.c.issue_id == issue_id).values(takes_slot=False)
                )


def stop_held(
    engine: Engine,
    keys: Keys,
    settings: Settings,
    holding: Holding,
    issue_id: int,
    clock: Callable[[], datetime],
) -> None:
    """Stop what the provider holds of one issue, where a person wants it; harmless otherwise.

    Waits for nothing: where copies are on the way at this moment, or the provider does not
    answer, it is for the next look.
    """
    # Whoever stands still after the look at the clock must not stop anything later.
    start_by, now = boot_clock() + START_WITHIN, clock()
    with writing(engine) as session:
        question = _ask(session, keys, settings, holding, issue_id, now)
    if question is None:
        return
    failpoint("stop-asked")
    stopped = (
        holding.stop(question.batch_id, start_by)
        if question.may_stop
        else holding.is_stopped(question.batch_id)
    )
    failpoint("stop-answered")
    if stopped is None or (not stopped and question.in_doubt):
        return
    with writing(engine) as session:
        _record(session, keys, settings, issue_id, stopped, clock())
        failpoint("stop-written")


@dataclass(frozen=True)
class _Question:
    """What a provider may be asked now."""

    batch_id: str
    may_stop: bool  # else it is only looked up
    in_doubt: bool  # it was asked before, so that its no proves nothing yet


def _ask(
    session: Session,
    keys: Keys,
    settings: Settings,
    holding: Holding,
    issue_id: int,
    now: datetime,
) -> _Question | None:
    """Return what the provider may be asked now, and note durably that it may have been."""
    lock_issue(session, issue_id)
    row = session.get(HandOver, issue_id, populate_existing=True)
    if row is None or row.provider != holding.name or row.stop not in (Stop.WANTED, Stop.ASKED):
        return None
    last = row.send_at - STOP_BEFORE - ASKING  # for a call whose answer comes in time
    if row.stop is Stop.WANTED:
        if now > last:
            _record(session, keys, settings, issue_id, False, now)
            return None
        if _in_flight(session, issue_id):
            return None  # a stop need not hold for what comes after it
    elif row.asked_at is not None and now < row.asked_at + ASKING:
        return None  # somebody is asking
    elif last < now < last + SILENCE + ASKING:
        return None  # a stop may still be on its way: its absence would prove nothing
    in_doubt, may_stop = row.stop is Stop.ASKED, now <= last
    row.stop, row.asked_at, row.takes_slot = Stop.ASKED, now, True
    return _Question(row.batch_id, may_stop, in_doubt and may_stop)


def _in_flight(session: Session, issue_id: int) -> bool:
    found = select(_delivery.c.id).where(
        _delivery.c.issue_id == issue_id, _delivery.c.state == DeliveryState.IN_FLIGHT
    )
    return session.scalar(found.limit(1)) is not None


def _record(
    session: Session,
    keys: Keys,
    settings: Settings,
    issue_id: int,
    stopped: bool,
    now: datetime,
) -> None:
    issue = lock_issue(session, issue_id)
    row = session.get(HandOver, issue_id, populate_existing=True)
    if row is None or row.stop not in (Stop.WANTED, Stop.ASKED):
        return  # another process was first
    row.stop = Stop.CONFIRMED if stopped else Stop.REFUSED
    row.takes_slot = stopped
    session.flush()
    count = _take_back(session, issue, row.send_at, now) if stopped else 0
    when = local_time(row.send_at, settings.zone)
    if stopped:
        subject = f"Issue {issue_id} was stopped before its time"
        words = f"The provider confirmed it: {count:,} copies that it held do not go out."
    else:
        subject = f"Issue {issue_id} was not stopped wholly"
        words = (
            "The provider did not stop the copies that it holds, or it was too late to ask: "
            f"they go out at {when}. Nobody else gets it"
            + (" until it is resumed." if issue.state is IssueState.PAUSED else ".")
        )
    key = f"hand-over-stop/{issue_id}/{now.isoformat()}"
    notices.tell(session, keys, key, subject, [words], now)


def _take_back(session: Session, issue: Issue, send_at: datetime, now: datetime) -> int:
    """Settle those whose copies were accepted, and certainly go no further; return how many.

    Whoever is not certain stays so, and so does anybody of whom an outcome was reported.
    """
    accepted = select(_attempt.c.id).where(
        _attempt.c.issue_id == issue.id,
        _attempt.c.fence != 0,  # else it was one more copy, which nobody held
        _attempt.c.started_at < send_at,
    )
    fate = (
        {"state": DeliveryState.PENDING, "reason": None}
        if issue.state is IssueState.PAUSED
        else {"state": DeliveryState.EXCLUDED, "reason": Reason.CANCELLED}
    )
    taken_back = session.execute(
        update(_delivery)
        .where(
            _delivery.c.issue_id == issue.id,
            _delivery.c.state == DeliveryState.SUBMITTED,
            _delivery.c.reason.is_(None),  # else a person said so
            _delivery.c.outcome.is_(None),
            _delivery.c.attempt_id.in_(accepted),
        )
        .values(due_at=None, tries=0, **fate)
        .returning(_delivery.c.id)
    ).all()
    # Who holds a batch would hand over under the batch id: the new fence takes it away.
    session.execute(
        update(_batch)
        .where(_batch.c.issue_id == issue.id)
        .values(fence=_batch.c.fence + 1, lease_until=None, worker_id=None)
    )
    if issue.state is IssueState.PAUSED:
        session.execute(
            update(_batch)
            .where(_batch.c.issue_id == issue.id, _batch.c.due_at.is_(None), _has_pending())
            .values(due_at=now)
        )
    return len(taken_back)


def _has_pending() -> ColumnElement[bool]:
    return exists().where(
        _delivery.c.id.between(_batch.c.first_id, _batch.c.last_id),
        _delivery.c.issue_id + 0 == _batch.c.issue_id,  # keeps SQLite on the range of ids
        _delivery.c.state == DeliveryState.PENDING,
    )


_issue = table_of(Issue)
_batch = table_of(Batch)
_delivery = table_of(Delivery)
_attempt = table_of(Attempt)
_held = table_of(HandOver)
