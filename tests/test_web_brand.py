"""The pages in the look of [brand] and of a list, and with nothing of it for a discreet reader."""

import base64
import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from newsletter.colours import LEAST, contrast
from newsletter.config import Settings
from newsletter.site import Site, shipped_templates
from newsletter.web.app import serve
from newsletter.web.pages import PAPER, SURFACES, open_web
from subscribers.database import writing
from subscribers.style import Style
from subscribers.tables import MailingList, Subscription
from tests.brands import BRANDS, drawn_logo, settings_of
from tests.conftest import NOON
from tests.pages import Answer, Person, add_person, ask, link, post, preferences, site_in
from tests.test_web_discreet import DISCREET, QUIET

LOGOS = {"wells.png": ("Three Wells", "#7a1f3d"), "hills.png": ("Hills", "#224466")}
SETTINGS = {
    "organisation": {
        "name": "Three Wells Fellowship",
        "postal_address": "1 Example Street",
        "url": "http://127.0.0.1:8000",
    },
    "sender": {"name": "Wells", "email": "office@wells.example"},
    "discreet": DISCREET,
    "brand": {"logo": "wells.png", "light": {"accent": "#7a1f3d"}},
    "lists": {
        "hills": {
            "sender_name": "Prayer for the Hills",
            "reply_to": "answers@hills.example",
            "logo": "hills.png",
        },
        "bare": {"logo": ""},
    },
}
OURS = ("Wells", "Hills", "hills", "1 Example Street", "7a1f3d", "<img", "data:image")


def branded_site(folder: Path, settings: dict[str, Any]) -> Site:
    for name, (words, ink) in LOGOS.items():
        (folder / name).write_bytes(drawn_logo(words, ink))
    return replace(site_in(folder), settings=Settings.model_validate(settings))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = branded_site(tmp_path_factory.mktemp("site"), SETTINGS)
    yield site
    site.engine.dispose()


@pytest.fixture(scope="module")
def port(site: Site) -> Iterator[int]:
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        yield running.port


def reader_of(site: Site, name: str, who: str = "anna", **columns: Any) -> Person:
    """Return somebody on a new list of this name; an older one is called otherwise from now on."""
    person = add_person(site, f"{name}-{who}@example.net", ("Letters",), **columns)
    with writing(site.engine) as session:
        for row in session.query(MailingList).filter_by(name=name):
            row.name = f"{name}-{row.id}"
        session.flush()
        held = session.get_one(Subscription, person.subscription_ids[0])
        session.get_one(MailingList, held.list_id).name = name
    return person


def head(answer: Answer) -> str:
    return answer.text.partition("<header>")[2].partition("</header>")[0]


def foot(answer: Answer) -> str:
    return " ".join(answer.text.partition("<footer>")[2].split())


def style(answer: Answer) -> str:
    return answer.text.partition("<style>")[2].partition("</style>")[0]


def test_a_page_has_name_logo_and_colours_of_the_brand(site: Site, port: int) -> None:
    person = reader_of(site, "weekly")

    for answer in (
        ask(port, "GET", "/"),
        ask(port, "GET", "/nowhere"),
        ask(port, "GET", link(site, person)),
        ask(port, "GET", preferences(site, person)),
        post(port, link(site, person)),
    ):
        assert 'alt="Three Wells Fellowship"' in head(answer)
        assert 'src="data:image/png;base64,' in head(answer)
        assert "<bdi>Three Wells Fellowship</bdi>" in foot(answer)
        assert "#7a1f3d" in style(answer)
        assert 'class="on-faf8f4"' in head(answer)  # dark red would be lost on the dark paper
        assert "header img.on-faf8f4 { outline: .5rem solid #faf8f4; }" in style(answer)
        digest = base64.b64encode(hashlib.sha256(style(answer).encode()).digest()).decode()
        policy = answer.headers["content-security-policy"]
        assert f"style-src 'sha256-{digest}'; img-src data:;" in policy


