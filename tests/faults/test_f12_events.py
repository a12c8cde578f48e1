"""F12: processes killed while they keep or apply what a provider reports.

That events may come shuffled, again and many at once is shown by tests of the events themselves.
"""

import http.client
import multiprocessing.connection
import os
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from newsletter.config import Secrets, SendGrid, Settings
from newsletter.service import Service
from newsletter.site import Site
from newsletter.tables import DeliveryState, ProviderEvent
from newsletter.web import serve
from subscribers.database import open_engine, reading, writing
from subscribers.privacy import Keys, Purpose
from tests.conftest import NOON
from tests.faults.figures import Figures
from tests.faults.processes import fork
from tests.pages import SITE_KEY, ask, site_in
from tests.signed import NOW, Gone, Signer, became, hand_over_all, posted

pytestmark = pytest.mark.fault("F12")

PATH = "/events/sendgrid"
SIGNER = Signer()
COPIES = 5


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = site_in(tmp_path)
    sendgrid = SendGrid(webhook_public_keys=(SIGNER.public_key,))
    provider = made.settings.provider.model_copy(update={"sendgrid": sendgrid})
    made.engine.dispose()
    return opened(tmp_path, made.settings.model_copy(update={"provider": provider}))


@pytest.fixture
def gone(site: Site) -> Gone:
    with writing(site.engine) as session:
        return hand_over_all(session, site.keys, COPIES, DeliveryState.UNKNOWN)


def opened(folder: Path, settings: Settings) -> Site:
    engine = open_engine(f"sqlite:///{folder / 'newsletter.db'}")
    return Site(folder, settings, Secrets(SITE_KEY, "", ""), Keys(SITE_KEY), engine)


def keep(
    folder: Path,
    settings: Settings,
    failpoint: str,
    told: multiprocessing.connection.Connection,
) -> None:
    os.environ["NEWSLETTER_FAILPOINT"] = failpoint
    with serve(opened(folder, settings), lambda: NOON, "127.0.0.1", 0) as running:
        told.send(running.port)
        time.sleep(60)


def apply(
    folder: Path,
    settings: Settings,
    failpoint: str,
    told: multiprocessing.connection.Connection,
) -> None:
    os.environ["NEWSLETTER_FAILPOINT"] = failpoint
    told.send("ready")
    Service(opened(folder, settings), lambda: NOW)._apply_events()


def body(site: Site, gone: Gone) -> bytes:
    return posted(
        [
            {
                "event": "delivered",
                "sg_event_id": f"delivered-{number}",
                "sg_message_id": "abc.filter",
                "timestamp": 1795435100,
                "category": [f"i{gone.issue_id}"],
                "pb_d": site.keys.token(Purpose.DELIVERY, number),
                "pb_a": str(gone.attempt_id),
            }
            for number in gone.deliveries
        ]
    )


def kept(site: Site) -> int:
    with reading(site.engine) as session:
        return session.scalars(select(func.count()).select_from(ProviderEvent)).one()


@pytest.mark.parametrize("failpoint", ["events-written", "events-kept"])
def test_what_was_not_answered_comes_again_and_counts_once(
    site: Site, gone: Gone, failpoint: str, figures: Figures
) -> None:
    events = body(site, gone)
    process, port = fork(keep, site.folder, site.settings, failpoint)

    with pytest.raises((http.client.HTTPException, ConnectionError)):
        ask(port, "POST", PATH, events, SIGNER.headers(events))
    process.join(30)
    before = kept(site)
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        answer = ask(running.port, "POST", PATH, events, SIGNER.headers(events))

    assert process.exitcode == 137
    assert before == (COPIES if failpoint == "events-kept" else 0)
    assert (answer.status, kept(site)) == (204, COPIES)
    Service(site, lambda: NOW)._apply_events()
    states = {became(site.engine, number).state for number in gone.deliveries}
    assert states == {DeliveryState.SUBMITTED}
    figures("F12", kills=1, events=COPIES, kept=COPIES)


def test_what_was_applied_is_not_applied_again(site: Site, gone: Gone, figures: Figures) -> None:
    events = body(site, gone)
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        ask(running.port, "POST", PATH, events, SIGNER.headers(events))

    process, _ = fork(apply, site.folder, site.settings, "events-applied")
    process.join(30)
    first = [became(site.engine, number) for number in gone.deliveries]
    Service(site, lambda: NOW)._apply_events()

    assert process.exitcode == 137
    assert [became(site.engine, number) for number in gone.deliveries] == first
    assert {one.state for one in first} == {DeliveryState.SUBMITTED}
    figures("F12", kills=1, events=COPIES, kept=COPIES)
