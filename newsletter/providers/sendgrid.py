"""Twilio SendGrid's v3 API, through its official SDK.

One request carries many people: one personalization each, one content for all, the merge
fields filled in by SendGrid as substitutions.  There is no idempotency key, so a lost answer
leaves everybody of that request unknown; nothing is tried twice.
"""

import http.client
import json
import logging
import re
import secrets
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from sendgrid import SendGridAPIClient

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

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0  # less patience would make unknowns of answers that are on their way
LONGEST_WAIT = timedelta(minutes=5)

# SendGrid's pages contradict one another; these hold on all of them.
MAX_SUBSTITUTIONS = 48_000  # bytes of tags and values in one request
MAX_PERSONAL = 800  # characters of one person; escaped and in both parts, under 10,000 bytes
MAX_BODY = 20_000_000  # bytes of JSON


class SendGrid:
    """SendGrid, with the key and the settings of this site."""

    name = "sendgrid"
    label = "SendGrid"
    repeatable = False
    answer_within = timedelta(seconds=2 * ANSWER_SECONDS + 30)

    def __init__(self, settings: config.SendGrid, key: str) -> None:
        """Read the settings; opens nothing.

        Raises:
            Problem: there is no key, it is no key, or it would cross a network in the clear.
        """
        _check(settings.base_url, key)
        # At DEBUG the SDK's logger prints the key and every recipient.
        sdk_logger = logging.getLogger("python_http_client")
        sdk_logger.setLevel(max(sdk_logger.level, logging.INFO))
        self.connections = settings.connections
        self.batch_limit = self.turn_size = settings.batch_size
        self._host = settings.base_url
        self._key = key
        self._context = ssl.create_default_context()

    def connect(self) -> "SendGridConnection":
        """Return a new conversation; opens nothing yet."""
        # A client each: the SDK's clients share one dictionary of headers between calls.
        client = SendGridAPIClient(self._key, host=self._host).client
        client.timeout = ANSWER_SECONDS
        return SendGridConnection(client, self._context, self.batch_limit)


def _check(base_url: str, key: str) -> None:
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


class SendGridConnection:
    """One thread's client.  Each request opens a connection of its own: the SDK keeps none."""

    def __init__(self, client: Any, context: ssl.SSLContext, most: int) -> None:
        self._client = client
        self._most = most
        self._line = _Line(context)

    def submit(
        self,
        form: MessageForm,
        recipients: Sequence[Recipient],
        intent: Intent,
        ahead: Recipient | None = None,
    ) -> list[Outcome]:
        """Hand over one copy for each recipient, in as few requests as the limits allow."""
        outcomes: list[Outcome] = []
        rest: Outcome | None = None
        people = []
        for recipient in recipients:
            if refusal := _refusal(recipient):
                outcomes.append(replace(refusal, delivery_id=recipient.delivery_id))
            else:
                people.append(recipient)
        for request in requests_for(form, people, intent.attempt_id, self._most):
            answers = request.all_get(rest) if rest else self._post(request, intent)
            rest = rest or _left_for_the_rest(answers)
            outcomes += answers
        return outcomes

    def close(self) -> None:
        self._line.cut()

    def _post(self, request: "Request", intent: Intent) -> list[Outcome]:
        if boot_clock() > intent.start_by:
            return request.all_get(TOO_LATE)
        endpoint = self._client.mail.send
        # The SDK keeps the call itself apart, in this method, so that it can be replaced.
        endpoint._make_request = partial(self._line.open, start_by=intent.start_by)
        patience = min(ANSWER_SECONDS, max(1.0, intent.answer_by - boot_clock()))
        try:
            response = endpoint.post(request_body=request.body, timeout=patience)
        except _NothingLeft as nothing:
            return request.all_get(nothing.outcome)
        except urllib.error.HTTPError as error:
            return _judge(_Said(error.code, error.headers, _read(error)), request)
        except (OSError, http.client.HTTPException) as error:
            return request.all_get(_lost(f"SendGrid gave no whole answer ({in_words(error)})."))
        return _judge(_Said(response.status_code, response.headers, response.body), request)


def _refusal(person: Recipient) -> Outcome | None:
    """Return why nobody should ask SendGrid to take this copy, None if it may."""
    if not is_usable(person.address):
        return UNUSABLE
    links = len(person.unsubscribe_url) + len(person.preferences_url)
    if len(person.name or "") + links > MAX_PERSONAL:
        return Outcome(
            0,
            Answer.REFUSED,
            Reason.MESSAGE_REFUSED,
            "The name or the links of this copy are longer than SendGrid takes: shorten the name.",
        )
    return None


