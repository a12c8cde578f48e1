"""Real names that must not be published: whether a text holds one, however it is written.

Pure.  A register of pseudonyms is compiled once into `Names`; `find` then reads a text in time
that hardly grows with the register.  Compared are letters without case, accents, compatibility
forms and what no reader sees.  A name's parts may stand in either order, with any punctuation
or a line break between; a phone number is its digits, with or without the country's; a map
link is the spot that it shows.  Never a part of another word, but in scripts that put no
spaces between words.
"""

import enum
import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from urllib.parse import unquote

from newsletter.spots import Spot, are_near, spots_in


class Kind(enum.StrEnum):
    """What a register's entry is."""

    NAME = "name"
    PLACE = "place"
    PHONE = "phone"
    LINK = "link"


@dataclass(frozen=True)
class Pseudonym:
    """What is real, and what is published in its place; "" where it is left out."""

    kind: Kind
    real: str = field(repr=False)
    published: str


@dataclass(frozen=True)
class Hit:
    """One place where a text holds what is real."""

    pseudonym: Pseudonym
    line: int  # of the text, from 0


class Names:
    """A register, compiled.  Safe to share between threads."""

    def __init__(self, register: Iterable[Pseudonym]) -> None:
        self._sequences: dict[tuple[str, ...], Pseudonym] = {}
        self._lengths: defaultdict[str, set[int]] = defaultdict(set)  # by the first word
        self._forms: defaultdict[str, set[str]] = defaultdict(set)  # as written -> as registered
        self._genitives: dict[str, str] = {}
        self._unspaced: dict[str, Pseudonym] = {}
        self._phones: defaultdict[str, list[tuple[str, Pseudonym]]] = defaultdict(list)
        self._spots: list[tuple[Spot, Pseudonym]] = []
        self._links: list[tuple[str, Pseudonym]] = []
        for pseudonym in register:
            self._add(pseudonym)
        self._pattern = _any_unspaced(self._unspaced)
        self._fewest = min(map(len, self._phones), default=0)  # digits of a phone number

    def find(self, text: str, language: str = "en") -> list[Hit]:
        """Return what is real in `text`, each entry once for each line, in order."""
        folded = fold(text)
        found = [
            *self._words_in(folded, language),
            *self._unspaced_in(folded),
            *self._phones_in(folded),
        ]
        ends = [end.start() for end in re.finditer("\n", folded)] if found else []
        hits = {(bisect_left(ends, start), pseudonym) for start, pseudonym in found}
        hits |= set(self._links_in(text))
        in_order = sorted(hits, key=lambda hit: (hit[0], hit[1].published, hit[1].real))
        return [Hit(pseudonym, line) for line, pseudonym in in_order]

    def find_at(self, spot: Spot) -> list[Hit]:
        """Return the registered spots that a place on earth is near to."""
        return [Hit(pseudonym, 0) for at, pseudonym in self._spots if are_near(at, spot)]

    # --- compiling ------------------------------------------------------------------------

    def _add(self, pseudonym: Pseudonym) -> None:
        match pseudonym.kind:
            case Kind.PHONE:
                code, national = _registered_phone(fold(pseudonym.real))
                self._phones[national].append((code, pseudonym))
            case Kind.LINK:
                spots = spots_in(pseudonym.real)
                self._spots += ((spot, pseudonym) for spot in spots)
                if not spots:
                    self._links.append((_bare_link(pseudonym.real), pseudonym))
            case _:
                self._add_words(pseudonym)

    def _add_words(self, pseudonym: Pseudonym) -> None:
        for real in {pseudonym.real, pseudonym.real.translate(_SPELT_OUT)}:
            folded = fold(real)
            if _UNSPACED.search(folded):
                self._unspaced[_GAPS.sub("", folded)] = pseudonym
                continue
            parts = [words for part in folded.split() if (words := _WORD.findall(part))]
            for order in _orders(parts) if pseudonym.kind is Kind.NAME else [parts]:
                for sequence in _written(order):
                    self._sequences.setdefault(sequence, pseudonym)
                    self._lengths[sequence[0]].add(len(sequence))
                    self._add_forms(sequence)

    def _add_forms(self, sequence: tuple[str, ...]) -> None:
        alone = len(sequence) == 1
        for word in sequence:
            self._forms[word].add(word)
            for form in _endings(word, alone):
                self._forms[form].add(word)
            if len(word) >= _LEAST_GENITIVE and word.isascii() and word[-1] not in "sxz":
                self._genitives[word + "s"] = word

    # --- finding --------------------------------------------------------------------------

    def _words_in(self, folded: str, language: str) -> Iterator[tuple[int, Pseudonym]]:
        if not self._sequences:
            return
        words = list(_WORD.finditer(folded))
        germanic = language.partition("-")[0].lower() in _GENITIVE_LANGUAGES
        options = [self._options(word[0], germanic) for word in words]
        joined = [
            len(gap) <= _LONGEST_GAP
            and gap.count("\n") <= 1
            and not any(character.isalnum() for character in gap)
            for gap in (folded[a.end() : b.start()] for a, b in pairwise(words))
        ]
        for at, option in enumerate(options):
            if not option:
                continue
            for length in {n for word in option for n in self._lengths.get(word, ())}:
                if at + length <= len(words) and all(joined[at : at + length - 1]):
                    for sequence in product(*options[at : at + length]):
                        if pseudonym := self._sequences.get(sequence):
                            yield words[at].start(), pseudonym

    def _options(self, word: str, germanic: bool) -> Sequence[str]:
        found = self._forms.get(word)
        if germanic and (nominative := self._genitives.get(word)):
            return [*(found or ()), nominative]
        return tuple(found) if found else ()

    def _unspaced_in(self, folded: str) -> Iterator[tuple[int, Pseudonym]]:
        if self._pattern is not None:
            for found in self._pattern.finditer(folded):
                yield found.start(), self._unspaced[_GAPS.sub("", found[0])]

    def _phones_in(self, folded: str) -> Iterator[tuple[int, Pseudonym]]:
        if not self._phones:
            return
        groups = list(_DIGITS.finditer(folded))
        international = -1  # the end of the last group that went on from a code with its +
        for first, group in enumerate(groups):
            digits, end = group[0], group.end()
            before = folded[groups[first - 1].end() if first else 0 : group.start()]
            goes_on = first > 0 and _BETWEEN.fullmatch(before) is not None
            carried = goes_on and "/" not in before and international == groups[first - 1].end()
            if before.endswith("+") or carried:
                international = end
                if not before.endswith("+"):
                    continue  # the rest of a number of some other country
            elif goes_on and not any(map(str.isspace, before)):
                continue  # in the middle of some other number
            for following in [*groups[first + 1 : first + _MOST_GROUPS], None]:
                yield from ((group.start(), found) for found in self._phones_like(digits))
                if following is None or not _BETWEEN.fullmatch(folded, end, following.start()):
                    break
                digits, end = digits + following[0], following.end()

    def _phones_like(self, digits: str) -> Iterator[Pseudonym]:
        if not self._fewest <= len(digits) <= _MOST_DIGITS:
            return
        for code, national in _phones(digits):
            for registered, pseudonym in self._phones.get(national, ()):
                if not (code and registered) or code == registered:
                    yield pseudonym

    def _links_in(self, text: str) -> Iterator[tuple[int, Pseudonym]]:
        if not (self._spots or self._links):
            return
        for number, line in enumerate(text.split("\n")):
            for written in {line, unquote(line)}:
                for at in spots_in(written) if self._spots else ():
                    yield from ((number, each.pseudonym) for each in self.find_at(at))
                low = unicodedata.normalize("NFKC", written).casefold()
                yield from ((number, found) for link, found in self._links if _holds(low, link))


