"""`newsletter issue settle`, `send-rest`, `copy`: what people decide when something went wrong."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.orm import Session

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
from newsletter.cli.issues import IssueId
from newsletter.counted import counted
from newsletter.dispatch import (
    Rest,
    Settled,
    TreatAs,
    Unknowns,
    find_person,
    judge_from_outside,
    send_rest,
    send_to_joined,
    settle,
    submit_copy,
    the_rest,
    unknowns,
)
from newsletter.dispatch.reasons import SENTENCES
from newsletter.errors import NotAllowed
from newsletter.issue import Actor, local_time
from newsletter.providers import provider_for
from newsletter.providers.base import Answer
from newsletter.report import report
from newsletter.site import Site
from newsletter.tables import IssueState
from subscribers.database import writing


def add_to(app: typer.Typer) -> None:
    """Hang these commands under `newsletter issue`."""
    app.command("settle", rich_help_panel=NOW_AND_THEN)(settle_)
    app.command("send-rest", rich_help_panel=NOW_AND_THEN)(send_rest_)
    app.command("copy", rich_help_panel=NOW_AND_THEN)(copy)


def settle_(
    number: IssueId,
    treat_as: Annotated[
        TreatAs | None,
        typer.Option("--treat-as", help="Left out: say what is known, and change nothing."),
    ] = None,
    person: Annotated[
        str | None, typer.Option("--person", metavar="EMAIL", help="Only this one; else all.")
    ] = None,
    by: By = None,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> int:
    """Decide about those of whom nobody can tell whether they have their copy.

    received: count them as having it. send-again: who has it gets it twice. leave: who does not
    have it misses it. Ends with 1 while somebody is still not certain.

    Example: newsletter issue settle 3 --treat-as received
    """
    with opened(site) as place, writing(place.engine) as session:
        moment, is_gone = now(), judge_from_outside(place.engine)
        whom = find_person(session, place.keys, number, person) if person else None
        found = unknowns(session, number, is_gone, moment, whom)
        settled = Settled(0, 0, None)
        if treat_as is not None:
            actor = Actor(who(by), "command")
            settled = settle(session, place.keys, number, treat_as, actor, is_gone, moment, whom)
        told = report(session, number)
    left = told.sending["unknown"]
    values = {
        "issue": number,
        "treated_as": treat_as.value if treat_as else None,
        "not_certain": found.people,
        "settled": settled.changed,
        "waiting": settled.waiting if treat_as else found.waiting,
        "left": left,
    }
    zone = place.settings.zone
    lines = (
        _what_is_known(number, found, zone)
        if treat_as is None
        else _what_was_done(number, treat_as, settled, zone, told.state)
    )
    answer(as_json, values, *lines)
    return 1 if (left and whom is None) or settled.waiting or (found.people and not treat_as) else 0


def _what_is_known(number: int, found: Unknowns, zone: ZoneInfo) -> list[str]:
    if not found.people:
        return [f"Issue {number}: nobody is in doubt."]
    lines = [f"Issue {number}: not certain for {counted(found.people)}."]
    lines += [f"   {count:,}: {SENTENCES[why]}" for why, count in found.reasons.items()]
    if found.first_at and found.last_at:
        first, last = local_time(found.first_at, zone), local_time(found.last_at, zone)
        begun = f"at {first}" if first == last else f"between {first} and {last}"
        lines.append(f"Copies were begun {begun}. No answer and no report has come since.")
    lines += [
        f"Who they are: newsletter issue deliveries {number} --state unknown",
        "Decide (--person EMAIL for one of them):",
        f"   newsletter issue settle {number} --treat-as received      "
        "they are counted as having it; who does not have it misses it",
        f"   newsletter issue settle {number} --treat-as send-again    "
        "whoever has it gets it twice",
        f"   newsletter issue settle {number} --treat-as leave         "
        "they are counted as failed; who does not have it misses it",
    ]
    return lines + _waits(found.waiting, found.until, zone)


def _waits(waiting: int, until: datetime | None, zone: ZoneInfo) -> list[str]:
    if not waiting:
        return []
    when = (
        f"until {local_time(until, zone)}"
        if until
        else "for as long as the program that was sending them lives: stop it first"
    )
    return [
        f"{waiting:,} of them cannot be sent again yet: the first copy may still leave, or its "
        f"answer come, {when}."
    ]


def _what_was_done(
    number: int, treat_as: TreatAs, settled: Settled, zone: ZoneInfo, state: IssueState
) -> list[str]:
    if not settled.changed and not settled.waiting:
        return [f"Issue {number}: nobody is in doubt, so nothing is changed."]
    done = {
        TreatAs.RECEIVED: "Counted as received: {}; whoever does not have it misses it.",
        TreatAs.LEAVE: "Left alone, counted as failed: {}; whoever does not have it misses it.",
        TreatAs.SEND_AGAIN: "To be sent again: {}; whoever has it gets it twice.",
    }
    lines = [done[treat_as].format(counted(settled.changed))] if settled.changed else []
    if treat_as is TreatAs.SEND_AGAIN and settled.changed:
        lines.append(_goes_on(number, state))
    return lines + _waits(settled.waiting, settled.until, zone)


def _goes_on(number: int, state: IssueState) -> str:
    if state is IssueState.PAUSED:
        return f"The issue is paused: newsletter issue resume {number} lets it go on."
    return "The service sends them at once; without one: newsletter dispatch --once"


def send_rest_(
    number: IssueId,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen.")] = False,
    joined: Annotated[
        bool, typer.Option("--joined", help="Only those who subscribed after it began.")
    ] = False,
    by: By = None,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> None:
    """Send an issue to those it failed to reach, and to those its cancelling left out.

    Who joined since is named and taken with --joined only. Who left or must not be mailed stays
    left out, and who is not certain is settled apart.

    Example: newsletter issue send-rest 3 --dry-run
    """
    actor = Actor(who(by), "command")
    with opened(site) as place, writing(place.engine) as session:
        moment = now()
        found = the_rest(session, number)
        taken = found.joined if joined else found.taken
        if not dry_run:
            taken = _send(session, place, number, joined, actor, moment)
        state = report(session, number).state
    values = {"issue": number, "dry_run": dry_run, "taken": taken, **vars(found)}
    lines = (
        [_joined_sentence(found, dry_run)] if joined else _rest_sentences(number, found, dry_run)
    )
    if taken and not dry_run:
        lines.append(_goes_on(number, state))
    answer(as_json, values, *lines)


def _send(
    session: Session, place: Site, number: int, joined: bool, actor: Actor, moment: datetime
) -> int:
    if joined:
        provider = provider_for(place)
        return send_to_joined(session, place.keys, number, provider, actor, moment)
    return send_rest(session, place.keys, number, actor, moment).taken


def _joined_sentence(found: Rest, dry_run: bool) -> str:
    if not found.joined:
        return "Nobody has joined since."
    will = "would be taken" if dry_run else "taken"
    return f"Joined since, and {will} into the audience: {counted(found.joined)}."


def _rest_sentences(number: int, found: Rest, dry_run: bool) -> list[str]:
    would = "It would be sent again to" if dry_run else "To be sent again:"
    lines = [
        f"{would} {counted(found.taken)}: {found.failed:,} failed, {found.cancelled:,} cancelled."
        if found.taken
        else "Nobody failed and nobody was left out by a cancelling, whom it could be sent to."
    ]
    if found.left_out:
        lines.append(
            f"{counted(found.left_out, 'stays', 'stay')} left out: off the list, never to be "
            "mailed, reached through another list, or reading the discreet mail, of which there "
            "is none for them."
        )
    if found.left_alone:
        lines.append(
            f"{counted(found.left_alone, 'is', 'are')} left as before: staff decided so, or a late "
            "answer says that the copy arrived."
        )
    if found.unknown:
        lines.append(
            f"{counted(found.unknown, 'is', 'are')} not certain: newsletter issue settle {number}"
        )
    if found.joined:
        lines.append(f"{found.joined:,} joined since: newsletter issue send-rest {number} --joined")
    return lines


def copy(
    number: IssueId,
    to: Annotated[str, typer.Option("--to", metavar="EMAIL", help="Somebody in its audience.")],
    by: By = None,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> int:
    """Send one more copy to one person: they have lost it, or never saw it.

    Example: newsletter issue copy 3 --to anna@example.org
    """
    with opened(site) as place:
        provider = provider_for(place)
        copied = submit_copy(
            place.engine,
            place.keys,
            place.settings,
            provider,
            number,
            to,
            Actor(who(by), "command"),
            now,
        )
    outcome = copied.outcome
    accepted = outcome.answer is Answer.ACCEPTED
    values = {
        "issue": number,
        "answer": outcome.answer.value,
        "state": copied.state.name.lower(),
    }
    if accepted:
        answer(as_json, values, f"One more copy was handed over to {provider.label}.")
        return 0
    if as_json:
        answer(as_json, values)
        return 1
    if outcome.answer is Answer.UNKNOWN:
        raise NotAllowed("Nobody can tell whether the copy arrived: the answer was lost.")
    raise NotAllowed(outcome.sentence or f"{provider.label} did not take the copy.")
