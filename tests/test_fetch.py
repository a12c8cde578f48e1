"""What is fetched from the web, and what never is: real servers on loopback."""

import gzip
import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from newsletter.fetch import Address, Fetched, Fetcher, NotFetched, Validators, is_public, resolve
from tests.servers.process import HOST, certificate, trusting
from tests.servers.web_scripted import WebServer, answer, web_server

FEED = b"<rss version='2.0'><channel><title>T</title></channel></rss>"
PACKED = gzip.compress(FEED, mtime=0)
NOTHING = Validators()


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as running:
        yield running


def only_here(address: Address) -> bool:
    """Allow the test's own server, and nothing else that is private."""
    return str(address) == HOST


def fetcher(**options: Any) -> Fetcher:
    return Fetcher(**{"may_connect": only_here, "patience": 20.0, **options})


def why_not(url: str, **options: Any) -> NotFetched:
    with pytest.raises(NotFetched) as refused:
        fetcher(**options).get(url)
    return refused.value


# --- what is there ------------------------------------------------------------------------


def test_a_body_comes_with_its_validators(server: WebServer) -> None:
    server.answers["/feed?a=%C3%A9"] = answer("200 OK", FEED, ETag='"1"', Last_Modified="Mon")

    fetched = fetcher().get(server.url("/feed?a=é"))

    assert fetched == Fetched(FEED, Validators('"1"', "Mon"))
    (head,) = server.asked
    assert f"Host: {HOST}:{server.port}\r\n" in head
    assert "User-Agent: prayer-newsletter\r\n" in head
    assert "Accept-Encoding: gzip\r\n" in head
    for header in ("Cookie", "Authorization", "Referer", "If-"):
        assert header not in head


def test_what_is_known_is_not_fetched_again(server: WebServer) -> None:
    server.answers["/feed"] = answer("304 Not Modified")
    known = Validators('"1"', "Mon, 23 Nov 2026 12:00:00 GMT")

    assert fetcher().get(server.url(), known) == Fetched(None, known)
    assert 'If-None-Match: "1"\r\n' in server.asked[0]
    assert "If-Modified-Since: Mon, 23 Nov 2026 12:00:00 GMT\r\n" in server.asked[0]
    assert "304" in str(why_not(server.url()))  # nothing was known


def test_a_validator_that_could_do_harm_is_not_kept(server: WebServer) -> None:
    server.answers["/feed"] = answer("200 OK", FEED, ETag="x" * 600, Last_Modified="\xe9")

    assert fetcher().get(server.url()).validators == NOTHING


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({"Content_Encoding": "gzip"}, PACKED),
        ({"Transfer_Encoding": "chunked"}, b"%x\r\n%s\r\n0\r\n\r\n" % (len(FEED), FEED)),
        ({"Content_Length": str(len(FEED)), "Set_Cookie": "a=b"}, FEED),
    ],
)
def test_bodies_are_read_however_they_are_packed(
    server: WebServer, headers: dict[str, str], sent: bytes
) -> None:
    server.answers["/feed"] = answer("200 OK", sent, **headers)

    assert fetcher().get(server.url()).body == FEED


def test_a_redirect_is_followed_relative_or_whole(server: WebServer) -> None:
    server.answers["/feed"] = answer("301 Moved", Location="/näxt".encode().decode("latin-1"))
    server.answers["/n%C3%A4xt"] = answer("307 Moved", Location=server.url("/there", "other.test"))
    server.answers["/there"] = answer("200 OK", FEED)

    fetched = fetcher(resolve=lambda *_: [HOST]).get(server.url())

    assert fetched.body == FEED
    assert "Host: other.test:" in server.asked[2]


# --- where nothing is fetched -------------------------------------------------------------


