"""What a mail that came back reports.  Pure: bytes in, a result or None out, never an error.

Read with the `compat32` policy: the parser of structured headers in `email.policy.default`
raises on some headers that are none, and everything needed here is plain ASCII.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime
from itertools import islice
from typing import TypeAlias

from newsletter.providers.reported import EventKind
from newsletter.providers.returns.path import tokens_in_addresses, tokens_in_message_ids
from newsletter.providers.returns.statuses import Verdict, status_in, verdict_of

MOST_BYTES = 256 * 1024  # of a mail; the report stands first, the copy that came back last
_MOST_BOUNDARIES = 20
_MOST_PARTS = 2000
_MOST_BLOCKS = 50  # recipients in one report
_MOST_HEADERS = 500
_MOST_TOKENS = 10
_MOST_WORDS = 2000  # letters of a field
_MOST_TEXT = 20_000  # letters of a report in words

Mail: TypeAlias = "Message[str, str]"


@dataclass(frozen=True)
class Returned:
    """What somebody's mail system says about a copy of ours."""

    kind: EventKind | None  # None: a mail of which nothing follows, such as an automatic reply
    status: str = ""  # "5.1.1", as reported
    ours: bool = False  # it is us, or what we wrote, that they refuse
    tokens: tuple[str, ...] = ()  # of the delivery, perhaps; the most trustworthy first
    about: frozenset[str] = field(default=frozenset(), repr=False)  # addresses it names
    arrived_at: datetime | None = None  # when the copy came to whoever reports
    said: bytes = field(default=b"", repr=False)  # its machine-readable part; may hold anything


_NOTHING = Returned(None)


def read_return(raw: bytes) -> Returned | None:
    """Return what a mail reports, None if it is nothing that a machine should judge.

    `raw` may be cut off after MOST_BYTES.  Whether the tokens are ours is not known yet.
    """
    raw = raw[:MOST_BYTES]
    # The parser is recursive, and looks for the end of every open part on every line.
    if raw.lower().count(b"boundary") > _MOST_BOUNDARIES or raw.count(b"\n--") > _MOST_PARTS:
        return None
    try:
        return _read(message_from_bytes(raw, policy=compat32))
    except Exception:  # noqa: BLE001  the parser's own faults; one mail must not stop the others
        return None


def _read(mail: Mail) -> Returned | None:
    parts = _children(mail) if mail.get_content_maintype() == "multipart" else []
    for part in parts:
        match part.get_content_type():
            case "message/delivery-status":
                return _bounce(mail, parts, _children(part))
            case "message/global-delivery-status":
                return _bounce(mail, parts, _blocks_beyond_ascii(part))
            case "message/feedback-report":
                return _complaint(mail, parts, _children(part))
    if _is_from_a_mail_system(mail):
        return _in_words(mail, parts)
    return _NOTHING if _is_automatic(mail) else None


def _children(mail: Mail) -> list[Mail]:
    payload = mail.get_payload()
    within = payload[:_MOST_BLOCKS] if isinstance(payload, list) else []
    return [part for part in within if isinstance(part, Message)]


def _field(mail: Mail, name: str) -> str:
    return next(_fields(mail, name), "")


def _fields(mail: Mail, name: str) -> Iterator[str]:
    """Yield the values of a header, beyond ASCII as UTF-8 (RFC 6532), each on one line."""
    for found, value in islice(mail.raw_items(), _MOST_HEADERS):
        if found.lower() == name.lower():
            text = value.encode("ascii", "surrogateescape").decode(errors="replace")
            yield " ".join(text.split())[:_MOST_WORDS]


# --- bounce reports: RFC 3464, and RFC 6533 for addresses beyond ASCII -----------------------

# From the mildest to the worst.  A copy for one may have become copies for several behind an
# alias; as long as one of them arrives the address lives.
_MILDEST_FIRST = (
    EventKind.DELIVERED,
    EventKind.PROCESSED,
    EventKind.DEFERRED,
    EventKind.SOFT_BOUNCED,
    EventKind.BLOCKED,
    EventKind.BOUNCED,
)
_ACTIONS = {
    "delivered": EventKind.DELIVERED,
    "relayed": EventKind.PROCESSED,
    "expanded": EventKind.PROCESSED,
    "delayed": EventKind.DEFERRED,
    "failed": None,  # its status tells
}
_FAILED = {
    Verdict.SOFT: EventKind.SOFT_BOUNCED,
    Verdict.HARD: EventKind.BOUNCED,
    Verdict.OURS: EventKind.BLOCKED,
    Verdict.NONE: None,
}


def _bounce(mail: Mail, parts: list[Mail], blocks: list[Mail]) -> Returned | None:
    found = [(kind, block) for block in blocks if (kind := _kind_of(block)) is not None]
    if not found:
        return None
    kind, block = min(found, key=lambda each: _MILDEST_FIRST.index(each[0]))
    fields = [*blocks, block]
    return Returned(
        kind,
        _status(block),
        kind is EventKind.BLOCKED,
        _tokens(mail, fields, parts),
        frozenset(_addresses([block], ("Final-Recipient", "Original-Recipient"))),
        _moment(blocks[0], "Arrival-Date"),
        _said(blocks),
    )


def _blocks_beyond_ascii(part: Mail) -> list[Mail]:
    """Return the blocks of a type that the parser takes for a mail with a body."""
    blocks = _children(part)
    for first in blocks[:1]:
        rest = re.split(rb"\r?\n\r?\n", _payload(first), maxsplit=_MOST_BLOCKS)
        blocks += (message_from_bytes(each, policy=compat32) for each in rest)
    return blocks


