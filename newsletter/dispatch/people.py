"""The recipients of a batch: read on a connection of the thread's own, opened in memory only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from newsletter.dispatch.ledger import Claim
from newsletter.message import Recipient
from newsletter.tables import Delivery, DeliveryState
from subscribers.privacy import KeyMismatch, Keys, Purpose
from subscribers.tables import Subscriber, Subscription


@dataclass(frozen=True)
class People:
    """Whom a batch is for, in the order of their deliveries."""

    ids: Sequence[int]  # deliveries that may be intended
    recipients: Mapping[int, Recipient]  # by delivery id
    absent: Sequence[int]  # deliveries to those who were erased or taken off the list
    unusable: Sequence[int]  # deliveries whose sealed address does not open


def read_people(session: Session, keys: Keys, claim: Claim, url: str, now: datetime) -> People:
    """Return everyone in the batch whose time has come; `url` is that of the public pages."""
    rows = session.execute(
        select(
            Delivery.id,
            Subscription.id.label("subscription_id"),
            Subscriber.id.label("subscriber_id"),
            Subscriber.address_index,
            Subscriber.address,
            Subscriber.name,
        )
        .outerjoin(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .outerjoin(
            Subscription,
            (Subscription.list_id == claim.list_id)
            & (Subscription.subscriber_id == Delivery.subscriber_id),
        )
        .where(
            Delivery.id.between(claim.first_id, claim.last_id),
            Delivery.issue_id + 0 == claim.issue_id,  # keeps SQLite on the range of ids
            Delivery.state == DeliveryState.PENDING,
            or_(Delivery.due_at.is_(None), Delivery.due_at <= now),
        )
        .order_by(Delivery.id)
    ).all()
    present = [row for row in rows if row.subscription_id is not None]
    recipients = _open_all(keys, present, url)
    return People(
        ids=list(recipients),
        recipients=recipients,
        absent=[row.id for row in rows if row.subscription_id is None],
        unusable=[row.id for row in present if row.id not in recipients],
    )


def _open_all(keys: Keys, rows: Sequence[Any], url: str) -> dict[int, Recipient]:
    deliveries = keys.tokens(Purpose.DELIVERY, [row.id for row in rows])
    subscriptions = keys.tokens(Purpose.UNSUBSCRIBE, [row.subscription_id for row in rows])
    subscribers = keys.tokens(Purpose.PREFERENCES, [row.subscriber_id for row in rows])
    opened = {}
    for row, delivery, subscription, subscriber in zip(
        rows, deliveries, subscriptions, subscribers, strict=True
    ):
        try:
            address = keys.decrypt(row.address, "subscriber.address", row.address_index)
            name = row.name and keys.decrypt(row.name, "subscriber.name", row.address_index)
        except KeyMismatch:
            continue
        opened[row.id] = Recipient(
            delivery_id=row.id,
            token=delivery,
            address=address,
            name=name,
            unsubscribe_url=f"{url}/u/{subscription}",
            preferences_url=f"{url}/p/{subscriber}",
        )
    return opened