def in_words(name: str) -> str:
    """Return the name of a file with spaces where its words begin: "Kim Min Jun 2.jpg"."""
    return re.sub(r"(?<=[^\W\d_A-Z])(?=[A-Z])|[\d_]+", " ", unquote(name))


def kind_of(real: str) -> Kind:
    """Return what something real looks like."""
    folded = fold(real)
    if "://" in real or re.match(r"(?:www\.|geo:)", folded) or spots_in(real):
        return Kind.LINK
    if sum(map(str.isdigit, folded)) >= _LEAST_DIGITS and not any(map(str.isalpha, folded)):
        return Kind.PHONE
    return Kind.NAME


def is_enough(pseudonym: Pseudonym) -> bool:
    """Whether something real is long enough not to be found everywhere."""
    folded = fold(pseudonym.real)
    match pseudonym.kind:
        case Kind.PHONE:
            return len(_registered_phone(folded)[1]) >= _LEAST_DIGITS
        case Kind.LINK:
            return bool(spots_in(pseudonym.real)) or len(_bare_link(pseudonym.real)) >= _LEAST_LINK
        case _:
            return sum(map(str.isalpha, folded)) >= _LEAST_LETTERS


# --- letters ------------------------------------------------------------------------------

# Marks on letters, of the scripts that can do without them; never the vowel signs of India.
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]"
)
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_JOINT = re.compile("(?<=[\u0600-\u06ff])\u200c(?=[\u0600-\u06ff])")  # parts a Farsi word
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")
_ALIKE = str.maketrans(
    dict(zip("øłđðħŧıəکٱ", "olddhtieكا", strict=True))
    | {"þ": "th", "æ": "ae", "œ": "oe"}
    | dict.fromkeys("ىیې", "ي")
    | dict.fromkeys("ہھۀةە", "ه")
)
_SPELT_OUT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ø": "oe", "å": "aa"}
)


