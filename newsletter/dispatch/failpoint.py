"""Places where the crash tests end the process, as a power cut would.  Inert otherwise."""

import os

_passed = 0


def failpoint(name: str) -> None:
    """End the process at once if NEWSLETTER_FAILPOINT is `name`, or `name:3` the third time."""
    global _passed
    armed, _, number = os.environ.get("NEWSLETTER_FAILPOINT", "").partition(":")
    if armed == name:
        _passed += 1
        if _passed == int(number or 1):
            os._exit(137)
