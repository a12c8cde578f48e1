"""Addresses never to be mailed again, and who said so.  A suppression wins over every list."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from subscribers.address import read_address
from subscribers.database import insert_new
from subscribers.errors import Problem
from subscribers.privacy import Keys
from subscribers.tables import Suppression, SuppressionChange, SuppressionEvent, SuppressionReason

_FINAL = {
    SuppressionReason.COMPLAINT: "This person reported our mail as unwanted; staff cannot lift "
    "that: only the person can, by signing up again.",
    SuppressionReason.UNSUBSCRIBED_EVERYWHERE: "This person left every list; staff cannot lift "
    "that: only the person can, by signing up again.",
    SuppressionReason.ERASED: "This person asked to be forgotten; staff cannot lift that: only "
    "the person can, by signing up again.",
}


class CannotLift(Problem):
    """A suppression that staff may not lift."""


def suppress(
    session: Session,
    keys: Keys,
    address: str,
    reason: SuppressionReason,
    now: datetime,
    *,
    note: str | None = None,
    by: str | None = None,
    provider: str | None = None,
) -> bool:
    """Never mail `address` again, on any list; return whether that changed anything.

    The same again changes nothing.  A reason that staff cannot lift takes the place of one
    that they can.  `note` (staff's words) and `by` are stored sealed.

    Raises:
        UnusableAddress: `address` is none.
    """
    wire = read_address(address).wire
    index = keys.address_index(wire)
    added = insert_new(
        session,
        Suppression,
        address_index=index,
        index_key_id=keys.key_id,
        address=keys.encrypt(wire, "suppression.address", index),
        reason=reason,
        note=note and keys.encrypt(note, "suppression.note", index),
        provider=provider,
        at=now,
    )
    if not added and not _strengthened(session, index, reason, provider, now):
        return False
    _record(session, keys, index, SuppressionChange.SUPPRESSED, reason, now, note, by)
    return True


def unsuppress(
    session: Session,
    keys: Keys,
    address: str,
    now: datetime,
    *,
    note: str | None = None,
    by: str | None = None,
) -> bool:
    """Lift a suppression that staff or a bounce made; return False where there is none.

    Subscriptions stay as they are: whoever left a list stays off it.

    Raises:
        CannotLift: the person complained, left every list, or asked to be forgotten.
        UnusableAddress: `address` is none.
    """
    index = keys.address_index(read_address(address).wire)
    reason = session.scalar(select(Suppression.reason).where(Suppression.address_index == index))
    if reason is None:
        return False
    if reason in _FINAL:
        raise CannotLift(_FINAL[reason])
    session.execute(delete(Suppression).where(Suppression.address_index == index))
    _record(session, keys, index, SuppressionChange.LIFTED, reason, now, note, by)
    return True


def complain(session: Session, keys: Keys, address: str, provider: str, now: datetime) -> bool:
    """Suppress somebody who reported our mail as unwanted; return whether that changed anything.

    A complaint also takes the place of having left every list, so that it makes no difference
    which of the two became known first.  Raises like `suppress`.
    """
    reason = SuppressionReason.COMPLAINT
    if suppress(session, keys, address, reason, now, provider=provider):
        return True
    index = keys.address_index(read_address(address).wire)
    changed = session.execute(
        update(Suppression)
        .where(
            Suppression.address_index == index,
            Suppression.reason == SuppressionReason.UNSUBSCRIBED_EVERYWHERE,
        )
        .values(reason=reason, provider=provider, at=now)
        .returning(Suppression.address_index)
    )
    if changed.first() is None:
        return False
    _record(session, keys, index, SuppressionChange.SUPPRESSED, reason, now, None, None)
    return True


def withdraw(session: Session, keys: Keys, index: bytes, provider: str, now: datetime) -> bool:
    """Take back a hard bounce that a provider told of; whatever else suppresses stays.

    `index` is that of the address.
    """
    reason = SuppressionReason.HARD_BOUNCE
    lifted = session.execute(
        delete(Suppression)
        .where(
            Suppression.address_index == index,
            Suppression.reason == reason,
            Suppression.provider == provider,
        )
        .returning(Suppression.address_index)
    )
    if lifted.first() is None:
        return False
    _record(session, keys, index, SuppressionChange.LIFTED, reason, now, None, None)
    return True


def is_suppressed(session: Session, keys: Keys, address: str) -> bool:
    """Return whether `address` is never to be mailed; raises like `suppress`."""
    index = keys.address_index(read_address(address).wire)
    found = select(Suppression.reason).where(Suppression.address_index == index)
    return session.scalar(found) is not None


def _strengthened(
    session: Session,
    index: bytes,
    reason: SuppressionReason,
    provider: str | None,
    now: datetime,
) -> bool:
    if reason not in _FINAL:
        return False
    weaker = Suppression.reason.not_in(list(_FINAL))
    changed = session.execute(
        update(Suppression)
        .where(Suppression.address_index == index, weaker)
        .values(reason=reason, provider=provider, at=now)
        .returning(Suppression.address_index)
    )
    return changed.first() is not None


def _record(
    session: Session,
    keys: Keys,
    index: bytes,
    change: SuppressionChange,
    reason: SuppressionReason,
    now: datetime,
    note: str | None,
    by: str | None,
) -> None:
    session.add(
        SuppressionEvent(
            address_index=index,
            change=change,
            reason=reason,
            at=now,
            actor=by and keys.encrypt(by, "suppression_event.actor", b""),
            note=note and keys.encrypt(note, "suppression_event.note", index),
        )
    )
