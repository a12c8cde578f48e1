"""Issues that SendGrid gets before their time: what goes out, and what a stop stops."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update

from newsletter import issue as issues
from newsletter.config import Provider as ProviderSettings
from newsletter.config import Settings
from newsletter.dispatch import (
    course,
    due_early,
    freeze,
    ledger,
    look_after,
    prepare,
    send_rest,
    submit_copy,
)
from newsletter.dispatch.engine import Dispatcher
from newsletter.dispatch.handover import FORGET_AFTER, MOST_HELD, leave_to_their_time
from newsletter.errors import NotAllowed
from newsletter.events import lists_wanted
from newsletter.issue import Actor, Desk, describe
from newsletter.providers.base import boot_clock
from newsletter.providers.reported import NoAnswer
from newsletter.providers.sendgrid import SendGrid
from newsletter.providers.sendgrid.holding import SendGridHolding
from newsletter.rendering import Templates
from newsletter.report import report
from newsletter.tables import (
    Delivery,
    DeliveryState,
    HandOver,
    Issue,
    IssueState,
    Notice,
    ProviderLook,
    Reason,
    Stop,
)
from subscribers.database import reading, writing
from subscribers.privacy import Keys
from tests.audiences import add_issue, add_list, add_people, address_of, states_of
from tests.scripted import Scripted
from tests.servers.sendgrid import KEY, Mishap, SendGridServer, sendgrid_server

PENDING, IN_FLIGHT, SUBMITTED, FAILED, UNKNOWN, EXCLUDED = DeliveryState
RUTH = Actor("ruth@example.org", "command")
ROOT = Path(__file__).parents[1]
STOPS = "/v3/user/scheduled_sends"
PEOPLE = 12


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SendGridServer]:
    with sendgrid_server(tmp_path_factory.mktemp("handover")) as server:
        yield server


@pytest.fixture
def server(running: SendGridServer) -> SendGridServer:
    running.forget()
    return running


@pytest.fixture
def engine(warm_engine: Engine) -> Engine:
    """Fresh rows in a database whose statements are compiled already."""
    return warm_engine


@dataclass
class Site:
    """An issue to twelve people whose time is in 24 minutes, and SendGrid."""

    engine: Engine
    keys: Keys
    server: SendGridServer
    list_id: int
    issue_id: int
    now: datetime
    time: datetime
    minutes: int = 25
    _asked: SendGridHolding | None = None  # made once: reading the certificates takes a while

    @property
    def settings(self) -> Settings:
        sendgrid = self.server.settings(batch_size=5, hand_over_minutes=self.minutes)
        return Settings(provider=ProviderSettings(kind="sendgrid", sendgrid=sendgrid))

    def desk(self) -> Desk:
        return Desk(self.keys, self.settings, Templates([ROOT / "templates"]))

    def holding(self) -> SendGridHolding:
        if self._asked is None or self._asked.ahead != timedelta(minutes=self.minutes):
            self._asked = SendGridHolding(self.settings.provider.sendgrid, KEY)
        return self._asked

    def dispatcher(self, provider: Scripted | None = None) -> Dispatcher:
        due = lambda session, now: [*course.due_issues(session, now), *due_early(session, now)]  # noqa: E731
        return Dispatcher(
            self.engine,
            self.keys,
            self.settings,
            provider or SendGrid(self.settings.provider.sendgrid, KEY),
            lambda: self.now,
            due=due,
        )

    def work(self) -> None:
        """Do what the service does, until nothing is left that needs no waiting."""
        self.look()
        prepare(self.engine, self.holding(), self.now)
        self.dispatcher().run_once()

    def look(self) -> None:
        look_after(self.engine, self.keys, self.settings, self.holding(), lambda: self.now)

    def pause(self) -> None:
        with writing(self.engine) as session:
            issues.pause(session, self.desk(), self.issue_id, RUTH, self.now)

    def resume(self) -> None:
        with writing(self.engine) as session:
            issues.resume(session, self.desk(), self.issue_id, RUTH, self.now)

    def cancel(self) -> None:
        with writing(self.engine) as session:
            issues.cancel(session, self.desk(), self.issue_id, RUTH, self.now)

    def at(self, **before: int) -> None:
        """Let it be so long before the issue's time."""
        self.now = self.time - timedelta(**before)

    def held(self) -> HandOver | None:
        with reading(self.engine) as session:
            return session.get(HandOver, self.issue_id)

    def stop_state(self) -> Stop:
        held = self.held()
        assert held is not None
        return held.stop

    def words(self) -> str:
        with reading(self.engine) as session:
            return describe(session, self.keys, self.settings, self.issue_id).held or ""

    def state(self) -> IssueState:
        with reading(self.engine) as session:
            return session.get_one(Issue, self.issue_id).state

    def states(self) -> dict[DeliveryState, int]:
        with reading(self.engine) as session:
            assert report(session, self.issue_id).adds_up
            return states_of(session, self.issue_id)

    def gone_out(self) -> Counter[str]:
        return self.server.gone_out(self.now)


