"""`newsletter bulletin ...`: read, check, look at and store what was written."""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Annotated, NamedTuple

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import issue
from newsletter.bulletin import (
    LARGEST_BYTES,
    Bulletin,
    PrayerPoint,
    Scripture,
    bulletin_json,
    normal_text,
    read_bulletin,
    too_large,
)
from newsletter.checks import RULES, Facts, Finding, Severity, blocks, finding_json
from newsletter.checks import check as check_bulletin
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
    read_file,
    site_folder,
    who,
)
from newsletter.config import SETTINGS_FILE, Discreet, Settings, read_settings
from newsletter.counted import counted
from newsletter.discreet import Ministry
from newsletter.errors import NotAllowed, Problem
from newsletter.intake import list_folder
from newsletter.issue import Actor, Added, IssueView, open_desk
from newsletter.issue.bulletins import stem_and_language
from newsletter.issue.editions import ministry_of, names_the_ministry
from newsletter.issue.register import names_of
from newsletter.mends import (
    TEXT_ENDINGS,
    Mended,
    mended_copy,
    mended_name,
    refuse_what_is_no_text,
)
from newsletter.message import (
    MessageForm,
    Recipient,
    bulletin_envelope,
    bulletin_form,
    sample_recipient,
)
from newsletter.names import Names
from newsletter.rendering import (
    Templates,
    check_overriding,
    discreet_look,
    look_of,
    merge,
    render,
    weight_of,
    with_photos,
)
from newsletter.site import Site, read_logo, shipped_templates
from newsletter.verses import compared, open_verses
from subscribers.database import reading, writing
from subscribers.lists import find_list
from subscribers.style import Style, style_for, style_named
from subscribers.tables import MailingList

app = typer.Typer(
    help="Bulletins: check what was written, look at the mail, store it.\n\n"
    "Example: newsletter bulletin check this-week.txt",
    no_args_is_help=True,
)

_POINT = re.compile(r"\* ([^|]*)\|([^|]*)\|")  # its group and its day
PREVIEW_LIST = "Weekly prayer"
_SOMEBODY = Discreet(  # who writes to readers at risk where no site says so
    name="Anna",
    email="letters@example.net",
    url="https://letters.example.net",
    postal_address="PO Box 1, London",
)

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="Text, Markdown, Word (.docx), a web page or a feed.")
]
BulletinId = Annotated[int, typer.Argument(metavar="ID", help="The bulletin's number.")]
Language = Annotated[
    str | None,
    typer.Option("--language", help="For example fa; else from the file's name, or from the text."),
]


def _read(file: Path) -> bytes:
    """Return a bulletin's bytes; a file that is far too large is not read at all."""
    if file.is_file() and file.stat().st_size > LARGEST_BYTES:
        raise too_large()
    return read_file(file)


@app.command(rich_help_panel=EVERY_DAY)
def check(
    file: File,
    language: Language = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Write a mended copy beside it: this-week.mended.txt.")
    ] = False,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> int:
    """Read a file, print its structure and what a careful colleague would remark.

    Needs no site and stores nothing; inside one, the real names of its register are looked for.
    Ends with 1 when something must be mended first.  With --fix, what is certain is mended in a
    copy: leftover lines, broken characters, uneven spaces and signs, marks in links.  Your words,
    and scripture, are left to you.

    Example: newsletter bulletin check this-week.txt --fix
    """
    source, place = _read(file), _surroundings(site)
    read = read_bulletin(source, file.name, language or _named(file), place.language)

    def looked_through(bulletin: Bulletin) -> list[Finding]:
        facts = Facts(html_bytes=_weight(bulletin), names=place.names, file_name=file.name)
        return check_bulletin(bulletin, facts)

    bulletin = compared(read)
    findings = looked_through(bulletin)
    mended: dict[str, object] = {}
    lines: list[str] = []
    if fix and PurePath(file.name).suffix.lower() in TEXT_ENDINGS:
        copy = mended_copy(bulletin, file.name)
        lines = _write_mended(file, copy, mended)
        if copy.mends:
            bulletin = compared(copy.bulletin)
            findings = looked_through(bulletin)
    answer(
        as_json,
        {
            "bulletin": bulletin_json(bulletin),
            "findings": [finding_json(finding) for finding in findings],
            "names_checked": place.names is not None,
            **mended,
        },
        *_structure(bulletin),
        *lines,
        *_remarks(findings),
        *([place.problem] if place.problem else []),
    )
    if fix:
        refuse_what_is_no_text(file.name)
    return 1 if blocks(findings) else 0


class _Surroundings(NamedTuple):
    """What the site around a bulletin knows; without a site, nothing."""

    names: Names | None = None
    language: str = "en"
    problem: str = ""  # why its names could not be looked for


