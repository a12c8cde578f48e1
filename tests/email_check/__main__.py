"""Measure every mail and print one table; the exit status is 1 where one falls short.

python -m tests.email_check [--only WORD]
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.email_check.browser import Seen, chromium, look_at
from tests.email_check.matrix import Mail, matrix
from tests.email_check.rules import CHECKS, HEAVIEST
from tests.email_check.support import Support, support_of
from tests.email_check.validity import hard_errors

MOST_UNSUPPORTED = 12
BROWSERS = 2  # at once: one for each processor of a small machine


@dataclass(frozen=True)
class Measured:
    """All that was found out about one mail."""

    mail: Mail
    seen: Seen
    support: Support
    errors: Sequence[str]

    def failed(self) -> list[str]:
        """Return the checks that do not hold."""
        checks = {name: check(self.mail) for name, check in CHECKS.items()}
        checks |= self.seen.checks()
        checks["valid"] = not self.errors
        checks["nothing harmful"] = not self.support.harmful
        return [name for name, holds in checks.items() if not holds]

    def beyond(self) -> list[str]:
        """Return the limits that are passed, besides the checks."""
        beyond = []
        if self.support.unsupported > MOST_UNSUPPORTED:
            beyond.append(f"{self.support.unsupported} unsupported")
        if not self.mail.sample and len(self.mail.html.encode()) > HEAVIEST:
            beyond.append(f"more than {HEAVIEST:,} bytes")
        return beyond + self.mail.broken()

    def details(self) -> list[str]:
        """Return what helps to mend it."""
        axe = [f"{scheme}: {each}" for scheme, found in self.seen.axe.items() for each in found]
        return [*axe, *self.errors, *self.support.harmful]


NUMBER_OF_CHECKS = len(CHECKS) + 8


def measure(mails: Sequence[Mail]) -> list[Measured]:
    """Return what all of them come to."""
    documents = [mail.html for mail in mails]
    with ThreadPoolExecutor() as pool:
        support, errors = pool.submit(support_of, documents), pool.submit(hard_errors, documents)
        some = max(1, -(-len(mails) // BROWSERS))
        shares = [mails[start : start + some] for start in range(0, len(mails), some)]
        seen = [each for share in pool.map(_seen, shares) for each in share]
    return [
        Measured(*each) for each in zip(mails, seen, support.result(), errors.result(), strict=True)
    ]


def _seen(mails: Sequence[Mail]) -> list[Seen]:
    with chromium() as browser:
        return [look_at(browser, mail) for mail in mails]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="mails whose name holds this word")
    wanted = parser.parse_args()
    mails = [mail for mail in matrix() if wanted.only in mail.name]
    shown = [mail for mail in mails if mail.html]
    print(f"{'mail':32} {'checks':>6} {'axe':>4} {'px':>4} {'min':>4} {'errors':>6} {'bytes':>7}")
    bad = 0
    for found in measure(shown):
        failed, beyond, seen = found.failed(), found.beyond(), found.seen
        bad += bool(failed or beyond)
        print(
            f"{found.mail.name:32} {NUMBER_OF_CHECKS - len(failed):3}/{NUMBER_OF_CHECKS} "
            f"{sum(map(len, seen.axe.values())):4} {max(seen.overflow, seen.overflow_bare):4} "
            f"{seen.smallest:4.0f} {len(found.errors):6} {len(found.mail.html.encode()):7,}"
            + "".join(f"  {each};" for each in (*failed, *beyond))
        )
        for detail in found.details():
            print(f"    {detail}")
    for mail in mails:
        if not mail.html:
            bad += bool(mail.broken())
            print(f"{mail.name:32}  text" + "".join(f"  {each};" for each in mail.broken()))
    print(f"{len(mails) - bad} of {len(mails)} mails hold")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
