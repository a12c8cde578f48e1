"""What the tests of the pages share: a site, people in it, and requests as they go on the wire."""

import http.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from newsletter.config import Organisation, Secrets, Sender, Settings
from newsletter.site import Site
from subscribers.database import Base, open_engine, reading, writing
from subscribers.privacy import Keys, Purpose
from subscribers.tables import (
    Basis,
    ConsentEvent,
    MailingList,
    SiteMark,
    Subscriber,
    Subscription,
    SubscriptionState,
)
from tests.conftest import NOON

SITE_KEY = "5a" * 32
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    text: str


@dataclass(frozen=True)
class Person:
    """A subscriber in a test, with the ids of their subscriptions."""

    id: int
    subscription_ids: tuple[int, ...]


def site_in(folder: Path) -> Site:
    """Return a site over a fresh SQLite database in `folder`."""
    engine = open_engine(f"sqlite:///{folder / 'newsletter.db'}")
    Base.metadata.create_all(engine)
    return site_on(engine, folder)


def site_on(engine: Engine, folder: Path) -> Site:
    """Return a site over a database that has its tables."""
    keys = Keys(SITE_KEY)
    with writing(engine) as session:
        session.add(SiteMark(id=1, key_fingerprint=keys.fingerprint()))
    settings = Settings(
        organisation=Organisation(
            name="Prayer & Hope", postal_address="1 Example Street", url="http://127.0.0.1:8000"
        ),
        sender=Sender(reply_to="office@example.org"),
    )
    return Site(folder, settings, Secrets(SITE_KEY, "", ""), keys, engine)


def add_person(
    site: Site,
    address: str,
    titles: Iterable[str] = ("Weekly prayer",),
    state: SubscriptionState = SubscriptionState.ACTIVE,
    **columns: Any,
) -> Person:
    """Store a person with a subscription to a new list of each title."""
    index = site.keys.address_index(address)
    sealed = site.keys.encrypt(address, "subscriber.address", index)
    with writing(site.engine) as session:
        row = Subscriber(address_index=index, address=sealed, key_id=1, created_at=NOON, **columns)
        session.add(row)
        session.flush()
        subscriptions = []
        for number, title in enumerate(titles):
            mailing_list = MailingList(name=f"l{row.id}-{number}", title=title, created_at=NOON)
            session.add(mailing_list)
            session.flush()
            subscription = Subscription(
                list_id=mailing_list.id,
                subscriber_id=row.id,
                state=state,
                basis=Basis.EXPLICIT_CONSENT,
                changed_at=NOON,
            )
            session.add(subscription)
            session.flush()
            subscriptions.append(subscription.id)
        return Person(row.id, tuple(subscriptions))


def link(site: Site, person: Person) -> str:
    """Return the path of the person's first unsubscribe link."""
    return "/u/" + site.keys.token(Purpose.UNSUBSCRIBE, person.subscription_ids[0])


def preferences(site: Site, person: Person) -> str:
    """Return the path of the person's preferences page."""
    return "/p/" + site.keys.token(Purpose.PREFERENCES, person.id)


def states(site: Site, person: Person) -> list[SubscriptionState]:
    """Return how each of the person's subscriptions stands."""
    with reading(site.engine) as session:
        return list(
            session.scalars(
                select(Subscription.state)
                .where(Subscription.id.in_(person.subscription_ids))
                .order_by(Subscription.id)
            )
        )


def consent_channels(site: Site, person: Person) -> list[str]:
    """Return the channel of each consent event of the person, oldest first."""
    with reading(site.engine) as session:
        return list(
            session.scalars(
                select(ConsentEvent.channel)
                .where(ConsentEvent.subscription_id.in_(person.subscription_ids))
                .order_by(ConsentEvent.id)
            )
        )


def everything_in(engine: Engine) -> dict[str, list[Any]]:
    """Return every row of every table."""
    with reading(engine) as session:
        return {
            table.name: sorted(tuple(row) for row in session.execute(table.select()))
            for table in Base.metadata.sorted_tables
        }


def ask(
    port: int,
    method: str,
    path: str,
    body: bytes | str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send exactly this request to the server on `port` and return its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        text = response.read().decode()
        return Answer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, text
        )
    finally:
        connection.close()


def post(port: int, path: str, fields: str = "") -> Answer:
    """Post an urlencoded form, as a browser does."""
    return ask(port, "POST", path, fields.encode(), {"Content-Type": FORM})