def _surroundings(site: Path | None) -> _Surroundings:
    """Return what the site that was named says, or that of the current folder if it is one.

    Raises:
        Problem: a site was named and cannot be opened.
    """
    folder = site_folder(site)
    is_named = site is not None or folder != Path.cwd()
    if not is_named and not (folder / SETTINGS_FILE).exists():
        return _Surroundings()
    try:
        with opened(folder) as place, reading(place.engine) as session:
            names = names_of(session, place.keys) or Names([])
            return _Surroundings(names, place.settings.organisation.language)
    except Problem as problem:
        if is_named:
            raise
        return _Surroundings(problem=f"Real names were not looked for: {problem}")


def _named(file: Path) -> str | None:
    return stem_and_language(file.name)[1]


def _write_mended(file: Path, copy: Mended, values: dict[str, object]) -> list[str]:
    """Write the copy beside the file, add to the JSON, and return what people are told."""
    made = [{"line": mend.line, "what": mend.what} for mend in copy.mends]
    values["mended"] = {"file": None, "mends": made}
    if not copy.mends:
        return ["Nothing in it can be mended without you.", ""]
    target = file.with_name(mended_name(file.name))
    ends = "\r\n" if b"\r\n" in read_file(file) else "\n"
    try:
        with target.open("x", encoding="utf-8", newline=ends) as written:
            written.write(copy.text)
    except FileExistsError:
        raise NotAllowed(
            f"{target} is there already and was left alone: move or delete it, then try again."
        ) from None
    values["mended"] = {"file": str(target), "mends": made}
    return [
        f"Mended in {target}:",
        *(f"  line {mend.line}: {mend.what}" for mend in copy.mends),
        "",
        "What remains, with lines of the copy:",
    ]


def _weight(bulletin: Bulletin) -> int:
    """Return what the email would weigh with the shipped templates and invented names."""
    return weight_of(bulletin, look_of(Settings(), PREVIEW_LIST), Templates((shipped_templates(),)))


def _structure(bulletin: Bulletin) -> list[str]:
    lines = [bulletin.title, ""]
    lines += [f"  • ({_about(point)}) {point.lead}" for point in bulletin.points]
    for scripture in bulletin.scriptures:
        lines.append(f"  {scripture.written} ({scripture.osis}){_verdict(scripture)}")
    sizes = (
        counted(len(bulletin.blocks), "block", "blocks"),
        counted(len(bulletin.points), "prayer point", "prayer points"),
        counted(len(bulletin.scriptures), "scripture reference", "scripture references"),
    )
    return [*lines, "", f"{', '.join(sizes)}."]


def _verdict(scripture: Scripture) -> str:
    verdict = "" if scripture.valid else "  <- does not exist"
    return f"{verdict}  <- {scripture.suggestion}?" if scripture.suggestion else verdict


def _about(point: PrayerPoint) -> str:
    return f"{point.kind}, {point.sensitivity}" if point.sensitivity else f"{point.kind}"


def _remarks(findings: list[Finding]) -> list[str]:
    if not findings:
        return ["Nothing to remark."]
    return [f"Line {each.line}, {each.severity}: {each.message}" for each in findings]


@app.command(rich_help_panel=EVERY_DAY)
def preview(
    file: File,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.")],
    style: Annotated[
        str | None,
        typer.Option(
            "--style",
            help="standard, large (print), plain (text only) or discreet; else the list's.",
        ),
    ] = None,
    language: Language = None,
    site: SiteFolder = None,
) -> None:
    """Write email.html, email.txt and message.eml: the mail as an invented subscriber gets it.

    Needs no site; inside one, its names and templates are used, and of a file in bulletins/LIST,
    or where there is one list only, title, sender, logo and style of that list.  A plain mail has
    no email.html.

    Example: newsletter bulletin preview this-week.txt --out preview --style large
    """
    folder = site_folder(site)
    known = folder != Path.cwd() or (folder / SETTINGS_FILE).exists()
    settings = read_settings(folder) if known else Settings(discreet=_SOMEBODY)
    home = settings.organisation.language
    bulletin = read_bulletin(_read(file), file.name, language or _named(file), home)
    goes = _goes_to(folder, settings, file) if known else _Destination(Ministry(settings))
    chosen = style_named(style) if style else goes.style or Style.STANDARD
    templates = Templates((folder / "templates", shipped_templates()))
    check_overriding(templates)
    envelope = bulletin_envelope(
        settings,
        list_name=goes.name or "preview",
        list_title=goes.title,
        list_id=goes.id,
        issue_id=0,
        style=chosen,
    )
    if chosen is Style.DISCREET:
        look = discreet_look(settings)
    else:
        logo = read_logo(folder, settings, goes.name)
        look = look_of(settings, goes.title, goes.name, logo)
    email = render(bulletin, look, templates, chosen, number=1)
    named = chosen is Style.DISCREET and names_the_ministry(goes.ministry, email)
    form = bulletin_form(email, envelope, now())
    _write_preview(out, form, sample_recipient(envelope.sender.website))
    written = "email.txt" if email.text_only else "email.html, email.txt"
    answer(
        False,
        {},
        f"{written} and message.eml are in {out}.",
        *goes.sentences(chosen),
        *_held_back(bulletin),
        *(["It names the ministry: as it is, readers at risk get none."] if named else []),
    )


