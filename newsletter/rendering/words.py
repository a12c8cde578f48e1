"""The fixed words of all mails, in the reader's language.

English stands here.  `locale/LANGUAGE.po` holds every other language: a gettext catalogue that a
translator can open in Poedit or on a translation site.  It is read when its language is first
asked for, so that no command waits for languages that it does not write.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Annotated, Literal

from newsletter.languages import base_language, best_match

TRANSLATED = frozenset(
    {"ar", "de", "es", "fa", "fr", "ko", "pt", "pt-PT", "ru", "ur", "zh", "zh-Hant"}
)
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "ur"})


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
    credited: Annotated[
        str,
        "Below words of scripture: where they stand ('John 3:16') and the translation they are "
        "from ('NIV'). Only the brackets and the spaces that the language sets there.",
    ] = "{verse} ({translation})"
    because: Annotated[
        str, "At the end. {list} is the title of the mailing list, in any script."
    ] = "You receive this because you subscribed to {list}."
    letter: Annotated[
        str,
        "The subject of the mail for readers at risk: as if a friend wrote again. {number} is a "
        "number. It says nothing of prayer, faith or a newsletter.",
    ] = "Letter {number}"
    letter_from: Annotated[
        str,
        "What readers at risk subscribed to, where a title would stand: 'You receive this because "
        "you subscribed to Letters from Anna.' {name} is that of the sender. It says nothing of "
        "prayer, faith or a newsletter.",
    ] = "Letters from {name}"
    unsubscribe: Annotated[str, "A link: leave this mailing list."] = "Unsubscribe"
    preferences: Annotated[
        str, "A link: choose the language and how mails look, or leave mailing lists."
    ] = "Preferences"
    note: Annotated[
        str,
        "A heading above words that stand beside the story, where the writer gave none.",
    ] = "Note"
    confirm_subject: Annotated[
        str,
        "Subject of the mail that asks whether somebody really wants to subscribe. {list} is a "
        "title.",
    ] = "Please confirm: {list}"
    confirm_asked: Annotated[
        str,
        "Says why a mail came that asks for a confirmation; the button stands below.",
    ] = (
        "This address was entered to receive {list}. If that was you, press the button, and it "
        "comes to you."
    )
    confirm_button: Annotated[
        str,
        "On a button: somebody confirms that they want to subscribe.",
    ] = "Yes, send it to me"
    confirm_ignore: Annotated[
        str,
        "To somebody whose address another person entered.",
    ] = "If it was not you, do nothing: you will not hear from us again."
    confirm_because: Annotated[
        str,
        "At the end of the mail that asks for a confirmation.",
    ] = "You receive this single message because somebody entered this address on our page."
    welcome_subject: Annotated[
        str,
        "Subject of the first mail after a confirmation. {list} is a title.",
    ] = "Welcome: {list}"
    welcome_comes: Annotated[
        str,
        "The first sentence after a confirmation.",
    ] = "From now on {list} comes to you by email."
    welcome_next: Annotated[
        str,
        "When the next bulletin comes. {date} has the weekday, day and month.",
    ] = "The next one: {date}."
    welcome_choices: Annotated[
        str,
        "Preferences is the link of that name: use the same word. There may be no translation "
        "into the language that they prefer: promise none.",
    ] = (
        "Under Preferences, at the end of each message, you choose large print or text only, and "
        "the language that you prefer."
    )
    welcome_leave: Annotated[
        str,
        "Unsubscribe is the link of that name: use the same word.",
    ] = (
        "You can leave at any time: press Unsubscribe at the end of a message. Nobody asks for a"
        " reason."
    )
    welcome_unseen: Annotated[
        str,
        "A promise: no tracking.",
    ] = "We do not know whether you open a message or follow a link."
    goodbye_subject: Annotated[
        str,
        "Subject of the last mail, after somebody unsubscribed. {list} is a title.",
    ] = "You have left: {list}"
    goodbye_done: Annotated[
        str,
        "The first sentence after somebody unsubscribed.",
    ] = "{list} is no longer sent to you. What was already on its way may still arrive."
    goodbye_mistake: Annotated[
        str,
        "Unsubscribe is the link of that name: use the same word. The button to come back "
        "stands below.",
    ] = (
        "Was that not what you wanted? If you forwarded a message, its reader may have pressed "
        "Unsubscribe."
    )
    goodbye_button: Annotated[
        str,
        "On a button: somebody comes back who was unsubscribed.",
    ] = "Send it to me again"
    goodbye_thanks: Annotated[
        str,
        "The last sentence to somebody who leaves. It names no religion.",
    ] = "Thank you for the time you were with us."
    goodbye_because: Annotated[
        str,
        "At the end of the last mail.",
    ] = (
        "You receive this single message because this address has just been unsubscribed from "
        "{list}."
    )

    def label(self, label: str, text: str = "") -> str:
        """Return a label with its colon, and the space or none that the language sets behind it."""
        return self.labelled.format(label=label, text=text)

    def credit(self, verse: str, translation: str) -> str:
        """Return where words of scripture stand, and their translation where it is known."""
        if not translation:
            return verse
        return self.credited.format(verse=verse, translation=translation)


@dataclass(frozen=True)
class Typeface:
    """The fonts and the line height that a script asks for."""

    fonts: str = "-apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif"
    heading_fonts: str = "Georgia, Times New Roman, serif"
    leading: int = 27  # pixels, for body text of 17
    larger: float = 1  # how much, to look as large as Latin letters


_ARABIC = "Geeza Pro, Noto Naskh Arabic, Segoe UI, Tahoma, Arial, sans-serif"
_ARABIC_LARGER = 19 / 17  # 17 pixels become 19
_KOREAN = "Apple SD Gothic Neo, Malgun Gothic, Noto Sans KR, Noto Sans CJK KR, sans-serif"
_CHINESE = "PingFang SC, Microsoft YaHei, Noto Sans SC, Noto Sans CJK SC, sans-serif"
_TRADITIONAL = "PingFang TC, Microsoft JhengHei, Noto Sans TC, Noto Sans CJK TC, sans-serif"
_TYPEFACES = {
    "ar": Typeface(_ARABIC, _ARABIC, 29, _ARABIC_LARGER),
    "fa": Typeface(_ARABIC, _ARABIC, 29, _ARABIC_LARGER),
    "ur": Typeface(_ARABIC, _ARABIC, 30, _ARABIC_LARGER),
    "ko": Typeface(_KOREAN, _KOREAN, 29),
    "zh": Typeface(_CHINESE, _CHINESE, 29),
    "zh-Hant": Typeface(_TRADITIONAL, _TRADITIONAL, 29),
    # Kurdish, Pashto, Sindhi, Uyghur: without fixed words, in the Arabic script
    **dict.fromkeys(("ckb", "ps", "sd", "ug"), Typeface(_ARABIC, _ARABIC, 29, _ARABIC_LARGER)),
}


@lru_cache(64)
def words_of(language: str) -> Words:
    """Return the words for a BCP 47 tag: those that its readers read best, else English."""
    catalogue = _catalogue_of(language) or "en"
    return Words() if catalogue == "en" else _translated(catalogue)


def is_translated(language: str) -> bool:
    """Whether the words for a BCP 47 tag are in its language, and not English in its place."""
    return _catalogue_of(language) is not None


def direction_of(language: str) -> Literal["ltr", "rtl"]:
    """Return the direction that its fixed words run in."""
    return "rtl" if base_language(language) in _RIGHT_TO_LEFT else "ltr"


def typeface_of(language: str) -> Typeface:
    """Return what the script of a BCP 47 tag is set in."""
    return _TYPEFACES.get(_catalogue_of(language) or base_language(language), Typeface())


@lru_cache(64)
def _catalogue_of(language: str) -> str | None:
    """Return the language of the words; None where they are English for want of others."""
    if base_language(language) == "en":
        return "en"
    return best_match(language, sorted(TRANSLATED))


@lru_cache(len(TRANSLATED))
def _translated(language: str) -> Words:
    # Here and not above: 25 ms of the start of every command, most of which write no mail.
    from babel.messages.pofile import read_po

    source = resources.files(__package__) / "locale" / f"{language}.po"
    with source.open("rb") as file:
        catalogue = read_po(file)
    return Words(
        **{
            message.context: str(message.string)
            for message in catalogue
            if message.context and message.string and not message.fuzzy
        }
    )
