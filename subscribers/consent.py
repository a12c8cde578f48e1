"""Who subscribed, on what ground, and who left: each change is recorded beside the state."""

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Row,
    String,
    bindparam,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Session

from subscribers.address import read_address
from subscribers.database import BigKey, Code, Instant, table_of
from subscribers.privacy import Keys
from subscribers.style import Style
from subscribers.suppression import suppress
from subscribers.tables import (
    Basis,
    ConsentEvent,
    ConsentKind,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)

_LOOK_UP = 1000  # indexes in one statement: far below what either database allows
_LOCK = 0x70656F706C65  # "people": on PostgreSQL, too, one transaction at a time adds people


@dataclass(frozen=True, slots=True)
class Person:
    """Someone to be subscribed, read and checked."""

    address: str  # the wire form, see address.py
    name: str | None = None
    language: str | None = None  # BCP 47
    zone: str | None = None  # IANA
    country: str | None = None  # ISO 3166-1 alpha-2
    style: Style | None = None


class Enrolment(enum.Enum):
    """What became of one person who was to be subscribed."""

    ADDED = "added"
    ALREADY = "already"  # subscribed, or asked and not yet confirmed
    LEFT = "left"  # they left this list: only they can come back
    SUPPRESSED = "suppressed"


class Ground(NamedTuple):
    """Why somebody may be written to, and who says so."""

    basis: Basis
    channel: str  # import, staff, ...
    actor: bytes | None = None  # from `sealed_actor`


def sealed_actor(keys: Keys, by: str) -> bytes:
    """Return the name or address of whoever acts, as a consent event keeps it."""
    return keys.encrypt(by, "consent_event.actor", b"")


# --- joining --------------------------------------------------------------------------


def subscribe(
    session: Session, keys: Keys, list_id: int, person: Person, ground: Ground, now: datetime
) -> Enrolment:
    """Subscribe one person to a list; whoever left it or is suppressed stays off it."""
    index = keys.address_index(person.address)
    return enrol(session, keys, list_id, {index: person}, ground, now)[index]


