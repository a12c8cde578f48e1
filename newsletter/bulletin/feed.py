"""Feeds (RSS 2.0, Atom): each entry becomes a web page that is read like any other."""

import io
import re
from calendar import timegm
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape, unescape
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from newsletter.bulletin.reading import Reading
from newsletter.bulletin.web_page import read_web_page
from newsletter.errors import UnreadableInput

MAX_BYTES = 10_000_000
MOST_ENTRIES = 500  # the newest; a feed holds ten to fifty
_LONGEST_NAME = 60

# Captions of pictures: feedparser puts them where the text belongs.
_CAPTIONS = (b"media:description", b"media:title", b"media:text")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True)
class FeedEntry:
    """One entry of a feed, ready for `read_bulletin(entry.source, entry.name)`."""

    id: str  # as the feed says it; its link or its title where it says none
    title: str
    published: datetime | None  # UTC
    source: bytes = field(repr=False)  # an HTML document, UTF-8
    name: str  # of a file, from the title: "harvest-in-the-hills.html"
    link: str = ""


def read_feed(source: bytes) -> list[FeedEntry]:
    """Return the entries of a feed, the newest first, those without a date last.

    Nothing is fetched.  An entry holds the fullest text there is: never the excerpt where the
    whole is beside it, never the caption of a picture.

    Raises:
        UnreadableInput: no feed, too large, or one that defines entities of its own.
    """
    if len(source) > MAX_BYTES:
        raise UnreadableInput(
            f"The feed is larger than {MAX_BYTES // 1_000_000} MB: check that its address is right."
        )
    if b"<!ENTITY" in source.replace(b"\0", b""):  # UTF-16 has a zero in every second byte
        raise UnreadableInput(
            "The feed defines entities of its own, which no honest feed needs: ask its makers."
        )
    import feedparser  # no other command has to wait for it

    try:
        # A stream: text would be taken for an address, and fetched.
        parsed = feedparser.parse(
            io.BytesIO(_without_captions(source)), sanitize_html=False, resolve_relative_uris=False
        )
    except Exception:  # noqa: BLE001 - whatever its parser stumbles over, it is no feed
        raise _no_feed() from None
    if not parsed.get("version"):
        raise _no_feed()
    language = str(parsed.feed.get("language", ""))
    entries = [_entry(entry, language) for entry in parsed.entries[:MOST_ENTRIES]]
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(entries, key=lambda entry: entry.published or oldest, reverse=True)


def read_newest_entry(source: bytes, language: str) -> Reading:
    """Return what the newest entry of a feed says.

    Raises:
        UnreadableInput: no feed, or an empty one.
    """
    entries = read_feed(source)
    if not entries:
        raise UnreadableInput(
            "There is no entry in the feed yet: try again when something has come out."
        )
    return read_web_page(entries[0].source, language)


def _no_feed() -> UnreadableInput:
    return UnreadableInput(
        "This is no feed that can be read: RSS 2.0 and Atom are. Check that the address is that "
        "of the feed and not of a page."
    )


def _without_captions(source: bytes) -> bytes:
    for name in _CAPTIONS:
        first, *others = source.split(b"<" + name)
        end = b"</" + name + b">"
        kept = (
            other.partition(end)[2] if end in other else b"<" + name + other for other in others
        )
        source = first + b"".join(kept)
    return source


def _entry(entry: dict[str, Any], language: str) -> FeedEntry:
    title = _title(str(entry.get("title", "")))
    link = str(entry.get("link", ""))
    slug = "-".join(re.findall(r"[^\W_]+", title.lower()))[:_LONGEST_NAME].strip("-")
    return FeedEntry(
        id=str(entry.get("id") or link or title),
        title=title,
        published=_published(entry),
        source=_page(title, _fullest(entry), language).encode("utf-8", "replace"),
        name=f"{slug or 'entry'}.html",
        link=link,
    )


def _title(written: str) -> str:
    """Return a title without markup; many feeds escape it once too often."""
    if not re.search(r"[<&]", written):
        return " ".join(written.split())
    return " ".join(unescape(_text(unescape(written))).split())


def _text(html: str) -> str:
    body = LexborHTMLParser(html).body
    return body.text() if body else ""


def _published(entry: dict[str, Any]) -> datetime | None:
    # As a plain dict: feedparser's own look-up warns where one of the two stands for the other.
    moment = dict.get(entry, "published_parsed") or dict.get(entry, "updated_parsed")
    try:
        return datetime.fromtimestamp(timegm(moment), UTC) if moment else None
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _fullest(entry: dict[str, Any]) -> str:
    parts: Iterable[dict[str, Any]] = [
        *entry.get("content", ()),
        {"value": entry.get("summary", ""), **_kind_of(entry.get("summary_detail", {}))},
    ]
    texts = [_as_html(part) for part in parts]
    return max(texts, key=lambda html: len(_text(html)))


def _kind_of(detail: dict[str, Any]) -> dict[str, Any]:
    return {"type": detail.get("type", "")}


def _as_html(part: dict[str, Any]) -> str:
    value = str(part.get("value", ""))
    if not re.search(r"</?\w|&#?\w+;", value):  # plain, whatever its type says
        return f"<pre>{escape(value)}</pre>"
    return value


def _page(title: str, html: str, language: str) -> str:
    lang = f' lang="{language}"' if _LANGUAGE.fullmatch(language) else ""
    heading = f"<h1>{escape(title)}</h1>" if title else ""
    return (
        f'<!doctype html><html{lang}><head><meta charset="utf-8"></head>'
        f"<body>{heading}{html}</body></html>"
    )
