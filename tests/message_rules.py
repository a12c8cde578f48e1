"""What every mail has to keep, on its final bytes; each rule once, with where it comes from.

`broken_rules(raw, "bulletin")` returns the names of the rules that a message breaks.  Kinds are
those of mail: a bulletin and its test carry the headers of a list, all others come from a
machine for one person.  To add a rule: a line in `RULES`, and one in `SPOILT` of
tests/test_message_rules.py that breaks it.
"""

import binascii
import email.policy
import html
import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.utils import format_datetime, parsedate_to_datetime
from functools import cached_property
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

Kind = Literal["bulletin", "test", "notice", "confirmation", "welcome", "goodbye"]

LIST: frozenset[Kind] = frozenset({"bulletin", "test"})
MACHINE: frozenset[Kind] = frozenset({"notice", "confirmation", "welcome", "goodbye"})
ALL = LIST | MACHINE


@dataclass(frozen=True)
class Mail:
    """A message as it left, taken apart."""

    raw: bytes
    kind: Kind
    text_only: bool  # of the style *plain*, which has no HTML part
    says: Sequence[str]  # what both parts have to say, the postal address for one

    @cached_property
    def lines(self) -> list[bytes]:
        """The header as it is folded."""
        return self.raw.partition(b"\r\n\r\n")[0].split(b"\r\n")

    @cached_property
    def fields(self) -> list[tuple[str, str]]:
        """The header unfolded: names in small letters, values as they are written."""
        unfolded = re.sub(rb"\r\n(?=[ \t])", b"", b"\r\n".join(self.lines))
        split = (line.partition(b":") for line in unfolded.split(b"\r\n"))
        return [
            (n.decode("latin-1").lower(), v.decode(errors="replace").strip()) for n, _, v in split
        ]

    def values(self, name: str) -> list[str]:
        """Return how a header is written, as often as it occurs."""
        return [value for each, value in self.fields if each == name.lower()]

    def value(self, name: str) -> str:
        """Return how a header is written first, "" where it is missing."""
        return next(iter(self.values(name)), "")

    @cached_property
    def message(self) -> EmailMessage:
        """The message as a mail program reads it."""
        message = message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return message

    @cached_property
    def parts(self) -> list[EmailMessage]:
        """The leaves, in their order."""
        return [
            p for p in self.message.walk() if isinstance(p, EmailMessage) and not p.is_multipart()
        ]

    def part(self, kind: str) -> str:
        """Return the text of the first part of a kind, decoded; "" where there is none."""
        for part in self.parts:
            if part.get_content_type() == f"text/{kind}":
                return bytes(part.get_payload(decode=True) or b"").decode(errors="replace")
        return ""

    def addresses(self, name: str) -> list[str]:
        """Return the addresses in a header."""
        header = self.message[name]
        return [a.addr_spec for a in header.addresses] if isinstance(header, AddressHeader) else []

    @property
    def sender_domain(self) -> str:
        """The domain in From."""
        return next(iter(self.addresses("From")), "@").rpartition("@")[2]

    @property
    def way_to_leave(self) -> str:
        """The first URL of List-Unsubscribe."""
        found = re.match(r"<([^<>]*)>", self.value("List-Unsubscribe"))
        return found[1] if found else ""


Keeps = Callable[[Mail], object]


class Rule(NamedTuple):
    """One rule: its name, where it comes from, whether a mail keeps it, and for which kinds."""

    name: str
    source: str
    keeps: Keeps
    kinds: frozenset[Kind] = ALL


def broken_rules(
    raw: bytes, kind: Kind, *, text_only: bool = False, says: Sequence[str] = ()
) -> list[str]:
    """Return the names of the rules that a message breaks, none for a good one.

    `raw` is the message without its dots doubled.  Each of `says`, the postal address for one,
    has to stand in every part.
    """
    mail = Mail(raw, kind, text_only, tuple(says))
    return [rule.name for rule in RULES if kind in rule.kinds and not rule.keeps(mail)]


