"""The dispatcher on real databases: everyone once, whatever happens on the way."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import (
    Connection,
    Engine,
    PoolProxiedConnection,
    delete,
    event,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.dispatch import course
from newsletter.dispatch import engine as engine_module
from newsletter.dispatch import writer as writer_module
from newsletter.dispatch.engine import Dispatcher
from newsletter.dispatch.retry import FIRST_WAIT
from newsletter.message import Recipient
from newsletter.providers.base import Answer, Outcome
from newsletter.providers.practice import Practice
from newsletter.report import report
from newsletter.tables import (
    Batch,
    Delivery,
    DeliveryState,
    Edition,
    Issue,
    IssueState,
    Notice,
    Reason,
)
from subscribers import database
from subscribers.consent import unsubscribe
from subscribers.database import DatabaseUnavailable, open_engine, reading, writing
from subscribers.privacy import Keys
from subscribers.tables import Subscriber, Subscription
from tests.audiences import (
    MONDAY,
    add_bulletin,
    add_issue,
    add_list,
    add_people,
    address_of,
    states_of,
    subscribe,
)
from tests.scripted import Scripted

PENDING, IN_FLIGHT, SUBMITTED, FAILED, UNKNOWN, EXCLUDED = DeliveryState


@dataclass
class Site:
    """A list of people, one issue for them that is due, and a provider that writes down."""

    engine: Engine
    keys: Keys
    folder: Path
    people: list[int]
    list_id: int
    issue_id: int
    now: datetime = MONDAY

    def clock(self) -> datetime:
        return self.now

    def scripted(self, **more: object) -> Scripted:
        return Scripted(self.folder / "record", **more)  # type: ignore[arg-type]  # any field

    def dispatcher(self, provider: Scripted | Practice) -> Dispatcher:
        return Dispatcher(self.engine, self.keys, Settings(), provider, self.clock)

    def states(self) -> dict[DeliveryState, int]:
        with reading(self.engine) as session:
            found = report(session, self.issue_id)
            assert found.adds_up
            return states_of(session, self.issue_id)

    def issue(self) -> Issue:
        with reading(self.engine) as session:
            return session.get_one(Issue, self.issue_id)

    def set_issue(self, state: IssueState) -> None:
        with writing(self.engine) as session:
            session.execute(update(Issue).where(Issue.id == self.issue_id).values(state=state))

    def reasons(self) -> dict[str, Reason | None]:
        with reading(self.engine) as session:
            rows = session.execute(select(Delivery.subscriber_id, Delivery.reason))
            return {address_of(row.subscriber_id): row.reason for row in rows}

    def everyone(self) -> dict[str, int]:
        return {address_of(number): 1 for number in self.people}


def make_site(engine: Engine, keys: Keys, folder: Path, count: int = 40) -> Site:
    with writing(engine) as session:
        list_id = add_list(session)
        people = add_people(session, keys, list_id, count)
        issue_id = add_issue(session, keys, list_id)
    return Site(engine, keys, folder, people, list_id, issue_id)


@pytest.fixture
def site(engine: Engine, keys: Keys, tmp_path: Path) -> Site:
    return make_site(engine, keys, tmp_path)


@pytest.fixture
def quick(
    sqlite_url: str, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """A site on SQLite that does not wait long for a lock, and tries again soon."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT", timedelta(milliseconds=50))
    monkeypatch.setattr(writer_module, "RETRY_EVERY", timedelta(milliseconds=20))
    engine = open_engine(sqlite_url)
    yield make_site(engine, keys, tmp_path)
    engine.dispose()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks around often and does not drain for long."""
    monkeypatch.setattr(engine_module, "LOOK_EVERY", timedelta(milliseconds=20))
    monkeypatch.setattr(engine_module, "DRAIN", timedelta(milliseconds=300))


def on_call(number: int, act: Callable[[], None]) -> Callable[[int], None]:
    """Return a `before` that acts in one call of the provider."""

    def before(call: int) -> None:
        if call == number:
            act()

    return before


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- everyone once ----------------------------------------------------------------------------


def test_everyone_finds_one_copy_in_the_practice_mailbox(site: Site) -> None:
    seen: list[tuple[int, int, int]] = []

    tally = site.dispatcher(Practice(site.folder / "mailbox")).run_once(
        lambda *progress: seen.append(progress)
    )

    assert len(list((site.folder / "mailbox/new").iterdir())) == 40
    assert tally.changes == {SUBMITTED: 40}
    assert (tally.started, tally.completed, tally.left) == ([site.issue_id], [site.issue_id], 0)
    assert site.states() == {SUBMITTED: 40}
    assert site.issue().practice
    assert seen[-1] == (site.issue_id, 40, 40)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_everyone_is_handed_over_once_on_several_connections(site: Site) -> None:
    provider = site.scripted(connections=4, turn_size=3)

    site.dispatcher(provider).run_once()

    assert provider.recorded() == site.everyone()
    assert provider.open_now == 0
    assert site.issue().state is IssueState.COMPLETED


def test_each_turn_tells_who_probably_comes_first_in_the_next(site: Site) -> None:
    provider = site.scripted(turn_size=3)

    site.dispatcher(provider).run_once()

    comes_next = [ahead for _, ahead in provider.announced]
    came = [numbers[0] for numbers, _ in provider.announced[1:]]
    ends = [at for at, ahead in enumerate(comes_next) if ahead is None]
    assert ends[-1] == len(came)  # nobody comes after the last turn of a batch
    assert 1 <= len(ends) < len(comes_next)
    assert all(at in ends or comes_next[at] == came[at] for at in range(len(came)))


def test_a_second_run_sends_nothing(site: Site) -> None:
    provider = site.scripted()
    site.dispatcher(provider).run_once()

    tally = site.dispatcher(provider).run_once()

    assert (tally.started, tally.changes, tally.left) == ([], {}, 0)
    assert provider.recorded() == site.everyone()


def test_two_dispatchers_never_meet_on_one_delivery(site: Site) -> None:
    provider = site.scripted(connections=2)
    threads = [threading.Thread(target=site.dispatcher(provider).run_once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert provider.recorded() == site.everyone()
    assert site.states() == {SUBMITTED: 40}


def test_the_same_bulletin_goes_out_for_real_after_practice(site: Site) -> None:
    site.dispatcher(Practice(site.folder / "mailbox")).run_once()
    with writing(site.engine) as session:
        bulletin_id = session.get_one(Issue, site.issue_id).bulletin_id
        again = add_issue(session, site.keys, site.list_id, bulletin_id)
    provider = site.scripted()

    site.dispatcher(provider).run_once()

    assert provider.recorded() == site.everyone()
    with reading(site.engine) as session:
        assert states_of(session, again) == {SUBMITTED: 40}


def test_a_person_on_two_lists_gets_one_bulletin_once(site: Site) -> None:
    with writing(site.engine) as session:
        other = add_list(session, "monthly")
        subscribe(session, other, site.people[:10])
        bulletin_id = session.get_one(Issue, site.issue_id).bulletin_id
        add_issue(session, site.keys, other, bulletin_id)
    provider = site.scripted(connections=3)

    site.dispatcher(provider).run_once()

    assert provider.recorded() == site.everyone()


# --- stopped on the way -----------------------------------------------------------------------


def test_a_pause_holds_before_the_next_call_and_resuming_loses_nobody(site: Site) -> None:
    provider = site.scripted(before=on_call(7, lambda: site.set_issue(IssueState.PAUSED)))

    tally = site.dispatcher(provider).run_once()

    assert provider.calls == 7
    assert site.states() == {SUBMITTED: 7, PENDING: 33}
    assert tally.left == 33
    site.set_issue(IssueState.SENDING)
    site.dispatcher(provider).run_once()
    assert provider.recorded() == site.everyone()


@pytest.mark.transition("v")
def test_a_cancelled_issue_says_who_has_it(site: Site) -> None:
    provider = site.scripted(before=on_call(7, lambda: site.set_issue(IssueState.CANCELLED)))

    site.dispatcher(provider).run_once()

    assert provider.calls == 7
    assert site.states() == {SUBMITTED: 7, EXCLUDED: 33}
    assert site.issue().state is IssueState.CANCELLED


def test_an_unsubscribe_holds_for_copies_that_wait(site: Site) -> None:
    def leave() -> None:
        with writing(site.engine) as session:
            last = Subscription.subscriber_id == site.people[-1]
            subscription_id = session.scalars(select(Subscription.id).where(last)).one()
            unsubscribe(session, subscription_id, "one-click", MONDAY)

    provider = site.scripted(before=on_call(3, leave))

    site.dispatcher(provider).run_once()

    assert set(provider.recorded()) == set(site.everyone()) - {address_of(site.people[-1])}
    assert site.reasons()[address_of(site.people[-1])] is Reason.UNSUBSCRIBED
    assert site.states() == {SUBMITTED: 39, EXCLUDED: 1}


def test_a_stop_finishes_what_is_on_the_way_and_returns_the_rest(site: Site) -> None:
    stop = threading.Event()
    provider = site.scripted(before=on_call(5, stop.set))

    tally = site.dispatcher(provider).run_once(stop=stop)

    assert provider.calls == 5
    assert site.states() == {SUBMITTED: 5, PENDING: 35}
    assert tally.left == 35
    with reading(site.engine) as session:
        assert session.scalars(select(Batch.id).where(Batch.lease_until.is_not(None))).all() == []
    site.dispatcher(provider).run_once()
    assert provider.recorded() == site.everyone()


def test_a_call_that_takes_too_long_after_a_stop_is_cut(site: Site, soon: None) -> None:
    stop = threading.Event()
    provider = site.scripted(say=lambda r: Outcome(r.delivery_id, Answer.UNKNOWN))

    def hang(_call: int) -> None:
        stop.set()
        provider.cut.wait(20)

    provider.before = hang

    site.dispatcher(provider).run_once(stop=stop)

    assert site.states() == {UNKNOWN: 1, PENDING: 39}


# --- the service ------------------------------------------------------------------------------


@contextmanager
def served(dispatcher: Dispatcher) -> Iterator[None]:
    """Run the service meanwhile; it must stop at once afterwards."""
    stop = threading.Event()
    service = threading.Thread(target=dispatcher.run, args=(stop,))
    service.start()
    try:
        yield
    finally:
        stop.set()
        service.join(20)
        assert not service.is_alive()


def test_the_service_starts_an_issue_when_it_is_due(site: Site, soon: None) -> None:
    site.now = MONDAY - timedelta(hours=1)
    provider = site.scripted(connections=2)

    with served(site.dispatcher(provider)):
        early = provider.calls
        site.now = MONDAY
        wait_until(lambda: site.issue().state is IssueState.COMPLETED)
        wait_until(lambda: provider.open_now == 0)  # idle conversations are ended

    assert early == 0
    assert provider.recorded() == site.everyone()


@pytest.fixture
def rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks around once an hour: what happens at once happens because of a glance."""
    monkeypatch.setattr(engine_module, "LOOK_EVERY", timedelta(hours=1))


