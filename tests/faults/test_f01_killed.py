"""F1: processes killed at named points, in calls and at any moment."""

import random
import re
from pathlib import Path

import pytest

from tests.faults.conftest import Takers
from tests.faults.figures import Figures
from tests.faults.oracle import check, forget_pace, prepare
from tests.faults.processes import Kind, Work, finish, killed, start, wait_for
from tests.faults.receivers import KINDS, Receiver
from tests.faults.sizes import SIZE, count, dice
from tests.servers.sendgrid import Mishap
from tests.servers.smtp import Fault, Position

pytestmark = pytest.mark.fault("F1")

ROOT = Path(__file__).parents[2]
WITHIN = 60.0  # seconds: the longest that a restart may take to the end
REACHED = {
    "freeze-written": 3,  # everything inserted, nothing committed
    "frozen": 3,  # committed, nothing claimed
    "claimed": 3,
    "turn-written": 3,  # answers and the next intent, not committed
    "intended": 3,  # committed, no byte has left
    "submitted": 3,  # the provider has it, we have no answer on record
    "release-written": 3,
    "released": 3,
    "sweep-written": 2,  # at the start, and at the end
    "complete-written": 1,  # several issues may be completed together
}
"""Failpoints that every dispatcher passes: how often it is certain to, with three issues."""


def failpoint_cases() -> list[tuple[Kind, str]]:
    """Return each failpoint once, with a receiver by lot; in a full run three times with each."""
    cases: list[tuple[Kind, str]] = []
    for name, most in sorted(REACHED.items()):
        if SIZE == "sample":
            chance = dice("F1", name)
            cases.append((chance.choice(KINDS), f"{name}:{chance.randint(1, most)}"))
        else:
            cases += [(to, f"{name}:{min(nth, most)}") for to in KINDS for nth in (1, 2, 3)]
    return cases


def test_every_failpoint_is_killed_at_somewhere() -> None:
    sources = sorted((ROOT / "newsletter").rglob("*.py"))
    names = {
        name
        for source in sources
        for name in re.findall(r'\bfailpoint\("([\w-]+)"\)', source.read_text("utf-8"))
    }

    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    assert names >= set(REACHED)
    assert {name for name in names if f'"{name}' not in tests} == set()


@pytest.mark.parametrize(("to", "failpoint"), failpoint_cases())
def test_at_a_failpoint(
    sqlite_url: str, takers: Takers, figures: Figures, to: Kind, failpoint: str
) -> None:
    issues = prepare(sqlite_url, people=12, issues=3)
    taker = takers(to)
    work = taker.work(sqlite_url, failpoint=failpoint, turn_size=3)

    process = start(work)
    process.join(30)

    assert process.exitcode == 137
    assert finish(work._replace(failpoint="")) < WITHIN
    unknown = check(sqlite_url, issues, taker, connections=1)
    figures("F1", kills=1, people=36, twice=0, lost=0, unknown=unknown)


@pytest.mark.parametrize(
    "failpoint", ["freeze-written", "turn-written:4", "intended:4", "submitted"]
)
def test_at_a_failpoint_on_postgresql(postgres_url: str, takers: Takers, failpoint: str) -> None:
    issues = prepare(postgres_url, people=40)
    taker = takers("record")
    work = taker.work(postgres_url, failpoint=failpoint)

    process = start(work)
    process.join(30)

    assert process.exitcode == 137
    assert finish(work._replace(failpoint="")) < WITHIN
    check(postgres_url, issues, taker, connections=1)


def test_while_an_issue_is_being_paused(sqlite_url: str, takers: Takers) -> None:
    issues = prepare(sqlite_url, people=12)
    taker = takers("sendgrid")
    taker.api.plan(Mishap(401, nth=2))

    process = start(taker.work(sqlite_url, failpoint="pause-written"))
    process.join(30)
    taker.usual()

    assert process.exitcode == 137
    assert finish(taker.work(sqlite_url)) < WITHIN  # the pause was never committed
    assert check(sqlite_url, issues, taker, connections=1) == 5


