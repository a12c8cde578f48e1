"""Bytes to a mail server and whole replies from it.  What it says is judged in `replies`."""

import re
import select
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from newsletter.providers.base import in_words

CONNECT_SECONDS = 10.0
MAX_LINE = 4096  # RFC 5321 allows 512; some servers explain themselves at length
MAX_LINES = 200

_DOT = b".\r\n"
_AT_ONCE = 65536  # bytes read; more than a TLS record, so that none stays behind unseen
_REPLY_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])([^\r\n]*))?\r?\n")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")


class Reply(NamedTuple):
    """What a server answered: one code, and the text of each line."""

    code: int  # 200 to 599
    lines: tuple[str, ...]

    @property
    def status(self) -> str:
        """The enhanced status code, "5.7.1" (RFC 3463), or an empty string."""
        found = _STATUS.match(self.lines[-1])
        return found.group() if found else ""

    @property
    def words(self) -> str:
        """All of it, as the server wrote it; may hold an address."""
        return "\n".join(f"{self.code} {line}" for line in self.lines)[:2000]


class Lost(Exception):
    """The connection broke, fell silent or spoke no SMTP; the text says which."""


class Wire:
    """Commands out, whole replies in.  A reply cut short is no reply."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._heard = b""
        self._ears = select.poll()
        self._ears.register(sock, select.POLLIN)

    def command(self, line: str, seconds: float) -> Reply:
        """Send one line and return the whole reply.

        Raises:
            Lost: no reply within `seconds`, a broken connection, or something unreadable.
        """
        self.write(line.encode() + b"\r\n", seconds)
        return self.read_reply(seconds)

    def write(self, data: bytes, seconds: float) -> None:
        """Send all of `data` within `seconds`.

        Raises:
            Lost: it could not be sent.
        """
        end = time.monotonic() + seconds
        rest = memoryview(data)
        while rest:
            rest = rest[self._send(rest, end) :]

    def write_message(self, pieces: Sequence[bytes], behind: bytes, seconds: float) -> bool:
        """Send a stuffed message, its final dot and the commands `behind` it in one write.

        Where the server is slow to take the message, the dot waits until all else has gone,
        and the answer is False if the server spoke meanwhile: then the dot has not left.

        Once a byte of the dot may have left this returns True, whatever breaks afterwards:
        reading the answer will show it.

        Raises:
            Lost: the connection broke, and no byte of the dot had left.
        """
        end = time.monotonic() + seconds
        rest = memoryview(b"".join((*pieces, _DOT, behind)))
        before_dot = len(rest) - len(_DOT) - len(behind)
        # What one call was asked to send and did not take has not left: with TLS, where it
        # takes a record at a time, half a record is nothing that a server could read.
        left = self._send(rest, end)
        if left < before_dot:
            while left < before_dot:
                left += self._send(rest[left:before_dot], end)
            if self.has_news():
                return False
        while left < len(rest):
            try:
                left += self._send(rest[left:], end)
            except Lost:
                if left > before_dot:
                    return True
                raise
        return True

    def read_reply(self, seconds: float) -> Reply:
        """Return the next reply, all its lines (RFC 5321, 4.2.1).

        Raises:
            Lost: as for `command`.
        """
        end = time.monotonic() + seconds  # of the whole reply: some servers drip
        code, more, text = self._reply_line(end)
        lines = [text]
        while more:
            same, more, text = self._reply_line(end)
            if same != code or len(lines) > MAX_LINES:
                raise Lost("its answer was no SMTP")
            lines.append(text)
        return Reply(int(code), tuple(lines))

    def has_news(self) -> bool:
        """Whether the server spoke unasked or left.  Does not wait."""
        if self._heard:
            return True
        if not self._ears.poll(0):
            return False
        # With TLS a readable socket may hold no more than a session ticket.
        self._sock.setblocking(False)
        try:
            self._heard += self._sock.recv(_AT_ONCE)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        return True

    def encrypt(self, context: ssl.SSLContext, host: str) -> None:
        """Go over to TLS.

        Raises:
            OSError: no agreement; ssl.SSLCertVerificationError where the certificate fails.
            Lost: something came in the clear after the go-ahead (CVE-2011-0411).
        """
        if self._heard:
            raise Lost("it spoke in the clear after agreeing to encrypt")
        self._sock.settimeout(CONNECT_SECONDS)
        self._sock = context.wrap_socket(self._sock, server_hostname=host)

    def cut(self) -> None:
        """Break the connection from another thread; its owner gets `Lost`."""
        with suppress(OSError):
            # Not SSLSocket.shutdown: that takes TLS off first, and what the owner writes in
            # that instant would go out in the clear.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Leave without a word."""
        self._sock.close()

    def _send(self, data: memoryview, end: float) -> int:
        """Send some of `data`; return how many bytes the system took."""
        self._wait_until(end)
        try:
            return self._sock.send(data)
        except OSError as error:
            raise Lost(in_words(error)) from None

    def _reply_line(self, end: float) -> tuple[bytes, bool, str]:
        """Return the code, whether more lines follow, and the text of the next line."""
        while not (found := _REPLY_LINE.match(self._heard)):
            if b"\n" in self._heard or len(self._heard) > MAX_LINE:
                raise Lost("its answer was no SMTP")
            self._hear(end)
        self._heard = self._heard[found.end() :]
        code, mark, text = found.groups(b"")
        return code, mark == b"-", text.decode(errors="replace")

    def _hear(self, end: float) -> None:
        self._wait_until(end)
        try:
            data = self._sock.recv(_AT_ONCE)
        except OSError as error:
            raise Lost(in_words(error)) from None
        if not data:
            raise Lost("the connection was closed")
        self._heard += data

    def _wait_until(self, end: float) -> None:
        seconds = end - time.monotonic()
        if seconds <= 0:
            raise Lost("no answer in time")
        self._sock.settimeout(seconds)
