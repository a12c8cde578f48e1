"""SMTP (RFC 5321): a mail server that relays for us, one message at a time.

One conversation for each thread, kept open and used again.  Every step is driven and judged
here, because all depends on one moment: before the final dot nobody can have taken the
message, after it only the server's answer tells.  Nothing is tried twice.
"""

import base64
import re
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum

from newsletter import config
from newsletter.errors import Problem
from newsletter.message import MessageForm, Recipient
from newsletter.providers.base import (
    NOT_REACHED,
    TOO_LATE,
    UNUSABLE,
    Answer,
    Intent,
    Outcome,
    boot_clock,
    in_words,
    is_loopback,
    is_usable,
)
from newsletter.tables import Reason

# An address literal: the name of this machine, or of the ministry, would end up in the
# Received line of every copy, those of readers at risk among them.
OUR_NAME = "[127.0.0.1]"

CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 300.0  # greeting, MAIL, RCPT: RFC 5321, 4.5.3.2
DATA_SECONDS = 120.0
BODY_SECONDS = 180.0
DOT_SECONDS = 600.0
QUIT_SECONDS = 2.0
IDLE_SECONDS = 30.0  # a conversation unused for longer may be dead without saying so

MAX_LINE = 4096  # RFC 5321 allows 512; some servers explain themselves at length
MAX_LINES = 200


class SmtpRelay:
    """The mail server of the settings."""

    name = "smtp"
    batch_limit = 500
    turn_size = 1
    repeatable = False
    answer_within = timedelta(seconds=BODY_SECONDS + DOT_SECONDS + 120)

    def __init__(self, settings: config.Smtp, password: str) -> None:
        """Read the settings; opens nothing.

        Raises:
            Problem: the mail or the password would cross a network in the clear, or there
                is a user name without a password.
        """
        _refuse_plain(settings)
        if settings.username and not password:
            raise Problem(
                "There is no password for the mail server: put it into SMTP_PASSWORD, or "
                "empty username under [provider.smtp]."
            )
        self.label = f"the mail server {settings.host}"
        self.connections = settings.connections
        self._settings = settings
        self._password = password
        self._context = ssl.create_default_context()  # SSL_CERT_FILE names other authorities

    def connect(self) -> "SmtpConnection":
        """Return a new conversation; opens nothing yet."""
        return SmtpConnection(self._settings, self._password, self._context)


def _refuse_plain(settings: config.Smtp) -> None:
    if settings.security != "none" or is_loopback(settings.host):
        return
    if not settings.allow_plain:
        raise Problem(
            f'Mail to {settings.host} would cross the network in the clear: set security to "tls" '
            'or "starttls" under [provider.smtp].'
        )
    if settings.username:
        raise Problem(
            f"The password for {settings.host} would cross the network in the clear: set "
            'security to "tls" or "starttls", or empty username under [provider.smtp].'
        )


