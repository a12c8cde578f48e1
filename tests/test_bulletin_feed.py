from datetime import UTC, datetime

import pytest

from newsletter.bulletin.feed import MAX_BYTES, FeedEntry, read_feed
from newsletter.errors import UnreadableInput

MEDIA = "http://search.yahoo.com/mrss/"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
CAPTION = (
    '<media:content url="https://example.org/a.jpg"><media:title>Photo</media:title>'
    '<media:description type="html">A caption that is longer than anything else that is written '
    "in the entry, which happens where a newsroom describes its pictures with care."
    "</media:description></media:content>"
)


def rss(*entries: str, before: str = "") -> bytes:
    return (
        f'<?xml version="1.0"?>{before}<rss version="2.0" xmlns:media="{MEDIA}" '
        f'xmlns:content="{CONTENT}"><channel><title>News</title><language>de-DE</language>'
        f"{''.join(entries)}</channel></rss>"
    ).encode()


def entry(title: str = "Rain", text: str = "<description>Short.</description>") -> str:
    return f"<item><title>{title}</title>{text}</item>"


def only(*entries: str) -> FeedEntry:
    (found,) = read_feed(rss(*entries))
    return found


def test_the_newest_entry_comes_first_and_those_without_a_date_last() -> None:
    days = ["<pubDate>Fri, 27 Nov 2026 07:00:00 GMT</pubDate>", "", "<pubDate>nonsense</pubDate>"]
    days += ["<pubDate>Fri, 04 Dec 2026 07:00:00 +0100</pubDate>"]

    found = read_feed(rss(*(entry(f"No {n}", day) for n, day in enumerate(days))))

    assert [one.title for one in found] == ["No 3", "No 0", "No 1", "No 2"]
    assert found[0].published == datetime(2026, 12, 4, 6, tzinfo=UTC)
    assert found[-1].published is None


@pytest.mark.parametrize(
    "text",
    [
        "<description>Short.</description><content:encoded><![CDATA[<p>The whole story.</p>]]>"
        "</content:encoded>",
        f"{CAPTION}<description>&lt;p&gt;The whole story.&lt;/p&gt;</description>",
        f"<description>&lt;p&gt;Short.&lt;/p&gt;</description>{CAPTION}<content:encoded><![CDATA["
        "<p>The whole story.</p>]]></content:encoded>",
        f"<description>The whole story.</description>{CAPTION}",
        f"{CAPTION}<media:description/><description>The whole story.</description>",
    ],
)
def test_the_fullest_text_is_taken_never_the_excerpt_or_a_caption(text: str) -> None:
    source = only(entry(text=text)).source.decode()

    assert "The whole story." in source
    assert "Short" not in source
    assert "caption" not in source
    assert "Photo" not in source


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Rain &amp;amp; sun", "Rain & sun"),
        ("Rain &amp;amp;#8217;s", "Rain ’s"),
        ("&lt;em&gt;Rain&lt;/em&gt; today", "Rain today"),
        ("<![CDATA[Rain & sun]]>", "Rain & sun"),
        ("  Rain\n today ", "Rain today"),
    ],
)
def test_a_title_is_unescaped_and_has_no_markup(written: str, title: str) -> None:
    assert only(entry(written)).title == title


def test_atom_is_read_with_its_id_and_link() -> None:
    (found,) = read_feed(
        b'<feed xmlns="http://www.w3.org/2005/Atom"><title>N</title><entry><id>tag:1</id>'
        b'<title type="html">Rain</title><link href="https://example.org/1"/>'
        b"<updated>2026-11-27T07:00:00Z</updated><summary>Short</summary>"
        b'<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Whole story</p></div>'
        b"</content></entry></feed>"
    )

    assert (found.id, found.link, found.name) == ("tag:1", "https://example.org/1", "rain.html")
    assert found.published == datetime(2026, 11, 27, 7, tzinfo=UTC)
    assert b"<p>Whole story</p>" in found.source


def test_an_entry_without_an_id_goes_by_its_link_or_title() -> None:
    link = "<link>https://example.org/2</link>"

    assert only(entry("A", link)).id == "https://example.org/2"
    assert only(entry("A")).id == "A"


def test_a_title_of_signs_alone_still_gives_a_file_name() -> None:
    assert only(entry("***")).name == "entry.html"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (b"", "no feed"),
        (b"<html><p>A page</p></html>", "no feed"),
        (b"\x00\xff\xfe", "no feed"),
        (b"http://127.0.0.1:9/feed.xml", "no feed"),
        (b" " * (MAX_BYTES + 1), "10 MB"),
        (rss(entry("&a;"), before='<!DOCTYPE rss [<!ENTITY a "aaaa">]>'), "entities"),
    ],
)
def test_what_is_no_feed_says_so(source: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableInput, match=sentence):
        read_feed(source)


def test_half_a_feed_gives_what_it_holds() -> None:
    whole = rss(entry("A"), entry("B"))

    assert [one.title for one in read_feed(whole[: whole.index(b"B</title>")])] == ["A", ""]
