"""What a list entry begins with: a sign, a number, a letter, a weekday or a date."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from newsletter.bulletin.days import label_of
from newsletter.bulletin.words import Words, same_letters

# Beside the usual signs: circled numbers, private-use characters of Word's symbol fonts.
_SIGNS = (
    "•●▪▫▶►▷▸▹◆◇◈·∙‣⁃◦○◎◉■□◾◽⚫⚪☐☑☒★☆✓✔✗✘➤➢➔➜→⇒➣❖✦✧✝✚"
    "\u2023\u2027\u22c5\u25cf\u29bf\u30fb\u2b24\uff65\uf0b7\uf0a7\uf0d8\uf076\uf0fc"
    "\u2460-\u2473\u24f5-\u24fe\u2776-\u277f\u2780-\u2793\u3220-\u3229"
)
# A telephone or an envelope says what the line is: it is no mark.
_TELLING = "☎☏✆✉📞📟📠📧📨📩📱📲🌍🌎🌏🌐📅📍📌🏠⏰"
_EMOJI = (
    f"(?![{_TELLING}])"
    "[\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2b55][\ufe0f\u200d\U0001f3fb-\U0001f3ff]*"
)
_HAN_NUMBER = "[一二三四五六七八九十]{1,3}"
_MARK = re.compile(
    rf"(?P<sign>[{_SIGNS}]\ufe0f?)\s*"
    rf"|(?P<numeral>{_HAN_NUMBER}[、．]|[(（]{_HAN_NUMBER}[)）])\s*"
    rf"|(?P<emoji>(?:{_EMOJI})+)\s*"
    r"|(?P<dash>[-–—−*+])\s+"
    r"|(?P<key>\d)\ufe0f?\u20e3\s*"
    r"|[(（]?(?P<number>\d{1,2})"
    r"(?:(?:[.．。۔)）](?:\s+|$)|[)）．۔]\s*|\s?[-–]\s+|[-–](?=[\u0620-\u06ff]))(?!\d)|、\s*)"
    r"|(?:[(（](?P<inner>[^\W\d_])[)）]|(?P<outer>[^\W\d_])[)）])\s*(?=\S)"
    # "A. Smith" is a name; Korean and Arabic have no such initials.
    r"|(?P<caseless>[가-하\u0621-\u064a])\.\s*(?=\S)"
)
# Letters that count, each list in its order.
_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz",
    "абвгдежзиклмнопрст",
    "가나다라마바사아자차카타파하",
    "ابجدهوزحطی",
    "ابپتثجچحخد",
)
COUNTED = ("number", "letter")  # kinds whose company must come right before or after


@dataclass(frozen=True)
class Mark:
    """How a line begins that may be an entry of a list."""

    # "sign" and "numeral" leave no doubt; "dash", "emoji", "number", "letter", "label", "dated"
    # and "day" need company.
    kind: str
    indent: int
    rest: str  # the line without sign or number; a label is still in it
    sign: str = ""  # an emoji
    places: frozenset[int] = frozenset()  # the number; of a letter: those in its alphabets

    def is_kin(self, other: "Mark | None") -> bool:
        """Whether two lines look like entries of the same list."""
        if other is None or other.kind != self.kind or self.kind == "day":
            return False
        return self.kind not in COUNTED or self.is_beside(other.places)

    def is_beside(self, places: Collection[int]) -> bool:
        """Whether a number or letter comes right before or after one of these places."""
        return any(place + 1 in places or place - 1 in places for place in self.places)

    def is_sure(self) -> bool:
        """Whether the line is an entry of a list, whatever stands around it."""
        return self.kind in ("sign", "numeral")


def mark_of(line: str, words: Words) -> Mark | None:
    """Return the mark that a line begins with, if any.

    A line that begins with a day is marked by that, though "3. Mai" looks like a number.
    """
    line = unicodedata.normalize("NFC", line).expandtabs(4)
    text = line.lstrip()
    indent = len(line) - len(text)
    if label := label_of(text, words, loosely=True):
        return Mark("day" if label.loose else "dated" if label.spaced else "label", indent, text)
    found = _MARK.match(text)
    if found is None:
        return None
    rest = text[found.end() :]
    if number := found["number"] or found["key"]:
        return Mark("number", indent, rest, places=frozenset({int(number)}))
    if letter := found["inner"] or found["outer"] or found["caseless"]:
        letter = same_letters(letter.lower())
        places = frozenset(abc.index(letter) for abc in _ALPHABETS if letter in abc)
        return Mark("letter", indent, rest, places=places) if places else None
    return Mark(found.lastgroup or "sign", indent, rest, sign=found["emoji"] or "")
