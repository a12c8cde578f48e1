"""SendGrid's own client, on connections that we watch.

Every call has deadlines, none is tried twice, no redirect is followed, and neither the key
nor anybody's address gets into a log.
"""

import http.client
import logging
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from sendgrid import SendGridAPIClient

from newsletter.errors import Problem
from newsletter.providers.base import (
    NOT_REACHED,
    TOO_LATE,
    Answer,
    Outcome,
    boot_clock,
    in_words,
    is_loopback,
)
from newsletter.tables import Reason

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0  # less patience would make unknowns of answers that are on their way
LONGEST_WAIT = timedelta(minutes=5)


@dataclass(frozen=True)
class Said:
    """An answer, whatever its status."""

    status: int
    headers: Message
    body: bytes

    def __str__(self) -> str:
        return f"{self.status} {self.body[:2000].decode(errors='replace')}".rstrip()

    def wait(self) -> timedelta | None:
        """Return how long SendGrid asks us to wait, at most five minutes; None if it does not say.

        Points in time are taken by SendGrid's own clock, so that ours need not be right.
        """
        now = _instant(self.headers.get("Date")) or time.time()
        asked = self.headers.get("Retry-After", "").strip()
        seconds = float(asked) if asked.isdecimal() else None
        until = _instant(asked) or _number(self.headers, "X-RateLimit-Reset")
        if seconds is None and until:
            seconds = until - now
        if seconds is None:
            return None
        return min(max(timedelta(seconds=min(seconds, 1e6)), timedelta()), LONGEST_WAIT)


class NothingLeft(Exception):
    """It is certain that no byte of the request left; `outcome` says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.sentence)
        self.outcome = outcome


def check(base_url: str, key: str) -> None:
    """Refuse what cannot work, or would give the key away.

    Raises:
        Problem: there is no key, it is no key, or it would cross a network in the clear.
    """
    address = urlsplit(base_url)
    if not address.hostname or re.fullmatch(r"[!-~]+", base_url) is None:
        raise Problem(
            "The address of SendGrid cannot be read: correct base_url under [provider.sendgrid]."
        )
    if address.scheme != "https" and not is_loopback(address.hostname):
        raise Problem(
            "The SendGrid key would cross the network in the clear: let base_url under "
            "[provider.sendgrid] begin with https://."
        )
    if not key:
        raise Problem("There is no SendGrid key: put it into SENDGRID_API_KEY.")
    if re.fullmatch(r"[!-~]+", key) is None:
        raise Problem(
            "SENDGRID_API_KEY holds a space or a letter that no key has: copy the key again."
        )


def tls_context(base_url: str) -> ssl.SSLContext:
    """Return what encrypts, for all lines to share; where nothing is encrypted, it trusts nobody.

    Reading the authorities takes 20 ms.  Without a context, urllib reads them for each line.
    """
    if urlsplit(base_url).scheme == "https":
        return ssl.create_default_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Line:
    """One thread's client.  Each call opens a connection of its own: the SDK keeps none.

    It stands between connecting and the first byte.  There the last look at the clock
    belongs, and there a failure still is no unknown.
    """

    def __init__(self, base_url: str, key: str, context: ssl.SSLContext) -> None:
        # At DEBUG the SDK's logger prints the key and every recipient.
        sdk_logger = logging.getLogger("python_http_client")
        sdk_logger.setLevel(max(sdk_logger.level, logging.INFO))
        # A client each: the SDK's clients share one dictionary of headers between calls.
        self._client = SendGridAPIClient(key, host=base_url).client
        self._client.timeout = ANSWER_SECONDS
        self._sock: socket.socket | None = None
        self.closed = False
        # A proxy may carry what is encrypted; what is not stays on this machine.
        proxies = {k: v for k, v in urllib.request.getproxies().items() if k == "https"}
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(proxies), _Stay, _Door(self._watched, context)
        )
        self._start_by = 0.0
        self._patience = ANSWER_SECONDS

    @property
    def host(self) -> str:
        """The base URL that every call goes to."""
        return str(self._client.host)

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        query: Mapping[str, object] | None = None,
        *,
        start_by: float,
        patience: float = ANSWER_SECONDS,
    ) -> Said:
        """Make one call and return its answer; `path` is what comes after /v3/.

        `start_by` is on `boot_clock`, `patience` in seconds from the first byte.

        Raises:
            NothingLeft: no byte of the request left.
            OSError, http.client.HTTPException: no whole answer came.
        """
        endpoint = self._client
        for part in path.split("/"):
            endpoint = endpoint._(part)
        # The SDK keeps the call itself apart, in this method, so that it can be replaced.
        endpoint._make_request = partial(self._open, body=body, start_by=start_by)
        try:
            response = getattr(endpoint, method)(query_params=query, timeout=patience)
        except urllib.error.HTTPError as error:
            return Said(error.code, error.headers, _read(error))
        return Said(response.status_code, response.headers, response.body)

    def cut(self) -> None:
        """End what is under way, from any thread, and begin nothing any more."""
        self.closed = True
        if sock := self._sock:
            with suppress(OSError):
                # Not SSLSocket.shutdown: it takes TLS off under the thread that writes.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _open(
        self,
        _opener: object,
        request: urllib.request.Request,
        timeout: float,
        body: bytes | None,
        start_by: float,
    ) -> Any:
        """Do what the SDK's client would do, with our connections; follow no redirect."""
        if body is not None:
            # Written by us, many times as fast as the SDK's own way through dictionaries.
            request.data = body
            request.add_header("Content-Type", "application/json")
        self._start_by, self._patience = start_by, timeout
        try:
            return self._opener.open(request, timeout=timeout)
        finally:
            self._sock = None

    def _watched(
        self, kind: type["_Connection"], host: str, timeout: float, **rest: Any
    ) -> "_Connection":
        connection = kind(host, timeout=CONNECT_SECONDS, **rest)
        connection.reached = self._reached
        return connection

    def _reached(self, sock: socket.socket) -> None:
        self._sock = sock
        if self.closed:
            raise NothingLeft(NOT_REACHED)
        if boot_clock() > self._start_by:
            raise NothingLeft(TOO_LATE)
        sock.settimeout(self._patience)


