"""What every command shares: the site it works on, who acts, and how it answers."""

import getpass
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from newsletter.discreet import fault_in
from newsletter.errors import UnreadableInput
from newsletter.site import Site, open_site
from subscribers.style import Style

EVERY_DAY = "Every day"
NOW_AND_THEN = "Now and then"
SPECIAL = "Special set-ups"
PRACTICE = "Practice: nothing leaves this machine."

SiteFolder = Annotated[
    Path | None,
    typer.Option(
        "--site", envvar="NEWSLETTER_SITE", help="The site's folder; else the current one."
    ),
]
By = Annotated[
    str | None, typer.Option("--by", metavar="EMAIL", help="Who acts; else the system user.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, nothing else.")]
ListName = Annotated[
    str | None, typer.Option("--list", metavar="NAME", help="The list; not needed with one list.")
]

screen = Console(highlight=False, soft_wrap=True)


# Set by `newsletter --site DIR ...`; a --site behind the command wins over it.
named_before: ContextVar[Path | None] = ContextVar("named_before", default=None)


def site_folder(folder: Path | None) -> Path:
    """Return the folder that was named, or the current one."""
    return folder or named_before.get() or Path.cwd()


@contextmanager
def opened(folder: Path | None) -> Iterator[Site]:
    """Open the site that was named, or the one in the current folder."""
    site = open_site(site_folder(folder))
    try:
        yield site
    finally:
        site.engine.dispose()


def what_it_lacks(site: Site, style: Style | None) -> list[str]:
    """Return a sentence where a style is the discreet one and no such mail can be made yet."""
    fault = fault_in(site.settings) if style is Style.DISCREET else ""
    if not fault:
        return []
    return [f"No discreet mail can be made yet, and issues wait for it: {fault}."]


def now() -> datetime:
    """Read the clock: commands are where time comes in."""
    return datetime.now(UTC)


def who(by: str | None) -> str:
    """Return who acts: the name given, else the user of the operating system."""
    if by:
        return by.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user entry
        return f"uid {os.getuid()}"


def answer(as_json: bool, values: Mapping[str, Any], *sentences: str) -> None:
    """Print the JSON object, or the sentences for people."""
    if as_json:
        typer.echo(json.dumps(values, ensure_ascii=False))
        return
    for sentence in sentences:
        screen.print(sentence, markup=False)


def read_file(path: Path) -> bytes:
    """Return the bytes of a file that somebody named.

    Raises:
        UnreadableInput: it is missing, a folder, or may not be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableInput(f"There is no file {path}: check the name.") from None
    except IsADirectoryError:
        raise UnreadableInput(f"{path} is a folder: name a file in it.") from None
    except OSError as error:
        raise UnreadableInput(f"{path} cannot be read ({error.strerror}): check it.") from None
