"""How it looks: a bulletin becomes an email whose merge fields are still open."""

import enum
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from newsletter.bulletin import Bulletin
from newsletter.config import Settings


class Slot(enum.StrEnum):
    """The closed list of merge fields: all that differs from person to person."""

    GREETING = "greeting"  # a whole sentence, with or without a name
    UNSUBSCRIBE = "unsubscribe"  # URL
    PREFERENCES = "preferences"  # URL


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


# --- stand-in, until rendering lands: names and meaning hold, nothing else -------------------


@dataclass(frozen=True)
class Look:
    """Whose mail it is."""

    organisation: str
    postal_address: str
    list_title: str
    website: str
    sender_name: str


def look_of(settings: Settings, list_title: str) -> Look:
    """Return the look that the settings give to the bulletins of a list."""
    ours = settings.organisation
    return Look(ours.name, ours.postal_address, list_title, ours.url, settings.sender.name)


class Templates:
    """Stand-in for the templates of a site."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = folders


def render(bulletin: Bulletin, look: Look, templates: Templates) -> RenderedEmail:
    """Stand-in: title and points."""
    text = "\n".join([bulletin.title, *(point.text for point in bulletin.points), look.list_title])
    shell = Shell((text, "", ""), (Slot.GREETING, Slot.UNSUBSCRIBE))
    return RenderedEmail(bulletin.title, shell, shell, bulletin.language)


def render_notice(
    subject: str, paragraphs: Sequence[str], look: Look, templates: Templates
) -> RenderedEmail:
    """Stand-in: the paragraphs."""
    shell = Shell(("\n\n".join(paragraphs),), ())
    return RenderedEmail(subject, shell, shell, "en")
