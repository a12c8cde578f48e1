"""`newsletter list ...`: mailing lists, their cadence and its slots."""

from datetime import date, datetime
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from newsletter import schedule
from newsletter.cli.context import (
    EVERY_DAY,
    NOW_AND_THEN,
    PRACTICE,
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
from newsletter.config import Settings
from newsletter.counted import counted
from newsletter.errors import UnreadableInput
from newsletter.issue import Actor, local_time, open_desk, restyle
from newsletter.schedule import SlotView
from newsletter.site import Site
from newsletter.tables import OccurrenceState
from subscribers.audience import head_count
from subscribers.database import reading, writing
from subscribers.lists import add_list, find_list, titled
from subscribers.style import Style, style_named
from subscribers.tables import MailingList

app = typer.Typer(
    help="Mailing lists, when they are written to, and holidays.\n\n"
    "Example: newsletter list skip weekly 2026-12-25 --reason Christmas",
    no_args_is_help=True,
)

Cadence = Annotated[
    str | None, typer.Option("--cadence", help='For example "Fridays 07:00 Europe/London".')
]
Title = Annotated[str | None, typer.Option("--title", help="What people read.")]
Forced = Annotated[
    str | None,
    typer.Option(
        "--style",
        help="Of all its mail: large (print), plain (text only), discreet, standard; or chosen, by "
        "each reader.",
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The list: a-z, 0-9 and -.")]
Day = Annotated[str, typer.Argument(metavar="DATE", help="2026-12-25")]


@app.command(rich_help_panel=NOW_AND_THEN)
def add(
    name: Name,
    title: Title = None,
    cadence: Cadence = None,
    style: Forced = None,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make a mailing list.

    Example: newsletter list add weekly --title "Weekly prayer" --cadence "Fridays 07:00"
    """
    with opened(site) as place, writing(place.engine) as session:
        made = add_list(session, name, title, now(), _forced(style))
        if cadence:
            _set_cadence(session, place, made.id, cadence)
        answer(
            as_json,
            {"id": made.id, "name": made.name, "cadence": _cadence(session, made.id)},
            f"The list {made.name} is made (number {made.id}).",
            *what_it_lacks(place, made.style),
            f"Next: newsletter subscribers import FILE --list {made.name} --basis explicit-consent",
        )


@app.command(rich_help_panel=NOW_AND_THEN)
def change(
    name: Name,
    title: Title = None,
    cadence: Cadence = None,
    style: Forced = None,
    by: By = None,
    site: SiteFolder = None,
) -> None:
    """Change a list's title, cadence or style; issues that have a time keep it.

    Issues that have not begun follow the style, and want their approvals again.

    Example: newsletter list change weekly --cadence "Sundays 06:30 Africa/Lagos"
    """
    if title is None and cadence is None and style is None:
        raise UnreadableInput("Nothing to change was named: give --title, --cadence or --style.")
    sentences = [f"The list {name} is changed."]
    with opened(site) as place, writing(place.engine) as session:
        mailing_list = find_list(session, name)
        if title:
            mailing_list.title = titled(title)
        if cadence:
            sentences += [
                f"Issue {number} stays at {local_time(at, place.settings.zone)}: move it if it "
                "should follow."
                for number, at in _set_cadence(session, place, mailing_list.id, cadence)
            ]
        if style and (forced := _forced(style)) is not mailing_list.style:
            mailing_list.style = forced
            session.flush()
            restyle(session, open_desk(place), mailing_list.id, Actor(who(by), "command"), now())
        sentences += what_it_lacks(place, _forced(style))
    answer(False, {}, *sentences)


@app.command(rich_help_panel=NOW_AND_THEN)
def skip(
    name: Name,
    day: Day,
    reason: Annotated[str, typer.Option("--reason", help="For example: Christmas.")],
    until: Annotated[str | None, typer.Option("--until", help="The last day, included.")] = None,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> None:
    """Leave the slots of a day, or of some days, empty: a holiday.

    Example: newsletter list skip weekly 2026-12-25 --until 2027-01-01 --reason Christmas
    """
    first = _day(day)
    last = _day(until) if until else first
    with opened(site) as place, writing(place.engine) as session:
        mailing_list = find_list(session, name)
        days = schedule.skip_dates(session, mailing_list.id, first, last, reason, now())
    named = [each.isoformat() for each in days]
    answer(as_json, {"list": name, "skipped": named}, f"Left out: {', '.join(named)}.")


@app.command(rich_help_panel=EVERY_DAY)
def show(list_name: ListName = None, site: SiteFolder = None, as_json: AsJson = False) -> None:
    """Show the lists, the next twelve slots of each, and what fills them.

    Example: newsletter list show --list weekly
    """
    with opened(site) as place, reading(place.engine) as session:
        if list_name:
            lists = [find_list(session, list_name)]
        else:
            lists = session.query(MailingList).order_by(MailingList.name).all()
        views = [_view(session, place.settings, each, now()) for each in lists]
        practice = place.settings.practice
    sentences = [line for view in views for line in _lines(view)] or ["There is no list yet."]
    if practice:
        sentences.insert(0, PRACTICE)
    answer(as_json, {"practice": practice, "lists": views}, *sentences)


def _forced(written: str | None) -> Style | None:
    return None if written in (None, "chosen") else style_named(written)


def _set_cadence(
    session: Session, place: Site, list_id: int, written: str
) -> list[tuple[int, datetime]]:
    rule = schedule.parse_cadence(written, place.settings.zone)
    return schedule.set_cadence(session, list_id, rule, now())


def _cadence(session: Session, list_id: int) -> str | None:
    rule = schedule.cadence_of(session, list_id)
    return str(rule) if rule else None


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise UnreadableInput(f"{written!r} is no date: write it as 2026-12-25.") from None


def _view(
    session: Session, settings: Settings, mailing_list: MailingList, at: datetime
) -> dict[str, Any]:
    sender = settings.sender_of(mailing_list.name)
    is_own = sender != settings.sender
    return {
        "id": mailing_list.id,
        "name": mailing_list.name,
        "title": mailing_list.title,
        "style": mailing_list.style.label if mailing_list.style else None,
        "sender": sender.model_dump() if is_own else None,  # None: everybody's
        "subscribers": head_count(session, mailing_list.id),
        "cadence": _cadence(session, mailing_list.id),
        "slots": [_slot(each) for each in schedule.slots_view(session, mailing_list.id, at)],
    }


def _slot(slot: SlotView) -> dict[str, Any]:
    return {
        "date": slot.local_date.isoformat(),
        "at": slot.due_at.isoformat(),
        "when": slot.when,
        "state": slot.state.name.lower(),
        "issue": slot.issue_id,
        "filled_by": _filled_by(slot),
        "note": slot.note,
    }


def _filled_by(slot: SlotView) -> str:
    if slot.state is OccurrenceState.SKIPPED:
        return f"left out: {slot.reason}"
    if slot.issue_id is None or slot.issue_state is None:
        return "free"
    return f"issue {slot.issue_id}, {slot.issue_state.name.lower().replace('_', ' ')}"


def _lines(view: dict[str, Any]) -> list[str]:
    head = f"{view['name']}: {view['title']}, {counted(view['subscribers'])}"
    style = f", always {view['style']}" if view["style"] else ""
    lines = [f"{head}, {view['cadence'] or 'no cadence'}{style}"]
    if sender := view["sender"]:
        lines.append(f"  from {sender['name']} <{sender['email']}>")
    for slot in view["slots"]:
        note = f"  ({slot['note']})" if slot["note"] else ""
        lines.append(f"  {slot['when']}: {slot['filled_by']}{note}")
    return lines
