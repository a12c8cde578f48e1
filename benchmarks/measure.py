"""Rounds in which everybody takes a turn, and what comes out of them."""

import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One sender's share of one round."""

    each: float  # seconds for each message
    processor: float  # seconds of processor time of the sender for each message


def run_of(count: int, act: Callable[[], float | None]) -> Run:
    """Time `act`, which handles `count`; it may return the processor time of a child."""
    began, used = time.perf_counter(), time.process_time()
    in_child = act()
    took, spent = time.perf_counter() - began, time.process_time() - used
    return Run(took / count, (spent if in_child is None else in_child) / count)


def in_rounds(rounds: int, senders: Mapping[str, Callable[[], Run | None]]) -> dict[str, list[Run]]:
    """Let everyone run once in each round, so that a busy minute meets them all."""
    results: dict[str, list[Run]] = {name: [] for name in senders}
    for _ in range(rounds):
        for name, act in senders.items():
            if (run := act()) is not None:
                results[name].append(run)
    return {name: runs for name, runs in results.items() if runs}


def middle(runs: list[Run]) -> Run:
    """Return the medians."""
    return Run(
        statistics.median(run.each for run in runs),
        statistics.median(run.processor for run in runs),
    )


def ratio(ours: list[Run], theirs: list[Run]) -> str:
    """Return how many times faster ours are: the median over the rounds, and the range."""
    found = sorted(b.each / a.each for a, b in zip(ours, theirs, strict=True))
    return f"{statistics.median(found):.2f} ({found[0]:.2f} to {found[-1]:.2f})"


def print_machine(folder: Path) -> None:
    """Say where this ran; the disk's sync decides how fast intents can be."""
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}, fdatasync {sync_milliseconds(folder):.2f} ms "
        "(median); full durability and encryption on"
    )


def sync_milliseconds(folder: Path) -> float:
    """Return how long the disk takes to keep four kilobytes."""
    path = folder / "sync"
    times = []
    with path.open("wb") as file:
        for _ in range(100):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    path.unlink()
    return statistics.median(times) * 1000


def peak_megabytes() -> float:
    """Return the most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
