"""Addresses and names as people write them, made fit for the wire.  Pure: no look-ups.

Most addresses are plain ASCII and pass a strict pattern in a microsecond; all else goes to
email-validator, which is right and forty times slower.
"""

import re
import unicodedata
from typing import NamedTuple
from urllib.parse import unquote

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from subscribers.errors import UnreadableInput

NAME_LIMIT = 200

# RFC 5321 4.5.3.1 (lengths), RFC 5322 3.2.3 (dot-atom), RFC 1123 2.1 (host names).  Hyphens in
# a label's third and fourth place are left to email-validator: they may begin an A-label.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"(?!..--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN = re.compile(
    rf"(?=.{{6,254}}\Z)(?=[^@]{{1,64}}@)({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+([A-Za-z]{{2,63}}))",
    re.ASCII,
)
_SPECIAL = frozenset(name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES)

# Nobody reads mail there, or whoever does would report it as abuse.
_ROLES = frozenset(
    {
        "abuse",
        "do-not-reply",
        "donotreply",
        "mailer-daemon",
        "no-reply",
        "noreply",
        "postmaster",
    }
)

# What copying from web pages and word processors leaves behind: zero-width space, joiners,
# marks of direction, soft hyphen, byte order mark.  Inside, U+200C and U+200D can be part of
# a domain in Persian or Malayalam.
_INVISIBLE = dict.fromkeys(
    (0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)
)
_JOINERS = "\u200c\u200d"
_IN_BRACKETS = re.compile(r"(.*)<([^<>]*)>", re.DOTALL)


class UnusableAddress(UnreadableInput):
    """The address cannot be written to; the message never repeats it."""


class UnusableName(UnreadableInput):
    """The name cannot be one person's; the message never repeats it."""


class Address(NamedTuple):
    """An address that can be written to."""

    wire: str  # as it goes on the wire: local part as typed, domain as lower-case A-labels
    name: str | None = None  # the name written beside it, `Name <a@b>`

    @property
    def key(self) -> str:
        """What makes two addresses one person: the wire form in lower case."""
        return self.wire.casefold()


def read_address(written: str) -> Address:
    """Return the address in `written`: bare, `mailto:a@b` or `Name <a@b>`.

    Raises:
        UnusableAddress: why mail cannot be sent there, without the address itself.
    """
    if plain := _PLAIN.fullmatch(written):
        local, domain, top = plain.groups()
        if top.lower() not in _SPECIAL:
            return _allowed(local, domain.lower(), None)
    text, name = _cleaned(written)
    local, domain = _validated(text)
    return _allowed(local, domain, name)


def clean_name(written: str) -> str | None:
    """Return a name on one line, in NFC, with single spaces; None if nothing is left.

    Raises:
        UnusableName: several lines, an address or a whole text in its place.
    """
    text = written.strip()
    if not text:
        return None
    if len(text) > NAME_LIMIT:
        raise UnusableName(f"The name is longer than {NAME_LIMIT} characters.")
    if "@" in text:
        raise UnusableName("There is an address in the place of the name.")
    if any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in text if c != "\t"):
        raise UnusableName("The name holds a line break or a control character.")
    kept = "".join(
        c for c in text if not "\u202a" <= c <= "\u202e" and not "\u2066" <= c <= "\u2069"
    )
    return unicodedata.normalize("NFC", " ".join(kept.split())) or None


def masked(address: str) -> str:
    """Return `a***@e***.org`: enough for its owner to know it, on pages that others may see."""
    local, _, domain = address.partition("@")
    host, _, top = domain.rpartition(".")
    return f"{local[:1]}***@{host[:1]}***.{top}"


def _cleaned(written: str) -> tuple[str, str | None]:
    text = written.translate(_INVISIBLE).strip().strip(_JOINERS).strip()
    name = None
    if bracketed := _IN_BRACKETS.fullmatch(text):
        before, text = bracketed.groups()
        name = _name_beside(before)
    text = text.strip()
    if text[:7].lower() == "mailto:":
        text = unquote(text[7:].partition("?")[0]).strip()
    return text, name


def _name_beside(written: str) -> str | None:
    try:
        return clean_name(written.strip().strip("\"'"))
    except UnusableName:
        return None  # the address is what counts here


def _validated(text: str) -> tuple[str, str]:
    try:
        found = validate_email(text, strict=True, check_deliverability=False)
    except EmailNotValidError:
        raise UnusableAddress(_fault(text)) from None
    if found.ascii_email is None or found.ascii_local_part is None:
        raise UnusableAddress(
            "The part before the @ has letters that many mail servers cannot take yet: ask for "
            "another address."
        )
    return found.ascii_local_part, found.ascii_domain


def _allowed(local: str, domain: str, name: str | None) -> Address:
    if local.lower() in _ROLES:
        raise UnusableAddress(
            "This address belongs to a machine or an office for complaints: ask for a person's "
            "address."
        )
    return Address(f"{local}@{domain}", name)


def _fault(text: str) -> str:
    """Return what is wrong in words of our own: email-validator's quote the address."""
    if not text:
        return "There is no address."
    if any(unicodedata.category(c) == "Cc" for c in text):
        return "The address holds a line break or a control character."
    if text.count("@") != 1:
        return "An address has exactly one @."
    if any(c.isspace() or c in ",;" for c in text):
        return "There is a space or a comma in the address; one address is wanted."
    local, _, domain = text.partition("@")
    if domain.rpartition(".")[2].lower() in _SPECIAL:
        return "The part after the @ is reserved for tests: no mail arrives there."
    if not local or len(local) > 64:
        return "The part before the @ is missing or longer than 64 characters."
    if "." not in domain.strip("."):
        return "The part after the @ is incomplete: it needs an ending such as .org."
    return "This is no address that mail can be sent to: compare it with the original."