def test_resuming_takes_hold_without_waiting_for_the_next_look(site: Site, rarely: None) -> None:
    provider = site.scripted(before=on_call(7, lambda: site.set_issue(IssueState.PAUSED)))
    with served(site.dispatcher(provider)):
        wait_until(lambda: site.states() == {SUBMITTED: 7, PENDING: 33})

        site.set_issue(IssueState.SENDING)

        wait_until(lambda: site.states() == {SUBMITTED: 40})
    assert provider.recorded() == site.everyone()


def test_what_becomes_due_starts_without_waiting_for_the_next_look(
    site: Site, rarely: None
) -> None:
    site.now = MONDAY - timedelta(hours=1)
    provider = site.scripted()
    dispatcher, looked = site.dispatcher(provider), threading.Event()

    def due(session: Session, now: datetime) -> Sequence[int]:
        looked.set()
        return course.due_issues(session, now)

    dispatcher.due = due
    with served(dispatcher):
        assert looked.wait(20)

        site.now = MONDAY

        wait_until(lambda: site.states() == {SUBMITTED: 40})
    assert provider.recorded() == site.everyone()


def test_what_is_due_and_may_not_start_yet_is_looked_at_once(
    site: Site, rarely: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "GLANCE_EVERY", timedelta(milliseconds=5))
    looks, glances = list[int](), list[int]()
    dispatcher = site.dispatcher(site.scripted())

    def clock() -> datetime:
        glances.append(1)
        return site.now

    def due(_session: Session, _now: datetime) -> Sequence[int]:
        looks.append(1)
        return []

    dispatcher.due = due
    dispatcher.clock = clock
    with served(dispatcher):
        wait_until(lambda: len(glances) > 40)

    assert len(looks) == 2  # at the start, and when a glance saw it first
    assert site.issue().state is IssueState.SCHEDULED