EVERYONE = Counter(address_of(number) for number in range(1, PEOPLE + 1))


@pytest.fixture
def site(engine: Engine, keys: Keys, server: SendGridServer) -> Site:
    now = datetime.now(UTC).replace(microsecond=0)
    time = now + timedelta(minutes=24)
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, PEOPLE)
        issue_id = add_issue(session, keys, list_id, due_at=time)
        session.execute(update(Issue).values(not_before=now - timedelta(minutes=1)))
    return Site(engine, keys, server, list_id, issue_id, now, time)


def test_an_issue_is_handed_over_early_under_one_batch_id_and_goes_out_at_its_time(
    site: Site,
) -> None:
    site.work()
    early = (site.state(), site.states(), site.gone_out(), site.words())
    site.at(seconds=0)
    site.work()

    bodies = site.server.bodies()
    assert {body["send_at"] for body in bodies} == {int(site.time.timestamp())}
    assert len(bodies) > 1
    assert len({body["batch_id"] for body in bodies}) == 1
    assert early[:3] == (IssueState.SENDING, {SUBMITTED: PEOPLE}, Counter())
    assert early[3].startswith("12 copies are handed over, to go out at ")
    assert site.state() is IssueState.COMPLETED
    assert site.gone_out() == EVERYONE
    assert site.held() is None


def test_it_is_off_by_default_and_costs_no_call(site: Site) -> None:
    assert Settings().provider.sendgrid.hand_over_minutes == 0
    site.minutes = 0

    site.work()

    assert site.held() is None
    assert not site.server.requests()
    assert site.state() is IssueState.SCHEDULED


@pytest.mark.parametrize("why", ["late", "waits", "no batch id", "no slot", "another clock"])
def test_otherwise_it_goes_out_in_the_ordinary_way(site: Site, why: str) -> None:
    if why == "late":
        site.at(minutes=19)
    elif why == "waits":
        with writing(site.engine) as session:
            session.execute(update(Issue).values(not_before=site.now + timedelta(minutes=10)))
    elif why == "no batch id":
        site.server.plan(Mishap(500, path="/v3/mail/batch"))
    elif why == "another clock":
        raw = "HTTP/1.1 201 C\r\nDate: Mon, 23 Nov 2020 12:00:00 GMT\r\nContent-Length: 17\r\n\r\n"
        site.server.plan(Mishap(raw=raw + '{"batch_id":"b1"}', path="/v3/mail/batch"))
    else:
        fill_slots(site)

    site.work()
    before = site.state()
    site.at(seconds=0)
    site.server.plan()
    site.work()

    assert before is IssueState.SCHEDULED
    assert not any("send_at" in body or "batch_id" in body for body in site.server.bodies())
    assert site.gone_out() == EVERYONE
    assert site.state() is IssueState.COMPLETED


def fill_slots(site: Site) -> None:
    with writing(site.engine) as session:
        for number in range(MOST_HELD):
            other = add_issue(session, site.keys, site.list_id, due_at=site.time)
            session.execute(
                update(Issue).where(Issue.id == other).values(state=IssueState.CANCELLED)
            )
            session.add(
                HandOver(
                    issue_id=other,
                    provider="sendgrid",
                    batch_id=f"other{number}",
                    send_at=site.time,
                    stop=Stop.CONFIRMED,
                    takes_slot=True,
                )
            )


