"""Wrapping for the plain-text part: by columns, in any script, links never cut."""

import re
import unicodedata

COLUMNS = 72

# Chinese and Japanese break between any two characters, but no line ends with an opening
# mark or begins with a closing one.
_OPENING = "「『《〈【“‘\uff08("
_CLOSING = "」』》〉】”’、。…\uff09\uff0c\uff0e\uff1a\uff1b\uff01\uff1f,.:;!?)"
_IDEOGRAPH = r"[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_TIED = "\u00a0\u202f"  # spaces at which no line ends: French sets them before ":" and "?"
_LOOSE = re.compile("(?<=«) | (?=[»:;!?])")
_SPACE = rf"[^\S{_TIED}]"
_PIECE = re.compile(
    rf"[{re.escape(_OPENING)}]*{_IDEOGRAPH}[{re.escape(_CLOSING)}]*{_SPACE}*"
    rf"|(?:(?!{_IDEOGRAPH})[\S{_TIED}])+{_SPACE}*"
)


def tied(text: str) -> str:
    """Return `text` with no space at which a line would begin with ":" or "»", or end with "«".

    French sets spaces there, and most keyboards only the usual one.
    """
    return _LOOSE.sub("\u00a0", text)


def wrap(text: str, first: str = "", rest: str = "") -> str:
    """Return `text` in lines of at most `COLUMNS` columns, the first led by `first`.

    White space is collapsed, but for spaces that tie words together.  A word longer than a
    line (a link) stands unbroken on a line of its own.
    """
    lines: list[str] = []
    line, used, empty = first, columns(first), True
    for piece in _PIECE.findall(tied(re.sub(rf"{_SPACE}+", " ", text).strip())):
        width = columns(piece.rstrip())
        if used + width > COLUMNS and not empty:
            lines.append(line.rstrip())
            line, used = rest, columns(rest)
        line, used, empty = line + piece, used + columns(piece), False
    return "\n".join((*lines, line.rstrip()))


def columns(text: str) -> int:
    """Return how many columns a terminal gives to `text`."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
