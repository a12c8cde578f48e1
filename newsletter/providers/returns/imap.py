"""A mailbox on an IMAP server (RFC 3501).

What is neither read nor flagged waits for us.  What we understood becomes read; the rest
stays unread and is flagged for a person.  Nothing is moved or deleted.
"""

import imaplib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from newsletter import config
from newsletter.errors import Problem
from newsletter.providers.base import in_words, is_loopback
from newsletter.providers.reported import NoAnswer
from newsletter.providers.returns.reading import MOST_BYTES

SECONDS = 30.0  # for each answer
WAITING = "UNSEEN UNFLAGGED UNDELETED"

# imaplib lets whatever its own parsing stumbles over come through.
_FAULTS = (imaplib.IMAP4.error, OSError, ValueError, TypeError, IndexError, AttributeError)
_CONTROL = re.compile("[\x00-\x1f\x7f]")


class Imap:
    """The mailbox of the settings.  Connects anew for each look."""

    def __init__(self, settings: config.Imap, password: str) -> None:
        """Read the settings; opens nothing.

        Raises:
            Problem: user name or password is missing, or would cross a network in the clear.
        """
        if settings.security == "none" and not is_loopback(settings.host):
            raise Problem(
                f"The password for {settings.host} would cross the network in the clear: set "
                'security to "tls" or "starttls" under [bounces.imap].'
            )
        if not settings.username or not password or _CONTROL.search(password):
            raise Problem(
                "The mailbox of bounces needs username under [bounces.imap], and its password in "
                "IMAP_PASSWORD."
            )
        self._settings = settings
        self._password = password
        self._line: imaplib.IMAP4 | None = None
        self._closed = False

    def waiting(self, at_once: int) -> Iterator[list[tuple[str, bytes]]]:
        """Yield number and beginning of every mail that came since the last time, some at once.

        Raises:
            NoAnswer: the server does not let us, or broke off.
        """
        try:
            line = self._open()
            try:
                numbers = self._search(line)
                while portion := list(islice(numbers, at_once)):
                    found = ((number, self._fetch(line, number)) for number in portion)
                    yield [(number, mail) for number, mail in found if mail is not None]
                line.logout()
            finally:
                self._hang_up(line)
        except _FAULTS as error:
            raise self._no_answer(error) from None

    def file(self, understood: Sequence[str], left: Sequence[str]) -> None:
        r"""Mark mails, those `understood` as \\Seen; harmless twice.  Only while `waiting` runs.

        Raises:
            NoAnswer: the server does not let us, or broke off.
        """
        try:
            for numbers, flag in ((understood, r"(\Seen)"), (left, r"(\Flagged)")):
                if numbers and self._line is not None:
                    _good(self._line.uid("STORE", ",".join(numbers), "+FLAGS.SILENT", flag))
        except _FAULTS as error:
            raise self._no_answer(error) from None

    def close(self) -> None:
        """Hang up; may be called from another thread."""
        self._closed = True
        if (line := self._line) is not None:
            with suppress(OSError):
                socket.socket.shutdown(line.sock, socket.SHUT_RDWR)

    def _open(self) -> imaplib.IMAP4:
        settings = self._settings
        line: imaplib.IMAP4
        if settings.security == "tls":
            context = ssl.create_default_context()  # SSL_CERT_FILE names other authorities
            line = imaplib.IMAP4_SSL(
                settings.host, settings.port, ssl_context=context, timeout=SECONDS
            )
        else:
            line = imaplib.IMAP4(settings.host, settings.port, timeout=SECONDS)
        self._line = line
        try:
            if self._closed:
                raise ConnectionAbortedError
            if settings.security == "starttls":
                line.starttls(ssl.create_default_context())
            self._sign_in(line)
            _good(line.select(f'"{settings.folder}"'))
        except BaseException:
            self._hang_up(line)
            raise
        return line

    def _hang_up(self, line: imaplib.IMAP4) -> None:
        self._line = None
        with suppress(*_FAULTS):
            line.shutdown()

    def _sign_in(self, line: imaplib.IMAP4) -> None:
        username, password = self._settings.username, self._password
        if "AUTH=PLAIN" in line.capabilities:
            # RFC 4616; LOGIN takes ASCII only.
            words = f"\0{username}\0{password}".encode()
            line.authenticate("PLAIN", lambda _: words)
        else:
            line.login(username, password)

    def _search(self, line: imaplib.IMAP4) -> Iterator[str]:
        [found, *_] = _good(line.uid("SEARCH", WAITING))
        for number in (found or b"").split():
            if self._closed:
                raise ConnectionAbortedError
            yield str(int(number))

    def _fetch(self, line: imaplib.IMAP4, number: str) -> bytes | None:
        """Return the beginning of a mail, None if it is gone; it stays unread (PEEK)."""
        answer = _good(line.uid("FETCH", number, f"(BODY.PEEK[]<0.{MOST_BYTES}>)"))
        for part in answer:
            if isinstance(part, tuple) and b"BODY[" in part[0].upper():
                return bytes(part[1])
        return None

    def _no_answer(self, error: Exception) -> NoAnswer:
        host = self._settings.host
        if self._closed:
            return NoAnswer("We hung up.", stopped=True)
        if isinstance(error, ssl.SSLCertVerificationError):
            said = f"shows a certificate that does not hold ({error.verify_message})"
        elif isinstance(error, OSError | imaplib.IMAP4.abort):
            said = f"cannot be reached, or broke off ({in_words(error)})"
        elif isinstance(error, imaplib.IMAP4.error):
            said = "does not let us in, or refuses the folder"
        else:
            said = "gave an answer that is no IMAP"
        return NoAnswer(f"The mail server {host} {said}: check [bounces.imap] and IMAP_PASSWORD.")


def _good(answer: tuple[str, list[Any]]) -> list[Any]:
    """Return the data of an answer.

    Raises:
        imaplib.IMAP4.error: it is a refusal.
    """
    word, data = answer
    if word != "OK":
        raise imaplib.IMAP4.error
    return data
