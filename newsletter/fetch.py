"""One GET of a public web address, by a program that nobody watches.

Only http and https.  The address that is connected to is the one that was looked at: none on
this machine or in its networks, whatever a name resolves to or a redirect says.  Limits on
bytes, as they come and unpacked, and on the time for all of it.  No cookies, no proxies, no
passwords.
"""

import http.client
import io
import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from newsletter.errors import Problem

LARGEST_BYTES = 5_000_000  # of a body, as it comes and unpacked
PATIENCE = 30.0  # seconds, for name, connections, redirects and body together
MOST_REDIRECTS = 3
MOST_ADDRESSES = 3  # of one host that are tried
_CONNECT = 10.0  # seconds
_PIECE = 65_536  # bytes
_LONGEST_VALIDATOR = 500

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]

_HEADERS = {
    "User-Agent": "prayer-newsletter",
    "Accept": "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.5",
    "Accept-Encoding": "gzip",
    "Connection": "close",
}
_REDIRECTS = {301, 302, 303, 307, 308}
_PATIENT = {408, 425, 429}  # and all from 500 on: it may be well again later
_NO_FEED = ("text/html", "image/", "audio/", "video/", "application/pdf", "application/zip")


class NotFetched(Problem):
    """There is nothing to be had: a clause without address or content, "answers with ...".

    `lasting`: it stays so until a person does something.  `retry_after` is as the server wrote it.
    """

    def __init__(self, clause: str, *, lasting: bool = False, retry_after: str = "") -> None:
        super().__init__(clause)
        self.lasting = lasting
        self.retry_after = retry_after


@dataclass(frozen=True)
class Validators:
    """What a server told of a version, to be asked whether there is a newer one."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True)
class Fetched:
    """An answer; `body` is None where nothing is newer than what was known."""

    body: bytes | None
    validators: Validators


def is_public(address: Address) -> bool:
    """Whether an address belongs to the world, and to no machine or network of ours."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        if inside is None and address in _NAT64:
            inside = ipaddress.IPv4Address(address.packed[-4:])
        if inside is not None:
            return is_public(inside)
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as numbers."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Fetcher:
    """Fetches.  Only tests give it anything else than its limits."""

    def __init__(
        self,
        *,
        may_connect: Callable[[Address], bool] = is_public,
        resolve: Resolve = resolve,
        largest_bytes: int = LARGEST_BYTES,
        patience: float = PATIENCE,
    ) -> None:
        self._may_connect = may_connect
        self._resolve = resolve
        self._largest = largest_bytes
        self._patience = patience

    def get(self, url: str, known: Validators = Validators()) -> Fetched:
        """Return what is at `url`, unless it is what is known already.

        Raises:
            NotFetched: there is nothing to be had; says why.
        """
        deadline = _Deadline(self._patience)
        try:
            for _ in range(MOST_REDIRECTS + 1):
                with self._answer(url, known, deadline) as answer:
                    if answer.status not in _REDIRECTS:
                        return self._fetched(answer, known)
                    url = _next(url, answer.headers.get("Location", ""))
        except TimeoutError:
            raise NotFetched(f"did not answer within {self._patience:.0f} seconds") from None
        except ssl.SSLCertVerificationError:
            raise NotFetched("has no valid certificate", lasting=True) from None
        except (OSError, http.client.IncompleteRead):
            raise NotFetched("cannot be reached, or broke off") from None
        except (http.client.HTTPException, zlib.error, ValueError):
            raise NotFetched("answers with something that is not HTTP") from None
        raise NotFetched(f"leads on more than {MOST_REDIRECTS} times", lasting=True)

    @contextmanager
    def _answer(
        self, url: str, known: Validators, deadline: "_Deadline"
    ) -> Iterator[http.client.HTTPResponse]:
        parts = _checked(url)
        host = _ascii(str(parts.hostname))
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        with self._connected(host, port, deadline) as plain:
            # Made anew: it reads the certificates that this machine trusts.
            context = ssl.create_default_context() if secure else None
            sock = context.wrap_socket(plain, server_hostname=host) if context else plain
            with sock:
                connection = _Connection(host, port, 443 if secure else 80)
                connection.sock = cast(socket.socket, _Timed(sock, deadline))
                target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                headers = _HEADERS | _conditions(known)
                connection.request("GET", quote(target, safe=_SAFE), headers=headers)
                yield connection.getresponse()

    @contextmanager
    def _connected(self, host: str, port: int, deadline: "_Deadline") -> Iterator[socket.socket]:
        try:
            found = list(dict.fromkeys(self._resolve(host, port)))
        except (OSError, UnicodeError):
            raise NotFetched("has a name that cannot be found") from None
        allowed = [each for each in found if self._may_connect(ipaddress.ip_address(each))]
        if not allowed:
            raise NotFetched(
                "leads to this machine or its own network, where nothing is fetched", lasting=True
            )
        with _first(allowed[:MOST_ADDRESSES], port, deadline) as sock:
            yield sock

    def _fetched(self, answer: http.client.HTTPResponse, known: Validators) -> Fetched:
        if answer.status == http.HTTPStatus.NOT_MODIFIED and known != Validators():
            return Fetched(None, known)
        if answer.status != http.HTTPStatus.OK:
            raise NotFetched(
                f"answers with the status {answer.status}",
                lasting=answer.status < 500 and answer.status not in _PATIENT,
                retry_after=answer.headers.get("Retry-After", ""),
            )
        if answer.headers.get_content_type().startswith(_NO_FEED):
            raise NotFetched("answers with a page or a file that is no feed", lasting=True)
        body = self._body(answer)
        validators = Validators(
            _kept(answer.headers.get("ETag", "")), _kept(answer.headers.get("Last-Modified", ""))
        )
        return Fetched(body, validators)

    def _body(self, answer: http.client.HTTPResponse) -> bytes:
        coding = answer.headers.get("Content-Encoding", "identity").strip().lower()
        if coding not in ("gzip", "x-gzip", "identity", ""):
            raise NotFetched("answers in a packing that nobody asked for", lasting=True)
        unpack = zlib.decompressobj(wbits=31) if "gzip" in coding else None
        received, body = 0, bytearray()
        while piece := answer.read1(_PIECE):
            received += len(piece)
            body += piece if unpack is None else unpack.decompress(piece, self._largest + 1)
            if max(received, len(body)) > self._largest or (unpack and unpack.unconsumed_tail):
                raise NotFetched(f"answers with more than {self._largest / 1e6:g} MB", lasting=True)
        if answer.length or (unpack and not unpack.eof):
            raise NotFetched("cannot be reached, or broke off")
        return bytes(body)


