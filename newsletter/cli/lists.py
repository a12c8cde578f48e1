"""`newsletter list ...`: mailing lists, their cadence and its slots."""

from datetime import date
from typing import Annotated

import typer

from newsletter import schedule
from newsletter.cli.context import NOW_AND_THEN, AsJson, SiteFolder, answer, now, opened
from newsletter.errors import UnreadableInput
from subscribers.database import reading, writing
from subscribers.lists import add_list, find_list, titled

app = typer.Typer(help="Mailing lists, when they are written to, and holidays.")

Cadence = Annotated[
    str | None, typer.Option("--cadence", help='For example "Fridays 07:00 Europe/London".')
]
Title = Annotated[str | None, typer.Option("--title", help="What people read.")]
Name = Annotated[str, typer.Argument(help="The list, a-z 0-9 -.")]


@app.command(rich_help_panel=NOW_AND_THEN)
def add(
    name: Name,
    title: Title = None,
    cadence: Cadence = None,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make a mailing list.

    Example: newsletter list add weekly --title "Weekly prayer" --cadence "Fridays 07:00"
    """
    with opened(site) as place, writing(place.engine) as session:
        made = add_list(session, name, title, now())
        if cadence:
            rule = schedule.parse_cadence(cadence, place.settings.organisation.timezone)
            schedule.set_cadence(session, made.id, rule, now())
        answer(
            as_json,
            {"id": made.id, "name": made.name},
            f"The list {made.name} is made (number {made.id}).",
            "Next: newsletter subscribers import FILE --list "
            f"{made.name} --basis explicit-consent",
        )


@app.command(rich_help_panel=NOW_AND_THEN)
def change(
    name: Name, title: Title = None, cadence: Cadence = None, site: SiteFolder = None
) -> None:
    """Change a list's title or cadence; issues that have a time keep it.

    Example: newsletter list change weekly --cadence "Sundays 06:30 Africa/Lagos"
    """
    if title is None and cadence is None:
        raise UnreadableInput("Nothing to change was named: give --title or --cadence.")
    with opened(site) as place, writing(place.engine) as session:
        mailing_list = find_list(session, name)
        if title:
            mailing_list.title = titled(title)
        if cadence:
            rule = schedule.parse_cadence(cadence, place.settings.organisation.timezone)
            schedule.set_cadence(session, mailing_list.id, rule, now())
    answer(False, {}, f"The list {name} is changed.")
