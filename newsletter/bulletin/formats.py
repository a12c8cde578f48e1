"""What a file really is, whatever its name says."""

import codecs
import io
import re
import zipfile

from newsletter.errors import UnreadableInput

_WEB_PAGE = re.compile(
    rb"\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
_FEED = re.compile(
    rb"\s*<\?xml\b.{0,1000}?<(?:rss|feed|rdf:rdf)\b|\s*<(?:rss|feed)\b", re.IGNORECASE | re.DOTALL
)
_SIGNS = (  # what a file begins with, what it is, what to do
    (re.compile(rb"%PDF-"), "a PDF", "copy its text into a text file (.txt)"),
    (re.compile(rb"\{\\rtf"), "a rich-text (RTF) file", "open it and save it as Word (.docx)"),
    (
        re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        "a file of an old Word (.doc), or one that a password locks",
        "open it and save it as Word (.docx), without a password",
    ),
    (
        re.compile(rb"From: <Saved by|MIME-Version: 1\.0\r?\nContent-Type: multipart/related"),
        "a web archive (.mht)",
        "save the page as a web page (.html)",
    ),
    (
        re.compile(rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP", re.DOTALL),
        "a picture",
        "write its text into a text file (.txt)",
    ),
)
_IN_AN_ARCHIVE = (  # the start of a member's name
    ("word/", "a Word file", "give it the ending .docx"),
    ("xl/", "a spreadsheet", "copy its text into a text file (.txt)"),
    ("ppt/", "a presentation", "copy its text into a text file (.txt)"),
    ("META-INF/", "an OpenDocument file or an archive", "open it and save it as Word (.docx)"),
    ("Index/", "a Pages file", "open it and export it as Word (.docx)"),
)
WORD, WEB_PAGES, FEEDS = (".docx",), (".html", ".htm"), (".xml", ".rss", ".atom")


def check_format(source: bytes, ending: str) -> None:
    """See that a file is not something else than its ending says.

    Raises:
        UnreadableInput: it is; the sentence names what it is and what to do.
    """
    start = source[:4096].removeprefix(codecs.BOM_UTF8)
    for sign, what, remedy in _SIGNS:
        if sign.match(start):
            raise _is_something_else(what, remedy)
    if start.startswith(b"PK\x03\x04"):
        if ending not in WORD:
            raise _is_something_else(*_archive(source))
    elif ending in WORD:
        raise _is_something_else(
            "no Word file, although its name says so", "save it again as Word (.docx)"
        )
    elif _WEB_PAGE.match(start) and ending not in WEB_PAGES:
        raise _is_something_else("a web page", "give it the ending .html")
    elif _FEED.match(start) and ending not in FEEDS:
        raise _is_something_else("a feed", "give it the ending .xml")


def _archive(source: bytes) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(source)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        names = []
    for start, what, remedy in _IN_AN_ARCHIVE:
        if any(name.startswith(start) for name in names):
            return what, remedy
    return "a Word file or an archive, perhaps damaged", "save it again as Word (.docx)"


def _is_something_else(what: str, remedy: str) -> UnreadableInput:
    return UnreadableInput(f"The bulletin is {what}: {remedy}, then try again.")
