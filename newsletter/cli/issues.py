"""`newsletter issue ...`: draft, approve, schedule, stop, and see what became of it."""

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from sqlalchemy.orm import Session

from newsletter import dispatch, issue, schedule
from newsletter import report as reports
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
    who,
)
from newsletter.counted import counted
from newsletter.errors import NotAllowed, UnreadableInput
from newsletter.forecast import Forecast, foresee
from newsletter.issue import Actor, IssueView, Waiver, open_desk
from newsletter.providers import (
    holding_for,
    label_for,
    provider_for,
    sandbox_for,
    tells_outcome,
)
from newsletter.providers.base import Answer
from newsletter.site import Site
from newsletter.tables import DeliveryState, HandOver, Issue, IssueState, Reason
from subscribers.database import reading, writing
from subscribers.lists import find_list
from subscribers.spreadsheet import guarded
from subscribers.style import style_named
from subscribers.transfer import private_file

app = typer.Typer(
    help="Issues: one bulletin to one list at one time.\n\nExample: newsletter issue show 3",
    no_args_is_help=True,
)

IssueId = Annotated[int, typer.Argument(metavar="ID", help="The issue's number.")]
At = Annotated[
    str | None,
    typer.Option(
        "--at", help="2026-11-27T07:00 in the organisation's zone, or now; else the next free slot."
    ),
]


