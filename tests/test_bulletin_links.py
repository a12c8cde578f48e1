"""Web addresses lose what tells who follows them, in every format alike."""

import pytest

from newsletter.bulletin import Paragraph, read_bulletin
from newsletter.bulletin.links import untracked


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("See https://a.example/b?utm_source=x.", "See https://a.example/b."),
        ("https://a.example/?q=a%20b&fbclid=1&c=d#e", "https://a.example/?q=a%20b&c=d#e"),
        ("https://a.example/?utm_source=x&amp;c=d", "https://a.example/?c=d"),
        ("https://a.example/?c=d&amp;utm_source=x", "https://a.example/?c=d"),
        ("https://a.example/?TTCLID=1&twclid=2", "https://a.example/"),
        ("(https://a.example/?mc_eid=1), (b)", "(https://a.example/), (b)"),
        ("看https://a.example/?utm_id=1。好", "看https://a.example/。好"),
        ("https://www.google.com/url?q=https://b.example/c&sa=D", "https://b.example/c"),
        ("https://l.facebook.com/?u=https%3A%2F%2Fb.example%2F%3Futm_id%3D1", "https://b.example/"),
        ("https://www.google.com/url?q=javascript:1", None),
        ("https://www.google.com/url?q=https://b.example/%0A%20Pray", None),
        ("https://a.example/?utmost=1 and utm_source=x?", None),
        ("https://[::1/?utm_source=x", None),
        ("Who comes?", None),
    ],
)
def test_what_tracks_is_taken_off_and_the_rest_stays_as_written(
    written: str, kept: str | None
) -> None:
    assert untracked(written) == (written if kept is None else kept)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.txt", "See https://a.example/?utm_source=x now."),
        ("a.md", "See <https://a.example/?utm_source=x> now."),
        ("a.md", "See [https://a.example/](https://a.example/?utm_source=x) now."),
        ("a.html", "<h1>T</h1><p>See https://a.example/?utm_source=x now.</p>"),
    ],
)
def test_it_is_taken_off_and_told_in_every_format(name: str, line: str) -> None:
    head = "" if name.endswith("html") else "T\n\n"

    bulletin = read_bulletin(f"{head}{line}\n\nMore.".encode(), name)

    assert isinstance(bulletin.blocks[0], Paragraph)
    assert "utm_source" not in repr(bulletin.blocks)
    assert [each.kind for each in bulletin.leftovers] == ["tracking-parameters-removed"]


def test_an_address_that_passes_on_without_end_is_no_trouble() -> None:
    address = "https://www.google.com/url?q=" * 5_000 + "https://a.example/"

    assert untracked(address).endswith("https://a.example/")
