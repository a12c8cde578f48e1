"""A wrong reference, from the file to what staff read."""

from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.intake import Intake
from newsletter.issue import open_desk
from newsletter.site import open_site
from newsletter.verses import cache_folder, open_verses
from tests.conftest import NOON
from tests.journeys.conftest import Command, TrialSite

RIGHT = "the words are those of Matthew 25:40"


@pytest.fixture
def sample(shared: Path) -> Path:
    return shared / "samples" / "north-korea.txt"


def test_the_sample_is_told_its_right_verse_when_it_is_checked(
    newsletter: Command, sample: Path
) -> None:
    said = newsletter("bulletin", "check", sample, "--json")
    (verse,) = said.json["bulletin"]["scriptures"]
    (finding,) = [each for each in said.json["findings"] if each["rule"] == "ref-invalid"]

    assert said.status == 1
    assert (verse["osis"], verse["valid"], verse["suggestion"]) == (
        "Matt.2.40",
        False,
        "Matt.25.40",
    )
    assert (finding["severity"], finding["suggestion"]) == ("blocker", "Matt.25.40")
    assert RIGHT in finding["message"]


def test_it_is_told_when_it_is_stored_and_shown(site: TrialSite, sample: Path) -> None:
    stored = site("bulletin", "add", sample)
    shown = site("bulletin", "show", "1")

    assert RIGHT in stored.out
    assert RIGHT in shown.out
    assert "<- Matt.25.40?" in shown.out


def test_it_is_told_beside_a_file_that_was_dropped_in(site: TrialSite, sample: Path) -> None:
    place = open_site(site.folder)
    desk = open_desk(place)
    (place.bulletins / "a.txt").write_bytes(sample.read_bytes())

    (taken,) = Intake(place, desk, lambda: NOON, timedelta()).look()
    place.engine.dispose()

    assert not taken.accepted
    assert RIGHT in taken.sentence


def test_the_index_lies_in_the_users_cache(newsletter: Command, sample: Path) -> None:
    newsletter("bulletin", "check", sample)
    index = open_verses()

    assert index is not None
    assert index.file.parent == cache_folder()