class _Connection(http.client.HTTPConnection):
    reached: Callable[[socket.socket], None]

    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, UnicodeError) as error:
            raise NothingLeft(_unreachable(error)) from None
        self.reached(self.sock)


class _TlsConnection(_Connection, http.client.HTTPSConnection):
    pass


class _Door(urllib.request.HTTPSHandler, urllib.request.HTTPHandler):
    """urllib's way in, to connections that are watched."""

    def __init__(self, watched: Callable[..., _Connection], context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._watched = watched
        self._tls = context

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(self._watched, _Connection), req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(self._watched, _TlsConnection), req, context=self._tls)


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody: urllib would take the key along."""

    def redirect_request(self, *_: object) -> None:
        return None


def _unreachable(error: Exception) -> Outcome:
    if isinstance(error, ssl.SSLCertVerificationError):
        sentence = (
            f"SendGrid's server shows a certificate that does not hold ({error.verify_message}): "
            "check base_url under [provider.sendgrid], and this machine's clock."
        )
        return Outcome(0, Answer.SENDER_FAULT, Reason.TRY_LATER, sentence)
    sentence = (
        f"SendGrid cannot be reached ({in_words(error)}): check this machine's network, and "
        "base_url under [provider.sendgrid]."
    )
    return Outcome(0, Answer.TRY_LATER, Reason.TRY_LATER, sentence)


def clock_of(said: Said) -> float | None:
    """Return the moment of an answer by SendGrid's clock, in seconds since 1970."""
    return _instant(said.headers.get("Date"))


def _read(error: urllib.error.HTTPError) -> bytes:
    """Return the body of a refusal, as much of it as came: the status alone decides."""
    with error, suppress(OSError, http.client.HTTPException):
        return error.read(65536)
    return b""


def _instant(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except ValueError:
        return None


def _number(headers: Message, name: str) -> float | None:
    text = headers.get(name, "").strip()
    return float(text) if text.isdecimal() else None
