"""`newsletter subscribers ...`: who may be written to."""

from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.context import (
    EVERY_DAY,
    NOW_AND_THEN,
    AsJson,
    By,
    ListName,
    SiteFolder,
    answer,
    now,
    opened,
    who,
)
from newsletter.cli.progress import sending_progress
from newsletter.errors import UnreadableInput
from subscribers import consent, suppression, transfer
from subscribers.database import reading, writing
from subscribers.lists import find_list
from subscribers.tables import Basis

app = typer.Typer(help="Subscribers: import, export, look up, stop writing to.")

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's address.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in a few words; kept on record.")]

SIDE_BY_SIDE = """
unsubscribe: off one list (--list) or all (--all); the person may come back.
suppress: never again, on any list, until unsuppress.
"""


@app.command("import", rich_help_panel=EVERY_DAY)
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file.")],
    basis: Annotated[
        str,
        typer.Option(help="explicit-consent, regular-contact or soft-opt-in: why they are written to."),
    ],
    list_name: ListName = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen.")] = False,
    by: By = None,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> int:
    """Import subscribers from a CSV file; importing again changes nothing.

    Example: newsletter subscribers import people.csv --list weekly --basis explicit-consent
    """
    ground = _basis(basis)
    with opened(site) as place:
        with reading(place.engine) as session:
            mailing_list = find_list(session, list_name)
        with sending_progress() as progress:
            result = transfer.import_csv(
                place.engine,
                place.keys,
                file,
                list_id=mailing_list.id,
                basis=ground,
                actor=who(by),
                now=now(),
                dry_run=dry_run,
                progress=lambda done: progress("Rows read", done, done),
            )
    answer(as_json, result.to_json(), *_import_sentences(result, dry_run))
    return 1 if result.refused else 0


def _basis(written: str) -> Basis:
    name = written.strip().upper().replace("-", "_")
    if name not in Basis.__members__:
        raise UnreadableInput(
            f"The basis {written!r} is not known: give explicit-consent, regular-contact or "
            "soft-opt-in."
        )
    return Basis[name]


def _import_sentences(result: transfer.ImportResult, dry_run: bool) -> list[str]:
    done = "would be added" if dry_run else "added"
    lines = [
        f"{result.rows} rows: {result.added} {done}, {result.already} were on the list already, "
        f"{result.left} had left, {result.suppressed} are never to be mailed, "
        f"{len(result.refused)} refused."
    ]
    lines += [f"Row {each.row}: {each.email}: {each.reason}" for each in result.refused[:20]]
    if len(result.refused) > 20:
        lines.append(f"... and {len(result.refused) - 20} more: --json gives them all.")
    return lines


@app.command(rich_help_panel=NOW_AND_THEN)
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the CSV goes.")],
    list_name: ListName = None,
    site: SiteFolder = None,
) -> None:
    """Write everybody on a list to a CSV file that only you may read.

    Example: newsletter subscribers export --list weekly people.csv
    """
    with opened(site) as place, reading(place.engine) as session:
        mailing_list = find_list(session, list_name)
        count = transfer.export_csv(session, place.keys, mailing_list.id, file)
    answer(False, {}, f"{count} people of {mailing_list.name} are in {file}: keep it safe.")


@app.command(rich_help_panel=EVERY_DAY)
def show(email: Email, site: SiteFolder = None, as_json: AsJson = False) -> None:
    """Show what is held about one person.

    Example: newsletter subscribers show anna@example.org
    """
    with opened(site) as place, reading(place.engine) as session:
        details = consent.details(session, place.keys, email)
    answer(as_json, details.to_json(), *details.sentences())


@app.command(rich_help_panel=EVERY_DAY, epilog=SIDE_BY_SIDE)
def unsubscribe(
    email: Email,
    list_name: ListName = None,
    everywhere: Annotated[bool, typer.Option("--all", help="Off every list.")] = False,
    by: By = None,
    site: SiteFolder = None,
) -> None:
    """Take a person off one list, or off all.

    Example: newsletter subscribers unsubscribe anna@example.org --list weekly
    """
    if everywhere == (list_name is not None):
        raise UnreadableInput("Say which: --list NAME for one list, or --all.")
    with opened(site) as place, writing(place.engine) as session:
        list_id = None if everywhere else find_list(session, list_name).id
        changed = consent.unsubscribe_address(
            session, place.keys, email, list_id, actor=who(by), now=now()
        )
    answer(False, {}, "Done." if changed else "Nothing to do: the person was off already.")


@app.command(rich_help_panel=NOW_AND_THEN, epilog=SIDE_BY_SIDE)
def suppress(email: Email, reason: Reason, site: SiteFolder = None) -> None:
    """Never write to an address again, whichever list it is on.

    Example: newsletter subscribers suppress anna@example.org --reason "asked by phone"
    """
    with opened(site) as place, writing(place.engine) as session:
        suppression.suppress_address(session, place.keys, email, reason, now())
    answer(False, {}, "Done: no mail goes to this address any more.")


@app.command(rich_help_panel=NOW_AND_THEN, epilog=SIDE_BY_SIDE)
def unsuppress(email: Email, reason: Reason, by: By = None, site: SiteFolder = None) -> None:
    """Allow an address again; a complaint can only be lifted by the person.

    Example: newsletter subscribers unsuppress anna@example.org --reason "mailbox works again"
    """
    with opened(site) as place, writing(place.engine) as session:
        lifted = suppression.unsuppress_address(
            session, place.keys, email, reason, actor=who(by), now=now()
        )
    answer(False, {}, "Done." if lifted else "Nothing to do: this address was not suppressed.")