def test_the_service_comes_back_to_those_who_were_put_off(site: Site, soon: None) -> None:
    put_off = set(site.everyone())

    def say(recipient: Recipient) -> Outcome:
        if recipient.address in put_off:
            put_off.discard(recipient.address)
            return Outcome(recipient.delivery_id, Answer.TRY_LATER, Reason.TRY_LATER)
        return Outcome(recipient.delivery_id, Answer.ACCEPTED)

    provider = site.scripted(say=say, turn_size=10)

    with served(site.dispatcher(provider)):
        wait_until(lambda: not put_off)
        wait_until(lambda: site.states() == {PENDING: 40})
        site.now = MONDAY + FIRST_WAIT
        wait_until(lambda: site.issue().state is IssueState.COMPLETED)

    assert provider.recorded() == site.everyone()


def test_what_waits_for_a_time_does_not_keep_one_run_busy(site: Site) -> None:
    provider = site.scripted(say=lambda r: Outcome(r.delivery_id, Answer.TRY_LATER), turn_size=40)

    tally = site.dispatcher(provider).run_once()

    assert provider.calls == 4
    assert (tally.changes, tally.left) == ({PENDING: 40}, 40)


# --- faults -----------------------------------------------------------------------------------


@pytest.mark.transition("h", "i", "j", "k")
def test_each_answer_leads_to_its_state(site: Site) -> None:
    answers = {
        address_of(site.people[0]): (Answer.REFUSED, Reason.ADDRESS_REFUSED),
        address_of(site.people[1]): (Answer.TRY_LATER, Reason.TRY_LATER),
        address_of(site.people[2]): (Answer.UNKNOWN, Reason.ANSWER_LOST),
    }

    def say(recipient: Recipient) -> Outcome:
        answer, reason = answers.get(recipient.address, (Answer.ACCEPTED, None))
        return Outcome(recipient.delivery_id, answer, reason)

    site.dispatcher(site.scripted(say=say, turn_size=7)).run_once()

    assert site.states() == {SUBMITTED: 37, FAILED: 1, PENDING: 1, UNKNOWN: 1}
    reasons = site.reasons()
    assert {address: reasons[address] for address in answers} == {
        address: reason for address, (_, reason) in answers.items()
    }


