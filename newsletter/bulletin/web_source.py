"""The source of a web page: its text, and whether it can be taken apart at all."""

import codecs
import re

from newsletter.bulletin.decoding import decode, encoding_name
from newsletter.errors import UnreadableInput

MOST_WORDS_BYTES = 4_000_000  # of markup, pictures apart
_MOST_OPEN = 2_000  # tags left open before the page is taken apart at all
_TAG = re.compile(rb"<(/?)([a-zA-Z][^\s/<>]*)")
_NEST_NOT = frozenset(  # empty elements, and those that the next of their kind ends
    b"area base br col embed hr img input link meta source track wbr p li td th tr dt dd option "
    b"html head body path circle rect line polygon polyline ellipse use stop image".split()
)
_PICTURE_IN_MARKUP = re.compile(rb"data:image/[^\"'\s)>]*")
_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})|<\?xml[^>]{0,100}?encoding=[\"']([\w.:-]{2,40})",
    re.IGNORECASE,
)
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF32_BE)
_AS_BROWSERS_DO = {"ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}


def page_text(source: bytes, language: str) -> tuple[str, str]:
    """Return the text and its encoding.

    It is told by its mark, as UTF-8, as the page says of itself, else as any text.
    """
    words = _PICTURE_IN_MARKUP.sub(b"", source)
    most = len(source) - len(words) + MOST_WORDS_BYTES
    declared = _declared(source)
    if declared and not source.startswith(_MARKS):
        for codec in ("utf-8", declared):
            try:
                text = source.decode(codec)
            except UnicodeDecodeError:
                continue
            if codec == declared or not text.isascii():
                decode(text.encode("utf-8", "replace"), most_bytes=most)
                return text.replace("\r\n", "\n").replace("\r", "\n"), encoding_name(codec)
    decoded = decode(source, language, most)
    return decoded.text, decoded.encoding


def is_too_deep(source: bytes) -> bool:
    """Whether so many tags are left open that taking the page apart would take minutes."""
    depth = deepest = 0
    for found in _TAG.finditer(source):
        if found[2].lower() not in _NEST_NOT:
            depth = max(0, depth - 1) if found[1] else depth + 1
            deepest = max(deepest, depth)
    return deepest > _MOST_OPEN


def too_deep() -> UnreadableInput:
    """Return the error for what is nested deeper than it can be read."""
    return UnreadableInput(
        "The file is nested deeper than any text that people write: copy its text into a new "
        "file, then try again."
    )


def _declared(source: bytes) -> str | None:
    found = _CHARSET.search(source[:4096])
    try:
        codec = codecs.lookup((found[1] or found[2]).decode("ascii")) if found else None
    except (LookupError, ValueError):
        return None
    if codec is None or not codec._is_text_encoding or codec.name.startswith("utf-"):
        return None  # a page that says UTF-16 in letters of one byte is not UTF-16
    return _AS_BROWSERS_DO.get(codec.name, codec.name)
