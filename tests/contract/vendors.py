"""Every provider with something real at the other end; the contract holds for each.

To add one: a `Vendor`, and a line in `VENDORS`.
"""

import email.policy
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

from newsletter.providers.base import Answer, Provider
from newsletter.providers.practice import Practice
from newsletter.providers.sendgrid import SendGrid
from newsletter.providers.smtp import SmtpRelay
from newsletter.tables import Reason
from tests.servers.process import trusting
from tests.servers.sendgrid import KEY, Mishap, SendGridServer, sendgrid_server
from tests.servers.smtp import Fault, SmtpServer, smtp_server

USER, PASSWORD = "newsletter", "correct horse"


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong at the other end, and what has to become of one delivery."""

    name: str
    begin: Callable[[], None]
    answer: Answer
    reason: Reason | None
    taken: int = 0  # copies that the other end has all the same


@dataclass(frozen=True)
class Taken:
    """A copy as the other end has it."""

    address: str
    token: str


@dataclass(frozen=True)
class Vendor:
    """A provider and the other end of it."""

    provider: Provider
    taken: Callable[[], list[Taken]]
    forget: Callable[[], None]  # empties the record, mends what was broken
    wrong_key: Provider | None = None
    secrets: tuple[str, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    tries: Callable[[], int] = lambda: 0  # conversations, or requests, since the last forget()


@contextmanager
def practice(folder: Path) -> Iterator[Vendor]:
    """The practice mailbox."""
    mailbox = folder / "mailbox"

    def taken() -> list[Taken]:
        return [from_message(path.read_bytes()) for path in sorted(mailbox.glob("new/*"))]

    def forget() -> None:
        for path in mailbox.glob("new/*"):
            path.unlink()

    yield Vendor(Practice(mailbox), taken, forget)


@contextmanager
def aiosmtpd(folder: Path) -> Iterator[Vendor]:
    """SMTP with STARTTLS and a sign-in, to a server that others wrote."""
    with smtp_server(folder, security="starttls", username=USER, password=PASSWORD) as server:
        with trusting(server.certificate.authorities if server.certificate else None):
            yield Vendor(
                SmtpRelay(server.settings(), PASSWORD),
                lambda: [from_message(taken.data) for taken in server.taken()],
                server.forget,
                SmtpRelay(server.settings(), "wrong"),
                (PASSWORD,),
            )


def plain_smtp(folder: Path) -> AbstractContextManager[Vendor]:
    """SMTP in the clear on loopback, one command at a time, to a server that misbehaves."""
    return _scripted_smtp(folder, "8BITMIME")


def pipelined_smtp(folder: Path) -> AbstractContextManager[Vendor]:
    """The same with PIPELINING."""
    return _scripted_smtp(folder, "PIPELINING")


@contextmanager
def _scripted_smtp(folder: Path, offer: str) -> Iterator[Vendor]:
    with smtp_server(
        folder, username=USER, password=PASSWORD, scripted=True, offers=(offer,)
    ) as server:
        yield Vendor(
            SmtpRelay(server.settings(), PASSWORD),
            lambda: [from_message(taken.data) for taken in server.taken()],
            server.forget,
            SmtpRelay(server.settings(), "wrong"),
            (PASSWORD, "AG5ld3NsZXR0ZXIAY29ycmVjdCBob3JzZQ=="),
            tuple(_smtp_troubles(server)),
            server.conversations,
        )


@contextmanager
def sendgrid(folder: Path) -> Iterator[Vendor]:
    """SendGrid's API, to a server shaped like it."""
    with sendgrid_server(folder) as server:
        yield Vendor(
            SendGrid(server.settings(), KEY),
            lambda: [Taken(copy.address, copy.custom_args["pb_d"]) for copy in server.copies()],
            server.forget,
            SendGrid(server.settings(), "SG.wrong"),
            (KEY,),
            tuple(_sendgrid_troubles(server)),
            lambda: len(server.requests()),
        )


VENDORS: Mapping[str, Callable[[Path], AbstractContextManager[Vendor]]] = {
    "practice": practice,
    "smtp": aiosmtpd,
    "plain smtp": plain_smtp,
    "pipelined smtp": pipelined_smtp,
    "sendgrid": sendgrid,
}

# --- what goes wrong ------------------------------------------------------------------

_TRY_LATER = (Answer.TRY_LATER, Reason.TRY_LATER)
_FAULT = (Answer.SENDER_FAULT, Reason.TRY_LATER)
_REFUSED = (Answer.REFUSED, Reason.ADDRESS_REFUSED)
_NOT_WANTED = (Answer.REFUSED, Reason.MESSAGE_REFUSED)
_LOST = (Answer.UNKNOWN, Reason.ANSWER_LOST)
_FINE = (Answer.ACCEPTED, None)


Meaning = tuple[Answer, Reason | None]


def smtp_faults() -> list[tuple[Fault, Meaning]]:
    """Return everything that a mail server does wrong, and what it means for one message."""
    return [
        (Fault("connect", then="cut"), _TRY_LATER),
        (Fault("connect", "421 4.3.2 too busy\n"), _TRY_LATER),
        (Fault("connect", "554 5.7.1 no service for you\n"), _FAULT),
        (Fault("connect", "SSH-2.0-OpenSSH\n"), _TRY_LATER),
        (Fault("ehlo", "502 5.5.1 what?\n"), _FAULT),
        (Fault("ehlo", then="cut"), _TRY_LATER),
        (Fault("ehlo", "250 mail.example.org\n"), _FAULT),  # no AUTH
        (Fault("ehlo", "250-mail.example.org\n250 AUTH GSSAPI\n"), _FAULT),
        (Fault("auth", "535 5.7.8 authentication failed\n"), _FAULT),
        (Fault("auth", "454 4.7.0 temporary authentication failure\n"), _TRY_LATER),
        (Fault("auth", "421 4.7.0 too many failures\n"), _TRY_LATER),
        (Fault("mail", "450 4.3.2 come again\n"), _TRY_LATER),
        (Fault("mail", "550 5.1.8 sender unknown\n"), _FAULT),
        (Fault("mail", "530 5.7.0 must issue a STARTTLS command first\n"), _FAULT),
        (Fault("mail", "421 4.4.2 timeout\n"), _TRY_LATER),
        (Fault("mail", then="cut"), _TRY_LATER),
        (Fault("rcpt", "451 4.7.1 greylisted\n"), _TRY_LATER),
        (Fault("rcpt", "452-4.2.2 the mailbox\n452 4.2.2 is full\n"), _TRY_LATER),
        (Fault("rcpt", "550 5.1.1 no such user\n"), _REFUSED),
        (Fault("rcpt", "550-5.1.1 no such user\n550-5.1.1 here\n550 5.1.1 at all\n"), _REFUSED),
        (Fault("rcpt", "550 no such user\n"), _REFUSED),
        (Fault("rcpt", "501 5.1.3 bad address syntax\n"), _REFUSED),
        (Fault("rcpt", "550 5.7.17 the mailbox has a new owner\n"), _REFUSED),
        (Fault("rcpt", "554 5.7.1 relay access denied\n"), _FAULT),
        (Fault("rcpt", "530 5.7.0 authentication required\n"), _FAULT),
        (Fault("rcpt", "503 5.5.1 need MAIL\n"), _FAULT),
        (Fault("rcpt", "354 what?\n"), _TRY_LATER),
        (Fault("rcpt", "421 4.3.0 closing\n"), _TRY_LATER),
        (Fault("rcpt", then="cut"), _TRY_LATER),
        (Fault("data", "451 4.3.0 no room\n"), _TRY_LATER),
        (Fault("data", "554 5.5.1 no valid recipients\n"), _NOT_WANTED),
        (Fault("data", "250 2.0.0 odd\n"), _TRY_LATER),
        (Fault("data", then="cut"), _TRY_LATER),
        (Fault("data", "35", then="cut"), _TRY_LATER),
        (Fault("dot", "450 4.2.0 come again\n"), _TRY_LATER),
        (Fault("dot", "421 4.3.0 closing\n"), _TRY_LATER),
        (Fault("dot", "552 5.3.4 too big\n"), _NOT_WANTED),
        (Fault("dot", "550 5.7.26 unauthenticated mail is not accepted\n"), _FAULT),
        (Fault("dot", "500 5.5.2 line too long\n"), _NOT_WANTED),
        (Fault("dot", then="cut"), _LOST),
        (Fault("dot", then="cut", take=True), _LOST),
        (Fault("dot", "25", then="cut", take=True), _LOST),
        (Fault("dot", "250 2.0.0 Ok", then="cut", take=True), _LOST),
        (Fault("dot", "250-2.0.0 Ok\n", then="cut", take=True), _LOST),
        (Fault("dot", "250-2.0.0 Ok\n550 5.0.0 no\n", take=True), _LOST),
        (Fault("dot", "354 odd\n", take=True), _LOST),
        (Fault("dot", "ok\n", take=True), _LOST),
        (Fault("dot", "250 " + 5000 * "o", take=True, then="cut"), _LOST),
        (Fault("dot", 300 * "250-yes\n", take=True, then="cut"), _LOST),
        (Fault("dot", then="silence", take=True), _LOST),
        (Fault("dot", "250-2.0.0 It is\n250-2.0.0 all\n250 2.0.0 right\n", take=True), _FINE),
        (Fault("dot", wait=0.3), _FINE),
    ]