@pytest.mark.transition("w")
def test_cancelling_in_time_stops_everybody(site: Site) -> None:
    site.work()
    site.at(minutes=12)

    site.cancel()
    asking = site.words()
    site.look()

    assert "has not confirmed it yet" in asking
    assert site.states() == {EXCLUDED: PEOPLE}
    with reading(site.engine) as session:
        assert set(session.scalars(select(Delivery.reason))) == {Reason.CANCELLED}
    assert "the provider confirmed it" in site.words()
    site.at(seconds=-1)
    site.work()
    assert not site.gone_out()
    assert site.state() is IssueState.CANCELLED


def test_a_stop_that_sendgrid_refuses_says_that_they_go_out(site: Site) -> None:
    site.work()
    site.server.plan(Mishap(403, path=STOPS))
    site.cancel()

    site.look()

    assert site.stop_state() is Stop.REFUSED
    assert site.states() == {SUBMITTED: PEOPLE}
    assert site.words().startswith("12 copies were handed over and are not stopped")
    with reading(site.engine) as session:
        assert session.scalar(select(func.count()).where(Notice.key.startswith("hand-over-stop/")))
    site.at(seconds=0)
    assert site.gone_out() == EVERYONE


def test_cancelling_too_late_stops_only_what_is_not_handed_over(site: Site) -> None:
    site.work()
    site.at(minutes=9)

    site.cancel()
    site.look()

    assert site.stop_state() is Stop.NONE
    assert site.states() == {SUBMITTED: PEOPLE}
    assert "are not stopped" in site.words()
    assert not site.server.stops()


@pytest.mark.parametrize("arrives", [True, False], ids=["it arrived", "it did not"])
def test_a_stop_whose_answer_was_lost_is_settled_by_what_sendgrid_shows(
    site: Site, arrives: bool
) -> None:
    site.work()
    site.server.plan(Mishap(take=arrives, nth=1, path=STOPS), Mishap(500, nth=2, path=STOPS))
    site.cancel()
    site.look()
    doubtful = (site.stop_state(), site.states())

    site.look()  # somebody is asking already
    asked_once = site.stop_state()
    site.now += timedelta(seconds=31)
    site.look()

    assert doubtful == (Stop.ASKED, {SUBMITTED: PEOPLE})
    assert asked_once is Stop.ASKED
    assert site.states() == {EXCLUDED: PEOPLE}
    assert list(site.server.stops().values()) == ["cancel"]


def test_a_refusal_proves_nothing_once_a_stop_was_in_doubt(site: Site) -> None:
    site.work()
    site.server.plan(Mishap(take=True, nth=1, path=STOPS), Mishap(500, nth=2, path=STOPS))
    site.cancel()
    site.look()
    site.server.plan(Mishap(403, path=STOPS))
    site.now += timedelta(seconds=31)
    site.look()
    refused = site.stop_state()

    site.server.plan()
    site.now += timedelta(seconds=31)
    site.look()

    assert refused is Stop.ASKED
    assert site.states() == {EXCLUDED: PEOPLE}


@pytest.mark.parametrize("arrives", [True, False], ids=["it arrived", "it did not"])
def test_after_the_last_moment_a_doubtful_stop_is_only_looked_up(site: Site, arrives: bool) -> None:
    site.work()
    site.server.plan(Mishap(take=arrives, nth=1, path=STOPS), Mishap(500, nth=2, path=STOPS))
    site.cancel()
    site.look()
    site.at(minutes=10, seconds=-1)
    site.look()
    too_early_to_tell = site.stop_state()

    site.at(minutes=8)
    site.look()

    assert too_early_to_tell is Stop.ASKED
    assert site.states() == ({EXCLUDED: PEOPLE} if arrives else {SUBMITTED: PEOPLE})
    site.at(seconds=0)
    assert site.gone_out() == (Counter() if arrives else EVERYONE)


def test_a_pause_takes_everybody_back_and_resuming_sends_them_at_their_time(site: Site) -> None:
    site.work()
    site.pause()
    with pytest.raises(NotAllowed, match="still being asked"):
        site.resume()
    site.look()
    paused = (site.state(), site.states())

    site.resume()
    site.work()
    waits = site.states()
    site.at(seconds=0)
    site.work()

    assert paused == (IssueState.PAUSED, {PENDING: PEOPLE})
    assert waits == {PENDING: PEOPLE}
    assert site.gone_out() == EVERYONE
    assert site.state() is IssueState.COMPLETED


