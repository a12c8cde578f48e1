"""Whom the provider itself will not mail: pulled before an issue begins, and daily."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine, exists, or_, select, update
from sqlalchemy.orm import Session

from newsletter import notices
from newsletter.events.apply import CHANNEL, complain, find_person
from newsletter.events.bounces import Bounce, is_noted, note_bounces
from newsletter.providers.reported import EventKind, Listed, NoAnswer, Records
from newsletter.tables import HandOver, Issue, IssueState, ProviderLook
from subscribers import consent
from subscribers.database import insert_new, reading, writing
from subscribers.privacy import Keys

SOON = timedelta(minutes=15)  # before its time an issue's lists are pulled
FRESH = timedelta(hours=1)  # an issue may begin on lists that are not older
DAILY = timedelta(days=1)
OVERLAP = timedelta(hours=1)  # asked for again, because clocks differ
PATIENCE = timedelta(minutes=5)  # how long issues wait for lists that cannot be pulled
TRY_AGAIN = timedelta(minutes=1)

_SUBJECT = "lists"
_log = logging.getLogger(__name__)


def lists_are_fresh(session: Session, provider: str, now: datetime) -> bool:
    """Return whether an issue may begin: the lists are fresh, or cannot be had for PATIENCE.

    In that case it goes without: the provider drops whoever is on them, and tells us.
    """
    look = session.get(ProviderLook, (provider, _SUBJECT))
    if look is None:
        return False
    fresh = look.succeeded_at is not None and _apart(look.succeeded_at, now) <= FRESH
    failing = look.failing_since is not None and _apart(look.failing_since, now) >= PATIENCE
    return fresh or failing


def lists_wanted(session: Session, provider: str, now: datetime) -> bool:
    """Return whether it is time to pull: an issue begins and they are old, or a day has passed."""
    look = session.get(ProviderLook, (provider, _SUBJECT))
    if look is not None and look.next_at is not None and now < look.next_at <= now + DAILY:
        return False
    if look is None or look.succeeded_at is None:
        return True
    age = _apart(look.succeeded_at, now)
    return age >= (FRESH / 2 if _begins_soon(session, now) else DAILY)


def _apart(noted: datetime, now: datetime) -> timedelta:
    """Return how far apart two moments are: one to come is of a clock that was set back since."""
    return abs(now - noted)


def _begins_soon(session: Session, now: datetime) -> bool:
    scheduled = select(Issue.id).where(
        Issue.state == IssueState.SCHEDULED,
        or_(Issue.due_at <= now + SOON, exists().where(HandOver.issue_id == Issue.id)),
        ~Issue.practice,
    )
    return session.scalar(scheduled.limit(1)) is not None


def pull_lists(engine: Engine, keys: Keys, records: Records, now: datetime) -> bool:
    """Pull what changed since the last time and apply it; return whether all of it came.

    Pages that came before a failure hold.  Staff are told of a failure, once a day.

    Raises:
        DatabaseUnavailable: the database could not be read or written.
    """
    with reading(engine) as session:
        look = session.get(ProviderLook, (records.name, _SUBJECT))
        last = look.succeeded_at if look else None
    since = last - OVERLAP if last and last <= now + OVERLAP else None  # later: of a wrong clock
    try:
        for page in records.listed(since):
            with writing(engine) as session:
                _take(session, keys, records.name, page, now)
    except NoAnswer as silence:
        if silence.stopped:
            return False
        with writing(engine) as session:
            _note_failure(session, keys, records, silence, now)
        return False
    with writing(engine) as session:
        put_look(session, records.name, _SUBJECT, succeeded_at=now, failing_since=None)
    _log.info("suppression lists pulled provider=%s", records.name)
    return True


def put_look(session: Session, provider: str, subject: str, **values: datetime | None) -> None:
    """Record how asking a provider went; `next_at` is cleared unless it is given."""
    insert_new(session, ProviderLook, provider=provider, subject=subject)
    session.execute(
        update(ProviderLook)
        .where(ProviderLook.provider == provider, ProviderLook.subject == subject)
        .values({"next_at": None} | values)
    )


def _take(
    session: Session, keys: Keys, provider: str, page: Sequence[Listed], now: datetime
) -> None:
    bounces = []
    for entry in page:
        person = find_person(session, keys, entry.address)
        if person is None:
            continue  # of people whom we do not know nothing is kept
        match entry.kind:
            case EventKind.COMPLAINED:
                complain(session, keys, person, provider, now)
            case EventKind.UNSUBSCRIBED:
                consent.unsubscribe_everywhere(session, keys, person.id, CHANNEL, now)
            case _ if not is_noted(session, keys, entry.address):
                bounces.append(Bounce(f"d{entry.since:%Y-%m-%d}", entry.address, provider))
            case _:
                continue  # an event told of it, and it was suppressed, or held for a person
    note_bounces(session, keys, bounces, now)


def _note_failure(
    session: Session, keys: Keys, records: Records, silence: NoAnswer, now: datetime
) -> None:
    _log.warning("suppression lists not pulled provider=%s", records.name)
    look = session.get(ProviderLook, (records.name, _SUBJECT))
    since = look.failing_since if look and look.failing_since else now
    if silence.forbidden:
        since = now - PATIENCE  # no wait will mend a key; if it may not send either, that is told
    wait = max(silence.retry_after or timedelta(), TRY_AGAIN)
    put_look(session, records.name, _SUBJECT, failing_since=since, next_at=now + wait)
    notices.tell(
        session,
        keys,
        f"lists-not-pulled/{records.name}/{now:%Y-%m-%d}",
        f"The suppression lists of {records.label} could not be read",
        [
            str(silence),
            "Issues go out all the same, after five minutes at most: the provider drops whoever "
            "is on them. It is tried again every minute.",
        ],
        now,
    )
