"""Why somebody is left out: one rule, as SQL for the freeze and for every turn."""

from typing import Any

from sqlalchemy import ColumnElement, case, exists, literal, or_, select
from sqlalchemy.orm import Session

from newsletter.tables import Bulletin, Delivery, DeliveryState, Edition, Issue, Reason
from subscribers.database import Code, table_of
from subscribers.statement import Statement, place
from subscribers.style import Style
from subscribers.tables import (
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)

_HAS_IT = (DeliveryState.IN_FLIGHT, DeliveryState.SUBMITTED, DeliveryState.UNKNOWN)


def same_bulletin(session: Session, issue_id: int) -> tuple[int, ...]:
    """Return the ids of every version and copy of what an issue carries, in any language.

    Versions are tied by `replaced_by`, copies by `content_index`.
    """
    found = {number for (number,) in _CARRIED.run(session, this_issue=issue_id)}
    while True:
        more = {number for (number,) in _TIED.run(session, sorted(found))}
        if more == found:
            return tuple(sorted(found))
        found = more


def why_left_out(
    subscriber_id: ColumnElement[int],
    list_id: ColumnElement[int],
    issue_id: ColumnElement[int],
    bulletins: tuple[int, ...],
    *,
    discreet: bool,
) -> ColumnElement[Reason | None]:
    """Return SQL for the reason to leave one person out, NULL for those who get their copy.

    `bulletins` is what `same_bulletin` gives; none for a practice issue, which neither counts as
    received nor asks who received.  `discreet` says whether their copy would be: to whoever
    reads the discreet mail by now, no other goes out.
    """
    return reason_of(
        _suppressed(subscriber_id),
        _subscribed(subscriber_id, list_id),
        _received_elsewhere(subscriber_id, issue_id, bulletins) if bulletins else None,
        None if discreet else _reads_discreetly(subscriber_id, list_id),
    )


def reason_of(
    suppressed: ColumnElement[bool],
    subscribed: ColumnElement[bool],
    received: ColumnElement[bool] | None,
    exposed: ColumnElement[bool] | None = None,
) -> ColumnElement[Reason | None]:
    """Return SQL for the reason to leave one person out, of whom that much is known."""
    reasons = [
        (suppressed, _code(Reason.SUPPRESSED)),
        (~subscribed, _code(Reason.UNSUBSCRIBED)),
    ]
    if received is not None:
        reasons.append((received, _code(Reason.ALREADY_RECEIVED)))
    if exposed is not None:
        reasons.append((exposed, _code(Reason.NO_DISCREET_EDITION)))
    return case(*reasons)


def other_issues(session: Session, issue_id: int) -> tuple[int, ...]:
    """Return the ids of the other issues, practice aside, that carry the same bulletin."""
    others = (
        select(_other.c.id)
        .join(_edition)
        .where(
            _edition.c.bulletin_id.in_(same_bulletin(session, issue_id)),
            _other.c.id != issue_id,
            ~_other.c.practice,
        )
    )
    return tuple(sorted(set(session.scalars(others))))


def received_in(subscriber_id: ColumnElement[int], issues: tuple[int, ...]) -> ColumnElement[bool]:
    """Return SQL for: one of these issues reached, or may have, this person."""
    return exists().where(
        _copy.c.issue_id.in_(issues),
        _copy.c.subscriber_id == subscriber_id,
        _copy.c.state.in_(_HAS_IT),
    )


# Tables and not classes: the turns of a dispatcher run these statements again and again.
_suppression = table_of(Suppression).alias("left_suppression")
_person = table_of(Subscriber).alias("left_person")
_consent = table_of(Subscription).alias("left_consent")
_list = table_of(MailingList).alias("left_list")
_discreet = literal(Style.DISCREET, Code(Style))
_bulletin = table_of(Bulletin)
_twin = table_of(Bulletin).alias("twin")
_edition = table_of(Edition).alias("other_edition")
_other = table_of(Issue).alias("other_issue")
_copy = table_of(Delivery).alias("other_copy")

_CARRIED = Statement(
    lambda _: select(_edition.c.bulletin_id).where(_edition.c.issue_id == place("this_issue"))
)
_TIED = Statement(
    lambda found: (
        select(_bulletin.c.id)
        .join(
            _twin,
            or_(
                _bulletin.c.replaced_by == _twin.c.id,
                _bulletin.c.id == _twin.c.replaced_by,
                _bulletin.c.content_index == _twin.c.content_index,
            ),
        )
        .where(_twin.c.id.in_(found))
    )
)


def _received_elsewhere(
    subscriber_id: ColumnElement[int],
    issue_id: ColumnElement[int],
    bulletins: tuple[int, ...],
) -> ColumnElement[bool]:
    """Return SQL for: another issue of these bulletins reached, or may have, this person."""
    return exists().where(
        _edition.c.bulletin_id.in_(bulletins),
        _edition.c.issue_id == _other.c.id,
        _other.c.id != issue_id,
        ~_other.c.practice,
        _copy.c.issue_id == _edition.c.issue_id,
        _copy.c.subscriber_id == subscriber_id,
        _copy.c.state.in_(_HAS_IT),
    )


def _suppressed(subscriber_id: ColumnElement[int]) -> ColumnElement[bool]:
    return exists().where(
        _person.c.id == subscriber_id, _person.c.address_index == _suppression.c.address_index
    )


def _reads_discreetly(
    subscriber_id: ColumnElement[int], list_id: ColumnElement[int]
) -> ColumnElement[bool]:
    both = _person.join(_list, _list.c.id == list_id)
    return (
        exists()
        .select_from(both)
        .where(
            _person.c.id == subscriber_id,
            or_(_person.c.style == _discreet, _list.c.style == _discreet),
        )
    )


def _subscribed(
    subscriber_id: ColumnElement[int], list_id: ColumnElement[int]
) -> ColumnElement[bool]:
    return exists().where(
        _consent.c.list_id == list_id,
        _consent.c.subscriber_id == subscriber_id,
        _consent.c.state == SubscriptionState.ACTIVE,
    )


def _code(reason: Reason) -> Any:
    return literal(reason, Code(Reason))
