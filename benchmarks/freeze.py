"""How many people a second an issue is fixed for, deliveries, batches and counts.

python benchmarks/freeze.py [--people 100000] [--folder FOLDER]
"""

import argparse
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from crowd import add_issue, email_of, gather, sqlite_url
from measure import in_rounds, middle, print_machine, run_of

from newsletter.dispatch import freeze
from subscribers.database import writing

ROUNDS = 3


def main() -> None:
    """Print the rate, by the clock and by the processor."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--folder", help="where the database is made: the disk to measure")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=wanted.folder) as name:
        print_machine(Path(name))
        crowd = gather(sqlite_url(Path(name)), wanted.people)

        def fix() -> None:
            issue_id = add_issue(crowd, email_of(5))
            with writing(crowd.engine) as session:
                freeze(session, crowd.keys, issue_id, False, 500, 16, datetime.now(UTC))

        runs = in_rounds(ROUNDS, {"freeze": lambda: run_of(wanted.people, fix)})["freeze"]
    run = middle(runs)
    print(
        f"freeze of {wanted.people:,}: {1 / run.each:,.0f} rows a second, "
        f"{1 / run.processor:,.0f} a second of processor time"
    )


if __name__ == "__main__":
    main()
