"""An email cut open where people differ, and how one person's words are put in."""

import enum
import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from newsletter.rendering.words import words_of

LONGEST_NAME = 80  # characters

# Controls, line and paragraph separators, bidi controls and half characters.  Joiners stay:
# Persian names and family emoji need them.
_UNWANTED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+"
)
_OUR_URL = re.compile(r"[!-~]+")
_SAME_IN_HTML = re.compile(r"[A-Za-z0-9:/._~?=#%+-]*")


class Slot(enum.StrEnum):
    """The closed list of merge fields: all that differs from person to person."""

    GREETING = "greeting"  # a whole sentence, with or without a name
    UNSUBSCRIBE = "unsubscribe"  # URL
    PREFERENCES = "preferences"  # URL

    __hash__ = str.__hash__  # an Enum's own is written in Python: a microsecond for each copy


SlotValues = Mapping[Slot, str]


@dataclass(frozen=True)
class Shell:
    """A text cut open at its slots: literal, slot, literal, ... literal."""

    literals: tuple[str, ...]  # one more than slots
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class RenderedEmail:
    """Subject, HTML and text of one edition; `organisation` and address are baked in."""

    subject: str
    html: Shell
    text: Shell
    language: str

    def to_json(self) -> str:
        """Return the form that is stored and hashed: the same email gives the same string."""
        return json.dumps(
            {
                "subject": self.subject,
                "language": self.language,
                "html": [self.html.literals, self.html.slots],
                "text": [self.text.literals, self.text.slots],
            },
            ensure_ascii=False,
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, stored: str) -> "RenderedEmail":
        """Return the email that `to_json` wrote."""
        raw = json.loads(stored)
        html, text = (
            Shell(tuple(raw[part][0]), tuple(Slot(name) for name in raw[part][1]))
            for part in ("html", "text")
        )
        return cls(raw["subject"], html, text, raw["language"])

    def hash(self) -> bytes:
        """Return the SHA-256 of everything a reader would see."""
        return hashlib.sha256(self.to_json().encode()).digest()


def merge(shell: Shell, values: SlotValues) -> str:
    """Return the text with every slot filled.  Values are never searched for slots."""
    pieces = [shell.literals[0]]
    for slot, literal in zip(shell.slots, shell.literals[1:], strict=True):
        pieces += (values[slot], literal)
    return "".join(pieces)


def slot_values(
    name: str | None, language: str, unsubscribe_url: str, preferences_url: str
) -> tuple[SlotValues, SlotValues]:
    """Return one person's slot values, first as HTML, then as plain text.

    Raises:
        ValueError: a URL holds a space, a control or a non-ASCII character.  It is ours.
    """
    words = words_of(language)
    cleaned = clean_name(name)
    if cleaned:
        # A name in another direction must not pull the comma to its other side.  Gmail and
        # Outlook drop <bdi>, and keep this.
        marked = words.greeting.replace("{name}", f'<span dir="auto">{html.escape(cleaned)}</span>')
        greeting = words.greeting.replace("{name}", cleaned)
    else:
        marked = greeting = words.greeting_all
    in_text = {
        Slot.GREETING: greeting,
        Slot.UNSUBSCRIBE: unsubscribe_url,
        Slot.PREFERENCES: preferences_url,
    }
    in_html = {
        Slot.GREETING: marked,
        Slot.UNSUBSCRIBE: _url_in_html(unsubscribe_url),
        Slot.PREFERENCES: _url_in_html(preferences_url),
    }
    return in_html, in_text


def _url_in_html(url: str) -> str:
    if _SAME_IN_HTML.fullmatch(url):
        return url
    if not _OUR_URL.fullmatch(url):
        raise ValueError("a link is not plain ASCII")
    return html.escape(url)


def clean_name(name: str | None) -> str:
    """Return a name fit for one line: no controls, at most `LONGEST_NAME` characters, or ""."""
    if not name:
        return ""
    return " ".join(_UNWANTED.sub(" ", name).split())[:LONGEST_NAME].rstrip()