def _left_for_the_rest(answers: Sequence[Outcome]) -> Outcome | None:
    """Return what the next requests of a turn get, if this one's answer forbids them."""
    kinds = {outcome.answer for outcome in answers}
    if kinds == {Answer.UNKNOWN}:
        return NOT_REACHED
    return answers[0] if kinds in ({Answer.SENDER_FAULT}, {Answer.TRY_LATER}) else None


# --- what is sent ---------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """One call: the body, and whom its personalizations are for, in their order."""

    body: dict[str, Any]
    people: Sequence[Recipient]

    def all_get(self, outcome: Outcome) -> list[Outcome]:
        """Return one and the same outcome for everybody."""
        return [replace(outcome, delivery_id=person.delivery_id) for person in self.people]


def requests_for(
    form: MessageForm, people: Sequence[Recipient], attempt_id: int, most: int
) -> Iterator[Request]:
    """Yield the requests that carry one copy for each of `people`, within every limit.

    At most `most` people, 48,000 bytes of substitutions and 20 MB of JSON in each, and no
    address twice, however its capitals are written.
    """
    if not people:
        return
    content, substitutions = _fill(form, people)
    first, used = 0, 0
    addresses: set[str] = set()
    for at, person in enumerate(people):
        size = len("".join([*substitutions[at], *substitutions[at].values()]).encode())
        address = person.address.lower()
        full = at - first == most or used + size > MAX_SUBSTITUTIONS or address in addresses
        if full and at > first:
            yield from _fitting(
                form, content, people[first:at], substitutions[first:at], attempt_id
            )
            first, used = at, 0
            addresses.clear()
        used += size
        addresses.add(address)
    yield from _fitting(form, content, people[first:], substitutions[first:], attempt_id)


