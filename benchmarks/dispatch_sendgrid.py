"""SendGrid's way from the database to a server that answers after 150 ms: time, memory, growth.

    python benchmarks/dispatch_sendgrid.py [10000 100000 1000000] [--folder FOLDER]

The server and the one who fills the database are processes of their own, so that time and
memory are the dispatcher's alone.
"""

import argparse
import asyncio
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from crowd import Crowd, add_issue, email_of, gather
from measure import peak_megabytes, print_machine

from newsletter.config import SendGrid as Settings
from newsletter.dispatch import Dispatcher
from newsletter.providers.sendgrid import SendGrid
from subscribers.database import open_engine

HOST = "127.0.0.1"
LATENCY = 0.15
CONNECTIONS = 16
BATCH = 500
KILOBYTES = 26


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            await asyncio.sleep(LATENCY)
            writer.write(b"HTTP/1.1 202 Accepted\r\nX-Message-Id: m1\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            if b"connection: close" in head:
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _serve() -> None:
    server = await asyncio.start_server(_answer, HOST, 0, limit=2**20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def slow_server() -> Iterator[int]:
    """Give the port of a server that takes everything, 150 ms later."""
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def dispatch(crowd: Crowd, port: int) -> dict[str, float]:
    """Send the issue that waits; return what it took."""
    provider = SendGrid(
        Settings(base_url=f"http://{HOST}:{port}", batch_size=BATCH, connections=CONNECTIONS),
        key="SG.benchmark",
    )
    dispatcher = Dispatcher(
        crowd.engine, crowd.keys, crowd.settings, provider, lambda: datetime.now(UTC)
    )
    before = peak_megabytes()
    began, used = time.perf_counter(), time.process_time()
    tally = dispatcher.run_once()
    took, spent = time.perf_counter() - began, time.process_time() - used
    if tally.left or sum(tally.changes.values()) != crowd.people:
        raise RuntimeError(f"not everybody was sent to: {tally}")
    return {"seconds": took, "processor": spent, "before": before, "peak": peak_megabytes()}


def in_own_process(crowd: Crowd, port: int) -> dict[str, float]:
    """Dispatch in a fresh process, whose memory nobody else has used."""
    what = [str(crowd.engine.url), crowd.site_key, str(crowd.list_id), str(crowd.people)]
    told = subprocess.run(
        [sys.executable, __file__, "--dispatch", str(port), *what],
        check=True,
        stdout=subprocess.PIPE,
    )
    found: dict[str, float] = json.loads(told.stdout)
    return found


def growth(results: dict[int, dict[str, float]], what: str) -> float:
    """Return the exponent of the power of the number of people that fits best."""
    points = [(math.log(people), math.log(found[what])) for people, found in results.items()]
    x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
    return sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("people", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--folder", help="where the databases are made: the disk to measure")
    wanted = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory(dir=wanted.folder) as name, slow_server() as port:
        folder = Path(name)
        print_machine(folder)
        print(f"{LATENCY * 1000:.0f} ms, {CONNECTIONS} requests of {BATCH} in flight")
        print(f"{'people':>10}{'s':>8}{'x bound':>9}{'cpu us each':>13}{'peak MB':>9}")
        for people in wanted.people:
            crowd = gather(f"sqlite:///{folder / str(people)}.db", people)
            add_issue(crowd, email_of(KILOBYTES))
            found = results[people] = in_own_process(crowd, port)
            bound = math.ceil(people / BATCH / CONNECTIONS) * LATENCY
            print(
                f"{people:>10,}{found['seconds']:>8.2f}{found['seconds'] / bound:>9.2f}"
                f"{found['processor'] / people * 1e6:>13.1f}{found['peak']:>9.0f}"
            )
    if len(results) > 1:
        print(
            f"growth of time: people to the power of {growth(results, 'seconds'):.2f}, of "
            f"processor time {growth(results, 'processor'):.2f}; memory "
            f"{results[max(results)]['peak'] - results[min(results)]['peak']:+.0f} MB"
        )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve"]:
            asyncio.run(_serve())
        case ["--dispatch", at, url, site_key, list_id, people]:
            full = Crowd(open_engine(url), site_key, int(list_id), int(people))
            print(json.dumps(dispatch(full, int(at))))
        case _:
            main()