@app.command(rich_help_panel=EVERY_DAY)
def draft(
    bulletin: Annotated[int, typer.Argument(metavar="BULLETIN", help="The bulletin's number.")],
    list_name: ListName = None,
    at: At = None,
    hold: Annotated[bool, typer.Option("--hold", help="Keep it a draft for now.")] = False,
    by: By = None,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> int:
    """Make an issue of a bulletin; it is scheduled at once if nothing stands in the way.

    Example: newsletter issue draft 3 --list weekly --at 2026-11-27T07:00
    """
    with opened(site) as place:
        desk, actor = open_desk(place), Actor(who(by), "command")
        with writing(place.engine) as session:
            mailing_list = find_list(session, list_name)
            moment = now()
            when = schedule.parse_when(at, place.settings.zone, moment).at if at else None
            number = schedule.draft_at(
                session,
                desk,
                bulletin_id=bulletin,
                list_id=mailing_list.id,
                at=when,
                hold=hold,
                by=actor,
                now=moment,
            )
            view = issue.describe(session, place.keys, place.settings, number)
            _say(session, place, view, as_json, _blocking(session, place, view))
    return 1 if view.blockers else 0


@app.command("schedule", rich_help_panel=EVERY_DAY)
def schedule_(
    number: IssueId, at: At = None, by: By = None, site: SiteFolder = None, as_json: AsJson = False
) -> None:
    """Let a draft go out, at a time or in the next free slot of its list.

    Example: newsletter issue schedule 3 --at 2026-11-27T07:00
    """
    with opened(site) as place, writing(place.engine) as session:
        desk, actor = open_desk(place), Actor(who(by), "command")
        moment = now()
        when = schedule.parse_when(at, place.settings.zone, moment).at if at else None
        try:
            schedule.schedule_at(session, desk, number, when, actor, moment)
        except issue.Blocked as blocked:
            lines = "".join(f"\n{line}" for line in issue.blocking_sentences(blocked.findings))
            raise NotAllowed(str(blocked) + lines) from None
        _say(session, place, issue.describe(session, place.keys, place.settings, number), as_json)


@app.command(rich_help_panel=EVERY_DAY)
def move(
    number: IssueId,
    at: Annotated[str, typer.Option("--at", help="2026-11-27T07:00 in the organisation's zone.")],
    by: By = None,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> None:
    """Give an issue another time; an approval it had is void.

    Example: newsletter issue move 3 --at 2026-11-28T09:00
    """
    with opened(site) as place, writing(place.engine) as session:
        moment = now()
        when = schedule.parse_when(at, place.settings.zone, moment)
        actor = Actor(who(by), "command")
        schedule.move_to(session, open_desk(place), number, when.at, actor, moment)
        _say(session, place, issue.describe(session, place.keys, place.settings, number), as_json)


@app.command(rich_help_panel=EVERY_DAY)
def approve(
    number: IssueId,
    by: Annotated[str, typer.Option("--by", metavar="EMAIL", help="Who approves.")],
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> None:
    """Approve exactly the text, list and time there are now; the author never counts.

    Example: newsletter issue approve 3 --by ruth@example.org
    """
    with opened(site) as place, writing(place.engine) as session:
        issue.approve(session, open_desk(place), number, Actor(who(by), "command"), now())
        _say(session, place, issue.describe(session, place.keys, place.settings, number), as_json)


@app.command(rich_help_panel=EVERY_DAY)
def pause(number: IssueId, by: By = None, site: SiteFolder = None, as_json: AsJson = False) -> None:
    """Stop an issue for now; what is on the way at this moment still goes.

    Example: newsletter issue pause 3
    """
    with opened(site) as place:
        with writing(place.engine) as session:
            issue.pause(
                session, issue.desk_for_stopping(place), number, Actor(who(by), "command"), now()
            )
        _stop_held(place, number)
        with reading(place.engine) as session:
            view = issue.describe(session, place.keys, place.settings, number)
            _say(session, place, view, as_json)


@app.command(rich_help_panel=EVERY_DAY)
def resume(
    number: IssueId, by: By = None, site: SiteFolder = None, as_json: AsJson = False
) -> None:
    """Go on with a paused or held issue: those who have it get nothing more.

    Example: newsletter issue resume 3
    """
    with opened(site) as place, writing(place.engine) as session:
        actor = Actor(who(by), "command")
        if issue.resume(session, open_desk(place), number, actor, now()) is IssueState.SENDING:
            dispatch.call_workers(session, number)
        _say(session, place, issue.describe(session, place.keys, place.settings, number), as_json)


@app.command(rich_help_panel=EVERY_DAY)
def cancel(
    number: IssueId, by: By = None, site: SiteFolder = None, as_json: AsJson = False
) -> None:
    """End an issue for good and say who already has it.

    Example: newsletter issue cancel 3
    """
    with opened(site) as place:
        with writing(place.engine) as session:
            actor = Actor(who(by), "command")
            stopped = issue.cancel(session, issue.desk_for_stopping(place), number, actor, now())
        _stop_held(place, number)
        with reading(place.engine) as session:
            view = issue.describe(session, place.keys, place.settings, number)
            counts = vars(stopped)
            if view.held:
                counts = _counts_of_held(reports.report(session, number))
        words = (
            ("copy is not stopped,", "copies are not stopped,")
            if view.held
            else ("person has it already,", "people have it already,")
        )
        have_it = counted(counts["submitted"], *words)
        who_has_it = (
            f"{have_it} "
            f"{counted(counts['on_the_way'], 'copy is', 'copies are')} on the way, "
            f"{counted(counts['not_certain'], 'is', 'are')} not certain, "
            f"{counts['stopped']:,} will not get it."
            if any(counts.values())
            else f"Nobody has it; it was for {counted(view.head_count)}."
        )
        answer(as_json, {**_json(view, []), **counts}, *_sentences(view, []), who_has_it)


def _counts_of_held(told: reports.Report) -> dict[str, int]:
    """Return the same as `issue.Cancelled`, once the provider has been asked to stop."""
    return {
        "submitted": told.sending["submitted"],
        "not_certain": told.sending["unknown"],
        "on_the_way": told.sending["in_flight"],
        "stopped": told.exclusions.get(Reason.CANCELLED, 0),
    }


def _stop_held(place: Site, number: int) -> None:
    """Stop at once what a provider holds; where it cannot be asked, the service goes on asking."""
    with reading(place.engine) as session:
        if session.get(HandOver, number) is None:
            return
    if holding := holding_for(place):
        dispatch.stop_held(place.engine, place.keys, place.settings, holding, number, now)


@app.command(rich_help_panel=EVERY_DAY)
def show(number: IssueId, site: SiteFolder = None, as_json: AsJson = False) -> None:
    """Show an issue: its state, when it goes, to how many.

    Example: newsletter issue show 3
    """
    with opened(site) as place, reading(place.engine) as session:
        view = issue.describe(session, place.keys, place.settings, number)
        blocking = _blocking(session, place, view)
        waivers = issue.waivers_in(session, place.keys, number)
        _say(session, place, view, as_json, blocking, reports.report(session, number), waivers)


@app.command(rich_help_panel=EVERY_DAY)
def report(number: IssueId, site: SiteFolder = None, as_json: AsJson = False) -> int:
    """Say what became of everyone in the audience; ends with 1 if somebody did not get it.

    Example: newsletter issue report 3
    """
    with opened(site) as place, reading(place.engine) as session:
        told = reports.report(session, number)
        view = issue.describe(session, place.keys, place.settings, number)
        label = label_for(place, told.practice)
    sentences = told.sentences(label, tells_outcome(place, told.practice))
    answer(as_json, told.to_json(), *_sentences(view, []), *sentences)
    lost = told.sending["failed"] + told.sending["unknown"]
    return 1 if lost or told.state is IssueState.PAUSED else 0


@app.command(rich_help_panel=NOW_AND_THEN)
def deliveries(
    number: IssueId,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="failed, unknown, excluded, claimed, ...")
    ] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write a CSV file.")] = None,
    site: SiteFolder = None,
) -> None:
    """List the people of an issue with what became of each, and why.

    Example: newsletter issue deliveries 3 --state unknown
    """
    with opened(site) as place, reading(place.engine) as session:
        chosen, claimed = _delivery_state(state) if state else (None, None)
        rows = reports.deliveries(session, place.keys, number, chosen, claimed=claimed)
        if csv_file is None:
            _write_rows(sys.stdout, rows)
            return
        with private_file(csv_file) as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
            count = _write_rows(text, rows)
            text.detach()
    answer(False, {}, f"{counted(count, 'person is', 'people are')} in {csv_file}: keep it safe.")


def _delivery_state(written: str) -> tuple[DeliveryState, bool | None]:
    name = written.strip().upper().replace("-", "_").replace(" ", "_")
    if name == "CLAIMED":
        return DeliveryState.PENDING, True
    if name not in DeliveryState.__members__:
        known = ", ".join([*(each.lower() for each in DeliveryState.__members__), "claimed"])
        raise UnreadableInput(f"The state {written!r} is not known: give one of {known}.")
    state = DeliveryState[name]
    return state, False if state is DeliveryState.PENDING else None


def _write_rows(file: TextIO, rows: Iterable[reports.DeliveryRow]) -> int:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["email", "state", "reason", "attempts", "at"])
    count = 0
    for row in rows:
        count += 1
        at = row.at.isoformat() if row.at else ""
        writer.writerow([guarded(row.email), row.state_name, row.reason, row.attempts, at])
    return count


