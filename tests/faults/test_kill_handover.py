"""Processes killed between any two steps of an early hand-over, or of its stop.

The oracle is what the server lets go at the issue's time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from newsletter.report import deliveries, report
from newsletter.tables import DeliveryState, Issue
from subscribers.database import open_engine, reading, writing
from subscribers.privacy import Keys
from tests.audiences import add_issue, add_list, add_people, address_of
from tests.faults.handing_over import Work, do, run
from tests.faults.processes import SITE_KEY
from tests.servers.sendgrid import SendGridServer, sendgrid_server

PEOPLE, BATCH = 30, 10
KEYS = Keys(SITE_KEY)
AHEAD = timedelta(minutes=24)
SUBMITTED, UNKNOWN = DeliveryState.SUBMITTED, DeliveryState.UNKNOWN


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SendGridServer]:
    with sendgrid_server(tmp_path_factory.mktemp("kill-handover")) as server:
        yield server


@pytest.fixture
def server(running: SendGridServer) -> SendGridServer:
    running.forget()
    return running


@pytest.fixture(autouse=True)
def unarmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process itself does ends at no failpoint, and leaves none behind."""
    monkeypatch.setenv("NEWSLETTER_FAILPOINT", "")


def prepare_work(url: str, server: SendGridServer) -> Work:
    engine = open_engine(url)
    now = datetime.now(UTC)
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, KEYS, list_id, PEOPLE)
        issue_id = add_issue(session, KEYS, list_id, due_at=now + AHEAD)
        session.execute(update(Issue).values(not_before=now))
    engine.dispose()
    return Work(url, server.settings(BATCH, hand_over_minutes=25), issue_id)


def states(work: Work) -> dict[str, DeliveryState]:
    engine = open_engine(work.url)
    with reading(engine) as session:
        assert report(session, work.issue_id).adds_up
        rows = {row.email: row.state for row in deliveries(session, KEYS, work.issue_id)}
    engine.dispose()
    assert set(rows) == {address_of(number) for number in range(1, PEOPLE + 1)}
    return rows


def check(work: Work, server: SendGridServer) -> None:
    """Nobody twice; whoever is submitted has it, and whoever is not is unknown."""
    whole_second = timedelta(seconds=1)  # SendGrid's times have no parts of one
    gone, rows = server.gone_out(datetime.now(UTC) + AHEAD + whole_second), states(work)
    unknown = {email for email, state in rows.items() if state is UNKNOWN}
    assert set(rows.values()) <= {SUBMITTED, UNKNOWN}
    assert set(gone.values()) == {1}
    assert set(rows) - unknown <= set(gone)
    assert len(unknown) <= BATCH


@pytest.mark.parametrize(
    "failpoint",
    [
        "batch-named",
        "batch-stored",
        "freeze-written",
        "frozen",
        "claimed:2",
        "turn-written:2",
        "intended:2",
        "submitted:2",
        "released:2",
    ],
)
def test_killed_while_it_hands_over(
    sqlite_url: str, server: SendGridServer, failpoint: str
) -> None:
    work = prepare_work(sqlite_url, server)

    ended = run(work._replace(failpoint=failpoint))
    do(work)
    do(work._replace(later=AHEAD))

    assert ended == 137
    check(work, server)


@pytest.mark.transition("w")
@pytest.mark.parametrize("stop", ["cancel", "pause"])
@pytest.mark.parametrize("failpoint", ["stop-asked", "stop-answered", "stop-written"])
def test_killed_while_it_stops(
    sqlite_url: str, server: SendGridServer, failpoint: str, stop: str
) -> None:
    work = prepare_work(sqlite_url, server)
    do(work)

    ended = run(work._replace(failpoint=failpoint, stop=stop))
    do(work._replace(later=timedelta(seconds=31)))

    assert ended == 137
    left = DeliveryState.EXCLUDED if stop == "cancel" else DeliveryState.PENDING
    assert set(states(work).values()) == {left}
    assert not server.gone_out(datetime.now(UTC) + AHEAD)


def test_stopped_after_it_was_killed_in_the_middle(sqlite_url: str, server: SendGridServer) -> None:
    work = prepare_work(sqlite_url, server)

    ended = run(work._replace(failpoint="submitted:2"))
    do(work._replace(stop="cancel"))
    do(work)  # the copies on the way had no owner any more: now they are not certain

    assert ended == 137
    assert set(states(work).values()) == {DeliveryState.EXCLUDED, UNKNOWN}
    assert not server.gone_out(datetime.now(UTC) + AHEAD)
