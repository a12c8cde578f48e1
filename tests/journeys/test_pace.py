"""What staff and the operator see of the pace: before they approve, and when it goes wrong."""

from pathlib import Path

import pytest

from newsletter import service as service_module
from tests.journeys.conftest import TrialSite, people_csv
from tests.journeys.test_service import SUNDAY, Clock, eventually, running
from tests.journeys.test_staff import FAR, GOOD
from tests.servers.smtp import Fault, smtp_server
from tests.test_heartbeat import Watcher, watcher

__all__ = ["watcher"]  # a fixture


@pytest.fixture
def drafted(site: TrialSite, tmp_path: Path) -> TrialSite:
    """A site with eight people and an issue for them, under five a day."""
    site.configure(provider__per_day=5, approval__approvals=1)
    people = people_csv(tmp_path / "people.csv", 8)
    bulletin = tmp_path / "harvest.txt"
    bulletin.write_text(GOOD, encoding="utf-8")
    site("subscribers", "import", people, "--basis", "explicit-consent")
    site("bulletin", "add", bulletin)
    assert site("issue", "draft", 1, "--at", FAR).status == 0
    return site


def test_who_waits_is_told_before_anybody_approves(drafted: TrialSite) -> None:
    shown = drafted("issue", "show", 1)
    told = drafted("issue", "show", 1, "--json").json["forecast"]
    approved = drafted("issue", "approve", 1, "--by", "ruth@example.org")

    line = "5 go on Friday 29 November, 3 wait until Saturday 30 November"
    assert line in shown.out
    assert line in approved.out
    assert "Who waits: the 3 who were added to the list last." in shown.out
    assert told["days"] == [
        {"date": "2030-11-29", "people": 5},
        {"date": "2030-11-30", "people": 3},
    ]


def test_without_limits_the_forecast_is_null(site: TrialSite, tmp_path: Path) -> None:
    bulletin = tmp_path / "harvest.txt"
    bulletin.write_text(GOOD, encoding="utf-8")
    site("bulletin", "add", bulletin)

    assert site("issue", "draft", 1, "--json").json["forecast"] is None


def test_a_quota_stops_one_run_and_says_that_people_wait(
    drafted: TrialSite, tmp_path: Path
) -> None:
    drafted.configure(approval__approvals=0)
    drafted("issue", "move", 1, "--at", "now")

    ran = drafted("dispatch", "--once")
    shown = drafted("issue", "show", 1)

    assert ran.status == 1
    assert "3 people wait for a later time" in ran.out
    assert len(list((drafted.folder / "mailbox/new").glob("*"))) == 5
    assert "Nobody else goes on" in shown.out
    assert "3 wait until" in shown.out


def test_a_fault_of_the_provider_is_told_by_the_second_road(
    site: TrialSite, tmp_path: Path
) -> None:
    (tmp_path / "second").mkdir()
    with (
        smtp_server(tmp_path, scripted=True) as first,
        smtp_server(tmp_path / "second") as second,
    ):
        first.plan(Fault("mail", "550 5.7.1 your account is closed\n"))
        site.configure(
            provider__kind="smtp",
            provider__smtp__host=first.host,
            provider__smtp__port=first.port,
            provider__smtp__security="none",
            staff__notify=["office@example.org"],
            staff__second_route__kind="smtp",
            staff__second_route__smtp__host=second.host,
            staff__second_route__smtp__port=second.port,
            staff__second_route__smtp__security="none",
        )
        bulletin = tmp_path / "harvest.txt"
        bulletin.write_text(GOOD, encoding="utf-8")
        people = people_csv(tmp_path / "people.csv", 3)
        site("subscribers", "import", people, "--basis", "explicit-consent")
        site("bulletin", "add", bulletin)
        site("issue", "draft", 1, "--at", "now")
        ran = site("dispatch", "--once")

        assert ran.status == 1
        assert site("issue", "show", 1, "--json").json["state"] == "paused"
        (letter,) = second.taken()
        assert letter.recipients == ("office@example.org",)
        assert b"Subject: Issue 1 has stopped" in letter.data
        assert first.taken() == []
        assert "Issue 1 is paused: newsletter issue show 1 says why." in ran.out


def test_a_heartbeat_is_called_while_the_service_is_well(
    site: TrialSite, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "BEAT", 0.05 * service_module.WELL / 60)
    site.configure(staff__heartbeat_url=watcher.url("/ping/1"))

    with running(site, Clock(SUNDAY)):
        eventually(lambda: len(watcher.paths) >= 2)

    assert set(watcher.paths) == {"/ping/1"}


def test_a_heartbeat_that_nobody_hears_is_logged_without_its_address(
    site: TrialSite,
    watcher: Watcher,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(service_module, "BEAT", 0.05 * service_module.WELL / 60)
    watcher.status = 500
    site.configure(staff__heartbeat_url=watcher.url("/secret"))

    with running(site, Clock(SUNDAY)):
        eventually(lambda: "the heartbeat address did not answer" in caplog.text)

    assert "secret" not in caplog.text


def test_a_free_mail_sender_cannot_send(site: TrialSite) -> None:
    site.configure(provider__kind="smtp", sender__email="letters@gmail.com")

    said = site("dispatch", "--once")

    assert said.status == 1
    assert "free mail service" in said.err
    assert said.err.count("\n") == 1