class _Deadline:
    def __init__(self, patience: float) -> None:
        self._end = time.monotonic() + patience

    def left(self, most: float = PATIENCE) -> float:
        """Return the seconds that are left, `most` at most.

        Raises:
            TimeoutError: none are.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, most)


class _Connection(http.client.HTTPConnection):
    """Connected by us; never by itself to whatever a name may resolve to by then."""

    def __init__(self, host: str, port: int, default_port: int) -> None:
        super().__init__(host, port)
        self.default_port = default_port  # which the Host header leaves out

    def connect(self) -> None:
        raise ConnectionAbortedError


class _Timed:
    """A socket whose every wait ends with the deadline, so that a slow drip ends too."""

    def __init__(self, sock: socket.socket, deadline: _Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._deadline.left())
        self._sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedFile(self._sock, self._deadline))

    def close(self) -> None:
        """Whoever opened the socket closes it: the answer may not have been read yet."""


class _TimedFile(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: _Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._deadline.left())
        return self._sock.recv_into(buffer)


def _first(addresses: list[str], port: int, deadline: _Deadline) -> socket.socket:
    """Return a connection to the first address that takes one."""
    *others, last = addresses
    for address in others:
        try:
            return socket.create_connection((address, port), timeout=deadline.left(_CONNECT))
        except OSError:
            continue
    return socket.create_connection((last, port), timeout=deadline.left(_CONNECT))


_SAFE = "%/:=&?~#+!$,;'@()*[]|"


def _checked(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotFetched("leads to an address that is neither https nor http", lasting=True)
    if parts.username is not None or parts.password is not None:
        raise NotFetched("leads to an address with a password in it", lasting=True)
    return parts


def _next(url: str, location: str) -> str:
    if not location:
        raise NotFetched("leads on, and does not say where to", lasting=True)
    # Headers come as Latin-1; an address in one is UTF-8 where it is not ASCII.
    following = urljoin(url, location.encode("latin-1", "replace").decode("utf-8", "replace"))
    if url.startswith("https:") and following.lower().startswith("http:"):
        raise NotFetched("leads on without encryption", lasting=True)
    return following


def _ascii(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise NotFetched("has a name that cannot be found") from None


def _conditions(known: Validators) -> dict[str, str]:
    headers = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in headers.items() if value}


def _kept(value: str) -> str:
    usable = value.isascii() and value.isprintable() and len(value) <= _LONGEST_VALIDATOR
    return value if usable else ""
