"""Lists of invented people and issues for them, as the other parts of the product leave them."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from newsletter.rendering import RenderedEmail, Shell, Slot
from newsletter.tables import Bulletin, Delivery, DeliveryState, Edition, Issue, IssueState
from subscribers.database import table_of
from subscribers.privacy import Keys
from subscribers.tables import (
    Basis,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)

MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def email_in(language: str) -> RenderedEmail:
    shell = Shell(
        ("<p>", f"</p><p>{language} ", " ", "</p>"),
        (Slot.GREETING, Slot.UNSUBSCRIBE, Slot.PREFERENCES),
    )
    return RenderedEmail(f"Pray ({language})", shell, shell, language)


def add_list(session: Session, name: str = "weekly") -> int:
    row = MailingList(name=name, title=name.title(), created_at=MONDAY)
    session.add(row)
    session.flush()
    return row.id


def add_people(
    session: Session,
    keys: Keys,
    list_id: int,
    count: int,
    language: str | None = None,
    state: SubscriptionState = SubscriptionState.ACTIVE,
) -> list[int]:
    """Return the ids of `count` new subscribers of a list."""
    first = (session.scalar(select(func.max(Subscriber.id))) or 0) + 1
    ids = list(range(first, first + count))
    session.execute(insert(table_of(Subscriber)), [_person(keys, no, language) for no in ids])
    subscribe(session, list_id, ids, state)
    return ids


def subscribe(
    session: Session,
    list_id: int,
    subscribers: Sequence[int],
    state: SubscriptionState = SubscriptionState.ACTIVE,
) -> None:
    rows = [
        {
            "list_id": list_id,
            "subscriber_id": number,
            "state": state,
            "basis": Basis.EXPLICIT_CONSENT,
            "changed_at": MONDAY,
        }
        for number in subscribers
    ]
    session.execute(insert(table_of(Subscription)), rows)


def address_of(number: int) -> str:
    return f"person{number}@example.org"


def suppress(session: Session, keys: Keys, number: int) -> None:
    index = keys.address_index(address_of(number))
    reason = SuppressionReason.STAFF
    session.add(Suppression(address_index=index, index_key_id=1, reason=reason, at=MONDAY))
    session.flush()


def add_bulletin(session: Session, list_id: int, text: str = "bulletin") -> int:
    row = Bulletin(
        list_id=list_id,
        content_index=hashlib.sha256(text.encode()).digest()[:16],
        source=b"",
        file_name=b"",
        language="en",
        added_at=MONDAY,
    )
    session.add(row)
    session.flush()
    return row.id


def add_issue(
    session: Session,
    keys: Keys,
    list_id: int,
    bulletin_id: int | None = None,
    languages: Sequence[str] = ("en",),
    due_at: datetime = MONDAY,
    edition: Callable[[str], RenderedEmail] = email_in,
) -> int:
    """Return the id of an approved issue that waits for its time."""
    bulletin_id = bulletin_id or add_bulletin(session, list_id, text=f"list {list_id}")
    issue = Issue(
        bulletin_id=bulletin_id,
        list_id=list_id,
        state=IssueState.SCHEDULED,
        hold=False,
        version_hash=b"v" * 32,
        approved_hash=b"v" * 32,
        due_at=due_at,
        not_before=due_at - timedelta(minutes=10),
        created_at=due_at - timedelta(days=1),
        practice=False,
    )
    session.add(issue)
    session.flush()
    for number, language in enumerate(languages):
        email = edition(language)
        sealed = keys.encrypt(email.to_json(), "edition.email", f"{issue.id}/{number}".encode())
        session.add(
            Edition(
                issue_id=issue.id,
                no=number,
                bulletin_id=bulletin_id,
                language=language,
                style="standard",
                email=sealed,
                hash=email.hash(),
            )
        )
    session.flush()
    return issue.id


def states_of(session: Session, issue_id: int) -> dict[DeliveryState, int]:
    rows = session.execute(
        select(Delivery.state, func.count().label("number"))
        .where(Delivery.issue_id == issue_id)
        .group_by(Delivery.state)
    )
    return {row.state: row.number for row in rows}


def _person(keys: Keys, number: int, language: str | None) -> dict[str, object]:
    index = keys.address_index(address_of(number))
    return {
        "id": number,
        "address_index": index,
        "address": keys.encrypt(address_of(number), "subscriber.address", index),
        "name": keys.encrypt(f"Person {number}", "subscriber.name", index),
        "key_id": 1,
        "language": language,
        "created_at": MONDAY,
    }
