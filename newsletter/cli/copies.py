"""`newsletter backup`, `restore` and `restored`: copies of a site, and what they do not know."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from newsletter import backup as backups
from newsletter.cli.context import (
    NOW_AND_THEN,
    AsJson,
    By,
    SiteFolder,
    answer,
    now,
    opened,
    who,
)
from newsletter.config import KEY_FILE
from newsletter.dispatch.restored import (
    OpenIssue,
    last_known,
    open_issues,
    take_over,
    unsent_issues,
)
from newsletter.issue import Actor, local_time, record
from newsletter.original import why_a_copy
from newsletter.providers import provider_for
from newsletter.site import Site
from newsletter.tables import IssueState
from subscribers.database import writing


def add_to(app: typer.Typer) -> None:
    """Hang these commands directly under `newsletter`."""
    app.command(rich_help_panel=NOW_AND_THEN)(backup)
    app.command(rich_help_panel=NOW_AND_THEN)(restore)
    app.command(rich_help_panel=NOW_AND_THEN)(restored)


File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]

NOT_KNOWN = (
    "What this copy cannot know: who left or was suppressed after it was made. Take them out "
    "again before the next issue, from the provider's lists and from mails to you: newsletter "
    "subscribers unsubscribe, newsletter subscribers suppress.",
    "Bulletins and issues that were added after it was made are not in it: do not add again what "
    "went out.",
)


def backup(file: File, by: By = None, site: SiteFolder = None) -> None:
    """Write settings, templates, logos and database to one file, while the service runs.

    Example: newsletter backup /backups/letter.tar
    """
    with opened(site) as place:
        with writing(place.engine) as session:
            record(session, place.keys, Actor(who(by), "command"), "backup begun", now())
        backups.back_up(place, file, now())
    answer(
        False,
        {},
        f"The backup is {file}.",
        f"{KEY_FILE} is not in it: keep a copy of that somewhere else. Without it nobody can read "
        "the backup, and whoever has both can read all.",
    )


def restore(
    file: File,
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="A new folder.")],
) -> None:
    """Make a site from a backup, in a new folder; never over an existing one.

    Example: newsletter restore /backups/letter.tar --into our-letter
    """
    made = backups.restore(file, into)
    lines = [
        f"The site {made.folder} is as it was on {made.made_at:%d %B %Y at %H:%M} UTC.",
        "Make sure that the site it replaces runs nowhere any more.",
    ]
    if not made.has_key:
        lines.append(f"Put its {KEY_FILE} into {made.folder}: it is not in the backup.")
    if made.older_schema:
        lines.append(f"It is of an older version: newsletter upgrade --site {into}")
    lines.append(
        "It sends nothing until somebody says what went out since: "
        f"newsletter restored --site {into}"
    )
    answer(False, {}, *lines)


def restored(
    went_out: Annotated[
        list[int] | None,
        typer.Option("--went-out", metavar="ID", help="It went out since, or may have."),
    ] = None,
    did_not: Annotated[
        list[int] | None,
        typer.Option("--did-not-go-out", metavar="ID", help="It certainly did not."),
    ] = None,
    by: By = None,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> int:
    """Say what went out after a copy of the database was made; until then it sends nothing.

    Without options: say which issues are in question, and change nothing; where there are none,
    let the copy dispatch. Every one of them must be named, in one command. Of what went out,
    everyone without an answer becomes not certain, and newsletter issue settle decides.

    Example: newsletter restored --went-out 3 --did-not-go-out 4
    """
    with opened(site) as place, writing(place.engine) as session:
        why = why_a_copy(session)
        asked = open_issues(session)
        if why is None:
            answer(as_json, {"copy": False}, "This database is no copy: there is nothing to say.")
            return 0
        if asked and not (went_out or did_not):
            answer(as_json, _json(why, asked), *_questions(session, place, why, asked))
            return 1
        doubtful = take_over(
            session,
            place.keys,
            provider_for(place),
            went_out or [],
            did_not or [],
            Actor(who(by), "command"),
            now(),
        )
        unsent = unsent_issues(session)
    lines = ["This database dispatches from now on; every other copy of it does not."]
    if doubtful:
        settled = " ".join(f"newsletter issue settle {number}" for number in went_out or [])
        lines.append(f"Not certain from now on: {doubtful:,}. Next: {settled}")
    if unsent:
        numbers = ", ".join(map(str, unsent))
        lines.append(f"Not gone out yet, as far as this copy knows: {numbers}. Cancel what has.")
    answer(as_json, {"copy": False, "not_certain": doubtful}, *lines, *NOT_KNOWN)
    return 0


def _json(why: str, asked: Sequence[OpenIssue]) -> dict[str, object]:
    issues = [
        {"issue": each.id, "state": each.state.name.lower(), "without_answer": each.open}
        for each in asked
    ]
    return {"copy": True, "why": why, "issues": issues}


def _questions(session: Session, place: Site, why: str, asked: Sequence[OpenIssue]) -> list[str]:
    zone = place.settings.zone
    lines = [f"{why}: nothing is sent from it."]
    if (last := last_known(session)) is not None:
        lines.append(f"The last thing it knows of was done on {local_time(last, zone)}.")
    lines.append("Of each of these, say whether it went out since, or may have:")
    for each in asked:
        when = f" for {local_time(each.due_at, zone)}" if each.due_at else ""
        lines.append(
            f"   issue {each.id}, scheduled{when}"
            if each.state is IssueState.SCHEDULED
            else f"   issue {each.id}, begun{when}: {each.open:,} without an answer"
        )
    named = " ".join(f"--went-out {each.id}" for each in asked)
    return [
        *lines,
        f"It went out, or nobody can tell: newsletter restored {named}",
        "It certainly did not: --did-not-go-out ID in its place.",
        "Make sure that the former site runs nowhere any more.",
        *NOT_KNOWN,
    ]
