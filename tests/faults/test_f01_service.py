"""F1: the whole service, pages and all, killed at any moment: what it has answered is there."""

import http.client
import multiprocessing.connection
import signal
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from newsletter.config import Secrets, SendGrid, Settings
from newsletter.service import Service
from newsletter.site import Site
from newsletter.tables import DeliveryState, Issue, IssueState, ProviderEvent
from subscribers.database import open_engine, reading
from subscribers.privacy import Keys, Purpose
from subscribers.tables import ConsentEvent, MailingList, Subscription, SubscriptionState
from tests.faults.figures import Figures
from tests.faults.oracle import KEYS, compare, prepare
from tests.faults.processes import SITE_KEY, fork, killed, wait_for
from tests.faults.receivers import receiver
from tests.faults.sizes import count, dice
from tests.pages import FORM, ask, site_on
from tests.signed import Signer, posted

pytestmark = pytest.mark.fault("F1")

SIGNER = Signer()
PEOPLE, LEAVERS, POSTS, EVENTS = 60, 30, 8, 5  # for each kill
NOBODY = 1_000_000  # a delivery that there is not: what is reported of it changes nobody


@dataclass
class Calls:
    """What somebody outside asks for, again and again until it is answered."""

    make: Callable[[int, int], int]  # with a port and a number; returns the status
    good: int
    waiting: deque[int] = field(default_factory=deque)
    answered: list[int] = field(default_factory=list)

    def make_all(self, port: int) -> None:
        """Go on until nothing waits or the line breaks."""
        while self.waiting:
            try:
                status = self.make(port, self.waiting[0])
            except (OSError, http.client.HTTPException):
                return
            assert status == self.good
            self.answered.append(self.waiting.popleft())


def leave(port: int, subscription_id: int) -> int:
    path = "/u/" + KEYS.token(Purpose.UNSUBSCRIBE, subscription_id)
    return ask(port, "POST", path, b"List-Unsubscribe=One-Click", {"Content-Type": FORM}).status


def report(port: int, number: int) -> int:
    body = posted(
        [
            {
                "event": "processed",
                "sg_event_id": f"event-{number}-{at}",
                "timestamp": 1795435100,
                "pb_d": KEYS.token(Purpose.DELIVERY, NOBODY + number),
                "pb_a": str(NOBODY),
            }
            for at in range(EVENTS)
        ]
    )
    return ask(port, "POST", "/events/sendgrid", body, SIGNER.headers(body)).status


def serve(folder: Path, settings: Settings, told: multiprocessing.connection.Connection) -> None:
    """Do what `newsletter run` does; tell the port."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    engine = open_engine(f"sqlite:///{folder / 'newsletter.db'}")
    site = Site(folder, settings, Secrets(SITE_KEY, "", ""), Keys(SITE_KEY), engine)

    def say(sentence: str) -> None:
        if sentence.startswith("Pages: "):
            told.send(int(sentence.split("/")[2].rpartition(":")[2]))

    Service(site, lambda: datetime.now(UTC)).run(stop, say)
    engine.dispose()


def who_leave(engine: Engine, issue_id: int) -> list[int]:
    with reading(engine) as session:
        return list(
            session.scalars(
                select(Subscription.id)
                .join(MailingList, MailingList.id == Subscription.list_id)
                .join(Issue, Issue.list_id == MailingList.id)
                .where(Issue.id == issue_id)
                .order_by(Subscription.id)
                .limit(LEAVERS)
            )
        )


def check_answered(engine: Engine, leaving: Calls, reporting: Calls) -> None:
    """Whatever was answered is there, once; nothing that was never asked is."""
    with reading(engine) as session:
        left = session.scalars(
            select(Subscription.id).where(Subscription.state == SubscriptionState.UNSUBSCRIBED)
        ).all()
        kept = session.execute(
            select(ProviderEvent.event_id, func.count()).group_by(ProviderEvent.event_id)
        ).all()
        told = session.execute(
            select(ConsentEvent.subscription_id, func.count())
            .where(ConsentEvent.channel == "one-click")
            .group_by(ConsentEvent.subscription_id)
        ).all()
    assert set(leaving.answered) <= set(left)
    assert {number for number, _ in told} == set(left)
    assert {times for _, times in told} <= {1}
    assert {times for _, times in kept} <= {1}
    assert len(kept) >= EVENTS * len(reporting.answered)
    assert len(kept) % EVENTS == 0  # a post is kept whole or not at all


def test_the_service_at_any_moment(sqlite_url: str, tmp_path: Path, figures: Figures) -> None:
    chance = dice("F1", "service")
    kills = count(2, 60, 300)
    site = site_on(open_engine(sqlite_url), tmp_path)
    account = SendGrid(webhook_public_keys=(SIGNER.public_key,))
    provider = site.settings.provider.model_copy(update={"sendgrid": account})
    web = site.settings.web.model_copy(update={"port": 0})
    settings = site.settings.model_copy(update={"provider": provider, "web": web})
    (tmp_path / "bulletins").mkdir()
    leaving, reporting = Calls(leave, 200), Calls(report, 204)
    issues: list[int] = []

    def run(seconds: float | None) -> None:
        """Serve, with calls coming in; kill it after so long, or end it when all is done."""
        process, port = fork(serve, tmp_path, settings)
        callers = [
            threading.Thread(target=calls.make_all, args=(port,)) for calls in (leaving, reporting)
        ]
        for caller in callers:
            caller.start()
        if seconds is None:
            for caller in callers:
                caller.join()
            wait_for(lambda: states_of_issues() == {IssueState.COMPLETED})
            process.terminate()
            process.join(60)
            assert process.exitcode == 0
        else:
            process.join(seconds)
            assert killed(process)
        for caller in callers:
            caller.join()

    def states_of_issues() -> set[IssueState]:
        with reading(site.engine) as session:
            return set(session.scalars(select(Issue.state)))

    for number in range(kills):
        issues += prepare(site.engine, PEOPLE)
        leaving.waiting.extend(who_leave(site.engine, issues[-1]))
        reporting.waiting.extend(range(number * POSTS, (number + 1) * POSTS))
        run(chance.uniform(0, 0.6))
        check_answered(site.engine, leaving, reporting)
    run(None)

    check_answered(site.engine, leaving, reporting)
    assert not leaving.waiting
    assert not reporting.waiting
    unsent = 0
    with receiver("practice", tmp_path) as mailbox:
        copies = mailbox.taken()
        taker = replace(mailbox, taken=lambda: copies)  # read once, and not for each issue
        for issue_id in issues:
            found = compare(site.engine, issue_id, taker, some_left=True)
            assert (found.twice, found.lost, found.unknown) == (0, 0, 0)
            unsent += found.states[DeliveryState.EXCLUDED]
    site.engine.dispose()
    figures(
        "F1",
        kills=kills,
        people_who_left=len(leaving.answered),
        before_their_turn=unsent,
        events=EVENTS * len(reporting.answered),
        answers_not_kept=0,
        people=PEOPLE * kills,
        twice=0,
        lost=0,
        unknown=0,
    )
