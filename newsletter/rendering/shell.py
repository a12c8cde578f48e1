"""An email cut open where people differ, and how one person's words are put in."""

import enum
import hashlib
import html
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from newsletter.rendering.words import words_of

LONGEST_NAME = 80  # characters

# Controls, line and paragraph separators, bidi controls and half characters.  Joiners stay:
# Persian names and family emoji need them.
_UNWANTED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+"
)
_RTL_LETTER = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010d00-\U00010d3f\U0001e900-\U0001e95f]"
_RIGHT_TO_LEFT = re.compile(_RTL_LETTER)
_LEFT_TO_RIGHT = re.compile(rf"(?!{_RTL_LETTER})[^\W_]")
_OUR_URL = re.compile(r"[!-~]+")
_SAME_IN_HTML = re.compile(r"[A-Za-z0-9:/._~?=#%+-]*")


class Slot(enum.StrEnum):
    """The closed list of merge fields: all that differs from person to person."""

    GREETING = "greeting"  # a whole sentence, with or without a name
    UNSUBSCRIBE = "unsubscribe"  # URL
    PREFERENCES = "preferences"  # URL
    ACTION = "action"  # URL: what a mail to one person asks for, to confirm or to come back

    __hash__ = str.__hash__  # an Enum's own is written in Python: a microsecond for each copy


SlotValues = Mapping[Slot, str]


@dataclass(frozen=True)
class Shell:
    """A text cut open at its slots: literal, slot, literal, ... literal."""

    literals: tuple[str, ...]  # one more than slots
    slots: tuple[Slot, ...]


NO_HTML = Shell(("",), ())


@dataclass(frozen=True)
class Photo:
    """A picture as it is attached; the HTML shows it as `cid:` and its content id."""

    content_id: str  # opaque; without the angle brackets of its header
    media_type: str  # image/jpeg or image/png
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class RenderedEmail:
    """Subject, HTML, text and photos of one edition; `organisation` and address are baked in."""

    subject: str
    html: Shell  # NO_HTML in the style *plain*
    text: Shell
    language: str
    photos: tuple[Photo, ...] = ()  # each once, in the order of the HTML

    @property
    def text_only(self) -> bool:
        """Whether it has no HTML part at all."""
        return self.html == NO_HTML

    def to_json(self) -> str:
        """Return the form that is stored and hashed: the same email gives the same string."""
        stored: dict[str, Any] = {
            "subject": self.subject,
            "language": self.language,
            "html": [self.html.literals, self.html.slots],
            "text": [self.text.literals, self.text.slots],
        }
        if self.photos:  # without any, the string and its hash are those of older versions
            stored["photos"] = [
                [photo.content_id, photo.media_type, b64encode(photo.data).decode("ascii")]
                for photo in self.photos
            ]
        return json.dumps(stored, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, stored: str) -> "RenderedEmail":
        """Return the email that `to_json` wrote."""
        raw = json.loads(stored)
        html, text = (
            Shell(tuple(raw[part][0]), tuple(Slot(name) for name in raw[part][1]))
            for part in ("html", "text")
        )
        photos = tuple(
            Photo(content_id, media_type, b64decode(data))
            for content_id, media_type, data in raw.get("photos", ())
        )
        return cls(raw["subject"], html, text, raw["language"], photos)

    def hash(self) -> bytes:
        """Return the SHA-256 of everything a reader would see."""
        return hashlib.sha256(self.to_json().encode()).digest()


def merge(shell: Shell, values: SlotValues) -> str:
    """Return the text with every slot filled.  Values are never searched for slots."""
    pieces = [shell.literals[0]]
    for slot, literal in zip(shell.slots, shell.literals[1:], strict=True):
        pieces += (values[slot], literal)
    return "".join(pieces)


def with_photos(html: str, photos: Iterable[Photo]) -> str:
    """Return the HTML with its photos in it, for a browser, which knows no attachments."""
    for photo in photos:
        data = b64encode(photo.data).decode("ascii")
        html = html.replace(f"cid:{photo.content_id}", f"data:{photo.media_type};base64,{data}")
    return html


def slot_values(
    name: str | None,
    language: str,
    unsubscribe_url: str,
    preferences_url: str,
    action_url: str = "",
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
        greeting = put_in(words.greeting, "{name}", cleaned)
    else:
        marked = greeting = words.greeting_all
    in_text = {
        Slot.GREETING: greeting,
        Slot.UNSUBSCRIBE: unsubscribe_url,
        Slot.PREFERENCES: preferences_url,
        Slot.ACTION: action_url,
    }
    in_html = {
        Slot.GREETING: marked,
        Slot.UNSUBSCRIBE: _url_in_html(unsubscribe_url),
        Slot.PREFERENCES: _url_in_html(preferences_url),
        Slot.ACTION: _url_in_html(action_url),
    }
    return in_html, in_text


def put_in(sentence: str, place: str, title: str) -> str:
    """Return a sentence of plain text with a name or a title in its place.

    One in another direction is isolated (Unicode's FSI and PDI), so that the marks beside it
    stay beside it, and a line that begins with it keeps its own direction.
    """
    if not (title.isascii() and sentence.isascii()) and _other_way(sentence).search(title):
        title = f"\u2068{title}\u2069"
    return sentence.replace(place, title)


@lru_cache(64)
def _other_way(sentence: str) -> re.Pattern[str]:
    """Return the pattern of letters that run against those of a sentence."""
    return _LEFT_TO_RIGHT if _RIGHT_TO_LEFT.search(sentence) else _RIGHT_TO_LEFT


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
