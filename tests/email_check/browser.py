"""What a browser makes of a mail: accessibility, overflow, sizes, in light and in dark."""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.email_check.matrix import Mail

HERE = Path(__file__).parent
WIDTHS = (320, 600, 1200)
SCHEMES = ("light", "dark")
CHROMIUM = "/usr/bin/chromium"
SMALLEST = 14  # pixels of any text
BODY = 16  # pixels of a paragraph
TAP = 44  # pixels high

_ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
]

OVERFLOW = "() => document.documentElement.scrollWidth - window.innerWidth"

# Rules for whole pages, which a mail is not.
_AXE = """async () => {
  const found = await axe.run(document, {preload: false, resultTypes: ["violations"],
      rules: {region: {enabled: false}, "landmark-one-main": {enabled: false}}});
  return found.violations.map(v => `${v.id}: ${v.nodes.length}`);
}"""

_SIZES = """() => {
  const small = [], body = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (!node.textContent.trim()) continue;
    const box = node.parentElement.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const size = parseFloat(getComputedStyle(node.parentElement).fontSize);
    small.push(size);
    if (node.parentElement.closest("p.text, li.point")) body.push(size);
  }
  return [Math.min(...small), Math.min(...(body.length ? body : small))];
}"""

# A link within a sentence may be as high as its line (WCAG 2.2, 2.5.8); others stand alone.
_TAPS = """least => [...document.querySelectorAll("a")].filter(a => {
    const around = [...a.parentElement.childNodes].filter(n => n !== a);
    return !around.some(n => n.nodeType === 3 && n.textContent.trim());
  }).map(a => a.getBoundingClientRect().height).filter(h => h > 0 && h < least).length"""


@dataclass(frozen=True)
class Seen:
    """What was seen of one mail."""

    axe: dict[str, tuple[str, ...]]  # by scheme: rule and number of places, over all widths
    overflow: int  # pixels at 320 wide
    overflow_bare: int  # the same without any style sheet
    smallest: float  # pixels
    body: float
    small_taps: int
    called: int  # requests that the mail made

    def checks(self) -> dict[str, bool]:
        """Return the checks of the specification that need a browser."""
        return {
            "accessible in light": not self.axe["light"],
            "accessible in dark": not self.axe["dark"],
            "fits 320 pixels": self.overflow <= 0,
            "fits without styles": self.overflow_bare <= 0,
            "large enough": self.smallest >= SMALLEST and self.body >= BODY,
            "links to press": self.small_taps == 0 and self.called == 0,
        }


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, mail: Mail, *, bare: bool = False) -> Iterator[tuple[Page, list[str]]]:
    """Open a mail that reaches nothing; `bare` without its style sheets.  Gives what it called."""
    called: list[str] = []
    with browser.new_context(offline=True) as context, context.new_page() as page:
        page.on("request", lambda request: called.append(request.url))
        html = re.sub(r"<style.*?</style>", "", mail.html, flags=re.DOTALL) if bare else mail.html
        page.set_content(_with_pictures(html, mail))
        called[:] = [url for url in called if not url.startswith("data:")]
        yield page, called


def _with_pictures(html: str, mail: Mail) -> str:
    """Put the pictures that are attached where the mail shows them."""
    for name, (kind, data) in mail.pictures.items():
        html = html.replace(f"cid:{name}", f"data:{kind};base64,{base64.b64encode(data).decode()}")
    return html


def look_at(browser: Browser, mail: Mail) -> Seen:
    """Return what a browser sees of a mail, in six runs and one without styles."""
    axe = (HERE / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
    violations: dict[str, list[str]] = {scheme: [] for scheme in SCHEMES}
    with opened(browser, mail) as (page, called):
        page.evaluate(axe)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                violations[scheme] += page.evaluate(_AXE)
        page.set_viewport_size({"width": 320, "height": 900})
        overflow: Any = page.evaluate(OVERFLOW)
        smallest, body = page.evaluate(_SIZES)
        taps: Any = page.evaluate(_TAPS, TAP)
    with opened(browser, mail, bare=True) as (page, _):
        page.set_viewport_size({"width": 320, "height": 900})
        bare: Any = page.evaluate(OVERFLOW)
    return Seen(
        axe={scheme: tuple(found) for scheme, found in violations.items()},
        overflow=overflow,
        overflow_bare=bare,
        smallest=smallest,
        body=body,
        small_taps=taps,
        called=len(called),
    )