def fold(text: str) -> str:
    """Return `text` as it is compared; its lines stay lines."""
    if text.isascii():
        return _UNSEEN.sub("", text).lower()
    seen = _UNSEEN.sub("", _JOINT.sub("-", text))
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", seen))
    low = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", bare).casefold())
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", low)).translate(_ALIKE)
    return _FOREIGN_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), plain)


# --- words --------------------------------------------------------------------------------

# Thai to Khmer, kana, Han and Hangul: where words stand together or take their endings.
_NO_SPACES = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uac00-\ud7a3"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED = re.compile(f"[{_NO_SPACES}]")
_WORD = re.compile(rf"(?:[^\W\d_{_NO_SPACES}]|[\u0900-\u0963\u0971-\u0d7f])+")
_LONGEST_GAP = 6  # characters between two parts of a name: "**, _"
_LEAST_LETTERS = 2
_LEAST_JOINED = 7  # letters of a name that is known without its space: "kimminjun", not "lina"
_LEAST_PART = 3
_MOST_PARTS = 4  # of a name that is looked for in other orders


def _orders(parts: Sequence[list[str]]) -> Iterator[Sequence[list[str]]]:
    """Yield a name's parts as written, the last one first, and the first one last."""
    yield parts
    if 1 < len(parts) <= _MOST_PARTS:
        yield [parts[-1], *parts[:-1]]
        yield [*parts[1:], parts[0]]


def _written(parts: Sequence[list[str]]) -> Iterator[tuple[str, ...]]:
    """Yield the words that parts give: apart, without hyphens, and all in one."""
    yield tuple(word for part in parts for word in part)
    yield (joined := tuple("".join(part) for part in parts))
    if len("".join(joined)) >= _LEAST_JOINED and min(map(len, joined)) >= _LEAST_PART:
        yield ("".join(joined),)


_GENITIVE_LANGUAGES = {"de", "da", "nb", "nn", "no", "sv"}
_LEAST_GENITIVE = 3
_RUSSIAN = (  # how it ends, and what the end turns into; only what no other word is
    ("ский", "ского скому ским ском ская ской скую ские ских скими"),
    ("ская", "ской скую ский ского скому ским ском ские ских скими"),
    ("ия", "ии ию ией"),
    ("ий", "ия ию ием ии"),
    ("ей", "ея ею еем ее"),
    ("й", "я ю ем е"),
    ("ова", "овой ову ов ова ову овым ове овых"),
    ("ева", "евой еву ев ева еву евым еве евых"),
    ("ина", "иной ину ин ина ину иным ине ины иных"),
    ("ов", "ова ову овым ове овой овы овых"),
    ("ев", "ева еву евым еве евой евы евых"),
    ("ин", "ина ину иным ином ине иной ины иных"),
    ("а", "ы и е у ой ою ей"),
    ("я", "и е ю ей ею"),
    ("ь", "я ю ем е и ью"),
)
_CONSONANT_ENDS = "а у ом ем е"
_LEAST_STEM = 3
_CYRILLIC = re.compile(r"[а-яєіїґў]+")
_ARABIC = re.compile(r"[\u0621-\u06d3]+")


def _endings(word: str, alone: bool) -> Iterator[str]:
    """Yield other forms of a name's word that are certainly the same."""
    if _CYRILLIC.fullmatch(word):
        yield from _russian_forms(word)
    elif _ARABIC.fullmatch(word) and len(word) >= (4 if alone else 3):
        yield from (before + word for before in "وفبلك")
        if word.startswith("ال"):
            yield "لل" + word[2:]