def _fill(
    form: MessageForm, people: Sequence[Recipient]
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return the content with tags in its slots, and each person's values for them.

    What is the same in everybody's link, all but the token, stays in the content: the limit
    on substitutions then holds four times as many people.
    """
    values = [form.values_for(person) for person in people]
    # Unguessable, so that nobody's name can hold one; the % keep one from holding another.
    mark = secrets.token_urlsafe(6)
    tags: dict[tuple[str, ...], str] = {}
    content = []
    for kind, shell, side in (
        ("text/plain", form.email.text, 1),
        ("text/html", form.email.html, 0),
    ):
        pieces = [shell.literals[0]]
        for slot, literal in zip(shell.slots, shell.literals[1:], strict=True):
            column = [value[side][slot] for value in values]
            same = _same_beginning(column)
            rest = tuple(value[len(same) :] for value in column)
            pieces += (same, tags.setdefault(rest, f"%{mark}{len(tags)}%"), literal)
        content.append({"type": kind, "value": "".join(pieces)})
    names = list(tags.values())
    rows = zip(*tags, strict=True) if tags else (() for _ in people)
    return content, [dict(zip(names, row, strict=True)) for row in rows]


def _same_beginning(links: Sequence[str]) -> str:
    """Return what links begin with, up to their last slash, if it is the same in all."""
    beginning = links[0][: links[0].rfind("/") + 1]
    if beginning.startswith(("https://", "http://")) and all(
        link.startswith(beginning) and len(link) > len(beginning) for link in links
    ):
        return beginning
    return ""


def _fitting(
    form: MessageForm,
    content: list[dict[str, str]],
    people: Sequence[Recipient],
    substitutions: Sequence[Mapping[str, str]],
    attempt_id: int,
) -> Iterator[Request]:
    """Yield one request for these people, or smaller ones if its JSON might grow too large."""
    personalizations = [
        _personalization(form, person, values, attempt_id)
        for person, values in zip(people, substitutions, strict=True)
    ]
    # Measured on the first, for speed.  Others differ from it by what is personal: written
    # three times at most, in 12 bytes of JSON a letter at most.
    each = len(json.dumps(personalizations[0])) + 36 * MAX_PERSONAL
    if len(people) > 1 and len(json.dumps(content)) + len(people) * each > MAX_BODY:
        half = len(people) // 2
        yield from _fitting(form, content, people[:half], substitutions[:half], attempt_id)
        yield from _fitting(form, content, people[half:], substitutions[half:], attempt_id)
    else:
        yield Request(_body(form, content, personalizations), people)


def _body(
    form: MessageForm, content: list[dict[str, str]], personalizations: list[dict[str, Any]]
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "personalizations": personalizations,
        "from": {"email": form.sender_email, "name": form.sender_name},
        "subject": form.subject,
        "content": content,  # text before HTML, or it is refused
        "categories": [form.category],  # kept by SendGrid for long and seen by its staff: opaque
        # Left out, the defaults of the account would count: all four, always.
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False},
        },
    }
    if form.reply_to:
        body["reply_to"] = {"email": form.reply_to}
    return body


def _personalization(
    form: MessageForm, person: Recipient, substitutions: Mapping[str, str], attempt_id: int
) -> dict[str, Any]:
    to = {"email": person.address}
    if name := _one_line(person.name or ""):
        to["name"] = name
    personalization: dict[str, Any] = {
        "to": [to],
        # Come back with every event.  The prefix keeps them apart from SendGrid's own fields.
        "custom_args": {"pb_d": person.token, "pb_a": str(attempt_id)},
    }
    if headers := form.headers_for(person):
        personalization["headers"] = headers
    if substitutions:
        personalization["substitutions"] = substitutions
    return personalization


def _one_line(name: str) -> str:
    if name.isprintable():
        return name.strip()
    return "".join(letter if letter.isprintable() else " " for letter in name).strip()


# --- what comes back ------------------------------------------------------------------


@dataclass(frozen=True)
class _Said:
    status: int
    headers: Message
    body: bytes

    def __str__(self) -> str:
        return f"{self.status} {self.body[:2000].decode(errors='replace')}".rstrip()


def _judge(said: _Said, request: Request) -> list[Outcome]:
    """Return what an answer means for everybody in the request."""
    if said.status == 400:
        return _judge_faults(said, request)
    return request.all_get(_judge_status(said))


def _judge_status(said: _Said) -> Outcome:
    status = said.status
    if status == 202:
        reference = (said.headers.get("X-Message-Id") or "").strip()
        if re.fullmatch(r"[!-~]{1,200}", reference):
            return Outcome(0, Answer.ACCEPTED, reference=reference)
        # A head cut short after its first line looks just like this.
        return _lost("SendGrid took the hand-over without naming it.", str(said))
    if status == 429:
        return Outcome(
            0,
            Answer.TRY_LATER,
            Reason.TRY_LATER,
            "SendGrid asks us to slow down (429).",
            str(said),
            retry_after=_wait(said.headers),
        )
    # 408 is given by machines between us and SendGrid, which may have passed it all on.
    if 300 <= status < 500 and status != 408:
        return Outcome(0, Answer.SENDER_FAULT, Reason.TRY_LATER, _words_for(said), str(said))
    return _lost(f"SendGrid answered {status}, which does not tell whether it took it.", str(said))


def _words_for(said: _Said) -> str:
    text = said.body.lower()
    if said.status in (401, 403) and b"credits" in text:
        return (
            f"The credits at SendGrid are used up ({said.status}): buy more or wait for the next "
            "period, then resume."
        )
    if said.status == 403 and (b"sender identity" in text or b"from address" in text):
        return (
            "SendGrid does not know the sender's address as verified (403): verify [sender] email "
            "or its domain at SendGrid."
        )
    return _SENTENCES.get(
        said.status,
        f"SendGrid refused the hand-over ({said.status}): check base_url under "
        "[provider.sendgrid].",
    )


_SENTENCES = {
    401: "SendGrid refused the key (401): put a valid one into SENDGRID_API_KEY.",
    403: "SendGrid forbids sending with this key (403): give it the right to send mail, and check "
    "that the account is in order.",
    413: "SendGrid finds the mail too large (413): shorten the bulletin.",
}


def _judge_faults(said: _Said, request: Request) -> list[Outcome]:
    """Return what a 400 means: nobody was taken, and those it names are refused.

    A fault that names nobody, or all alike for something else than their address, lies in
    what we wrote: the people are not failed for it.
    """
    faults = _faults(said.body)
    named = {fault.person for fault in faults}
    alike = len(named) == len(request.people) and any(f.part != "to" for f in faults)
    if not faults or not named <= set(range(len(request.people))) or alike:
        return request.all_get(_our_fault(said, faults))
    return [
        replace(
            _refused([f for f in faults if f.person == at]) if at in named else _IN_BAD_COMPANY,
            delivery_id=person.delivery_id,
        )
        for at, person in enumerate(request.people)
    ]


@dataclass(frozen=True)
class _Fault:
    person: int  # the index of a personalization, -1 if it names none
    part: str  # "to", "substitutions", ...; or the whole field if it names nobody
    message: str


def _faults(body: bytes) -> list[_Fault]:
    """Return what a 400 complains about: {"errors": [{"message", "field" or null}]}."""
    try:
        errors = json.loads(body)["errors"]
        fields = [(str(error.get("field")), str(error.get("message"))) for error in errors]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
    found = [(_PERSON.match(field), field, message) for field, message in fields]
    return [
        _Fault(int(match[1]), match[2] or "", message) if match else _Fault(-1, field, message)
        for match, field, message in found
    ]


_PERSON = re.compile(r"personalizations[.\[](\d{1,4})\]?(?:\.(\w+))?")

_IN_BAD_COMPANY = Outcome(
    0,
    Answer.TRY_LATER,
    Reason.TRY_LATER,
    "SendGrid refused somebody else in the same hand-over, and so took nobody of it.",
    retry_after=timedelta(),
)


def _refused(faults: Sequence[_Fault]) -> Outcome:
    reply = "\n".join(f"400 {fault.message}" for fault in faults)[:2000]
    if any(fault.part == "to" for fault in faults):
        sentence = "SendGrid refused this address (400)."
        return Outcome(0, Answer.REFUSED, Reason.ADDRESS_REFUSED, sentence, reply)
    sentence = "SendGrid refused this person's copy (400)."
    return Outcome(0, Answer.REFUSED, Reason.MESSAGE_REFUSED, sentence, reply)


def _our_fault(said: _Said, faults: Sequence[_Fault]) -> Outcome:
    sentence = (
        "SendGrid refused the sender (400): correct [sender]."
        if any(fault.part.startswith(("from", "reply_to")) for fault in faults)
        else "SendGrid refused the hand-over as a whole (400), for nobody's address: see its "
        "words in the deliveries, and report it if the settings are right."
    )
    return Outcome(0, Answer.SENDER_FAULT, Reason.TRY_LATER, sentence, str(said))


def _lost(sentence: str, reply: str = "") -> Outcome:
    return Outcome(0, Answer.UNKNOWN, Reason.ANSWER_LOST, sentence, reply)


def _wait(headers: Message) -> timedelta | None:
    """Return how long SendGrid asks us to wait, at most five minutes; None if it does not say.

    Points in time are taken by SendGrid's own clock, so that ours need not be right.
    """
    now = _instant(headers.get("Date")) or time.time()
    asked = headers.get("Retry-After", "").strip()
    seconds = float(asked) if asked.isdecimal() else None
    if seconds is None and (until := _instant(asked) or _number(headers, "X-RateLimit-Reset")):
        seconds = until - now
    if seconds is None:
        return None
    return min(max(timedelta(seconds=min(seconds, 1e6)), timedelta()), LONGEST_WAIT)


def _instant(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except ValueError:
        return None


def _number(headers: Message, name: str) -> float | None:
    text = headers.get(name, "").strip()
    return float(text) if text.isdecimal() else None


def _read(error: urllib.error.HTTPError) -> bytes:
    """Return the body of a refusal, as much of it as came: the status alone decides."""
    with error, suppress(OSError, http.client.HTTPException):
        return error.read(65536)
    return b""


# --- the line -------------------------------------------------------------------------


class _NothingLeft(Exception):
    """It is certain that no byte of the request left; `outcome` says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.sentence)
        self.outcome = outcome


