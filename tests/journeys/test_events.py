"""What becomes of the mail afterwards, on a whole site with a server shaped like SendGrid."""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter.events import bounces
from newsletter.service import Service
from newsletter.site import open_site
from newsletter.tables import Delivery
from subscribers.database import reading
from subscribers.privacy import Purpose
from tests.journeys.conftest import TrialSite, people_csv
from tests.journeys.test_service import Clock, eventually, running
from tests.pages import ask
from tests.servers.sendgrid import KEY, Mishap, SendGridServer, sendgrid_server
from tests.signed import Signer, posted

SIGNER = Signer()


@pytest.fixture
def server(site: TrialSite, tmp_path: Path, mended: Path) -> Iterator[SendGridServer]:
    """A site that sends by SendGrid: 25 readers, and an issue that is due now."""
    (tmp_path / "server").mkdir()
    with sendgrid_server(tmp_path / "server") as server:
        site.configure(
            provider__kind="sendgrid",
            provider__sendgrid__base_url=server.base_url,
            provider__sendgrid__webhook_public_keys=[SIGNER.public_key],
            provider__sendgrid__batch_size=10,
            provider__sendgrid__connections=1,
        )
        os.environ["SENDGRID_API_KEY"] = KEY
        file = people_csv(tmp_path / "people.csv", 25)
        assert site("subscribers", "import", file, "--basis", "explicit-consent").status == 0
        added = site("bulletin", "add", mended, "--json").json
        assert site("issue", "draft", added["id"], "--at", "now").status == 0
        yield server


def events_of(site: TrialSite, event: str, **more: object) -> bytes:
    """Return one event for each delivery of the site, as SendGrid posts them."""
    place = open_site(site.folder)
    with reading(place.engine) as session:
        rows = session.execute(select(Delivery.id, Delivery.subscriber_id, Delivery.attempt_id))
        entries = [
            {
                "event": event,
                "sg_event_id": f"{event}-{row.id}",
                "timestamp": int(datetime.now(UTC).timestamp()),
                "email": f"reader{row.subscriber_id - 1}@example.org",
                "pb_d": place.keys.token(Purpose.DELIVERY, row.id),
                "pb_a": str(row.attempt_id),
                **more,
            }
            for row in rows
            if row.attempt_id is not None
        ]
    place.engine.dispose()
    return posted(entries)


def test_lists_come_before_an_issue_and_events_settle_what_was_not_certain(
    site: TrialSite, server: SendGridServer
) -> None:
    listed = {"created": 1_700_000_000, "email": "reader3@example.org"}
    # After the four lists comes the first request for mail.
    server.plan(Mishap(502, take=True, nth=5), lists={"bounces": [listed]})
    once = site("dispatch", "--once")
    before = site("issue", "report", 1, "--json").json
    server.plan(lists={"bounces": [listed]})

    with running(site, Clock(datetime.now(UTC) + timedelta(seconds=5))) as service:
        body = events_of(site, "delivered")
        answers = [
            ask(service.port, "POST", "/events/sendgrid", body, SIGNER.headers(body)).status
            for _ in range(3)
        ]
        refused = ask(service.port, "POST", "/events/sendgrid", body, {}).status
        eventually(
            lambda: (
                site("issue", "report", 1, "--json").json["outcome"]["delivered"]
                == before["deliveries"]
            )
        )
    after = site("issue", "report", 1, "--json").json

    paths = [request["path"] for request in server.requests()]
    assert once.status == 1
    assert paths[0].startswith("/v3/suppression/")
    assert before["exclusions"]["suppressed"] == 1
    assert before["sending"]["unknown"] > 0
    assert (answers, refused) == ([204, 204, 204], 403)
    assert after["sending"]["unknown"] == 0
    assert after["sending"]["submitted"] == before["deliveries"]
    assert "delivered" in site("issue", "report", 1).out
    assert len({copy.address for copy in server.copies()}) == len(server.copies())


def test_an_issue_waits_five_minutes_for_lists_that_do_not_come(
    site: TrialSite, server: SendGridServer
) -> None:
    server.plan(Mishap(500, path="/v3/suppression"))
    said = site("dispatch", "--once")
    waiting = server.copies()
    clock = Clock(datetime.now(UTC) + timedelta(minutes=6))
    place = open_site(site.folder)

    tally = Service(place, clock).run_once(threading.Event(), lambda *_: None)

    place.engine.dispose()
    assert (said.status, waiting) == (1, [])
    assert "Issue 1 waits for the provider's suppression lists" in said.out
    assert (tally.started, tally.put_off) == ([1], [])
    assert len(server.copies()) == 25


def test_staff_decide_about_bounces_that_pile_up(
    site: TrialSite, server: SendGridServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounces, "FEW", 22)
    assert site("subscribers", "held").out == "Nothing waits for you.\n"
    assert site("dispatch", "--once").status == 0
    with running(site, Clock(datetime.now(UTC) + timedelta(seconds=5))) as service:
        body = events_of(site, "bounce", type="bounce")
        ask(service.port, "POST", "/events/sendgrid", body, SIGNER.headers(body))
        eventually(lambda: site("subscribers", "held", "--json").json["held"])

    shown = site("subscribers", "held")
    as_json = site("subscribers", "held", "--issue", 1, "--json")
    other = site("subscribers", "held", "--issue", 2, "--accept", "--json")
    both = site("subscribers", "held", "--accept", "--discard")
    decided = site("subscribers", "held", "--accept", "--by", "ruth@example.org")

    assert shown.status == as_json.status == 1
    assert "Issue 1: 25 people at example.org bounced for good." in shown.out
    assert "and 5 more" in shown.out
    [pile] = as_json.json["held"]
    assert (pile["issue"], pile["day"], pile["people"]) == (1, None, 25)
    assert len(pile["emails"]) == 25
    assert (other.status, other.json) == (0, {"decided": 0, "held": []})
    assert both.status == 2
    assert (decided.status, decided.out) == (0, "25 people are never written to again.\n")
    details = site("subscribers", "show", "reader7@example.org", "--json").json
    assert details["suppression"]["reason"] == "hard-bounce"