class SmtpConnection:
    """One conversation with the mail server."""

    def __init__(self, settings: config.Smtp, password: str, context: ssl.SSLContext) -> None:
        self._settings = settings
        self._password = password
        self._context = context
        self._wire: _Wire | None = None
        self._used_at = 0.0
        self._closed = False
        self._busy = threading.Lock()

    def submit(
        self,
        form: MessageForm,
        recipients: Sequence[Recipient],
        intent: Intent,
        ahead: Recipient | None = None,
    ) -> list[Outcome]:
        """Hand over one message for each recipient, one after the other."""
        outcomes = []
        rest: Outcome | None = None
        with self._busy:
            for recipient in recipients:
                outcome = rest or self._hand_over(form, recipient, intent)
                rest = rest or self._left_for_the_rest(outcome)
                outcomes.append(replace(outcome, delivery_id=recipient.delivery_id))
        return outcomes

    def close(self) -> None:
        self._closed = True
        if self._busy.acquire(blocking=False):
            try:
                self._quit()
            finally:
                self._busy.release()
        elif wire := self._wire:
            wire.cut()  # the thread that uses it notices, and closes it

    def _left_for_the_rest(self, outcome: Outcome) -> Outcome | None:
        """Return what the others of a turn get, once its conversation is over."""
        if outcome.answer is Answer.UNKNOWN:
            return NOT_REACHED
        ended = outcome.answer is Answer.TRY_LATER and self._wire is None
        return outcome if ended or outcome.answer is Answer.SENDER_FAULT else None

    # --- one message ------------------------------------------------------------------

    def _hand_over(self, form: MessageForm, recipient: Recipient, intent: Intent) -> Outcome:
        if not is_usable(recipient.address):
            return UNUSABLE
        if not is_usable(form.sender_email):
            return _sender_fault("The sender's address is not plain ASCII: correct [sender] email.")
        if boot_clock() > intent.start_by:
            return TOO_LATE
        body = _stuffed(form.copy_for(recipient))
        try:
            wire = self._ready()
            self._announce(wire, form.sender_email, recipient.address)
            if boot_clock() > intent.start_by:
                raise _Ended(TOO_LATE)
            if self._closed:  # while TLS began, say, when there was nothing to cut
                raise _Ended(NOT_REACHED)
            self._send_body(wire, body)
        except _Ended as ended:
            self._recover(ended)
            return ended.outcome
        except _Lost as lost:
            self._drop()
            if self._closed:
                return NOT_REACHED
            return _later(f"{self._server} broke off before it had the message ({lost}).")
        return self._send_dot(wire, intent)

    def _announce(self, wire: "_Wire", sender: str, address: str) -> None:
        self._ask(wire, _Step.MAIL, f"MAIL FROM:<{sender}>")
        self._ask(wire, _Step.RCPT, f"RCPT TO:<{address}>")
        self._ask(wire, _Step.DATA, "DATA", want=3)

    def _send_body(self, wire: "_Wire", body: bytes) -> None:
        wire.write(body, BODY_SECONDS)
        if wire.has_news():
            # A server that ends a conversation in the middle of the data says so before
            # the dot, where it is certain that nothing was taken.
            reply = wire.read_reply(QUIT_SECONDS)
            raise _Ended(_judge(_Step.DATA, reply, self._server))

    def _send_dot(self, wire: "_Wire", intent: Intent) -> Outcome:
        patience = min(DOT_SECONDS, max(1.0, intent.answer_by - boot_clock()))
        try:
            wire.write(b".\r\n", BODY_SECONDS)
            reply = wire.read_reply(patience)
        except _Lost as lost:
            self._drop()
            return Outcome(
                0,
                Answer.UNKNOWN,
                Reason.ANSWER_LOST,
                f"{self._server} had the whole message and gave no answer ({lost}).",
            )
        outcome = _judge(_Step.DOT, reply, self._server)
        if reply.code == 421 or outcome.answer is Answer.UNKNOWN:
            self._drop()
        self._used_at = boot_clock()
        return outcome

    def _recover(self, ended: "_Ended") -> None:
        """Make the conversation fit for the next message, or end it."""
        wire = self._wire
        if wire is None or not ended.goes_on:
            self._drop()
            return
        try:
            if wire.command("RSET", COMMAND_SECONDS).code != 250:
                self._drop()
        except _Lost:
            self._drop()
        self._used_at = boot_clock()

    # --- the conversation -------------------------------------------------------------

    @property
    def _server(self) -> str:
        return f"The mail server {self._settings.host}"

    def _ready(self) -> "_Wire":
        """Return a wire that waits for MAIL: the kept one if it still lives."""
        if self._closed:
            raise _Ended(NOT_REACHED)
        if self._wire and boot_clock() - self._used_at > IDLE_SECONDS:
            self._quit()
        if self._wire and self._wire.has_news():
            self._drop()  # it said 421, or left without a word
        return self._wire or self._open()

    def _open(self) -> "_Wire":
        host = self._settings.host
        try:
            sock = socket.create_connection((host, self._settings.port), CONNECT_SECONDS)
        except (socket.gaierror, UnicodeError):
            raise _Ended(
                _later(f"The name {host} cannot be found: check host under [provider.smtp].")
            ) from None
        except OSError as error:
            raise _Ended(
                _later(
                    f"{self._server} cannot be reached ({in_words(error)}): check host and port "
                    "under [provider.smtp], and that it runs."
                )
            ) from None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire = self._wire = _Wire(sock)
        if self._closed:  # close() may have come before there was anything to cut
            raise _Ended(NOT_REACHED)
        self._greet(wire)
        return wire

    def _greet(self, wire: "_Wire") -> None:
        if self._settings.security == "tls":
            self._encrypt(wire)
        greeting = wire.read_reply(COMMAND_SECONDS)
        if greeting.code != 220:
            raise _Ended(_judge(_Step.HELLO, greeting, self._server))
        offers = self._hello(wire)
        if self._settings.security == "starttls":
            if "STARTTLS" not in offers:
                raise _Ended(
                    _sender_fault(
                        f"{self._server} offers no encryption (STARTTLS): check port and security "
                        "under [provider.smtp], or ask whoever runs it."
                    )
                )
            self._ask(wire, _Step.STARTTLS, "STARTTLS")
            self._encrypt(wire)
            offers = self._hello(wire)
        if self._settings.username:
            self._sign_in(wire, offers)

    def _hello(self, wire: "_Wire") -> dict[str, list[str]]:
        """Return what the server offers: keyword to parameters, all in capitals."""
        reply = self._ask(wire, _Step.HELLO, f"EHLO {OUR_NAME}")
        words = [line.upper().split() for line in reply.lines[1:]]
        return {line[0]: line[1:] for line in words if line}

    def _encrypt(self, wire: "_Wire") -> None:
        try:
            wire.encrypt(self._context, self._settings.host)
        except ssl.SSLCertVerificationError as error:
            raise _Ended(
                _sender_fault(
                    f"{self._server} shows a certificate that does not hold "
                    f"({error.verify_message}): check host under [provider.smtp], or ask whoever "
                    "runs it."
                )
            ) from None
        except OSError as error:
            raise _Lost(f"no encryption came about ({in_words(error)})") from None

    def _sign_in(self, wire: "_Wire", offers: dict[str, list[str]]) -> None:
        """AUTH PLAIN, else LOGIN: one try, because every failed one counts against us."""
        user, password = self._settings.username.encode(), self._password.encode()
        methods = offers.get("AUTH", [])
        if "PLAIN" in methods:
            self._ask(wire, _Step.AUTH, "AUTH PLAIN " + _base64(b"\0" + user + b"\0" + password))
        elif "LOGIN" in methods:
            self._ask(wire, _Step.AUTH, "AUTH LOGIN", want=3)
            self._ask(wire, _Step.AUTH, _base64(user), want=3)
            self._ask(wire, _Step.AUTH, _base64(password))
        else:
            raise _Ended(
                _sender_fault(
                    f"{self._server} offers no sign-in that we know (PLAIN or LOGIN): check port "
                    "and security under [provider.smtp]."
                )
            )

    def _ask(self, wire: "_Wire", step: "_Step", line: str, want: int = 2) -> "_Reply":
        """Send a command; return its reply if it begins with the digit `want`."""
        reply = wire.command(line, DATA_SECONDS if step is _Step.DATA else COMMAND_SECONDS)
        if reply.code // 100 == want:
            return reply
        goes_on = step in _WITH_THE_MESSAGE and reply.code // 100 in (4, 5) and reply.code != 421
        raise _Ended(_judge(step, reply, self._server), goes_on)

    def _quit(self) -> None:
        if self._wire:
            with suppress(_Lost):
                self._wire.command("QUIT", QUIT_SECONDS)
        self._drop()

    def _drop(self) -> None:
        if self._wire:
            self._wire.close()
            self._wire = None


