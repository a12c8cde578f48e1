"""The server around the pages: limits, headers, logs, health, start and stop."""

import asyncio
import base64
import hashlib
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from sqlalchemy import Engine, event, text
from starlette.types import Message, Receive, Scope, Send

from newsletter.errors import Problem
from newsletter.site import Site
from newsletter.web.app import serve
from newsletter.web.pages import open_web
from newsletter.web.shield import MAX_BODY_BYTES, Shield
from subscribers.tables import SubscriptionState
from tests.conftest import NOON
from tests.pages import (
    FORM,
    add_person,
    ask,
    link,
    post,
    preferences,
    site_in,
    site_on,
    states,
)

ACTIVE, LEFT = SubscriptionState.ACTIVE, SubscriptionState.UNSUBSCRIBED


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


# --- what comes in ---------------------------------------------------------------------


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
    site = site_in(tmp_path)
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
    site = site_in(tmp_path)
    with site.engine.begin() as connection:
        connection.execute(text("UPDATE site_mark SET key_fingerprint = x'00'"))
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        ready = ask(running.port, "GET", "/readyz")
    site.engine.dispose()

    assert (ready.status, ready.text) == (503, "unavailable\n")


def test_a_taken_port_is_a_problem_in_words(site: Site, port: int) -> None:
    said = rf"cannot listen on 127\.0\.0\.1 port {port} \(Address already in use\): choose another"
    with pytest.raises(Problem, match=said):
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
