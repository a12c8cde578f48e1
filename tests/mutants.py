"""For `make mutants`, which runs session after session in one process: nothing is kept between."""

from newsletter.dispatch import ledger


def pytest_runtest_setup() -> None:
    """Let each test write the statements anew: it is seen to reach them, mistake and all."""
    ledger._intending.cache_clear()
    ledger._excluding.cache_clear()
