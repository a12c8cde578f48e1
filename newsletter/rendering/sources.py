"""What the source of a template may hold, before it is filled: told with its line."""

import re
import traceback

import jinja2
from jinja2 import nodes

from newsletter.errors import Problem

_KINDS = (".html.j2", ".css.j2", ".txt.j2", ".subject.j2")
_FETCHES = re.compile(
    r"<(?:script|link|iframe|frame|object|embed|audio|video|source|svg|form|input|base)\b"
    r"|<img[^>]*\ssrc\s*=\s*[\"']?(?!cid:)\w+:|\b(?:srcset|background)\s*=|url\s*\(|@import",
    re.IGNORECASE,
)


def check_source(
    environment: jinja2.Environment, name: str, source: str, *, mail: bool = True
) -> None:
    """Do nothing where a template of the site's own may be filled.

    What people wrote must come out as words, so nothing may be taken out of the escaping; and
    a mail fetches nothing.

    Raises:
        Problem: it is no valid Jinja, or holds what it may not.
    """
    if mail and not name.endswith(_KINDS):
        raise Problem(
            f"The template {name} is of no kind we know: end its name with {', '.join(_KINDS)}, "
            "so that it can be told what must be escaped in it."
        )
    tree = environment.parse(source, name)
    for found in tree.find_all(nodes.Filter):
        if found.name == "safe":
            raise _held(name, found.lineno, "the filter safe", "what people write is no HTML")
    for scope in tree.find_all(nodes.ScopedEvalContextModifier):
        raise _held(name, scope.lineno, "autoescape", "what people write is no HTML")
    if mail and name.endswith((".html.j2", ".css.j2")):
        for line, kind, words in environment.lex(source, name):
            if kind == "data" and (fetch := _FETCHES.search(words)):
                line += words.count("\n", 0, fetch.start())
                what = fetch[0].split()[0].split("=")[0]
                raise _held(name, line, what, "a mail program would tell somebody who opened it")


def _held(name: str, line: int, what: str, why: str) -> Problem:
    return Problem(f"The template {name} holds {what} in line {line}: take it out, {why}.")


def place_of(error: BaseException) -> str:
    """Return where in a template something failed: "email/bulletin.html.j2 in line 3"; or ""."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.endswith(".j2"):
            return f"{'/'.join(frame.filename.split('/')[-2:])} in line {frame.lineno}"
    return ""
