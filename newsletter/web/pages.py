"""What all pages share: the site behind them, their templates, style and headers."""

import base64
import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, cast
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateSyntaxError
from markupsafe import Markup

from newsletter.colours import Inks, inks_on, palettes
from newsletter.config import Settings
from newsletter.counted import counted
from newsletter.errors import Problem
from newsletter.rendering import check_source, logo_from
from newsletter.site import Site, read_logo, shipped_templates

_STYLE = "public/style.css"
PAPER = ("#faf8f4", "#14171a")  # in light, in dark: around the sheet, where the logo stands
SURFACES = ((PAPER[0], "#ffffff", "#fdf1d3"), (PAPER[1], "#1d2125", "#33290f"))
_OF_A_BRAND = ("accent", "link", "button")  # the colours of [brand] that pages have
_log = logging.getLogger(__name__)
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
class StyleSheet:
    """The one style sheet of a page."""

    css: str

    @property
    def source(self) -> str:
        """The CSP source that lets in this one and no other."""
        digest = hashlib.sha256(self.css.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"


@dataclass(frozen=True)
class PageLogo:
    """A logo as it stands in a page, which fetches nothing."""

    url: str  # data:
    width: int  # CSS pixels
    height: int
    plate: str  # #rrggbb, the ground painted into it; "" where it needs none


@dataclass(frozen=True)
class Web:
    """What the pages need; made once, shared by their threads."""

    site: Site
    clock: Callable[[], datetime]
    templates: Environment
    style: StyleSheet
    bare_templates: Environment  # with nothing of the site's own
    bare_style: StyleSheet
    logos: Mapping[str, PageLogo | None]  # by the name of the list; "": everybody's
    is_discreet: bool = False  # to a reader who must not be seen to know us

    @property
    def policy(self) -> str:
        """The Content-Security-Policy of our own pages: no script, nothing from elsewhere."""
        return (
            f"default-src 'none'; style-src {self.style.source}; img-src data:; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )


def facing(web: Web, host: str) -> Web:
    """Return the pages as a browser gets them that asked for `host`: discreet at [discreet] url."""
    name, _, port = host.strip().lower().partition(":")
    asked = name.removesuffix(".") + (f":{port}" if port not in ("", "80", "443") else "")
    discreet = urlsplit(web.site.settings.discreet.url).netloc.lower()
    return discreetly(web) if discreet and asked == discreet else web


def discreetly(web: Web) -> Web:
    """Return the pages without the name and look of anybody but the sender of the discreet mail."""
    return replace(
        web, is_discreet=True, templates=web.bare_templates, style=web.bare_style, logos={}
    )


def open_web(site: Site, clock: Callable[[], datetime]) -> Web:
    """Load templates and style, the site's own before those we ship.

    Raises:
        Problem: one of the site's own is no template, could let words become HTML, or has lost
            the button that its readers need.
    """
    templates, bare = (
        _environment(site, folders) for folders in (site.template_folders, (shipped_templates(),))
    )
    for name in templates.list_templates(["j2"]):
        own = site.folder / "templates" / name
        if not name.startswith("email/") and own.exists():
            _check_own(templates, name, own)
    css, ours = (_source(each, _STYLE) for each in (templates, bare))
    logos = {name: _logo(site, name) for name in ("", *site.settings.lists)}
    # A style sheet of the site's own has its own colours.
    look = "" if css != ours else _colours(site.settings) + _frames(logos.values())
    return Web(site, clock, templates, StyleSheet(css + look), bare, StyleSheet(ours), logos)


def _environment(site: Site, folders: Sequence[Path]) -> Environment:
    templates = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals.update(practice=site.settings.practice, counted=counted)
    return templates


def _source(templates: Environment, name: str) -> str:
    assert templates.loader is not None  # noqa: S101  (we gave it one)
    return templates.loader.get_source(templates, name)[0]


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


def _colours(settings: Settings) -> str:
    """Return the CSS that gives links and buttons the colours of [brand], "" where it names none.

    The pages keep their own surfaces, on which each is made readable by the rule of the mails.
    """
    light, dark = settings.brand.light.given, settings.brand.dark.given
    if not any(name in given for given in (light, dark) for name in _OF_A_BRAND):
        return ""
    lit, unlit = map(inks_on, palettes(light, dark), SURFACES)
    return f"{_root(lit)}@media (prefers-color-scheme: dark) {{\n{_root(unlit)}}}\n"


def _root(inks: Inks) -> str:
    return (
        f":root {{ --link: {inks.link}; --accent: {inks.button}; "
        f"--on-accent: {inks.on_button}; }}\n"
    )


def _frames(logos: Iterable[PageLogo | None]) -> str:
    """Return the CSS that carries the ground of a logo a little beyond it, and moves nothing."""
    plates = sorted({logo.plate for logo in logos if logo and logo.plate})
    return "".join(
        f"body > header img.on-{plate[1:]} {{ outline: .5rem solid {plate}; }}\n"
        for plate in plates
    )


def _logo(site: Site, list_name: str) -> PageLogo | None:
    """Return the logo of a list; none where it cannot be used: a link to leave must work."""
    try:
        data = read_logo(site.folder, site.settings, list_name)
        logo = logo_from(data, PAPER) if data else None
    except Problem as problem:
        _log.warning("pages are without a logo: %s", problem)
        return None
    if logo is None:
        return None
    encoded = base64.b64encode(logo.photo.data).decode("ascii")
    url = f"data:{logo.photo.media_type};base64,{encoded}"
    return PageLogo(url, logo.width, logo.height, logo.plate)


def _letterhead(web: Web, list_name: str) -> dict[str, object]:
    """Return whose pages these are, as templates name it: those of a list, "" those of all."""
    settings = web.site.settings
    if web.is_discreet:
        discreet = settings.discreet
        return {
            "organisation": discreet,
            "heading_name": discreet.name,
            "logo": None,
            "write_to": discreet.email,
            "discreet": True,
        }
    sender, own = settings.sender_of(list_name), settings.lists.get(list_name)
    return {
        "organisation": settings.organisation,
        "heading_name": (own and own.sender_name) or settings.organisation.name,
        "logo": web.logos.get(list_name, web.logos[""]),
        "write_to": sender.reply_to or sender.email,
        "discreet": False,
    }


async def _web(request: Request) -> Web:
    return facing(cast(Web, request.app.state.web), request.headers.get("host", ""))


Here = Annotated[Web, Depends(_web)]


def page(
    web: Web, name: str, status: int = 200, *, of_list: str = "", **values: object
) -> HTMLResponse:
    """Return the page that the template `name` makes of `values`; `of_list` names its only list."""
    style = Markup(web.style.css)  # noqa: S704  (a file of ours or the operator's)
    shared = {"style": style, **_letterhead(web, of_list)}
    html = web.templates.get_template(name).render(shared | values)
    return HTMLResponse(html, status, {"Content-Security-Policy": web.policy})


def error_page(web: Web, status: int) -> HTMLResponse:
    """Return the page for an HTTP status of 400 and above; it repeats nothing of the request."""
    heading, sentence = _ERRORS.get(status) or _ERRORS[500 if status >= 500 else 405]
    return page(web, "public/error.html.j2", status, heading=heading, sentence=sentence)


def number_in(text: str) -> int | None:
    """Return the row number written in an address or a form, None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