def enrol(
    session: Session,
    keys: Keys,
    list_id: int,
    people: Mapping[bytes, Person],
    ground: Ground,
    now: datetime,
) -> dict[bytes, Enrolment]:
    """Subscribe many people, named by address index, to a list.  Repeating changes nothing.

    What we know of a person is completed, never overwritten; only *discreet* counts at once, for
    whoever says so knows of a danger.  Of those who left or are suppressed nothing is stored.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    known, standing = look_up(session, list_id, people)
    added = [index for index, enrolment in standing.items() if enrolment is Enrolment.ADDED]
    _add_people(session, keys, {i: people[i] for i in added if i not in known}, now)
    _add_subscriptions(session, list_id, added, ground, now)
    here = (Enrolment.ADDED, Enrolment.ALREADY)
    _complete(session, keys, {i: row for i, row in known.items() if standing[i] in here}, people)
    return standing


def look_up(
    session: Session, list_id: int, indexes: Iterable[bytes]
) -> tuple[dict[bytes, Row[Any]], dict[bytes, Enrolment]]:
    """Return the rows of those we know, and for everyone what `enrol` would answer."""
    known: dict[bytes, Row[Any]] = {}
    standing: dict[bytes, Enrolment] = {}
    for some in _portions(indexes):
        found = {row.address_index: row for row in session.execute(_KNOWN, _which(list_id, some))}
        suppressed = set(session.scalars(_SUPPRESSED, {"indexes": some}))
        for index in some:
            state = found[index].state if index in found else None
            standing[index] = Enrolment.SUPPRESSED if index in suppressed else _ENROLMENTS[state]
        known |= found
    return known, standing


_KNOWN = (
    select(
        Subscriber.id,
        Subscriber.address_index,
        Subscriber.name,
        Subscriber.language,
        Subscriber.zone,
        Subscriber.country,
        Subscriber.style,
        Subscription.state,
    )
    .outerjoin(
        Subscription,
        (Subscription.subscriber_id == Subscriber.id)
        & (Subscription.list_id == bindparam("list_id")),
    )
    .where(Subscriber.address_index.in_(bindparam("indexes", expanding=True)))
)
_SUPPRESSED = select(Suppression.address_index).where(
    Suppression.address_index.in_(bindparam("indexes", expanding=True))
)
_ENROLMENTS = {
    None: Enrolment.ADDED,
    SubscriptionState.ACTIVE: Enrolment.ALREADY,
    SubscriptionState.PENDING: Enrolment.ALREADY,
    SubscriptionState.UNSUBSCRIBED: Enrolment.LEFT,
}


def _which(list_id: int, indexes: list[bytes]) -> dict[str, object]:
    return {"list_id": list_id, "indexes": indexes}


def _portions(indexes: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = iter(indexes)
    while some := list(islice(rest, _LOOK_UP)):
        yield some


def _add_people(
    session: Session, keys: Keys, people: Mapping[bytes, Person], now: datetime
) -> None:
    rows = [
        {
            "address_index": index,
            "address": keys.encrypt(person.address, "subscriber.address", index),
            "name": _sealed_name(keys, index, person),
            "key_id": keys.key_id,
            "language": person.language,
            "zone": person.zone,
            "country": person.country,
            "style": _kept(person.style),
            "created_at": now,
        }
        for index, person in people.items()
    ]
    if rows:
        session.execute(insert(table_of(Subscriber)), rows)


def _sealed_name(keys: Keys, index: bytes, person: Person) -> bytes | None:
    return keys.encrypt(person.name, "subscriber.name", index) if person.name else None


def _add_subscriptions(
    session: Session, list_id: int, indexes: Iterable[bytes], ground: Ground, now: datetime
) -> None:
    """Let the database make the rows from those of the people: half the time of sending them."""
    instant, basis = Instant(), literal(ground.basis, Code(Basis))
    for some in _portions(indexes):
        people = select(
            literal(list_id, BigKey),
            Subscriber.id,
            literal(SubscriptionState.ACTIVE, Code(SubscriptionState)),
            basis,
            literal(now, instant),
        ).where(Subscriber.address_index.in_(some))
        columns = ["list_id", "subscriber_id", "state", "basis", "changed_at"]
        ordered = people.order_by(Subscriber.id)
        session.execute(insert(table_of(Subscription)).from_select(columns, ordered))
        theirs = (
            select(
                Subscription.id,
                literal(ConsentKind.IMPORTED, Code(ConsentKind)),
                basis,
                literal(now, instant),
                literal(ground.channel),
                literal(ground.actor, LargeBinary()),
            )
            .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
            .where(Subscriber.address_index.in_(some), Subscription.list_id == list_id)
            .order_by(Subscription.id)
        )
        columns = ["subscription_id", "kind", "basis", "at", "channel", "actor"]
        session.execute(insert(table_of(ConsentEvent)).from_select(columns, theirs))


def _complete(
    session: Session,
    keys: Keys,
    known: Mapping[bytes, Row[Any]],
    people: Mapping[bytes, Person],
) -> None:
    """Fill in what we did not know of people who are here already."""
    for index, row in known.items():
        person = people[index]
        new = {
            "name": row.name or _sealed_name(keys, index, person),
            "language": row.language or person.language,
            "zone": row.zone or person.zone,
            "country": row.country or person.country,
            "style": _first_style(row.style, person.style),
        }
        if new != {column: getattr(row, column) for column in new}:
            session.execute(update(Subscriber).where(Subscriber.id == row.id).values(new))


def choose_style(session: Session, subscriber_id: int, style: Style) -> bool:
    """Keep the style that a person's mail shall have; return False if it was so already.

    Holds for mail that has not been handed over yet: who chooses the discreet one gets nothing
    else from now on.
    """
    return _choose(session, subscriber_id, "style", literal(_kept(style), Code(Style)))


def choose_language(session: Session, subscriber_id: int, language: str | None) -> bool:
    """Keep the language (BCP 47) that a person wants to read, None for the list's own.

    Returns False if it was so already.  Holds from the next issue that begins: who gets which
    language is fixed there.
    """
    return _choose(session, subscriber_id, "language", literal(language, String(35)))


def _choose(session: Session, subscriber_id: int, column: str, chosen: ColumnElement[Any]) -> bool:
    changed = session.execute(
        update(Subscriber)
        .where(
            Subscriber.id == subscriber_id,
            getattr(Subscriber, column).is_distinct_from(chosen),
        )
        .values({column: chosen})
        .returning(Subscriber.id)
    )
    return changed.first() is not None


def _kept(style: Style | None) -> Style | None:
    """Return what is stored: nothing of those who read what everybody reads."""
    return None if style is Style.STANDARD else style


def _first_style(known: Style | None, again: Style | None) -> Style | None:
    return again if again is Style.DISCREET else known or _kept(again)


# --- leaving --------------------------------------------------------------------------


def unsubscribe(
    session: Session,
    subscription_id: int,
    channel: str,
    now: datetime,
    actor: bytes | None = None,
) -> bool:
    """Take one person off one list; return False, changing nothing, if they were off it.

    Holds for copies that are queued already.  `channel`: link, one-click, preferences, staff.
    `actor`, from `sealed_actor`, is whoever did it for them.
    """
    left = session.execute(
        update(Subscription)
        .where(
            Subscription.id == subscription_id,
            Subscription.state != SubscriptionState.UNSUBSCRIBED,
        )
        .values(state=SubscriptionState.UNSUBSCRIBED, changed_at=now)
        .returning(Subscription.id)
    )
    if left.first() is None:
        return False
    session.add(
        ConsentEvent(
            subscription_id=subscription_id,
            kind=ConsentKind.UNSUBSCRIBED,
            at=now,
            channel=channel,
            actor=actor,
        )
    )
    return True


def unsubscribe_everywhere(
    session: Session,
    keys: Keys,
    subscriber_id: int,
    channel: str,
    now: datetime,
    by: str | None = None,
) -> bool:
    """Take one person off every list, and keep them off lists to come.

    Returns False, changing nothing, if that was so already or the person is not known.
    """
    person = session.get(Subscriber, subscriber_id)
    if person is None:
        return False
    theirs = select(Subscription.id).where(Subscription.subscriber_id == subscriber_id)
    actor = sealed_actor(keys, by) if by else None
    left = [unsubscribe(session, id_, channel, now, actor) for id_ in session.scalars(theirs).all()]
    address = keys.decrypt(person.address, "subscriber.address", person.address_index)
    reason = SuppressionReason.UNSUBSCRIBED_EVERYWHERE
    return suppress(session, keys, address, reason, now, by=by) or any(left)


# --- looking up -----------------------------------------------------------------------


@dataclass(frozen=True)
class ListDetails:
    """One person on one list."""

    id: int
    list: str  # its name in commands
    title: str
    subscription_id: int
    state: SubscriptionState
    basis: Basis
    since: datetime  # of this state
    style: Style | None  # that the list forces on all its readers


@dataclass(frozen=True)
class SuppressionDetails:
    """Why an address is never mailed."""

    reason: SuppressionReason
    since: datetime
    note: str | None  # staff's words


@dataclass(frozen=True)
class Details:
    """All that we hold about one address, in clear: for that person and for staff."""

    email: str
    name: str | None
    language: str | None
    timezone: str | None
    country: str | None
    style: Style  # that they chose, if a list does not force another
    since: datetime | None  # None: no subscriber, only a suppression
    lists: tuple[ListDetails, ...]
    suppression: SuppressionDetails | None

    def to_json(self) -> dict[str, Any]:
        """Return what `subscribers show --json` prints."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def find(session: Session, keys: Keys, address: str) -> Subscriber | None:
    """Return the subscriber with this address.

    Raises:
        UnusableAddress: `address` is none.
    """
    index = keys.address_index(read_address(address).wire)
    return session.scalars(select(Subscriber).where(Subscriber.address_index == index)).first()


