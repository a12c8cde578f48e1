"""What starts things: a new site, the demonstration, the service and its parts."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from newsletter.cli.context import (
    EVERY_DAY,
    NOW_AND_THEN,
    PRACTICE,
    SPECIAL,
    SiteFolder,
    answer,
    now,
    opened,
    screen,
    site_folder,
)
from newsletter.cli.progress import Progressed, showing_progress
from newsletter.config import settings_text
from newsletter.counted import counted
from newsletter.demo import BY_MAKE, demonstrate
from newsletter.dispatch import Progress, Tally
from newsletter.service import Service, serve_pages
from newsletter.site import create_site, upgrade_site
from newsletter.tables import DeliveryState


def add_to(app: typer.Typer) -> None:
    """Hang these commands directly under `newsletter`."""
    app.command(rich_help_panel=EVERY_DAY)(run)
    app.command(rich_help_panel=NOW_AND_THEN)(init)
    app.command(rich_help_panel=NOW_AND_THEN)(demo)
    app.command(rich_help_panel=SPECIAL)(dispatch)
    app.command(rich_help_panel=SPECIAL)(worker)
    app.command(rich_help_panel=SPECIAL)(serve)
    app.command(rich_help_panel=SPECIAL)(upgrade)


def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")]) -> None:
    """Make a site: settings, key, database, and a folder to drop bulletins into.

    Example: newsletter init our-prayer-letter
    """
    site = create_site(folder, _asked() if sys.stdin.isatty() else settings_text())
    site.engine.dispose()
    answer(
        False,
        {},
        f"The site {site.folder} is made.  Until you choose a provider it practises: nothing "
        "leaves this machine.",
        f"Keep a copy of {site.folder / 'secret.key'} somewhere else: without it nobody can read "
        "the subscribers.",
        f'Next: cd {folder}, newsletter list add weekly --cadence "Fridays 07:00"',
    )


def _asked() -> str:
    organisation = typer.prompt("Name of your organisation")
    postal_address = typer.prompt("Its postal address (stands in every mail)")
    sender = typer.prompt("Address the mails come from")
    timezone = typer.prompt("Time zone, for example Europe/London", default="UTC")
    approvals = typer.prompt("How many people must approve each issue (0, 1 or 2)", default=0)
    told = typer.prompt("Who is told by mail when something needs a person", default=sender)
    return settings_text(
        organisation=organisation,
        postal_address=postal_address,
        sender_email=sender,
        timezone=timezone,
        approvals=int(approvals),
        notify=[address.strip() for address in told.split(",") if address.strip()],
    )


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the sample site goes.")],
    subscribers: Annotated[int, typer.Option(min=1, max=100_000)] = 200,
) -> None:
    """Do the whole job once on sample data; nothing leaves this machine.

    Example: newsletter demo demo --subscribers 200
    """
    program = BY_MAKE if sys.argv[0] == BY_MAKE else "newsletter"
    with showing_progress() as progress:
        for line in demonstrate(folder, subscribers, now, _of_issue(progress), program):
            _say(line)


def _of_issue(progress: Progressed) -> Progress:
    return lambda number, done, total: progress(f"Issue {number}", done, total)


def run(site: SiteFolder = None) -> None:
    """Run the service: take bulletins, send what is due, answer the pages.  Ctrl-C stops it.

    Example: newsletter run --site our-prayer-letter
    """
    with opened(site) as place, stopped_by_signals() as stop:
        Service(place, now).run(stop, _say)


def dispatch(
    once: Annotated[
        bool, typer.Option("--once", help="Work until nothing is left that needs no waiting.")
    ] = False,
    site: SiteFolder = None,
) -> int:
    """Run scheduler and dispatcher without the pages.

    Example: newsletter dispatch --once
    """
    with opened(site) as place, stopped_by_signals() as stop:
        service = Service(place, now)
        if not once:
            service.run(stop, _say, web=False)
            return 0
        with showing_progress() as progress:
            tally = service.run_once(stop, _of_issue(progress))
        practice = [PRACTICE] if place.settings.practice else []
    answer(False, {}, *practice, *_sentences(tally))
    lost = tally.changes[DeliveryState.FAILED] + tally.changes[DeliveryState.UNKNOWN]
    return 1 if tally.left or lost or tally.put_off else 0


def _sentences(tally: Tally) -> list[str]:
    put_off = [
        f"Issue {number} waits for the provider's suppression lists, five minutes at most: run "
        "this again then."
        for number in tally.put_off
    ]
    paused = [
        f"Issue {number} is paused: newsletter issue show {number} says why."
        for number in tally.paused
    ]
    return put_off or [*_of_deliveries(tally), *paused]


def _of_deliveries(tally: Tally) -> list[str]:
    if not tally.changes:
        return ["Nothing is due."] if not tally.left else [_left(tally)]
    counted = ", ".join(
        f"{count:,} {state.name.lower().replace('_', ' ')}"
        for state, count in sorted(tally.changes.items())
    )
    return [f"Done: {counted}.", *([_left(tally)] if tally.left else [])]


def _left(tally: Tally) -> str:
    waits = counted(tally.left, "person waits", "people wait")
    return f"{waits} for a later time or for a decision: see newsletter issue report ID."


def _say(words: str) -> None:
    screen.print(words, markup=False)


def worker(site: SiteFolder = None) -> None:
    """Send along with other machines, on one PostgreSQL database.  Ctrl-C stops it.

    Example: newsletter worker --site our-prayer-letter
    """
    with opened(site) as place, stopped_by_signals() as stop:
        Service(place, now).work(stop, _say)


def serve(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Else [web] port.")] = None,
    site: SiteFolder = None,
) -> None:
    """Answer the pages only: what mailed links lead to, and on this machine the issues.

    Example: newsletter serve --port 8000
    """
    with opened(site) as place, stopped_by_signals() as stop:
        serve_pages(place, now, stop, _say, port)


def upgrade(site: SiteFolder = None) -> None:
    """Bring the database of a site to this version of the program; stop the service first.

    A SQLite database is copied before it is changed.  Of a PostgreSQL database make a dump
    yourself, with pg_dump.

    Example: newsletter upgrade --site our-prayer-letter
    """
    copy = upgrade_site(site_folder(site), now())
    kept = [f"What it was before is in {copy}: remove it when all is well."] if copy else []
    answer(False, {}, "The database is up to date.", *kept)


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and Ctrl-C set; a second one ends the process at once."""
    stop = threading.Event()

    def asked(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()

    before = {number: signal.signal(number, asked) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
