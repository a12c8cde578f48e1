"""Stand-in: replaced when the consent work lands; only the name and meaning hold."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from subscribers.tables import ConsentEvent, ConsentKind, Subscription, SubscriptionState


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