def _held_back(bulletin: Bulletin) -> list[str]:
    count = len(bulletin.residue)
    if not count:
        return []
    lines = counted(count, "line that looks", "lines that look")
    return [
        f"It leaves out {lines} left over from a web page or a mail program: "
        "newsletter bulletin check tells which."
    ]


@dataclass(frozen=True)
class _Destination:
    """The list that a bulletin goes to, as far as its place tells; else one without a look."""

    ministry: Ministry
    name: str = ""
    title: str = PREVIEW_LIST
    id: int = 0
    style: Style | None = None  # forced by the list
    doubt: str = ""  # why it may look otherwise when it is sent

    def sentences(self, chosen: Style) -> list[str]:
        """Return which list a mail in this style looks like, and what nobody on it gets."""
        said = [f"It is for the list {self.name}."] if self.name else []
        if style_for(chosen, self.style) is not chosen and self.style:
            said.append(f"Everybody on it gets another style: {self.style.label}.")
        return [*said, self.doubt] if self.doubt else said


def _goes_to(folder: Path, settings: Settings, file: Path) -> _Destination:
    """Return the list in whose folder a file lies, or the only one there is."""
    name = list_folder(folder / settings.intake.folder, file)
    try:
        with opened(folder) as place, reading(place.engine) as session:
            ministry = ministry_of(session, settings)
            lists = session.scalars(select(MailingList).order_by(MailingList.name)).all()
    except Problem as problem:
        doubt = f"Title and style of its list were not looked up: {problem}"
        return _Destination(Ministry(settings), name, doubt=doubt)
    for each in lists:
        if each.name == name or (not name and len(lists) == 1):
            return _Destination(ministry, each.name, each.title, each.id, each.style)
    if name:
        return _Destination(ministry, doubt=f"There is no list {name}: it looks like no list's.")
    named = ", ".join(each.name for each in lists)
    doubt = f"Nothing says which list it is for: in {settings.intake.folder}/LIST its folder does"
    return _Destination(ministry, doubt=f"{doubt} ({named})." if lists else "")


def _write_preview(out: Path, form: MessageForm, recipient: Recipient) -> None:
    email = form.email
    in_html, in_text = form.values_for(recipient)
    out.mkdir(parents=True, exist_ok=True)
    page = out / "email.html"
    if email.text_only:
        page.unlink(missing_ok=True)  # of an earlier preview: it would pass for this one's
    else:
        html = with_photos(merge(email.html, in_html), email.photos)
        page.write_text(html, encoding="utf-8")
    (out / "email.txt").write_text(merge(email.text, in_text), encoding="utf-8")
    (out / "message.eml").write_bytes(form.copy_for(recipient))