def _kind_of(block: Mail) -> EventKind | None:
    action, status = _field(block, "Action").lower(), _status(block)
    word = re.match(r"[a-z]*", action)
    name = word.group() if word else ""
    if name not in _ACTIONS:
        if not status:
            return None
        name = {"2": "delivered", "4": "delayed"}.get(status[0], "failed")
    return _ACTIONS[name] or _FAILED[verdict_of(status, _field(block, "Diagnostic-Code"))]


def _status(block: Mail) -> str:
    return status_in(_field(block, "Status"))


# --- complaints: RFC 5965 -------------------------------------------------------------

_COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list"})


def _complaint(mail: Mail, parts: list[Mail], blocks: list[Mail]) -> Returned | None:
    """Return what a feedback report says.  Of "not-spam" and the like nothing follows."""
    kinds = {_field(block, "Feedback-Type").lower() for block in blocks}
    if not kinds & _COMPLAINTS:
        return _NOTHING if kinds - {""} else None
    return Returned(
        EventKind.COMPLAINED,
        tokens=_tokens(mail, blocks, parts),
        arrived_at=_moment(blocks[0], "Arrival-Date") or _moment(blocks[0], "Received-Date"),
        said=_said(blocks),
    )


# --- bounces in words -----------------------------------------------------------------

_MAIL_SYSTEM = re.compile(r"mailer-daemon|postmaster|mail delivery", re.IGNORECASE)
_REPLY = re.compile(r"(?<![\d.+-])([45]\d\d)[ -](?![\d(-])", re.ASCII)
_STILL_TRYING = re.compile(
    r"will (?:be retried|keep|continue|try)|no action is required|not yet been delivered",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"^-{2,}.*(?:copy of|original|below this line)", re.IGNORECASE | re.MULTILINE
)


def _is_from_a_mail_system(mail: Mail) -> bool:
    failed = _field(mail, "X-Failed-Recipients")
    return bool(failed) or _MAIL_SYSTEM.search(_field(mail, "From")) is not None


def _in_words(mail: Mail, parts: list[Mail]) -> Returned | None:
    """Return what a bounce reports that is written for people only, as qmail's are."""
    whole = _text_of(mail, parts)
    said = _ORIGINAL.split(whole, maxsplit=1)[0]
    reply, status = _REPLY.search(said), status_in(said)
    verdict = verdict_of(status, said)
    if reply is None and not status and verdict is not Verdict.HARD:
        return None  # nothing in it that a machine should judge
    kind = EventKind.DEFERRED if _STILL_TRYING.search(said) else _FAILED[verdict]
    if kind is None:
        return None
    return Returned(
        kind,
        status,
        kind is EventKind.BLOCKED,
        _tokens(mail, [], parts, whole),
        said=said[:_MOST_WORDS].encode(errors="replace"),
    )


def _text_of(mail: Mail, parts: list[Mail]) -> str:
    plain = [part for part in parts or [mail] if part.get_content_type() == "text/plain"]
    return _payload(plain[0]).decode(errors="replace") if plain else ""


def _payload(part: Mail) -> bytes:
    payload = part.get_payload(decode=True)
    return payload[:_MOST_TEXT] if isinstance(payload, bytes) else b""


# --- automatic replies: RFC 3834 ------------------------------------------------------

_IN_MASS = frozenset({"auto_reply", "auto-reply", "bulk", "junk", "list"})


def _is_automatic(mail: Mail) -> bool:
    submitted = _field(mail, "Auto-Submitted").lower()
    return (bool(submitted) and not submitted.startswith("no")) or (
        _field(mail, "Precedence").lower() in _IN_MASS
    )


# --- whose copy it is -----------------------------------------------------------------

# Where a server notes whom a mail was for: the return path of the copy.
_OWN_RECIPIENT = ("Delivered-To", "X-Original-To", "Envelope-To", "To")
_OF_THE_COPY = ("X-Postfix-Sender", "Original-Mail-From")


def _tokens(
    mail: Mail, fields: Iterable[Mail], parts: Iterable[Mail], text: str = ""
) -> tuple[str, ...]:
    found = [
        *_in_headers(mail, _OWN_RECIPIENT),
        *(token for block in fields for token in _in_headers(block, _OF_THE_COPY)),
    ]
    for copy in _copies(parts):
        found += _in_headers(copy, ("Return-Path", "X-Return-Path"))
        found += tokens_in_message_ids(_field(copy, "Message-ID"))
    found += tokens_in_addresses(text) + tokens_in_message_ids(text)
    return tuple(dict.fromkeys(found))[:_MOST_TOKENS]


def _in_headers(mail: Mail, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        for value in islice(_fields(mail, name), _MOST_TOKENS):
            yield from tokens_in_addresses(value)


def _copies(parts: Iterable[Mail]) -> Iterator[Mail]:
    """Yield the copy that came back, or its headers."""
    for part in parts:
        match part.get_content_type():
            case "message/rfc822" | "message/global" | "message/global-headers":
                yield from _children(part)[:1]
            case "text/rfc822-headers" | "message/rfc822-headers":
                yield message_from_bytes(_payload(part), policy=compat32)


def _addresses(blocks: Iterable[Mail], names: Iterable[str]) -> Iterator[str]:
    """Yield addresses from fields such as "rfc822; miriam@example.org"."""
    for block in blocks:
        for name in names:
            written = _field(block, name).rpartition(";")[2]
            for _, address in getaddresses([written]):
                if "@" in address:
                    yield address


def _moment(block: Mail, name: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(_field(block, name))
    except (ValueError, TypeError):
        return None
    if not 2000 <= moment.year <= 2100:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _said(blocks: Iterable[Mail]) -> bytes:
    lines = [f"{name}: {value}" for block in blocks for name, value in block.raw_items()]
    return "\n".join(lines)[: 2 * _MOST_WORDS].encode("utf-8", "surrogateescape")
