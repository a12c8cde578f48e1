"""How much of each fault is tried, and from which seed.

FAULTS is `sample` (in `make test`), `full` (`make faults`) or `nightly`; FAULTS_SEED runs the
same again.
"""

import os
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
SIZE = os.environ.get("FAULTS", "sample")
SEED = int(os.environ.get("FAULTS_SEED", "7"))


def count(sample: int, full: int, nightly: int | None = None) -> int:
    """Return how often to do it in a run of this size."""
    return {"sample": sample, "full": full, "nightly": nightly or full}[SIZE]


def dice(*what: object) -> random.Random:
    """Return the random numbers of one test: the same for the same seed, whoever runs it."""
    return random.Random(f"{SEED} {what}")


def chosen(row: str, table: Sequence[T]) -> Sequence[T]:
    """Return the whole table of a row, or in a sample a quarter of it by lot."""
    return table if SIZE != "sample" else dice(row).sample(table, len(table) // 4)