# --- judging what the server said -----------------------------------------------------


class _Step(Enum):
    """What a reply answers; the value says what a permanent refusal means for the sender."""

    HELLO = "will not talk to us ({n}): ask whoever runs it to let this machine send."
    STARTTLS = "refuses encryption ({n}): check port and security under [provider.smtp]."
    AUTH = (
        "refused the user name or the password ({n}): check username under [provider.smtp] "
        "and SMTP_PASSWORD."
    )
    MAIL = (
        "refused our sender address ({n}): check email under [sender], and that the server lets "
        "us send for it."
    )
    RCPT = "refused this address ({n})."
    DATA = "refused the message ({n})."
    DOT = "refused the message after reading it ({n})."


_ABOUT_US = frozenset({_Step.HELLO, _Step.STARTTLS, _Step.AUTH, _Step.MAIL})
_WITH_THE_MESSAGE = frozenset({_Step.MAIL, _Step.RCPT, _Step.DATA})
_SIGN_IN_FIRST = frozenset({530, 534, 535, 538})  # RFC 4954
_NOT_UNDERSTOOD = frozenset({500, 502, 503})
_NEW_OWNER = frozenset({"5.7.17", "5.7.18"})  # RFC 7293: of this one mailbox


@dataclass(frozen=True)
class _Reply:
    code: int  # 200 to 599
    lines: tuple[str, ...]

    @property
    def status(self) -> str:
        """The enhanced status code, "5.7.1" (RFC 3463), or an empty string."""
        found = re.match(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)", self.lines[-1])
        return found.group() if found else ""

    def __str__(self) -> str:
        return "\n".join(f"{self.code} {line}" for line in self.lines)[:2000]


