"""The sign of life: one GET, and nothing that a failure could harm."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from newsletter.heartbeat import beat


class Watcher(HTTPServer):
    """Somebody who notices silence; answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Desk)
        self.status = 200
        self.paths: list[str] = []

    def url(self, path: str = "/ping") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class Desk(BaseHTTPRequestHandler):
    server: Watcher

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", self.server.url("/elsewhere"))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: the paths tell."""


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    with Watcher() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "well"), [(200, True), (204, True), (302, False), (500, False)])
def test_one_call_tells_whether_it_was_heard(watcher: Watcher, status: int, well: bool) -> None:
    watcher.status = status

    assert beat(watcher.url()) is well
    assert watcher.paths == ["/ping"]


def test_nobody_there_is_no_error(watcher: Watcher) -> None:
    url = watcher.url()
    watcher.server_close()

    assert beat(url) is False
