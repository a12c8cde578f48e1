"""How a conversation begins: greeting, encryption, sign-in.  Nothing of a message yet."""

import base64
import socket
import ssl
from collections.abc import Mapping, Sequence

from newsletter import config
from newsletter.providers.base import Outcome, in_words
from newsletter.providers.smtp.replies import Step, goes_on, judge, later, sender_fault
from newsletter.providers.smtp.wire import CONNECT_SECONDS, Lost, Reply, Wire

# An address literal: the name of this machine, or of the ministry, would end up in the
# Received line of every copy, those of readers at risk among them.
OUR_NAME = "[127.0.0.1]"

COMMAND_SECONDS = 300.0  # greeting, MAIL, RCPT, DATA: RFC 5321, 4.5.3.2

Offers = Mapping[str, Sequence[str]]
"""What a server can do: keyword to parameters, all in capitals (RFC 5321, 4.1.1.1)."""


class NotOpened(Exception):
    """The conversation did not come about."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.sentence)
        self.outcome = outcome


def connect(settings: config.Smtp) -> Wire:
    """Return a wire to the mail server of the settings.

    Raises:
        NotOpened: it cannot be reached.
    """
    host = settings.host
    try:
        sock = socket.create_connection((host, settings.port), CONNECT_SECONDS)
    except (socket.gaierror, UnicodeError):
        outcome = later(f"The name {host} cannot be found: check host under [provider.smtp].")
    except OSError as error:
        outcome = later(
            f"The mail server {host} cannot be reached ({in_words(error)}): check host and port "
            "under [provider.smtp], and that it runs."
        )
    else:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Wire(sock)
    raise NotOpened(outcome)


def open_conversation(
    wire: Wire, settings: config.Smtp, password: str, context: ssl.SSLContext | None
) -> Offers:
    """Greet, encrypt and sign in; return what the server offers for messages.

    Raises:
        NotOpened: it does not want us, or not in a way that keeps secrets.
        Lost: it broke off.
    """
    return _Opening(wire, settings, password, context).offers()


class _Opening:
    def __init__(
        self, wire: Wire, settings: config.Smtp, password: str, context: ssl.SSLContext | None
    ) -> None:
        self._wire = wire
        self._settings = settings
        self._password = password
        self._context = context
        self._server = f"The mail server {settings.host}"

    def offers(self) -> Offers:
        if self._settings.security == "tls":
            self._encrypt()
        greeting = self._wire.read_reply(COMMAND_SECONDS)
        if greeting.code != 220:
            raise NotOpened(judge(Step.HELLO, greeting, self._server))
        offers = self._hello()
        if self._settings.security == "starttls":
            if "STARTTLS" not in offers:
                raise NotOpened(
                    sender_fault(
                        f"{self._server} offers no encryption (STARTTLS): check port and security "
                        "under [provider.smtp], or ask whoever runs it."
                    )
                )
            self._ask(Step.STARTTLS, "STARTTLS")
            self._encrypt()
            offers = self._hello()  # what was said before could be anybody's
        if self._settings.username:
            self._sign_in(offers)
        return offers

    def _hello(self) -> Offers:
        reply = self._ask(Step.HELLO, f"EHLO {OUR_NAME}")
        words = [line.upper().split() for line in reply.lines[1:]]
        return {line[0]: line[1:] for line in words if line}

    def _encrypt(self) -> None:
        assert self._context is not None  # noqa: S101  given unless security is "none"
        try:
            self._wire.encrypt(self._context, self._settings.host)
        except ssl.SSLCertVerificationError as error:
            raise NotOpened(
                sender_fault(
                    f"{self._server} shows a certificate that does not hold "
                    f"({error.verify_message}): check host under [provider.smtp], or ask whoever "
                    "runs it."
                )
            ) from None
        except OSError as error:
            raise Lost(f"no encryption came about ({in_words(error)})") from None

    def _sign_in(self, offers: Offers) -> None:
        """AUTH PLAIN, else LOGIN: one try, because every failed one counts against us."""
        user, password = self._settings.username.encode(), self._password.encode()
        methods = offers.get("AUTH", [])
        if "PLAIN" in methods:
            self._ask(Step.AUTH, "AUTH PLAIN " + _base64(b"\0" + user + b"\0" + password))
        elif "LOGIN" in methods:
            self._ask(Step.AUTH, "AUTH LOGIN", want=3)
            self._ask(Step.AUTH, _base64(user), want=3)
            self._ask(Step.AUTH, _base64(password))
        else:
            raise NotOpened(
                sender_fault(
                    f"{self._server} offers no sign-in that we know (PLAIN or LOGIN): check port "
                    "and security under [provider.smtp]."
                )
            )

    def _ask(self, step: Step, line: str, want: int = 2) -> Reply:
        """Send a command; return its reply if it begins with the digit `want`."""
        reply = self._wire.command(line, COMMAND_SECONDS)
        if not goes_on(step, reply, want):
            raise NotOpened(judge(step, reply, self._server))
        return reply


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
