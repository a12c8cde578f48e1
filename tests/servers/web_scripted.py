"""A web server on loopback that says what a test tells it to, byte by byte."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.servers.process import HOST

Answer = bytes | Callable[[Any], None]
"""What to write, or what to do with the connection."""


@dataclass
class WebServer:
    """Its answers by path, and what it was asked."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)  # the heads of requests
    secure: bool = False
    names: list[str | None] = field(default_factory=list)  # that clients asked to meet (SNI)

    def url(self, path: str = "/feed", host: str = HOST) -> str:
        return f"http{'s' if self.secure else ''}://{host}:{self.port}{path}"


def answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    """Return a whole answer; a header's name has _ for -."""
    lines = [f"HTTP/1.1 {status}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if "Content_Length" not in headers and "Transfer_Encoding" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@contextmanager
def web_server(context: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    """Run one in a thread of its own; each connection gets one answer."""
    listener = socket.create_server((HOST, 0))
    server = WebServer(listener.getsockname()[1], secure=context is not None)
    if context is not None:
        context.sni_callback = lambda _sock, name, _context: server.names.append(name)
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def serve() -> None:
        while not ended.is_set():
            with suppress(OSError):
                connection, _ = listener.accept()
                thread = threading.Thread(target=talk, args=(connection,), daemon=True)
                threads.append(thread)
                thread.start()

    def talk(plain: socket.socket) -> None:
        with suppress(OSError), plain:
            plain.settimeout(10)
            with context.wrap_socket(plain, server_side=True) if context else plain as connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    if not (piece := connection.recv(4096)):
                        return
                    head += piece
                server.asked.append(head.decode("latin-1"))
                path = head.split()[1].decode("latin-1")
                said = server.answers.get(path, answer("404 Not Found"))
                if callable(said):
                    said(connection)
                else:
                    connection.sendall(said)

    accepting = threading.Thread(target=serve, daemon=True)
    accepting.start()
    yield server
    ended.set()
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)  # wakes whoever accepts
    listener.close()
    for thread in (accepting, *threads):
        thread.join(10)
