"""Feeds are looked at again and again; a new entry becomes a bulletin like a dropped file.

Each entry is decided about in one transaction, which also notes it: dying in between loses
nothing and takes nothing twice.  Of a feed that is new only the newest entry is taken.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import takewhile
from pathlib import PurePath
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from newsletter.bulletin.feed import FeedEntry, read_feed
from newsletter.errors import NotAllowed, Problem
from newsletter.fetch import Fetched, Fetcher, NotFetched, Validators
from newsletter.intake import Verdict, decide
from newsletter.issue import Actor, Desk
from newsletter.issue.bulletins import find_bulletin, unsent
from newsletter.notices import tell
from newsletter.site import Site
from newsletter.tables import Feed
from newsletter.tables import FeedEntry as EntryRow
from newsletter.verses import open_verses
from subscribers.database import DatabaseUnavailable, insert_new, reading, writing
from subscribers.tables import MailingList

INTERVAL = timedelta(minutes=30)
LONGEST_WAIT = timedelta(days=1)  # after failures, and where a server asks for more
LEASE = timedelta(minutes=10)  # nobody else looks while one does
MOST_AT_ONCE = 3  # new entries of one look; more come when a feed gives its old ones new ids
TELL_AFTER = 3  # failures in a row that may pass by themselves
_NEVER_TAKEN = bytes(16)  # the version of an entry that was passed over
_SEAL = "feed.validators"
_FEED = Actor("", "feed")
_AGAIN = "Mend it where the feed is made: the next look takes it."
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Source:
    """A feed as the settings name it."""

    list_name: str | None
    url: str

    @property
    def host(self) -> str:
        """Return what may be said of it: the rest of the address may be a secret."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True)
class _Known:
    """A feed as the database knows it, taken up for one look."""

    id: int
    index: bytes
    validators: Validators
    was_read: bool