# --- what the rules look at -----------------------------------------------------------

KNOWN = {
    *("from", "reply-to", "to", "subject", "date", "message-id", "mime-version", "content-type"),
    *("list-unsubscribe", "list-unsubscribe-post", "list-id", "list-owner", "list-help"),
    *("list-archive", "list-subscribe", "list-post", "feedback-id", "precedence"),
    *("auto-submitted", "content-language", "cfbl-address", "x-practice", "dkim-signature"),
    "content-transfer-encoding",  # of a mail without parts
}
REQUIRED = ("from", "to", "subject", "date", "message-id", "mime-version", "content-type")
WORDED = {"from", "to", "reply-to", "subject"}  # may hold encoded words
ENCODED_WORD = re.compile(rb"=\?([^?\s]+)\?([bBqQ])\?([^?\s]*)\?=")
LIST_URL = r"<(?:https://[!-;=?-~]+|mailto:[!-;=?-~]+)>"
MARKUP = re.compile(r"</?(?:p|br|div|span|table|tr|td|a|h[1-6]|ul|ol|li)\b[^>]*>")
LOOPBACK = re.compile(r"http://127\.0\.0\.1[:/]")


def each_word_stands_alone(mail: Mail) -> bool:
    """Whether every encoded word is short, and holds whole characters (RFC 2047, 2 and 5)."""
    for line in mail.lines:
        words = list(ENCODED_WORD.finditer(line))
        if words and len(line) > 76:
            return False
        for word in words:
            if len(word[0]) > 75 or word[1].lower() != b"utf-8":
                return False
            try:
                if word[2] in b"bB":
                    b64decode(word[3], validate=True).decode()
                else:
                    binascii.a2b_qp(word[3], header=True).decode()
            except ValueError:
                return False
    return True


def encoded_words_only_where_they_belong(mail: Mail) -> bool:
    """Whether receivers find the bare value in all structured headers (RFC 2047, 5)."""
    bare = [value for name, value in mail.fields if name not in WORDED]
    inside = re.findall(r"<[^>]*>", mail.value("From") + mail.value("To") + mail.value("Reply-To"))
    return not any("=?" in value for value in (*bare, *inside))


def tells_its_language(mail: Mail) -> object:
    """Whether the header names a language, the same as the page."""
    told = mail.value("Content-Language")
    page = re.search(r'<html lang="([^"]*)" dir="(?:ltr|rtl)"', mail.part("html"))
    return re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", told) and (
        mail.text_only or (page and page[1] == told)
    )


def dated(mail: Mail) -> bool:
    """Whether Date is a moment with a zone, written in the usual way."""
    try:
        moment = parsedate_to_datetime(mail.value("Date"))
    except ValueError:
        return False
    return moment.tzinfo is not None and format_datetime(moment) == mail.value("Date")


def without_defects(mail: Mail) -> bool:
    """Whether Python's parser finds fault with nothing, neither with headers nor with parts."""
    faults = [part.defects for part in mail.message.walk()]
    for part in mail.message.walk():
        faults += [header.defects for header in part.values()]
    return not any(faults)


def alternative(mail: Mail) -> bool:
    """Whether it is text, and then HTML, possibly with pictures of its own; nothing attached."""
    kinds = [part.get_content_type() for part in mail.parts]
    if mail.text_only:
        return kinds == ["text/plain"]
    pictures = [part for part in mail.parts[2:] if part.get_content_maintype() == "image"]
    return (
        mail.message.get_content_type() == "multipart/alternative"
        and kinds[:2] == ["text/plain", "text/html"]
        and len(pictures) == len(kinds) - 2
        and all(
            part["Content-ID"] and f"cid:{part['Content-ID'][1:-1]}" in mail.part("html")
            for part in pictures
        )
    )


def readable(mail: Mail) -> bool:
    """Whether every text is UTF-8 in an encoding that every server passes on."""
    for part in mail.parts:
        if part.get_content_maintype() != "text":
            continue
        encoding = str(part.get("Content-Transfer-Encoding", "7bit")).lower()
        try:
            bytes(part.get_payload(decode=True) or b"").decode()
        except UnicodeDecodeError:
            return False
        if part.get_content_charset() != "utf-8" or encoding not in ("quoted-printable", "base64"):
            return False
    return True


def visible_words(page: str) -> list[str]:
    """Return the words of an HTML page that a reader sees."""
    body = re.sub(r"(?s)<!--.*?-->|<(style|title|head)\b.*?</\1>", " ", page)
    return html.unescape(re.sub(r"<[^>]+>", " ", body)).split()


def threes(text: str) -> set[str]:
    """Return each three letters that follow each other: in any script, wherever lines break."""
    letters = "".join(filter(str.isalnum, text))
    return {letters[at : at + 3] for at in range(len(letters) - 2)}


def text_is_no_stub(mail: Mail) -> object:
    """Whether the text says what the page says, and in no markup."""
    text = mail.part("plain")
    wanted = threes("".join(visible_words(mail.part("html"))))
    found = wanted & threes(text)
    return text.strip() and not MARKUP.search(text) and 5 * len(found) >= 4 * len(wanted)


def links_of(page: str) -> set[str]:
    """Return where the links of a page lead to."""
    return {html.unescape(link) for link in re.findall(r'href="((?:https?|mailto):[^"]*)"', page)}


def nobody_watches(mail: Mail) -> bool:
    """Whether nothing is fetched from anywhere when the page is opened."""
    page = mail.part("html")
    fetched = re.findall(r"""(?:\bsrc|\bsrcset|\bbackground)\s*=\s*["']?(?!cid:)[^"'\s>]""", page)
    return not fetched and not re.search(
        r"(?i)url\s*\(|@import|<(?:link|script|iframe|object)\b", page
    )


def mentions_nobody_else_than_in_to(mail: Mail) -> bool:
    """Whether the reader's address stands in To, and nowhere else, in no spelling."""
    address = next(iter(mail.addresses("To")), "").lower()
    rest = [
        v for n, v in mail.fields if n not in ("to", "from", "reply-to", "list-owner", "subject")
    ]
    rest += [mail.part("plain"), mail.part("html")]
    spellings = (address, address.replace("@", "%40"), address.replace("@", "="))
    return not any(each in text.lower() for each in spellings for text in rest)


def identifiers_are_opaque(mail: Mail) -> bool:
    """Whether no identifier and no link holds the part of the address before its @."""
    local = next(iter(mail.addresses("To")), "").partition("@")[0].lower()
    named = ("message-id", "feedback-id", "list-id", "list-help", "list-unsubscribe")
    said = [value for name in named for value in mail.values(name)]
    return len(local) < 4 or not any(local in text.lower() for text in said)


def message_id(mail: Mail) -> object:
    """Whether Message-ID is of the domain that sends."""
    found = re.fullmatch(r"<[A-Za-z0-9_.-]+@([A-Za-z0-9.-]+)>", mail.value("Message-ID"))
    return found and found[1] == mail.sender_domain and found[1] != "localhost"


def list_id(mail: Mail) -> object:
    """Whether List-Id is a name in the sender's domain, after a plain title or none."""
    label = rf"<[a-z0-9-]+(?:\.[a-z0-9-]+)*\.{re.escape(mail.sender_domain)}>"
    return re.fullmatch(rf'(?:"(?:[^"\\]|\\.)*" )?{label}', mail.value("List-Id"))


def feedback_id(mail: Mail) -> bool:
    """Whether Feedback-ID has four different fields, the last of 5 to 15 characters."""
    fields = mail.value("Feedback-ID").split(":")
    return (
        len(fields) == len(set(fields)) == 4
        and all(re.fullmatch("[A-Za-z0-9_.-]+", each) for each in fields)
        and 5 <= len(fields[3]) <= 15
    )