def test_a_wrong_key_stops_the_issue_and_tells_staff(site: Site) -> None:
    provider = site.scripted(
        say=lambda r: Outcome(
            r.delivery_id, Answer.SENDER_FAULT, sentence="The key is wrong: correct it."
        ),
        connections=3,
    )

    tally = site.dispatcher(provider).run_once()

    assert site.states() == {PENDING: 40}
    assert provider.calls <= 3
    assert tally.left == 40
    issue = site.issue()
    assert (issue.state, issue.pause_reason) == (
        IssueState.PAUSED,
        "The key is wrong: correct it.",
    )
    with reading(site.engine) as session:
        assert len(session.scalars(select(Notice.id)).all()) == 1


def test_a_provider_that_breaks_its_promise_leaves_unknowns_not_repeats(site: Site) -> None:
    def fail() -> None:
        raise RuntimeError("a mistake with person1@example.org in it")

    provider = site.scripted(before=on_call(2, fail), turn_size=10)

    site.dispatcher(provider).run_once()

    assert site.states() == {SUBMITTED: 30, UNKNOWN: 10}
    assert len(provider.recorded()) == 30


def test_an_address_that_does_not_open_stops_nobody_else(site: Site) -> None:
    with writing(site.engine) as session:
        damaged = Subscriber.id == site.people[3]
        session.execute(update(Subscriber).where(damaged).values(address=b"\x01" + bytes(40)))

    tally = site.dispatcher(site.scripted()).run_once()

    assert tally.changes == {SUBMITTED: 39, FAILED: 1}
    assert site.reasons()[address_of(site.people[3])] is Reason.ADDRESS_UNUSABLE


