"""The checks that need no browser: what a careful reader of the source would look for.

Section by section as in the specification of the mail: the document, its structure, its
weight.  A check is a function of the mail that says whether it holds.
"""

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser

from tests.email_check.matrix import Mail

# fmt: off
VOID = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source",
    "track", "wbr",
))
# fmt: on
HEAVIEST = 14_000  # bytes of HTML of the sample bulletin; of any other mail: CLIP
CLIP = 102_000  # bytes of HTML from which Gmail hides the rest
LONGEST_STYLE = 8_192  # bytes of one style sheet that Gmail reads
LONGEST_LINE = 998  # bytes (RFC 5322, 2.1.1)

Tag = tuple[str, dict[str, str]]


class _Source(HTMLParser):
    """Tags in order, and whether each closes what was opened last."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self.faults: list[str] = []
        self.styles: list[str] = []
        self._open: list[str] = []
        self.feed(document)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "style":
            self.styles.append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()
        else:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.styles[-1] += data


def outlook_view(html: str) -> str:
    """Return what Outlook for Windows reads: its comments opened, what is not for it gone."""
    html = re.sub(r"<!--\[if !mso\]><!-->.*?<!--<!\[endif\]-->", "", html, flags=re.DOTALL)
    return re.sub(
        r"<!--\[if (?:g?te? )?mso[^\]]*\]>(.*?)<!\[endif\]-->", r"\1", html, flags=re.DOTALL
    )


def _has(mail: Mail, tag: str, **wanted: str) -> bool:
    """Whether a tag has these attributes, each a pattern for the whole value."""
    return any(
        name == tag
        and all(
            re.fullmatch(want, given.get(key, ""), re.IGNORECASE) for key, want in wanted.items()
        )
        for name, given in _Source(mail.html).tags
    )


def _meta(name: str, content: str = ".+") -> Callable[[Mail], bool]:
    return lambda mail: _has(mail, "meta", name=re.escape(name), content=content)


def _in_style(*patterns: str) -> Callable[[Mail], bool]:
    return lambda mail: all(
        re.search(pattern, "\n".join(_Source(mail.html).styles)) for pattern in patterns
    )


def _images(mail: Mail) -> Iterator[dict[str, str]]:
    yield from (given for tag, given in _Source(mail.html).tags if tag == "img")


def _preheader(mail: Mail) -> re.Match[str] | None:
    return re.search(
        r"<body[^>]*>\s*<div[^>]*display:\s*none[^>]*>(.*?)</div>", mail.html, re.DOTALL
    )


def _nothing_external(mail: Mail) -> bool:
    tags = {tag for tag, _ in _Source(mail.html).tags}
    return not tags & {"link", "script", "iframe", "form", "object", "embed"} and not re.search(
        r"@import|url\s*\(\s*['\"]?(?!cid:)", mail.html
    )


def _unsubscribe_in_both(mail: Mail) -> bool:
    return not mail.unsubscribe_url or (
        mail.unsubscribe_url.replace("&", "&amp;") in mail.html
        and mail.unsubscribe_url in mail.text
    )


CHECKS: dict[str, Callable[[Mail], bool]] = {
    # the document
    "doctype": lambda mail: mail.html.startswith("<!DOCTYPE html>"),
    "lang and dir": lambda mail: _has(mail, "html", lang=r"[a-z]{2,3}(-\w+)*", dir="ltr|rtl"),
    "charset": lambda mail: 'charset="utf-8"' in mail.html[:1024].lower(),
    "viewport": _meta("viewport", r"width=device-width.*"),
    "title": lambda mail: bool(re.search(r"<title>\s*\S[^<]*</title>", mail.html)),
    "colour schemes": _meta("color-scheme", "light dark"),
    "dark theme": _in_style(r"prefers-color-scheme:\s*dark"),
    "dark theme of Outlook": _in_style(r"data-ogsc", r"data-ogsb"),
    "Apple leaves sizes alone": lambda mail: _has(
        mail, "meta", name="x-apple-disable-message-reformatting"
    ),
    "no links that nobody made": _meta("format-detection", ".*telephone=no.*"),
    "96 dots in Outlook": lambda mail: "<o:PixelsPerInch>96</o:PixelsPerInch>" in mail.html,
    # its structure
    "preheader": lambda mail: bool((found := _preheader(mail)) and found[1].strip()),
    "preheader padded": lambda mail: bool(
        (found := _preheader(mail)) and 6 <= len(re.findall("\u200c|&zwnj;", found[1])) <= 20
    ),
    "tables for layout say so": lambda mail: all(
        given.get("role") == "presentation"
        for tag, given in _Source(outlook_view(mail.html)).tags
        if tag == "table"
    ),
    "narrow screens": _in_style(r"@media[^{]*max-width"),
    "paper": _in_style(r"@media print"),
    "ghost table": lambda mail: bool(
        re.search(r"<!--\[if mso\]><table[^>]*width=\"600\"", mail.html)
    ),
    "balanced for Outlook": lambda mail: not _Source(outlook_view(mail.html)).faults,
    "balanced": lambda mail: not _Source(mail.html).faults,
    "images have a text": lambda mail: all("alt" in given for given in _images(mail)),
    "images have a size": lambda mail: all(
        given.get("width", "").isdigit() and "height" in given for given in _images(mail)
    ),
    "a landmark": lambda mail: _has(mail, "div", role="article|main"),
    "a first heading": lambda mail: _has(mail, "h1"),
    # its weight
    "not clipped": lambda mail: len(mail.html.encode()) < CLIP,
    "short style sheets": lambda mail: all(
        len(style.encode()) < LONGEST_STYLE for style in _Source(mail.html).styles
    ),
    "nothing external": _nothing_external,
    "no remote images": lambda mail: all(
        given.get("src", "").startswith("cid:") for given in _images(mail)
    ),
    "a way to leave": _unsubscribe_in_both,
    "a text part": lambda mail: len(mail.text.split()) >= 10,
    "short lines": lambda mail: all(len(line) <= LONGEST_LINE for line in mail.raw.split(b"\r\n")),
}
