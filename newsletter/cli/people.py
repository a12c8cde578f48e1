"""`newsletter subscribers ...`: who may be written to."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from newsletter import events
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
    what_it_lacks,
    who,
)
from newsletter.cli.progress import showing_progress
from newsletter.counted import counted
from newsletter.errors import NotFound, UnreadableInput
from subscribers import consent, suppression, transfer
from subscribers.database import reading, writing
from subscribers.lists import find_list
from subscribers.privacy import Keys
from subscribers.style import Style, style_for, style_named
from subscribers.tables import SubscriptionState, SuppressionReason

app = typer.Typer(
    help="Subscribers: import, export, look up, stop writing to.\n\n"
    "Example: newsletter subscribers show anna@example.org",
    no_args_is_help=True,
)

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's address.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in a few words; kept on record.")]

SIDE_BY_SIDE = """
unsubscribe: off one list (--list), or off all and out of every later import (--all).

suppress: never mailed again, on any list, until unsuppress.
"""


@app.command("import", rich_help_panel=EVERY_DAY)
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file.")],
    basis: Annotated[
        str,
        typer.Option(help="explicit-consent, regular-contact or soft-opt-in: the ground in law."),
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
    ground = transfer.basis_named(basis)
    with opened(site) as place:
        with reading(place.engine) as session:
            mailing_list = find_list(session, list_name)
        with showing_progress() as progress:
            report = transfer.import_csv(
                place.engine,
                place.keys,
                mailing_list.id,
                file,
                ground,
                now(),
                by=who(by),
                dry_run=dry_run,
                progress=lambda rows: progress("Rows read", rows, rows),
            )
    answer(as_json, report.to_json(), *_import_sentences(report, dry_run))
    return 1 if report.refused else 0


def _import_sentences(report: transfer.ImportReport, dry_run: bool) -> list[str]:
    done = "would be added" if dry_run else "added"
    lines = [
        f"{counted(report.rows, 'row', 'rows')}: {report.added:,} {done}, "
        f"{counted(report.already, 'was', 'were')} on the list already, {report.left:,} had left, "
        f"{counted(report.suppressed, 'is', 'are')} never to be mailed, "
        f"{len(report.refused):,} refused."
    ]
    if report.not_taken:
        lines.append("Columns not taken: " + ", ".join(report.not_taken) + ".")
    lines += [f"Row {each.row}: {each.email}: {each.reason}" for each in report.refused[:20]]
    if len(report.refused) > 20:
        lines.append(f"... and {len(report.refused) - 20} more: --json gives them all.")
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
        count = transfer.export_file(session, place.keys, mailing_list.id, file)
    answer(False, {}, f"{counted(count)} of the list {mailing_list.name}, in {file}: keep it safe.")


@app.command(rich_help_panel=EVERY_DAY)
def show(email: Email, site: SiteFolder = None, as_json: AsJson = False) -> None:
    """Show what is held about one person.

    Example: newsletter subscribers show anna@example.org
    """
    with opened(site) as place, reading(place.engine) as session:
        details = consent.details(session, place.keys, email)
    if details is None:
        raise NotFound("Nothing is held about this address: check its spelling.")
    answer(as_json, details.to_json(), *_about(details))


def _about(details: consent.Details) -> list[str]:
    name = f"{details.name} " if details.name else ""
    lines = [f"{name}<{details.email}>"]
    if details.style is not Style.STANDARD:
        lines.append(f"Reads the {details.style.label} mail.")
    lines += [
        f"{each.list}: {each.state.name.lower()} since {each.since:%d %B %Y}, "
        f"basis {each.basis.label}"
        for each in details.lists
    ]
    if details.suppression:
        reason = details.suppression.reason.name.lower().replace("_", " ")
        lines.append(f"Never mailed since {details.suppression.since:%d %B %Y}: {reason}.")
    return lines


@app.command(rich_help_panel=NOW_AND_THEN)
def change(
    email: Email,
    style: Annotated[
        str,
        typer.Option("--style", help="standard, large (print), plain (text only) or discreet."),
    ],
    site: SiteFolder = None,
) -> None:
    """Choose for a person in which style their mail comes; the discreet one names nobody.

    Example: newsletter subscribers change anna@example.org --style discreet
    """
    chosen = style_named(style)
    with opened(site) as place, writing(place.engine) as session:
        person = consent.find(session, place.keys, email)
        if person is None:
            raise NotFound("Nobody has this address: check its spelling.")
        changed = consent.choose_style(session, person.id, chosen)
        now_on = f"Done: the {chosen.label} mail from now on."
        lacks = what_it_lacks(place, chosen)
        kept = _kept_by_lists(consent.lists_of(session, person.id), chosen)
    answer(False, {}, now_on if changed else "Nothing to do: it was so already.", *kept, *lacks)


def _kept_by_lists(theirs: Iterable[consent.ListDetails], chosen: Style) -> list[str]:
    """Return a sentence for each list of a person that goes to everybody in another style."""
    return [
        f"The list {each.list} goes to everybody in one style, {style.label}: "
        f"newsletter list change {each.list} --style chosen leaves it to each."
        for each in theirs
        if each.state is not SubscriptionState.UNSUBSCRIBED
        and (style := style_for(chosen, each.style)) is not chosen
    ]


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
        chosen = None if everywhere else find_list(session, list_name).name
        changed = _leave(session, place.keys, email, chosen, who(by))
    answer(False, {}, "Done." if changed else "Nothing to do: the person was off already.")


def _leave(session: Session, keys: Keys, email: str, chosen: str | None, by: str) -> bool:
    person = consent.find(session, keys, email)
    if person is None:
        raise NotFound("Nobody has this address: check its spelling.")
    if chosen is None:
        return consent.unsubscribe_everywhere(session, keys, person.id, "staff", now(), by)
    actor = consent.sealed_actor(keys, by)
    return any(
        consent.unsubscribe(session, each.subscription_id, "staff", now(), actor)
        for each in consent.lists_of(session, person.id)
        if each.list == chosen
    )


@app.command(rich_help_panel=NOW_AND_THEN, epilog=SIDE_BY_SIDE)
def suppress(email: Email, reason: Reason, by: By = None, site: SiteFolder = None) -> None:
    """Never write to an address again, whichever list it is on.

    Example: newsletter subscribers suppress anna@example.org --reason "asked by phone"
    """
    with opened(site) as place, writing(place.engine) as session:
        suppression.suppress(
            session,
            place.keys,
            email,
            SuppressionReason.STAFF,
            now(),
            note=reason,
            by=who(by),
        )
    answer(False, {}, "Done: no mail goes to this address any more.")


@app.command(rich_help_panel=NOW_AND_THEN, epilog=SIDE_BY_SIDE)
def unsuppress(email: Email, reason: Reason, by: By = None, site: SiteFolder = None) -> None:
    """Allow an address again; a complaint can only be lifted by the person.

    Example: newsletter subscribers unsuppress anna@example.org --reason "mailbox works again"
    """
    with opened(site) as place, writing(place.engine) as session:
        lifted = suppression.unsuppress(session, place.keys, email, now(), note=reason, by=who(by))
    answer(False, {}, "Done." if lifted else "Nothing to do: this address was not suppressed.")


@app.command(rich_help_panel=NOW_AND_THEN)
def held(
    accept: Annotated[
        bool, typer.Option("--accept", help="These addresses are dead: never write to them again.")
    ] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="Something else was wrong: go on writing to them.")
    ] = False,
    issue: Annotated[int | None, typer.Option(help="Only those of this issue.")] = None,
    by: By = None,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> int:
    """Show the hard bounces that wait for you because too many came at once, and decide.

    Example: newsletter subscribers held --issue 12 --discard
    """
    if accept and discard:
        raise UnreadableInput("Say which: --accept or --discard, or neither to look only.")
    with opened(site) as place, writing(place.engine) as session:
        decided = 0
        if accept or discard:
            decided = events.decide(session, place.keys, accept, now(), issue_id=issue, by=who(by))
        waiting = [
            pile
            for pile in events.held(session, place.keys)
            if issue is None or pile.issue_id == issue
        ]
    answer(
        as_json,
        {"decided": decided, "held": [_pile_json(pile) for pile in waiting]},
        *_held_sentences(waiting, decided, accept),
    )
    return 1 if waiting else 0


def _pile_json(pile: events.Pile) -> dict[str, object]:
    return {
        "issue": pile.issue_id,
        "day": pile.day,
        "host": pile.host,
        "people": len(pile.addresses),
        "emails": list(pile.addresses),
    }


def _held_sentences(waiting: list[events.Pile], decided: int, accepted: bool) -> list[str]:
    done = "never written to again" if accepted else "written to as before"
    are = counted(decided, "person is", "people are")
    lines = [f"{are} {done}."] if decided else []
    for pile in waiting:
        whose = f"Issue {pile.issue_id}" if pile.issue_id is not None else f"On {pile.day}"
        lines.append(f"{whose}: {counted(len(pile.addresses))} at {pile.host} bounced for good.")
        lines += [f"  {address}" for address in pile.addresses[:20]]
        if len(pile.addresses) > 20:
            lines.append(f"  ... and {len(pile.addresses) - 20} more: --json gives them all.")
    if waiting:
        lines.append("They are not suppressed yet: decide with --accept or --discard.")
    return lines or ["Nothing waits for you."]
