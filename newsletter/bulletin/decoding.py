"""Bytes become text, or one sentence saying why they cannot."""

import codecs
import re
from dataclasses import dataclass

from newsletter.errors import UnreadableInput

MAX_BYTES = 512 * 1024

# Those of UTF-32 come first: one of them begins with one of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
)
# Before UTF-8 a language was written in a code page of its own: codec by language, or by
# language with a script or region.
_CODE_PAGES = {
    **dict.fromkeys(("ar", "fa", "ur", "ps", "ug"), "cp1256"),
    **dict.fromkeys(("ru", "uk", "be", "bg", "mk", "sr"), "cp1251"),
    **dict.fromkeys(("pl", "cs", "sk", "hu", "ro", "hr", "sl", "sq"), "cp1250"),
    **dict.fromkeys(("lt", "lv", "et"), "cp1257"),
    **dict.fromkeys(("tr", "az"), "cp1254"),
    "el": "cp1253",
    "he": "cp1255",
    "vi": "cp1258",
    "th": "cp874",
    "ko": "cp949",
    "ja": "cp932",
    "zh": "gb18030",
    **dict.fromkeys(("zh-hant", "zh-tw", "zh-mo"), "cp950"),
    "zh-hk": "big5hkscs",
    "yue": "big5hkscs",
}
_WESTERN = "cp1252"

# What people call an encoding, by the name that a `Decoded` carries.
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-32": "UTF-32",
    "windows-1252": "Windows-1252 (Western European)",
    "windows-1250": "Windows-1250 (Central European)",
    "windows-1251": "Windows-1251 (Cyrillic)",
    "windows-1253": "Windows-1253 (Greek)",
    "windows-1254": "Windows-1254 (Turkish)",
    "windows-1255": "Windows-1255 (Hebrew)",
    "windows-1256": "Windows-1256 (Arabic)",
    "windows-1257": "Windows-1257 (Baltic)",
    "windows-1258": "Windows-1258 (Vietnamese)",
    "windows-874": "Windows-874 (Thai)",
    "koi8-r": "KOI8-R (Russian)",
    "euc-kr": "Windows-949 (Korean)",
    "shift_jis": "Windows-932 (Japanese)",
    "gb18030": "GB 18030 (simplified Chinese)",
    "big5": "Big5 (traditional Chinese)",
    "big5-hkscs": "Big5-HKSCS (traditional Chinese, Hong Kong)",
}
_NAMES = {
    "cp949": "euc-kr",
    "cp932": "shift_jis",
    "gb18030": "gb18030",
    "cp950": "big5",
    "big5hkscs": "big5-hkscs",
    "cp874": "windows-874",
    "koi8_r": "koi8-r",
}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_MOST_CONTROLS = 0.02  # of all characters; a form feed or two happens, a program file has 10 %


@dataclass(frozen=True)
class Decoded:
    """Text whose lines end with a line feed alone, and the encoding it turned out to be in."""

    text: str
    encoding: str  # one of ENCODINGS


def decode(source: bytes, language: str = "en", most_bytes: int = MAX_BYTES) -> Decoded:
    """Return the text: by byte-order mark, else UTF-8, else the language's old code page.

    Where the bytes are no text of that language in its code page: Windows-1252.  Nothing else
    is guessed: guesses go wrong for exactly the languages that need them.

    Raises:
        UnreadableInput: no text in it, too long, or not a text file.
    """
    if len(source) > most_bytes:
        raise UnreadableInput(
            f"The bulletin is longer than {most_bytes // 1024} kB of text: "
            "check that this is the right file, or divide it."
        )
    text, encoding = _text(source, language)
    if "\0" in text or len(_CONTROL.findall(text)) > _MOST_CONTROLS * len(text):
        raise _no_text_file()
    if not any(character.isalnum() for character in text):
        raise no_words()
    return Decoded(text.replace("\r\n", "\n").replace("\r", "\n"), encoding)


def _text(source: bytes, language: str) -> tuple[str, str]:
    for mark, codec, encoding in _BYTE_ORDER_MARKS:
        if source.startswith(mark):
            try:
                return source[len(mark) :].decode(codec), encoding
            except UnicodeDecodeError:
                raise _no_text_file() from None
    try:
        return source.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    for codec in _code_pages(language):
        try:
            text = source.decode(codec)
        except UnicodeDecodeError:
            continue
        if codec == _WESTERN or not _is_mixed_up(text):
            if codec == "cp1251" and _is_koi8(source, text):
                text, codec = source.decode("koi8_r"), "koi8_r"
            return text, encoding_name(codec)
    raise _no_text_file()


def encoding_name(codec: str) -> str:
    """Return what a `Decoded` calls the encoding of one of Python's codecs."""
    return _NAMES.get(codec, codec.replace("cp", "windows-"))


def _code_pages(language: str) -> list[str]:
    language = language.lower()
    page = _CODE_PAGES.get("-".join(language.split("-")[:2]))
    page = page or _CODE_PAGES.get(language.split("-")[0], _WESTERN)
    return list(dict.fromkeys((page, _WESTERN)))


_FOREIGN = r"[\u0370-\u06ff\u0e00-\u0eff]"  # of another alphabet than the Latin one
_MIXED_WORD = re.compile(rf"[A-Za-z]{_FOREIGN}|{_FOREIGN}[A-Za-z]")
_MOST_MIXED = 0.1  # of the letters; "IT-отдел" happens, "fьr" is "für" in the wrong code page


def _is_mixed_up(text: str) -> bool:
    foreign = len(re.findall(_FOREIGN, text))
    return len(_MIXED_WORD.findall(text)) > _MOST_MIXED * foreign


# Words of nearly every sentence.  What is KOI8-R shows hardly one when read as Windows-1251.
_RUSSIAN = re.compile(r"\b(?:и|в|не|на|что|с|по|для|о|за|из)\b")
_CERTAINLY = 3


def _is_koi8(source: bytes, text: str) -> bool:
    certain = max(_CERTAINLY, 2 * len(_RUSSIAN.findall(text)) + 1)
    return len(_RUSSIAN.findall(source.decode("koi8_r"))) >= certain


def no_words() -> UnreadableInput:
    """Return the error for a file that holds nothing to read."""
    return UnreadableInput(
        "There are no words in the bulletin: write its text into the file, then try again."
    )


def _no_text_file() -> UnreadableInput:
    return UnreadableInput(
        "The bulletin is not a text file, or is damaged: save it as plain text (.txt, UTF-8), "
        "then try again."
    )
