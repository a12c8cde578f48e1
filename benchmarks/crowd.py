"""A site full of invented people with one issue that is due: what the benchmarks send.

Everything is as in the product: the schema of the migrations, encryption, durable commits.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, insert

from newsletter.config import Settings
from newsletter.migrations import upgrade
from newsletter.rendering import RenderedEmail, Shell, Slot
from newsletter.tables import Bulletin, Edition, Issue, IssueState
from subscribers.database import open_engine, table_of, writing
from subscribers.privacy import Keys, new_site_key
from subscribers.tables import Basis, MailingList, Subscriber, Subscription, SubscriptionState

BLOCK = 10_000  # people in one transaction
_WORDS = ("pray", "for", "those", "who", "gather", "in", "homes", "give", "thanks", "mercy")


@dataclass(frozen=True)
class Crowd:
    """A list of people and what they are to be sent."""

    engine: Engine
    site_key: str
    list_id: int
    people: int
    settings: Settings = field(default_factory=Settings)

    @property
    def keys(self) -> Keys:
        """Return the keys of the site."""
        return Keys(self.site_key)


def gather(url: str, people: int) -> Crowd:
    """Fill a new database with `people` subscribers of one list."""
    engine, site_key = open_engine(url), new_site_key()
    keys = Keys(site_key)
    upgrade(engine)
    now = datetime.now(UTC)
    with writing(engine) as session:
        weekly = MailingList(name="weekly", title="Weekly", created_at=now)
        session.add(weekly)
        session.flush()
        list_id = weekly.id
    for first in range(1, people + 1, BLOCK):
        numbers = range(first, min(first + BLOCK, people + 1))
        with writing(engine) as session:
            session.execute(insert(table_of(Subscriber)), [_person(keys, n, now) for n in numbers])
            session.execute(
                insert(table_of(Subscription)), [_consent(list_id, n, now) for n in numbers]
            )
    return Crowd(engine, site_key, list_id, people)


def address_of(number: int) -> str:
    """Return the address of the person with that number."""
    return f"person{number}@example.org"


def add_issue(crowd: Crowd, email: RenderedEmail) -> int:
    """Return the id of a new issue, approved and due, of a bulletin nobody has received."""
    now = datetime.now(UTC)
    with writing(crowd.engine) as session:
        bulletin = Bulletin(
            list_id=crowd.list_id,
            content_index=random.randbytes(16),
            source=b"",
            file_name=b"",
            language="en",
            added_at=now,
        )
        session.add(bulletin)
        session.flush()
        issue = Issue(
            bulletin_id=bulletin.id,
            list_id=crowd.list_id,
            state=IssueState.SCHEDULED,
            hold=False,
            version_hash=b"v" * 32,
            approved_hash=b"v" * 32,
            due_at=now,
            not_before=now - timedelta(minutes=10),
            created_at=now,
            practice=False,
        )
        session.add(issue)
        session.flush()
        row = f"{issue.id}/0".encode()
        session.add(
            Edition(
                issue_id=issue.id,
                no=0,
                bulletin_id=bulletin.id,
                language="en",
                style="standard",
                email=crowd.keys.encrypt(email.to_json(), "edition.email", row),
                hash=email.hash(),
            )
        )
        return issue.id


def email_of(kilobytes: int) -> RenderedEmail:
    """Return an email whose copies weigh about `kilobytes`, two thirds of it HTML."""
    html = _part("<p>{}</p>\n", '<p><a href="', '">Leave</a></p>', kilobytes * 640)
    text = _part("{}\n\n", "Leave: ", "\n", kilobytes * 320)
    return RenderedEmail("Pray with us this week", html, text, "en")


def _part(paragraph: str, before: str, after: str, size: int) -> Shell:
    story = "".join(_paragraphs(paragraph, size - 400))
    slots = (Slot.GREETING, Slot.UNSUBSCRIBE, Slot.PREFERENCES)
    return Shell(("", story + before, after + before, after), slots)


def _paragraphs(frame: str, size: int) -> Iterator[str]:
    chance = random.Random(7)
    while size > 0:
        paragraph = frame.format(" ".join(chance.choices(_WORDS, k=60)) + ".")
        yield paragraph
        size -= len(paragraph)


def _person(keys: Keys, number: int, now: datetime) -> dict[str, object]:
    address = address_of(number)
    index = keys.address_index(address)
    return {
        "id": number,
        "address_index": index,
        "address": keys.encrypt(address, "subscriber.address", index),
        "name": keys.encrypt(f"Person {number}", "subscriber.name", index),
        "key_id": 1,
        "language": "en",
        "created_at": now,
    }


def _consent(list_id: int, number: int, now: datetime) -> dict[str, object]:
    return {
        "list_id": list_id,
        "subscriber_id": number,
        "state": SubscriptionState.ACTIVE,
        "basis": Basis.EXPLICIT_CONSENT,
        "changed_at": now,
    }


def sqlite_url(folder: Path) -> str:
    """Return the URL of a database file in `folder`."""
    return f"sqlite:///{folder / 'newsletter.db'}"
