"""The running service: files arrive at their slot, links work, a restart loses nothing."""

import email
import email.policy
import http.client
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from newsletter.cli.context import now
from newsletter.dispatch import freeze
from newsletter.notices import tell
from newsletter.service import Service, serve_pages
from newsletter.site import open_site
from subscribers.database import open_engine, reading, writing
from tests.journeys.conftest import TrialSite, people_csv
from tests.servers.smtp import Fault, smtp_server

SUNDAY = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FRIDAY_SEVEN = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)


class Clock:
    """A clock that the test moves."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


class Running:
    """A service in threads of this process, with a clock of our own."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.said: list[str] = []
        self.stop = threading.Event()
        self.site = open_site(folder)
        service = Service(self.site, clock)
        self.thread = threading.Thread(target=service.run, args=(self.stop, self.said.append))
        self.thread.start()

    @property
    def port(self) -> int:
        return int(re.findall(r"http://127\.0\.0\.1:(\d+)/", " ".join(self.said))[0])


@contextmanager
def running(site: TrialSite, clock: Clock) -> Iterator[Running]:
    os.environ["NEWSLETTER__WEB__PORT"] = "0"
    service = Running(site.folder, clock)
    try:
        eventually(lambda: len(service.said) >= 3)
        yield service
    finally:
        service.stop.set()
        service.thread.join(40)
        service.site.engine.dispose()
        assert not service.thread.is_alive()


def eventually(holds: Callable[[], object], within: float = 20) -> None:
    limit = time.monotonic() + within
    while not holds():
        assert time.monotonic() < limit, "it did not come to pass"
        time.sleep(0.05)


def mails(site: TrialSite) -> list[Path]:
    return list((site.folder / "mailbox").glob("new/*"))


def ready(site: TrialSite, tmp_path: Path) -> None:
    file = people_csv(tmp_path / "people.csv", 25)
    assert site("subscribers", "import", file, "--basis", "explicit-consent").status == 0


def test_a_dropped_file_arrives_at_its_slot(site: TrialSite, mended: Path, tmp_path: Path) -> None:
    ready(site, tmp_path)
    clock = Clock(SUNDAY)

    with running(site, clock):
        (site.folder / "bulletins" / "week-48.txt").write_bytes(mended.read_bytes())
        taken = site.folder / "bulletins" / "taken"

        def looked_again() -> bool:
            clock.at += timedelta(seconds=6)  # the file has stopped growing
            return (taken / "week-48.txt").exists()

        eventually(looked_again)
        eventually((taken / "week-48.txt.why.txt").exists)
        sentence = (taken / "week-48.txt.why.txt").read_text(encoding="utf-8")
        clock.at = FRIDAY_SEVEN - timedelta(seconds=5)
        time.sleep(2.5)
        early = mails(site)
        clock.at = FRIDAY_SEVEN
        eventually(lambda: len(mails(site)) == 25)

    report = site("issue", "report", 1, "--json").json
    assert early == []
    assert "Friday 27 November 2026, 07:00" in sentence
    assert report["state"] == "completed"
    assert report["sending"]["submitted"] == 25


def test_a_restart_loses_no_schedule(site: TrialSite, mended: Path, tmp_path: Path) -> None:
    ready(site, tmp_path)
    clock = Clock(SUNDAY)
    added = site("bulletin", "add", mended, "--json").json
    assert site("issue", "draft", added["id"], "--json").json["state"] == "scheduled"
    due = datetime.fromisoformat(site("issue", "show", 1, "--json").json["due_at"])
    with running(site, clock):
        pass

    clock.at = due + timedelta(minutes=5)
    with running(site, clock):
        eventually(lambda: len(mails(site)) == 25)

    assert site("issue", "report", 1, "--json").json["state"] == "completed"


