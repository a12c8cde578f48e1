"""The commands.  Each opens the site, begins one transaction, and says what came of it."""

import logging
import sys
from functools import cache, partial
from importlib import metadata
from typing import Annotated

import typer

from newsletter.cli import bulletins, copies, decisions, issues, lists, people, pseudonyms, running
from newsletter.cli.context import EVERY_DAY, NOW_AND_THEN, SiteFolder, named_before
from newsletter.errors import NotFound, Problem, UnreadableInput

WRONG_USE = 2
THE_ANSWER_IS_NO = 1

app = typer.Typer(
    name="newsletter",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(bulletins.app, name="bulletin", rich_help_panel=EVERY_DAY)
app.add_typer(issues.app, name="issue", rich_help_panel=EVERY_DAY)
app.add_typer(people.app, name="subscribers", rich_help_panel=EVERY_DAY)
running.add_to(app)
copies.add_to(app)
decisions.add_to(issues.app)
app.add_typer(lists.app, name="list", rich_help_panel=NOW_AND_THEN)
app.add_typer(pseudonyms.app, name="pseudonym", rich_help_panel=NOW_AND_THEN)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(metadata.version("prayer-newsletter"))
        raise typer.Exit


@app.callback()
def begin(
    site: SiteFolder = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Prayer bulletins to every subscriber once: checked, approved, nobody tracked.

    Example: newsletter init our-prayer-letter
    """
    named_before.set(site)


def main() -> None:
    """Run the command line and end with the status that the interface promises."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    logging.getLogger("newsletter").setLevel(logging.INFO)
    sys.exit(run(sys.argv[1:]))


_command = cache(partial(typer.main.get_command, app))


def run(arguments: list[str]) -> int:
    """Run one command; return its exit status: 0 done, 1 the answer is no, 2 wrong use."""
    try:
        status = _command()(arguments, prog_name="newsletter", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("Stopped; what was done so far is kept.", err=True)
        return 130
    except typer.TyperException as error:
        described = getattr(error, "format_message", error.__str__)
        sentence = str(described()).rstrip(".")
        if sentence:  # empty: the help was printed instead
            typer.echo(f"{sentence}: see newsletter --help.", err=True)
        return WRONG_USE
    except (UnreadableInput, NotFound) as error:
        typer.echo(str(error), err=True)
        return WRONG_USE
    except Problem as error:
        typer.echo(str(error), err=True)
        return THE_ANSWER_IS_NO
    except OSError as error:  # a file that was to be written, most often: the disk is full
        place = error.filename or "A file"
        typer.echo(
            f"{place} cannot be used ({error.strerror or type(error).__name__}): check that it "
            "may be written to and that the disk has space, then try again.",
            err=True,
        )
        return THE_ANSWER_IS_NO
    return status if isinstance(status, int) else 0
