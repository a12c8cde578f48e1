"""What all pages share: the site behind them, their templates, style and headers."""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, cast
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import (
    BaseLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateSyntaxError,
)
from markupsafe import Markup

from newsletter.counted import counted
from newsletter.errors import Problem
from newsletter.rendering import check_source
from newsletter.site import Site

_STYLE = "public/style.css"
_ERRORS = {
    # The same words for a token that was never ours, one that was mistyped and a page that
    # does not exist: the answer tells a guesser nothing.
    404: (
        "This page does not exist",
        "Perhaps the link was cut in two on its way to you. Open it again from the mail, or "
        "copy the whole of it.",
    ),
    403: (
        "Only on this computer",
        "This page opens only on the computer that runs the newsletter, at 127.0.0.1 or "
        "localhost, and not through a proxy.",
    ),
    405: ("This does not work here", "Go back and use the buttons on the page."),
    413: ("Too much was sent", "Go back and use the buttons on the page."),
    500: (
        "Something went wrong here",
        "It is our mistake, and nothing was changed. Please try again in a few minutes.",
    ),
    503: (
        "Not just now",
        "The site cannot answer at the moment, and nothing was changed. Please try again in a "
        "few minutes.",
    ),
}


@dataclass(frozen=True)
class Web:
    """What the pages need; made once, shared by their threads."""

    site: Site
    clock: Callable[[], datetime]
    templates: Environment
    style_source: str  # the CSP source that lets in our one style sheet and no other
    is_discreet: bool = False  # to a reader who must not be seen to know us

    @property
    def policy(self) -> str:
        """The Content-Security-Policy of our own pages: no script, nothing from elsewhere."""
        return (
            f"default-src 'none'; style-src {self.style_source}; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )


def facing(web: Web, host: str) -> Web:
    """Return the pages as a browser gets them that asked for `host`: discreet at [discreet] url."""
    name, _, port = host.strip().lower().partition(":")
    asked = name.removesuffix(".") + (f":{port}" if port not in ("", "80", "443") else "")
    discreet = urlsplit(web.site.settings.discreet.url).netloc.lower()
    return discreetly(web) if discreet and asked == discreet else web


def discreetly(web: Web) -> Web:
    """Return the pages without the name of anybody but the sender of the discreet mail."""
    return replace(web, is_discreet=True)


def open_web(site: Site, clock: Callable[[], datetime]) -> Web:
    """Load templates and style, the site's own before those we ship.

    Raises:
        Problem: one of the site's own is no template, could let words become HTML, or has lost
            the button that its readers need.
    """
    loader = FileSystemLoader(site.template_folders)
    templates = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in templates.list_templates(["j2"]):
        own = site.folder / "templates" / name
        if not name.startswith("email/") and own.exists():
            _check_own(templates, name, own)
    style = _style(loader, templates)
    settings = site.settings
    templates.globals.update(
        style=Markup(style),  # noqa: S704  (a file of ours or the operator's)
        practice=settings.practice,
        counted=counted,
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return Web(site, clock, templates, f"'sha256-{digest}'")


def _check_own(templates: Environment, name: str, own: Path) -> None:
    try:
        source = own.read_text("utf-8")
        check_source(templates, name, source, mail=False)
    except TemplateSyntaxError as error:
        raise Problem(
            f"The template {name} is not valid in line {error.lineno}: {error.message}."
        ) from None
    except (OSError, UnicodeDecodeError):
        raise Problem(f"The template {name} cannot be read: save it as UTF-8.") from None
    if name in _WITH_BUTTON and not re.search(r"<form\s+method=[\"']?post\b", source):
        raise Problem(
            f'The template {name} has no <form method="post">: put it back, or nobody can leave.'
        )


_WITH_BUTTON = ("public/unsubscribe.html.j2", "public/preferences.html.j2")


def _style(loader: BaseLoader, templates: Environment) -> str:
    source, _path, _fresh = loader.get_source(templates, _STYLE)
    return source


def _letterhead(web: Web) -> dict[str, object]:
    """Return whose pages these are, as templates name it."""
    settings = web.site.settings
    if web.is_discreet:
        discreet = settings.discreet
        return {"organisation": discreet, "write_to": discreet.email, "discreet": True}
    write_to = settings.sender.reply_to or settings.sender.email
    return {"organisation": settings.organisation, "write_to": write_to, "discreet": False}


async def _web(request: Request) -> Web:
    return facing(cast(Web, request.app.state.web), request.headers.get("host", ""))


Here = Annotated[Web, Depends(_web)]


def page(web: Web, name: str, status: int = 200, **values: object) -> HTMLResponse:
    """Return the page that the template `name` makes of `values`."""
    html = web.templates.get_template(name).render(_letterhead(web) | values)
    return HTMLResponse(html, status)


def error_page(web: Web, status: int) -> HTMLResponse:
    """Return the page for an HTTP status of 400 and above; it repeats nothing of the request."""
    heading, sentence = _ERRORS.get(status) or _ERRORS[500 if status >= 500 else 405]
    return page(web, "public/error.html.j2", status, heading=heading, sentence=sentence)


def number_in(text: str) -> int | None:
    """Return the row number written in an address or a form, None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