def test_resuming_after_a_refused_stop_goes_on_under_the_batch_id(site: Site) -> None:
    site.work()
    site.server.plan(Mishap(401, path=STOPS))
    site.pause()
    site.look()

    site.resume()
    site.work()

    assert site.state() is IssueState.SENDING
    assert site.states() == {SUBMITTED: PEOPLE}
    site.at(seconds=0)
    site.work()
    assert site.gone_out() == EVERYONE


def test_a_stop_waits_for_what_is_on_the_way(site: Site) -> None:
    site.work()
    with writing(site.engine) as session:
        one = session.scalar(select(func.min(Delivery.id)))
        session.execute(update(Delivery).where(Delivery.id == one).values(state=IN_FLIGHT))
    site.cancel()
    site.look()
    waits = site.stop_state()

    site.at(minutes=10)
    site.look()

    assert waits is Stop.WANTED
    assert site.stop_state() is Stop.REFUSED  # too late to ask
    assert not site.server.stops()


@pytest.mark.transition("w")
def test_who_is_not_certain_stays_so(site: Site) -> None:
    site.server.plan(Mishap(500, nth=3, path="/v3/mail/send"))
    site.work()
    unknown = site.states().get(UNKNOWN, 0)

    site.cancel()
    site.look()

    assert unknown > 0
    assert site.states().get(UNKNOWN) == unknown
    assert SUBMITTED not in site.states()


def test_the_rest_goes_out_at_the_time_and_not_under_the_cancelled_batch(site: Site) -> None:
    site.work()
    with writing(site.engine) as session:
        one = session.scalar(select(func.min(Delivery.id)))
        session.execute(
            update(Delivery).where(Delivery.id == one).values(state=FAILED, reason=Reason.GAVE_UP)
        )
    site.cancel()
    with writing(site.engine) as session, pytest.raises(NotAllowed, match="still being asked"):
        send_rest(session, site.keys, site.issue_id, RUTH, site.now)
    site.look()

    with writing(site.engine) as session:
        send_rest(session, site.keys, site.issue_id, RUTH, site.now)
    site.work()
    early = site.gone_out()
    site.at(seconds=0)
    site.work()

    assert not early
    assert site.gone_out() == EVERYONE


def test_nobody_gets_one_more_copy_before_the_first(site: Site) -> None:
    site.work()

    with pytest.raises(NotAllowed, match="has not gone out yet"):
        submit_copy(
            site.engine,
            site.keys,
            site.settings,
            SendGrid(site.settings.provider.sendgrid, KEY),
            site.issue_id,
            address_of(1),
            RUTH,
            lambda: site.now,
        )


def test_a_batch_that_was_claimed_before_a_stop_is_taken_away(site: Site) -> None:
    """Otherwise its holder would go on under the batch id, which swallows everything."""
    prepare(site.engine, site.holding(), site.now)
    deadlines = site.dispatcher().deadlines()
    with writing(site.engine) as session:
        freeze(session, site.keys, site.issue_id, False, 5, 4, site.now)
        held = ledger.claim(session, 1, False, deadlines, lambda *_: False, "sendgrid")
    assert held is not None
    site.pause()
    site.look()
    site.resume()

    with writing(site.engine) as session:
        turn = ledger.turn(
            session, site.keys, held, 1, range(held.first_id, held.last_id + 1), None, deadlines
        )
        again = ledger.claim(session, 1, False, deadlines, lambda *_: False, "sendgrid")

    assert held.hold is not None
    assert not turn.goes_on
    assert turn.intent is None
    assert again is None  # it waits for its time


def test_a_cancellation_is_forgotten_only_after_the_time(site: Site) -> None:
    site.work()
    site.cancel()
    site.look()
    site.at(minutes=-30)
    site.look()
    soon = list(site.server.stops().values())

    site.now = site.time + FORGET_AFTER + timedelta(seconds=1)
    site.server.plan(Mishap(500, path=STOPS))
    site.look()
    refused = site.held()
    site.server.plan()
    site.look()

    held = site.held()
    assert soon == ["cancel"]
    assert refused is not None
    assert refused.takes_slot
    assert list(site.server.stops().values()) == [""]
    assert held is not None
    assert not held.takes_slot