def _russian_forms(word: str) -> Iterator[str]:
    # й and ё were folded to и and е: endings are compared and made in the same way.
    for end, forms in _RUSSIAN:
        if word.endswith(end := fold(end)):
            stem = word.removesuffix(end)
            if len(stem) >= _LEAST_STEM - (len(end) > 1):
                yield from (stem + fold(form) for form in forms.split())
            return
    if len(word) >= _LEAST_STEM:
        yield from (word + form for form in _CONSONANT_ENDS.split())


# --- scripts without spaces ---------------------------------------------------------------

_GAPS = re.compile(r"[\s·・•‧_-]+")
_BREAK = r"(?:[^\S\n]*\n?[^\S\n]*|[·・•‧-])"  # a line's end says nothing in the middle of a word
_HANGUL = re.compile("[가-힣]+")
_KATAKANA = re.compile("[ァ-ヺー]+")
_TWO_SYLLABLE_FAMILIES = ("남궁", "황보", "제갈", "선우", "독고", "사공", "서문", "동방")


def _any_unspaced(register: Iterable[str]) -> re.Pattern[str] | None:
    patterns = [_unspaced_pattern(name) for name in sorted(register, key=len, reverse=True)]
    return re.compile("|".join(patterns)) if patterns else None


def _unspaced_pattern(name: str) -> str:
    if _HANGUL.fullmatch(name):
        family = 2 if name.startswith(_TWO_SYLLABLE_FAMILIES) and len(name) > 2 else 1
        gap = r"[^\S\n]?\n?" if len(name) > 2 else r"\n?"
        rest = r"\n?".join(name[family:])
        before = "(?<![가-힣])" if len(name) == 2 else ""
        return before + name[:family] + gap + rest
    pattern = _BREAK.join(map(re.escape, name))
    if _KATAKANA.fullmatch(name):
        return f"(?<![ァ-ヺー]){pattern}(?![ァ-ヺー])"
    return pattern


# --- phone numbers ------------------------------------------------------------------------

_DIGITS = re.compile(r"\d+")
_SIGN = r"(?:[().\-‐‑‒–—−/·]|[^\S\n])"
_BETWEEN = re.compile(rf"{_SIGN}{{0,4}}\n?{_SIGN}{{0,3}}")
_LEAST_DIGITS = 6
_MOST_DIGITS = 18
_MOST_GROUPS = 8
_CODE = re.compile(  # of a country (ITU-T E.164): no code begins with another
    r"[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
    r"|2\d\d|3[578]\d|42\d|5[09]\d|6[7-9]\d|8[0578]\d|9[679]\d"
)


def _registered_phone(folded: str) -> tuple[str, str]:
    """Return the code of the country, "" where none is written, and the number within it."""
    digits = "".join(_DIGITS.findall(folded))
    if folded.lstrip(" (").startswith("+") or digits.startswith("00"):
        whole = digits.removeprefix("00")
        for code, national in _with_code(whole):
            return code, national
    return "", digits.lstrip("0")


def _phones(digits: str) -> Iterator[tuple[str, str]]:
    yield "", digits.lstrip("0")
    yield from _with_code(digits.removeprefix("00"))
    if digits.startswith("8") and len(digits) == 11:  # how Russia calls within the country
        yield "7", digits[1:]


def _with_code(digits: str) -> Iterator[tuple[str, str]]:
    if code := _CODE.match(digits):
        yield code[0], digits[code.end() :].lstrip("0")


# --- links --------------------------------------------------------------------------------

_LEAST_LINK = 6


def _bare_link(link: str) -> str:
    plain = unicodedata.normalize("NFKC", unquote(link.strip())).casefold()
    return re.sub(r"^(?:[a-z]+://)?(?:www\.)?", "", plain).rstrip("/")


def _holds(text: str, link: str) -> bool:
    at = text.find(link)
    while at >= 0:
        before, after = text[max(0, at - 4) : at], text[at + len(link) : at + len(link) + 1]
        begins = before == "www." or not (before[-1:] == "." or _in_a_word(before[-1:]))
        if begins and not _in_a_word(after):
            return True
        at = text.find(link, at + 1)
    return False


def _in_a_word(character: str) -> bool:
    return character.isalnum() or character in ("-", "_")