def test_who_was_erased_after_the_freeze_is_left_out(site: Site) -> None:
    def erase() -> None:
        gone = site.people[-5:]
        with writing(site.engine) as session:
            session.execute(delete(Subscription).where(Subscription.subscriber_id.in_(gone)))
            session.execute(delete(Subscriber).where(Subscriber.id.in_(gone)))

    tally = site.dispatcher(site.scripted(before=on_call(1, erase))).run_once()

    assert tally.changes == {SUBMITTED: 35, EXCLUDED: 5}


def test_an_email_damaged_after_the_start_stops_the_issue(site: Site) -> None:
    def damage() -> None:
        with writing(site.engine) as session:
            session.execute(update(Edition).values(hash=b"w" * 32))

    stop = threading.Event()
    provider = site.scripted(before=on_call(1, stop.set))
    site.dispatcher(provider).run_once(stop=stop)
    damage()

    site.dispatcher(provider).run_once()

    assert site.states() == {SUBMITTED: 1, PENDING: 39}
    assert site.issue().state is IssueState.PAUSED
    assert "not the one that was approved" in (site.issue().pause_reason or "")


def test_an_issue_that_changed_after_its_approval_does_not_start(site: Site) -> None:
    with writing(site.engine) as session:
        session.execute(update(Issue).values(version_hash=b"w" * 32))

    tally = site.dispatcher(site.scripted()).run_once()

    assert tally.started == []
    assert (site.issue().state, site.issue().hold) == (IssueState.DRAFT, True)


def test_an_issue_moved_at_the_last_moment_does_not_start(site: Site) -> None:
    dispatcher = site.dispatcher(site.scripted())
    dispatcher.due = lambda _session, _now: [site.issue_id]
    with writing(site.engine) as session:
        session.execute(update(Issue).values(due_at=MONDAY + timedelta(days=1)))

    tally = dispatcher.run_once()

    assert tally.started == []
    assert site.issue().state is IssueState.SCHEDULED


