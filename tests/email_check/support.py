"""What the mail programs that most people use make of a mail's HTML and CSS: caniemail's data.

The package only finds the features.  Support is read from its data here, because it sorts
versions as text and leaves Outlook on the web out.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DATA = HERE / "node_modules/caniemail/data/caniemail.json"

CLIENTS = (
    ("apple-mail", "ios"),
    ("apple-mail", "macos"),
    ("gmail", "desktop-webmail"),
    ("gmail", "android"),
    ("outlook", "windows"),
    ("outlook", "outlook-com"),
    ("yahoo", "desktop-webmail"),
    ("samsung-email", "android"),
)

# Where one of these is missing the mail still reads as it should.
HARMLESS = {
    "!important keyword": "what it would override stays",
    "<div> element": "text flows the same",
    "<style> element": "everything that matters stands on the elements",
    "@media (prefers-color-scheme)": "light colours stay",
    "@media": "the hybrid layout needs none",
    "HTML5 semantics": "a div by its role",
    "Type selector": "only resets go by it",
    "Attribute selector": "only for what one program itself adds",
    "aria-hidden attribute": "a line is read twice",
    "aria-label attribute": "the heading is read instead",
    "border-radius": "corners are square",
    "color-scheme CSS property": "light colours stay",
    "color-scheme meta tag": "light colours stay",
    "dir attribute": "each block is aligned by its style as well",
    "display:none": "mso-hide hides it in Outlook",
    "lang attribute": "read with the voice of the program",
    "max-height property": "the preheader is hidden by other means as well",
    "max-width": "a ghost table holds the width in Outlook",
    "overflow": "the preheader is hidden by other means as well",
    "role attribute": "the table is announced as one",
    "height property": "the preheader is hidden by other means as well",
    "word-break": "Korean may break between syllables, a long word runs on",
    "word-wrap": "a long word runs on",
}


@dataclass(frozen=True)
class Support:
    """What one mail meets."""

    harmful: tuple[str, ...]  # features that some client lacks and the mail needs
    unsupported: int  # pairs of a feature and a client that does not have it


def support_of(documents: Sequence[str]) -> list[Support]:
    """Return what each document meets in the eight clients."""
    found = subprocess.run(
        ["node", "features.mjs"],
        cwd=HERE,
        input=json.dumps(documents),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    data = {
        feature["title"]: feature["stats"]
        for feature in json.loads(DATA.read_text(encoding="utf-8"))["data"]
    }
    return [_judged(titles, data) for titles in json.loads(found.stdout)]


def _judged(titles: Sequence[str], data: Mapping[str, Any]) -> Support:
    lacking = [(title, client) for title in titles for client in _lack(data[title])]
    return Support(tuple(sorted({title for title, _ in lacking} - HARMLESS.keys())), len(lacking))


def _lack(stats: Mapping[str, Any]) -> Iterator[str]:
    for family, platform in CLIENTS:
        versions = stats.get(family, {}).get(platform, {})
        if versions and versions[max(versions, key=_version)].startswith("n"):
            yield f"{family} {platform}"


def _version(written: str) -> tuple[int, ...]:
    """Return a version as numbers: 16.80 is newer than 2019-10 only as the year it came."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", written))
    return numbers if numbers and numbers[0] >= 2000 else (2100, *numbers)