def _judge(step: _Step, reply: _Reply, server: str) -> Outcome:
    """Return what a reply means that was not the hoped-for one; at the dot, any reply."""
    number = f"{reply.code} {reply.status}".rstrip()
    kind = reply.code // 100
    if kind == 2 and step is _Step.DOT:
        return Outcome(0, Answer.ACCEPTED, reference=_queue_name(reply))
    if kind == 4:
        return _later(f"{server} asks us to come again later ({number}).", str(reply))
    if kind == 5:
        return _judge_refusal(step, reply, server, number)
    sentence = f"{server} gave an answer out of turn ({number})."
    if step is _Step.DOT:
        return Outcome(0, Answer.UNKNOWN, Reason.ANSWER_LOST, sentence, str(reply))
    return _later(sentence, str(reply))


def _judge_refusal(step: _Step, reply: _Reply, server: str, number: str) -> Outcome:
    if reply.code in _SIGN_IN_FIRST and step in {*_WITH_THE_MESSAGE, _Step.DOT}:
        return _sender_fault(
            f"{server} wants a sign-in first ({number}): set username under [provider.smtp] "
            "and SMTP_PASSWORD.",
            str(reply),
        )
    sentence = f"{server} {step.value.format(n=number)}"
    if step in _ABOUT_US:
        return _sender_fault(sentence, str(reply))
    # 550 5.7.26 and its kin are about our domain or our right to send; counted against the
    # subscribers, one bad hour in the DNS would wipe out a list.
    if reply.status.startswith("5.7.") and reply.status not in _NEW_OWNER:
        return _sender_fault(
            f"{server} refuses our mail by its rules ({number}): ask whoever runs it; often "
            "SPF, DKIM or DMARC of the sender's domain is missing.",
            str(reply),
        )
    if reply.code in _NOT_UNDERSTOOD and step is not _Step.DOT:
        return _sender_fault(
            f"{server} did not follow us ({number}): check host and port under [provider.smtp].",
            str(reply),
        )
    reason = Reason.ADDRESS_REFUSED if step is _Step.RCPT else Reason.MESSAGE_REFUSED
    return Outcome(0, Answer.REFUSED, reason, sentence, str(reply))


def _queue_name(reply: _Reply) -> str | None:
    # Only the name: the rest of the line may hold an address.
    found = re.search(r"\bqueued as ([A-Za-z0-9.-]{4,60})(?!\S)", reply.lines[-1])
    return found.group(1) if found else None


def _later(sentence: str, reply: str = "") -> Outcome:
    return Outcome(0, Answer.TRY_LATER, Reason.TRY_LATER, sentence, reply)


