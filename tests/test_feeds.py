"""Feeds that are looked at: what is taken, once, and what staff are told."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from newsletter.config import Intake, Secrets, Settings
from newsletter.feeds import INTERVAL, LEASE, LONGEST_WAIT, Feeds, _asked_to_wait
from newsletter.fetch import Fetched, Fetcher, NotFetched, Validators
from newsletter.intake import Verdict
from newsletter.issue import Desk, find_bulletin, read_stored
from newsletter.service import Service
from newsletter.site import Site
from newsletter.tables import Bulletin, DeliveryState, Feed, FeedEntry, Issue, IssueState, Notice
from subscribers.database import DatabaseUnavailable, open_engine, reading, writing
from subscribers.privacy import Keys
from tests.conftest import NOON
from tests.office import TEMPLATES, Office, desk_for
from tests.servers.process import HOST
from tests.servers.web_scripted import WebServer, answer, web_server

URL = "https://feeds.test/letter?key=4711"
NOTHING = Validators()
Entries = list[tuple[str, str]]  # id and what is new in it, the newest first
STORIES = {
    "harvest": "The families of the valley brought in barley and shared it with all who came.",
    "nurses": "Three nurses kept the only ward open while engineers repaired generators.",
    "library": "A librarian printed Psalms for readers in four cities across two borders.",
    "school": "Forty pupils began to learn in a tent that a carpenter had lent to them.",
    "river": "The boat runs twice a week again since its engine came back from the smith.",
}


def feed(entries: Entries) -> bytes:
    """Return an RSS feed; an id is also the key of its story."""
    parts = [
        f"<item><guid>{id_}</guid><title>News of the {id_}</title>"
        f"<pubDate>Mon, {23 - n:02} Nov 2026 07:00:00 GMT</pubDate>"
        f"<description>&lt;p&gt;{STORIES[id_]} {more}&lt;/p&gt;&lt;h2&gt;Please pray&lt;/h2&gt;"
        f"&lt;ul&gt;&lt;li&gt;Thank God for the {id_}.&lt;/li&gt;&lt;/ul&gt;</description></item>"
        for n, (id_, more) in enumerate(entries)
    ]
    return f"<rss version='2.0'><channel><title>N</title>{''.join(parts)}</channel></rss>".encode()


class Web(Fetcher):
    """What the web says, without a web."""

    def __init__(self) -> None:
        super().__init__()
        self.says: bytes | NotFetched | None = feed([])
        self.asked: list[tuple[str, Validators]] = []

    def get(self, url: str, known: Validators = NOTHING) -> Fetched:
        self.asked.append((url, known))
        if isinstance(self.says, NotFetched):
            raise self.says
        return Fetched(
            self.says, known if self.says is None else Validators(f'"{len(self.asked)}"')
        )


class Reader(Office):
    """A site with one feed, and a clock of our own."""

    def __init__(self, folder: Path, engine: Engine, keys: Keys, *feeds: str) -> None:
        desk = desk_for(keys)
        settings = desk.settings.model_copy(update={"intake": Intake(feeds=feeds or (URL,))})
        super().__init__(engine, Desk(keys, settings, TEMPLATES))
        self.site = Site(folder, settings, Secrets("", "", ""), keys, engine)
        self.web = Web()
        self.feeds = self.new_feeds()

    def new_feeds(self) -> Feeds:
        return Feeds(self.site, self.desk, lambda: self.now, self.web)

    def look(self, entries: Entries | None = None, later: timedelta = INTERVAL) -> list[Verdict]:
        """Let the interval pass, and look."""
        self.now += later
        if entries is not None:
            self.web.says = feed(entries)
        return self.feeds.look()

    def titles(self) -> list[str]:
        """Return the titles of the newest versions."""
        with reading(self.engine) as session:
            rows = session.scalars(
                select(Bulletin).where(Bulletin.replaced_by.is_(None)).order_by(Bulletin.id)
            ).all()
            return [read_stored(self.desk.keys, row).title for row in rows]

    def said(self, key: str) -> list[str]:
        """Return the sentences of the notices whose key begins so."""
        with reading(self.engine) as session:
            rows = session.scalars(select(Notice).order_by(Notice.id)).all()
        return [
            " ".join(
                json.loads(self.desk.keys.decrypt(row.body, "notice.body", row.key.encode()))[
                    "paragraphs"
                ]
            )
            for row in rows
            if row.key.startswith(key)
        ]

    def row(self) -> Feed:
        with reading(self.engine) as session:
            return session.scalars(select(Feed)).one()


@pytest.fixture
def reader(tmp_path: Path, warm_engine: Engine, keys: Keys) -> Reader:
    reader = Reader(tmp_path, warm_engine, keys)
    reader.add_list()
    return reader


def test_of_a_new_feed_only_the_newest_entry_is_taken(reader: Reader) -> None:
    entries = [("river", ""), ("school", ""), ("nurses", "")]

    (taken,) = reader.look(entries)

    assert taken.accepted
    assert taken.issue_id is not None
    assert reader.state(taken.issue_id) is IssueState.SCHEDULED
    assert reader.titles() == ["News of the river"]
    assert reader.look(entries) == []
    changed = [entries[0], ("school", "And a blackboard."), entries[2]]
    assert reader.look(changed) == []  # an old entry stays old
    assert reader.titles() == ["News of the river"]
    assert reader.notices() == []


def test_each_new_entry_is_taken_once_into_a_slot_of_its_own(reader: Reader) -> None:
    reader.look([("harvest", "")])

    taken = reader.look([("river", ""), ("school", ""), ("harvest", "")])

    assert reader.titles() == ["News of the harvest", "News of the school", "News of the river"]
    due = [reader.view(verdict.issue_id or 0).due_at for verdict in taken]
    assert due[0] < due[1]  # type: ignore[operator]  # both have a slot: the older goes first
    assert reader.look() == []


def test_an_empty_feed_is_read_and_what_comes_then_is_new(reader: Reader) -> None:
    assert reader.look([]) == []

    assert len(reader.look([("river", ""), ("school", "")])) == 2


def test_a_changed_entry_takes_the_place_of_its_version(reader: Reader) -> None:
    (first,) = reader.look([("harvest", "")])

    (second,) = reader.look([("harvest", "The mill runs.")])

    assert second.bulletin_id != first.bulletin_id
    assert second.issue_id == first.issue_id
    with reading(reader.engine) as session:
        row = find_bulletin(session, first.bulletin_id or 0)
        assert row.replaced_by == second.bulletin_id
    assert reader.look() == []


def test_a_changed_entry_whose_bulletin_went_out_is_told_and_not_sent_again(
    reader: Reader,
) -> None:
    (first,) = reader.look([("harvest", "")])
    assert first.issue_id is not None
    reader.look([("harvest", "The mill runs.")])  # the newest version counts
    reader.begin(first.issue_id)
    reader.deliver(first.issue_id, DeliveryState.SUBMITTED)

    assert reader.look([("harvest", "The mill stopped.")]) == []
    assert reader.look() == []

    (sentence,) = reader.said("feed-late")
    assert sentence.startswith("An entry of the feed at feeds.test was changed after")
    with reading(reader.engine) as session:
        assert len(session.scalars(select(Issue)).all()) == 1


def test_too_many_new_entries_at_once_are_not_all_taken(reader: Reader) -> None:
    reader.look([])

    taken = reader.look([(id_, "") for id_ in STORIES])

    assert reader.titles() == ["News of the library", "News of the nurses", "News of the harvest"]
    assert len(taken) == 3
    (sentence,) = reader.said("feed-many")
    assert "has 5 new entries at once: the newest 3 were taken" in sentence
    assert reader.look() == []


def test_an_entry_that_blocks_is_told_and_comes_again_when_it_is_mended(reader: Reader) -> None:
    reader.web.says = feed([("harvest", "")]).replace(b"&lt;li", b"&lt;p").replace(b"/li", b"/p")
    (blocked,) = reader.look()
    assert not blocked.accepted

    assert "Mend it where the feed is made" in reader.said("blocked")[0]
    assert reader.look() == []
    (mended,) = reader.look([("harvest", "")])
    assert mended.accepted
    assert mended.issue_id is not None


def test_an_entry_without_words_is_told_once_and_looked_at_again_when_it_has_some(
    reader: Reader,
) -> None:
    reader.web.says = (
        b"<rss version='2.0'><channel><item><guid>harvest</guid></item></channel></rss>"
    )

    (refused,) = reader.look()
    assert not refused.accepted
    assert reader.look() == []
    assert len(reader.said("feed-entry")) == 1
    assert "at feeds.test was not taken" in reader.said("feed-entry")[0]

    (taken,) = reader.look([("harvest", "")])
    assert taken.accepted


def test_between_two_looks_lies_the_interval_for_everybody(reader: Reader) -> None:
    reader.look([])
    reader.look(later=timedelta(minutes=29))
    reader.new_feeds().look()
    assert len(reader.web.asked) == 1

    reader.look(later=timedelta(minutes=1))
    assert len(reader.web.asked) == 2


def test_nobody_looks_while_somebody_does(reader: Reader) -> None:
    inner: list[int] = []

    class Slow(Web):
        def get(self, url: str, known: Validators = NOTHING) -> Fetched:
            reader.now += LEASE - timedelta(seconds=1)
            inner.append(len(reader.new_feeds().look()))
            return Fetched(feed([("harvest", "")]), Validators())

    reader.web = Slow()
    assert len(reader.new_feeds().look()) == 1
    assert inner == [0]


def test_a_server_is_asked_for_what_is_new_since(reader: Reader) -> None:
    reader.look([("harvest", "")])
    reader.web.says = None

    assert reader.look() == []
    reader.look()

    assert [known for _, known in reader.web.asked] == [
        Validators(),
        Validators('"1"'),
        Validators('"1"'),
    ]
    assert reader.row().read_at == reader.now


def test_dying_in_the_middle_takes_nothing_twice_and_never_the_archive(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [("river", ""), ("school", ""), ("nurses", "")]
    with monkeypatch.context() as patched:
        patched.setattr("newsletter.feeds.decide", _away)
        with pytest.raises(DatabaseUnavailable):
            reader.look(entries)
    with monkeypatch.context() as patched:
        patched.setattr(Feeds, "_was_read", _away)
        with pytest.raises(DatabaseUnavailable):
            reader.look(entries, later=LEASE)
    assert reader.titles() == ["News of the river"]

    assert reader.look(entries, later=LEASE) == []
    assert reader.titles() == ["News of the river"]


def _away(*_: object, **__: object) -> None:
    raise DatabaseUnavailable("away")


# --- what goes wrong ----------------------------------------------------------------------


def test_what_lasts_is_told_at_once_and_once(reader: Reader) -> None:
    reader.web.says = NotFetched("answers with the status 404", lasting=True)

    assert reader.look() == []
    reader.look(later=LONGEST_WAIT)

    assert reader.said("feed/") == [
        "The feed at feeds.test answers with the status 404. It is tried again by itself, at "
        "least once a day."
    ]
    assert "4711" not in json.dumps(reader.said(""))


def test_what_may_pass_is_told_only_when_it_does_not(reader: Reader) -> None:
    reader.web.says = NotFetched("cannot be reached, or broke off")
    for _ in range(2):
        reader.look(later=LONGEST_WAIT)
    assert reader.notices() == []
    reader.look([], later=LONGEST_WAIT)
    reader.web.says = NotFetched("cannot be reached, or broke off")

    for _ in range(5):
        reader.look(later=LONGEST_WAIT)

    assert len(reader.said("feed/")) == 1


def test_waits_double_up_to_a_day_and_end_with_a_good_look(reader: Reader) -> None:
    reader.web.says = NotFetched("answers with the status 500")
    waits = []
    for _ in range(8):
        reader.look(later=LONGEST_WAIT)
        waits.append(reader.row().next_at - reader.now)

    assert waits[:3] == [INTERVAL, INTERVAL * 2, INTERVAL * 4]
    assert waits[-1] == LONGEST_WAIT
    reader.look([], later=LONGEST_WAIT)
    assert reader.row().next_at - reader.now == INTERVAL
    assert (reader.row().failures, reader.row().failing_since) == (0, None)


def test_a_server_that_asks_for_time_gets_it(reader: Reader) -> None:
    reader.web.says = NotFetched("answers with the status 429", retry_after="7200")

    reader.look()

    assert reader.row().next_at - reader.now == timedelta(hours=2)


@pytest.mark.parametrize(
    ("written", "wait"),
    [
        ("", timedelta()),
        ("120", timedelta(minutes=2)),
        ("9" * 40, LONGEST_WAIT),
        ("-5", timedelta()),
        ("soon", timedelta()),
        ("Mon, 23 Nov 2026 13:00:00 GMT", timedelta(hours=1)),
        ("Mon, 23 Nov 2026 13:00:00 -0000", timedelta(hours=1)),
        ("Mon, 23 Nov 2026 11:00:00 GMT", timedelta()),
    ],
)
def test_retry_after_is_read_in_both_its_forms(written: str, wait: timedelta) -> None:
    assert _asked_to_wait(written, NOON) == wait


@pytest.mark.parametrize("said", [b"<html><p>Welcome</p></html>", b"<rss", b"\x00\xff" * 50, b""])
def test_what_is_no_feed_is_told(reader: Reader, said: bytes) -> None:
    reader.web.says = said

    assert reader.look() == []

    assert reader.said("feed/")[0].startswith("The feed at feeds.test cannot be taken: This is no")


def test_without_a_list_to_choose_nothing_is_fetched(reader: Reader) -> None:
    reader.add_list("daily")

    assert reader.look([("harvest", "")]) == []

    assert reader.web.asked == []
    assert "LIST is one of these: daily, weekly." in reader.said("feed/")[0]


def test_a_feed_names_its_list(tmp_path: Path, sqlite_url: str, keys: Keys) -> None:
    reader = Reader(tmp_path, open_engine(sqlite_url), keys, f"daily {URL}", f"weekly {URL}")
    ids = {name: reader.add_list(name) for name in ("weekly", "daily")}

    taken = reader.look([("harvest", "")])

    lists = [reader.view(verdict.issue_id or 0).list_id for verdict in taken]
    assert lists == [ids["daily"], ids["weekly"]]
    assert [url for url, _ in reader.web.asked] == [URL, URL]
    reader.feeds.close()
    assert reader.look() == []


def test_the_file_does_not_show_the_address(tmp_path: Path, sqlite_url: str, keys: Keys) -> None:
    reader = Reader(tmp_path, open_engine(sqlite_url), keys)
    reader.add_list()
    reader.look([("harvest", "")])
    with writing(reader.engine) as session:
        assert session.scalars(select(FeedEntry.bulletin_id)).all() == [1]
    reader.engine.dispose()
    path = Path(sqlite_url.removeprefix("sqlite:///"))

    written = b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))
    for word in (b"feeds.test", b"4711", b"harvest", b'"1"'):
        assert word not in written


# --- in the service -----------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as running:
        yield running


def _fetcher() -> Fetcher:
    return Fetcher(may_connect=lambda address: str(address) == HOST)


def _site(folder: Path, url: str, keys: Keys, *feeds: str) -> tuple[Office, Site]:
    office = Office(open_engine(url), desk_for(keys, practice=True))
    settings: Settings = office.desk.settings.model_copy(update={"intake": Intake(feeds=feeds)})
    return office, Site(folder, settings, Secrets("", "", ""), keys, office.engine)


def test_a_real_server_a_real_feed_and_dispatch_once(
    tmp_path: Path, sqlite_url: str, keys: Keys, server: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers["/feed?key=4711"] = answer("302 Found", Location="/there")
    server.answers["/there"] = answer(
        "200 OK", feed([("harvest", "")]), ETag='"a"', Content_Type="application/rss+xml"
    )
    office, site = _site(tmp_path, sqlite_url, keys, server.url("/feed?key=4711"))
    office.add_list()

    with caplog.at_level("INFO"):
        Service(site, lambda: office.now, _fetcher()).run_once(threading.Event(), lambda *_: None)
        office.later(minutes=30)
        server.answers["/there"] = answer("304 Not Modified")
        Service(site, lambda: office.now, _fetcher()).run_once(threading.Event(), lambda *_: None)

    assert office.state(1) is IssueState.SCHEDULED
    assert len(server.asked) == 4
    assert 'If-None-Match: "a"' in server.asked[-1]
    assert "4711" not in caplog.text
    assert "feed entry taken bulletin=1 issue=1" in caplog.text


def test_without_a_fetcher_of_a_test_no_feed_of_this_machine_is_read(
    tmp_path: Path, sqlite_url: str, keys: Keys, server: WebServer
) -> None:
    office, site = _site(tmp_path, sqlite_url, keys, server.url())
    office.add_list()

    Service(site, lambda: office.now).run_once(threading.Event(), lambda *_: None)

    assert server.asked == []
    with reading(office.engine) as session:
        assert session.scalars(select(Notice.key)).all() == ["feed/1/2026-W48"]
