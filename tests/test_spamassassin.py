"""What SpamAssassin makes of every kind of mail, by its rules alone and without a network.

Needs the command (apt-get install spamassassin); CI has to have it.  One process reads all
mails: it takes seconds to start.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.bulletin import read_bulletin
from newsletter.message import bulletin_form
from newsletter.rendering import RenderedEmail, render
from subscribers.style import Style
from tests.bulletins import ENGLISH, LOOK
from tests.copies import NOON
from tests.email_check.matrix import LANGUAGES, Mail, matrix
from tests.mails import READER, bulletin, mail
from tests.office import TEMPLATES

HARMLESS = {"HTML_MESSAGE", "NO_RECEIVED", "NO_RELAYS", "MAILING_LIST_MULTI"}
ALSO = {
    "signed": {"DKIM_SIGNED"},
    # Any Russian text with some Latin words in it, of whose e there are fewer.
    "bulletin-ru-standard": {"MIXED_ES"},
    "photo": {"HTML_IMAGE_RATIO_04"},  # a large picture in a short letter
}
STATUS = re.compile(
    r"^X-Spam-Status: .*?score=(-?[\d.]+)\s.*?tests=([\w,\s]+?)\s+\w+=", re.MULTILINE | re.DOTALL
)


@pytest.fixture
def command() -> str:
    """Where the program is."""
    found = shutil.which("spamassassin")
    if found is None and os.environ.get("CI"):
        pytest.fail("SpamAssassin is missing: CI has to have it")
    if found is None:
        pytest.skip("SpamAssassin is not installed")
    return found


def scores(
    command: str, folder: Path, mails: dict[str, bytes]
) -> dict[str, tuple[float, set[str]]]:
    """Return points and rules of each mail."""
    for name, raw in mails.items():
        (folder / name).write_bytes(raw)
    said = subprocess.run(
        [command, "-L", "-x", "-t", "--cf=use_bayes 0", *(str(folder / name) for name in mails)],
        env=os.environ | {"HOME": str(folder), "LC_ALL": "C"},
        capture_output=True,
        check=True,
        timeout=120,
    )
    found = STATUS.findall(said.stdout.decode(errors="replace"))
    return {
        name: (float(points), set(re.split(r",\s*", rules)))
        for name, (points, rules) in zip(mails, found, strict=True)
    }


def edited(email: RenderedEmail, old: str, new: str) -> RenderedEmail:
    """Return an email with other words in both parts."""
    html, text = (
        replace(shell, literals=tuple(literal.replace(old, new) for literal in shell.literals))
        for shell in (email.html, email.text)
    )
    return replace(email, html=html, text=text)


def templates() -> Iterator[Mail]:
    """Yield every kind of mail in every style in English, and bulletins of all languages."""
    yield from matrix(("en",))
    others = [language for language in LANGUAGES if language != "en"]
    for each in matrix(others, (Style.STANDARD,)):
        if each.kind == "bulletin" and not each.sample:
            yield each


def test_no_kind_of_mail_has_a_point(
    command: str, tmp_path: Path, shared: Path, subtests: pytest.Subtests
) -> None:
    sample = read_bulletin((shared / "samples/north-korea.txt").read_bytes(), "north-korea.txt")
    careless = edited(render(ENGLISH, LOOK, TEMPLATES), "Three families", "Dear friend, families")
    envelope = bulletin().envelope
    mails = {
        **{each.name.replace(" ", "-"): each.raw for each in templates()},
        "without-a-name": bulletin().copy_for(replace(READER, name=None)),
        "sample": bulletin_form(render(sample, LOOK, TEMPLATES), envelope, NOON).copy_for(READER),
        "test": bulletin(kind="test").copy_for(READER),
        "signed": mail("bulletin"),
        "careless": bulletin_form(careless, envelope, NOON).copy_for(READER),
    }

    found = scores(command, tmp_path, mails)

    points, rules = found.pop("careless")  # or nothing would be found at all
    assert points > 1
    assert "DEAR_FRIEND" in rules
    for name, (points, rules) in found.items():
        with subtests.test(name):
            assert points <= 0, rules
            also = ALSO.get("photo" if name.endswith("-photo") else name, set())
            assert rules <= HARMLESS | also
