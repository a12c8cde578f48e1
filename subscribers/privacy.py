"""Encryption at rest, blind indexes and the tokens in mailed links.

Three keys are derived from the site key by HKDF-SHA256 (RFC 5869): one encrypts
(AES-256-GCM), one indexes (HMAC-SHA256, cut to 16 bytes), one makes tokens (AES-256, one
block each).  A stolen database without the site key names no one.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Sequence
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from subscribers.errors import Problem

SITE_KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE_BYTES = 12
_HEAD_BYTES = len(_VERSION) + _NONCE_BYTES
_ID_BYTES = 6  # 2.8e14 rows
_TOKEN_LETTERS = 23


class Purpose(IntEnum):
    """What a token is for; a token made for one purpose never opens another."""

    UNSUBSCRIBE = 1  # names a subscription, so that no retention period kills the link
    PREFERENCES = 2  # names a subscriber
    DELIVERY = 3  # names a delivery: Message-ID, provider metadata, practice file names
    SAMPLE = 4  # names nobody: previews and test sends


class KeyMismatch(Problem):
    """The site key does not belong to this database."""


def new_site_key() -> str:
    """Return a fresh site key as 64 hexadecimal digits."""
    return secrets.token_hex(SITE_KEY_BYTES)


class Keys:
    """Everything that the site key opens.  Safe to share between threads."""

    def __init__(self, site_key: str, key_id: int = 1) -> None:
        """Derive the keys.

        Raises:
            Problem: `site_key` is not 64 hexadecimal digits.
        """
        try:
            raw = bytes.fromhex(site_key.strip())
        except ValueError:
            raw = b""
        if len(raw) != SITE_KEY_BYTES:
            raise Problem(
                "The site key is not 64 hexadecimal digits: put the secret.key of this site "
                "back, or correct NEWSLETTER_SECRET_KEY."
            )
        self.key_id = key_id
        self._aead = AESGCM(_derive(raw, b"encryption"))
        self._index_key = _derive(raw, b"index")
        self._token_key = _derive(raw, b"token")

    def fingerprint(self) -> bytes:
        """Return 16 bytes that tell whether a database was written under this key."""
        return self.index("fingerprint", "")

    # --- encryption -------------------------------------------------------------------

    def encrypt(self, text: str, column: str, row: bytes) -> bytes:
        """Encrypt `text`; it opens only under the same `column` and `row` name."""
        return self.encrypt_bytes(text.encode(), column, row)

    def decrypt(self, sealed: bytes, column: str, row: bytes) -> str:
        """Return the text that `encrypt` sealed.

        Raises:
            KeyMismatch: another key, column or row, or damaged bytes.
        """
        return self.decrypt_bytes(sealed, column, row).decode()

    def encrypt_bytes(self, data: bytes, column: str, row: bytes) -> bytes:
        """Return version, nonce and AES-256-GCM ciphertext of `data`."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._aead.encrypt(nonce, data, column.encode() + b"\0" + row)

    def decrypt_bytes(self, sealed: bytes, column: str, row: bytes) -> bytes:
        """Return the bytes that `encrypt_bytes` sealed; raises like `decrypt`."""
        nonce, body = sealed[1:_HEAD_BYTES], sealed[_HEAD_BYTES:]
        try:
            if sealed[:1] != _VERSION or len(sealed) < _HEAD_BYTES:
                raise InvalidTag
            return self._aead.decrypt(nonce, body, column.encode() + b"\0" + row)
        except InvalidTag:
            raise KeyMismatch(
                "This site key does not open the database: put the right secret.key back, "
                "or restore the database that belongs to it."
            ) from None

    # --- blind indexes ----------------------------------------------------------------

    def address_index(self, address: str) -> bytes:
        """Return the 16-byte look-up key of an address, the same in capitals."""
        return self.index("address", unicodedata.normalize("NFC", address).casefold())

    def index(self, kind: str, text: str) -> bytes:
        """Return 16 bytes that are equal for equal texts and tell nothing without the key."""
        message = kind.encode() + b"\0" + text.encode()
        return hmac.digest(self._index_key, message, hashlib.sha256)[:16]

    # --- tokens -----------------------------------------------------------------------

    def token(self, purpose: Purpose, number: int) -> str:
        """Return 23 characters of [A-Za-z0-9_-] that only this site can make and open."""
        return self.tokens(purpose, (number,))[0]

    def tokens(self, purpose: Purpose, numbers: Sequence[int]) -> list[str]:
        """Return one token for each number; much cheaper together than one by one."""
        head = bytes([purpose]) + bytes(15 - _ID_BYTES)
        blocks = b"".join([head + n.to_bytes(_ID_BYTES, "big") for n in numbers])
        sealed = self._blocks().encryptor().update(blocks)
        # Written out together: with two more bytes each, base64 gives each 24 letters of its own.
        spaced = b"".join([sealed[i : i + 16] + b"\0\0" for i in range(0, len(sealed), 16)])
        letters = base64.urlsafe_b64encode(spaced).decode()
        key = _KEY_LETTERS[self.key_id]
        return [key + letters[i : i + 22] for i in range(0, len(letters), 24)]

    def copy_token(self, delivery_id: int, attempt_id: int) -> str:
        """Return a token for one more copy of a delivery: it opens like the delivery's own.

        Receivers drop what comes twice under one Message-ID, so a copy needs another.
        """
        return f"{self.token(Purpose.DELIVERY, delivery_id)}-{attempt_id}"

    def open_token(self, purpose: Purpose, token: str) -> int | None:
        """Return the number in a token, or None if this site never made it for `purpose`."""
        return self.open_tokens(purpose, (token,))[0]

    def open_tokens(self, purpose: Purpose, tokens: Sequence[str]) -> list[int | None]:
        """Return the number in each token, or None; much cheaper together than one by one."""
        if purpose is Purpose.DELIVERY:
            tokens = [t[:23] if _COPY.fullmatch(t[23:]) else t for t in tokens]
        sealed = [self._block_in(token) for token in tokens]
        opened = self._blocks().decryptor().update(b"".join(block or bytes(16) for block in sealed))
        head = bytes([purpose]) + bytes(15 - _ID_BYTES)
        return [
            int.from_bytes(opened[at + len(head) : at + 16], "big")
            if block and opened.startswith(head, at)
            else None
            for at, block in zip(range(0, len(opened), 16), sealed, strict=True)
        ]

    def _block_in(self, token: str) -> bytes | None:
        if len(token) != _TOKEN_LETTERS or not token.isascii():
            return None
        if token[0] != _KEY_LETTERS[self.key_id]:
            return None
        try:
            sealed = base64.urlsafe_b64decode(token[1:] + "==")
        except ValueError:
            return None
        # Two spellings of one token would be two addresses of one page.
        same = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode() == token[1:]
        return sealed if same else None

    def _blocks(self) -> Cipher[modes.ECB]:
        # One block each and never two alike, so ECB hides everything there is to hide.
        return Cipher(algorithms.AES(self._token_key), modes.ECB())  # noqa: S305


_COPY = re.compile(r"-[0-9]{1,15}", re.ASCII)
_KEY_LETTERS = "-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CASELESS = re.compile(r"([A-Z][0-9A-F]{32})(-[0-9]{1,15})?", re.IGNORECASE | re.ASCII)


def caseless(token: str) -> str:
    """Return a token in letters and digits that mean the same in capitals, 33 of them.

    For the part of an address before the @, which some mail servers put in lower case.  What
    tells one more copy from the first ("-17") stays behind it.
    """
    sealed, rest = token[1:_TOKEN_LETTERS], token[_TOKEN_LETTERS:]
    return token[0].lower() + base64.urlsafe_b64decode(sealed + "==").hex() + rest


def cased(written: str) -> str | None:
    """Return the token that `caseless` wrote, None if it can be none.  It may still be forged."""
    found = _CASELESS.fullmatch(written)
    if found is None:
        return None
    token, rest = found.groups()
    sealed = base64.urlsafe_b64encode(bytes.fromhex(token[1:])).rstrip(b"=").decode()
    return token[0].upper() + sealed + (rest or "")


def _derive(site_key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"prayer-newsletter " + purpose).derive(site_key)
