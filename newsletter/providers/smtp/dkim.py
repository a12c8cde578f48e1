"""DKIM (RFC 6376): the sender's domain answers for exactly the bytes of a copy.

One signature for each key: RSA, which everybody verifies, and Ed25519 (RFC 8463).  Made when a
copy is handed over, so that one that is tried again hours later says the new time.  There is no
`x=`: a mail that waits in a queue on the way would come to its end there.  There is no `l=`: it
would leave room for anybody's text behind ours.
"""

import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from newsletter import config
from newsletter.errors import Problem
from newsletter.message import MessageForm, Recipient, own_address
from newsletter.providers.base import in_words
from subscribers.style import Style

# Named once more than they occur, so that a second one, put in front by somebody else, breaks
# the signature.  RFC 8058 trusts a one-click pair only where it is signed.
_ONLY_ONCE = (
    *("from", "reply-to", "to", "cc", "subject", "date", "message-id", "mime-version"),
    *("content-type", "list-unsubscribe", "list-unsubscribe-post", "list-id"),
)
# Precedence and X-Practice are not: servers on the way may do with them as they like.
_ALSO = ("list-owner", "list-help", "feedback-id", "auto-submitted", "content-language")
TABLE, DISCREET_TABLE = "[provider.smtp.dkim]", "[discreet.dkim]"
_LINE = 72
_FOLD = "\r\n "
_FEWEST_BITS = 2048  # RFC 8301 asks for 1024; large receivers count less than 2048 as none


