"""The recipients of a batch: read on a connection of the thread's own, opened in memory only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from newsletter.dispatch.ledger import Claim
from newsletter.message import Recipient
from newsletter.tables import Delivery, DeliveryState
from subscribers.database import table_of
from subscribers.privacy import KeyMismatch, Keys, Purpose
from subscribers.statement import Statement, place
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
    rows = _PEOPLE.run(
        session,
        first_id=claim.first_id,
        last_id=claim.last_id,
        this_issue=claim.issue_id,
        this_list=claim.list_id,
        now=now,
    )
    present = [row for row in rows if row[1] is not None]
    recipients = _open_all(keys, present, url)
    return People(
        ids=list(recipients),
        recipients=recipients,
        absent=[row[0] for row in rows if row[1] is None],
        unusable=[row[0] for row in present if row[0] not in recipients],
    )


_Row = tuple[int, int, int, bytes, bytes, bytes | None]  # in the order of _PEOPLE


def _open_all(keys: Keys, rows: Sequence[_Row], url: str) -> dict[int, Recipient]:
    if not rows:
        return {}
    numbers, subscriptions, subscribers, *_ = zip(*rows, strict=True)
    leaving, preferring = f"{url}/u/", f"{url}/p/"
    opened = {}
    for (number, _, _, index, sealed, sealed_name), delivery, subscription, subscriber in zip(
        rows,
        keys.tokens(Purpose.DELIVERY, numbers),
        keys.tokens(Purpose.UNSUBSCRIBE, subscriptions),
        keys.tokens(Purpose.PREFERENCES, subscribers),
        strict=True,
    ):
        try:
            address = keys.decrypt(sealed, "subscriber.address", index)
            name = keys.decrypt(sealed_name, "subscriber.name", index) if sealed_name else None
        except KeyMismatch:
            continue
        opened[number] = Recipient(
            number, delivery, address, name, leaving + subscription, preferring + subscriber
        )
    return opened


_delivery = table_of(Delivery)
_subscriber = table_of(Subscriber)
_subscription = table_of(Subscription)

_PEOPLE = Statement(
    lambda _: (
        select(
            _delivery.c.id,
            _subscription.c.id,
            _subscriber.c.id,
            _subscriber.c.address_index,
            _subscriber.c.address,
            _subscriber.c.name,
        )
        .outerjoin(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id)
        .outerjoin(
            _subscription,
            (_subscription.c.list_id == place("this_list"))
            & (_subscription.c.subscriber_id == _delivery.c.subscriber_id),
        )
        .where(
            _delivery.c.id.between(place("first_id"), place("last_id")),
            _delivery.c.issue_id + 0 == place("this_issue"),  # keeps SQLite on the range of ids
            _delivery.c.state == DeliveryState.PENDING,
            or_(_delivery.c.due_at.is_(None), _delivery.c.due_at <= place("now")),
        )
        .order_by(_delivery.c.id)
    )
)
