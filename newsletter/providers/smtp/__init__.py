"""SMTP (RFC 5321): a mail server that relays for us, one message at a time.

```text
SmtpRelay               the settings, made once for each process         (here)
SmtpConnection.submit   message after message over a kept conversation   connection
connect, open_...       greeting, encryption, sign-in                    opening
judge                   what a reply means                               replies
Signer                  the signatures of the sender's domain            dkim
Wire                    bytes out, whole replies in                      wire
```
Every step is driven and judged by our own code, because all depends on one moment: before
the final dot nobody can have taken the message, after it only the server's answer tells.
Nothing is tried twice.
"""

import os
import ssl
from datetime import timedelta
from functools import cache

from newsletter import config
from newsletter.errors import Problem
from newsletter.providers.base import is_loopback
from newsletter.providers.smtp.connection import BODY_SECONDS, DOT_SECONDS, SmtpConnection
from newsletter.providers.smtp.dkim import DISCREET_TABLE, Signer, Signers, read_signer

__all__ = [
    "DISCREET_TABLE",
    "Signer",
    "Signers",
    "SmtpConnection",
    "SmtpRelay",
    "read_signer",
]


class SmtpRelay:
    """The mail server of the settings."""

    name = "smtp"
    batch_limit = 500
    repeatable = False
    answer_within = timedelta(seconds=BODY_SECONDS + DOT_SECONDS + 120)

    def __init__(
        self, settings: config.Smtp, password: str, signer: Signer | Signers | None = None
    ) -> None:
        """Read the settings; opens nothing.  Without a `signer` nothing is signed.

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
        self.turn_size = settings.messages_per_intent
        self._settings = settings
        self._password = password
        self._signer = signer
        self._context = None if settings.security == "none" else _trusting_authorities()

    def connect(self) -> SmtpConnection:
        """Return a new conversation; opens nothing yet."""
        return SmtpConnection(self._settings, self._password, self._context, self._signer)


def _trusting_authorities() -> ssl.SSLContext:
    """Return the one context of this process; SSL_CERT_FILE names other authorities."""
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache  # reading the authorities takes 30 ms
def _context(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    return ssl.create_default_context()


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
