"""An issue handed over before its time, and stopped, by the commands that people type."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.journeys.conftest import TrialSite, people_csv
from tests.servers.sendgrid import KEY, Mishap, SendGridServer, sendgrid_server

STOPS = "/v3/user/scheduled_sends"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SendGridServer]:
    (tmp_path / "server").mkdir()
    with sendgrid_server(tmp_path / "server") as running:
        yield running


def hand_over(site: TrialSite, server: SendGridServer, folder: Path, mended: Path) -> str:
    """Return the number of an issue that SendGrid has, to go out in 24 minutes."""
    site.configure(
        provider__kind="sendgrid",
        provider__sendgrid__base_url=server.base_url,
        provider__sendgrid__hand_over_minutes=25,
        approval__wait_before_sending_minutes=0,
    )
    os.environ["SENDGRID_API_KEY"] = KEY
    file = people_csv(folder / "people.csv", 20)
    assert site("subscribers", "import", file, "--basis", "explicit-consent").status == 0
    bulletin = site("bulletin", "add", mended, "--json").json["id"]
    at = (datetime.now(UTC) + timedelta(minutes=24)).isoformat(timespec="seconds")
    drafted = site("issue", "draft", bulletin, "--at", at, "--json")
    number = str(drafted.json["id"])
    site("dispatch", "--once")
    return number


def test_a_mail_that_sendgrid_only_looked_at_went_to_nobody(
    site: TrialSite, server: SendGridServer, tmp_path: Path, mended: Path
) -> None:
    number = hand_over(site, server, tmp_path, mended)
    copies = len(server.copies())

    good = site("issue", "test", number)
    server.plan(Mishap(403))
    bad = site("issue", "test", number)
    site.configure(provider__kind="practice")
    nobody_looks = site("issue", "test", number)

    assert (good.status, bad.status, nobody_looks.status) == (0, 1, 2)
    assert "SendGrid would take this mail. Nothing was sent." in good.out
    assert "403" in bad.err
    assert "--to" in nobody_looks.err
    assert len(server.copies()) == copies


def test_cancelling_says_that_nobody_gets_it(
    site: TrialSite, server: SendGridServer, tmp_path: Path, mended: Path
) -> None:
    number = hand_over(site, server, tmp_path, mended)
    shown = site("issue", "show", number).out
    reported = site("issue", "report", number).out

    cancelled = site("issue", "cancel", number).out

    assert len(server.copies()) == 20
    assert "20 copies are handed over, to go out at " in shown
    assert "20 copies are handed over, to go out at " in reported
    assert "the provider confirmed it" in cancelled
    assert "0 copies are not stopped" in cancelled
    assert "20 will not get it" in cancelled
    assert not server.gone_out(datetime.now(UTC) + timedelta(hours=1))


def test_cancelling_says_what_is_not_stopped(
    site: TrialSite, server: SendGridServer, tmp_path: Path, mended: Path
) -> None:
    number = hand_over(site, server, tmp_path, mended)
    server.plan(Mishap(403, path=STOPS))

    cancelled = site("issue", "cancel", number, "--json").json

    assert "20 copies were handed over and are not stopped" in cancelled["held"]
    assert (cancelled["submitted"], cancelled["stopped"]) == (20, 0)


def test_a_paused_issue_says_so_and_goes_on(
    site: TrialSite, server: SendGridServer, tmp_path: Path, mended: Path
) -> None:
    number = hand_over(site, server, tmp_path, mended)

    paused = site("issue", "pause", number).out
    waiting = site("issue", "report", number, "--json").json["sending"]["pending"]
    resumed = site("issue", "resume", number, "--json").json
    site("dispatch", "--once")

    assert "the provider confirmed it" in paused
    assert waiting == 20
    assert resumed["state"] == "sending"
    assert len(server.copies()) == 20  # the others wait for the time
