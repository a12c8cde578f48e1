"""How the words of a web page look, as far as that tells whether anybody sees them.

What is not certain can be seen: a page's text is not left out on a guess.
"""

import re
from dataclasses import dataclass, replace

from newsletter.bulletin.colours import TINY_POINTS, WHITE, Colour, blend, colour_of
from newsletter.bulletin.web_signs import Attributes

_SAYS = re.compile(r"(?:^|;)(color|background(?:-color)?|font-size):([^;!]+)")
_SIZE = re.compile(r"(\d*\.?\d+)(px|pt)?")
_POINTS = {"px": 0.75, "pt": 1.0}
_UNCHANGED = ("inherit", "currentcolor", "initial", "unset", "revert")
_CLEAR = re.compile(r"transparent|none|rgba\(\d+,\d+,\d+,0(?:\.0*)?%?\)|#[0-9a-f]{6}00")
_RELATIVE = ("em", "%", "larger", "smaller")
LOOKS = re.compile(r"color|background|font-size")  # styles without these change nothing here


@dataclass(frozen=True)
class Look:
    """The colours of words and of what is behind them; None where that cannot be told."""

    words: Colour | None = (0, 0, 0)
    behind: Colour | None = WHITE
    tiny: bool = False

    @property
    def unseen(self) -> bool:
        """Whether nobody sees words that look so."""
        return self.tiny or blend(self.words, self.behind)


PLAIN = Look()


def look_within(around: Look, style: str, attributes: Attributes, *, styled_apart: bool) -> Look:
    """Return how the words in an element look.

    `style` is flat, and begins with what the page's own sheets say; `styled_apart` says that
    the page has sheets elsewhere, which may colour whatever has a class.
    """
    look = around
    if styled_apart and (attributes.get("class") or attributes.get("id")):
        look = replace(look, behind=None)
    if named := attributes.get("bgcolor"):
        look = replace(look, behind=colour_of(named.strip().lower()))
    if attributes.get("background"):
        look = replace(look, behind=None)
    if named := attributes.get("color"):
        look = replace(look, words=colour_of(named.strip().lower()))
    clear = False
    for what, value in _SAYS.findall(style):
        if value in _UNCHANGED:
            continue
        if what == "font-size":
            look = replace(look, tiny=_is_tiny(value, around.tiny))
        elif what == "color":
            clear = _CLEAR.fullmatch(value) is not None
            look = replace(look, words=colour_of(value))
        elif not _CLEAR.fullmatch(value):
            look = replace(look, behind=colour_of(value))
    return replace(look, words=look.behind) if clear else look


def _is_tiny(size: str, before: bool) -> bool:
    found = _SIZE.match(size)
    if found is None:
        return before and size.endswith(_RELATIVE)
    if float(found[1]) == 0:
        return True
    if found[2] is None:
        return before and size.endswith(_RELATIVE)
    return float(found[1]) * _POINTS[found[2]] <= TINY_POINTS
