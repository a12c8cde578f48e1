"""Markdown (CommonMark): its own marks become roles; what is typed by hand is left as text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from html import unescape

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser

from newsletter.bulletin.front_matter import take_front_matter
from newsletter.bulletin.links import written_out
from newsletter.bulletin.model import Picture, SourceLine
from newsletter.bulletin.passage import Passage, Role
from newsletter.bulletin.pictures import picture_in
from newsletter.bulletin.prose import tidy
from newsletter.bulletin.reading import Reading, Tally
from newsletter.bulletin.text import source_lines
from newsletter.bulletin.web_signs import flat, is_hidden

_PARSER = MarkdownIt("commonmark", {"maxNesting": 60}).enable("table")
_HIDDEN = {"script", "style", "del", "s", "strike", "title", "template"}
_CLEANER = nh3.Cleaner(tags=set(), attributes={}, clean_content_tags=_HIDDEN)
_STRUCK = {"del", "s", "strike"}
_BREAK = re.compile(r"<br\b", re.IGNORECASE)
_ANY_TAG = re.compile(r"<(/?)(\w+)[^<>]*>")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_VOID = {"br", "img", "hr", "input", "meta", "link", "wbr", "p", "li"}
_OPENED = re.compile(r"<(\w+)(?:\s[^<>]*)?>")


def read_markdown(source: bytes, language: str) -> Reading:
    """Return what a Markdown file says.

    Comments, hidden and struck-out HTML never pass, and are told; other HTML loses its tags.
    A link's address is written out behind its words; a picture that is not in the file leaves
    its description.
    """
    lines, encoding = source_lines(source, language)
    tally = Tally()
    head, kept = take_front_matter(lines, tally)
    tokens = _PARSER.parse("\n".join(line.text for line in kept))
    tokens = list(_without_tables(_without_hidden(tokens, tally), tally))
    pictures = list(_pictures(tokens, tally))
    _tell(tokens, tally)
    passages = tuple(_passages(tokens))
    return Reading(lines, passages, encoding, tuple(pictures), tally.leftovers(), head=head)


# --- what is not text --------------------------------------------------------------------


def _tell(tokens: Sequence[Token], tally: Tally) -> None:
    for line, html in _html(tokens):
        if comments := html.count("<!--"):
            tally.add("review-comment", line, count=comments)
        for tag in _OPENED.finditer(html):
            if tag[1].lower() in _STRUCK:
                tally.add("tracked-changes", line)
            elif _is_hidden(tag[0]):
                tally.add("hidden-text", line)


def _without_hidden(tokens: Sequence[Token], tally: Tally) -> Iterator[Token]:
    """Leave out the blocks between HTML that begins to hide and HTML that ends it."""
    hiding: list[str] = []
    for block in _blocks(tokens):
        first = block[0]
        if first.type == "html_block":
            was = bool(hiding)
            _follow(first.content, hiding)
            if was:
                continue
            if hiding:
                struck = hiding[0] in _STRUCK
                line = (first.map[0] if first.map else 0) + 1
                tally.add("tracked-changes" if struck else "hidden-text", line)
                continue
        if not hiding:
            yield from block


def _follow(html: str, hiding: list[str]) -> None:
    """Keep the list of elements that are open and hide what follows, the outermost first."""
    for tag in _ANY_TAG.finditer(_COMMENT.sub("", html)):
        name = tag[2].lower()
        if tag[1]:
            if name in hiding[-1:]:
                hiding.pop()
        elif name not in _VOID and (hiding or name in _HIDDEN or _is_hidden(tag[0])):
            hiding.append(name)


def _html(tokens: Sequence[Token]) -> Iterator[tuple[int, str]]:
    for token in tokens:
        line = (token.map[0] if token.map else 0) + 1
        if token.type == "html_block":
            yield line, token.content
        for child in token.children or []:
            if child.type == "html_inline":
                yield line, child.content


def _pictures(tokens: Sequence[Token], tally: Tally) -> Iterator[Picture]:
    for token in tokens:
        line = (token.map[0] if token.map else 0) + 1
        for child in token.children or []:
            address = str(child.attrs.get("src", "")) if child.type == "image" else ""
            if address.startswith("data:"):
                picture = picture_in(address, tidy(child.content), line)
                child.content = ""
                if isinstance(picture, Picture):
                    yield picture
                else:
                    tally.add("image-unusable", line, picture)
            elif re.match(r"(?:https?:)?//", address):
                tally.add("remote-image", line)
            elif address:
                tally.add("not-taken", line, "a picture that is not in the file")


def _is_hidden(tag: str) -> bool:
    if "style" not in tag.lower() and "hidden" not in tag.lower():
        return False
    parsed = LexborHTMLParser(tag).css_first("body *")
    if parsed is None:
        return False
    return is_hidden(parsed.attributes, flat(parsed.attributes.get("style")))


def _without_tables(tokens: Iterable[Token], tally: Tally) -> Iterator[Token]:
    """Leave out tables, and tell; one of two columns and at most two rows only lays out."""
    for block in _blocks(list(tokens)):
        if block[0].type == "table_open" and not _is_layout(block):
            tally.add("not-taken", (block[0].map or [0])[0] + 1, "a table")
        else:
            yield from block


def _is_layout(table: Sequence[Token]) -> bool:
    heads, *rows = _rows(table)
    return len(rows) <= 1 and len(heads) == 2 and all(_is_text(head.text) for head in heads)


def _rows(table: Sequence[Token]) -> list[list[SourceLine]]:
    """Return the cells of each row; the heads of the columns are the first."""
    rows: list[list[SourceLine]] = []
    line = 1
    for token in table:
        if token.type == "tr_open":
            line = (token.map[0] if token.map else 0) + 1
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(SourceLine(line, _flat(token.children or [])))
    return rows


# --- passages ----------------------------------------------------------------------------


def _passages(tokens: Sequence[Token], role: Role = Role.TEXT) -> Iterator[Passage]:
    for block in _blocks(tokens):
        match block[0].type:
            case "bullet_list_open" | "ordered_list_open":
                yield from (found for entry in _blocks(block[1:-1]) for found in _entry(entry))
            case "blockquote_open":
                yield from _passages(block[1:-1], Role.QUOTED)
            case "table_open":
                for column, name in enumerate((Role.FIRST, Role.SECOND)):
                    head, *cells = [row[column] for row in _rows(block)]
                    yield Passage((head,), name, level=len(cells))
                    yield from (Passage((cell,), name) for cell in cells if _is_text(cell.text))
            case "hr" if role is Role.TEXT:
                line = (block[0].map[0] if block[0].map else 0) + 1
                yield Passage((SourceLine(line, block[0].markup),), Role.DIVIDER)
            case "paragraph_open" if role is Role.TEXT and _is_link_alone(block[1]):
                yield from (replace(found, typed=True) for found in _passage(block, Role.BUTTON))
            case "heading_open":
                yield from _passage(block, Role.HEADING, level=int(block[0].tag[1:]))
            case _:
                yield from _passage(block, role)


def _is_link_alone(paragraph: Token) -> bool:
    """Whether a paragraph is one link with words of its own, bold or not."""
    children = [
        child
        for child in paragraph.children or []
        if not child.type.startswith(("strong_", "em_")) and (child.content or child.type != "text")
    ]
    types = [child.type for child in children]
    if types[:1] != ["link_open"] or types[-1] != "link_close" or types.count("link_open") > 1:
        return False
    return _flat(children).endswith(")") and not {"softbreak", "hardbreak"}.intersection(types)


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
            text = unescape(_CLEANER.clean(_shown(token.content)))
        case "fence":
            text, first = token.content, first + 1
        case "code_block":
            text = token.content
        case _:
            return []
    return [
        SourceLine(number, line)
        for number, line in enumerate(text.split("\n"), first)
        if _is_text(line)
    ]


def _is_text(line: str) -> bool:
    return any(character.isalnum() for character in line)


def _shown(html: str) -> str:
    """Return HTML without the elements that their own attributes hide."""
    tree = LexborHTMLParser(html)
    hidden = [
        node
        for node in tree.css("[hidden], [style]")
        if is_hidden(node.attributes, flat(node.attributes.get("style")))
    ]
    for node in hidden:
        node.decompose()
    return (tree.body.inner_html or "") if hidden and tree.body else html


def _flat(children: Sequence[Token]) -> str:
    parts: list[str] = []
    hiding: list[str] = []
    link = ("", 0)
    for token in children:
        if token.type == "html_inline":
            _follow(token.content, hiding)
            parts += [" "] if _BREAK.match(token.content) else []
        elif token.type == "link_open":
            link = (str(token.attrs.get("href", "")), len(parts))
        elif token.type == "link_close":
            parts.append(written_out(link[0], "".join(parts[link[1] :])))
        elif token.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif not hiding and token.type in ("text", "code_inline", "image"):
            parts.append(token.content)
    return "".join(parts)


def _bold_lead(children: Sequence[Token]) -> str:
    """Return the bold words that a list entry begins with, if it does."""
    shown = [child for child in children if child.type != "text" or child.content]
    if not shown or shown[0].type != "strong_open":
        return ""
    end = next(n for n, child in enumerate(shown) if child.type == "strong_close")
    return _flat(shown[1:end])
