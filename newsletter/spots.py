"""Places on earth in a text: coordinates as people, map links and cameras write them.  Pure."""

import re
from collections.abc import Iterator
from itertools import pairwise

Spot = tuple[float, float]  # degrees north, degrees east

NEAR = 0.005  # degrees: about half a kilometre

_NUMBER = r"(-?\d{1,3}\.\d{3,})"
_PAIRS = (
    re.compile(rf"(?<![\d.]){_NUMBER}\s*[,;/|]\s*{_NUMBER}"),  # @37.5665,126.9780 #map=9/37.5/126.9
    re.compile(rf"(?<![\d.]){_NUMBER}\s+{_NUMBER}"),
    re.compile(rf"!3d{_NUMBER}!4d{_NUMBER}"),
    re.compile(
        rf"lat(?:itude)?[=:]\s*{_NUMBER}.{{0,12}}?lo?ng?(?:itude)?[=:]\s*{_NUMBER}", re.IGNORECASE
    ),
)
_DEGREES = re.compile(
    r"(\d{1,3}(?:\.\d+)?)\s*[°º]\s*(?:(\d{1,2}(?:\.\d+)?)\s*['’′]\s*)?"
    r"(?:(\d{1,2}(?:\.\d+)?)\s*(?:[\"”″]|['’′]{2})\s*)?([NSEWnsew])"
)
_RATIO = re.compile(r"(-?\d+(?:\.\d+)?)(?:/(\d+))?")


def spots_in(text: str) -> list[Spot]:
    """Return the places that a text names by their coordinates, in degrees."""
    found = [
        (float(north), float(east)) for pattern in _PAIRS for north, east in pattern.findall(text)
    ]
    found += _with_degrees(text)
    return [spot for spot in found if abs(spot[0]) <= 180 and abs(spot[1]) <= 180]


def are_near(a: Spot, b: Spot) -> bool:
    """Whether two places are one, also where a link writes the degrees east first."""
    return any(abs(a[0] - x) <= NEAR and abs(a[1] - y) <= NEAR for x, y in (b, (b[1], b[0])))


def degrees_of(value: str, reference: str = "") -> float | None:
    """Return a camera's latitude or longitude; None where it is none.

    "37.5665", "37, 33, 59.4", "(37/1, 33/1, 5940/100)"; `reference` is N, S, E or W, which may
    also stand in the value.
    """
    numbers = [
        float(number) / (float(below) if below else 1)
        for number, below in _RATIO.findall(value)
        if not below or float(below)
    ]
    if not 1 <= len(numbers) <= 3:
        return None
    parts = zip(numbers, (1, 60, 3600), strict=False)
    degrees = sum(abs(number) / whole for number, whole in parts)
    letters = f"{reference} {value}".upper()
    return -degrees if numbers[0] < 0 or re.search(r"\b[SW]\b", letters) else degrees


def _with_degrees(text: str) -> Iterator[Spot]:
    written = [
        (_degrees(*found.groups()[:3]) * (-1 if found[4] in "SWsw" else 1), found)
        for found in _DEGREES.finditer(text)
    ]
    for (first, a), (second, b) in pairwise(written):
        if b.start() - a.end() <= 3 and (a[4] in "NSns") != (b[4] in "NSns"):
            yield (first, second) if a[4] in "NSns" else (second, first)


def _degrees(whole: str, minutes: str | None, seconds: str | None) -> float:
    return float(whole) + float(minutes or 0) / 60 + float(seconds or 0) / 3600
