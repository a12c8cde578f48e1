"""Whether words can be told from what is behind them: colours as Word and CSS write them."""

import re

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
NEAR = 16  # of 255, in red, green and blue: nobody reads such words
TINY_POINTS = 1.0

_HEX = re.compile(r"#?([0-9a-f]{6})(?:ff)?", re.IGNORECASE)
_SHORT = re.compile(r"#([0-9a-f]{3})", re.IGNORECASE)
_RGB = re.compile(r"rgba?\((\d{1,3}),(\d{1,3}),(\d{1,3})(?:,(?:1(?:\.0*)?|100%))?\)", re.IGNORECASE)
_NAMED = {
    "white": WHITE,
    "black": (0, 0, 0),
    "snow": (255, 250, 250),
    "ivory": (255, 255, 240),
    "ghostwhite": (248, 248, 255),
    "whitesmoke": (245, 245, 245),
    "yellow": (255, 255, 0),
    "red": (255, 0, 0),
    "blue": (0, 0, 255),
    "navy": (0, 0, 128),
    "green": (0, 128, 0),
    "gray": (128, 128, 128),
    "grey": (128, 128, 128),
    "silver": (192, 192, 192),
}


def colour_of(written: str) -> Colour | None:
    """Return the colour that is written, without spaces; None for one that we do not know."""
    if found := _HEX.fullmatch(written):
        return _bytes(found[1])
    if found := _SHORT.fullmatch(written):
        return _bytes("".join(digit * 2 for digit in found[1]))
    if found := _RGB.fullmatch(written):
        return min(255, int(found[1])), min(255, int(found[2])), min(255, int(found[3]))
    return _NAMED.get(written.lower())


def blend(words: Colour | None, behind: Colour | None) -> bool:
    """Whether words of one colour are lost on another; what is not known can be read."""
    if words is None or behind is None:
        return False
    return all(abs(one - other) <= NEAR for one, other in zip(words, behind, strict=True))


def _bytes(digits: str) -> Colour:
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue
