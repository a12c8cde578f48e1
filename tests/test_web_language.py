"""The language of the mail, chosen on the preferences page: what is offered, kept, and sent."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from newsletter.dispatch.freeze import freeze
from newsletter.rendering import TRANSLATED
from newsletter.site import Site
from newsletter.tables import Batch
from newsletter.web.app import serve
from subscribers.database import reading, writing
from subscribers.style import Style
from subscribers.tables import Subscriber, Subscription, SubscriptionState
from tests.audiences import add_issue
from tests.conftest import NOON
from tests.pages import Person, add_person, ask, everything_in, post, preferences, site_in, site_on
from tests.test_web_discreet import NAMES, QUIET, discreetly_set


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = discreetly_set(site_in(tmp_path_factory.mktemp("site")))
    yield site
    site.engine.dispose()


@pytest.fixture(scope="module")
def port(site: Site) -> Iterator[int]:
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        yield running.port


def list_of(site: Site, person: Person) -> int:
    with reading(site.engine) as session:
        return session.get_one(Subscription, person.subscription_ids[0]).list_id


def language_of(site: Site, person: Person) -> str | None:
    with reading(site.engine) as session:
        return session.get_one(Subscriber, person.id).language


def offered(page: str) -> dict[str, list[str]]:
    """Return the languages that a page offers, by the heading above them."""
    groups = re.findall(r'<optgroup label="([^"]*)">(.*?)</optgroup>', page, re.DOTALL)
    return {name: re.findall(r'<option value="([^"]*)"', options) for name, options in groups}


def selected(page: str) -> list[str]:
    return re.findall(r'<option value="([^"]*)"[^>]* selected>', page)


def test_the_languages_of_their_lists_are_offered_by_their_own_names(site: Site, port: int) -> None:
    person = add_person(site, "offered@example.org", ("Weekly", "Left"))
    with writing(site.engine) as session:
        add_issue(session, site.keys, list_of(site, person), languages=("en", "pt-BR", "sw"))
        other = session.get_one(Subscription, person.subscription_ids[1])
        other.state = SubscriptionState.UNSUBSCRIBED
        add_issue(session, site.keys, other.list_id, languages=("hi",))

    page = ask(port, "GET", preferences(site, person)).text

    groups = offered(page)
    assert groups["Written so far"] == ["en", "sw", "pt-BR"]
    assert set(groups["Not so far"]) == TRANSLATED - {"pt"}
    for option in (
        '<option value="fa" lang="fa" dir="auto">فارسی</option>',
        '<option value="zh-Hant" lang="zh-Hant" dir="auto">中文 (繁體)</option>',
        '<option value="sw" lang="sw" dir="auto">Kiswahili</option>',
        '<option value="">As everybody gets it</option>',
    ):
        assert option in page
    assert selected(page) == []


def test_who_has_left_all_lists_may_still_say_what_they_read(site: Site, port: int) -> None:
    left = add_person(site, "left@example.org", state=SubscriptionState.UNSUBSCRIBED)

    page = post(port, preferences(site, left), "language=de").text

    assert offered(page)["Written so far"] == ["en"]
    assert selected(page) == ["de"]


@pytest.mark.parametrize("language", ["ar-EG", "PT-pt", "qtz"])
def test_what_they_read_until_now_stays_chosen_whatever_it_is(
    site: Site, port: int, language: str
) -> None:
    person = add_person(site, f"{language}@example.org", language=language)

    page = ask(port, "GET", preferences(site, person)).text
    [chosen] = selected(page)
    post(port, preferences(site, person), f"style=large&language={chosen}")

    assert chosen.lower() == language.lower()
    assert (language_of(site, person) or "").lower() == language.lower()


def test_a_language_is_chosen_and_taken_back_and_nothing_else_is_taken(
    engine: Engine, tmp_path: Path
) -> None:
    site = site_on(engine, tmp_path)
    person = add_person(site, "mary@example.net")
    page, kept, said = preferences(site, person), [], []

    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        for form in ("language=fa", "language=fa", "language=tlh", "style=large", "language="):
            answer = post(running.port, page, form)
            kept.append(language_of(site, person))
            said += re.findall(r'role="status"><bdi>(.*?)</bdi>', answer.text) or [""]
            assert selected(answer.text) == [kept[-1]] * (kept[-1] is not None)
        before = everything_in(engine)
        ask(running.port, "GET", f"{page}?language=fa")

    assert everything_in(engine) == before
    assert kept == ["fa", "fa", "fa", "fa", None]
    assert said == [
        "From now on your mail comes in \u2068فارسی\u2069, whenever it is written in that "
        "language. One that is on its way may still come as before.",
        "Nothing is changed: your mail comes as before.",
        "",
        "Large print: so your mail comes from now on. "
        "One that is on its way may still come as before.",
        "From now on your mail comes in the language that everybody gets. "
        "One that is on its way may still come as before.",
    ]


def test_who_chose_a_language_gets_it_in_the_next_issue_that_begins(
    engine: Engine, tmp_path: Path
) -> None:
    site = site_on(engine, tmp_path)
    person = add_person(site, "mary@example.net")
    with writing(engine) as session:
        issues = [
            add_issue(
                session, site.keys, list_of(site, person), languages=("en", "fa"), due_at=NOON
            )
            for _ in range(2)
        ]

    editions: list[int] = []
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        for issue, form in zip(issues, ("language=", "language=fa"), strict=True):
            post(running.port, preferences(site, person), form)
            with writing(engine) as session:
                freeze(session, site.keys, issue, True, 500, 4, NOON)
                batches = select(Batch.edition_no).where(Batch.issue_id == issue)
                editions += session.scalars(batches).all()

    assert editions == [0, 1]


@pytest.mark.parametrize("host", [QUIET, "127.0.0.1:8000"])
def test_a_discreet_reader_chooses_a_language_and_reads_no_name(
    site: Site, port: int, host: str
) -> None:
    person = add_person(site, f"quiet-{len(host)}@example.net", style=Style.DISCREET)
    path, headers = preferences(site, person), {"Host": host}

    answers = [
        ask(port, "GET", path, headers=headers),
        ask(
            port,
            "POST",
            path,
            "language=fa&style=discreet",
            headers | {"Content-Type": "application/x-www-form-urlencoded"},
        ),
    ]

    assert language_of(site, person) == "fa"
    assert selected(answers[1].text) == ["fa"]
    for answer in answers:
        assert answer.status == 200
        assert not any(name in answer.text for name in NAMES)
        assert "rayer" not in answer.text
        assert "ulletin" not in answer.text
