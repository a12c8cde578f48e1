"""Markdown (CommonMark): its own marks become roles; what is typed by hand is left as text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import unescape

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from newsletter.bulletin.model import SourceLine
from newsletter.bulletin.passage import Passage, Role

_PARSER = MarkdownIt("commonmark", {"maxNesting": 60})
_HIDDEN = {"script", "style", "del", "s", "strike", "title", "template"}
_CLEANER = nh3.Cleaner(tags=set(), attributes={}, clean_content_tags=_HIDDEN)
_TAG = re.compile(r"<(/?)(\w+)")


def read_markdown(lines: Sequence[SourceLine]) -> list[Passage]:
    """Return the passages of a Markdown file.

    Comments and struck-out HTML never pass; other HTML loses its tags.  A link's address is
    written out behind its words, an image leaves its description.
    """
    tokens = _PARSER.parse("\n".join(line.text for line in lines))
    return list(_passages(tokens))


def _passages(tokens: Sequence[Token], role: Role = Role.TEXT) -> Iterator[Passage]:
    for block in _blocks(tokens):
        match block[0].type:
            case "bullet_list_open" | "ordered_list_open":
                yield from (found for entry in _blocks(block[1:-1]) for found in _entry(entry))
            case "blockquote_open":
                yield from _passages(block[1:-1], Role.QUOTED)
            case "heading_open":
                yield from _passage(block, Role.HEADING, level=int(block[0].tag[1:]))
            case _:
                yield from _passage(block, role)


def _blocks(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Divide tokens into blocks: an opening token, all that is in it, the closing one."""
    start = depth = 0
    for end, token in enumerate(tokens, 1):
        depth += token.nesting
        if depth == 0:
            yield tokens[start:end]
            start = end


def _entry(tokens: Sequence[Token]) -> Iterator[Passage]:
    first = next((token for token in tokens if token.type == "inline"), None)
    lead = _bold_lead(first.children or []) if first else ""
    number = f"{tokens[0].info}{tokens[0].markup}" if tokens[0].info else ""
    for passage in _passage(tokens, Role.ENTRY, lead=lead):
        yield replace(passage, number=number)


def _passage(
    tokens: Sequence[Token], role: Role, level: int = 0, lead: str = ""
) -> Iterator[Passage]:
    if lines := [line for token in tokens for line in _lines(token)]:
        yield Passage(tuple(lines), role, level, lead)


def _lines(token: Token) -> list[SourceLine]:
    """Return the lines of text in a token, without the blank ones."""
    first = (token.map[0] if token.map else 0) + 1
    match token.type:
        case "inline":
            text = _flat(token.children or [])
        case "html_block":
            text = unescape(_CLEANER.clean(token.content))
        case "fence":
            text, first = token.content, first + 1
        case "code_block":
            text = token.content
        case _:
            return []
    return [
        SourceLine(number, line)
        for number, line in enumerate(text.split("\n"), first)
        if any(character.isalnum() for character in line)
    ]


def _flat(children: Sequence[Token]) -> str:
    parts: list[str] = []
    hidden = 0
    link = ("", 0)
    for token in children:
        if token.type == "html_inline" and (tag := _TAG.match(token.content)):
            if tag[2].lower() in _HIDDEN:
                hidden = max(0, hidden + (-1 if tag[1] else 1))
            elif tag[2].lower() == "br":
                parts.append(" ")
        elif token.type == "link_open":
            link = (str(token.attrs.get("href", "")), len(parts))
        elif token.type == "link_close":
            parts += _address(link[0], "".join(parts[link[1] :]))
        elif token.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif not hidden and token.type in ("text", "code_inline", "image"):
            parts.append(token.content)
    return "".join(parts)


def _address(href: str, words: str) -> list[str]:
    """A link is written out unless its words are its address already."""
    bare = re.sub(r"^(?:mailto:|tel:|https?://)", "", href).rstrip("/")
    return [] if not bare or bare in words else [f" ({href.removeprefix('mailto:')})"]


def _bold_lead(children: Sequence[Token]) -> str:
    """Return the bold words that a list entry begins with, if it does."""
    shown = [child for child in children if child.type != "text" or child.content]
    if not shown or shown[0].type != "strong_open":
        return ""
    end = next(n for n, child in enumerate(shown) if child.type == "strong_close")
    return _flat(shown[1:end])
