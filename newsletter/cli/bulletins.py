"""`newsletter bulletin ...`: read, check, look at and store what was written."""

import difflib
from pathlib import Path
from typing import Annotated

import typer

from newsletter import issue
from newsletter.bulletin import Bulletin, bulletin_json, normal_text, read_bulletin
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
    now,
    opened,
    read_file,
    who,
)
from newsletter.config import SETTINGS_FILE, Settings, read_settings
from newsletter.message import bulletin_form, sample_recipient
from newsletter.rendering import Templates, merge, render
from newsletter.site import shipped_templates
from subscribers.database import reading, writing
from subscribers.lists import find_list

app = typer.Typer(help="Bulletins: check what was written, look at the mail, store it.")

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
    bulletin = read_bulletin(read_file(file), file.name, language)
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
    for point in bulletin.points:
        lines.append(f"  • ({point.kind}) {point.lead}")
    for scripture in bulletin.scriptures:
        verdict = "" if scripture.valid else "  <- does not exist"
        lines.append(f"  {scripture.written} ({scripture.osis}){verdict}")
    counted = (
        f"{len(bulletin.blocks)} blocks, {len(bulletin.points)} prayer points, "
        f"{len(bulletin.scriptures)} scripture references."
    )
    return [*lines, "", counted]


def _remarks(findings: list[Finding]) -> list[str]:
    if not findings:
        return ["Nothing to remark."]
    return [f"Line {each.line}, {each.severity}: {each.message}" for each in findings]
