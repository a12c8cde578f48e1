"""Why somebody is left out, as SQL that the freeze and every turn share."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, exists, false, literal, null, or_, select
from sqlalchemy.orm import Session, aliased

from newsletter.tables import Bulletin, Delivery, DeliveryState, Edition, Issue, Reason
from subscribers.database import Code
from subscribers.tables import Subscriber, Subscription, SubscriptionState, Suppression

_HAS_IT = (DeliveryState.IN_FLIGHT, DeliveryState.SUBMITTED, DeliveryState.UNKNOWN)


def same_bulletin(session: Session, issue_id: int) -> tuple[int, ...]:
    """Return the ids of every version and copy of what an issue carries, in any language.

    Versions are tied by `replaced_by`, copies by `content_index`.
    """
    found = set(session.scalars(select(Edition.bulletin_id).where(Edition.issue_id == issue_id)))
    while True:
        known = Bulletin.id.in_(found)
        tied = or_(
            Bulletin.replaced_by.in_(found),
            Bulletin.id.in_(select(Bulletin.replaced_by).where(known)),
            Bulletin.content_index.in_(select(Bulletin.content_index).where(known)),
        )
        more = set(session.scalars(select(Bulletin.id).where(tied)))
        if more <= found:
            return tuple(sorted(found))
        found |= more


def why_left_out(
    subscriber_id: ColumnElement[int], list_id: int, issue_id: int, bulletins: Sequence[int]
) -> ColumnElement[Reason | None]:
    """Return SQL for the reason to leave one person out, NULL for those who get their copy.

    `bulletins` come from `same_bulletin`; none are given for a practice issue, which neither
    counts as received nor asks who received.
    """
    return case(
        (_suppressed(subscriber_id), _code(Reason.SUPPRESSED)),
        (~_subscribed(subscriber_id, list_id), _code(Reason.UNSUBSCRIBED)),
        (received_elsewhere(subscriber_id, issue_id, bulletins), _code(Reason.ALREADY_RECEIVED)),
        else_=null(),
    )


def received_elsewhere(
    subscriber_id: ColumnElement[int], issue_id: int, bulletins: Sequence[int]
) -> ColumnElement[bool]:
    """Return SQL for: another issue of these bulletins reached, or may have, this person."""
    if not bulletins:
        return false()
    other, edition, copy = aliased(Issue), aliased(Edition), aliased(Delivery)
    return exists(
        select(1)
        .select_from(edition)
        .join(other, other.id == edition.issue_id)
        .join(copy, copy.issue_id == edition.issue_id)
        .where(
            edition.bulletin_id.in_(bulletins),
            other.id != issue_id,
            ~other.practice,
            copy.subscriber_id == subscriber_id,
            copy.state.in_(_HAS_IT),
        )
        .correlate_except(other, edition, copy)
    )


def _suppressed(subscriber_id: ColumnElement[int]) -> ColumnElement[bool]:
    person = aliased(Subscriber)
    return exists(
        select(1)
        .select_from(person)
        .join(Suppression, Suppression.address_index == person.address_index)
        .where(person.id == subscriber_id)
        .correlate_except(person, Suppression)
    )


def _subscribed(subscriber_id: ColumnElement[int], list_id: int) -> ColumnElement[bool]:
    consent = aliased(Subscription)
    return exists(
        select(1)
        .select_from(consent)
        .where(
            consent.list_id == list_id,
            consent.subscriber_id == subscriber_id,
            consent.state == SubscriptionState.ACTIVE,
        )
        .correlate_except(consent)
    )


def _code(reason: Reason) -> Any:
    return literal(reason, Code(Reason))