OURS = """
127.0.0.1 127.9.9.9 0.0.0.0 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1
224.0.0.1 224.0.1.1 239.255.255.250 240.0.0.1 255.255.255.255 192.0.2.1 198.18.0.1
:: ::1 fe80::1 fe80::1%1 fc00::1 fd12::1 fec0::1 ff02::1 ff0e::1 2001:db8::1 2001::1
::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1
64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1 2002:7f00:1:: 2002:a00:1::1
"""


@pytest.mark.parametrize("address", OURS.split())
def test_no_address_of_ours_is_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_world_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:7f00:1]"]
)
def test_this_machine_is_never_asked_however_it_is_written(server: WebServer, host: str) -> None:
    problem = why_not(server.url(host=host), may_connect=is_public)

    assert problem.lasting or "cannot be found" in str(problem)
    assert server.asked == []


def test_the_address_that_was_looked_at_is_the_one_connected_to(server: WebServer) -> None:
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return [HOST] if len(asked) == 1 else ["10.0.0.1"]

    server.answers["/feed"] = answer("200 OK", FEED)

    assert fetcher(resolve=rebinding).get(server.url(host="feeds.test")).body == FEED
    assert asked == ["feeds.test"]  # once for each answer: no second look can say otherwise
    assert "own network" in str(why_not(server.url(host="feeds.test"), resolve=rebinding))


def test_of_several_addresses_only_public_ones_are_tried(server: WebServer) -> None:
    server.answers["/feed"] = answer("200 OK", FEED)

    def several(_host: str, _port: int) -> list[str]:
        return ["10.0.0.1", "::1", HOST, HOST]

    assert fetcher(resolve=several).get(server.url(host="feeds.test")).body == FEED


def test_where_the_first_address_is_down_the_next_is_tried(server: WebServer) -> None:
    server.answers["/feed"] = answer("200 OK", FEED)

    def several(_host: str, _port: int) -> list[str]:
        return ["127.0.0.2", HOST]  # nobody listens there

    found = fetcher(may_connect=lambda _: True, resolve=several).get(server.url(host="feeds.test"))
    assert found.body == FEED


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://127.0.0.2/", "own network"),
        ("http://10.0.0.1/", "own network"),
        ("http://[::1]/", "own network"),
        ("http://169.254.169.254/latest/", "own network"),
        ("file:///etc/passwd", "neither https nor http"),
        ("ftp://example.org/", "neither https nor http"),
        ("gopher://127.0.0.1:25/", "neither https nor http"),
        ("//name:secret@127.0.0.1/", "password"),
        ("", "does not say where"),
        ("/feed", "more than 3 times"),
    ],
)
def test_a_redirect_leads_nowhere_else(server: WebServer, location: str, words: str) -> None:
    server.answers["/feed"] = answer("302 Found", Location=location)

    problem = why_not(server.url())

    assert words in str(problem)
    assert problem.lasting
    assert "secret" not in str(problem)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "https:///feed", "http://a:b@127.0.0.1/"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    assert why_not(url).lasting


def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    def unknown(_host: str, _port: int) -> list[str]:
        raise socket.gaierror

    problem = why_not("http://feeds.test/", resolve=unknown)
    assert "cannot be found" in str(problem)
    assert not problem.lasting
    assert "cannot be found" in str(why_not("http://" + "x" * 70 + ".é/", resolve=resolve))


# --- limits -------------------------------------------------------------------------------