def details(session: Session, keys: Keys, address: str) -> Details | None:
    """Return what we hold about an address, None if that is nothing; raises like `find`."""
    wire = read_address(address).wire
    index = keys.address_index(wire)
    person = find(session, keys, wire)
    suppression = _suppression(session, keys, index)
    if person is None:
        only = Details(wire, None, None, None, None, Style.STANDARD, None, (), suppression)
        return only if suppression else None
    return Details(
        keys.decrypt(person.address, "subscriber.address", index),
        _opened(keys, person.name, "subscriber.name", index),
        person.language,
        person.zone,
        person.country,
        person.style or Style.STANDARD,
        person.created_at,
        lists_of(session, person.id),
        suppression,
    )


def _suppression(session: Session, keys: Keys, index: bytes) -> SuppressionDetails | None:
    row = session.get(Suppression, index)
    if row is None:
        return None
    note = _opened(keys, row.note, "suppression.note", index)
    return SuppressionDetails(row.reason, row.at, note)


def lists_of(session: Session, subscriber_id: int) -> tuple[ListDetails, ...]:
    """Return the lists that a person is or was on, by name."""
    rows = session.execute(
        select(
            MailingList.id,
            MailingList.name,
            MailingList.title,
            Subscription.id,
            Subscription.state,
            Subscription.basis,
            Subscription.changed_at,
            MailingList.style,
        )
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.subscriber_id == subscriber_id)
        .order_by(MailingList.name)
    )
    return tuple(ListDetails(*row) for row in rows)


def _opened(keys: Keys, sealed: bytes | None, column: str, index: bytes) -> str | None:
    return None if sealed is None else keys.decrypt(sealed, column, index)


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case tuple():
            return [_plain(inner) for inner in value]
        case enum.Enum():
            return value.name.lower().replace("_", "-")
        case datetime():
            return value.isoformat()
    return value