@dataclass(frozen=True)
class SigningKey:
    """A private key, and where in the domain its public half is found."""

    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        """The value of `a=`."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    def sign(self, digest: bytes) -> bytes:
        """Return the signature of a SHA-256 digest."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(digest, PKCS1v15(), Prehashed(hashes.SHA256()))
        return self.private.sign(digest)

    def record(self) -> str:
        """Return what the DNS has to say at `selector._domainkey.domain`, as TXT."""
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            kind, shape = "rsa", (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            kind, shape = "ed25519", (Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k={kind}; p={_base64(public.public_bytes(*shape))}"


@dataclass(frozen=True)
class Signer:
    """The keys of one domain.  Shared by threads."""

    domain: str
    keys: tuple[SigningKey, ...]

    def signs_for(self, sender_email: str) -> bool:
        """Whether a signature of this domain counts for a From address (DMARC, relaxed).

        The one has to be the other or to lie below it.
        """
        domain = f".{sender_email.rpartition('@')[2].lower()}"
        return domain.endswith(f".{self.domain}") or f".{self.domain}".endswith(domain)

    def signatures(self, form: MessageForm, recipient: Recipient, at: int) -> bytes:
        """Return the DKIM-Signature headers of one copy, to stand above all others.

        Nothing for a sender of another domain, whose readers may not be told of this one.
        `at` is in seconds since 1970.

        Raises:
            ValueError: as `MessageForm.copy_for`.
        """
        if not self.signs_for(form.sender_email):
            return b""
        headers, body = form.relaxed_for(recipient)
        body_hash = _base64(hashlib.sha256(body).digest())
        named = _named(tuple(headers))
        signed = b"".join([headers[name] + b"\r\n" for name in named.present])
        return b"".join(
            [self._signature(key, named.written, signed, body_hash, at) for key in self.keys]
        )

    def dns_records(self) -> Mapping[str, str]:
        """Return what to publish: the TXT record of each name."""
        return {f"{key.selector}._domainkey.{self.domain}": key.record() for key in self.keys}

    def _signature(
        self, key: SigningKey, named: str, signed: bytes, body_hash: str, at: int
    ) -> bytes:
        tags = (
            f"v=1; a={key.algorithm}; c=relaxed/relaxed; d={self.domain};\r\n"
            f" s={key.selector}; t={at};\r\n"
            f" h={named};\r\n"
            f" bh={body_hash};\r\n"
            " b="
        )
        itself = f"dkim-signature:{tags}".replace(_FOLD, " ").encode("ascii")
        signature = _base64(key.sign(hashlib.sha256(signed + itself).digest()))
        lines = [signature[no : no + _LINE] for no in range(0, len(signature), _LINE)]
        return f"DKIM-Signature: {tags}{_FOLD.join(lines)}\r\n".encode("ascii")


@dataclass(frozen=True)
class Signers:
    """Whose keys sign what: the ministry's never the discreet mail, nor the other way round."""

    everybodys: Signer | None
    discreets: Signer | None

    def signatures(self, form: MessageForm, recipient: Recipient, at: int) -> bytes:
        """Return the DKIM-Signature headers of one copy, as `Signer.signatures`."""
        is_discreet = form.envelope.style is Style.DISCREET
        signer = self.discreets if is_discreet else self.everybodys
        return signer.signatures(form, recipient, at) if signer else b""


@dataclass(frozen=True)
class _Named:
    present: tuple[bytes, ...]  # names of the headers that are signed, in their order
    written: str  # the value of `h=`, folded


@cache
def _named(headers: tuple[bytes, ...]) -> _Named:
    """Return what is signed of a message that has these headers, each of them once."""
    present, written = [], []
    for name in (*_ONLY_ONCE, *_ALSO):
        if name.encode() in headers:
            present.append(name.encode())
            written.append(name)
        if name in _ONLY_ONCE:
            written.append(name)
    lines = [""]
    for name in written:
        if len(lines[-1]) + len(name) > _LINE:
            lines.append("")
        lines[-1] += f"{name}:"
    return _Named(tuple(present), _FOLD.join(lines).removesuffix(":"))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


# --- where the keys come from ---------------------------------------------------------


def read_signer(
    settings: config.Dkim,
    pems: Mapping[str, str],
    folder: Path,
    sender_email: str,
    table: str = TABLE,
) -> Signer | None:
    """Return who signs, None where no key is named; `table` is that of the settings.

    `pems` are the keys of the environment, by the names of `_KINDS`; they win over files, whose
    names are relative to `folder`.

    Raises:
        Problem: a key cannot be read, is seen by others or too weak, a selector is missing, or
            the domain does not fit the sender's.
    """
    found = [_read_key(kind, settings, pems.get(kind, ""), folder, table) for kind in _KINDS]
    keys = tuple(key for key in found if key)
    if not keys:
        if settings.domain:
            raise Problem(
                f"There is a domain under {table} and no key: name one in "
                "rsa_key_file, or leave the domain out."
            )
        return None
    sender = own_address(sender_email, "sender.email")
    signer = Signer((settings.domain or sender.rpartition("@")[2]).lower(), keys)
    if not signer.signs_for(sender):
        raise Problem(
            f"The domain {signer.domain} under {table} cannot sign for the sender: it must be the "
            f"domain of {_EMAIL_OF.get(table, '[sender] email')}, or one above or below it."
        )
    return signer


_EMAIL_OF = {DISCREET_TABLE: "[discreet] email"}
_KINDS: Mapping[str, tuple[str, type[RSAPrivateKey | Ed25519PrivateKey]]] = {
    "rsa": ("RSA -pkeyopt rsa_keygen_bits:2048", RSAPrivateKey),
    "ed25519": ("Ed25519", Ed25519PrivateKey),
}
_MAKE = "make one with openssl genpkey -algorithm {}."


def _read_key(
    kind: str, settings: config.Dkim, pem: str, folder: Path, table: str
) -> SigningKey | None:
    file: str = getattr(settings, f"{kind}_key_file")
    selector: str = getattr(settings, f"{kind}_selector")
    if not pem and not file:
        if selector:
            raise Problem(
                f"There is a {kind}_selector under {table} and no key: name one in "
                f"{kind}_key_file, or leave the selector out."
            )
        return None
    if not selector:
        raise Problem(
            f"There is a DKIM key and no {kind}_selector under {table}: write the "
            "name under which its public half stands in the DNS."
        )
    what = (
        f"The DKIM key {folder / file}" if not pem else f"The DKIM key in DKIM_{kind.upper()}_KEY"
    )
    return SigningKey(
        selector, _opened(kind, pem.encode() or _read(folder / file, what, table), what)
    )


def _read(path: Path, what: str, table: str) -> bytes:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise Problem(f"{what} may be read by others: chmod 600 {path}.")
            return file.read()
    except OSError as error:
        raise Problem(
            f"{what} cannot be read ({in_words(error)}): correct its name under "
            f"{table}, or give this user the right to read it."
        ) from None


def _opened(kind: str, pem: bytes, what: str) -> RSAPrivateKey | Ed25519PrivateKey:
    algorithm, right = _KINDS[kind]
    try:
        private = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it wants a passphrase
        private = None
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey) or not isinstance(private, right):
        raise Problem(
            f"{what} is no private key of that kind, in PEM and without a passphrase: "
            f"{_MAKE.format(algorithm)}"
        )
    if isinstance(private, RSAPrivateKey) and private.key_size < _FEWEST_BITS:
        raise Problem(
            f"{what} has {private.key_size} bits, and receivers ask for {_FEWEST_BITS}: "
            f"{_MAKE.format(algorithm)}"
        )
    return private
