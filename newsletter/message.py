"""One person's copy as bytes: headers, both parts and photos, encoded once for each edition.

Everything that is the same in every copy is MIME-encoded, and its dots are doubled for SMTP,
when a `MessageForm` is made; afterwards bytes are only joined.  Python's own `EmailMessage` is
not used to write: it takes milliseconds for each copy, and it turns a long `List-Unsubscribe`
into encoded words that receivers do not read.
"""

import binascii
import hashlib
import re
from base64 import b64encode, encodebytes
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from functools import cached_property
from typing import Literal

from email_validator import EmailNotValidError, validate_email

from newsletter.config import Settings
from newsletter.discreet import fault_in
from newsletter.errors import Problem
from newsletter.rendering import (
    Photo,
    RenderedEmail,
    Shell,
    Slot,
    SlotValues,
    clean_name,
    slot_values,
)
from subscribers.style import Style

Kind = Literal["bulletin", "test", "notice", "confirmation", "welcome", "goodbye"]
Letter = Literal["confirmation", "welcome", "goodbye"]

TO_ONE: frozenset[Kind] = frozenset({"notice", "confirmation", "welcome", "goodbye"})

SAMPLE_TOKEN = "sample-of-nobody-000000"  # noqa: S105  (as long as a token, opens nothing)

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_INTERNATIONAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u00a1-\U0010ffff-]+@[A-Za-z0-9.-]+")
_PRINTABLE = re.compile(r"[ -~]*")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_URL = re.compile(r"[!-;=?-~]{1,900}")  # printable ASCII without < and >, within one line
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LINE_END = re.compile("\r\n?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_SPACES = re.compile(rb"[ \t]+")
_SPACE_AT_END = re.compile(rb" (?=\r\n)")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_WORD_BYTES = 45  # of UTF-8 in one encoded word: 60 of base64, 72 with its frame (RFC 2047: 75)
_LONGEST_PLAIN_SUBJECT = 900  # characters; a line has 998
_LONGEST_PLAIN_NAME = 200


@dataclass(frozen=True)
class Recipient:
    """The one person a copy is for.  Held in memory only."""

    delivery_id: int  # 0: a sample, in a preview, a test or a notice to staff
    token: str  # of the delivery; [A-Za-z0-9_-], 23 characters
    address: str  # as it goes on the wire: the domain in ASCII
    name: str | None
    unsubscribe_url: str  # empty for notices
    preferences_url: str
    action_url: str = ""  # of a confirmation or a goodbye: the page with the button to press


def sample_recipient(website: str, token: str = SAMPLE_TOKEN) -> Recipient:
    """Return a subscriber who does not exist, for previews; `website` is the pages' address."""
    return Recipient(
        delivery_id=0,
        token=token,
        address="miriam@example.org",
        name="Miriam",
        unsubscribe_url=f"{website}/u/{token}",
        preferences_url=f"{website}/p/{token}",
        action_url=f"{website}/confirm/{token}",
    )


@dataclass(frozen=True)
class Identity:
    """Who a copy says it comes from, in its headers and on the wire.

    The domain of `email` also stands in Message-ID, List-Id and the DKIM signature, so that a
    copy under another identity names nobody else.
    """

    name: str
    email: str
    reply_to: str | None
    website: str  # URL of the organisation
    return_path: str = ""  # where SMTP returns copies to; empty: to `email`


def identity_of(settings: Settings, list_name: str = "") -> Identity:
    """Return the identity of a list's mail: its own under [lists], else that of [sender]."""
    sender = settings.sender_of(list_name)
    return Identity(
        name=sender.name,
        email=sender.email,
        reply_to=sender.reply_to,
        website=settings.organisation.url,
        return_path=settings.provider.smtp.return_path,
    )


def discreet_identity(settings: Settings) -> Identity:
    """Return the identity of [discreet], which names nobody; the same for all lists.

    Raises:
        Problem: the settings lack something, or name the ministry.
    """
    if fault := fault_in(settings):
        raise Problem(f"The discreet mail cannot go out: {fault}.")
    discreet = settings.discreet
    return Identity(discreet.name, discreet.email, None, discreet.url, discreet.return_path)


@dataclass(frozen=True)
class Envelope:
    """What the headers of an edition say besides subject and date."""

    kind: Kind
    sender: Identity
    practice: bool  # nothing leaves this machine
    list_name: str = ""  # [a-z0-9-]; the list fields are unused in notices
    list_title: str = ""
    list_id: int = 0
    issue_id: int = 0
    style: Style = Style.STANDARD


def bulletin_envelope(
    settings: Settings,
    *,
    list_name: str,
    list_title: str,
    list_id: int,
    issue_id: int,
    kind: Literal["bulletin", "test"] = "bulletin",
    style: Style = Style.STANDARD,
) -> Envelope:
    """Return the envelope that the settings give to an issue of a list.

    That of a discreet edition tells the list by its number.

    Raises:
        Problem: as `discreet_identity`.
    """
    if style is Style.DISCREET:
        return Envelope(
            kind=kind,
            sender=discreet_identity(settings),
            practice=settings.practice,
            list_name=f"l{list_id}",
            list_id=list_id,
            issue_id=issue_id,
            style=style,
        )
    return Envelope(
        kind=kind,
        sender=identity_of(settings, list_name),
        practice=settings.practice,
        list_name=list_name,
        list_title=list_title,
        list_id=list_id,
        issue_id=issue_id,
        style=style,
    )


def notice_envelope(settings: Settings) -> Envelope:
    """Return the envelope of mails to staff."""
    return Envelope(kind="notice", sender=identity_of(settings), practice=settings.practice)


def bulletin_form(email: RenderedEmail, envelope: Envelope, date: datetime) -> "MessageForm":
    """Return the form of an edition; `date` (aware) stands in every copy.

    Raises:
        Problem: a name or an address in the settings cannot stand in a header.
    """
    if envelope.kind in TO_ONE:
        raise ValueError(f"the envelope of a {envelope.kind} around a bulletin")
    return MessageForm(email, envelope, date)


def notice_form(email: RenderedEmail, envelope: Envelope, date: datetime) -> "MessageForm":
    """Return the form of a mail to staff: no List- headers, marked as sent by a machine."""
    if envelope.kind != "notice":
        raise ValueError(f"the envelope of a {envelope.kind} around a notice")
    return MessageForm(email, envelope, date)


def letter_envelope(
    settings: Settings, kind: Letter, list_name: str, style: Style = Style.STANDARD
) -> Envelope:
    """Return the envelope of a mail to one subscriber, from the sender of a list.

    Raises:
        Problem: as `discreet_identity`.
    """
    discreet = style is Style.DISCREET
    sender = discreet_identity(settings) if discreet else identity_of(settings, list_name)
    return Envelope(kind, sender, settings.practice, style=style)


def letter_form(email: RenderedEmail, envelope: Envelope, date: datetime) -> "MessageForm":
    """Return the form of a confirmation, a welcome or a goodbye: as a notice's, no List- headers.

    There is no subscription to leave before a confirmation and none after a goodbye; a welcome
    says how in its text.
    """
    if envelope.kind not in TO_ONE - {"notice"}:
        raise ValueError(f"the envelope of a {envelope.kind} around a letter")
    return MessageForm(email, envelope, date)


def category_of(issue_id: int) -> str:
    """Return what an API provider files the copies of an issue under; opaque to its staff."""
    return f"i{issue_id}"


class MessageForm:
    """What every copy of one edition shares.  Never changed once made; shared by threads."""

    def __init__(self, email: RenderedEmail, envelope: Envelope, date: datetime) -> None:
        self.email = email
        self.envelope = envelope
        sender = envelope.sender
        self.subject = _line(email.subject, "the subject")
        self.sender_name = _line(sender.name, "the sender's name")
        self.sender_email = own_address(sender.email, "sender.email")
        self.reply_to = own_address(sender.reply_to, "sender.reply_to") if sender.reply_to else None
        self.return_path = sender.return_path
        self._domain = self.sender_email.rpartition("@")[2]
        self.shared_headers = dict(self._headers_alike())
        self._body = _Body.of(email)
        self._head = self._encoded_head(date) + self._body.head
        self._stuffed_head = _stuffed(self._head)
        self._stuffed_body = self._body.rewritten(_stuffed)

    @property
    def category(self) -> str:
        """What an API provider may file the copies under: it names an issue, and nothing else."""
        return category_of(self.envelope.issue_id)

    def copy_for(self, recipient: Recipient) -> bytes:
        """Return the complete message for one person: CRLF lines, never longer than 998 bytes.

        The same recipient gives the same bytes.

        Raises:
            ValueError: the address, the token or a link cannot stand in a header.
        """
        return b"".join(
            [
                self._head,
                self._personal_head(recipient),
                b"\r\n",
                *self._body.filled(*self.values_for(recipient)),
            ]
        )

    def pieces_for(self, recipient: Recipient) -> list[bytes]:
        """Return the same message for SMTP: pieces to join, dots doubled (RFC 5321, 4.5.2).

        Raises:
            ValueError: as for `copy_for`.
        """
        return [
            self._stuffed_head,
            _stuffed(self._personal_head(recipient)),
            b"\r\n",
            *self._stuffed_body.filled(*self.values_for(recipient)),
        ]

    def relaxed_for(self, recipient: Recipient) -> tuple[Mapping[bytes, bytes], bytes]:
        """Return the same message as DKIM reads it, relaxed: its headers by name, and its body.

        Names are in small letters; each header is a whole line without its end (RFC 6376,
        3.4.2 and 3.4.4).

        Raises:
            ValueError: as for `copy_for`.
        """
        alike, body = self._relaxed
        own = _relaxed_headers(self._personal_head(recipient))
        return alike | own, b"".join(body.filled(*self.values_for(recipient)))

    @cached_property  # only where a provider signs
    def _relaxed(self) -> tuple[dict[bytes, bytes], "_Body"]:
        return _relaxed_headers(self._head), self._body.rewritten(_relaxed_lines)

    def headers_for(self, recipient: Recipient) -> dict[str, str]:
        """Return the headers that a provider's API does not write by itself.

        That is all but From, To, Reply-To, Subject, Date, Message-ID and MIME's own.
        """
        return self.shared_headers | self.own_headers(recipient)

    def own_headers(self, recipient: Recipient) -> dict[str, str]:
        """Return those of `headers_for` that are not the same in every copy."""
        if self.envelope.kind in TO_ONE:
            return {}
        return {"List-Unsubscribe": f"<{_header_url(recipient.unsubscribe_url)}>"}

    def values_for(self, recipient: Recipient) -> tuple[SlotValues, SlotValues]:
        """Return one person's slot values, first for the HTML, then for the text."""
        return slot_values(
            recipient.name,
            self.email.language,
            recipient.unsubscribe_url,
            recipient.preferences_url,
            recipient.action_url,
        )

    def _personal_head(self, recipient: Recipient) -> bytes:
        if not _TOKEN.fullmatch(recipient.token):
            raise ValueError("the token is not of [A-Za-z0-9_-]")
        to = _mailbox(clean_name(recipient.name), _recipient_address(recipient.address))
        lines = b"To: %b\r\nMessage-ID: <%b@%b>\r\n" % (
            to,
            recipient.token.encode("ascii"),
            self._domain.encode("ascii"),
        )
        if self.envelope.kind in TO_ONE:
            return lines
        url = _header_url(recipient.unsubscribe_url).encode("ascii")
        return b"%bList-Unsubscribe: <%b>\r\n" % (lines, url)

    def _headers_alike(self) -> Iterator[tuple[str, str]]:
        envelope = self.envelope
        if _LANGUAGE.fullmatch(self.email.language):
            yield "Content-Language", self.email.language  # RFC 3282: read aloud in its voice
        if envelope.kind in TO_ONE:
            yield "Auto-Submitted", "auto-generated"  # RFC 3834: nobody's robot answers it
        else:
            yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"  # RFC 8058
            yield "List-Id", self._list_id()
            yield "List-Owner", f"<mailto:{self.reply_to or self.sender_email}>"
            if envelope.sender.website:
                where = "discreet" if envelope.style is Style.DISCREET else "organisation"
                yield "List-Help", f"<{_own_url(envelope.sender.website, f'{where}.url')}>"
            yield "Feedback-ID", self._feedback_id()
            yield "Precedence", "bulk"
        if envelope.practice:
            yield "X-Practice", "yes"

    def _list_id(self) -> str:
        # RFC 2919.  Receivers compare it as it stands, so a title that would have to be
        # encoded is left out.
        label = f"<{_line(self.envelope.list_name, 'the name of the list')}.{self._domain}>"
        title = _line(self.envelope.list_title, "the title of the list")
        if not title or not _is_plain(title):
            return label
        return f"{_quoted(title)} {label}"

    def _feedback_id(self) -> str:
        sender = hashlib.sha256(self._domain.encode()).hexdigest()[:10]
        envelope = self.envelope
        return f"i{envelope.issue_id}:l{envelope.list_id}:{envelope.kind}:{sender}"

    def _encoded_head(self, date: datetime) -> bytes:
        if date.tzinfo is None:
            raise ValueError("the date has no time zone")
        lines = [b"From: " + _mailbox(self.sender_name, self.sender_email)]
        if self.reply_to:
            lines.append(b"Reply-To: " + self.reply_to.encode("ascii"))
        lines += [
            b"Subject: " + _encoded_subject(self.subject),
            b"Date: " + format_datetime(date).encode("ascii"),
        ]
        lines += [f"{name}: {value}".encode("ascii") for name, value in self.shared_headers.items()]
        return b"".join(line + b"\r\n" for line in lines)


@dataclass(frozen=True)
class _Body:
    """Both parts as quoted-printable (RFC 2045, 6.7), cut open at the slots, and the photos.

    Every literal, and every value in a slot, begins a line.  With photos the HTML stands beside
    them in a multipart/related (RFC 2387).  An email of text alone has no parts.
    """

    head: bytes  # MIME's own headers
    text: tuple[bytes, ...]
    html: tuple[bytes, ...]
    text_slots: tuple[Slot, ...]
    html_slots: tuple[Slot, ...]
    photos: bytes = field(default=b"", repr=False)  # all that follows the HTML, in base64
    rewrite: Callable[[bytes], bytes] | None = None  # what is done to values too

    @classmethod
    def of(cls, email: RenderedEmail) -> "_Body":
        if email.text_only:
            head = "MIME-Version: 1.0\r\n" + _part_fields("plain")
            text = _encoded_literals(email.text, "", "")
            return cls(head.encode("ascii"), text, (b"",), email.text.slots, ())
        # "=_" never occurs in quoted-printable, so no text can hold the boundary.
        hashed = email.hash().hex()
        boundary, inner = f"=_{hashed[:24]}", f"=_{hashed[24:48]}"
        head = (
            f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{boundary}"\r\n'
        )
        start, between = (_part_head(boundary, subtype) for subtype in ("plain", "html"))
        end, photos = f"\r\n--{boundary}--\r\n", b""
        if email.photos:
            between = (
                f'--{boundary}\r\nContent-Type: multipart/related; type="text/html";\r\n'
                f' boundary="{inner}"\r\n\r\n{_part_head(inner, "html")}'
            )
            photos = b"".join(_encoded_photos(email.photos, inner)) + end.encode("ascii")
            end = "\r\n"
        return cls(
            head.encode("ascii"),
            _encoded_literals(email.text, start, f"\r\n{between}"),
            _encoded_literals(email.html, "", end),
            email.text.slots,
            email.html.slots,
            photos,
        )

    def rewritten(self, rewrite: Callable[[bytes], bytes]) -> "_Body":
        """Return the same with something done to all lines, each within its own piece.

        Lines of base64 and of its headers hold nothing that is doubled or taken out: all
        forms share them.
        """
        return replace(
            self,
            text=tuple(map(rewrite, self.text)),
            html=tuple(map(rewrite, self.html)),
            rewrite=rewrite,
        )

    def filled(self, in_html: SlotValues, in_text: SlotValues) -> list[bytes]:
        pieces = [self.text[0]]
        for slot, literal in zip(self.text_slots, self.text[1:], strict=True):
            pieces += (self._encoded(in_text[slot]), literal)
        pieces.append(self.html[0])
        for slot, literal in zip(self.html_slots, self.html[1:], strict=True):
            pieces += (self._encoded(in_html[slot]), literal)
        if self.photos:
            pieces.append(self.photos)
        return pieces

    def _encoded(self, value: str) -> bytes:
        encoded = _quoted_printable(value)
        # A greeting that begins with a dot stands behind a soft break, at the start of a line.
        return self.rewrite(encoded) if self.rewrite else encoded


def _stuffed(lines: bytes) -> bytes:
    """Return whole lines with the dot at the start of a line doubled (RFC 5321, 4.5.2)."""
    doubled = lines.replace(b"\r\n.", b"\r\n..")
    return b"." + doubled if doubled.startswith(b".") else doubled


def _relaxed_lines(lines: bytes) -> bytes:
    return _SPACE_AT_END.sub(b"", _SPACES.sub(b" ", lines))


def _relaxed_headers(head: bytes) -> dict[bytes, bytes]:
    lines = [line.partition(b":") for line in _FOLD.sub(b"", head).split(b"\r\n")[:-1]]
    relaxed = ((name.lower(), _SPACES.sub(b" ", value).strip(b" ")) for name, _, value in lines)
    return {name: b"%b:%b" % (name, value) for name, value in relaxed}


def _part_head(boundary: str, subtype: str) -> str:
    return f"--{boundary}\r\n{_part_fields(subtype)}\r\n"


def _part_fields(subtype: str) -> str:
    return (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n"
    )


def _encoded_photos(photos: Sequence[Photo], boundary: str) -> Iterator[bytes]:
    for no, photo in enumerate(photos, start=1):
        head = (
            f"--{boundary}\r\nContent-Type: {photo.media_type}\r\n"
            f"Content-Transfer-Encoding: base64\r\nContent-ID: <{photo.content_id}>\r\n"
            f'Content-Disposition: inline; filename="{photo_name(no, photo)}"\r\n\r\n'
        )
        yield head.encode("ascii")
        yield encodebytes(photo.data).replace(b"\n", b"\r\n")
    yield f"--{boundary}--\r\n".encode("ascii")


def photo_name(no: int, photo: Photo) -> str:
    """Return what a photo, counted from 1, is called in a copy: nothing of its own file."""
    return f"photo-{no}.{'png' if photo.media_type == 'image/png' else 'jpg'}"


def _encoded_literals(shell: Shell, before: str, after: str) -> tuple[bytes, ...]:
    """Return the literals encoded, each slot standing on lines of its own between soft breaks."""
    # A bare line feed before a dot ends the message for some servers and not for others.
    encoded = [_quoted_printable(_LINE_END.sub("\n", literal)) for literal in shell.literals]
    for no in range(len(encoded) - 1):
        encoded[no] += b"=\r\n"
        encoded[no + 1] = b"=\r\n" + encoded[no + 1]
    encoded[0] = before.encode("ascii") + encoded[0]
    encoded[-1] += after.encode("ascii")
    return tuple(encoded)


def _quoted_printable(text: str) -> bytes:
    # The letter at the end keeps room for a soft break after the last line, and keeps a
    # space or a dot before it from being at an end of line.
    encoded = binascii.b2a_qp((text + "A").encode(), istext=True)[:-1]
    return encoded.replace(b"\n", b"\r\n")


# --- what may stand in a header ---------------------------------------------------------------


def _mailbox(name: str, address: str) -> bytes:
    """Return `name <address>` (RFC 5322, 3.4) with the name in any script (RFC 2047).

    An international address stands as it is, in UTF-8 (RFC 6532).
    """
    if not name:
        return address.encode()
    if _is_plain(name) and len(name) <= _LONGEST_PLAIN_NAME:
        return f"{_quoted(name)} <{address}>".encode()
    return b"%b\r\n <%b>" % (b"\r\n ".join(_encoded_words(name)), address.encode())


def _encoded_words(text: str) -> Iterator[bytes]:
    # By hand, because Header takes 100 us, for every person anew.
    rest = text.encode()
    while rest:
        end = min(_WORD_BYTES, len(rest))
        while end < len(rest) and rest[end] & 0xC0 == 0x80:  # not within a character
            end -= 1
        yield b"=?utf-8?b?%b?=" % b64encode(rest[:end])
        rest = rest[end:]


def _is_plain(text: str) -> bool:
    return _PRINTABLE.fullmatch(text) is not None and "=?" not in text


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _encoded_subject(subject: str) -> bytes:
    if _is_plain(subject) and len(subject) <= _LONGEST_PLAIN_SUBJECT:
        return subject.encode("ascii")
    header = Header(subject, "utf-8", maxlinelen=76, header_name="Subject")
    return header.encode(linesep="\r\n").encode("ascii")


def _wire_address(address: str) -> str:
    """Return the address with its domain in ASCII.

    Raises:
        ValueError: it is none, or its part before the @ is not ASCII.
    """
    if _ADDRESS.fullmatch(address):
        return address
    try:
        ascii_address = validate_email(address, check_deliverability=False).ascii_email
    except EmailNotValidError:
        ascii_address = None
    if ascii_address is None:
        raise ValueError("an address that cannot stand in a header")
    return ascii_address


def is_international(address: str) -> bool:
    """Whether only a server that knows SMTPUTF8 (RFC 6531) can take an address.

    Letters of any script before the @, at most 64 bytes of UTF-8, and a domain in ASCII.
    """
    return (
        not address.isascii()
        and _INTERNATIONAL.fullmatch(address) is not None
        and address.isprintable()
        and len(address.encode()) <= 254
        and len(address.partition("@")[0].encode()) <= 64
    )


def _recipient_address(address: str) -> str:
    return address if is_international(address) else _wire_address(address)


def own_address(address: str, setting: str) -> str:
    """Return an address of the settings as it goes on the wire: the domain in ASCII.

    Raises:
        Problem: it is none that mail can come from.
    """
    try:
        return _wire_address(address)
    except ValueError:
        raise Problem(
            f"The setting {setting} is no address that mail can be sent from: correct it in "
            "newsletter.toml."
        ) from None


def _own_url(url: str, setting: str) -> str:
    if not _URL.fullmatch(url):
        raise Problem(
            f"The setting {setting} holds a space or a character that is not ASCII: write it as "
            "the browser's address line copies it."
        )
    return url


def _header_url(url: str) -> str:
    if not _URL.fullmatch(url):
        raise ValueError("a link that cannot stand in a header")
    return url


def _line(text: str, what: str) -> str:
    if _CONTROL.search(text):
        raise Problem(f"There is a line break or a control character in {what}: take it out.")
    return text
