"""Bytes become text, or one sentence saying why they cannot."""

import codecs
import re
from dataclasses import dataclass

from newsletter.errors import UnreadableInput

MAX_BYTES = 512 * 1024

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
)
# What other programs write into a file that only looks like text.
_OTHER_FORMATS = (
    (re.compile(rb"%PDF-"), "a PDF"),
    (re.compile(rb"\{\\rtf"), "a rich-text (RTF) file"),
    (re.compile(rb"PK\x03\x04"), "a Word file or an archive"),
    (re.compile(rb"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE), "a web page"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_MOST_CONTROLS = 0.02  # of all characters; a form feed or two happens, a program file has 10 %


@dataclass(frozen=True)
class Decoded:
    """Text whose lines end with a line feed alone, and the encoding it turned out to be in."""

    text: str
    encoding: str  # "utf-8", "utf-16" or "windows-1252"


def decode(source: bytes) -> Decoded:
    """Return the text: by byte-order mark, else UTF-8, else Windows-1252.

    Nothing is guessed: guesses go wrong for exactly the languages that need them.

    Raises:
        UnreadableInput: no text in it, too long, or not a text file.
    """
    if len(source) > MAX_BYTES:
        raise UnreadableInput(
            f"The bulletin is longer than {MAX_BYTES // 1024} kB of text: "
            "check that this is the right file, or divide it."
        )
    for signature, what in _OTHER_FORMATS:
        if signature.match(source.removeprefix(codecs.BOM_UTF8)):
            raise UnreadableInput(
                f"The bulletin is {what}, not plain text: save it as a text file (.txt, UTF-8), "
                "then try again."
            )
    text, encoding = _text(source)
    if "\0" in text or len(_CONTROL.findall(text)) > _MOST_CONTROLS * len(text):
        raise _no_text_file()
    if not any(character.isalnum() for character in text):
        raise no_words()
    return Decoded(text.replace("\r\n", "\n").replace("\r", "\n"), encoding)


def _text(source: bytes) -> tuple[str, str]:
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
    try:
        return source.decode("cp1252"), "windows-1252"
    except UnicodeDecodeError:
        raise _no_text_file() from None


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