def test_the_pages_need_no_provider(site: TrialSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site.configure(provider__kind="sendgrid")
    monkeypatch.delenv("SENDGRID_API_KEY", raising=False)
    place, stop, said = open_site(site.folder), threading.Event(), list[str]()
    pages = threading.Thread(target=serve_pages, args=(place, now, stop, said.append, 0))
    pages.start()
    eventually(lambda: said)

    port = int(re.findall(r"http://127\.0\.0\.1:(\d+)/", said[0])[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    status = connection.getresponse().status
    connection.close()
    stop.set()
    pages.join(10)
    place.engine.dispose()
    assert status == 200


def test_the_link_in_a_mail_takes_a_person_off_the_list(
    site: TrialSite, mended: Path, tmp_path: Path
) -> None:
    ready(site, tmp_path)
    added = site("bulletin", "add", mended, "--json").json
    site("issue", "draft", added["id"], "--at", "now")
    site("dispatch", "--once")
    mail = email.message_from_bytes(mails(site)[0].read_bytes(), policy=email.policy.default)
    path = re.findall(r"http://127\.0\.0\.1:\d+(/u/[\w-]+)>", mail["List-Unsubscribe"])[0]

    with running(site, Clock(SUNDAY)) as service:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
        for method, body in (("GET", None), ("POST", "List-Unsubscribe=One-Click")):
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request(method, path, body, form if body else {})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
            shown = site("subscribers", "show", mail["To"].addresses[0].addr_spec, "--json").json
            assert (shown["lists"][0]["state"] == "unsubscribed") == (method == "POST")
        connection.close()


# --- more than one machine ---------------------------------------------------------------


@contextmanager
def working_along(site: TrialSite, clock: Callable[[], datetime]) -> Iterator[list[str]]:
    """Be a worker in threads of this process."""
    said: list[str] = []
    stop = threading.Event()
    place = open_site(site.folder)
    worker = Service(place, clock)
    thread = threading.Thread(target=worker.work, args=(stop, said.append))
    thread.start()
    try:
        yield said
    finally:
        stop.set()
        thread.join(40)
        place.engine.dispose()
        assert not thread.is_alive()


def test_workers_are_called_to_what_is_resumed_and_send_it(
    site: TrialSite, mended: Path, tmp_path: Path, empty_postgres_url: str
) -> None:
    site.configure(database__url=empty_postgres_url)
    assert site("upgrade").status == 0
    assert site("list", "add", "weekly").status == 0
    ready(site, tmp_path)
    added = site("bulletin", "add", mended, "--json").json
    assert site("issue", "draft", added["id"], "--at", "now").status == 0
    place = open_site(site.folder)
    with writing(place.engine) as session:
        freeze(session, place.keys, 1, True, 10, 1, datetime.now(UTC))
    assert site("issue", "pause", 1).status == 0
    with writing(place.engine) as session:
        session.execute(text("DELETE FROM procrastinate_jobs"))

    assert site("issue", "resume", 1).status == 0

    with reading(place.engine) as session:
        calls = session.scalars(text("SELECT args ->> 'issue_id' FROM procrastinate_jobs")).all()
    assert set(calls) == {"1"}
    with working_along(site, lambda: datetime.now(UTC)) as said:
        eventually(lambda: site("issue", "report", 1, "--json").json["state"] == "completed")
    assert len(said) == 1
    assert len(mails(site)) == 25
    place.engine.dispose()


def test_a_worker_on_sqlite_is_refused_in_one_sentence(site: TrialSite) -> None:
    said = site("worker")

    assert said.status == 1
    assert said.err == (
        "A SQLite site has one machine, and newsletter run needs no help on it: to share the work, "
        "put a PostgreSQL URL under [database] url.\n"
    )


def test_whoever_dispatches_stops_when_the_database_is_upgraded(
    site: TrialSite, mended: Path, tmp_path: Path
) -> None:
    process = site.process("dispatch")
    try:
        eventually(lambda: (site.folder / "newsletter.db.workers").is_dir())
        engine = open_engine(f"sqlite:///{site.folder / 'newsletter.db'}")
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        engine.dispose()
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()

    assert process.returncode == 1
    assert "this program is too old for it" in err


@pytest.mark.parametrize(
    "command",
    [
        ("dispatch", "--once"),
        ("run",),
        ("worker",),
        ("serve", "--port", "0"),
        ("upgrade",),
        ("bulletin", "add", "a.txt"),
        ("issue", "resume", 1),
        ("issue", "draft", 1),
        ("list", "add", "other"),
        ("subscribers", "import", "people.csv", "--basis", "explicit-consent"),
        ("subscribers", "unsubscribe", "a@example.org", "--all"),
    ],
    ids=lambda command: " ".join(map(str, command)),
)
def test_no_command_writes_into_a_newer_database(
    site: TrialSite,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[object, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "people.csv"):
        Path(name).write_text("email\n", encoding="utf-8")
    file = site.folder / "newsletter.db"
    engine = open_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    before = file.read_bytes()

    said = site(*command)

    assert said.status == 1
    assert "this program is too old for it" in said.err
    assert file.read_bytes() == before


def test_a_command_that_is_stopped_waits_for_no_answer_to_a_notice(
    site: TrialSite, tmp_path: Path
) -> None:
    with smtp_server(tmp_path, scripted=True) as server:
        server.plan(Fault("mail", then="silence"))
        site.configure(
            provider__kind="smtp",
            provider__smtp__host=server.host,
            provider__smtp__port=server.port,
            provider__smtp__security="none",
            staff__notify=["ruth@example.org"],
        )
        place = open_site(site.folder)
        with writing(place.engine) as session:
            tell(session, place.keys, "one", "Something waits", ["Look at it."], SUNDAY)
        stop, service = threading.Event(), Service(place, Clock(SUNDAY))
        command = threading.Thread(target=service.run_once, args=(stop, lambda *_: None))
        command.start()
        eventually(lambda: server.faults() == 1)

        stop.set()
        command.join(20)

        assert not command.is_alive()
        place.engine.dispose()
