"""`newsletter pseudonym ...`: what is real, and what is published in its place."""

import sys
from typing import Annotated

import typer

from newsletter.cli.context import (
    EVERY_DAY,
    NOW_AND_THEN,
    AsJson,
    By,
    SiteFolder,
    answer,
    now,
    opened,
    who,
)
from newsletter.errors import UnreadableInput
from newsletter.issue import Actor, Named, hold_named, open_desk
from newsletter.issue import register as registers
from newsletter.names import Kind, Pseudonym, kind_of
from subscribers.database import reading, writing

app = typer.Typer(
    help="Pseudonyms: real names that no bulletin may hold, and what is published instead.\n\n"
    "For whoever runs this machine; the staff pages show nothing of it.\n\n"
    "Example: newsletter pseudonym add",
    no_args_is_help=True,
)


@app.command(rich_help_panel=EVERY_DAY)
def add(
    written: Annotated[
        list[str] | None,
        typer.Argument(metavar="[[REAL] PUBLISHED]", help="Better: only the published name."),
    ] = None,
    kind: Annotated[
        Kind | None, typer.Option(help="Else it is told by its looks: digits, a link, a name.")
    ] = None,
    by: By = None,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> None:
    """Register a real name, place, phone number or map link; a bulletin that holds it is blocked.

    What stands on the command line stays in the shell's history.  So leave the real name out:
    you are asked for it, or it is the first line of what is piped in.  A phone number or a link
    needs nothing published in its place.

    Example: newsletter pseudonym add Anna
    """
    real, published = _asked(written or [], kind)
    pseudonym = Pseudonym(kind or kind_of(real), real, published)
    with opened(site) as place, writing(place.engine) as session:
        desk, actor = open_desk(place), Actor(who(by), "command")
        number = registers.register(session, place.keys, pseudonym, actor, now())
        named = hold_named(session, desk, actor, now())
    answer(
        as_json,
        {
            "id": number,
            "kind": pseudonym.kind.value,
            "published": published,
            "held": list(named.held),
            "begun": list(named.begun),
        },
        f"Pseudonym {number} is registered, as a {pseudonym.kind}.",
        *_of_issues(named),
    )


def _asked(written: list[str], kind: Kind | None) -> tuple[str, str]:
    if len(written) > 2:
        raise UnreadableInput(
            "A name of several words stands in quotation marks: give REAL and PUBLISHED, or only "
            "PUBLISHED."
        )
    given = [text.strip() for text in written]
    if len(given) == 2:
        return given[0], given[1]
    real = _line("What is real (a name, place, phone number or link)")
    if given:
        return real, given[0]
    needs_none = (kind or kind_of(real)) in (Kind.PHONE, Kind.LINK)
    return real, _line("What is published in its place", may_be_empty=needs_none)


def _line(question: str, *, may_be_empty: bool = False) -> str:
    if sys.stdin.isatty():
        default = "" if may_be_empty else None
        return str(typer.prompt(question, default=default, show_default=False, err=True)).strip()
    return sys.stdin.readline().strip()


def _of_issues(named: Named) -> list[str]:
    lines = [
        f"Issue {number} holds it and goes nowhere until its bulletin is mended."
        for number in named.held
    ]
    lines += [
        f"Issue {number} holds it and has begun: newsletter issue cancel {number} keeps it from "
        "everybody who has not got it."
        for number in named.begun
    ]
    return lines


@app.command("list", rich_help_panel=NOW_AND_THEN)
def list_(site: SiteFolder = None, as_json: AsJson = False) -> None:
    """Show the register, real names included: look who stands behind you.

    Example: newsletter pseudonym list
    """
    with opened(site) as place, reading(place.engine) as session:
        found = registers.entries(session, place.keys)
        zone = place.settings.zone
    answer(
        as_json,
        {
            "pseudonyms": [
                {
                    "id": each.id,
                    "kind": each.pseudonym.kind.value,
                    "real": each.pseudonym.real,
                    "published": each.pseudonym.published,
                    "by": each.added_by,
                    "at": each.added_at.isoformat(),
                }
                for each in found
            ]
        },
        *(_row(each, f"{each.added_at.astimezone(zone):%Y-%m-%d}") for each in found),
        *([] if found else ["The register is empty."]),
    )


def _row(each: registers.Entry, day: str) -> str:
    entry = each.pseudonym
    published = entry.published or "(left out)"
    return f"{each.id}  {entry.kind}  {entry.real} -> {published}  ({each.added_by}, {day})"


@app.command(rich_help_panel=NOW_AND_THEN)
def remove(
    number: Annotated[int, typer.Argument(metavar="ID", help="As list shows it.")],
    by: By = None,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> None:
    """Take an entry out: what is real may be published again.

    Example: newsletter pseudonym remove 3
    """
    with opened(site) as place, writing(place.engine) as session:
        registers.remove(session, place.keys, number, Actor(who(by), "command"), now())
    answer(as_json, {"id": number}, f"Pseudonym {number} is removed.")