def one_click(mail: Mail) -> object:
    """Whether one https address comes first, on one line; http only in practice on loopback."""
    value = mail.value("List-Unsubscribe")
    if LOOPBACK.match(mail.way_to_leave) and mail.value("X-Practice") == "yes":
        value = value.replace("http://", "https://", 1)
    written = [line for line in mail.lines if line.lower().startswith(b"list-unsubscribe:")]
    first = re.match(r"<(https://[^<>]*)>", value)
    return (
        re.fullmatch(rf"{LIST_URL}(?:, {LIST_URL})*", value)
        and first
        and urlsplit(first[1]).hostname
        and all(line.endswith(b">") for line in written)
    )


def signed_rightly(mail: Mail) -> bool:
    """Whether each signature covers From and the pair twice over, wholly, for our domain."""
    for value in mail.values("DKIM-Signature"):
        tags = dict(re.findall(r"(\w+)=([^;]*)(?:;|$)", value))
        named = [name.strip() for name in tags["h"].split(":")]
        has = [name for name, _ in mail.fields]
        more = {
            name: named.count(name) - has.count(name)
            for name in ("from", "subject", "list-unsubscribe", "list-unsubscribe-post")
        }
        aligned = f".{mail.sender_domain}".endswith(f".{tags['d']}") or f".{tags['d']}".endswith(
            f".{mail.sender_domain}"
        )
        if "l" in tags or set(more.values()) != {1} or not aligned:
            return False
    return True


def in_both_parts(mail: Mail, words: str) -> bool:
    """Whether every part says something, wherever its lines break."""
    wanted = "".join(words.split())
    page = "".join(visible_words(mail.part("html")))
    return wanted in "".join(mail.part("plain").split()) and (mail.text_only or wanted in page)


# --- the rules ------------------------------------------------------------------------