class _Line:
    """Opens a connection for each request and stands between connecting and the first byte.

    There the last look at the clock belongs, and there a failure still is no unknown.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._sock: socket.socket | None = None
        self._closed = False
        # A proxy may carry what is encrypted; what is not stays on this machine.
        proxies = {k: v for k, v in urllib.request.getproxies().items() if k == "https"}
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(proxies), _Stay, _Door(self._watched, context)
        )
        self._start_by = 0.0
        self._patience = ANSWER_SECONDS

    def open(
        self, _opener: object, request: urllib.request.Request, timeout: float, start_by: float
    ) -> Any:
        """Do what the SDK's client would do, with our connections; follow no redirect."""
        self._start_by, self._patience = start_by, timeout
        try:
            return self._opener.open(request, timeout=timeout)
        finally:
            self._sock = None

    def cut(self) -> None:
        """End what is under way, from any thread, and begin nothing any more."""
        self._closed = True
        if sock := self._sock:
            with suppress(OSError):
                # Not SSLSocket.shutdown: it takes TLS off under the thread that writes.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _watched(
        self, kind: type["_Connection"], host: str, timeout: float, **rest: Any
    ) -> "_Connection":
        connection = kind(host, timeout=CONNECT_SECONDS, **rest)
        connection.reached = self._reached
        return connection

    def _reached(self, sock: socket.socket) -> None:
        self._sock = sock
        if self._closed:
            raise _NothingLeft(NOT_REACHED)
        if boot_clock() > self._start_by:
            raise _NothingLeft(TOO_LATE)
        sock.settimeout(self._patience)


class _Connection(http.client.HTTPConnection):
    reached: Callable[[socket.socket], None]

    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, UnicodeError) as error:
            raise _NothingLeft(_unreachable(error)) from None
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
