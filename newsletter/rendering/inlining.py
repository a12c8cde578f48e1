"""The style sheet moved into the elements: premailer, fenced in.

Gmail and Outlook drop or misread style sheets, so the rules must stand on the elements.
premailer does it, and left to itself also loses content, fetches addresses, damages widths
and breaks the rules for phones; see `inline_css` for what is done about each.
"""

import functools
import inspect
import logging
import re
import threading
from collections.abc import Callable
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

from newsletter.errors import Problem

DOCTYPE = "<!DOCTYPE html>"
LONGEST_INPUT = 512_000  # bytes
DEEPEST = 60  # elements within elements; libxml2 silently cuts at about 255

# fmt: off
_VOID = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source",
    "track", "wbr",
))
_FETCHING = frozenset((
    "audio", "base", "embed", "form", "frame", "iframe", "input", "link", "object", "script",
    "source", "svg", "track", "video",
))
# fmt: on
_REMOTE = re.compile(r"url\s*\(|@import|expression\s*\(", re.IGNORECASE)
_KEPT = {"_cache_parse_css_string": 16, "_create_cssselector": 512, "csstext_to_pairs": 1024}
_turn = threading.Lock()


class Reading(HTMLParser):
    """What a reader sees of a document, told by a parser that is not premailer's."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self._words: list[str] = []
        self.depth = 0
        self.links: list[str] = []
        self.fetches: set[str] = set()  # what would make a mail program call somebody
        self.feed(document)
        self.close()

    @property
    def text(self) -> str:
        """The visible words, white space collapsed."""
        return " ".join("".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag in _FETCHING:
            self.fetches.add(f"<{tag}>")
        if tag == "img" and not given.get("src", "").startswith("cid:"):
            self.fetches.add("<img>")
        if "background" in given or "srcset" in given or _REMOTE.search(given.get("style", "")):
            self.fetches.add("a background")
        if tag not in _VOID:
            self._open.append(tag)
            self.depth = max(self.depth, len(self._open))

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            if _REMOTE.search(data):
                self.fetches.add("a style sheet")
        else:
            self._words.append(data)


def inline_css(document: str) -> str:
    """Return the document with its style sheet moved into `style` attributes.

    A `<style data-premailer="ignore">` stays in the head as it is.  Nothing is fetched, no
    link is rewritten, and the visible words are the same before and after.  Not to be
    called on its own result.

    Raises:
        Problem: not an HTML5 document with its doctype in capitals, too large, nested too
            deep, not readable as HTML and CSS, or words would be lost.
    """
    before = Reading(document)
    if not document.startswith(DOCTYPE):
        raise Problem(f"The email's HTML does not begin with {DOCTYPE}: mend the template.")
    if len(document.encode()) > LONGEST_INPUT or before.depth > DEEPEST:
        raise Problem(
            "The email's HTML is too large or nested too deep to be styled: shorten the "
            "bulletin, or simplify the template."
        )
    inlined = _transform(document)
    if not inlined.startswith(DOCTYPE) or Reading(inlined).text != before.text:
        raise Problem(
            "The email lost some of its words or its doctype when it was styled: mend the "
            "template, or take unusual characters out of the bulletin."
        )
    return inlined


def _transform(document: str) -> str:
    transform = _fenced_premailer()
    with _turn:  # cssutils is not made for threads
        try:
            inlined: str = transform(
                document,
                pretty_print=False,
                strip_important=False,  # True would strip it from the rules for phones too
                keep_style_tags=False,
                allow_network=False,
                allow_loading_external_files=False,
                disable_validation=True,
                # It would overwrite the template's own width="536" with "100%".
                disable_basic_attributes=["width", "height", "align", "valign", "bgcolor"],
                align_floating_images=False,
                remove_unset_properties=False,
                disable_link_rewrites=True,
            )
        except Exception as error:  # noqa: BLE001  (whatever a template makes it raise)
            raise Problem(
                f"The email's HTML or its style sheet cannot be read ({type(error).__name__}): "
                "mend the template."
            ) from None
    return inlined


@functools.cache
def _fenced_premailer() -> Callable[..., Any]:
    # Imported late: 240 ms and 47 MB that a process which only sends does not need.
    import cssutils
    import premailer.premailer

    # A line for every mso-... property otherwise.
    cssutils.log.setLevel(logging.CRITICAL)
    # cssutils fetches @import on its own, whatever premailer is told.  A stand-in for
    # premailer alone leaves cssutils as it is for the rest of the process.
    parser = cssutils.CSSParser(fetcher=lambda url: (None, b""))
    premailer.premailer.cssutils = SimpleNamespace(
        parseString=parser.parseString,
        parseStyle=cssutils.parseStyle,
        css=cssutils.css,
        log=cssutils.log,
    )
    # Half of the work is the same for every email.  premailer keeps it in one cache for three
    # functions, keyed by their arguments alone: a result of the wrong kind breaks every later
    # document of the process.  So a cache for each.
    for name, most in _KEPT.items():
        function = inspect.unwrap(getattr(premailer.premailer, name))
        setattr(premailer.premailer, name, functools.lru_cache(most)(function))
    transform: Callable[..., Any] = premailer.premailer.transform
    return transform