def test_an_intent_that_was_made_too_late_is_not_used(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = site.scripted()
    times = iter([0.0] * 2)  # the first claim and turn; a hundred seconds later they are durable
    monkeypatch.setattr(engine_module, "boot_clock", lambda: next(times, 100.0))

    site.dispatcher(provider).run_once()

    assert provider.recorded() == site.everyone()
    with reading(site.engine) as session:
        assert set(session.scalars(select(Delivery.tries))) == {1}


# --- the database -----------------------------------------------------------------------------


def test_a_locked_database_delays_and_loses_nothing(quick: Site) -> None:
    somebody = sqlite3.connect(
        quick.folder / "newsletter.db", isolation_level=None, check_same_thread=False
    )

    def lock() -> None:
        somebody.execute("BEGIN IMMEDIATE")
        threading.Timer(0.5, somebody.execute, ("COMMIT",)).start()

    provider = quick.scripted(before=on_call(3, lock))

    quick.dispatcher(provider).run_once()

    assert provider.recorded() == quick.everyone()
    assert quick.states() == {SUBMITTED: 40}
    somebody.close()


@pytest.mark.fault("F5")
def test_a_database_locked_for_good_sends_nothing_and_says_why(quick: Site) -> None:
    somebody = sqlite3.connect(quick.folder / "newsletter.db", isolation_level=None)
    somebody.execute("BEGIN IMMEDIATE")
    provider = quick.scripted()

    with pytest.raises(DatabaseUnavailable, match="in use by another process"):
        quick.dispatcher(provider).run_once()
    assert provider.calls == 0
    somebody.close()


@pytest.mark.fault("F6")
def test_a_full_disk_keeps_the_answers_until_there_is_room(quick: Site) -> None:
    full = threading.Event()

    @event.listens_for(quick.engine, "begin")
    def limit(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar() if full.is_set() else 10**9
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        full.set()
        threading.Timer(0.5, full.clear).start()

    long_words = "x" * 20_000  # needs new pages
    provider = quick.scripted(
        say=lambda r: Outcome(r.delivery_id, Answer.REFUSED, reply=long_words),
        before=on_call(3, fill),
    )

    quick.dispatcher(provider).run_once()

    assert provider.calls == 40
    assert quick.states() == {FAILED: 40}


@pytest.mark.parametrize("happened", [True, False])
@pytest.mark.fault("F7")
def test_a_commit_without_an_answer_sends_nobody_twice(
    site: Site, monkeypatch: pytest.MonkeyPatch, happened: bool
) -> None:
    monkeypatch.setattr(writer_module, "RETRY_EVERY", timedelta(milliseconds=1))
    commit = site.engine.dialect.do_commit
    lose_the_next = threading.Event()

    def sometimes_lost(connection: PoolProxiedConnection) -> None:
        lost = lose_the_next.is_set() and threading.current_thread().name == "ledger"
        if lost and not happened:
            site.engine.dialect.do_rollback(connection)
        else:
            commit(connection)
        if lost:  # it held the answers of one turn and the intent of the next
            lose_the_next.clear()
            raise site.engine.dialect.loaded_dbapi.OperationalError("the connection broke")

    monkeypatch.setattr(site.engine.dialect, "do_commit", sometimes_lost)
    provider = site.scripted(
        turn_size=3, after=lambda call: lose_the_next.set() if call % 2 else None
    )

    site.dispatcher(provider).run_once()

    assert provider.recorded() == site.everyone()
    assert site.states() == {SUBMITTED: 40}
    with reading(site.engine) as session:
        assert set(session.scalars(select(Delivery.tries))) == {1}


def test_a_lost_lock_is_taken_anew(postgres_url: str, keys: Keys, tmp_path: Path) -> None:
    engine = open_engine(postgres_url)
    site = make_site(engine, keys, tmp_path)

    def cut() -> None:
        with engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks"
                    " WHERE locktype = 'advisory' AND objsubid = 2"
                )
            )
        time.sleep(1.5)  # long enough for a look around

    provider = site.scripted(before=on_call(3, cut), connections=2)

    site.dispatcher(provider).run_once()

    assert provider.recorded() == site.everyone()
    assert site.states() == {SUBMITTED: 40}
    engine.dispose()


def test_another_bulletin_on_the_same_list_goes_to_everybody(site: Site) -> None:
    with writing(site.engine) as session:
        other = add_bulletin(session, site.list_id, "next week")
        add_issue(session, site.keys, site.list_id, other)
    provider = site.scripted()

    site.dispatcher(provider).run_once()

    assert provider.recorded() == dict.fromkeys(site.everyone(), 2)
