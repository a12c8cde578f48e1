"""Events as SendGrid signs and posts them, and an issue that they can be about."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Engine, insert, select, update
from sqlalchemy.orm import Session

from newsletter.dispatch.freeze import freeze
from newsletter.providers.reported import EventKind, Reported
from newsletter.providers.sendgrid.events import SIGNATURE, TIMESTAMP
from newsletter.tables import (
    Attempt,
    Batch,
    Delivery,
    DeliveryState,
    Issue,
    IssueState,
    OutcomeKind,
    Reason,
)
from subscribers.database import reading, table_of, writing
from subscribers.privacy import Keys, Purpose
from subscribers.tables import Subscriber, Suppression, SuppressionReason
from tests.audiences import MONDAY, add_issue, add_list, add_people, address_of

NOW = MONDAY + timedelta(hours=1)


class Signer:
    """Whoever holds the private key of a webhook."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> str:
        """As SendGrid shows it."""
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(der).decode()

    def headers(self, body: bytes, stamp: str = "1795435200") -> dict[str, str]:
        """Return the headers that go with a body."""
        signature = self._key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))
        return {SIGNATURE: base64.b64encode(signature).decode(), TIMESTAMP: stamp}


def posted(entries: Sequence[Mapping[str, Any]]) -> bytes:
    """Return a body as SendGrid writes it."""
    return f"[{','.join(json.dumps(entry) + chr(13) + chr(10) for entry in entries)}]\r\n".encode()


@dataclass(frozen=True)
class Gone:
    """An issue that was handed over in one attempt, or left unknown."""

    issue_id: int
    attempt_id: int
    deliveries: tuple[int, ...]


def hand_over_all(
    session: Session,
    keys: Keys,
    count: int,
    state: DeliveryState = DeliveryState.SUBMITTED,
    list_name: str = "weekly",
    *,
    practice: bool = False,
    issue_state: IssueState = IssueState.SENDING,
) -> Gone:
    """Return an issue to `count` new people whose deliveries are all in `state`."""
    list_id = add_list(session, list_name)
    add_people(session, keys, list_id, count)
    issue_id = add_issue(session, keys, list_id)
    freeze(session, keys, issue_id, practice, 500, 1, MONDAY)
    numbers = tuple(
        session.scalars(
            select(Delivery.id).where(Delivery.issue_id == issue_id).order_by(Delivery.id)
        )
    )
    attempt_id = add_attempt(session, issue_id, numbers, state)
    session.execute(update(table_of(Batch)).values(due_at=None))
    session.execute(
        update(table_of(Issue)).where(table_of(Issue).c.id == issue_id).values(state=issue_state)
    )
    return Gone(issue_id, attempt_id, numbers)


def add_attempt(
    session: Session,
    issue_id: int,
    deliveries: Sequence[int],
    state: DeliveryState,
    started_at: datetime = MONDAY,
) -> int:
    """Put deliveries under a new attempt that left them in `state`."""
    attempt_id: int = session.execute(
        insert(table_of(Attempt))
        .values(
            issue_id=issue_id,
            batch_id=1,
            worker_id=1,
            fence=1,
            started_at=started_at,
            start_by=started_at + timedelta(seconds=10),
            answer_by=started_at + timedelta(minutes=3),
            size=len(deliveries),
        )
        .returning(table_of(Attempt).c.id)
    ).scalar_one()
    reason = Reason.ANSWER_LOST if state is DeliveryState.UNKNOWN else None
    session.execute(
        update(table_of(Delivery))
        .where(table_of(Delivery).c.id.in_(deliveries))
        .values(
            state=state, attempt_id=attempt_id, tries=table_of(Delivery).c.tries + 1, reason=reason
        )
    )
    return attempt_id


def told(
    keys: Keys,
    kind: EventKind,
    delivery_id: int | None,
    attempt_id: int | None,
    address: str | None = None,
    event_id: str = "",
) -> Reported:
    """Return an event of a delivery; its id follows from the rest."""
    return Reported(
        event_id=event_id or f"{kind}-{delivery_id}-{attempt_id}-{address}"[:100],
        kind=kind,
        happened_at=MONDAY,
        token=None if delivery_id is None else keys.token(Purpose.DELIVERY, delivery_id),
        attempt_id=attempt_id,
        address=address,
        raw=b'{"event":"..."}',
    )


@dataclass(frozen=True)
class Became:
    """How a delivery stands."""

    state: DeliveryState
    reason: Reason | None
    outcome: OutcomeKind | None


def became(engine: Engine, delivery_id: int) -> Became:
    """Return how a delivery stands."""
    with reading(engine) as session:
        return Became(
            *session.execute(
                select(Delivery.state, Delivery.reason, Delivery.outcome).where(
                    Delivery.id == delivery_id
                )
            ).one()
        )


def addressee(engine: Engine, keys: Keys, delivery_id: int) -> str:
    """Return the address of the person a delivery is for."""
    with reading(engine) as session:
        number = session.scalars(
            select(Delivery.subscriber_id).where(Delivery.id == delivery_id)
        ).one()
    return address_of(number)


def suppressed(engine: Engine, keys: Keys) -> dict[str, SuppressionReason]:
    """Return who is suppressed, and why."""
    with reading(engine) as session:
        rows = session.execute(
            select(Subscriber.address, Subscriber.address_index, Suppression.reason).join(
                Suppression, Suppression.address_index == Subscriber.address_index
            )
        )
        return {
            keys.decrypt(row.address, "subscriber.address", row.address_index): row.reason
            for row in rows
        }


def new_issue(engine: Engine, keys: Keys, count: int, *args: Any, **options: Any) -> Gone:
    """Like `hand_over_all`, in a transaction of its own."""
    with writing(engine) as session:
        return hand_over_all(session, keys, count, *args, **options)
