"""The pages behind a discreet mail: they name nobody, and let readers choose their style."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from newsletter.config import Discreet
from newsletter.site import Site
from newsletter.web.app import serve
from subscribers.database import reading, writing
from subscribers.privacy import Purpose
from subscribers.style import Style
from subscribers.tables import MailingList, Subscriber, Subscription
from tests.conftest import NOON
from tests.pages import FORM, Answer, Person, add_person, ask, link, preferences, site_in, site_on

QUIET = "letters.quiet.example"
DISCREET = Discreet(
    name="Anna",
    email="letters@quiet.example",
    url=f"https://{QUIET}",
    postal_address="PO Box 1, Leeds",
)
TITLE = "Weekly prayer"
NAMES = ("Prayer &amp; Hope", "1 Example Street", "example.org</a>", TITLE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = discreetly_set(site_in(tmp_path_factory.mktemp("site")))
    yield site
    site.engine.dispose()


@pytest.fixture(scope="module")
def port(site: Site) -> Iterator[int]:
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        yield running.port


def get(port: int, path: str, host: str = QUIET) -> Answer:
    return ask(port, "GET", path, headers={"Host": host})


def post(port: int, path: str, fields: str, host: str = QUIET) -> Answer:
    return ask(port, "POST", path, fields, {"Host": host, "Content-Type": FORM})


def discreetly_set(site: Site) -> Site:
    return replace(site, settings=site.settings.model_copy(update={"discreet": DISCREET}))


def style_of(site: Site, person: Person) -> Style | None:
    with reading(site.engine) as session:
        return session.get_one(Subscriber, person.id).style


def test_no_template_of_the_sites_own_is_shown_at_the_discreet_address(tmp_path: Path) -> None:
    own = tmp_path / "templates" / "public"
    own.mkdir(parents=True)
    (own / "home.html.j2").write_text("<p>Give to Prayer &amp; Hope</p><style>{{ style }}</style>")
    (own / "style.css").write_text("/* Prayer & Hope */")
    site = discreetly_set(site_in(tmp_path))

    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        usual, quiet = (get(running.port, "/", host) for host in ("localhost", QUIET))
    site.engine.dispose()

    assert "Give to Prayer &amp; Hope" in usual.text
    assert not any("Hope" in text for text in (quiet.text, *quiet.headers.values()))
    assert "letters@quiet.example" in quiet.text


@pytest.mark.parametrize("host", [QUIET, f"{QUIET.upper()}:443", f"{QUIET}."])
@pytest.mark.parametrize("path", ["/", "/nothing", "/u/x", "/staff/issues", "link", "preferences"])
def test_no_page_at_the_discreet_address_names_anybody(
    site: Site, port: int, host: str, path: str
) -> None:
    person = add_person(site, f"{host}-{path.strip('/').replace('/', '-')}@example.net")
    paths = {"link": link(site, person), "preferences": preferences(site, person)}

    answer = get(port, paths.get(path, path), host)

    assert not any(name in answer.text for name in NAMES)
    assert "letters@quiet.example" in answer.text
    assert "rayer" not in answer.text


def test_what_is_too_large_or_breaks_down_names_nobody_there(tmp_path: Path) -> None:
    site = discreetly_set(site_in(tmp_path))
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        large = post(running.port, "/u/x", "x" * 70_000)
        with writing(site.engine) as session:
            session.execute(text("DROP TABLE subscription"))
        broken = get(running.port, f"/u/{site.keys.token(Purpose.UNSUBSCRIBE, 1)}")

    assert (large.status, broken.status) == (413, 503)
    assert not any(name in large.text + broken.text for name in NAMES)
    site.engine.dispose()


@pytest.mark.parametrize("forced", [False, True])
def test_a_discreet_readers_pages_name_nobody_at_any_address(
    site: Site, port: int, forced: bool
) -> None:
    style = None if forced else Style.DISCREET
    person = add_person(site, f"mary-{forced}@example.net", style=style)
    with writing(site.engine) as session:
        held = session.get_one(Subscription, person.subscription_ids[0]).list_id
        session.get_one(MailingList, held).style = Style.DISCREET if forced else None
    host = "127.0.0.1:8000"

    answers = [
        get(port, link(site, person), host),
        get(port, preferences(site, person), host),
        post(port, preferences(site, person), f"list={held}", host),
        post(port, link(site, person), "", host),
    ]

    assert {answer.status for answer in answers} == {200}
    assert not any(name in answer.text for answer in answers for name in NAMES)
    assert f"You are unsubscribed from Letters {held}." in answers[2].text


def test_elsewhere_the_pages_say_whose_they_are(port: int) -> None:
    answer = get(port, "/", "prayer.example.org")

    assert "Prayer &amp; Hope" in answer.text


def test_a_reader_chooses_their_style_and_chooses_again(engine: Engine, tmp_path: Path) -> None:
    site = discreetly_set(site_on(engine, tmp_path))
    person = add_person(site, "mary@example.net")
    page, chosen = preferences(site, person), []

    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        for style in ("large", "discreet", "nonsense", "plain", "standard"):
            answer = post(running.port, page, f"style={style}", "127.0.0.1")
            chosen.append(style_of(site, person))
            assert answer.status == 200
        get(running.port, f"{page}?style=large")

    assert chosen == [Style.LARGE, Style.DISCREET, Style.DISCREET, Style.PLAIN, None]
    assert style_of(site, person) is None


def test_a_reader_is_told_of_a_list_that_keeps_its_style(tmp_path: Path) -> None:
    site = discreetly_set(site_in(tmp_path))
    person = add_person(site, "mary@example.net", ("Daily prayer", TITLE))
    with writing(site.engine) as session:
        held = session.get_one(Subscription, person.subscription_ids[1]).list_id
        session.get_one(MailingList, held).style = Style.LARGE

    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        said = {
            style: post(running.port, preferences(site, person), f"style={style}", "127.0.0.1").text
            for style in ("plain", "large", "discreet")
        }

    kept = f"{TITLE} goes to everybody in one style: Large print."
    assert [style for style, page in said.items() if kept in page] == ["plain"]
    assert not any(name in said["discreet"] for name in NAMES)
    site.engine.dispose()


def test_the_discreet_mail_is_offered_only_where_it_can_be_made(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    person = add_person(site, "mary@example.net")

    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        page = get(running.port, preferences(site, person)).text
        post(running.port, preferences(site, person), "style=discreet")

    assert "Discreet" not in page
    assert style_of(site, person) is None
    site.engine.dispose()
