"""The public pages, asked over loopback as browsers, mail providers and scanners ask."""

import asyncio
import base64
import hashlib
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from sqlalchemy import Engine, event, text
from starlette.types import Message, Receive, Scope, Send

from newsletter.errors import Problem
from newsletter.site import Site
from newsletter.web.app import RunningServer, serve
from newsletter.web.pages import open_web
from newsletter.web.shield import MAX_BODY_BYTES, Shield
from subscribers.database import Base, open_engine, reading
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
    site_on,
    states,
)

ACTIVE, LEFT = SubscriptionState.ACTIVE, SubscriptionState.UNSUBSCRIBED
URL_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    engine = open_engine(f"sqlite:///{folder / 'newsletter.db'}")
    Base.metadata.create_all(engine)
    yield site_on(engine, folder)
    engine.dispose()


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[RunningServer]:
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        yield running


@pytest.fixture(scope="module")
def port(server: RunningServer) -> int:
    return server.port


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
    assert '<bdi lang="ar">العربية</bdi>' in page
    assert "America/New York" in page
    assert "<bdi>نشرة الصلاة</bdi>" in page
    assert page.count("<button") == 3


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


# --- forged, misspelt, oversized -------------------------------------------------------


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


@pytest.mark.parametrize("size", [MAX_BODY_BYTES, MAX_BODY_BYTES + 1, 10 * MAX_BODY_BYTES])
@pytest.mark.parametrize("announced", [True, False], ids=["content-length", "chunked"])
def test_a_body_over_the_limit_is_refused_unread(
    site: Site, port: int, size: int, announced: bool
) -> None:
    person = add_person(site, f"size-{size}-{announced}@example.org")
    head = f"POST {link(site, person)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    body = b"a" * size
    if announced:
        request = head.encode() + b"Content-Length: %d\r\n\r\n" % size + body
    else:
        request = head.encode() + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (
            size,
            body,
        )

    status = _status_of(port, request)

    fits = size <= MAX_BODY_BYTES
    assert status == (200 if fits else 413)
    assert states(site, person) == [LEFT if fits else ACTIVE]


def test_an_absurd_length_is_refused(port: int) -> None:
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999999\r\n\r\n"

    assert _status_of(port, request) == 413


def test_half_a_form_is_not_acted_on(site: Site, port: int) -> None:
    person = add_person(site, "half@example.org", ["One", "Two"])
    head = f"POST {preferences(site, person)} HTTP/1.1\r\nHost: localhost\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"{head}Content-Type: {FORM}\r\nContent-Length: 9\r\n\r\nall=1".encode())

    later = ask(port, "GET", "/")  # the server has seen the other one go

    assert later.status == 200
    assert states(site, person) == [ACTIVE, ACTIVE]


def test_a_page_behind_the_shield_still_learns_that_its_reader_went(site: Site) -> None:
    coming: list[Message] = [{"type": "http.request"}, {"type": "http.disconnect"}]
    seen: list[Message] = []

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        seen.extend([await receive(), await receive()])

    async def receive() -> Message:
        return coming.pop(0)

    async def send(_message: Message) -> None: ...

    shield = Shield(app, open_web(site, lambda: NOON))
    asyncio.run(shield({"type": "http", "headers": []}, receive, send))

    assert [message["type"] for message in seen] == ["http.request", "http.disconnect"]


def _status_of(port: int, request: bytes) -> int:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        sender = threading.Thread(target=_send_quietly, args=(connection, request))
        sender.start()
        status = int(connection.recv(4096).split()[1])
        sender.join()
    return status


def _send_quietly(connection: socket.socket, request: bytes) -> None:
    try:
        connection.sendall(request)
    except OSError:
        return  # refused before all of it was sent: as it should be


# --- headers, markup, logs -------------------------------------------------------------


def test_every_answer_carries_the_same_protection(site: Site, port: int) -> None:
    person = add_person(site, "headers@example.org")
    answers = [
        ask(port, "GET", "/"),
        ask(port, "GET", link(site, person)),
        ask(port, "HEAD", preferences(site, person)),
        post(port, link(site, person), "List-Unsubscribe=One-Click"),
        ask(port, "GET", "/u/wrong"),
        ask(port, "OPTIONS", link(site, person)),
        ask(port, "POST", "/", "x" * (MAX_BODY_BYTES + 1)),
        ask(port, "GET", "/healthz"),
        ask(port, "GET", "/staff/issues", headers={"Host": "elsewhere.example"}),
    ]

    for answer in answers:
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-robots-tag"] == "noindex"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy
        assert not {"set-cookie", "server", "location"} & set(answer.headers)


def test_pages_load_nothing_and_run_nothing(site: Site, port: int) -> None:
    person = add_person(site, "assets@example.org")

    for path in ("/", link(site, person), preferences(site, person), "/u/wrong"):
        page = ask(port, "GET", path).text

        assert not re.search(r"<(script|img|link|iframe)|\s(src|style|on\w+)=", page), path
        assert page.count("<h1") == 1
        assert '<html lang="en" dir="ltr">' in page
        assert "http" not in page