def test_a_move_before_it_began_gets_a_new_batch_or_none(site: Site) -> None:
    prepare(site.engine, site.holding(), site.now)
    first = site.held()
    with writing(site.engine) as session:
        session.execute(update(Issue).values(due_at=site.time - timedelta(minutes=3)))
    prepare(site.engine, site.holding(), site.now)
    second = site.held()

    with writing(site.engine) as session:
        session.execute(update(Issue).values(due_at=site.now))
    site.work()

    assert first is not None
    assert second is not None
    assert first.batch_id != second.batch_id
    assert site.held() is None
    assert site.gone_out() == EVERYONE


def test_another_provider_hands_nothing_over_before_the_time(site: Site, tmp_path: Path) -> None:
    prepare(site.engine, site.holding(), site.now)
    other = Scripted(tmp_path / "record")

    site.dispatcher(other).run_once()
    before = other.recorded()
    site.at(seconds=0)
    site.dispatcher(other).run_once()

    assert not before
    assert other.recorded() == EVERYONE


def test_a_copy_of_the_database_uses_no_batch_of_the_original(site: Site) -> None:
    prepare(site.engine, site.holding(), site.now)
    with writing(site.engine) as session:
        freeze(session, site.keys, site.issue_id, False, 5, 4, site.now)
        leave_to_their_time(session, site.now)

    site.work()
    early = site.server.bodies()
    site.at(seconds=0)
    site.work()

    assert not early
    assert site.gone_out() == EVERYONE


def test_the_suppression_lists_are_pulled_before_an_early_hand_over(site: Site) -> None:
    with writing(site.engine) as session:
        session.add(
            ProviderLook(
                provider="sendgrid",
                subject="lists",
                succeeded_at=site.now - timedelta(hours=2),
            )
        )
    with reading(site.engine) as session:
        before = lists_wanted(session, "sendgrid", site.now)

    prepare(site.engine, site.holding(), site.now)

    with reading(site.engine) as session:
        assert not before
        assert lists_wanted(session, "sendgrid", site.now)


@pytest.mark.parametrize("answer", ["", "[1]", '{"batch_id": "b x"}', '{"batch_id": 3'])
def test_an_answer_that_names_no_batch_is_none(server: SendGridServer, answer: str) -> None:
    server.plan(Mishap(201, body=answer))

    with pytest.raises(NoAnswer, match="no batch id"):
        SendGridHolding(server.settings(), KEY).new_batch()


@pytest.mark.parametrize(
    ("shown", "stopped"),
    [
        (Mishap(404), False),
        (Mishap(500), None),
        (Mishap(200, body="["), None),
        (Mishap(200, body="[1]"), None),
        (Mishap(200, body='[{"batch_id": "b", "status": "pause"}]'), False),
        (Mishap(200, body='[{"batch_id": "b", "status": "cancel"}]'), True),
        (Mishap(raw="HTTP/1.1 2"), None),
    ],
)
def test_what_sendgrid_shows_of_a_stop(
    server: SendGridServer, shown: Mishap, stopped: bool | None
) -> None:
    server.plan(shown)

    assert SendGridHolding(server.settings(), KEY).is_stopped("b") is stopped


@pytest.mark.parametrize("status", [0, 408, 500, 302])
def test_a_stop_without_a_clear_answer_is_no_refusal(server: SendGridServer, status: int) -> None:
    server.plan(Mishap(status, nth=1))  # and then SendGrid shows no cancellation

    assert SendGridHolding(server.settings(), KEY).stop("b", boot_clock() + 5) is None


def test_a_stop_that_comes_too_late_does_not_leave(server: SendGridServer) -> None:
    assert SendGridHolding(server.settings(), KEY).stop("b", boot_clock() - 1) is None

    assert all(request["path"] != STOPS for request in server.requests())


def test_what_was_closed_asks_nothing(server: SendGridServer) -> None:
    holding = SendGridHolding(server.settings(), KEY)
    holding.close()

    with pytest.raises(NoAnswer) as silence:
        holding.new_batch()

    assert silence.value.stopped
    assert not holding.forget("b")
    assert not server.requests()