class Feeds:
    """Looks at the feeds of a site whose time has come."""

    def __init__(
        self, site: Site, desk: Desk, clock: Callable[[], datetime], fetcher: Fetcher
    ) -> None:
        self._site = site
        self._desk = desk
        self._keys = desk.keys
        self._clock = clock
        self._fetcher = fetcher
        self._closed = False
        self._sources = [_source(written) for written in site.settings.intake.feeds]

    def look(self) -> list[Verdict]:
        """Look at each feed that is due; return what became of each new entry.

        Raises:
            DatabaseUnavailable: nothing is lost, look again later.
        """
        sources = takewhile(lambda _: not self._closed, self._sources)
        return [verdict for source in sources for verdict in self._look_at(source)]

    def close(self) -> None:
        """Begin with no other feed: somebody waits for the look to end."""
        self._closed = True

    def _look_at(self, source: _Source) -> list[Verdict]:
        known = self._take_up(source)
        if known is None:
            return []
        try:
            with reading(self._site.engine) as session:
                list_id = _list_for(session, source)
            fetched = self._fetcher.get(source.url, known.validators)
            entries = [] if fetched.body is None else read_feed(fetched.body)
        except DatabaseUnavailable:
            raise
        except NotFetched as problem:
            self._failed(source, known, f"The feed at {source.host} {problem}.", problem)
            return []
        except Problem as problem:
            self._failed(source, known, f"The feed at {source.host} cannot be taken: {problem}")
            return []
        open_verses()  # made on first use: not while others wait for the database
        verdicts = self._take(source, known, list_id, entries)
        self._was_read(known, fetched)
        return verdicts

    # --- the feed ---------------------------------------------------------------------------

    def _take_up(self, source: _Source) -> _Known | None:
        """Return the feed if its time has come and nobody else looks at it."""
        now, index = self._clock(), self._index("feed", f"{source.list_name or ''} {source.url}")
        with reading(self._site.engine) as session:
            next_at = session.scalar(select(Feed.next_at).where(Feed.address_index == index))
        if next_at is not None and next_at > now:
            return None
        with writing(self._site.engine) as session:
            insert_new(session, Feed, address_index=index, next_at=now, failures=0)
            row = session.execute(
                update(Feed)
                .where(Feed.address_index == index, Feed.next_at <= now)
                .values(next_at=now + LEASE)
                .returning(Feed.id, Feed.validators, Feed.read_at)
            ).one_or_none()
        if row is None:
            return None
        validators = Validators()
        if row.validators is not None:
            validators = Validators(*json.loads(self._keys.decrypt(row.validators, _SEAL, index)))
        return _Known(row.id, index, validators, row.read_at is not None)

    def _was_read(self, known: _Known, fetched: Fetched) -> None:
        now, validators = self._clock(), fetched.validators
        sealed = json.dumps([validators.etag, validators.last_modified])
        with writing(self._site.engine) as session:
            session.execute(
                update(Feed)
                .where(Feed.id == known.id)
                .values(
                    validators=self._keys.encrypt(sealed, _SEAL, known.index),
                    next_at=now + INTERVAL,
                    read_at=now,
                    failing_since=None,
                    failures=0,
                )
            )

    def _failed(
        self, source: _Source, known: _Known, sentence: str, problem: NotFetched | None = None
    ) -> None:
        """Wait longer after each failure; tell staff once, of what may pass only if it does not."""
        now = self._clock()
        _LOG.warning("feed not read feed=%d", known.id)
        with writing(self._site.engine) as session:
            row = session.get_one(Feed, known.id)
            row.failures = min(row.failures + 1, 1000)
            since = row.failing_since = row.failing_since or now
            doubled = INTERVAL * 2 ** min(row.failures - 1, 10)
            asked = _asked_to_wait(problem.retry_after if problem else "", now)
            row.next_at = now + min(max(doubled, asked), LONGEST_WAIT)
            if problem is None or problem.lasting or row.failures >= TELL_AFTER:
                tell(
                    session,
                    self._keys,
                    f"feed/{known.id}/{since:%G-W%V}",  # one that comes and goes: once a week
                    "A feed cannot be read",
                    [sentence, "It is tried again by itself, at least once a day."],
                    now,
                )

    # --- its entries ------------------------------------------------------------------------

    def _take(
        self, source: _Source, known: _Known, list_id: int, entries: Sequence[FeedEntry]
    ) -> list[Verdict]:
        by_index: dict[bytes, FeedEntry] = {}
        for entry in entries:
            by_index.setdefault(self._index("feed entry", f"{known.id} {entry.id}"), entry)
        versions = {index: self._version(entry) for index, entry in by_index.items()}
        with reading(self._site.engine) as session:
            rows = session.execute(
                select(EntryRow.entry_index, EntryRow.version, EntryRow.bulletin_id).where(
                    EntryRow.feed_id == known.id
                )
            ).all()
        noted = {row.entry_index: row for row in rows}
        new = [index for index in by_index if index not in noted]  # the newest first
        most = MOST_AT_ONCE if known.was_read or noted else 1
        self._pass_over(source, known, new[most:])
        wanted = [(index, None) for index in reversed(new[:most])] + [
            (index, row.bulletin_id)
            for index, row in noted.items()
            if versions.get(index, row.version) != row.version != _NEVER_TAKEN
        ]
        found = (
            self._take_one(source, known, list_id, index, versions[index], by_index[index], before)
            for index, before in wanted
        )
        return [verdict for verdict in found if verdict is not None]

    def _pass_over(self, source: _Source, known: _Known, passed: Sequence[bytes]) -> None:
        """Note entries that are never taken: those from before, and too many at once."""
        if not passed:
            return
        now = self._clock()
        with writing(self._site.engine) as session:
            for index in passed:
                _note(session, known.id, index, _NEVER_TAKEN, None, now)
            if known.was_read:
                tell(
                    session,
                    self._keys,
                    f"feed-many/{known.id}/{now.isoformat()}",
                    "A feed has many new entries at once",
                    [
                        f"The feed at {source.host} has {len(passed) + MOST_AT_ONCE} new entries "
                        f"at once: the newest {MOST_AT_ONCE} were taken, the others never will "
                        "be. If one of them is wanted, drop its text into the folder."
                    ],
                    now,
                )

    def _take_one(
        self,
        source: _Source,
        known: _Known,
        list_id: int,
        index: bytes,
        version: bytes,
        entry: FeedEntry,
        before: int | None,
    ) -> Verdict | None:
        now = self._clock()
        # Always the same name for the same entry: so that it is known as a version of itself.
        name = f"feed-{index.hex()[:12]}{PurePath(entry.name).suffix}"
        try:
            with writing(self._site.engine) as session:
                if before is not None and _has_begun(session, list_id, before):
                    self._tell_too_late(session, source, index, version, now)
                    _note(session, known.id, index, version, before, now)
                    return None
                verdict = decide(
                    session,
                    self._desk,
                    source=entry.source,
                    file_name=name,
                    list_id=list_id,
                    by=_FEED,
                    again=_AGAIN,
                    now=now,
                )
                _note(session, known.id, index, version, verdict.bulletin_id, now)
                return verdict
        except DatabaseUnavailable:
            raise
        except Problem as problem:
            with writing(self._site.engine) as session:
                _note(session, known.id, index, version, before, now)
                tell(
                    session,
                    self._keys,
                    f"feed-entry/{index.hex()}/{version.hex()}",
                    "An entry of a feed was not taken",
                    [f"An entry of the feed at {source.host} was not taken: {problem}", _AGAIN],
                    now,
                )
            return Verdict(False, str(problem))

    def _tell_too_late(
        self, session: Session, source: _Source, index: bytes, version: bytes, now: datetime
    ) -> None:
        tell(
            session,
            self._keys,
            f"feed-late/{index.hex()}/{version.hex()}",
            "An entry of a feed changed too late",
            [
                f"An entry of the feed at {source.host} was changed after its bulletin had begun "
                "to go out. Nothing is sent again. If readers must know, write a bulletin of its "
                "own."
            ],
            now,
        )

    def _version(self, entry: FeedEntry) -> bytes:
        return self._index("feed entry version", hashlib.sha256(entry.source).hexdigest())

    def _index(self, kind: str, text: str) -> bytes:
        return self._keys.index(kind, text)


