"""Lists and people for tests."""

from sqlalchemy.orm import Session

from subscribers.consent import Ground, Person, find, lists_of, subscribe
from subscribers.privacy import Keys
from subscribers.tables import Basis, MailingList
from tests.conftest import NOON

CONSENT = Ground(Basis.EXPLICIT_CONSENT, "import")


def add_list(session: Session, name: str = "weekly") -> int:
    """Add a list; return its id."""
    made = MailingList(name=name, title=name.title(), created_at=NOON)
    session.add(made)
    session.flush()
    return made.id


def join(session: Session, keys: Keys, list_id: int, *addresses: str) -> list[int]:
    """Subscribe people who gave nothing but an address; return the subscription ids."""
    return [_join(session, keys, list_id, address) for address in addresses]


def _join(session: Session, keys: Keys, list_id: int, address: str) -> int:
    subscribe(session, keys, list_id, Person(address), CONSENT, NOON)
    person = find(session, keys, address)
    assert person is not None
    return next(one.subscription_id for one in lists_of(session, person.id) if one.id == list_id)
