"""Mail that comes back, on a whole site: a mail server, a mailbox, and the next issue."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter.site import open_site
from newsletter.tables import Delivery
from subscribers.database import reading
from tests import returned
from tests.journeys.conftest import TrialSite, people_csv
from tests.journeys.test_service import Clock, eventually, running
from tests.returned import Copy, copy_of
from tests.servers.imap import PASSWORD, USERNAME, imap_server
from tests.servers.smtp import SmtpServer, smtp_server

DEAD = "reader3@example.org"


@pytest.fixture
def server(site: TrialSite, tmp_path: Path, mended: Path) -> Iterator[SmtpServer]:
    """A site that sends by SMTP: 8 readers, one of them gone, and an issue that is due now."""
    maildir = site.folder / "returned"
    for name in ("tmp", "new", "cur"):
        (maildir / name).mkdir(parents=True)
    (tmp_path / "server").mkdir()
    with smtp_server(tmp_path / "server", dead=DEAD, maildir=maildir) as server:
        site.configure(
            provider__kind="smtp",
            provider__smtp__host=server.host,
            provider__smtp__port=server.port,
            provider__smtp__security="none",
            provider__smtp__connections=2,
            provider__smtp__return_path="bounces@example.org",
            bounces__maildir="returned",
        )
        file = people_csv(tmp_path / "people.csv", 8)
        assert site("subscribers", "import", file, "--basis", "explicit-consent").status == 0
        draft(site, mended)
        yield server


def draft(site: TrialSite, file: Path) -> None:
    added = site("bulletin", "add", file, "--json").json
    assert site("issue", "draft", added["id"], "--at", "now").status == 0


def outcome(site: TrialSite) -> dict[str, int]:
    found: dict[str, int] = site("issue", "report", 1, "--json").json["outcome"]
    return found


def a_copy(site: TrialSite, address: str) -> Copy:
    """Return the copy that somebody has of the first issue."""
    place = open_site(site.folder)
    number = int(address.removeprefix("reader").partition("@")[0]) + 1
    with reading(place.engine) as session:
        delivery_id = session.scalars(
            select(Delivery.id).where(Delivery.subscriber_id == number, Delivery.issue_id == 1)
        ).one()
    place.engine.dispose()
    return copy_of(place.keys, delivery_id, address)


def test_an_address_that_is_found_dead_later_gets_no_second_letter(
    site: TrialSite, server: SmtpServer, mended: Path, tmp_path: Path
) -> None:
    first = site("dispatch", "--once")
    before = outcome(site)
    second = site("dispatch", "--once")
    said = site("issue", "report", 1).out
    next_week = tmp_path / "next-week.txt"
    text = mended.read_text(encoding="utf-8").replace("North Korea", "South Sudan")
    next_week.write_text(f"A new letter\n\n{text}", encoding="utf-8")
    draft(site, next_week)
    third = site("dispatch", "--once")

    assert (first.status, second.status, third.status) == (0, 0, 0)
    assert before["bounced"] == 0
    assert outcome(site)["bounced"] == 1
    assert "1 bounced" in said
    details = site("subscribers", "show", DEAD, "--json").json
    assert details["suppression"]["reason"] == "hard-bounce"
    report = site("issue", "report", 2, "--json").json
    assert (report["exclusions"]["suppressed"], report["deliveries"]) == (1, 7)
    assert sum(taken.recipients == (DEAD,) for taken in server.taken()) == 1
    paths = [taken.sender for taken in server.taken()]
    assert len(set(paths)) == len(paths) == 15
    [mail] = (site.folder / "returned" / "cur").iterdir()
    assert mail.name.endswith(":2,S")


def test_a_process_that_dies_before_it_puts_mails_away_reads_them_again(
    site: TrialSite, server: SmtpServer
) -> None:
    assert site("dispatch", "--once").status == 0

    with site.process("dispatch", "--once", NEWSLETTER_FAILPOINT="returns-stored") as process:
        died = process.wait(60)
    left = len(list((site.folder / "returned" / "new").iterdir()))
    again = site("dispatch", "--once")

    assert (died, left, again.status) == (137, 1, 0)
    assert outcome(site) == {"delivered": 0, "deferred": 0, "bounced": 1, "complained": 0}
    assert list((site.folder / "returned" / "new").iterdir()) == []


def test_the_service_reads_a_mailbox_on_a_server(
    site: TrialSite, server: SmtpServer, tmp_path: Path
) -> None:
    assert site("dispatch", "--once").status == 0
    (tmp_path / "imap").mkdir()
    with imap_server(tmp_path / "imap") as mailbox:
        site.configure(
            bounces__maildir="",
            bounces__imap__host="127.0.0.1",
            bounces__imap__port=mailbox.port,
            bounces__imap__security="none",
            bounces__imap__username=USERNAME,
        )
        os.environ["IMAP_PASSWORD"] = PASSWORD
        mailbox.put(
            returned.complaint(a_copy(site, "reader1@example.org")),
            returned.letter(a_copy(site, "reader2@example.org")),
            returned.out_of_office(a_copy(site, "reader4@example.org")),
        )

        with running(site, Clock(datetime.now(UTC) + timedelta(seconds=5))):
            eventually(lambda: outcome(site)["complained"])

        assert mailbox.flags() == [{r"\Seen"}, {r"\Flagged"}, {r"\Seen"}]
    shown = site("subscribers", "show", "reader1@example.org", "--json").json
    assert shown["suppression"]["reason"] == "complaint"
    assert [each["state"] for each in shown["lists"]] == ["unsubscribed"]
    assert outcome(site) == {"delivered": 0, "deferred": 0, "bounced": 0, "complained": 1}