def test_a_body_may_not_be_large_whether_it_says_so_or_not(server: WebServer) -> None:
    def endless(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with suppress(OSError):
            while True:
                connection.sendall(b"x" * 4096)

    server.answers["/endless"] = endless
    server.answers["/large"] = answer("200 OK", b"x" * 5000)
    server.answers["/fits"] = answer("200 OK", b"x" * 4000)

    for path in ("/endless", "/large"):
        assert "more than 0.004 MB" in str(why_not(server.url(path), largest_bytes=4000))
    assert len(fetcher(largest_bytes=4000).get(server.url("/fits")).body or b"") == 4000


def test_a_bomb_is_not_unpacked(server: WebServer) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    server.answers["/feed"] = answer("200 OK", bomb, Content_Encoding="gzip")

    assert "more than 1 MB" in str(why_not(server.url(), largest_bytes=1_000_000))


def drip(start: bytes, drop: bytes) -> Any:
    def slowly(connection: Any) -> None:
        connection.sendall(start)
        with suppress(OSError):
            while True:
                connection.sendall(drop)
                time.sleep(0.02)

    return slowly


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_a_drip_ends_with_the_time_for_all_of_it(
    server: WebServer, start: bytes, drop: bytes
) -> None:
    server.answers["/feed"] = drip(start, drop)

    problem = why_not(server.url(), patience=0.3)

    assert not problem.lasting


def test_one_time_is_for_all_redirects_together(server: WebServer) -> None:
    def late(connection: Any) -> None:
        time.sleep(0.2)
        connection.sendall(answer("302 Found", Location="/feed"))

    server.answers["/feed"] = late

    assert "did not answer within" in str(why_not(server.url(), patience=0.5))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", "broke off"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500 + b"\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", "broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "broke off"),
        (answer("200 OK", b"no gzip", Content_Encoding="gzip"), "not HTTP"),
        (answer("200 OK", PACKED[:30], Content_Encoding="gzip"), "broke off"),
        (answer("200 OK", zlib.compress(FEED), Content_Encoding="br"), "packing"),
        (answer("200 OK", b"<html>", Content_Type="text/html; charset=utf-8"), "no feed"),
        (answer("200 OK", b"\x89PNG", Content_Type="image/png"), "no feed"),
    ],
)
def test_what_is_no_good_answer_is_a_clause(server: WebServer, said: bytes, words: str) -> None:
    server.answers["/feed"] = said

    assert words in str(why_not(server.url()))


@pytest.mark.parametrize(
    ("status", "lasting"),
    [(401, True), (403, True), (404, True), (410, True), (429, False), (500, False), (503, False)],
)
def test_a_status_says_whether_to_wait(server: WebServer, status: int, lasting: bool) -> None:
    server.answers["/feed"] = answer(f"{status} No", b"secret words", Retry_After="120")

    problem = why_not(server.url())

    assert (problem.lasting, problem.retry_after) == (lasting, "120")
    assert str(problem) == f"answers with the status {status}"


# --- encryption ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WebServer, Path]]:
    made = certificate(tmp_path_factory.mktemp("tls"), "feeds.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.chain)
    with web_server(context) as server:
        server.answers["/feed"] = answer("200 OK", FEED)
        server.answers["/plain"] = answer("302 Found", Location="http://feeds.test/feed")
        yield server, made.authorities


def test_the_certificate_is_that_of_the_name_whatever_address_was_taken(
    secure: tuple[WebServer, Path],
) -> None:
    server, authorities = secure

    with trusting(authorities):
        fetched = fetcher(resolve=lambda *_: [HOST]).get(server.url(host="feeds.test"))
        problem = why_not(server.url(host="other.test"), resolve=lambda *_: [HOST])

    assert fetched.body == FEED
    assert server.names[:2] == ["feeds.test", "other.test"]
    assert str(problem) == "has no valid certificate"
    assert why_not(server.url(host="feeds.test"), resolve=lambda *_: [HOST]).lasting


def test_what_began_encrypted_stays_so(secure: tuple[WebServer, Path]) -> None:
    server, authorities = secure

    with trusting(authorities):
        problem = why_not(server.url("/plain", "feeds.test"), resolve=lambda *_: [HOST])

    assert "without encryption" in str(problem)


def test_a_server_that_does_not_encrypt_is_not_trusted(server: WebServer) -> None:
    server.answers["/feed"] = answer("200 OK", FEED)

    problem = why_not(server.url().replace("http:", "https:"), patience=0.3)

    assert not problem.lasting
