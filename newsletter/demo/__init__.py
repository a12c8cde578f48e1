"""The main job on sample data, to the end, with nothing leaving the machine."""

from collections.abc import Callable, Iterator
from datetime import datetime
from importlib import resources
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.bulletin import read_bulletin
from newsletter.checks import Facts, blocks, check
from newsletter.config import SETTINGS_FILE, settings_text
from newsletter.counted import counted
from newsletter.demo.people import sample_csv
from newsletter.dispatch import Dispatcher, Progress
from newsletter.errors import Problem
from newsletter.issue import Actor, add_bulletin, describe, open_desk
from newsletter.providers import provider_for
from newsletter.report import report
from newsletter.schedule import draft_at, parse_cadence, set_cadence, start_due
from newsletter.site import Site, create_site, open_site
from newsletter.tables import Issue, IssueState
from newsletter.verses import compared
from subscribers.database import reading, writing
from subscribers.lists import add_list
from subscribers.tables import Basis, MailingList
from subscribers.transfer import import_csv

LIST = "friends"
BY_MAKE = ".venv/bin/newsletter"  # the program's name as `make demo` calls it
_STAFF = Actor("editor@example.org", "command")

Clock = Callable[[], datetime]


def demonstrate(
    folder: Path,
    subscribers: int,
    clock: Clock,
    progress: Progress,
    program: str = "newsletter",
) -> Iterator[str]:
    """Make a practice site in `folder`, or take the one it made there, and do the main job.

    Yields what happened, line by line; the last lines say what to try, with `program` as the
    name of the command.  May be run again: a practice issue never counts as sent, so the same
    bulletin goes out once more.

    Raises:
        Problem: the folder holds somebody's own site, or mail would leave this machine.
    """
    site = _site(folder)
    try:
        yield "PRACTICE: nothing leaves this machine; every mail goes into a folder."
        yield ""
        yield from _import_people(site, subscribers, clock)
        yield from _check_samples()
        number = _draft(site, _sample(".txt"), clock, at_once=True)
        yield from _send(site, number, clock, progress)
        yield from _plan_the_next(site, clock)
        yield from _what_next(folder, number, program)
    finally:
        site.engine.dispose()


def samples() -> list[tuple[str, bytes]]:
    """Return file name and bytes of each sample bulletin, by name."""
    files = [f for f in resources.files(__package__).iterdir() if f.name.endswith((".txt", ".md"))]
    return [(f.name, f.read_bytes()) for f in sorted(files, key=lambda f: f.name)]


def _sample(ending: str) -> tuple[str, bytes]:
    return next(
        (name, source)
        for name, source in samples()
        if name.endswith(ending) and not blocks(check(read_bulletin(source, name), Facts()))
    )


def _site(folder: Path) -> Site:
    if (folder / SETTINGS_FILE).exists():
        site = open_site(folder)
    else:
        settings = settings_text(wait_minutes=0, timezone="Europe/London", notify=[_STAFF.who])
        site = create_site(folder, settings)
    try:
        _refuse_real_work(site)
    except BaseException:
        site.engine.dispose()
        raise
    return site


def _refuse_real_work(site: Site) -> None:
    if not site.settings.practice:
        raise Problem(
            "The demonstration only practises, but the settings or the environment name a real "
            f"provider ({site.settings.provider.kind}): take that away, or name another folder."
        )
    with reading(site.engine) as session:
        others = session.scalar(select(MailingList.id).where(MailingList.name != LIST).limit(1))
    if others is not None:
        raise Problem(
            f"The site {site.folder} has mailing lists of its own: name another folder for the "
            "demonstration."
        )


def _import_people(site: Site, count: int, clock: Clock) -> Iterator[str]:
    with writing(site.engine) as session:
        mailing_list = session.query(MailingList).filter_by(name=LIST).first()
        if mailing_list is None:
            mailing_list = add_list(session, LIST, "Friends of the valley", clock())
            rule = parse_cadence("Fridays 07:00", site.settings.zone)
            set_cadence(session, mailing_list.id, rule, clock())
    file = site.folder / "subscribers.csv"
    file.write_bytes(sample_csv(count))
    done = import_csv(
        site.engine, site.keys, mailing_list.id, file, Basis.EXPLICIT_CONSENT, clock()
    )
    already = counted(done.already, "was", "were")
    yield f"1. Subscribers: {done.added:,} imported, {already} there already."


def _check_samples() -> Iterator[str]:
    yield "2. Bulletins, read as a careful colleague would:"
    for name, source in samples():
        bulletin = compared(read_bulletin(source, name))
        findings = check(bulletin, Facts())
        verdict = "STOPPED" if blocks(findings) else "may go out"
        yield f"   {name}: {len(bulletin.points)} prayer points, {verdict}"
        for finding in findings:
            yield f"      line {finding.line}, {finding.severity}: {finding.message}"


def _draft(site: Site, sample: tuple[str, bytes], clock: Clock, *, at_once: bool) -> int:
    name, source = sample
    desk = open_desk(site)
    with writing(site.engine) as session:
        list_id = session.query(MailingList).filter_by(name=LIST).one().id
        now = clock()
        added = add_bulletin(
            session, desk, source=source, file_name=name, list_id=list_id, by=_STAFF, now=now
        )
        return draft_at(
            session,
            desk,
            bulletin_id=added.id,
            list_id=list_id,
            at=now if at_once else None,
            hold=False,
            by=_STAFF,
            now=now,
        )


def _send(site: Site, number: int, clock: Clock, progress: Progress) -> Iterator[str]:
    with reading(site.engine) as session:
        yield f"3. {_described(session, site, number)}"
    provider = provider_for(site)
    Dispatcher(site.engine, site.keys, site.settings, provider, clock, due=start_due).run_once(
        progress
    )
    with reading(site.engine) as session:
        yield "4. The report:"
        yield from (f"   {line}" for line in report(session, number).sentences(provider.label))


def _plan_the_next(site: Site, clock: Clock) -> Iterator[str]:
    with reading(site.engine) as session:
        if session.scalar(select(Issue.id).where(Issue.state == IssueState.SCHEDULED)):
            return
    number = _draft(site, _sample(".md"), clock, at_once=False)
    with reading(site.engine) as session:
        yield f"5. {_described(session, site, number)}"


def _described(session: Session, site: Site, number: int) -> str:
    view = describe(session, site.keys, site.settings, number)
    subject = view.editions[0].subject
    return f"Issue {number}, “{subject}”, goes to {counted(view.head_count)}: {view.starts}."


def _what_next(folder: Path, number: int, program: str) -> Iterator[str]:
    serve = "make serve" if program == BY_MAKE else f"{program} serve --site {folder}"
    yield ""
    yield f"The mails lie in {folder / 'mailbox' / 'new'}, one file for each person."
    yield "What to try next:"
    yield f"   {serve:<48} look at the issues in a browser"
    yield f"   {program} issue report {number} --site {folder}"
    yield f"   {program} list show --site {folder}"
    yield f"   cp YOUR-BULLETIN.txt {folder / 'bulletins'}/ && {program} run --site {folder}"