def _smtp_troubles(server: SmtpServer) -> Iterator[Trouble]:
    for fault, (answer, reason) in smtp_faults():
        name = f"{fault.at} {fault.reply[:40].strip()} {fault.then} {fault.take}"
        taken = int(fault.take or answer is Answer.ACCEPTED)
        yield Trouble(name, _setting(server, fault), answer, reason, taken)


def _setting(server: SmtpServer, fault: Fault) -> Callable[[], None]:
    return lambda: server.plan(fault)


def sendgrid_mishaps(server: SendGridServer) -> list[tuple[Mishap, Meaning]]:
    """Return everything that SendGrid does instead of taking a request, and what it means."""

    def says(message: str, field: str | None = None) -> str:
        shown = f'"{field}"' if field else "null"
        return f'{{"errors": [{{"message": "{message}", "field": {shown}, "help": null}}]}}'

    return [
        (Mishap(400, body=says("Invalid address", "personalizations.0.to.0.email")), _REFUSED),
        (Mishap(400, body=says("Invalid address", "personalizations[0].to[0].email")), _REFUSED),
        (Mishap(400, body=says("Too long", "personalizations.0.substitutions")), _FAULT),
        (Mishap(400, body=says("Invalid address", "personalizations.7.to.0.email")), _FAULT),
        (Mishap(400, body=says("Bad Request")), _FAULT),
        (Mishap(400, body=says("Invalid from", "from.email")), _FAULT),
        (Mishap(400, body="<html>no</html>"), _FAULT),
        (Mishap(400, body='{"errors": [3]}'), _FAULT),
        (Mishap(400, body='{"errors": []}'), _FAULT),
        (Mishap(401, body=says("authorization required")), _FAULT),
        (Mishap(401, body=says("Maximum credits exceeded")), _FAULT),
        (Mishap(403, body=says("access forbidden")), _FAULT),
        (Mishap(403, body=says("The from address does not match a verified one")), _FAULT),
        (Mishap(404), _FAULT),
        (Mishap(405), _FAULT),
        (Mishap(408), _LOST),
        (Mishap(413), _FAULT),
        (Mishap(302, {"Location": server.base_url + "/v3/elsewhere"}), _FAULT),
        (Mishap(429, {"Retry-After": "7"}, says("too many requests")), _TRY_LATER),
        (Mishap(429), _TRY_LATER),
        (Mishap(500), _LOST),
        (Mishap(502, take=True), _LOST),
        (Mishap(503), _LOST),
        (Mishap(504, take=True), _LOST),
        (Mishap(200), _LOST),
        (Mishap(202, take=True), _LOST),  # without X-Message-Id
        (Mishap(202, {"X-Message-Id": " "}, take=True), _LOST),
        (Mishap(take=True), _LOST),  # taken, then silence on the line
        (Mishap(), _LOST),
        (Mishap(unread=True), _LOST),
        (Mishap(raw="HTTP/1.1 20", take=True), _LOST),
        (Mishap(raw="HTTP/1.1 202 Accepted\r\n", take=True), _LOST),
        (Mishap(raw="HTTP/1.1 400 Bad\r\nContent-Length: 900\r\n\r\n{"), _FAULT),
        (Mishap(raw="HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\n", then="silence"), _FAULT),
        (Mishap(raw="220 mail.example.org ESMTP\r\n", take=True), _LOST),
        (Mishap(then="silence", take=True), _LOST),
        (Mishap(202, {"X-Message-Id": "a1"}, take=True, wait=0.3), _FINE),
        (Mishap(raw=SLOWLY, take=True, drip=0.002), _FINE),
    ]


SLOWLY = "HTTP/1.1 202 Accepted\r\nX-Message-Id: a1\r\nContent-Length: 0\r\n\r\n"


def _sendgrid_troubles(server: SendGridServer) -> Iterator[Trouble]:
    for mishap, (answer, reason) in sendgrid_mishaps(server):
        name = f"{mishap.status} {mishap.body[:60]} {mishap.raw[:30]!r} {mishap.take}"
        begin = _planning(server, mishap)
        yield Trouble(name, begin, answer, reason, int(mishap.take))


def _planning(server: SendGridServer, mishap: Mishap) -> Callable[[], None]:
    return lambda: server.plan(mishap)


def from_message(data: bytes) -> Taken:
    message = message_from_bytes(data, policy=email.policy.default)
    addresses = message["To"].addresses
    assert len(addresses) == 1, "a copy has exactly one recipient"
    return Taken(addresses[0].addr_spec, message["Message-ID"].strip("<>").partition("@")[0])
