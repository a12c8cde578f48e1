"""The long-running service: scheduler, dispatcher and web in one process.

The alarm clock only rings.  Everything it starts reads the database and may run late,
twice, or beside another process without harm.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from newsletter.dispatch import (
    Dispatcher,
    Progress,
    Tally,
    answering_calls,
    due_early,
    look_after,
    prepare,
)
from newsletter.dispatch.course import paused_issues
from newsletter.dispatch.failpoint import failpoint
from newsletter.errors import NotAllowed
from newsletter.events import (
    apply_waiting,
    lists_are_fresh,
    lists_wanted,
    pull_lists,
    reconcile,
    take_returns,
)
from newsletter.feeds import Feeds
from newsletter.fetch import Fetcher
from newsletter.heartbeat import beat
from newsletter.intake import Intake
from newsletter.issue import open_desk
from newsletter.notices import Lines, submit_notices, tell_what_waits
from newsletter.original import PutBack, refuse_a_copy
from newsletter.providers import (
    holding_for,
    mailbox_for,
    provider_for,
    records_for,
    second_route_for,
)
from newsletter.schedule import AlarmClock, look_at_slots, start_due, tell_clock_was_set
from newsletter.site import Site
from subscribers.database import reading, writing

if TYPE_CHECKING:
    from newsletter.web import RunningServer

LOOK_FOR_BULLETINS = timedelta(seconds=2)
LOOK_AT_FEEDS = timedelta(minutes=1)  # whether one is due
LOOK_AT_SLOTS = timedelta(seconds=15)
TELL_STAFF = timedelta(seconds=15)
APPLY_EVENTS = timedelta(seconds=1)
LOOK_AT_LISTS = timedelta(seconds=5)
SEARCH_THE_LOG = timedelta(minutes=2)
ASK_AGAIN = timedelta(seconds=2)  # whether a copy may dispatch by now
LOOK_AT_HAND_OVERS = timedelta(seconds=5)
BEAT = timedelta(minutes=1)
WELL = timedelta(minutes=1)  # the dispatcher looks around every second
LOOK_FOR_BOUNCES = timedelta(minutes=1)

Say = Callable[[str], None]

_log = logging.getLogger(__name__)


class Service:
    """One process of a site.  `clock` tells the time of day; tests bring their own."""

    def __init__(
        self, site: Site, clock: Callable[[], datetime], fetcher: Fetcher | None = None
    ) -> None:
        """Make everything ready; nothing runs yet.  Only tests bring a fetcher of their own.

        Raises:
            Problem: a key of the provider is missing, or a template or a logo cannot be used.
        """
        self._site = site
        self._clock = clock
        self._desk = open_desk(site)
        self._feeds = Feeds(site, self._desk, clock, fetcher or Fetcher())
        self._provider = provider_for(site)
        # Two, because each of them is asked by a job of its own.
        self._lists, self._history = records_for(site), records_for(site)
        self._holding = holding_for(site)
        self._second_route = second_route_for(site)
        self._lines_to_staff = Lines()
        self._returns = mailbox_for(site)
        self._dispatcher = Dispatcher(
            site.engine, site.keys, site.settings, self._provider, clock, due=self._due
        )

    def run(self, stop: threading.Event, say: Say, *, web: bool = True) -> None:
        """Take bulletins, send what is due, answer pages, until `stop` is set; then drain.

        Raises:
            Problem: the pages' port is taken, or the database cannot be written at the start.
            PutBack: without pages, the database is a copy of which nobody has said what went
                out since.  With them, they answer, and nothing else happens until somebody has.
        """
        if not web:
            self._refuse_a_copy()
            self._dispatch(stop, say)
            return
        server = _start_pages(self._site, self._clock, say, None)
        try:
            self._wait_while_a_copy(stop, say)
            if not stop.is_set():
                self._dispatch(stop, say)
        finally:
            server.stop()

    def run_once(self, stop: threading.Event, progress: Progress) -> Tally:
        """Take bulletins, send what is due, and end when nothing is left that needs no waiting.

        Raises:
            PutBack: the database is a copy of which nobody has said what went out since.
        """
        self._refuse_a_copy()
        with self._hanging_up_at(stop):
            return self._dispatch_once(stop, progress)

    def _dispatch_once(self, stop: threading.Event, progress: Progress) -> Tally:
        self._take(Intake(self._site, self._desk, self._clock, settled_for=timedelta()))
        self._look_at_feeds()
        self._look_at_slots()
        self._look_for_bounces()
        self._apply_events()
        self._look_at_hand_overs()  # before the lists: an issue that begins early needs them
        self._look_at_lists()
        tally = self._dispatcher.run_once(progress, stop)
        if not stop.is_set():
            self._search_the_log()
        self._apply_events()
        self._look_at_slots()
        with reading(self._site.engine) as session:
            tally.put_off = self._put_off(session)
            tally.paused = list(paused_issues(session))
        if not stop.is_set():
            self._tell_staff()
        return tally

    def _dispatch(self, stop: threading.Event, say: Say) -> None:
        intake = Intake(self._site, self._desk, self._clock)
        alarms = AlarmClock(
            {
                "bulletins": (LOOK_FOR_BULLETINS, lambda: self._take(intake)),
                "feeds": (LOOK_AT_FEEDS, self._look_at_feeds),
                "slots": (LOOK_AT_SLOTS, self._look_at_slots),
                "notices": (TELL_STAFF, self._tell_staff),
                "events": (APPLY_EVENTS, self._apply_events),
                "lists": (LOOK_AT_LISTS, self._look_at_lists),
                "log": (SEARCH_THE_LOG, self._search_the_log),
                "bounces": (LOOK_FOR_BOUNCES, self._look_for_bounces),
                "hand-overs": (LOOK_AT_HAND_OVERS, self._look_at_hand_overs),
                "heartbeat": (BEAT, self._beat),
            },
            self._clock_was_set,
        )
        say(f"Mail goes to {self._provider.label}.")
        say(f"Bulletins are taken from {self._site.bulletins}.")
        try:
            alarms.start()
            with self._hanging_up_at(stop):
                self._dispatcher.run(stop)
        finally:
            self._hang_up()
            for asked in (self._lists, self._history, self._returns, self._holding):
                if asked is not None:
                    asked.close()
            alarms.stop()

    @contextmanager
    def _hanging_up_at(self, stop: threading.Event) -> Iterator[None]:
        """Begin with no other feed, and wait for no answer to a notice, once `stop` is set.

        At once and not after the drain: one of them may take half a minute by itself.
        """
        over = threading.Event()

        def watch() -> None:
            while not over.is_set():
                if stop.wait(0.2):
                    self._hang_up()
                    return

        threading.Thread(target=watch, name="stop", daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def _hang_up(self) -> None:
        self._feeds.close()
        self._lines_to_staff.close()

    def work(self, stop: threading.Event, say: Say) -> None:
        """Be one more dispatcher, beside those of other machines, until `stop` is set; then drain.

        Raises:
            NotAllowed: the site has a SQLite database.
            Problem: the database cannot be written at the start, or is upgraded meanwhile.
            PutBack: it is a copy of which nobody has said what went out since.
        """
        engine, dispatcher = self._site.engine, self._dispatcher
        if engine.dialect.name == "sqlite":
            raise NotAllowed(
                "A SQLite site has one machine, and newsletter run needs no help on it: to share "
                "the work, put a PostgreSQL URL under [database] url."
            )
        self._refuse_a_copy()
        say(f"Mail goes to {self._provider.label}.")
        with answering_calls(engine, dispatcher.due_now.set, self._clock):
            dispatcher.run(stop)

    def _refuse_a_copy(self) -> None:
        with reading(self._site.engine) as session:
            refuse_a_copy(session)

    def _wait_while_a_copy(self, stop: threading.Event, say: Say) -> None:
        """Let the pages answer, above all to those who leave, until people have decided."""
        said = False
        while not stop.is_set():
            try:
                self._refuse_a_copy()
            except PutBack as problem:
                if not said:
                    say(str(problem))
                    _log.warning("nothing is dispatched: the database is a copy")
                said = True
                stop.wait(ASK_AGAIN.total_seconds())
            else:
                return

    def _take(self, intake: Intake) -> None:
        for taken in intake.look():
            _log.info(
                "bulletin file %s bulletin=%s issue=%s",
                "taken" if taken.accepted else "refused",
                taken.bulletin_id,
                taken.issue_id,
            )

    def _look_at_feeds(self) -> None:
        for verdict in self._feeds.look():
            _log.info(
                "feed entry %s bulletin=%s issue=%s",
                "taken" if verdict.accepted else "refused",
                verdict.bulletin_id,
                verdict.issue_id,
            )

    def _look_at_slots(self) -> None:
        with writing(self._site.engine) as session:
            look_at_slots(session, self._desk, self._clock())

    def _clock_was_set(self, by: timedelta) -> None:
        _log.warning("the clock was set by seconds=%d", by.total_seconds())
        with writing(self._site.engine) as session:
            tell_clock_was_set(session, self._desk, by, self._clock())

    def _due(self, session: Session, now: datetime) -> Sequence[int]:
        """Return the issues to begin; none before it is known whom the provider will not mail."""
        due = [*start_due(session, now), *self._due_early(session, now)]
        if due and self._lists and not lists_are_fresh(session, self._lists.name, now):
            return []
        return due

    def _due_early(self, session: Session, now: datetime) -> Sequence[int]:
        return [] if self._holding is None else due_early(session, now)

    def _put_off(self, session: Session) -> list[int]:
        """Return the issues that would begin if the suppression lists were there."""
        due = start_due(session, self._clock())
        return [] if self._due(session, self._clock()) else due

    def _look_at_hand_overs(self) -> None:
        if self._holding is not None:
            site = self._site
            look_after(site.engine, site.keys, site.settings, self._holding, self._clock)
            prepare(site.engine, self._holding, self._clock())

    def _apply_events(self) -> None:
        if count := apply_waiting(self._site.engine, self._site.keys, self._clock()):
            failpoint("events-applied")
            _log.info("events applied count=%d", count)

    def _look_at_lists(self) -> None:
        if self._lists is None:
            return
        with reading(self._site.engine) as session:
            wanted = lists_wanted(session, self._lists.name, self._clock())
        if wanted:
            pull_lists(self._site.engine, self._site.keys, self._lists, self._clock())

    def _search_the_log(self) -> None:
        if self._history is not None:
            reconcile(self._site.engine, self._site.keys, self._history, self._clock())

    def _look_for_bounces(self) -> None:
        if self._returns is not None:
            site = self._site
            stored = partial(failpoint, "returns-stored")
            take_returns(site.engine, site.keys, self._returns, self._clock, stored)

    def _tell_staff(self) -> None:
        with writing(self._site.engine) as session:
            tell_what_waits(session, self._desk, self._clock())
        submit_notices(
            self._site.engine,
            self._site.keys,
            self._site.settings,
            self._provider,
            self._desk.templates,
            self._clock(),
            self._second_route,
            self._lines_to_staff,
        )

    def _beat(self) -> None:
        """Give a sign of life where one is asked for, if the dispatcher could look around."""
        url, looked_at = self._site.settings.staff.heartbeat_url, self._dispatcher.looked_at
        if url is None or looked_at is None or self._clock() - looked_at > WELL:
            return
        if not beat(url):
            _log.warning("the heartbeat address did not answer")


def serve_pages(
    site: Site, clock: Callable[[], datetime], stop: threading.Event, say: Say, port: int | None
) -> None:
    """Answer pages only, until `stop` is set.  Needs no provider: links work without its key.

    Raises:
        Problem: the pages' port is taken.
    """
    server = _start_pages(site, clock, say, port)
    try:
        stop.wait()
    finally:
        server.stop()


def _start_pages(
    site: Site, clock: Callable[[], datetime], say: Say, port: int | None
) -> "RunningServer":
    # Imported here: the web framework takes as long to load as a whole command takes.
    from newsletter.web import serve

    web = site.settings.web
    server = serve(site, clock, web.host, web.port if port is None else port)
    say(f"Pages: http://{web.host}:{server.port}/  Issues: /staff/issues (on this machine)")
    if site.settings.practice:
        say("Practice: nothing leaves this machine.")
    return server
