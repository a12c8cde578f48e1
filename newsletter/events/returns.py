"""Mails that came back to the return path become events; what they say of us is told to staff.

A mail is put away only once its event is stored, and the event's id follows from the mail, so
that one read again after a crash changes nothing.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

from sqlalchemy import Engine, exists, insert, or_, select, union, update
from sqlalchemy.orm import Session

from newsletter import notices
from newsletter.events.bounces import Bounce, note_bounces
from newsletter.events.store import keep
from newsletter.providers.reported import EventKind, NoAnswer, Reported
from newsletter.providers.returns import Returned, read_return
from newsletter.tables import (
    Attempt,
    Delivery,
    DeliveryNote,
    DeliveryState,
    Issue,
    ProviderEvent,
    Reason,
)
from subscribers.database import table_of, writing
from subscribers.privacy import Keys, Purpose
from subscribers.tables import Subscriber

PROVIDER = "smtp"
AT_ONCE = 50  # mails in one transaction
SLACK = timedelta(minutes=2)  # clocks differ
SOFT_IN_A_ROW = 5
SOFT_FOR = timedelta(days=14)
_LOOK_BACK = 60  # issues

_log = logging.getLogger(__name__)


class Mailbox(Protocol):
    """Where the return path leads to.  Used by one thread."""

    def waiting(self, at_once: int) -> Iterator[list[tuple[str, bytes]]]:
        """Yield a name for, and the beginning of, every mail that nobody looked at yet.

        At most `at_once` together; they are filed before the next are asked for.

        Raises:
            NoAnswer: the mailbox cannot be read.
        """

    def file(self, understood: Sequence[str], left: Sequence[str]) -> None:
        """Put away what was understood, and leave the others to a person; harmless twice.

        Raises:
            NoAnswer: the mailbox does not let us.
        """

    def close(self) -> None:
        """End what is under way; may be called from another thread."""


def take_returns(
    engine: Engine,
    keys: Keys,
    mailbox: Mailbox,
    clock: Callable[[], datetime],
    stored: Callable[[], None] = lambda: None,
) -> int:
    """Store what the mailbox holds as events; return how many mails were understood.

    `stored` is called between storing some mails and putting them away.  Staff are told when
    the mailbox cannot be read, once a day.

    Raises:
        DatabaseUnavailable: the database could not be read or written; the mails stay.
    """
    understood = 0
    try:
        for portion in mailbox.waiting(AT_ONCE):
            read = [(name, _digest(raw), read_return(raw)) for name, raw in portion]
            with writing(engine) as session:
                taken = [
                    name
                    for name, digest, returned in read
                    if _take(session, keys, digest, returned, clock())
                ]
            stored()
            left = [name for name, _ in portion if name not in taken]
            mailbox.file(taken, left)
            understood += len(taken)
            _log.info("mails came back understood=%d left=%d", len(taken), len(left))
    except NoAnswer as silence:
        if not silence.stopped:
            _log.warning("mailbox of bounces not read")
            with writing(engine) as session:
                _tell_unread(session, keys, silence, clock())
    return understood


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


@dataclass(frozen=True)
class _Copy:
    """A delivery that a mail is about."""

    id: int
    issue_id: int
    subscriber_id: int
    attempt_id: int | None  # the one that it proves something of
    address: str | None = field(repr=False)  # of the person; None once erased


def _take(
    session: Session, keys: Keys, digest: str, returned: Returned | None, now: datetime
) -> bool:
    """Return whether nothing is left for a person to do about a mail, having stored it."""
    if returned is None:
        return False
    if returned.kind is None:
        return True
    copy = _copy(session, keys, returned, now)
    if copy is None:
        return False  # forged, or somebody else's
    kind = _kind(keys, returned, copy)
    event = Reported(
        event_id=f"mail:{digest}",
        kind=kind,
        happened_at=now,
        token=keys.token(Purpose.DELIVERY, copy.id),
        attempt_id=copy.attempt_id,
        address=copy.address,
        raw=returned.said,
    )
    keep(session, keys, PROVIDER, [event], now)
    if copy.attempt_id is not None:
        if returned.ours:
            _tell_ours(session, keys, returned.status, now)
        if kind is EventKind.SOFT_BOUNCED and copy.address and _never_arrives(session, copy):
            pile = Bounce(f"i{copy.issue_id}", copy.address, PROVIDER)
            note_bounces(session, keys, [pile], now)
    return True


def _copy(session: Session, keys: Keys, returned: Returned, now: datetime) -> _Copy | None:
    """Return what a mail is about, None if it is none of ours.  Practice never comes back."""
    delivery_id, attempt_id = _opened(keys, returned.tokens)
    row = session.execute(
        select(
            Delivery.id,
            Delivery.issue_id,
            Delivery.subscriber_id,
            Delivery.reason,
            Subscriber.address,
            Subscriber.address_index,
        )
        .join(Issue, Issue.id == Delivery.issue_id)
        .outerjoin(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(Delivery.id == delivery_id, ~Issue.practice)
    ).one_or_none()
    if row is None:
        return None
    address = row.address and keys.decrypt(row.address, "subscriber.address", row.address_index)
    if attempt_id is None:
        attempt_id = _attempt_before(session, row.id, returned.arrived_at or now)
    if attempt_id is None and row.reason is Reason.PUT_BACK:
        attempt_id = _attempt_since(session, row.id, row.issue_id, now)
    return _Copy(row.id, row.issue_id, row.subscriber_id, attempt_id, address)


def _opened(keys: Keys, tokens: Sequence[str]) -> tuple[int | None, int | None]:
    """Return the delivery that the first good token names; one more copy names its attempt."""
    opened = keys.open_tokens(Purpose.DELIVERY, [token[:23] for token in tokens])
    for token, number in zip(tokens, opened, strict=True):
        if number is not None:
            attempt = token[24:]
            return number, int(attempt) if attempt else None
    return None, None


def _attempt_before(session: Session, delivery_id: int, moment: datetime) -> int | None:
    """Return the last attempt that had begun when a copy reached whoever reports.

    The envelope cannot name the attempt: it goes out before the attempt has a number.  Of
    earlier attempts only those matter that may have been accepted.  Where none had begun, the
    clock of whoever reports is wrong, and the first is meant.
    """
    last = select(Delivery.attempt_id).where(Delivery.id == delivery_id)
    noted = select(DeliveryNote.attempt_id).where(
        DeliveryNote.delivery_id == delivery_id,
        or_(DeliveryNote.reason.is_(None), DeliveryNote.reason.in_(_PERHAPS_TAKEN)),
    )
    attempts = session.execute(
        select(Attempt.id, Attempt.started_at)
        .where(Attempt.id.in_(union(last, noted)))
        .order_by(Attempt.started_at, Attempt.id)
    ).all()
    found: int | None = attempts[0].id if attempts else None
    for attempt in attempts:
        if attempt.started_at <= moment + SLACK:
            found = attempt.id
    return found


_PERHAPS_TAKEN = (Reason.ANSWER_LOST, Reason.PROCESS_DIED, Reason.PUT_BACK)


def _attempt_since(session: Session, delivery_id: int, issue_id: int, now: datetime) -> int:
    """Put an attempt on record that a restored database cannot know, and the mail proves."""
    times = dict.fromkeys(("started_at", "start_by", "answer_by"), now)
    added = session.execute(
        insert(table_of(Attempt))
        .values(issue_id=issue_id, worker_id=0, fence=1, size=1, **times)
        .returning(table_of(Attempt).c.id)
    )
    number: int = added.scalar_one()
    session.execute(
        update(table_of(Delivery))
        .where(table_of(Delivery).c.id == delivery_id)
        .values(attempt_id=number)
    )
    return number


def _kind(keys: Keys, returned: Returned, copy: _Copy) -> EventKind:
    """Return what a mail means for the person: a dead end behind an alias is not their address.

    Nor is the address that somebody had before.
    """
    assert returned.kind is not None  # noqa: S101  looked at before
    if returned.kind is not EventKind.BOUNCED or not returned.about or copy.address is None:
        return returned.kind
    mine = keys.address_index(copy.address)
    named = any(keys.address_index(address) == mine for address in returned.about)
    return EventKind.BOUNCED if named else EventKind.SOFT_BOUNCED


def _never_arrives(session: Session, copy: _Copy) -> bool:
    """Whether this copy is one of SOFT_IN_A_ROW or more that came back, over SOFT_FOR."""
    issues = (
        select(Issue.id)
        .where(Issue.started_at.is_not(None), ~Issue.practice)
        .order_by(Issue.started_at.desc())
        .limit(_LOOK_BACK)
    )
    came_back = exists().where(
        ProviderEvent.delivery_id == Delivery.id,
        ProviderEvent.kind == EventKind.SOFT_BOUNCED.value,
    )
    rows = session.execute(
        select(Delivery.id, Attempt.started_at, came_back.label("came_back"))
        .join(Attempt, Attempt.id == Delivery.attempt_id)
        .where(
            Delivery.issue_id.in_(issues),
            Delivery.subscriber_id == copy.subscriber_id,
            Delivery.state.in_((DeliveryState.SUBMITTED, DeliveryState.UNKNOWN)),
        )
        .order_by(Attempt.started_at, Delivery.id)
    )
    for came, run in groupby(rows, key=lambda row: bool(row.came_back)):
        in_a_row = list(run)
        if came and any(row.id == copy.id for row in in_a_row):
            lasting = in_a_row[-1].started_at - in_a_row[0].started_at
            return len(in_a_row) >= SOFT_IN_A_ROW and lasting >= SOFT_FOR
    return False


def _tell_ours(session: Session, keys: Keys, status: str, now: datetime) -> None:
    notices.tell(
        session,
        keys,
        f"refused-by-rules/{now:%Y-%m-%d}",
        "Our mail is refused by rules",
        [
            "A receiver took our mail from the mail server and then refused it for its own rules "
            f"(status {status or 'unknown'}), not for the address.",
            "Status 5.7.x is most often about SPF, DKIM or DMARC of the sender's domain, or about "
            "its reputation: ask whoever runs the mail server. Nothing counts against the people.",
            "More of the same today is not told again.",
        ],
        now,
    )


def _tell_unread(session: Session, keys: Keys, silence: NoAnswer, now: datetime) -> None:
    notices.tell(
        session,
        keys,
        f"returns-unread/{now:%Y-%m-%d}",
        "The mailbox of bounces cannot be read",
        [
            str(silence),
            "Issues go out all the same. Bounces and complaints wait in the mailbox; it is looked "
            "at again every minute.",
        ],
        now,
    )
