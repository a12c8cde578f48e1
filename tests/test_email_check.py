"""The measuring stick itself: each of its checks can fail."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from newsletter.rendering.words import TRANSLATED
from subscribers.style import Style
from tests.email_check.matrix import LANGUAGES, Mail, matrix
from tests.email_check.rules import CHECKS, HEAVIEST


@cache
def sample() -> Mail:
    """Return the mail that is damaged."""
    return next(iter(matrix(("en",))))


def without(pattern: str, put: str = "") -> Callable[[Mail], Mail]:
    """Damage the HTML in one way."""

    def damaged(mail: Mail) -> Mail:
        html, times = re.subn(pattern, put, mail.html, flags=re.DOTALL)
        assert times, "nothing to damage"
        return replace(mail, html=html)

    return damaged


DAMAGE: dict[str, Callable[[Mail], Mail]] = {
    "doctype": without("<!DOCTYPE html>\n"),
    "lang and dir": without('<html lang="en" dir="ltr">', "<html>"),
    "charset": without('<meta charset="utf-8">'),
    "viewport": without('<meta name="viewport"[^>]*>'),
    "title": without("<title>.*?</title>", "<title> </title>"),
    "colour schemes": without('<meta name="color-scheme"[^>]*>'),
    "dark theme": without("prefers-color-scheme: dark", "orientation: portrait"),
    "dark theme of Outlook": without("data-ogsb", "data-x"),
    "Apple leaves sizes alone": without('<meta name="x-apple[^>]*>'),
    "no links that nobody made": without('<meta name="format-detection"[^>]*>'),
    "96 dots in Outlook": without("<o:PixelsPerInch>96", "<o:PixelsPerInch>72"),
    "preheader": without(r"(<body[^>]*>\s*)<div[^>]*display.*?</div>", r"\1"),
    "preheader padded": without("\u200c"),
    "tables for layout say so": without(' role="presentation"'),
    "narrow screens": without("@media[^{]*max-width", "@media (min-width"),
    "paper": without("@media print", "@media screen"),
    "ghost table": without(r"<!--\[if mso\]><table[^>]*>", "<!--[if mso]><table>"),
    "balanced for Outlook": without(r"<!--\[if mso\]></td></tr></table><!\[endif\]-->"),
    "balanced": without("</h1>"),
    "images have a text": without("<h1", '<img src="cid:a" width="1" height="1"><h1'),
    "images have a size": without("<h1", '<img src="cid:a" alt=""><h1'),
    "a landmark": without('role="article"', 'role="note"'),
    "a first heading": without(r"<h1(.*?)</h1>", r"<h2\1</h2>"),
    "not clipped": without("</body>", "x" * 110_000 + "</body>"),
    "short style sheets": without("</style>", "p { color: #000000 }\n" * 500 + "</style>"),
    "nothing external": without("<h1", '<form action="/"></form><h1'),
    "no remote images": without("<h1", '<img src="https://example.org/a.png" alt=""><h1'),
    "a way to leave": without("/u/[A-Za-z0-9_-]+", "/u/"),
    "a text part": lambda mail: replace(mail, text="Open the HTML part."),
    "short lines": lambda mail: replace(mail, raw=mail.raw + b"x" * 1000 + b"\r\n"),
}


def test_the_sample_passes_every_check() -> None:
    assert [name for name, check in CHECKS.items() if not check(sample())] == []


def test_every_language_with_words_of_its_own_is_measured() -> None:
    assert set(LANGUAGES) == TRANSLATED | {"en"}


def test_every_mail_keeps_the_rules_of_messages() -> None:
    mails = list(matrix(("ar",)))  # `make email-check` asks those of all languages

    assert {mail.name: mail.broken() for mail in mails if mail.broken()} == {}
    assert {mail.style for mail in mails} == {style.label for style in Style}


@pytest.mark.parametrize("name", CHECKS)
def test_each_check_notices_its_fault(name: str) -> None:
    assert not CHECKS[name](DAMAGE[name](sample()))


def test_the_sample_is_light_in_every_style() -> None:
    mails = [mail for mail in matrix(("en",)) if mail.kind == "bulletin" and not mail.sample]

    assert {mail.style: len(mail.html.encode()) <= HEAVIEST for mail in mails} == {
        style.label: True for style in Style
    }
