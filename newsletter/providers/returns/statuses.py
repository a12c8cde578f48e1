"""What the status of a failed delivery (RFC 3463, and its registry) says about whom.  Pure."""

import enum
import re

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)", re.ASCII)
_VAGUE = re.compile(r"[45]\.(?:\d{1,3}\.0|4\.1)", re.ASCII)

# There is no such mailbox, and there will be none.  5.2.1 (disabled) is not among them: it may
# be a holiday; five in a row will tell.
_DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})

# Our address, our protocol, our domain, or what we wrote; one bad hour in the DNS would
# otherwise count against everybody.
_OURS = frozenset({"5.1.7", "5.1.8", "5.2.3", "5.3.4"})
_OURS_TOO = re.compile(r"[45]\.7\.\d+|5\.[56]\.\d+", re.ASCII)

# What servers say who give no status of their own, or a vague one.
_DEAD_WORDS = re.compile(
    r"(?:user|recipient|mailbox|address|account|alias)\b.{0,40}\b"
    r"(?:unknown|not found|(?:does not|doesn't) exist|no longer (?:valid|exists)|"
    r"doesn't have an?\b.{0,40}\baccount)"
    r"|(?:unknown|no such|invalid|not a valid)\b.{0,20}\b(?:user|recipient|mailbox|address|here)"
    r"|unrouteable address|recipient address rejected: access denied"
    r"|recipnotfound|recipientnotfound",
    re.IGNORECASE,
)
_OURS_WORDS = re.compile(
    r"\b(?:spam|block(?:ed| ?list\w*)|blacklist\w*|reputation|spf|dkim|dmarc|policy)\b",
    re.IGNORECASE,
)


class Verdict(enum.Enum):
    """What a status says."""

    NONE = "nothing failed"
    SOFT = "a full mailbox, a host that was away: another time may be better"
    HARD = "there is no such address"
    OURS = "it is us, or what we wrote, that they refuse"


def status_in(text: str) -> str:
    """Return the first status in a text, "5.1.1", or an empty string."""
    found = _STATUS.search(text)
    return found.group(1) if found else ""


def verdict_of(status: str, words: str = "") -> Verdict:
    """Return what the status of something that failed says; `words` is what the server said.

    Words count only where the status is vague, and a more exact status in them counts first.
    """
    code = status_in(status)
    if not code or _VAGUE.fullmatch(code):
        code = _more_exact(words) or code
    if code.startswith("2"):
        return Verdict.NONE
    if code in _DEAD:
        return Verdict.HARD
    if code in _OURS or (code and _OURS_TOO.fullmatch(code) and not code.endswith(".5.0")):
        return Verdict.OURS
    if code.startswith("4") or (code and not _VAGUE.fullmatch(code)):
        return Verdict.SOFT
    if _DEAD_WORDS.search(words):
        return Verdict.HARD
    return Verdict.OURS if _OURS_WORDS.search(words) else Verdict.SOFT


def _more_exact(words: str) -> str:
    found = (match.group(1) for match in _STATUS.finditer(words))
    return next((code for code in found if not _VAGUE.fullmatch(code)), "")