@app.command(rich_help_panel=EVERY_DAY)
def add(
    file: File,
    list_name: ListName = None,
    language: Language = None,
    by: By = None,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> None:
    """Store a bulletin; a new version of one that has not gone out takes its place.

    Example: newsletter bulletin add this-week.txt --list weekly
    """
    source = _read(file)
    open_verses()  # made on first use: not while others wait for the database
    with opened(site) as place, writing(place.engine) as session:
        desk = open_desk(place)
        mailing_list = find_list(session, list_name)
        added = issue.add_bulletin(
            session,
            desk,
            source=source,
            file_name=file.name,
            list_id=mailing_list.id,
            language=language,
            by=Actor(who(by), "command"),
            now=now(),
        )
        values = {
            "id": added.id,
            "already": added.already,
            "replaced": added.previous_id,
            "issues": list(added.replaced_in),
            "joined": added.joined,
        }
        answer(as_json, values, *_what_became(session, place, added))


def _what_became(session: Session, place: Site, added: Added) -> list[str]:
    if added.already:
        return [f"This bulletin is here already: number {added.id}."]
    lines = [f"Bulletin {added.id} is stored."]
    if added.joined is not None:
        lines.append(f"It is a further language of issue {added.joined}.")
    for number in added.replaced_in:
        lines.append(f"It takes the place of its older version in issue {number}:")
        lines.append("an approval of that version is void.")
    if added.previous_id is not None:
        lines += _differences(session, place, added.previous_id, added.id)
    row = issue.find_bulletin(session, added.id)
    weight = issue.weigh(session, open_desk(place), row)
    found = issue.findings_of(session, place.keys, row, row.list_id, html_bytes=weight)
    if blocks(found):
        lines += ["It cannot go out until this is mended:", *_remarks(found)]
        lines.append("Next: mend the file and add it again; it takes this one's place.")
    elif not added.replaced_in and added.joined is None:
        lines.append(f"Next: newsletter issue draft {added.id}")
    return lines


def _differences(session: Session, place: Site, old: int, new: int) -> list[str]:
    before, after = (
        normal_text(issue.read_stored(place.keys, issue.find_bulletin(session, each))).split("\n")
        for each in (old, new)
    )
    compared = list(difflib.unified_diff(before, after, n=0))[2:]  # without the names of files
    return [_in_words(line) for line in compared if not line.startswith("@@")]


def _in_words(difference: str) -> str:
    """Return a changed line of a bulletin's normal text as people read it."""
    sign, line = difference[0], difference[1:]
    label = ""
    if point := _POINT.match(line):
        label = ", ".join(filter(None, point.groups()))
        line = line[point.end() :]
    else:
        line = line.partition(" ")[2]
    return f"  {'was' if sign == '-' else 'now'}: {label + ': ' if label else ''}{line}"


@app.command(rich_help_panel=NOW_AND_THEN)
def show(bulletin: BulletinId, site: SiteFolder = None, as_json: AsJson = False) -> None:
    """Show a stored bulletin with its findings.

    Example: newsletter bulletin show 3
    """
    with opened(site) as place, reading(place.engine) as session:
        row = issue.find_bulletin(session, bulletin)
        stored = compared(issue.read_stored(place.keys, row))
        weight = issue.weigh(session, open_desk(place), row)
        findings = issue.findings_of(session, place.keys, row, row.list_id, html_bytes=weight)
        waivers = issue.waivers_of(session, place.keys, row)
        zone = place.settings.zone
    answer(
        as_json,
        {
            "id": bulletin,
            "bulletin": bulletin_json(stored),
            "findings": [finding_json(finding) for finding in findings],
            "waived": [waiver.to_json() for waiver in waivers],
        },
        *_structure(stored),
        *_remarks(findings),
        *(waiver.sentence(zone) for waiver in waivers),
        *_how_to_waive(bulletin, findings),
    )


def _how_to_waive(bulletin_id: int, findings: list[Finding]) -> list[str]:
    """Return the command that lets each blocker pass that somebody may let pass."""
    command = f"  newsletter bulletin waive {bulletin_id} --rule"
    commands = [
        f"{command} {each.rule} --line {each.line} --by EMAIL"
        for each in findings
        if each.severity is Severity.BLOCKER and not RULES[each.rule].unwaivable
    ]
    return ["", "If it is right as it stands, let it pass by name:", *commands] if commands else []


@app.command(rich_help_panel=NOW_AND_THEN)
def waive(
    bulletin: BulletinId,
    rule: Annotated[
        str, typer.Option("--rule", metavar="R", help="As newsletter bulletin show says it.")
    ],
    by: Annotated[str, typer.Option("--by", metavar="EMAIL", help="Who lets it pass.")],
    line: Annotated[
        int | None, typer.Option("--line", metavar="N", help="Only the finding of this line.")
    ] = None,
    site: SiteFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let a finding pass, on record with your name, in exactly this text.

    A new version of the bulletin is looked at afresh.  That it went out already, and that the
    mail is too heavy, nobody can let pass.

    Example: newsletter bulletin waive 3 --rule ref-invalid --line 21 --by ruth@example.org
    """
    with opened(site) as place, writing(place.engine) as session:
        desk, actor = open_desk(place), Actor(who(by), "command")
        done = issue.waive(session, desk, bulletin, rule, line, actor, now())
        zone = place.settings.zone
        row = issue.find_bulletin(session, bulletin)
        weight = issue.weigh(session, desk, row)
        rest = issue.findings_of(session, place.keys, row, row.list_id, html_bytes=weight)
        states = {
            number: issue.describe(session, place.keys, place.settings, number)
            for number in done.issues
        }
    answer(
        as_json,
        {
            "id": bulletin,
            "already": done.already,
            "waived": [waiver.to_json() for waiver in done.waivers],
            "issues": [
                {"id": number, "state": view.state.name.lower(), "blockers": view.blockers}
                for number, view in states.items()
            ],
        },
        *(waiver.sentence(zone) for waiver in done.waivers),
        *(_now_goes(view) for view in states.values()),
        *([] if states or blocks(rest) else [f"Next: newsletter issue draft {bulletin}"]),
    )


def _now_goes(view: IssueView) -> str:
    state = view.state.name.lower().replace("_", " ")
    if view.blockers:
        things = counted(view.blockers, "thing", "things")
        return f"Issue {view.id} is still a draft: {things} must be mended or let pass too."
    when = f", to go out {view.starts or view.when}" if view.when else ""
    return f"Issue {view.id} is now in the state {state}{when}."
