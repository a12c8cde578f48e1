"""Unknowns that no event settled: the provider's log is asked, and only what it knows counts.

A message that the log holds becomes an event like any other, and settles its delivery when
it is applied.  Silence is recorded and shown, and never acted on.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, func, or_, select
from sqlalchemy.orm import Session

from newsletter import notices
from newsletter.events.lists import put_look
from newsletter.events.store import keep
from newsletter.providers.reported import Logged, NoAnswer, Records, Reported
from newsletter.tables import (
    Attempt,
    Batch,
    Delivery,
    DeliveryState,
    Issue,
    LogSearch,
    ProviderLook,
    Reason,
)
from subscribers.database import insert_new, reading, table_of, writing
from subscribers.privacy import Keys, Purpose
from subscribers.tables import Subscriber

FIRST_SEARCH = timedelta(minutes=10)  # after the attempt: the log lags behind
WAITS = (timedelta(minutes=50), timedelta(hours=23))  # until the next search, and the last one
KEPT = timedelta(days=30)  # by the provider
SLACK = timedelta(minutes=2)  # clocks differ
AT_ONCE = 100  # people in one pass, each of whom may take a call of their own
ASK_AGAIN = timedelta(minutes=5)
WITHOUT_RIGHT = timedelta(days=1)

_SUBJECT = "log"
_delivery = table_of(Delivery)
_batch = table_of(Batch)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Open:
    """An unknown delivery whose time to be searched for has come."""

    delivery_id: int
    attempt_id: int  # 0 for none that we know
    issue_id: int
    searches: int
    after: datetime  # when it may have been taken
    before: datetime
    address: str = field(repr=False)
    index: bytes = field(repr=False)
    put_back: bool = False  # the attempt was made after this copy of the database


def reconcile(engine: Engine, keys: Keys, records: Records, now: datetime) -> int:
    """Search the provider's log for unknown deliveries; return how many were found.

    Each is searched for 10 minutes, an hour and a day after its attempt, AT_ONCE people in
    one pass.  What was found waits to be applied.  Of those who became unknown because the
    database was put back, nobody knows the attempt: only a record that names their delivery
    counts.

    Raises:
        DatabaseUnavailable: the database could not be read or written.
    """
    with writing(engine) as session:
        _forget_settled(session)
    with reading(engine) as session:
        look = session.get(ProviderLook, (records.name, _SUBJECT))
        if look and look.next_at and look.next_at > now:
            return 0
        unknown = _unknown(session, keys, now)
    found = 0
    kinds = dict.fromkeys((each.issue_id, each.put_back) for each in unknown)
    for kind in kinds:
        of_issue = [each for each in unknown if (each.issue_id, each.put_back) == kind]
        try:
            found += _search(engine, keys, records, of_issue, now)
        except NoAnswer as silence:
            if silence.stopped:
                break
            with writing(engine) as session:
                _note_refusal(session, keys, records, silence, now)
            break
    return found


def _forget_settled(session: Session) -> None:
    """Remove searches for deliveries that are unknown no more."""
    unknown = select(_delivery.c.id).where(
        _delivery.c.id == LogSearch.delivery_id, _delivery.c.state == DeliveryState.UNKNOWN
    )
    session.execute(
        delete(LogSearch).where(~unknown.exists()).execution_options(synchronize_session=False)
    )


# --- which ones -----------------------------------------------------------------------


def _unknown(session: Session, keys: Keys, now: datetime) -> list[_Open]:
    issues = session.scalars(
        select(Issue.id)
        .where(Issue.started_at > now - KEPT, ~Issue.practice)
        .order_by(Issue.started_at, Issue.id)
    ).all()
    found: list[_Open] = []
    for issue_id in issues:
        found += _unknown_of(session, keys, issue_id, AT_ONCE - len(found), now)
        if len(found) >= AT_ONCE:
            break
    return found


def _unknown_of(
    session: Session, keys: Keys, issue_id: int, most: int, now: datetime
) -> Iterable[_Open]:
    first, last = session.execute(
        select(func.min(_batch.c.first_id), func.max(_batch.c.last_id)).where(
            _batch.c.issue_id == issue_id
        )
    ).one()
    rows = session.execute(
        select(
            _delivery.c.id,
            func.coalesce(_delivery.c.attempt_id, 0).label("attempt_id"),
            (_delivery.c.reason == Reason.PUT_BACK).label("put_back"),
            Attempt.started_at,
            Attempt.answer_by,
            Subscriber.address,
            Subscriber.address_index,
            LogSearch.attempt_id.label("searched_attempt"),
            LogSearch.searches,
        )
        .outerjoin(Attempt, Attempt.id == _delivery.c.attempt_id)
        .join(Subscriber, Subscriber.id == _delivery.c.subscriber_id)
        .outerjoin(LogSearch, LogSearch.delivery_id == _delivery.c.id)
        .where(
            _delivery.c.id.between(first or 0, last or 0),
            _delivery.c.issue_id + 0 == issue_id,  # keeps SQLite on the range of ids
            _delivery.c.state == DeliveryState.UNKNOWN,
            or_(
                _delivery.c.reason == Reason.PUT_BACK,
                Attempt.started_at.between(now - KEPT, now - FIRST_SEARCH),
            ),
            or_(
                LogSearch.delivery_id.is_(None),
                LogSearch.attempt_id != func.coalesce(_delivery.c.attempt_id, 0),
                LogSearch.next_at <= now,
            ),
        )
        .order_by(_delivery.c.id)
        .limit(most)
    )
    for row in rows:
        yield _Open(
            row.id,
            row.attempt_id,
            issue_id,
            row.searches if row.searched_attempt == row.attempt_id else 0,
            now - KEPT if row.put_back else row.started_at - SLACK,
            now if row.put_back else row.answer_by + FIRST_SEARCH,
            keys.decrypt(row.address, "subscriber.address", row.address_index),
            row.address_index,
            bool(row.put_back),
        )


# --- asking ---------------------------------------------------------------------------


def _search(
    engine: Engine, keys: Keys, records: Records, unknown: Sequence[_Open], now: datetime
) -> int:
    """Search for the unknowns of one issue: all together first, then each who is left."""
    issue_id = unknown[0].issue_id
    after, before = min(each.after for each in unknown), max(each.before for each in unknown)
    messages = records.logged(after, before, issue_id=issue_id) or ()
    # Silence means something only where the log knows this issue, and what came later.
    telling = bool(messages) and before < now and records.log_reaches(before)
    found = _take(engine, keys, records, unknown, messages, now)
    for each in unknown:
        if each.delivery_id in found:
            continue
        own: Sequence[Logged] | None = ()
        if len(messages) >= records.log_limit:  # some were left out
            own = records.logged(each.after, each.before, issue_id=issue_id, address=each.address)
        if taken := _take(engine, keys, records, [each], own or (), now):
            found |= taken
            continue
        with writing(engine) as session:
            _note_silence(session, each, telling and own is not None, now)
    _log.info("unknowns searched issue=%d of=%d found=%d", issue_id, len(unknown), len(found))
    return len(found)


def _take(
    engine: Engine,
    keys: Keys,
    records: Records,
    unknown: Sequence[_Open],
    messages: Iterable[Logged],
    now: datetime,
) -> set[int]:
    """Keep what the log proves as events; return the deliveries that it knows."""
    by_index = {each.index: each for each in unknown}
    proven: dict[int, int | None] = {}  # attempt -> itself, if the log's own record names it
    events: dict[int, Reported] = {}
    for message in messages:
        each = by_index.get(keys.address_index(message.address))
        if each is None or not each.after <= message.created_at <= each.before:
            continue
        if each.put_back or each.attempt_id not in proven:
            proven[each.attempt_id] = _attempt_in(keys, records, message, each)
        if attempt_id := proven[each.attempt_id]:
            events[each.delivery_id] = _event(keys, message, each, attempt_id)
    if events:
        with writing(engine) as session:
            keep(session, keys, records.name, events.values(), now)
    return set(events)


def _attempt_in(keys: Keys, records: Records, message: Logged, each: _Open) -> int | None:
    """Return the attempt that a message is a copy of; None if it is of another site's issue.

    The list of messages does not tell what a copy carried; the record of one does.  Asked
    once for an attempt: its category and its time are then known to be ours.
    """
    carried = records.attempt_of(message.message_id)
    token = keys.token(Purpose.DELIVERY, each.delivery_id)
    if each.put_back:
        is_newer = carried is not None and carried[0] == token and carried[1] > each.attempt_id
        return carried[1] if carried and is_newer else None
    return each.attempt_id if carried in (None, (token, each.attempt_id)) else None


def _event(keys: Keys, message: Logged, each: _Open, attempt_id: int) -> Reported:
    return Reported(
        event_id=f"log:{message.message_id}"[:120],
        kind=message.kind,
        happened_at=message.created_at,
        token=keys.token(Purpose.DELIVERY, each.delivery_id),
        attempt_id=attempt_id,
        address=message.address,
        raw=message.raw,
    )


def _note_silence(session: Session, each: _Open, silent: bool, now: datetime) -> None:
    values: Mapping[str, object] = {
        "attempt_id": each.attempt_id,
        "searches": each.searches + 1,
        "next_at": now + WAITS[each.searches] if each.searches < len(WAITS) else None,
        # Not at the first search: the log may lag behind by some minutes.
        "silent": silent and each.searches > 0,
    }
    if not insert_new(session, LogSearch, delivery_id=each.delivery_id, **values):
        row = session.get_one(LogSearch, each.delivery_id)
        for name, value in values.items():
            setattr(row, name, value)


def _note_refusal(
    session: Session, keys: Keys, records: Records, silence: NoAnswer, now: datetime
) -> None:
    _log.warning("log not searched provider=%s forbidden=%s", records.name, silence.forbidden)
    wait = WITHOUT_RIGHT if silence.forbidden else max(silence.retry_after or ASK_AGAIN, ASK_AGAIN)
    put_look(session, records.name, _SUBJECT, failing_since=now, next_at=now + wait)
    if silence.forbidden:
        notices.tell(
            session,
            keys,
            f"log-forbidden/{records.name}/{now:%Y-%m}",
            f"The log of {records.label} may not be read",
            [
                str(silence),
                "Until then, people who are not certain stay so until an event tells, or somebody "
                "decides about them.",
            ],
            now,
        )
