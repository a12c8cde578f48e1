"""The public pages, asked over loopback as browsers, mail providers and scanners ask."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from newsletter.site import Site
from newsletter.web.app import serve
from subscribers.database import reading
from subscribers.privacy import Purpose
from subscribers.tables import Subscription, SubscriptionState
from tests.conftest import NOON
from tests.pages import (
    FORM,
    ONE_CLICK,
    add_person,
    ask,
    consent_channels,
    everything_in,
    link,
    post,
    preferences,
    site_in,
    site_on,
    states,
)

ACTIVE, LEFT = SubscriptionState.ACTIVE, SubscriptionState.UNSUBSCRIBED
URL_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = site_in(tmp_path_factory.mktemp("site"))
    yield site
    site.engine.dispose()


@pytest.fixture(scope="module")
def port(site: Site) -> Iterator[int]:
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        yield running.port


@pytest.fixture
def fresh(engine: Engine, tmp_path: Path) -> Iterator[tuple[Site, int]]:
    """A site and its port on each kind of database."""
    site = site_on(engine, tmp_path)
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        yield site, running.port


# --- one-click, RFC 8058 ---------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["urlencoded", "multipart"])
def test_a_one_click_post_unsubscribes_and_gets_plain_text(
    fresh: tuple[Site, int], encoding: str
) -> None:
    site, port = fresh
    person = add_person(site, "anna@example.org")
    url = f"http://127.0.0.1:{port}{link(site, person)}"

    with httpx.Client(trust_env=False) as client:
        answer = (
            client.post(url, data=ONE_CLICK)
            if encoding == "urlencoded"
            else client.post(url, files={name: (None, v) for name, v in ONE_CLICK.items()})
        )

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "You are unsubscribed.\n"
    assert "set-cookie" not in answer.headers
    assert "location" not in answer.headers
    assert states(site, person) == [LEFT]
    assert consent_channels(site, person) == ["one-click"]


def test_posts_at_the_same_moment_unsubscribe_once(fresh: tuple[Site, int]) -> None:
    site, port = fresh
    person = add_person(site, "anna@example.org")

    with ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(
                lambda _: post(port, link(site, person), "List-Unsubscribe=One-Click"), range(24)
            )
        )

    assert {answer.status for answer in answers} == {200}
    assert states(site, person) == [LEFT]
    assert consent_channels(site, person) == ["one-click"]


def test_twice_is_once(site: Site, port: int) -> None:
    person = add_person(site, "twice@example.org")

    first = post(port, link(site, person), "List-Unsubscribe=One-Click")
    before = everything_in(site.engine)
    second = post(port, link(site, person), "List-Unsubscribe=One-Click")
    by_button = post(port, link(site, person))

    assert (first.status, first.text) == (second.status, second.text)
    assert by_button.status == 200
    assert everything_in(site.engine) == before


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("", None),
        ("anything", "text/plain"),
        ("List-Unsubscribe=One-Click", "application/json"),
        ("no such parts", "multipart/form-data; boundary=x"),
        ("no boundary", "multipart/form-data"),
        ("&".join(f"f{n}=" for n in range(100)), FORM),
    ],
    ids=["empty", "text", "wrong type", "broken multipart", "no boundary", "too many fields"],
)
def test_a_post_that_cannot_be_read_still_unsubscribes(
    site: Site, port: int, body: str, kind: str | None
) -> None:
    person = add_person(site, f"garbled-{len(body)}-{len(kind or '')}@example.org")

    answer = ask(
        port, "POST", link(site, person), body, {"Content-Type": kind} if kind is not None else {}
    )

    assert answer.status == 200
    assert states(site, person) == [LEFT]


def test_a_file_in_a_form_is_not_taken_for_a_field(site: Site, port: int) -> None:
    person = add_person(site, "file@example.org", ("One", "Two"))
    body = (
        '--x\r\nContent-Disposition: form-data; name="all"; filename="a.txt"\r\n\r\n1\r\n--x--\r\n'
    )

    ask(
        port,
        "POST",
        preferences(site, person),
        body,
        {"Content-Type": "multipart/form-data; boundary=x"},
    )

    assert states(site, person) == [ACTIVE, ACTIVE]


# --- nothing but POST acts -------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"])
def test_opening_a_link_changes_nothing(site: Site, port: int, method: str) -> None:
    person = add_person(site, f"{method.lower()}@example.org")
    before = everything_in(site.engine)

    answers = [
        ask(port, method, path) for path in (link(site, person), preferences(site, person)) * 2
    ]

    assert {answer.status for answer in answers} == {200 if method in ("GET", "HEAD") else 405}
    assert everything_in(site.engine) == before


def test_opening_a_link_leaves_every_byte_of_the_database(site: Site, port: int) -> None:
    person = add_person(site, "bytes@example.org")
    files = [site.folder / "newsletter.db", site.folder / "newsletter.db-wal"]
    before = [file.read_bytes() for file in files]

    ask(port, "GET", link(site, person))
    ask(port, "GET", preferences(site, person))

    assert [file.read_bytes() for file in files] == before


def test_a_get_with_the_words_of_a_one_click_post_changes_nothing(site: Site, port: int) -> None:
    person = add_person(site, "query@example.org")

    query = ask(port, "GET", link(site, person) + "?List-Unsubscribe=One-Click")
    body = ask(
        port, "GET", link(site, person), "List-Unsubscribe=One-Click", {"Content-Type": FORM}
    )

    assert (query.status, body.status) == (200, 200)
    assert states(site, person) == [ACTIVE]


# --- the pages people see --------------------------------------------------------------


def test_the_page_shows_list_masked_address_and_one_button(site: Site, port: int) -> None:
    person = add_person(site, "maryam.khan@example.org", ["Prayer <b>today</b>"])

    page = ask(port, "GET", link(site, person)).text

    assert "Prayer &lt;b&gt;today&lt;/b&gt;" in page
    assert "m***@e***.org" in page
    assert "maryam" not in page
    assert page.count("<button") == 1
    assert '<form method="post">' in page


def test_the_button_unsubscribes_and_says_what_happens_next(site: Site, port: int) -> None:
    person = add_person(site, "button@example.org", ["Weekly prayer"])

    page = post(port, link(site, person)).text

    assert "You are unsubscribed from <bdi>Weekly prayer</bdi>" in page
    assert "may still arrive" in page
    assert "mailto:office@example.org" in page
    assert states(site, person) == [LEFT]
    assert consent_channels(site, person) == ["link"]


def test_whoever_has_left_is_told_so_and_offered_no_button(site: Site, port: int) -> None:
    person = add_person(site, "gone@example.org", state=LEFT)

    answer = ask(port, "GET", link(site, person))

    assert answer.status == 200
    assert "You have left" in answer.text
    assert "<button" not in answer.text


def test_a_subscription_not_yet_confirmed_can_be_ended(site: Site, port: int) -> None:
    person = add_person(site, "early@example.org", state=SubscriptionState.PENDING)

    page = ask(port, "GET", preferences(site, person)).text
    post(port, link(site, person))

    assert "not confirmed" in page
    assert states(site, person) == [LEFT]


def test_the_preferences_page_shows_what_is_held(site: Site, port: int) -> None:
    person = add_person(
        site,
        "held@example.org",
        ["Weekly prayer", "نشرة الصلاة"],
        language="ar-EG",
        zone="America/New_York",
    )

    page = ask(port, "GET", preferences(site, person)).text

    assert "h***@e***.org" in page
    assert "America/New York" in page
    assert "<bdi>نشرة الصلاة</bdi>" in page
    assert page.count("<button") == 4
    assert re.findall(r'value="(\w+)"( checked)?>', page.partition("<fieldset>")[2])[:3] == [
        ("standard", " checked"),
        ("large", ""),
        ("plain", ""),
    ]


@pytest.mark.parametrize(
    ("field", "left"),
    [
        ("list", [LEFT, ACTIVE, ACTIVE]),
        ("all", [LEFT, LEFT, LEFT]),
        ("neither", [ACTIVE, ACTIVE, ACTIVE]),
    ],
)
def test_a_person_leaves_the_list_they_name_or_all(
    site: Site, port: int, field: str, left: list[SubscriptionState]
) -> None:
    person = add_person(site, f"leaves-{field}@example.org", ["Weekly", "Daily", "Urgent"])
    with reading(site.engine) as session:
        list_id = session.get_one(Subscription, person.subscription_ids[0]).list_id

    answer = post(port, preferences(site, person), f"{field}={list_id}")

    assert answer.status == 200
    assert states(site, person) == left
    assert set(consent_channels(site, person)) <= {"preferences"}
    assert ('role="status"' in answer.text) == (left[0] is LEFT)


@pytest.mark.parametrize(
    "value", ["", "0", "-1", "+1", "1.0", "9" * 30, "٣", "1 OR 1=1", "%00", "%ff"]
)
def test_a_list_that_is_not_theirs_cannot_be_left(site: Site, port: int, value: str) -> None:
    person = add_person(site, f"not-theirs-{value.encode().hex()}@example.org")
    before = everything_in(site.engine)

    answer = post(port, preferences(site, person), "list=" + value)

    assert answer.status == 200
    assert everything_in(site.engine) == before


def test_links_of_a_preview_say_so_and_do_nothing(site: Site, port: int) -> None:
    token = site.keys.token(Purpose.SAMPLE, 0)
    before = everything_in(site.engine)

    pages = [
        answer
        for path in (f"/u/{token}", f"/p/{token}")
        for answer in (ask(port, "GET", path), post(port, path))
    ]
    one_click = post(port, f"/u/{token}", "List-Unsubscribe=One-Click")

    assert {answer.status for answer in pages} == {200}
    assert all("This is a link from a preview" in answer.text for answer in pages)
    assert (one_click.status, one_click.headers["content-type"]) == (
        200,
        "text/plain; charset=utf-8",
    )
    assert everything_in(site.engine) == before


def test_the_front_page_names_the_organisation(port: int) -> None:
    answer = ask(port, "GET", "/")

    assert answer.status == 200
    assert "<h1><bdi>Prayer &amp; Hope</bdi></h1>" in answer.text
    assert "staff/issues" in answer.text


def test_every_page_of_a_practice_site_says_so(site: Site, port: int) -> None:
    person = add_person(site, "trying@example.org")
    paths = ("/", "/nowhere", link(site, person), preferences(site, person))

    pages = [ask(port, "GET", path).text for path in paths]
    pages.append(post(port, link(site, person)).text)

    assert all("Practice: nothing leaves this machine." in page for page in pages)


# --- forged and misspelt -------------------------------------------------------


@st.composite
def _mutations(draw: st.DrawFn) -> Callable[[str], str]:
    """Draw what replaces up to two letters at one place by up to two others."""
    place, gone = draw(st.integers(0, 22)), draw(st.integers(0, 2))
    new = draw(st.text(URL_LETTERS, max_size=2))
    return lambda token: token[:place] + new + token[place + gone :]


@settings(max_examples=50, deadline=None, database=None, derandomize=True)
@given(mutations=st.lists(_mutations(), min_size=20, max_size=20))
def test_no_forged_token_opens_anything(
    site: Site, port: int, mutations: list[Callable[[str], str]]
) -> None:
    real = site.keys.token(Purpose.UNSUBSCRIBE, 1)
    forged = {mutate(real) for mutate in mutations} - {real}

    answers = {token: post(port, f"/u/{token}", "List-Unsubscribe=One-Click") for token in forged}

    assert {answer.status for answer in answers.values()} <= {404}


def test_every_wrong_token_gets_the_same_page(site: Site, port: int) -> None:
    person = add_person(site, "neutral@example.org")
    before = everything_in(site.engine)
    wrong = [
        site.keys.token(Purpose.UNSUBSCRIBE, 10**12),  # ours, but nobody's
        site.keys.token(Purpose.DELIVERY, 1),
        site.keys.token(Purpose.PREFERENCES, 10**12),
        "x",
        "A" * 23,
        "A" * 5000,
        "%00" * 23,
        "%C3%A9" * 23,
    ]
    paths = [f"/{kind}/{token}" for kind in "up" for token in wrong]
    paths += [
        preferences(site, person).replace("/p/", "/u/"),
        link(site, person).replace("/u/", "/p/"),
        "/no-such-page",
    ]

    answers = [ask(port, "GET", path) for path in paths]
    posted = [post(port, path, "List-Unsubscribe=One-Click&all=1&list=1") for path in paths[:-1]]

    assert {answer.status for answer in answers + posted} == {404}
    assert len({answer.text for answer in answers + posted}) == 1
    assert everything_in(site.engine) == before


def test_a_page_has_one_address(site: Site, port: int) -> None:
    person = add_person(site, "variants@example.org")
    path = link(site, person)
    token = path.removeprefix("/u/")
    variants = [
        path + "/",
        path + "//",
        "/" + path,
        path.replace("/u/", "//u//"),
        "/U/" + token,
        "/u/./" + token,
        "/x/../u/" + token,
        "/u/" + token + "%2f",
        "/u/" + token + "%00",
        "/u/" + token + ".",
        "/%2e/u/" + token,
        "/u%2f" + token + "/..",
        "/u/" + token.swapcase(),
    ]

    answers = {variant: post(port, variant).status for variant in variants}

    assert set(answers.values()) == {404}, answers
    assert states(site, person) == [ACTIVE]
