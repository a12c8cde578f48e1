"""Stand-in: replaced when the consent work lands; only the name and meaning hold."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from subscribers.privacy import Keys
from subscribers.tables import (
    ConsentEvent,
    ConsentKind,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)


def unsubscribe(session: Session, subscription_id: int, channel: str, now: datetime) -> bool:
    """End a subscription; return whether that changed anything."""
    left = session.execute(
        update(Subscription)
        .where(
            Subscription.id == subscription_id, Subscription.state != SubscriptionState.UNSUBSCRIBED
        )
        .values(state=SubscriptionState.UNSUBSCRIBED, changed_at=now)
        .returning(Subscription.id)
    ).one_or_none()
    if left is None:
        return False
    session.add(
        ConsentEvent(
            subscription_id=subscription_id,
            kind=ConsentKind.UNSUBSCRIBED,
            at=now,
            channel=channel,
        )
    )
    return True


def unsubscribe_everywhere(
    session: Session, keys: Keys, subscriber_id: int, channel: str, now: datetime
) -> bool:
    """Take one person off every list, and keep them off lists to come."""
    person = session.get_one(Subscriber, subscriber_id)
    theirs = select(Subscription.id).where(Subscription.subscriber_id == subscriber_id)
    left = [unsubscribe(session, number, channel, now) for number in session.scalars(theirs).all()]
    new = session.get(Suppression, person.address_index) is None
    if new:
        session.add(
            Suppression(
                address_index=person.address_index,
                index_key_id=keys.key_id,
                reason=SuppressionReason.UNSUBSCRIBED_EVERYWHERE,
                at=now,
            )
        )
    return new or any(left)