@app.command("test", rich_help_panel=EVERY_DAY)
def sample(
    number: IssueId,
    to: Annotated[
        str | None,
        typer.Option(metavar="EMAIL", help="Who gets it; without, SendGrid looks and sends not."),
    ] = None,
    style: Annotated[
        str | None, typer.Option("--style", help="standard, large, plain or discreet.")
    ] = None,
    site: SiteFolder = None,
) -> None:
    """Send one sample of the finished mail; its links act on nobody.

    Example: newsletter issue test 3 --to office@example.org
    """
    wanted = style_named(style) if style else None
    with opened(site) as place:
        provider = provider_for(place) if to else sandbox_for(place)
        if provider is None:
            raise UnreadableInput(
                "Name who gets the sample with --to: only SendGrid can look at a mail without "
                "sending it."
            )
        reader = to or place.settings.sender.email
        outcome = dispatch.submit_sample(
            place.engine, place.keys, place.settings, provider, number, reader, now(), wanted
        )
        with reading(place.engine) as session:
            view = issue.describe(session, place.keys, place.settings, number)
    if outcome.answer is not Answer.ACCEPTED:
        raise NotAllowed(outcome.sentence or f"{provider.label} did not take the sample.")
    taken = (
        f"The sample was handed over to {provider.label}."
        if to
        else f"{provider.label} would take this mail. Nothing was sent."
    )
    answer(False, {}, taken, *_sentences(view, []))


