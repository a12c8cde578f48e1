"""How it looks: a bulletin becomes an email whose merge fields are still open."""

import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass


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


SlotValues = Mapping[Slot, str]


def merge(shell: Shell, values: SlotValues) -> str:
    """Stand-in: return the text with its slots filled."""
    filled = [values[slot] for slot in shell.slots]
    return "".join(
        literal + value for literal, value in zip(shell.literals, [*filled, ""], strict=True)
    )


def slot_values(
    name: str | None, language: str, unsubscribe_url: str, preferences_url: str
) -> tuple[SlotValues, SlotValues]:
    """Stand-in: return one person's slot values, first as HTML, then as plain text."""
    values = {
        Slot.GREETING: f"Dear {name or language},",
        Slot.UNSUBSCRIBE: unsubscribe_url,
        Slot.PREFERENCES: preferences_url,
    }
    return values, values
