"""The dispatcher under limits, slowing down, in doubt, and with the first hundred: all once."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from newsletter.config import Provider as ProviderSettings
from newsletter.config import Settings
from newsletter.dispatch import course, send_rest
from newsletter.dispatch import engine as engine_module
from newsletter.dispatch.engine import Dispatcher
from newsletter.dispatch.pace import PROBE_WAITS, RUN
from newsletter.dispatch.retry import FIRST_WAIT
from newsletter.issue import Actor, Desk, cancel
from newsletter.message import Recipient
from newsletter.notices import submit_notices
from newsletter.providers.base import Answer, Outcome, Provider
from newsletter.providers.practice import Practice
from newsletter.providers.sendgrid import SendGrid
from newsletter.providers.smtp import SmtpRelay
from newsletter.tables import (
    Attempt,
    Batch,
    Delivery,
    DeliveryState,
    Issue,
    IssueState,
    Notice,
    Pace,
    Reason,
    Trial,
)
from subscribers.database import reading, writing
from subscribers.privacy import Keys
from tests.audiences import MONDAY, address_of
from tests.office import TEMPLATES
from tests.servers.sendgrid import KEY, Mishap, sendgrid_server
from tests.servers.smtp import Fault, smtp_server
from tests.test_dispatch import Site, make_site, on_call, served, wait_until

PENDING, IN_FLIGHT, SUBMITTED, FAILED, UNKNOWN, EXCLUDED = DeliveryState


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LOOK_EVERY", timedelta(milliseconds=20))


@pytest.fixture
def engine(warm_engine: Engine) -> Engine:
    """Both databases, with statements that are compiled once for all tests."""
    return warm_engine


@pytest.fixture
def site(engine: Engine, keys: Keys, tmp_path: Path) -> Site:
    return make_site(engine, keys, tmp_path)


RUTH = Actor("ruth@example.org", "command")


@pytest.fixture
def large(engine: Engine, keys: Keys, tmp_path: Path) -> Site:
    return make_site(engine, keys, tmp_path, count=150)


def dispatcher(site: Site, provider: Provider, **limits: object) -> Dispatcher:
    settings = Settings(provider=ProviderSettings.model_validate(limits))
    return Dispatcher(site.engine, site.keys, settings, provider, site.clock)


def pass_time(site: Site, step: timedelta, until: Callable[[], bool]) -> None:
    """Let the clock run, a step every few milliseconds."""

    def done() -> bool:
        site.now += step
        return until()

    wait_until(done)


def pace_row(site: Site) -> Pace:
    with reading(site.engine) as session:
        return session.scalars(select(Pace)).one()


def sizes(site: Site) -> list[int]:
    """How many people each call was for, in the order of their intents."""
    with reading(site.engine) as session:
        return list(session.scalars(select(Attempt.size).order_by(Attempt.id)))


def said_to_staff(site: Site) -> list[str]:
    """Return every notice as the letter that staff would get."""
    mailbox = site.folder / "staff"
    settings = Settings.model_validate({"staff": {"notify": ["office@example.org"]}})
    submit_notices(site.engine, site.keys, settings, Practice(mailbox), TEMPLATES, site.now)
    letters = [file.read_text() for file in sorted((mailbox / "new").glob("*"))]
    return [letter.replace("=\n", "").replace("\n", " ") for letter in letters]


def is_completed(site: Site) -> bool:
    return site.issue().state is IssueState.COMPLETED


# --- limits ---------------------------------------------------------------------------------


def test_a_daily_quota_spreads_an_issue_over_days(site: Site) -> None:
    provider = site.scripted(turn_size=10)
    work = dispatcher(site, provider, per_day=25)

    first = work.run_once()
    again = work.run_once()
    early = sum(provider.recorded().values())
    site.now += timedelta(days=1)
    second = work.run_once()

    assert (first.changes, first.left, again.changes) == ({SUBMITTED: 25}, 15, {})
    assert early == 25
    assert second.changes == {SUBMITTED: 15}
    assert provider.recorded() == site.everyone()


def test_those_who_came_first_go_first(site: Site) -> None:
    provider = site.scripted()

    dispatcher(site, provider, per_day=25).run_once()

    assert set(provider.recorded()) == {address_of(number) for number in site.people[:25]}


def test_two_dispatchers_share_one_day(site: Site) -> None:
    providers = [site.scripted(connections=2, turn_size=3) for _ in range(2)]
    threads = [
        threading.Thread(target=dispatcher(site, provider, per_day=25).run_once)
        for provider in providers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(providers[0].recorded().values()) == 25
    assert site.states() == {SUBMITTED: 25, PENDING: 15}


def test_a_restart_in_mid_day_keeps_what_was_used(site: Site) -> None:
    stop = threading.Event()
    provider = site.scripted(before=on_call(10, stop.set))
    dispatcher(site, provider, per_day=25).run_once(stop=stop)

    dispatcher(site, provider, per_day=25).run_once()

    assert provider.calls == 25


def test_a_rate_is_kept_by_all_connections(site: Site) -> None:
    provider = site.scripted(connections=3, turn_size=10)
    work = dispatcher(site, provider, per_second=2)

    with served(work):
        wait_until(lambda: provider.calls == 1)
        pass_time(site, timedelta(milliseconds=100), lambda: is_completed(site))

    assert provider.recorded() == site.everyone()
    assert set(sizes(site)) == {2}  # a second's worth at most
    # The hundredth of a second that may be made good, at each end.
    assert site.now - MONDAY >= timedelta(seconds=19 - 2 * 0.1)


def test_one_run_waits_for_the_rate(site: Site) -> None:
    provider = site.scripted(connections=2)
    work = dispatcher(site, provider, per_second=200)
    work.clock = lambda: datetime.now(UTC)

    tally = work.run_once()

    assert tally.left == 0
    assert provider.recorded() == site.everyone()


@pytest.mark.parametrize("state", [IssueState.PAUSED, IssueState.CANCELLED])
@pytest.mark.parametrize("per_second", [0.6, 0.01])  # waits with its batch, or without
def test_no_wait_for_the_pace_delays_a_pause(
    site: Site, state: IssueState, per_second: float
) -> None:
    provider = site.scripted()

    with served(dispatcher(site, provider, per_second=per_second)):
        wait_until(lambda: provider.calls == 1)
        site.set_issue(state)
        wait_until(lambda: _leases(site) == 0)

    assert provider.calls == 1


def _leases(site: Site) -> int:
    with reading(site.engine) as session:
        return len(session.scalars(select(Batch.id).where(Batch.lease_until.is_not(None))).all())


def test_limits_hold_in_practice_too_and_do_not_touch_the_real_ones(site: Site) -> None:
    tally = dispatcher(site, Practice(site.folder / "mailbox"), per_day=25).run_once()

    assert (tally.changes, tally.left) == ({SUBMITTED: 25}, 15)
    assert pace_row(site).provider == "practice"


# --- slower ---------------------------------------------------------------------------------


def put_off_once(**more: object) -> Callable[[Recipient], Outcome]:
    """Return a `say` that puts off the first who comes, and takes everybody else."""
    asked = threading.Event()

    def say(recipient: Recipient) -> Outcome:
        if not asked.is_set():
            asked.set()
            return Outcome(recipient.delivery_id, Answer.TRY_LATER, Reason.TRY_LATER, **more)  # type: ignore[arg-type]  # any field
        return Outcome(recipient.delivery_id, Answer.ACCEPTED)

    return say


def test_the_whole_provider_waits_as_long_as_it_asks(site: Site) -> None:
    say = put_off_once(slow_down=True, retry_after=timedelta(seconds=30))
    provider = site.scripted(say=say, connections=1)

    with served(dispatcher(site, provider)):
        wait_until(lambda: bool(provider.calls) and _leases(site) == 0)
        site.now += timedelta(seconds=29)
        hold = pace_row(site).hold_until
        calls = provider.calls
        pass_time(site, timedelta(seconds=2), lambda: is_completed(site))

    assert calls == 1
    assert hold is not None
    assert timedelta(seconds=30) <= hold - MONDAY <= timedelta(seconds=33)
    assert provider.recorded() == site.everyone()
    assert site.now >= MONDAY + FIRST_WAIT


def test_somebody_elses_delay_holds_nobody_up(site: Site) -> None:
    provider = site.scripted(say=put_off_once())

    dispatcher(site, provider).run_once()

    assert site.states() == {SUBMITTED: 39, PENDING: 1}


def test_a_mail_server_that_says_421_is_fed_more_slowly_and_recovers(
    sqlite_url: str, keys: Keys, tmp_path: Path, engine: Engine
) -> None:
    site = make_site(engine, keys, tmp_path, count=16)
    with smtp_server(tmp_path, scripted=True) as server:
        server.plan(Fault("mail", "421 4.7.0 too many messages, slow down\n", nth=1))
        relay = SmtpRelay(server.settings(connections=2), "")
        lowered = []

        def look() -> bool:
            with reading(site.engine) as session:
                lowered.append(session.scalar(select(Pace.per_second)))
            return is_completed(site)

        with served(dispatcher(site, relay)):
            wait_until(lambda: len(server.heard()) > 1)
            pass_time(site, timedelta(seconds=3), look)
        taken = [message.recipients[0] for message in server.taken()]

    assert sorted(taken) == sorted(site.everyone())
    assert 100 in [rate and rate // 100 * 100 for rate in lowered]
    assert lowered[-1] is None


def test_a_429_of_sendgrid_is_obeyed_for_everybody(
    engine: Engine, keys: Keys, tmp_path: Path
) -> None:
    site = make_site(engine, keys, tmp_path)
    with sendgrid_server(tmp_path) as server:
        server.plan(Mishap(status=429, headers={"Retry-After": "40"}, nth=1))
        provider = SendGrid(server.settings(batch_size=10), KEY)

        with served(dispatcher(site, provider)):
            wait_until(lambda: pace_hold(site) is not None and _leases(site) == 0)
            calls = len(server.requests())
            hold = pace_hold(site)
            pass_time(site, timedelta(seconds=2), lambda: is_completed(site))
        copies = [copy.address for copy in server.copies()]

    assert calls <= provider.connections  # those that were on their way at that moment
    assert hold is not None
    assert hold >= MONDAY + timedelta(seconds=40)
    assert sorted(copies) == sorted(site.everyone())


def pace_hold(site: Site) -> datetime | None:
    with reading(site.engine) as session:
        return session.scalar(select(Pace.hold_until))


# --- in doubt -------------------------------------------------------------------------------


def test_after_a_lost_answer_one_person_goes_first(site: Site) -> None:
    def say(recipient: Recipient) -> Outcome:
        lost = recipient.address in {address_of(number) for number in site.people[:10]}
        answer = Answer.UNKNOWN if lost else Answer.ACCEPTED
        return Outcome(recipient.delivery_id, answer)

    dispatcher(site, site.scripted(say=say, turn_size=10)).run_once()

    assert site.states() == {UNKNOWN: 10, SUBMITTED: 30}
    assert sizes(site)[:2] == [10, 1]
    assert max(sizes(site)[2:]) > 1
    assert pace_row(site).breaker_until is None


def test_connections_that_wait_for_a_probe_go_on_after_it(site: Site) -> None:
    provider = site.scripted(
        connections=3, before=on_call(2, lambda: (_ for _ in ()).throw(RuntimeError("broken")))
    )

    dispatcher(site, provider).run_once()

    assert site.states() == {UNKNOWN: 1, SUBMITTED: 39}


def test_a_run_of_lost_answers_pauses_the_issue_and_tells_staff(site: Site) -> None:
    provider = site.scripted(
        say=lambda r: Outcome(r.delivery_id, Answer.UNKNOWN), connections=2, turn_size=5
    )

    with served(dispatcher(site, provider)):
        pass_time(site, timedelta(seconds=20), lambda: site.issue().state is IssueState.PAUSED)

    assert site.states()[UNKNOWN] <= 2 * 5 + RUN - 1
    assert site.now - MONDAY >= sum(PROBE_WAITS, timedelta())
    reason = site.issue().pause_reason or ""
    assert f"{RUN} times in a row nobody could tell" in reason
    with reading(site.engine) as session:
        assert len(session.scalars(select(Notice.id)).all()) == 1
    provider.say = lambda r: Outcome(r.delivery_id, Answer.ACCEPTED)
    before = site.states()[UNKNOWN]
    site.set_issue(IssueState.SENDING)
    dispatcher(site, provider).run_once()
    assert site.states() == {UNKNOWN: before, SUBMITTED: 40 - before}


def test_the_death_of_a_process_counts_once_not_once_a_person(site: Site) -> None:
    stop = threading.Event()
    provider = site.scripted(turn_size=10, before=on_call(2, stop.set))
    dispatcher(site, provider).run_once(stop=stop)
    with writing(site.engine) as session:  # the ten of its last call were in its hands
        submitted = select(Delivery.id).where(Delivery.state == SUBMITTED)
        ten = session.scalars(submitted.order_by(Delivery.id).limit(10)).all()
        session.execute(update(Delivery).where(Delivery.id.in_(ten)).values(state=IN_FLIGHT))
        worker = session.scalars(select(Attempt.worker_id).limit(1)).one()
        first = select(Batch.id).order_by(Batch.first_id).limit(1).scalar_subquery()
        session.execute(
            update(Batch).where(Batch.id == first).values(worker_id=worker, due_at=site.now)
        )
        session.execute(update(Issue).values(state=IssueState.PAUSED))

    dispatcher(site, provider).run_once()

    assert site.states()[UNKNOWN] == 10
    assert pace_row(site).doubts == 1


def test_deaths_in_a_row_stop_what_is_being_sent(site: Site) -> None:
    run = engine_module._Run(
        dispatcher(site, site.scripted()), threading.Event(), until_idle=True, progress=_unseen
    )
    run._look()
    with writing(site.engine) as session:
        for _ in range(RUN):
            stops = run._gate.process_died(session, site.now)
        assert stops is not None
        course.pause_all(session, site.keys, stops, site.now)
    run._writer.close(timedelta(seconds=1))
    run._presence.leave()

    assert site.issue().state is IssueState.PAUSED


def _unseen(*_: object) -> None:
    return None


# --- the first hundred ------------------------------------------------------------------------


def test_the_first_hundred_go_alone_and_then_all_connections_at_once(large: Site) -> None:
    together = threading.Barrier(3, timeout=20)  # three calls at the same time, or an error
    alone: list[int] = []

    def before(call: int) -> None:
        if call <= 10:
            alone.append(provider.open_now)
        elif call <= 13:
            together.wait()

    provider = large.scripted(connections=3, before=before, turn_size=10)
    dispatcher(large, provider).run_once()

    assert set(alone) == {1}
    assert provider.recorded() == large.everyone()


def test_the_service_lets_all_connections_go_once_the_first_are_judged(large: Site) -> None:
    together = threading.Barrier(3, timeout=20)
    provider = large.scripted(
        turn_size=10,
        connections=3,
        before=lambda call: together.wait() and None if 10 < call <= 13 else None,
    )

    with served(dispatcher(large, provider)):
        wait_until(lambda: is_completed(large))

    assert provider.recorded() == large.everyone()


def test_the_rest_of_an_issue_cancelled_among_its_first_hundred_begins_with_them(
    large: Site,
) -> None:
    alone: list[int] = []

    def before(call: int) -> None:
        if call == 3:
            with writing(large.engine) as session:
                desk = Desk(large.keys, Settings(), TEMPLATES)
                cancel(session, desk, large.issue_id, RUTH, large.now)
        if call <= 10:
            alone.append(provider.open_now)

    provider = large.scripted(connections=3, before=before, turn_size=10)
    dispatcher(large, provider).run_once()
    had = sum(provider.recorded().values())
    with writing(large.engine) as session:
        found = send_rest(session, large.keys, large.issue_id, RUTH, large.now)

    dispatcher(large, provider).run_once()

    assert (had, found.taken) == (30, 120)
    assert set(alone) == {1}
    assert provider.recorded() == large.everyone()


def refusing(large: Site, count: int) -> Callable[[Recipient], Outcome]:
    bad = {address_of(number) for number in large.people[:count]}

    def say(recipient: Recipient) -> Outcome:
        if recipient.address in bad:
            return Outcome(recipient.delivery_id, Answer.REFUSED, Reason.ADDRESS_REFUSED)
        return Outcome(recipient.delivery_id, Answer.ACCEPTED)

    return say


def test_too_many_refusals_among_the_first_hundred_stop_the_issue(large: Site) -> None:
    provider = large.scripted(say=refusing(large, 12), connections=3, turn_size=10)

    dispatcher(large, provider).run_once()

    assert large.states() == {SUBMITTED: 88, FAILED: 12, PENDING: 50}
    assert large.issue().state is IssueState.PAUSED
    (letter,) = said_to_staff(large)
    assert "12 of the first 100 people were refused for good" in letter
    assert "Nobody was marked" not in letter
    large.set_issue(IssueState.SENDING)
    dispatcher(large, provider).run_once()
    assert large.states() == {SUBMITTED: 138, FAILED: 12}


def test_a_few_refusals_stop_nothing(large: Site) -> None:
    dispatcher(
        large, large.scripted(say=refusing(large, 9), connections=3, turn_size=10)
    ).run_once()

    assert large.states() == {SUBMITTED: 141, FAILED: 9}


def test_the_first_hundred_are_judged_even_when_their_process_died(large: Site) -> None:
    provider = large.scripted(before=on_call(10, lambda: _lose_the_lock(large)), turn_size=10)

    dispatcher(large, provider).run_once()

    assert provider.recorded() == large.everyone()
    with reading(large.engine) as session:
        assert session.scalars(select(Trial.judged_at)).one() is not None


def _lose_the_lock(site: Site) -> None:
    """Let the trial's batch end as the sweep ends it, with nobody there to judge it."""
    with writing(site.engine) as session:
        trial = session.scalars(select(Trial.batch_id)).one()
        session.execute(
            update(Batch)
            .where(Batch.id == trial)
            .values(fence=Batch.fence + 1, lease_until=None, due_at=None)
        )


