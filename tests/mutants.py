"""For `make mutants`, which runs session after session in one process: nothing is kept between."""

from newsletter.dispatch import ledger


def pytest_sessionstart() -> None:
    """Let the statements be written again: by the mistake that is on trial, and not before it."""
    ledger._intending.cache_clear()
    ledger._excluding.cache_clear()
