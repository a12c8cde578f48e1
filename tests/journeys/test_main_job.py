"""From a file to a thousand inboxes, through each provider, by the command line alone."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.journeys.conftest import TrialSite, people_csv
from tests.servers import sendgrid, smtp

PEOPLE = 1000
FEWER = 300  # where processes are killed
TO = re.compile(rb"^To: .*<?\b(\S+@[^>\s]+)>?\r$", re.MULTILINE)


def addresses_in(mailbox: Path) -> list[str]:
    found = [TO.search(file.read_bytes()) for file in (mailbox / "new").iterdir()]
    return [match[1].decode() for match in found if match]


def practice(site: TrialSite, _stack: ExitStack, _folder: Path) -> Callable[[], list[str]]:
    return lambda: addresses_in(site.folder / "mailbox")


def by_smtp(site: TrialSite, stack: ExitStack, folder: Path) -> Callable[[], list[str]]:
    server = stack.enter_context(smtp.smtp_server(folder))
    site.configure(
        provider__kind="smtp",
        provider__smtp__host=server.host,
        provider__smtp__port=server.port,
        provider__smtp__security="none",
        provider__smtp__connections=4,
    )
    return lambda: [address for copy in server.taken() for address in copy.recipients]


def by_sendgrid(site: TrialSite, stack: ExitStack, folder: Path) -> Callable[[], list[str]]:
    server = stack.enter_context(sendgrid.sendgrid_server(folder))
    site.configure(provider__kind="sendgrid", provider__sendgrid__base_url=server.base_url)
    os.environ["SENDGRID_API_KEY"] = sendgrid.KEY
    return lambda: [copy.address for copy in server.copies()]


PROVIDERS = {"practice": practice, "smtp": by_smtp, "sendgrid": by_sendgrid}


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[ExitStack]:
    (tmp_path / "server").mkdir()
    with ExitStack() as stack:
        yield stack


def import_people(site: TrialSite, folder: Path, count: int) -> None:
    file = people_csv(folder / "people.csv", count)
    said = site("subscribers", "import", file, "--list", "weekly", "--basis", "explicit-consent")
    assert said.status == 0


def draft_now(site: TrialSite, bulletin: Path) -> int:
    added = site("bulletin", "add", bulletin, "--list", "weekly", "--json").json
    drafted = site("issue", "draft", added["id"], "--list", "weekly", "--at", "now", "--json")
    assert drafted.json["state"] == "scheduled"
    number: int = drafted.json["id"]
    return number


@pytest.mark.parametrize("kind", PROVIDERS)
def test_the_real_bulletin_reaches_a_thousand_people_once(
    site: TrialSite, servers: ExitStack, mended: Path, tmp_path: Path, kind: str
) -> None:
    taken = PROVIDERS[kind](site, servers, tmp_path / "server")
    import_people(site, tmp_path, PEOPLE)
    number = draft_now(site, mended)

    said = site("dispatch", "--once")

    report = site("issue", "report", number, "--json")
    addresses = taken()
    assert said.status == report.status == 0
    assert len(addresses) == len(set(addresses)) == PEOPLE
    assert report.json == {
        "issue": number,
        "state": "completed",
        "practice": kind == "practice",
        "audience": PEOPLE,
        "exclusions": {"unsubscribed": 0, "suppressed": 0},
        "deliveries": PEOPLE,
        "sending": {
            "pending": 0,
            "claimed": 0,
            "in_flight": 0,
            "submitted": PEOPLE,
            "failed": 0,
            "unknown": 0,
        },
        "outcome": {"delivered": 0, "deferred": 0, "bounced": 0, "complained": 0},
    }


def start_and_kill(site: TrialSite, has_begun: Callable[[], bool]) -> None:
    process = site.process("dispatch", "--once")
    limit = time.monotonic() + 30
    while not has_begun() and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)


def finish(site: TrialSite) -> subprocess.CompletedProcess[str]:
    with site.process("dispatch", "--once") as process:
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    return subprocess.CompletedProcess([], process.returncode, out, err)


def test_a_practice_send_killed_and_started_again_reaches_everyone_once(
    site: TrialSite, servers: ExitStack, mended: Path, tmp_path: Path
) -> None:
    taken = practice(site, servers, tmp_path)
    import_people(site, tmp_path, FEWER)
    number = draft_now(site, mended)
    start_and_kill(site, lambda: len(list(site.folder.glob("mailbox/new/*"))) > 50)
    before = len(taken())

    finish(site)

    addresses = taken()
    assert 0 < before < FEWER
    assert len(addresses) == len(set(addresses)) == FEWER
    assert site("issue", "report", number, "--json").json["sending"]["submitted"] == FEWER


def test_an_smtp_send_killed_and_started_again_mails_nobody_twice_and_lists_the_unknown(
    site: TrialSite, servers: ExitStack, mended: Path, tmp_path: Path
) -> None:
    taken = by_smtp(site, servers, tmp_path / "server")
    import_people(site, tmp_path, FEWER)
    number = draft_now(site, mended)
    record = tmp_path / "server" / "smtp.jsonl"  # about 20 kB a mail; counting them takes long
    start_and_kill(site, lambda: record.exists() and record.stat().st_size > 600_000)
    before = len(taken())

    finish(site)

    addresses = taken()
    sending = site("issue", "report", number, "--json").json["sending"]
    listed = site("issue", "deliveries", number, "--state", "unknown").out.splitlines()[1:]
    unknown = {line.split(",")[0] for line in listed}
    everybody = {f"reader{n}@example.org" for n in range(FEWER)}
    assert 0 < before < FEWER
    assert len(addresses) == len(set(addresses))
    assert everybody == set(addresses) | unknown
    assert len(unknown) == sending["unknown"] <= 4
    assert sending["submitted"] + sending["unknown"] == FEWER


@pytest.mark.parametrize("kind", PROVIDERS)
def test_no_address_lies_in_the_database_or_is_logged(
    site: TrialSite,
    servers: ExitStack,
    mended: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    caplog.set_level("DEBUG")
    taken = PROVIDERS[kind](site, servers, tmp_path / "server")
    onlooker = sqlite3.connect(site.folder / "newsletter.db")  # keeps the write-ahead log
    onlooker.execute("SELECT count(*) FROM subscriber")
    import_people(site, tmp_path, 50)
    site("subscribers", "suppress", "reader0@example.org", "--reason", "x", "--by", "ruth@x.org")
    number = draft_now(site, mended)
    site("dispatch", "--once")
    site("issue", "report", number)

    files = [file for file in site.folder.glob("newsletter.db*") if file.is_file()]
    log = site.folder / "newsletter.db-wal"
    stored = b"".join(file.read_bytes() for file in files)
    onlooker.close()
    assert log in files
    assert b"CREATE TABLE" in stored
    assert len(taken()) == 49
    people = [
        f"{word}{n}{end}" for n in range(50) for word, end in (("reader", "@"), ("Reader ", ""))
    ]
    for secret in (*people, "@example.org", "ruth", "trafficked", "Interserve"):
        assert secret.encode() not in stored
        assert secret not in caplog.text


def test_a_wrong_key_pauses_the_issue_in_words_and_fails_nobody(
    site: TrialSite, servers: ExitStack, mended: Path, tmp_path: Path
) -> None:
    taken = by_sendgrid(site, servers, tmp_path / "server")
    os.environ["SENDGRID_API_KEY"] = "SG.wrong"
    import_people(site, tmp_path, 20)
    number = draft_now(site, mended)

    said = site("dispatch", "--once")

    shown = site("issue", "show", number, "--json").json
    report = json.loads(site("issue", "report", number, "--json").out)
    assert said.status == 1
    assert shown["state"] == "paused"
    assert "key" in shown["pause_reason"]
    assert report["sending"]["pending"] == 20
    assert taken() == []

    os.environ["SENDGRID_API_KEY"] = sendgrid.KEY
    site("issue", "resume", number)
    assert site("dispatch", "--once").status == 0
    assert len(set(taken())) == 20


def test_an_address_that_sendgrid_refuses_fails_alone_and_the_others_get_theirs(
    site: TrialSite, tmp_path: Path
) -> None:
    with sendgrid.sendgrid_server(tmp_path) as server:
        server.plan(refuse="reader7@")
        site.configure(provider__kind="sendgrid", provider__sendgrid__base_url=server.base_url)
        os.environ["SENDGRID_API_KEY"] = sendgrid.KEY
        import_people(site, tmp_path, 20)
        number = draft_now(site, written(tmp_path))

        said = site("dispatch", "--once")

        sending = site("issue", "report", number, "--json").json["sending"]
        assert said.status == 1
        assert len({copy.address for copy in server.copies()}) == 19
        assert (sending["submitted"], sending["failed"]) == (19, 1)


def written(folder: Path) -> Path:
    path = folder / "harvest.txt"
    path.write_text("Harvest\n\nThey sang.\n\n  • Give thanks for the rain.\n", encoding="utf-8")
    return path