def test_who_was_put_off_among_the_first_holds_nobody_up(large: Site) -> None:
    provider = large.scripted(say=put_off_once(), connections=2, turn_size=10)

    dispatcher(large, provider).run_once()

    assert large.states() == {SUBMITTED: 149, PENDING: 1}


def test_nothing_follows_first_hundred_who_were_all_put_off(large: Site) -> None:
    say = lambda r: Outcome(r.delivery_id, Answer.TRY_LATER, Reason.TRY_LATER)  # noqa: E731
    provider = large.scripted(say=say, connections=2, turn_size=10)

    dispatcher(large, provider).run_once()
    tried = provider.calls
    large.now += FIRST_WAIT
    provider.say = refusing(large, 0)
    dispatcher(large, provider).run_once()

    assert tried == 10
    assert large.states() == {SUBMITTED: 150}


def test_practice_has_no_first_hundred(large: Site) -> None:
    dispatcher(large, Practice(large.folder / "mailbox")).run_once()

    assert large.states() == {SUBMITTED: 150}
    with reading(large.engine) as session:
        assert session.scalars(select(Trial.issue_id)).all() == []


# --- a short note when all went well ------------------------------------------------------------


def test_staff_are_told_when_an_issue_is_through(site: Site) -> None:
    def say(recipient: Recipient) -> Outcome:
        number = int(recipient.address[6:].partition("@")[0]) - site.people[0]
        answers = {0: Answer.UNKNOWN, 1: Answer.REFUSED}
        return Outcome(recipient.delivery_id, answers.get(number, Answer.ACCEPTED))

    dispatcher(site, site.scripted(say=say)).run_once()

    (letter,) = said_to_staff(site)
    assert f"Subject: Issue {site.issue_id} has gone out " in letter
    assert "is through: a scripted provider took 38 copies." in letter
    assert "1 is not certain: a person decides" in letter
    assert "1 did not get it" in letter
    assert "deliveries 1 --state unknown" in letter
    assert "deliveries 1 --state failed" in letter
    assert "example.org" not in letter.partition("38 copies")[2].partition("a person")[0]


def test_a_note_about_practice_says_so(site: Site) -> None:
    dispatcher(site, Practice(site.folder / "mailbox")).run_once()

    (letter,) = said_to_staff(site)
    assert f"Subject: Issue {site.issue_id} has gone out, as practice" in letter
    assert "This was practice: nothing left this machine." in letter
