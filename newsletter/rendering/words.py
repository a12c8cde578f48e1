"""The fixed words of all mails, in the reader's language.

English stands here.  `locale/LANGUAGE.po` holds every other language: a gettext catalogue that a
translator can open in Poedit or on a translation site.  It is read when its language is first
asked for, so that no command waits for languages that it does not write.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Annotated

from newsletter.languages import base_language

TRANSLATED = frozenset({"ar", "de", "es", "fa", "fr", "ko", "pt", "ru", "ur", "zh"})


@dataclass(frozen=True)
class Words:
    """Each field is a message: its name the context, its English the msgid, and a remark.

    What stands in braces stands in every translation, once.
    """

    greeting: Annotated[
        str,
        "Begins a mail. {name} is as the reader gave it: a first name or a full one, of a woman "
        "or a man, in any script. Choose words that need no case ending and no gender.",
    ] = "Dear {name},"
    greeting_all: Annotated[
        str,
        "Begins a mail where no name is known. Never to one 'friend': filters take that for spam.",
    ] = "Dear friends,"
    pray: Annotated[str, "The heading above the prayer points: an invitation."] = "Pray"
    thanksgiving: Annotated[str, "Before a prayer point that gives thanks; a label."] = (
        "Thanksgiving"
    )
    photo: Annotated[str, "Tells those who see no picture that there is one."] = "Photo"
    labelled: Annotated[
        str,
        "What a picture shows, or a prayer point, behind its label: 'Photo' or a day. Only the "
        "colon and the spaces that the language sets there.",
    ] = "{label}: {text}"
    because: Annotated[
        str, "At the end. {list} is the title of the mailing list, in any script."
    ] = "You receive this because you subscribed to {list}."
    letter: Annotated[
        str,
        "The subject of the mail for readers at risk: as if a friend wrote again. {number} is a "
        "number. It says nothing of prayer, faith or a newsletter.",
    ] = "Letter {number}"
    unsubscribe: Annotated[str, "A link: leave this mailing list."] = "Unsubscribe"
    preferences: Annotated[str, "A link: choose language, mailing lists and how mails look."] = (
        "Preferences"
    )


@dataclass(frozen=True)
class Typeface:
    """The fonts and the line height that a script asks for."""

    fonts: str = "-apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif"
    heading_fonts: str = "Georgia, Times New Roman, serif"
    leading: int = 27  # pixels, for body text of 17


_ARABIC = "Geeza Pro, Noto Naskh Arabic, Segoe UI, Tahoma, Arial, sans-serif"
_KOREAN = "Apple SD Gothic Neo, Malgun Gothic, Noto Sans KR, Noto Sans CJK KR, sans-serif"
_CHINESE = "PingFang SC, Microsoft YaHei, Noto Sans SC, Noto Sans CJK SC, sans-serif"
_TYPEFACES = {
    "ar": Typeface(_ARABIC, _ARABIC, 30),
    "fa": Typeface(_ARABIC, _ARABIC, 30),
    "ur": Typeface(_ARABIC, _ARABIC, 32),
    "ko": Typeface(_KOREAN, _KOREAN, 29),
    "zh": Typeface(_CHINESE, _CHINESE, 29),
}


@lru_cache(64)
def words_of(language: str) -> Words:
    """Return the words for a BCP 47 tag: its base language's, else English."""
    base = base_language(language)
    return _translated(base) if base in TRANSLATED else Words()


def is_translated(language: str) -> bool:
    """Whether the words for a BCP 47 tag are in its language, and not English in its place."""
    return base_language(language) in TRANSLATED | {"en"}


def typeface_of(language: str) -> Typeface:
    """Return what the script of a BCP 47 tag is set in."""
    return _TYPEFACES.get(base_language(language), Typeface())


@lru_cache(len(TRANSLATED))
def _translated(base: str) -> Words:
    # Here and not above: 25 ms of the start of every command, most of which write no mail.
    from babel.messages.pofile import read_po

    source = resources.files(__package__) / "locale" / f"{base}.po"
    with source.open("rb") as file:
        catalogue = read_po(file)
    return Words(
        **{
            message.context: str(message.string)
            for message in catalogue
            if message.context and message.string and not message.fuzzy
        }
    )
