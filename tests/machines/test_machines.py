"""Two workers on two machines: one dies, one is cut off; nobody twice, nobody lost.

The oracle is what the mail server took.  Where there can be no network namespaces (no root, no
`ip`), these are skipped, except where CI is set.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from newsletter.report import deliveries, report
from newsletter.site import Site, create_site
from newsletter.tables import DeliveryState, IssueState, Worker
from subscribers.database import reading, writing
from tests.audiences import add_bulletin, add_issue, add_list, add_people
from tests.machines.network import Machine, Network, network, postgresql, sink, why_not, worker

pytestmark = pytest.mark.machines

PEOPLE = 100  # more would begin with a hundred on one connection
CONNECTIONS = 3
SETTINGS = {
    "NEWSLETTER__ORGANISATION__URL": "https://prayer.example.org",
    "NEWSLETTER__PROVIDER__KIND": "smtp",
    "NEWSLETTER__PROVIDER__SMTP__SECURITY": "none",
    "NEWSLETTER__PROVIDER__SMTP__ALLOW_PLAIN": "true",
    "NEWSLETTER__PROVIDER__SMTP__CONNECTIONS": str(CONNECTIONS),
}


@dataclass(frozen=True)
class World:
    """The machines, one site that all of them work on, and the mail server's record."""

    network: Network
    site: Site
    record: Path
    port: int

    @contextmanager
    def worker(self, on: Machine) -> Iterator[int]:
        with worker(on, self.site.folder, self.port, SETTINGS) as process:
            yield process.pid

    def issue(self, name: str) -> int:
        """Return an issue of its own bulletin and list that is due now."""
        with writing(self.site.engine) as session:
            list_id = add_list(session, name)
            add_people(session, self.site.keys, list_id, PEOPLE)
            bulletin = add_bulletin(session, list_id, name)
            return add_issue(session, self.site.keys, list_id, bulletin, due_at=datetime.now(UTC))

    def taken(self, by: Machine | None = None) -> list[str]:
        """Return the recipients of every copy that the mail server took."""
        if not self.record.exists():
            return []
        lines = [line.split() for line in self.record.read_text().splitlines()]
        return [recipient for peer, recipient in lines if by is None or peer == by.address]

    def held_back(self) -> Path:
        """While this file exists, nobody gets an answer."""
        return self.record.with_name("record.hold")

    def is_completed(self, issue_id: int) -> bool:
        with reading(self.site.engine) as session:
            return report(session, issue_id).state is IssueState.COMPLETED

    def workers(self) -> int:
        with reading(self.site.engine) as session:
            return session.scalar(select(func.count()).select_from(Worker)) or 0

    def check(self, issue_id: int, most_unknown: int) -> None:
        """Nobody twice, nobody lost; whoever counts as submitted was taken."""
        with reading(self.site.engine) as session:
            assert report(session, issue_id).adds_up
            rows = {r.email: r.state for r in deliveries(session, self.site.keys, issue_id)}
        unknown = {email for email, state in rows.items() if state is DeliveryState.UNKNOWN}
        taken = Counter(self.taken())
        assert len(rows) == PEOPLE
        assert set(rows.values()) <= {DeliveryState.SUBMITTED, DeliveryState.UNKNOWN}
        assert {taken[email] for email in rows if email not in unknown} == {1}
        assert {taken[email] for email in unknown} <= {0, 1}
        assert len(unknown) <= most_unknown


def eventually(holds: Callable[[], object], within: float = 60) -> float:
    """Wait for it; return the seconds it took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < within, "it did not come to pass"
        time.sleep(0.05)
    return time.monotonic() - begun


def shared(world: World, name: str) -> int:
    """Return an issue that both machines have begun, and gone on with for a moment."""
    both = world.network.east, world.network.west
    before = [len(world.taken(by)) for by in both]
    world.held_back().touch()
    issue_id = world.issue(name)
    eventually(lambda: all(len(world.taken(by)) > n for by, n in zip(both, before, strict=True)))
    world.held_back().unlink()
    time.sleep(0.3)  # no more than a third can have been answered then
    return issue_id


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if reason := why_not():
        if os.environ.get("CI"):
            pytest.fail(f"{reason}: CI has to have them")
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("machines")
    with network() as machines, postgresql(machines.middle) as url:
        settings = f'[database]\nurl = "{url}"\n'
        eventually(lambda: (Path(url.partition("=")[2]) / ".s.PGSQL.5432").exists())
        site = create_site(folder / "site", settings)
        record = folder / "record"
        with sink(machines.middle, record, seconds=0.1) as port:
            made = World(machines, site, record, port)
            with made.worker(machines.west):
                yield made
        site.engine.dispose()


def test_one_machine_dies_and_the_other_finishes(world: World) -> None:
    east = world.network.east
    with world.worker(east) as victim:
        issue_id = shared(world, "killed")

        os.kill(victim, 9)

        eventually(lambda: world.is_completed(issue_id))  # gone is known at once
    world.check(issue_id, most_unknown=CONNECTIONS)


def test_one_machine_is_cut_off_and_the_other_finishes(world: World) -> None:
    east = world.network.east
    with world.worker(east):
        issue_id = shared(world, "cut-off")

        world.network.cut_off(east)

        eventually(lambda: world.is_completed(issue_id), within=85)  # known after 25 seconds
        world.check(issue_id, most_unknown=CONNECTIONS)
        known = world.workers()
        world.network.join(east)
        eventually(lambda: world.workers() > known)  # it comes back under a new name
    world.check(issue_id, most_unknown=CONNECTIONS)