MAIL_POSITIONS: list[tuple[Position, bool]] = [
    ("connect", False),
    ("ehlo", False),
    ("mail", False),
    ("rcpt", False),
    ("data", False),
    ("body", False),
    ("dot", False),
    ("dot", True),
]


@pytest.mark.parametrize(("position", "taken"), MAIL_POSITIONS)
def test_in_a_conversation_with_a_mail_server(
    sqlite_url: str, takers: Takers, position: Position, taken: bool
) -> None:
    issues = prepare(sqlite_url, people=12)
    taker = takers("smtp")
    nth = 1 if position in ("connect", "ehlo") else dice(position, taken).randint(1, 8)
    taker.mail.plan(Fault(position, nth=nth, wait=30, then="cut", take=taken))

    process = start(taker.work(sqlite_url))
    wait_for(lambda: taker.mail.faults() == 1)
    assert killed(process)
    taker.usual()

    assert finish(taker.work(sqlite_url)) < WITHIN
    assert check(sqlite_url, issues, taker, connections=1) <= 1


@pytest.mark.parametrize("taken", [True, False])
def test_in_a_call_to_an_api(sqlite_url: str, takers: Takers, taken: bool) -> None:
    issues = prepare(sqlite_url, people=20)
    taker = takers("sendgrid")
    taker.api.plan(Mishap(nth=dice(taken).randint(1, 4), wait_after=30, take=taken))

    process = start(taker.work(sqlite_url))
    wait_for(lambda: taker.api.mishaps() == 1)
    assert killed(process)
    taker.usual()

    assert finish(taker.work(sqlite_url)) < WITHIN
    assert check(sqlite_url, issues, taker, connections=1) == 5


def cut_down(work: Work, taker: Receiver, moments: random.Random) -> bool:
    """Start a process and kill it; return whether it still ran."""
    before = taker.grown()
    process = start(work)
    if moments.random() < 0.7:  # while mail is on the way; else anywhere from the start
        wait_for(lambda: taker.grown() > before or process.exitcode is not None)
    process.join(moments.uniform(0, 0.1))
    return killed(process)


def kill_often(url: str, taker: Receiver, kills: int, people: int) -> dict[str, float]:
    """Kill so many processes at work, at any moment; compare each issue when it is done."""
    moments = dice("F1", taker.to, url.partition(":")[0])
    work = taker.work(url, connections=3, turn_size=4, pause=0.004)
    taker.slowly(0.004)
    done, issues, slowest, unknown = 0, 0, 0.0, 0
    while done < kills:
        made = prepare(url, people)
        issues += 1
        for _ in range(min(8, kills - done)):
            forget_pace(url)
            done += cut_down(work, taker, moments)
        slowest = max(slowest, finish(work))
        unknown += check(url, made, taker, connections=work.connections)
    return {
        "kills": done,
        "issues": issues,
        "people": issues * people,
        "twice": 0,
        "lost": 0,
        "unknown": unknown,
        "slowest_restart": slowest,
    }


@pytest.mark.parametrize("to", KINDS)
def test_at_any_moment(sqlite_url: str, takers: Takers, figures: Figures, to: Kind) -> None:
    found = kill_often(sqlite_url, takers(to), count(5, 200, 2000), count(60, 200))

    figures("F1", **found)
    assert found["slowest_restart"] < WITHIN


def test_at_any_moment_on_postgresql(postgres_url: str, takers: Takers, figures: Figures) -> None:
    found = kill_often(postgres_url, takers("record"), count(3, 100, 500), count(60, 200))

    figures("F1", **found)
    assert found["slowest_restart"] < WITHIN


def test_one_of_two_dies_and_the_other_finishes(database_url: str, takers: Takers) -> None:
    issues = prepare(database_url, people=60)
    taker = takers("record")
    dying = taker.work(database_url, failpoint="submitted:3", turn_size=1, pause=0.3)
    living = dying._replace(failpoint="", pause=0.02)

    victim = start(dying)
    wait_for(lambda: taker.grown() > 0)  # else the other may be done before it begins
    other = start(living)
    victim.join(30)
    other.join(60)

    assert (victim.exitcode, other.exitcode) == (137, 0)
    finish(living)
    assert check(database_url, issues, taker, connections=1) <= 1