RULES: tuple[Rule, ...] = (
    # raw: RFC 5321 and 5322, and what servers make of lines
    Rule("raw.crlf", "RFC 5322, 2.1",
         lambda m: m.raw.count(b"\r\n") == m.raw.count(b"\n") == m.raw.count(b"\r")),
    Rule("raw.ends-in-crlf", "RFC 5321, 4.1.1.4", lambda m: m.raw.endswith(b"\r\n")),
    Rule("raw.no-nul", "RFC 5322, 2.1", lambda m: b"\0" not in m.raw),
    Rule("raw.line-length", "RFC 5322, 2.1.1",
         lambda m: max(map(len, m.raw.split(b"\r\n"))) <= 998),
    Rule("raw.body-line-length", "RFC 2045, 6.7",
         lambda m: max(map(len, m.raw.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76),
    Rule("raw.ascii", "RFC 5322, 2.2; an address in To may be of RFC 6532",
         lambda m: all(v.isascii() for n, v in m.fields if n != "to")
         and m.raw.partition(b"\r\n\r\n")[2].isascii()),
    # hdr: one of each, and nothing that we do not know of
    Rule("hdr.required", "RFC 5322, 3.6", lambda m: all(m.value(name) for name in REQUIRED)),
    Rule("hdr.once", "RFC 5322, 3.6",
         lambda m: all(len(m.values(n)) == 1 for n, _ in m.fields if n != "dkim-signature")),
    Rule("hdr.known", "no X-Mailer, no address of a machine: nothing that we did not mean",
         lambda m: {name for name, _ in m.fields} <= KNOWN),
    Rule("hdr.no-defects", "email.policy.default", without_defects),
    Rule("hdr.from", "RFC 5322, 3.6.2: one mailbox, of a real domain",
         lambda m: len(m.addresses("From")) == 1 and "." in m.sender_domain),
    Rule("hdr.to", "RFC 5322, 3.6.3: one mailbox, the reader's",
         lambda m: len(m.addresses("To")) == 1),
    Rule("hdr.reply-to", "RFC 5322, 3.6.2",
         lambda m: not m.values("Reply-To") or len(m.addresses("Reply-To")) == 1),
    Rule("hdr.date", "RFC 5322, 3.6.1", dated),
    Rule("hdr.message-id", "RFC 5322, 3.6.4", message_id),
    Rule("hdr.content-language", "RFC 3282", tells_its_language),
    Rule("hdr.encoded-words", "RFC 2047, 2", each_word_stands_alone),
    Rule("hdr.no-encoded-words-in-structured", "RFC 2047, 5", encoded_words_only_where_they_belong),
    # mime: two texts that every program reads
    Rule("mime.alternative", "RFC 2046, 5.1.4", alternative),
    Rule("mime.utf-8", "RFC 2045, 6", readable),
    Rule("mime.text-is-no-stub", "SpamAssassin MPART_ALT_DIFF",
         lambda m: m.text_only or text_is_no_stub(m)),
    Rule("mime.text-has-every-link", "the text is for reading too",
         lambda m: all(link in m.part("plain") for link in links_of(m.part("html")))),
    Rule("mime.says", "CAN-SPAM, CASL: who writes, and the postal address",
         lambda m: all(in_both_parts(m, words) for words in m.says)),
    # privacy
    Rule("privacy.nobody-watches", "no pixel, nothing from elsewhere", nobody_watches),
    Rule("privacy.address-only-in-to", "one person's data", mentions_nobody_else_than_in_to),
    Rule("privacy.opaque-identifiers", "no address in links and identifiers",
         identifiers_are_opaque),
    # list: what receivers' buttons read
    Rule("list-unsubscribe.syntax", "RFC 2369, RFC 8058", one_click, LIST),
    Rule("list-unsubscribe-post.exact", "RFC 8058, 3.1",
         lambda m: m.values("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"], LIST),
    Rule("list-unsubscribe.in-both-parts", "the same way out for the eye",
         lambda m: m.way_to_leave and m.way_to_leave in m.part("plain")
         and (m.text_only or m.way_to_leave in links_of(m.part("html"))), LIST),
    Rule("list-id.syntax", "RFC 2919", list_id, LIST),
    Rule("list-owner.syntax", "RFC 2369, 3.5",
         lambda m: re.fullmatch(r"<mailto:[^<>@\s]+@[A-Za-z0-9.-]+>", m.value("List-Owner")), LIST),
    Rule("list-others.syntax", "RFC 2369: bare URLs, no List-Post but NO",
         lambda m: all(re.fullmatch(LIST_URL, v) or LOOPBACK.match(v[1:]) for n in
                       ("List-Help", "List-Archive", "List-Subscribe") for v in m.values(n))
         and m.value("List-Post") in ("", "NO"), LIST),
    Rule("list.none", "of no list: nothing to leave",
         lambda m: not any(name.startswith("list-") for name, _ in m.fields), MACHINE),
    Rule("precedence.bulk", "SpamAssassin MAILING_LIST_MULTI",
         lambda m: m.values("Precedence") == ["bulk"], LIST),
    Rule("precedence.none", "meant for one person", lambda m: not m.values("Precedence"), MACHINE),
    Rule("auto-submitted.generated", "RFC 3834, 5",
         lambda m: m.values("Auto-Submitted") == ["auto-generated"], MACHINE),
    Rule("auto-submitted.none", "RFC 3834, 5: written by people",
         lambda m: not m.values("Auto-Submitted"), LIST),
    Rule("feedback-id.syntax", "support.google.com/mail/answer/6254652", feedback_id, LIST),
    Rule("cfbl-address.syntax", "RFC 9477, 3",
         lambda m: all(re.fullmatch(r"[^\s@]+@[A-Za-z0-9.-]+; ?report=(?:arf|xarf)", v)
                       for v in m.values("CFBL-Address"))),
    Rule("dkim.covers", "RFC 6376, RFC 8058, 4", signed_rightly),
    Rule("practice.says-so", "nothing else may stand there",
         lambda m: m.values("X-Practice") in ([], ["yes"])),
)  # fmt: skip
