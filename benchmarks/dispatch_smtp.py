"""SMTP from the database to a sink, beside what people would use instead, in one run.

    python benchmarks/dispatch_smtp.py [--people 3000] [--rounds 3] [--only-ours] [--folder FOLDER]

Ours is everything: the freeze, claims, people read and opened, durable intents, answers on
record; and once more with a database that nothing is synced to disk of, as the prototype had none,
from which the goals come.  The others send one message, or fill one template, without any database.
"""

import argparse
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import peers
from crowd import Crowd, add_issue, address_of, email_of, gather, sqlite_url
from measure import Run, in_rounds, middle, peak_megabytes, print_machine, ratio, run_of
from sinks import HOST, fast_sink, smtp_sink
from sqlalchemy import event

from newsletter.config import Smtp
from newsletter.dispatch import Dispatcher
from newsletter.message import Recipient, bulletin_envelope, bulletin_form
from newsletter.providers.smtp import SmtpRelay
from newsletter.rendering import RenderedEmail

CONNECTIONS = 10
LATENCY = 0.05


def dispatch(crowd: Crowd, email: RenderedEmail, port: int, turn_size: int) -> Run:
    """Send one issue to everybody, start to end."""
    relay = SmtpRelay(
        Smtp(host=HOST, port=port, security="none", connections=CONNECTIONS), password=""
    )
    relay.turn_size = turn_size
    add_issue(crowd, email)
    dispatcher = Dispatcher(
        crowd.engine, crowd.keys, crowd.settings, relay, lambda: datetime.now(UTC)
    )

    def act() -> None:
        tally = dispatcher.run_once()
        if tally.left or sum(tally.changes.values()) != crowd.people:
            raise RuntimeError(f"not everybody was sent to: {tally}")

    return run_of(crowd.people, act)


def person(number: int) -> Recipient:
    """Return somebody for the others."""
    token = f"A{number:022}"
    links = (f"https://prayer.example.org/{page}/{token}" for page in "up")
    return Recipient(number, token, address_of(number), f"Person {number}", *links)


def nothing_synced(url: str, people: int) -> Crowd:
    """Return as many people in a database that would not survive a power cut."""
    crowd = gather(url, people)
    event.listen(
        crowd.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous = OFF").close()
    )
    crowd.engine.dispose()
    return crowd


def compare(
    crowd: Crowd,
    careless: Crowd,
    kilobytes: int,
    port: int,
    sink: str,
    folder: Path,
    rounds: int,
    only_ours: bool,
) -> None:
    """Print everybody's figures for one size and one sink."""
    email = email_of(kilobytes)
    envelope = bulletin_envelope(
        crowd.settings, list_name="weekly", list_title="Weekly", list_id=1, issue_id=1
    )
    body = bulletin_form(email, envelope, datetime.now(UTC)).copy_for(person(1))
    story = peers.Story(email.text.literals[1].split("\n\n"))
    count = crowd.people

    def few(share: int, act: Callable[..., None], *more: object) -> Run:
        people = [person(no) for no in range(count // share)]
        return run_of(len(people), lambda: act(port, people, *more))

    def source() -> Run | None:
        spent: list[float | None] = []
        run = run_of(
            count,
            lambda: spent.append(peers.smtp_source(folder, port, count, len(body), CONNECTIONS)),
        )
        return Run(run.each, spent[0] / count) if spent[0] is not None else None

    ours = {
        "ours, one message per intent": partial(dispatch, crowd, email, port, 1),
        "ours, four": partial(dispatch, crowd, email, port, 4),
        "one, nothing synced": partial(dispatch, careless, email, port, 1),
        "four, nothing synced": partial(dispatch, careless, email, port, 4),
    }
    others = {
        "smtp-source": source,
        "aiosmtplib, finished bytes": lambda: few(2, peers.aiosmtplib, body, CONNECTIONS),
        "Django": lambda: few(10, peers.django, story),
        "naive script": lambda: few(30, peers.naive, story),
    }
    results = in_rounds(rounds, ours if only_ours else ours | others)
    print(f"\n{len(body):,} bytes into {sink}, {CONNECTIONS} connections, {rounds} rounds")
    print(
        f"{'':<30}{'msg/s':>8}{'cpu us':>8}   ours, one per intent: times as fast | four per intent"
    )
    one, four = list(results.values())[:2]
    for name, runs in results.items():
        run = middle(runs)
        print(
            f"{name:<30}{1 / run.each:>8,.0f}{run.processor * 1e6:>8,.0f}   "
            f"{ratio(one, runs):<28} | {ratio(four, runs)}"
        )


def compare_far_away(crowd: Crowd, rounds: int) -> None:
    """Print what a relay costs that answers after 50 ms."""
    email = email_of(5)
    body = bytes(5000)
    with fast_sink(LATENCY) as port:
        people = [person(no) for no in range(30)]
        results = in_rounds(
            rounds,
            {
                "ours": partial(dispatch, crowd, email, port, 1),
                "smtplib": lambda: run_of(30, lambda: peers.smtplib_kept(port, people, body)),
            },
        )
    ours, theirs = (middle(runs).each for runs in results.values())
    print(
        f"\nEach reply after {LATENCY * 1000:.0f} ms: {1 / ours:,.0f} msg/s on {CONNECTIONS} "
        f"connections; a connection is {theirs / ours / CONNECTIONS:.1f} times as fast as smtplib's"
    )


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only-ours", action="store_true", help="without the others")
    parser.add_argument("--folder", help="where the database is made: the disk to measure")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=wanted.folder) as name:
        folder = Path(name)
        print_machine(folder)
        crowd = gather(sqlite_url(folder), wanted.people)
        careless = nothing_synced(f"sqlite:///{folder / 'careless.db'}", wanted.people)
        with smtp_sink(folder / "postfix") as slow, fast_sink() as fast:
            for kilobytes in (30, 5):
                for port, sink in ((slow, "smtp-sink"), (fast, "the fast sink")):
                    if port is not None:
                        compare(
                            *(crowd, careless, kilobytes, port, sink, folder / "postfix"),
                            *(wanted.rounds, wanted.only_ours),
                        )
        print(f"\nmost memory held: {peak_megabytes():.0f} MB")
        far = gather(f"sqlite:///{folder / 'far.db'}", 1000)
        compare_far_away(far, wanted.rounds)


if __name__ == "__main__":
    main()
