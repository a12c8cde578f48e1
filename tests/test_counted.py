"""Counts in sentences that people read."""

import pytest

from newsletter.counted import counted


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 people"), (1, "1 person"), (2, "2 people"), (4312, "4,312 people")]
)
def test_the_words_go_with_the_count(count: int, words: str) -> None:
    assert counted(count) == words


def test_other_words_than_people() -> None:
    assert [counted(n, "copy is", "copies are") for n in (1, 2)] == ["1 copy is", "2 copies are"]