def test_the_policy_lets_in_exactly_our_style(port: int) -> None:
    answer = ask(port, "GET", "/")
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert f"style-src 'sha256-{digest}';" in answer.headers["content-security-policy"]


def test_headers_of_the_request_change_nothing_in_the_page(site: Site, port: int) -> None:
    person = add_person(site, "poison@example.org")
    plain = ask(port, "GET", link(site, person)).text
    poison = "evil.example"

    for name in ("Host", "X-Forwarded-Host", "Forwarded", "X-Original-URL", "X-Rewrite-URL", "Via"):
        poisoned = ask(port, "GET", link(site, person), headers={name: poison})

        assert poisoned.text == plain


def test_a_site_may_override_a_page(site: Site, tmp_path: Path) -> None:
    own = tmp_path / "templates" / "public"
    own.mkdir(parents=True)
    (own / "error.html.j2").write_text("our own words: {{ sentence }}", encoding="utf-8")
    overriding = Site(tmp_path, site.settings, site.secrets, site.keys, site.engine)

    with serve(overriding, lambda: NOON, "127.0.0.1", 0) as running:
        answer = ask(running.port, "GET", "/nowhere")

    assert answer.text.startswith("our own words: Perhaps the link was cut")


def test_neither_tokens_nor_addresses_are_logged(
    site: Site, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    person = add_person(site, "secretly@example.org")
    path = link(site, person)
    caplog.set_level(logging.DEBUG)

    def fail(*_arguments: object) -> None:
        raise RuntimeError(f"{path} secretly@example.org")

    event.listen(site.engine, "begin", fail)
    try:
        broken = ask(port, "GET", path)
    finally:
        event.remove(site.engine, "begin", fail)
    mended = post(port, path, "List-Unsubscribe=One-Click")

    assert (broken.status, mended.status) == (500, 200)
    assert "Something went wrong here" in broken.text
    assert "page failed: RuntimeError in fail" in caplog.text
    assert "secretly" not in caplog.text + broken.text
    assert path not in caplog.text


def test_the_frameworks_telemetry_is_off(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    class Listening(trace.NoOpTracerProvider):
        def get_tracer(self, *arguments: Any, **options: Any) -> trace.Tracer:
            told.append("asked for a tracer")
            return super().get_tracer(*arguments, **options)

    monkeypatch.setattr(trace, "get_tracer_provider", Listening)
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        ask(running.port, "GET", "/")

    assert told == []
    assert caplog.text == ""


# --- health, start and stop ------------------------------------------------------------


def test_health_tells_nothing_but_the_status(fresh: tuple[Site, int]) -> None:
    _, port = fresh

    assert (ask(port, "GET", "/healthz").status, ask(port, "GET", "/healthz").text) == (200, "ok\n")
    assert (ask(port, "GET", "/readyz").status, ask(port, "GET", "/readyz").text) == (200, "ok\n")


def test_an_unreachable_database_is_503_everywhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = _site_in(tmp_path)
    person = add_person(site, "anna@example.org")
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        (tmp_path / "newsletter.db").rename(tmp_path / "away.db")
        site.engine.dispose()
        (tmp_path / "newsletter.db").mkdir()
        health = ask(running.port, "GET", "/healthz")
        ready = ask(running.port, "GET", "/readyz")
        one_click = post(running.port, link(site, person), "List-Unsubscribe=One-Click")
    site.engine.dispose()

    assert (health.status, health.text) == (503, "unavailable\n")
    assert ready.status == 503
    assert one_click.status == 503  # and mail providers try again
    assert one_click.headers["retry-after"] == "60"
    assert "nothing was changed" in one_click.text
    assert str(tmp_path) not in one_click.text + caplog.text


def test_another_sites_database_is_not_ready(tmp_path: Path) -> None:
    site = _site_in(tmp_path)
    with site.engine.begin() as connection:
        connection.execute(text("UPDATE site_mark SET key_fingerprint = x'00'"))
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        ready = ask(running.port, "GET", "/readyz")
    site.engine.dispose()

    assert (ready.status, ready.text) == (503, "unavailable\n")


def test_a_taken_port_is_a_problem_in_words(site: Site, port: int) -> None:
    with pytest.raises(Problem, match=rf"cannot listen on 127\.0\.0\.1 port {port} .*--port"):
        serve(site, lambda: NOON, "127.0.0.1", port)


def test_an_unknown_host_is_a_problem_in_words(site: Site) -> None:
    with pytest.raises(Problem, match="cannot listen on no such host"):
        serve(site, lambda: NOON, "no such host", 0)


def test_stopping_takes_two_seconds_at_most_even_with_open_connections(site: Site) -> None:
    running = serve(site, lambda: NOON, "127.0.0.1", 0)
    idle = socket.create_connection(("127.0.0.1", running.port))
    half = socket.create_connection(("127.0.0.1", running.port))
    half.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf")
    ask(running.port, "GET", "/")
    began = time.monotonic()

    running.stop()
    running.stop()
    running.wait()

    assert time.monotonic() - began < 2.5
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", running.port))
    idle.close()
    half.close()


def _site_in(folder: Path) -> Site:
    engine = open_engine(f"sqlite:///{folder / 'newsletter.db'}")
    Base.metadata.create_all(engine)
    return site_on(engine, folder)
