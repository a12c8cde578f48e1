"""Signed return paths: `bounces+TOKEN@example.org` says whose copy came back.  Pure.

Nobody can make a token but this site, so that nobody is suppressed by a forged bounce; and it
tells nobody else anything, neither of the person nor of the issue.
"""

import re

from subscribers.privacy import cased, caseless

# As it was written, or as some server on the way wrote it anew: in capitals, or inside an
# address of its own (SRS).
_SIGNED = re.compile(r"\+([a-z][0-9a-f]{32}(?:-[0-9]{1,15})?)(?=@)", re.IGNORECASE | re.ASCII)
_MESSAGE_ID = re.compile(r"<([A-Z][A-Za-z0-9_-]{22}(?:-[0-9]{1,15})?)@", re.ASCII)


def sign(return_path: str, token: str) -> str:
    """Return `return_path` with the token of one delivery in it."""
    local, _, domain = return_path.rpartition("@")
    return f"{local}+{caseless(token)}@{domain}"


def tokens_in_addresses(text: str) -> list[str]:
    """Return what may be a token in the signed return paths in `text`, in their order."""
    return [token for found in _SIGNED.findall(text) if (token := cased(found))]


def tokens_in_message_ids(text: str) -> list[str]:
    """Return what may be a token in the Message-IDs in `text`, in their order."""
    return _MESSAGE_ID.findall(text)
