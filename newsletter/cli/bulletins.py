"""`newsletter bulletin ...`: read, check, look at and store what was written."""

import difflib
import re
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from newsletter import issue
from newsletter.bulletin import Bulletin, Scripture, bulletin_json, normal_text, read_bulletin
from newsletter.checks import Facts, Finding, blocks, finding_json
from newsletter.checks import check as check_bulletin
from newsletter.cli.context import (
    EVERY_DAY,
    NOW_AND_THEN,
    AsJson,
    By,
    ListName,
    SiteFolder,
    answer,
    desk_of,
    now,
    opened,
    read_file,
    site_folder,
    who,
)
from newsletter.config import SETTINGS_FILE, Settings, read_settings
from newsletter.issue import Actor, Added
from newsletter.message import bulletin_envelope, bulletin_form, sample_recipient
from newsletter.rendering import Templates, look_of, merge, render
from newsletter.site import Site, shipped_templates
from newsletter.verses import compared, open_verses
from subscribers.database import reading, writing
from subscribers.lists import find_list

app = typer.Typer(
    help="Bulletins: check what was written, look at the mail, store it.\n\n"
    "Example: newsletter bulletin check this-week.txt",
    no_args_is_help=True,
)

_POINT = re.compile(r"\* ([^|]*)\|([^|]*)\|")  # its group and its day
PREVIEW_LIST = "Weekly prayer"

File = Annotated[Path, typer.Argument(metavar="FILE", help="A .txt or .md file.")]
BulletinId = Annotated[int, typer.Argument(metavar="ID", help="The bulletin's number.")]
Language = Annotated[
    str | None, typer.Option("--language", help="For example fa; else from the file's name, or en.")
]


@app.command(rich_help_panel=EVERY_DAY)
def check(file: File, language: Language = None, as_json: AsJson = False) -> int:
    """Read a file, print its structure and what a careful colleague would remark.

    Needs no site and stores nothing.  Ends with 1 when something must be mended first.

    Example: newsletter bulletin check this-week.txt
    """
    bulletin = compared(read_bulletin(read_file(file), file.name, language))
    findings = check_bulletin(bulletin, Facts())
    answer(
        as_json,
        {
            "bulletin": bulletin_json(bulletin),
            "findings": [finding_json(finding) for finding in findings],
        },
        *_structure(bulletin),
        *_remarks(findings),
    )
    return 1 if blocks(findings) else 0


def _structure(bulletin: Bulletin) -> list[str]:
    lines = [bulletin.title, ""]
    lines += [f"  • ({point.kind}) {point.lead}" for point in bulletin.points]
    for scripture in bulletin.scriptures:
        lines.append(f"  {scripture.written} ({scripture.osis}){_verdict(scripture)}")
    counted = (
        f"{len(bulletin.blocks)} blocks, {len(bulletin.points)} prayer points, "
        f"{len(bulletin.scriptures)} scripture references."
    )
    return [*lines, "", counted]


def _verdict(scripture: Scripture) -> str:
    verdict = "" if scripture.valid else "  <- does not exist"
    return f"{verdict}  <- {scripture.suggestion}?" if scripture.suggestion else verdict


def _remarks(findings: list[Finding]) -> list[str]:
    if not findings:
        return ["Nothing to remark."]
    return [f"Line {each.line}, {each.severity}: {each.message}" for each in findings]


@app.command(rich_help_panel=EVERY_DAY)
def preview(
    file: File,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.")],
    language: Language = None,
    site: SiteFolder = None,
) -> None:
    """Write email.html, email.txt and message.eml: the mail as an invented subscriber gets it.

    Needs no site; inside one, its names and templates are used.

    Example: newsletter bulletin preview this-week.txt --out preview
    """
    bulletin = read_bulletin(read_file(file), file.name, language)
    folder = site_folder(site)
    known = folder != Path.cwd() or (folder / SETTINGS_FILE).exists()
    settings = read_settings(folder) if known else Settings()
    templates = Templates((folder / "templates", shipped_templates()))
    email = render(bulletin, look_of(settings, PREVIEW_LIST), templates)
    envelope = bulletin_envelope(
        settings, list_name="preview", list_title=PREVIEW_LIST, list_id=0, issue_id=0
    )
    form = bulletin_form(email, envelope, now())
    recipient = sample_recipient(settings.organisation.url)
    in_html, in_text = form.values_for(recipient)
    out.mkdir(parents=True, exist_ok=True)
    (out / "email.html").write_text(merge(email.html, in_html), encoding="utf-8")
    (out / "email.txt").write_text(merge(email.text, in_text), encoding="utf-8")
    (out / "message.eml").write_bytes(form.copy_for(recipient))
    answer(False, {}, f"email.html, email.txt and message.eml are in {out}.")


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
    source = read_file(file)
    open_verses()  # made on first use: not while others wait for the database
    with opened(site) as place, writing(place.engine) as session:
        desk = desk_of(place)
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
    found = issue.findings_of(session, place.keys, row, row.list_id) if row.list_id else []
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
        findings = (
            check_bulletin(stored, Facts())
            if row.list_id is None
            else issue.findings_of(session, place.keys, row, row.list_id)
        )
    answer(
        as_json,
        {
            "id": bulletin,
            "bulletin": bulletin_json(stored),
            "findings": [finding_json(finding) for finding in findings],
        },
        *_structure(stored),
        *_remarks(findings),
    )