def _blocking(session: Session, place: Site, view: IssueView) -> list[str]:
    """Return what keeps an unsent issue back, a sentence each."""
    if not view.blockers:
        return []
    return issue.blocking_sentences(
        issue.findings(session, place.keys, place.settings, session.get_one(Issue, view.id))
    )


def _say(
    session: Session,
    place: Site,
    view: IssueView,
    as_json: bool,
    blocking: list[str] | None = None,
    told: reports.Report | None = None,
    waivers: Sequence[Waiver] = (),
) -> None:
    forecast = foresee(session, place.settings, view, now())
    blocking = blocking or []
    values, sentences = _json(view, blocking, forecast), _sentences(view, blocking, forecast)
    if told is not None:
        values["unknown"] = told.sending["unknown"]
        sentences += told.unknown_sentences()
        values["waived"] = [waiver.to_json() for waiver in waivers]
        sentences += [waiver.sentence(place.settings.zone) for waiver in waivers]
    answer(as_json, values, *sentences)


def _json(view: IssueView, blocking: list[str], forecast: Forecast | None = None) -> dict[str, Any]:
    return {
        "id": view.id,
        "bulletin": view.bulletin_id,
        "list": view.list_name,
        "state": view.state.name.lower(),
        "due_at": view.due_at.isoformat() if view.due_at else None,
        "starts_at": view.starts_at.isoformat() if view.starts_at else None,
        "when": view.starts or view.when,
        "head_count": view.head_count,
        "approvals": view.approvals,
        "approvals_needed": view.approvals_needed,
        "editions": [vars(edition) for edition in view.editions],
        "readers": [vars(each) for each in view.readers],
        "practice": view.practice,
        "pause_reason": view.pause_reason,
        "held": view.held,
        "blocking": blocking,
        "forecast": forecast.to_json() if forecast else None,
    }


def _sentences(view: IssueView, blocking: list[str], forecast: Forecast | None = None) -> list[str]:
    lines = [f"Issue {view.id} to {view.list_name} is {_STATES[view.state]}{_when(view)}."]
    lines += [f"It goes to {counted(view.head_count)}."] if view.state in issue.UNSENT else []
    lines += view.in_languages()
    lines += forecast.sentences() if forecast else []
    if view.state is IssueState.AWAITING_APPROVAL:
        lines.append(
            f"{view.approvals} of {view.approvals_needed} approvals: newsletter issue approve "
            f"{view.id} --by EMAIL"
        )
    if view.state is IssueState.DRAFT and view.hold:
        lines.append(f"It is held: newsletter issue resume {view.id} lets it go.")
    lines += [view.held] if view.held else []
    if view.pause_reason:
        lines.append(f"Why it is paused: {view.pause_reason}")
    if blocking:
        lines += ["Before it can go:", *(f"  {sentence}" for sentence in blocking)]
    return [PRACTICE, *lines] if view.practice else lines


_STATES = {
    IssueState.DRAFT: "a draft",
    IssueState.AWAITING_APPROVAL: "waiting for approval",
    IssueState.SCHEDULED: "scheduled",
    IssueState.SENDING: "being sent",
    IssueState.PAUSED: "paused",
    IssueState.COMPLETED: "completed",
    IssueState.CANCELLED: "cancelled",
}


def _when(view: IssueView) -> str:
    moment = view.starts or view.when
    if moment is None:
        return ", without a time yet"
    return f" for {moment}" if view.state in issue.UNSENT else f" (its time was {moment})"
