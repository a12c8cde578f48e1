"""Places where the crash tests end the process, as a power cut would.  Inert otherwise."""

import os
from functools import cache

_passed = 0


def failpoint(name: str) -> None:
    """End the process at once if NEWSLETTER_FAILPOINT is `name`, or `name:3` the third time.

    The variable is read when a process passes the first of them, and never again.
    """
    global _passed
    armed, times = _armed()
    if armed == name:
        _passed += 1
        if _passed == times:
            os._exit(137)


@cache
def _armed() -> tuple[str, int]:
    # Every turn of a dispatcher passes three: asking the environment took longer than all else.
    name, _, number = os.environ.get("NEWSLETTER_FAILPOINT", "").partition(":")
    return name, int(number or 1)