def _sender_fault(sentence: str, reply: str = "") -> Outcome:
    return Outcome(0, Answer.SENDER_FAULT, Reason.TRY_LATER, sentence, reply)


class _Ended(Exception):
    """A message came to its end before its final dot; `goes_on` if the conversation may not."""

    def __init__(self, outcome: Outcome, goes_on: bool = False) -> None:
        super().__init__(outcome.sentence)
        self.outcome = outcome
        self.goes_on = goes_on


# --- the wire -------------------------------------------------------------------------


class _Lost(Exception):
    """The connection broke, fell silent or spoke no SMTP; the text says which."""


class _Wire:
    """Commands out, whole replies in.  A reply cut short is no reply."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._heard = bytearray()

    def command(self, line: str, seconds: float) -> _Reply:
        """Send one line and return the whole reply.

        Raises:
            _Lost: no reply within `seconds`, a broken connection, or something unreadable.
        """
        self.write(line.encode() + b"\r\n", seconds)
        return self.read_reply(seconds)

    def write(self, data: bytes, seconds: float) -> None:
        self._sock.settimeout(seconds)
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise _Lost(in_words(error)) from None

    def read_reply(self, seconds: float) -> _Reply:
        """Return the next reply, all its lines (RFC 5321, 4.2.1)."""
        end = time.monotonic() + seconds  # of the whole reply: some servers drip
        lines: list[str] = []
        code, last = 0, False
        while not last:
            found = _REPLY_LINE.fullmatch(self._line(end))
            if found is None or (lines and int(found[1]) != code) or len(lines) > MAX_LINES:
                raise _Lost("its answer was no SMTP")
            code, last = int(found[1]), found[2] != b"-"
            lines.append((found[3] or b"").decode(errors="replace"))
        return _Reply(code, tuple(lines))

    def _line(self, end: float) -> bytes:
        while (at := self._heard.find(b"\n")) < 0:
            if len(self._heard) > MAX_LINE:
                raise _Lost("its answer was no SMTP")
            self._hear(end - time.monotonic())
        line = bytes(self._heard[:at]).rstrip(b"\r")
        del self._heard[: at + 1]
        return line

    def _hear(self, seconds: float) -> None:
        if seconds <= 0:
            raise _Lost("no answer in time")
        self._sock.settimeout(seconds)
        try:
            data = self._sock.recv(65536)
        except OSError as error:
            raise _Lost(in_words(error)) from None
        if not data:
            raise _Lost("the connection was closed")
        self._heard += data

    def has_news(self) -> bool:
        """Whether the server spoke unasked or left.  Does not wait.

        Reads, because with TLS a readable socket may hold no more than a session ticket.
        """
        self._sock.setblocking(False)
        try:
            data = self._sock.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            return bool(self._heard)
        except OSError:
            return True
        self._heard += data
        return True

    def encrypt(self, context: ssl.SSLContext, host: str) -> None:
        """Go over to TLS.

        Raises:
            OSError: no agreement; ssl.SSLCertVerificationError where the certificate fails.
            _Lost: something came in the clear after the go-ahead (CVE-2011-0411).
        """
        if self._heard:
            raise _Lost("it spoke in the clear after agreeing to encrypt")
        self._sock.settimeout(CONNECT_SECONDS)
        self._sock = context.wrap_socket(self._sock, server_hostname=host)

    def cut(self) -> None:
        """Break the connection from another thread; its owner gets `_Lost`."""
        with suppress(OSError):
            # Not SSLSocket.shutdown: that takes TLS off first, and what the owner writes in
            # that instant would go out in the clear.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def close(self) -> None:
        self._sock.close()


_REPLY_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _stuffed(message: bytes) -> bytes:
    """Return a message for the wire: CRLF lines, dots doubled (RFC 5321, 4.5.2)."""
    lines = message.count(b"\r\n")
    if not lines == message.count(b"\n") == message.count(b"\r"):
        # A bare line feed before a dot ends the message for some servers and not for others.
        message = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    message = message.replace(b"\r\n.", b"\r\n..")
    return b"." + message if message.startswith(b".") else message