def _source(written: str) -> _Source:
    name, _, url = written.strip().rpartition(" ")
    return _Source(name.strip() or None, url)


def _list_for(session: Session, source: _Source) -> int:
    lists = {
        name: id_
        for id_, name in session.execute(
            select(MailingList.id, MailingList.name).order_by(MailingList.name)
        )
    }
    if source.list_name is None and len(lists) == 1:
        return next(iter(lists.values()))
    if source.list_name in lists:
        return lists[source.list_name]
    raise NotAllowed(
        'nothing says for which list it is. Write "LIST https://..." under [intake] feeds, where '
        f"LIST is one of these: {', '.join(lists) or 'none yet'}."
    )


def _note(
    session: Session,
    feed_id: int,
    index: bytes,
    version: bytes,
    bulletin_id: int | None,
    now: datetime,
) -> None:
    session.merge(
        EntryRow(
            feed_id=feed_id,
            entry_index=index,
            version=version,
            bulletin_id=bulletin_id,
            noted_at=now,
        )
    )


def _has_begun(session: Session, list_id: int, bulletin_id: int) -> bool:
    """Whether the newest version of a bulletin has begun to go out; practice does not count."""
    row = find_bulletin(session, bulletin_id)
    while row.replaced_by is not None:
        row = find_bulletin(session, row.replaced_by)
    return row.id not in {each.id for each in unsent(session, list_id)}


def _asked_to_wait(retry_after: str, now: datetime) -> timedelta:
    """Return how long a server asks to be left alone: seconds, or a date (RFC 9110, 10.2.3)."""
    asked = retry_after.strip()
    if asked.isascii() and asked.isdecimal():
        return timedelta(seconds=min(int(asked[:9]), LONGEST_WAIT.total_seconds()))
    try:
        until = parsedate_to_datetime(asked)
    except (TypeError, ValueError):
        return timedelta()
    return max((until if until.tzinfo else until.replace(tzinfo=UTC)) - now, timedelta())
