"""Processes killed at named points and at any moment: nobody twice, nobody lost.

The oracle is what the receiving side holds: files in the mailbox, lines in the record.
"""

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from newsletter.report import deliveries, report
from newsletter.tables import DeliveryState, IssueState
from subscribers.database import open_engine, reading, writing
from subscribers.privacy import Keys
from tests.audiences import add_issue, add_list, add_people, address_of
from tests.crash.dispatching import SITE_KEY, Work, dispatcher_for, start
from tests.servers.smtp import smtp_server

PEOPLE = 60
KEYS = Keys(SITE_KEY)

FAILPOINTS = [
    "freeze-written",  # everything inserted, nothing committed
    "frozen",  # committed, nothing claimed
    "claimed",
    "claimed:3",
    "turn-written",  # an intent that is not committed
    "turn-written:4",  # answers and the next intent, not committed
    "intended",  # committed, no byte sent
    "intended:4",
    "submitted",  # the provider has it, we have no answer on record
    "submitted:4",
    "release-written",
    "released:2",
]


def prepare(url: str, people: int = PEOPLE) -> int:
    engine = open_engine(url)
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, KEYS, list_id, people)
        issue_id = add_issue(session, KEYS, list_id, due_at=datetime.now(UTC))
    engine.dispose()
    return issue_id


def files(folder: Path) -> Counter[str]:
    return Counter(path.name for path in (folder / "mailbox/new").glob("*"))


def taken(folder: Path) -> Counter[str]:
    record = folder / "record"
    return Counter(record.read_text().split()) if record.exists() else Counter()


def states(url: str, issue_id: int) -> dict[str, DeliveryState]:
    engine = open_engine(url)
    with reading(engine) as session:
        found = report(session, issue_id)
        assert found.adds_up
        assert found.state is IssueState.COMPLETED
        rows = {row.email: row.state for row in deliveries(session, KEYS, issue_id)}
    engine.dispose()
    assert set(rows) == {address_of(number) for number in range(1, found.audience + 1)}
    return rows


def finish(work: Work) -> None:
    """Start again, as an operator would; what the dead held is taken back at once."""
    dispatcher = dispatcher_for(work)
    dispatcher.run_once()
    dispatcher.engine.dispose()


def check_practice(work: Work, issue_id: int, people: int = PEOPLE) -> None:
    assert set(states(work.url, issue_id).values()) == {DeliveryState.SUBMITTED}
    assert len(files(work.folder)) == people


def check_record(work: Work, issue_id: int, most_unknown: int) -> None:
    """Nobody twice; the submitted were taken, and the rest of those who were are unknown."""
    rows, record = states(work.url, issue_id), taken(work.folder)
    unknown = {email for email, state in rows.items() if state is DeliveryState.UNKNOWN}
    assert set(record.values()) == {1}
    assert set(rows.values()) <= {DeliveryState.SUBMITTED, DeliveryState.UNKNOWN}
    assert set(rows) - unknown <= set(record)
    assert len(unknown) <= most_unknown


@pytest.mark.parametrize("failpoint", FAILPOINTS)
@pytest.mark.parametrize("practice", [True, False], ids=["practice", "record"])
def test_a_process_that_dies_at_a_named_point(
    sqlite_url: str, tmp_path: Path, practice: bool, failpoint: str
) -> None:
    issue_id = prepare(sqlite_url)
    work = Work(sqlite_url, tmp_path, practice, failpoint)

    process = start(work)
    process.join(30)

    assert process.exitcode == 137
    finish(work)
    if practice:
        check_practice(work, issue_id)
    else:
        check_record(work, issue_id, most_unknown=work.turn_size)


@pytest.mark.parametrize(
    "failpoint", ["freeze-written", "turn-written:4", "intended:4", "submitted"]
)
def test_a_process_that_dies_at_a_named_point_of_postgresql(
    postgres_url: str, tmp_path: Path, failpoint: str
) -> None:
    issue_id = prepare(postgres_url)
    work = Work(postgres_url, tmp_path, False, failpoint)

    process = start(work)
    process.join(30)

    assert process.exitcode == 137
    finish(work)
    check_record(work, issue_id, most_unknown=work.turn_size)