def test_the_page_of_one_list_is_in_its_name_with_its_logo_and_address(
    site: Site, port: int
) -> None:
    person = reader_of(site, "hills")
    everybodys = head(ask(port, "GET", "/"))

    for answer in (ask(port, "GET", link(site, person)), post(port, link(site, person))):
        assert 'alt="Prayer for the Hills"' in head(answer)
        assert head(answer).partition(" alt")[0] != everybodys.partition(" alt")[0]
        assert "<bdi>Three Wells Fellowship</bdi></p> <p><bdi>1 Example Street" in foot(answer)
        assert "mailto:answers@hills.example" in answer.text
    assert head(ask(port, "GET", preferences(site, person))) == everybodys


def test_a_list_may_have_no_logo(site: Site, port: int) -> None:
    answer = ask(port, "GET", link(site, reader_of(site, "bare")))

    assert head(answer) == "<bdi>Three Wells Fellowship</bdi>"
    assert "Three Wells" not in foot(answer)


@pytest.mark.parametrize("host", [QUIET, "127.0.0.1:8000"])
def test_nothing_of_it_is_seen_by_a_discreet_reader(site: Site, port: int, host: str) -> None:
    person = reader_of(site, "hills", host, style=Style.DISCREET)
    headers = {"Host": host}

    for path in (link(site, person), preferences(site, person)):
        answer = ask(port, "GET", path, headers=headers)
        assert not [name for name in OURS if name in answer.text]
        digest = base64.b64encode(hashlib.sha256(style(answer).encode()).digest()).decode()
        assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]
    said = ask(port, "GET", "/healthz", headers={"Host": QUIET})
    named = open_web(site, lambda: NOON)
    assert named.bare_style.source in said.headers["content-security-policy"]
    assert named.style.source not in said.headers["content-security-policy"]


@pytest.mark.parametrize("brand", BRANDS)
def test_links_and_buttons_are_readable_whatever_the_brand(brand: str, tmp_path: Path) -> None:
    site = replace(site_in(tmp_path), settings=settings_of(brand))

    css = open_web(site, lambda: NOON).style.css

    made = re.findall(
        r"^:root \{ --link: (.*); --accent: (.*); --on-accent: (.*); \}", css, re.MULTILINE
    )
    assert len(made) == 2
    for (on_page, button, on_button), surfaces in zip(made, SURFACES, strict=True):
        assert contrast(on_button, button) >= LEAST
        for surface in surfaces:
            assert contrast(on_page, surface) >= LEAST
            assert contrast(button, surface) >= LEAST
    site.engine.dispose()


def test_the_surfaces_are_those_of_the_style_sheet() -> None:
    css = (shipped_templates() / "public/style.css").read_text(encoding="utf-8")
    named = [re.findall(rf"--{name}: (#\w{{6}});", css) for name in ("paper", "sheet", "notice")]

    assert tuple(zip(*named, strict=True)) == SURFACES
    assert tuple(paper for paper, *_ in SURFACES) == PAPER


def test_a_site_that_names_no_colour_or_has_its_own_style_sheet_gets_none(tmp_path: Path) -> None:
    plain = site_in(tmp_path)
    branded = replace(plain, settings=Settings.model_validate(SETTINGS | {"lists": {}}))
    before = open_web(plain, lambda: NOON)
    own = tmp_path / "templates/public/style.css"
    own.parent.mkdir(parents=True)
    own.write_text("a { color: red }")

    after = open_web(branded, lambda: NOON)

    assert before.style == before.bare_style
    assert after.style.css == "a { color: red }"
    plain.engine.dispose()


def test_a_logo_that_is_gone_or_damaged_stops_no_page(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = branded_site(tmp_path, SETTINGS)
    (tmp_path / "wells.png").unlink()
    (tmp_path / "hills.png").write_bytes(b"no picture")
    person = reader_of(site, "hills")

    with (
        caplog.at_level(logging.WARNING, "newsletter.web.pages"),
        serve(site, lambda: NOON, "127.0.0.1", 0) as running,
    ):
        answers = [ask(running.port, "GET", path) for path in ("/nowhere", link(site, person))]

    assert [head(answer) for answer in answers] == [
        "<bdi>Three Wells Fellowship</bdi>",
        "<bdi>Prayer for the Hills</bdi>",
    ]
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "pages are without a logo"
    ] * 2
    site.engine.dispose()
