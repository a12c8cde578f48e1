"""The end of the disk, as one process sees it."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

FULL_AT = 4096  # bytes of a file: not one page of the write-ahead log


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow beyond FULL_AT: the system's limit stands in."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_AT, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