@pytest.mark.parametrize("failpoint", ["turn-written:3", "intended:3", "submitted:3"])
def test_a_process_that_dies_while_a_mail_server_has_the_next_envelope(
    sqlite_url: str, tmp_path: Path, failpoint: str
) -> None:
    issue_id = prepare(sqlite_url)
    with smtp_server(tmp_path, scripted=True, offers=("PIPELINING",)) as server:
        work = Work(sqlite_url, tmp_path, False, failpoint, turn_size=4, smtp=server.settings())

        process = start(work)
        process.join(30)

        assert process.exitcode == 137
        finish(work._replace(failpoint=""))
        taken_by_server = Counter(message.recipients[0] for message in server.taken())
        (tmp_path / "record").write_text("\n".join(taken_by_server.elements()))
    check_record(work, issue_id, most_unknown=work.turn_size)


@pytest.mark.parametrize("practice", [True, False], ids=["practice", "record"])
def test_processes_killed_again_and_again(
    database_url: str, tmp_path: Path, practice: bool
) -> None:
    issue_id = prepare(database_url, people=200)
    work = Work(database_url, tmp_path, practice, connections=3, turn_size=2, pause=0.004)
    moments = random.Random(7)
    kills = 0

    for _ in range(4):
        process = start(work)
        process.join(moments.uniform(0.02, 0.4))
        kills += process.exitcode is None
        process.kill()
        process.join()

    finish(work)
    assert kills
    if practice:
        check_practice(work, issue_id, people=200)
    else:
        check_record(work, issue_id, most_unknown=kills * work.connections * work.turn_size)


def test_two_processes_never_meet_on_one_delivery(database_url: str, tmp_path: Path) -> None:
    issue_id = prepare(database_url, people=100)
    work = Work(database_url, tmp_path, False, connections=2, turn_size=1, pause=0.002)

    both = [start(work), start(work)]
    for process in both:
        process.join(60)

    assert [process.exitcode for process in both] == [0, 0]
    finish(work)
    check_record(work, issue_id, most_unknown=0)


def test_one_of_two_processes_dies_and_the_other_finishes(
    database_url: str, tmp_path: Path
) -> None:
    issue_id = prepare(database_url, people=100)
    dying = Work(database_url, tmp_path, False, "submitted:3", turn_size=1, pause=0.002)
    living = dying._replace(failpoint="", pause=0.02)

    other, victim = start(living), start(dying)
    victim.join(30)
    other.join(60)

    assert (victim.exitcode, other.exitcode) == (137, 0)
    finish(living)
    check_record(living, issue_id, most_unknown=1)


def stop_between_two_writes(process: ForkServerProcess, folder: Path) -> int:
    """Stop a process where it does not hold the one lock that all writers need."""
    assert process.pid is not None
    for _ in range(100):
        os.kill(process.pid, signal.SIGSTOP)
        other = sqlite3.connect(folder / "newsletter.db", timeout=0, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            os.kill(process.pid, signal.SIGCONT)
            time.sleep(0.001)
        else:
            return process.pid
        finally:
            other.close()
    raise AssertionError("it writes all the time")


@pytest.mark.parametrize("practice", [True, False], ids=["practice", "record"])
def test_a_process_that_stood_still_wakes_and_harms_nobody(
    sqlite_url: str, tmp_path: Path, practice: bool
) -> None:
    issue_id = prepare(sqlite_url)
    work = Work(sqlite_url, tmp_path, practice, turn_size=4, pause=0.2, waits=0.4)
    zombie = start(work)
    while not (taken(tmp_path) or files(tmp_path)):
        time.sleep(0.01)
    pid = stop_between_two_writes(zombie, tmp_path)

    time.sleep(1.5)  # its lease, and the time for its answer, are over
    finish(work._replace(pause=0.0))
    os.kill(pid, signal.SIGCONT)
    zombie.join(30)

    finish(work)
    if practice:
        check_practice(work, issue_id)
    else:
        check_record(work, issue_id, most_unknown=0)  # its late answer was the evidence
