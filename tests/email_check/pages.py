"""The public pages in every state and look, in a browser: measured, and pictured where asked.

python -m tests.email_check.pages [FOLDER]
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, Page

from newsletter.config import OwnSender, Settings
from newsletter.site import Site
from newsletter.web.app import serve
from subscribers.database import writing
from subscribers.style import Style
from subscribers.tables import MailingList, Subscription, SubscriptionState
from tests.audiences import add_issue
from tests.brands import BRANDS, drawn_logo, settings_of
from tests.conftest import NOON
from tests.email_check.browser import HERE, OVERFLOW, SCHEMES, chromium
from tests.pages import Person, add_person, link, preferences, site_in
from tests.test_web_discreet import DISCREET

WIDTHS = (320, 1200)
LOOKS = ("no-brand", *BRANDS)
_INK = {"light-brand": "#7a1f3d", "dark-brand": "#f4ead6"}
_AXE = """async () => (await axe.run(document, {preload: false})).violations.map(
    v => `${v.id}: ${v.nodes.map(n => n.html.slice(0, 100)).join(", ")}`)"""


def main() -> int:
    """Look at each page; 1 where one is not accessible or wider than its window."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    folder: Path | None = parser.parse_args().folder
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    faults = []
    with chromium() as browser:
        for look in LOOKS:
            for name, page in _pages(browser, look):
                faults += [f"{look} {name}: {each}" for each in _look_at(page, folder, look, name)]
    if folder:
        pictures = sorted(folder.glob("*.png"))
        images = [f'<img src="{each.name}" alt="{each.stem}" loading="lazy">' for each in pictures]
        (folder / "index.html").write_text("<!doctype html>" + "\n".join(images), "utf-8")
    print("\n".join(faults) or "The public pages hold.")
    return 1 if faults else 0


def _look_at(page: Page, folder: Path | None, look: str, name: str) -> list[str]:
    """Return what is wrong with an open page in light and dark, narrow and wide."""
    faults = []
    page.evaluate((HERE / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8"))
    for scheme in SCHEMES:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 600})
            found: list[Any] = page.evaluate(_AXE)
            overflow: Any = page.evaluate(OVERFLOW)
            faults += [f"{scheme} {width}: {each}" for each in found]
            faults += [f"{scheme} {width}: {overflow} px too wide"] if overflow > 0 else []
            if folder:
                picture = folder / f"{look}-{name}-{scheme}-{width}.png"
                page.screenshot(path=picture, full_page=True)
    return faults


def _pages(browser: Browser, look: str) -> Iterator[tuple[str, Page]]:
    """Yield each page, open, by the name of its state."""
    with _site(look) as site, serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        reader, quiet, gone, hills = _people(site)
        states = {
            "home": "/",
            "lost": "/nowhere",
            "leave": link(site, reader),
            "leave-hills": link(site, hills),
            "gone": link(site, gone),
            "preferences": preferences(site, reader),
            "discreet": preferences(site, quiet),
            "left": link(site, hills),
            "chosen": preferences(site, reader),
        }
        for name, path in states.items():
            with browser.new_context() as context, context.new_page() as page:
                page.goto(f"http://127.0.0.1:{running.port}{path}")
                if name == "left":
                    page.click("button")
                if name == "chosen":
                    page.select_option("#language", "pt-BR")
                    page.check("input[value=large]")
                    page.click("text=Save")
                yield name, page


@contextmanager
def _site(look: str) -> Iterator[Site]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        site = site_in(folder)
        yield replace(site, settings=_settings(folder, look, site.settings))
        site.engine.dispose()


def _settings(folder: Path, look: str, plain: Settings) -> Settings:
    if look not in BRANDS:
        return plain.model_copy(update={"discreet": DISCREET})
    settings = settings_of(look)
    logo = drawn_logo(settings.organisation.name, _INK[look])
    (folder / "logo.png").write_bytes(logo)
    (folder / "hills.png").write_bytes(drawn_logo("Hills", "#224466"))
    brand = settings.brand.model_copy(update={"logo": "logo.png"})
    hills = OwnSender(sender_name="Prayer for the Hills", logo="hills.png")
    return settings.model_copy(
        update={"brand": brand, "discreet": DISCREET, "lists": {"hills": hills}}
    )


def _people(site: Site) -> tuple[Person, Person, Person, Person]:
    """Return a reader of several lists, a discreet one, one who left, and one of the hills."""
    titles = ("Weekly prayer", "نشرة الصلاة")
    reader = add_person(site, "maryam@example.org", titles, language="fa", zone="Asia/Tehran")
    quiet = add_person(site, "quiet@example.org", style=Style.DISCREET)
    gone = add_person(site, "gone@example.org", state=SubscriptionState.UNSUBSCRIBED)
    hills = add_person(site, "hills@example.org", ("Prayer letters from the hills",))
    with writing(site.engine) as session:
        weekly, _arabic = (session.get_one(Subscription, each) for each in reader.subscription_ids)
        add_issue(session, site.keys, weekly.list_id, languages=("en", "fa", "pt-BR"))
        theirs = session.get_one(Subscription, hills.subscription_ids[0]).list_id
        session.get_one(MailingList, theirs).name = "hills"
    return reader, quiet, gone, hills


if __name__ == "__main__":
    sys.exit(main())
