"""Web pages: saved ones, and what Word, Google Docs and mail programs make of a text.

What was deleted, hidden or commented, what tracks, and what every page of a site has is left
out and told.  Lines are numbered as they are read: a page's own lines tell a person nothing.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from newsletter.bulletin import web_signs
from newsletter.bulletin.links import without_tracking, written_out
from newsletter.bulletin.model import LeftoverKind, Picture, Property, SourceLine
from newsletter.bulletin.passage import Passage, Role
from newsletter.bulletin.pictures import picture_in, picture_of
from newsletter.bulletin.prose import tidy
from newsletter.bulletin.reading import Head, Reading, Tally
from newsletter.bulletin.web_looks import LOOKS, PLAIN, Look, look_within
from newsletter.bulletin.web_signs import Attributes, Sheet
from newsletter.bulletin.web_source import is_too_deep, page_text, too_deep
from newsletter.errors import UnreadableInput

MAX_BYTES = 10_000_000
DEEPEST = 150  # elements within each other; pages that people read have a third of it
_MOST_PROPERTIES = 100
DIVIDER = "divider-of-the-story"
_SPACE = re.compile(r"[ \t\n\r\f]+")
_REMOTE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
_DATA = re.compile(r"data:[^,]{0,200},", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


def read_web_page(source: bytes, language: str) -> Reading:
    """Return what a web page says."""
    if len(source) > MAX_BYTES:
        raise UnreadableInput(
            f"The web page is larger than {MAX_BYTES // 1_000_000} MB: save it without its "
            "pictures, or copy its text into a file."
        )
    html, encoding = page_text(source, language)
    return page_reading(html, encoding)


def page_reading(
    html: str,
    encoding: str = "utf-8",
    pictures: Mapping[str, bytes] | None = None,
    marks: Mapping[str, tuple[LeftoverKind, str]] | None = None,
) -> Reading:
    """Return what HTML says.

    `pictures` are those that it calls "picture:NAME"; `marks` tells what was taken out where
    it has an `<a id="NAME">`; an `<a>` of the id `DIVIDER` ends a paragraph that has a line under
    it.

    Raises:
        UnreadableInput: elements within elements, deeper than any page that people read.
    """
    if is_too_deep(html.encode("utf-8", "replace")):
        raise too_deep()
    tree = LexborHTMLParser(html)
    page = _Page(tree, pictures or {}, marks or {})
    return Reading(
        lines=tuple(page.lines),
        passages=tuple(page.passages),
        encoding=encoding,
        pictures=tuple(page.pictures),
        leftovers=page.tally.leftovers(),
        properties=tuple(_properties(tree)),
        head=Head(hint=_language(tree)),
    )


# --- what a page says of itself ----------------------------------------------------------


def _language(tree: LexborHTMLParser) -> str:
    generator = tree.css_first('meta[name="generator" i]')
    made_by = (generator.attributes.get("content") or "") if generator else ""
    root = tree.css_first("html")
    named = (root.attributes.get("lang") or "") if root else ""
    # Word writes the language of the program, not of the text.
    return named if _LANGUAGE.fullmatch(named) and "Microsoft" not in made_by else ""


def _properties(tree: LexborHTMLParser) -> Iterator[Property]:
    for meta in tree.css("meta[content]")[:_MOST_PROPERTIES]:
        name = meta.attributes.get("name") or meta.attributes.get("property") or ""
        value = (meta.attributes.get("content") or "").strip()
        if name and value and name.lower() not in ("viewport", "generator", "progid"):
            yield Property(name, value)
    if (title := tree.css_first("title")) and (value := tidy(title.text())):
        yield Property("title", value)


# --- the page ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Around:
    """What the elements around say of the words in them."""

    role: Role = Role.TEXT
    level: int = 0
    bold: bool = False
    typed: bool = False  # white space counts
    list_level: int = 0
    in_story: bool = False  # within <article> or <main>
    look: Look = PLAIN


class _Piece(NamedTuple):
    text: str  # "\n" is a line break
    bold: bool


class _Out(NamedTuple):
    """What an element is that is left out; without a kind nobody needs to be told."""

    kind: LeftoverKind | None = None
    what: str = ""
    times: int = 1


_TO_A_NOTE = re.compile(r"#(?:cmnt|ftnt|_ftn|_edn|_msocom)")
_FOOTNOTES = _Out("not-taken", "footnotes")


class _Page:
    """One walk over a page: its lines, passages and pictures, and what was left out."""

    def __init__(
        self,
        tree: LexborHTMLParser,
        pictures: Mapping[str, bytes],
        marks: Mapping[str, tuple[LeftoverKind, str]],
    ) -> None:
        self.lines: list[SourceLine] = []
        self.passages: list[Passage] = []
        self.pictures: list[Picture] = []
        self.tally = Tally()
        self._named, self._marks = pictures, marks
        self._waiting: list[tuple[int, LeftoverKind, str, int]] = []  # with the row it stood in
        self._sheet = Sheet(tree, LOOKS)
        self._gathers = False  # blocks end nothing: all words go into one line
        self._notes = _notes(tree)
        tree.strip_tags(["script", "style", "template"])
        self._pieces: list[_Piece] = []
        self._row = 0  # of the block that is open; and whether it has words so far
        self._row_has_words = False
        self._seen: list[tuple[int, bool, Picture]] = []  # pictures, with their row
        self._entry: list[SourceLine] | None = None  # lines of the list entry that is open
        self._lead = ""
        self._caption = ""
        self._divides = False  # whether a line stands under the block that is open
        self._linked = ""  # the last link of the block that is open, its address behind it
        self._length = 0
        if (body := tree.body) is not None:
            self._length = _length(body)
            self._walk_story(tree, body)

    def _walk_story(self, tree: LexborHTMLParser, body: LexborNode) -> None:
        story = _story(tree) or body
        around = _Around(in_story=story is not body, look=self._look_of(story))
        if story is not body:
            self.tally.add("boilerplate-removed", 1)
            named = tree.css("h1")
            if len(named) == 1 and not story.css("h1"):
                self._block(named[0], around, _Around(Role.HEADING, 1), 0)
        self._inside(story, around, 0)
        self._flush(around)

    def _look_of(self, node: LexborNode | None) -> Look:
        """Return how words look in a node, by all that it is in."""
        if node is None or not node.is_element_node:
            return Look(behind=None) if self._sheet.elsewhere else PLAIN
        return self._look(node, node.attributes, self._look_of(node.parent))

    def _look(self, node: LexborNode, attributes: Attributes, around: Look) -> Look:
        style = web_signs.flat(attributes.get("style"))
        if sheet := self._sheet.looks.get(node.mem_id):
            style = f"{sheet};{style}"
        return look_within(around, style, attributes, styled_apart=self._sheet.elsewhere)

    def _tell(self, kind: LeftoverKind, what: str = "", times: int = 1) -> None:
        """Tell of something here; which line that is shows when the block ends."""
        self._waiting.append((self._row, kind, what, times))

    def _add(self, text: str, bold: bool) -> None:
        self._pieces.append(_Piece(text, bold))
        if "\n" in text:
            self._row += text.count("\n")
            self._row_has_words = False
        self._row_has_words = self._row_has_words or _is_text(text.rpartition("\n")[2])

    # --- elements

    def _inside(self, node: LexborNode, around: _Around, depth: int) -> None:
        if depth > DEEPEST:
            raise too_deep()
        for child in node.iter(include_text=True):
            if child.is_text_node:
                text = child.text_content or ""
                if around.look.unseen and _is_text(text):
                    self._tell("hidden-text")
                else:
                    self._add(text if around.typed else _SPACE.sub(" ", text), around.bold)
            elif child.is_element_node and child.tag:
                self._element(child, child.tag, around, depth + 1)
            elif child.is_comment_node and web_signs.is_remark(child.comment_content or ""):
                self._tell("review-comment")

    def _element(self, node: LexborNode, tag: str, around: _Around, depth: int) -> None:
        if tag in web_signs.UNSEEN:
            return
        attributes = node.attributes
        style = web_signs.flat(attributes.get("style"))
        if self._is_left_out(node, tag, attributes, style, around):
            return
        bold = web_signs.is_bold(tag, style, around.bold or node.mem_id in self._sheet.bold)
        look = self._look(node, attributes, around.look)
        in_story = around.in_story or tag in ("article", "main")
        around = replace(around, bold=bold, in_story=in_story, look=look)
        match tag:
            case "br":
                self._add("\n", around.bold)
            case "hr":
                self._flush(around)
                self._divide()
            case "img":
                self._image(attributes, style)
            case "a":
                self._link(node, attributes.get("href") or "", around, depth)
            case "ins":
                self._inserted(node, attributes, around, depth)
            case "table":
                self._table(node, around, depth)
            case "figure":
                self._figure(node, around, depth)
            case _:
                self._structure(node, tag, around, depth)

    def _structure(self, node: LexborNode, tag: str, around: _Around, depth: int) -> None:
        attributes = node.attributes
        style = web_signs.flat(attributes.get("style"))
        level = web_signs.word_level(style)
        if level or tag == "li":
            self._list_entry(node, max(level, around.list_level, 1), around, depth)
        elif web_signs.is_caption(attributes) and self._takes_caption(node, around, depth):
            return
        elif tag in web_signs.BLOCKS or "display:block" in style:
            self._block(node, around, _within(tag, attributes, around), depth)
        else:
            self._inside(node, around, depth)

    def _block(self, node: LexborNode, outer: _Around, inner: _Around, depth: int) -> None:
        self._flush(outer)
        self._inside(node, inner, depth)
        self._flush(inner)
        if self._divides:
            self._divide()

    def _list_entry(self, node: LexborNode, level: int, around: _Around, depth: int) -> None:
        """Read an entry; one that is nested, within or behind another, is part of it."""
        self._flush(around)
        if self._entry is not None:
            self._inside(node, around, depth)
            self._flush(around)
            return
        self._entry, self._lead = [], ""
        self._inside(node, around, depth)
        self._flush(around)
        lines, self._entry = self._entry, None
        if not lines:
            return
        before = self.passages[-1] if self.passages else None
        if level > 1 and before is not None and before.role is Role.ENTRY:
            self.passages[-1] = replace(before, lines=(*before.lines, *lines))
        else:
            self.passages.append(Passage(tuple(lines), Role.ENTRY, lead=self._lead))

    def _link(self, node: LexborNode, href: str, around: _Around, depth: int) -> None:
        self._divides = self._divides or node.attributes.get("id") == DIVIDER
        if mark := self._marks.get(node.attributes.get("id") or ""):
            self._tell(*mark)
        start = len(self._pieces)
        self._inside(node, around, depth)
        href, tracked = without_tracking(href.strip())
        if tracked:
            self._tell("tracking-parameters-removed")
        words = "".join(piece.text for piece in self._pieces[start:])
        if around.role is not Role.HEADING and (address := written_out(href, words)):
            self._add(address, around.bold)
            self._linked = tidy(words + address)

    def _inserted(
        self, node: LexborNode, attributes: Attributes, around: _Around, depth: int
    ) -> None:
        if _has_words(node) and ("cite" in attributes or "datetime" in attributes):
            self._tell("tracked-changes")
        self._inside(node, around, depth)

    def _table(self, node: LexborNode, around: _Around, depth: int) -> None:
        """Read a table that only lays out a page; one that holds facts is told."""
        self._flush(around)
        if cells := _two_cells(node):
            for cell, role in zip(cells, (Role.FIRST, Role.SECOND), strict=True):
                self._block(cell, around, replace(around, role=role), depth)
        elif _holds_facts(node):
            self._tell("not-taken", "a table")
        else:
            self._block(node, around, around, depth)

    def _figure(self, node: LexborNode, around: _Around, depth: int) -> None:
        caption = node.css_first("figcaption")
        if caption is None or node.css_first("img") is None:
            self._block(node, around, around, depth)
            return
        self._flush(around)
        self._caption = self._gathered(caption, around, depth)
        caption.decompose()
        self._block(node, around, around, depth)
        self._caption = ""

    def _gathered(self, node: LexborNode, around: _Around, depth: int) -> str:
        """Return the words in a node as one line, without what is left out everywhere."""
        before, row = self._pieces, (self._row, self._row_has_words)
        self._pieces, self._gathers = [], True
        self._inside(node, around, depth)
        words = tidy("".join(piece.text for piece in self._pieces))
        self._pieces, self._gathers = before, False
        self._row, self._row_has_words = row
        return words

    def _takes_caption(self, node: LexborNode, around: _Around, depth: int) -> bool:
        """Give the words right behind a picture to it."""
        self._flush(_Around())
        last = self.pictures[-1] if self.pictures else None
        if last is None or last.caption or last.line != max(1, len(self.lines)):
            return False
        self.pictures[-1] = replace(last, caption=self._gathered(node, around, depth))
        return True

    def _image(self, attributes: Attributes, style: str) -> None:
        alt = tidy(attributes.get("alt") or "")
        address = (attributes.get("src") or "").strip()
        if _is_dot(attributes, style):
            self._tell("tracker-removed")
        elif alt and len(alt) <= 8 and not any(character.isalnum() for character in alt):
            self._add(alt, False)  # an emoji that a site drew
        elif self._is_in_the_file(address) and not attributes.get("data-src"):
            self._drawn(address, alt)
        elif _REMOTE.match(attributes.get("data-src") or address or attributes.get("srcset") or ""):
            self._tell("remote-image")
        else:
            self._tell("not-taken", "a picture that is not in the file")

    def _is_in_the_file(self, address: str) -> bool:
        return address.removeprefix("picture:") in self._named or _DATA.match(address) is not None

    def _drawn(self, address: str, alt: str) -> None:
        if (data := self._named.get(address.removeprefix("picture:"))) is not None:
            picture = picture_of(data, alt, 1, self._caption)
        else:
            picture = picture_in(address, alt, 1, self._caption)
        if isinstance(picture, str):
            self._tell("image-unusable", picture)
        else:
            self._seen.append((self._row, self._row_has_words, picture))

    # --- what is left out

    def _is_left_out(
        self, node: LexborNode, tag: str, attributes: Attributes, style: str, around: _Around
    ) -> bool:
        """Whether an element is no part of the text; if so, tell."""
        out = (
            self._comment(node, attributes, style)
            or self._unshown(node, tag, attributes, style)
            or self._site_part(node, tag, attributes, around)
        )
        if out is None:
            return False
        self._trackers_in(node)
        if out.kind is not None and (out.kind == "not-taken" or _has_words(node)):
            self._tell(out.kind, out.what, out.times)
        return True

    def _comment(self, node: LexborNode, attributes: Attributes, style: str) -> _Out | None:
        """Return what a remark, a note or the sign that leads to one is."""
        names, href = attributes.get("class") or "", attributes.get("href") or ""
        if node.mem_id in self._notes:
            return self._notes[node.mem_id]
        if "mso-element:comment" in style:
            remarks = len(node.css('[style*="mso-element"]')) - 1
            return _Out("review-comment", times=max(1, remarks))
        if "mso-element:footnote-list" in style or "mso-element:endnote-list" in style:
            return _FOOTNOTES
        if "mso-element:header" in style or "mso-element:footer" in style:
            return _Out("not-taken", "a header or footer")
        if "msocomanchor" in names or "MsoCommentReference" in names or "mso-list:ignore" in style:
            return _Out()
        return _Out() if _TO_A_NOTE.match(href) else None

    def _unshown(
        self, node: LexborNode, tag: str, attributes: Attributes, style: str
    ) -> _Out | None:
        sheet, place = self._sheet, node.mem_id
        if tag == "noscript":
            return _Out()
        if web_signs.is_hidden(attributes, style) or place in sheet.hidden:
            return _Out("hidden-text")
        if tag in web_signs.DELETED or web_signs.is_struck(style) or place in sheet.struck:
            return _Out("tracked-changes")
        if tag in web_signs.NOT_TAKEN:
            icon = tag == "svg" and not _has_words(node)
            return _Out() if icon else _Out("not-taken", web_signs.NOT_TAKEN[tag])
        return None

    def _site_part(
        self, node: LexborNode, tag: str, attributes: Attributes, around: _Around
    ) -> _Out | None:
        if not web_signs.is_boilerplate(tag, attributes, around.in_story):
            return None
        if tag == "header" and node.css_first("h1") is not None:
            return None
        # A page that is a form, or has "menu" on its outermost part, is still a page.
        certain = tag in ("nav", "footer", "aside")
        whole = not certain and 2 * _length(node) > self._length
        return None if whole else _Out("boilerplate-removed")

    def _trackers_in(self, node: LexborNode) -> None:
        for image in node.css("img"):
            if _is_dot(image.attributes, web_signs.flat(image.attributes.get("style"))):
                self._tell("tracker-removed")

    # --- words

    def _flush(self, around: _Around) -> None:
        """Close the block that is open: number its lines, and make passages of them."""
        if self._gathers:
            self._pieces.append(_Piece(" ", False))
            return
        pieces, self._pieces = self._pieces, []
        rows = "".join(piece.text for piece in pieces).split("\n")
        first = len(self.lines) + 1
        groups = [
            tuple(self._numbered(row) for row in group)
            for is_text, group in groupby(rows, key=_is_text)
            if is_text
        ]
        linked, self._linked = self._linked, ""
        self._place(first, rows)
        if not groups:
            return
        whole = tuple(line for lines in groups for line in lines)
        if self._entry is not None:
            if not self._entry:
                self._lead = _lead(pieces)
            self._entry += whole
        elif around.role is Role.HEADING:
            self.passages.append(Passage(whole, Role.HEADING, around.level))
        elif around.role is Role.TEXT and [tidy(line.text) for line in whole] == [linked]:
            self.passages.append(Passage(whole, Role.BUTTON))
        else:
            self.passages += (Passage(lines, around.role) for lines in groups)

    def _divide(self) -> None:
        self._divides = False
        if self._entry is None:
            line = SourceLine(max(1, len(self.lines)), "———")
            self.passages.append(Passage((line,), Role.DIVIDER))

    def _place(self, first: int, rows: list[str]) -> None:
        """Give lines to what was met in a block: that of its row, or the next that has words."""
        before = [0, *accumulate(map(_is_text, rows))]
        for row, kind, what, times in self._waiting:
            self.tally.add(kind, max(1, min(first + before[row], len(self.lines))), what, times)
        for row, has_words, picture in self._seen:
            line = max(1, first - 1 + before[row] + has_words)
            self.pictures.append(replace(picture, line=line))
        self._waiting.clear()
        self._seen.clear()
        self._row, self._row_has_words = 0, False

    def _numbered(self, row: str) -> SourceLine:
        line = SourceLine(len(self.lines) + 1, row.strip(" "))
        self.lines.append(line)
        return line


def _story(tree: LexborHTMLParser) -> LexborNode | None:
    """Return the part of a page that is its story, where the page says so."""
    found = tree.css('main, [role="main"]') or tree.css("article")
    return found[0] if len(found) == 1 and _has_words(found[0]) else None


def _within(tag: str, attributes: Attributes, around: _Around) -> _Around:
    """Return what a block says of the words in it."""
    if level := web_signs.heading_level(tag, attributes):
        return replace(around, role=Role.HEADING, level=level)
    match tag:
        case "pre":
            return replace(around, typed=True)
        case "ul" | "ol":
            level = web_signs.docs_level(attributes) or around.list_level + 1
            return replace(around, list_level=level)
        case "blockquote" if attributes.get("type") != "cite":  # that is a mail handed on
            return replace(around, role=Role.QUOTED)
    return around


def _notes(tree: LexborHTMLParser) -> dict[int, _Out]:
    """Return the remarks and footnotes that Google Docs writes behind the text."""
    found: dict[int, _Out] = {}
    for prefix, out in (("#cmnt_ref", _Out("review-comment")), ("#ftnt_ref", _FOOTNOTES)):
        for back in tree.css(f'a[href^="{prefix}"]'):
            paragraph = back.parent
            around = paragraph.parent if paragraph is not None else None
            if paragraph is not None:
                whole = around if around is not None and around.tag == "div" else paragraph
                found[whole.mem_id] = out
    return found


def _holds_facts(table: LexborNode) -> bool:
    """Whether cells stand beside each other, and none of them is as rich as a page's column."""
    several = False
    for row in _rows(table):
        cells = [cell for cell in row.iter() if cell.tag in ("td", "th") and _has_words(cell)]
        several = several or len(cells) > 1
        if any(cell.css_first("ul, ol, h1, h2, h3, h4, table") for cell in cells):
            return False
        if any(len(cell.css("p")) > 2 for cell in cells):
            return False
    return several


def _two_cells(table: LexborNode) -> list[LexborNode]:
    """Return the cells of a table that only sets two texts beside each other, else none."""
    rows = [[cell for cell in row.iter() if cell.tag in ("td", "th")] for row in _rows(table)]
    filled = [[cell for cell in row if _has_words(cell)] for row in rows]
    filled = [row for row in filled if row]
    if len(filled) != 1 or len(filled[0]) != 2 or not _holds_facts(table):
        return []
    return [] if any(cell.css_first("img, blockquote, hr") for cell in filled[0]) else filled[0]


def _rows(table: LexborNode) -> Iterator[LexborNode]:
    for child in table.iter():
        if child.tag == "tr":
            yield child
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from (row for row in child.iter() if row.tag == "tr")


def _is_dot(attributes: Attributes, style: str) -> bool:
    """Whether a picture is too small to be seen: it only tells its server that it was."""
    sizes = [attributes.get("width") or "", attributes.get("height") or ""]
    return any(re.fullmatch(r"\s*[01](?:\.0*)?(?:px)?\s*", size) for size in sizes) or (
        re.search(r"(?:^|;)(?:max-)?(?:width|height):[01](?:px)?(?:;|!|$)", style) is not None
    )


def _lead(pieces: list[_Piece]) -> str:
    """Return the bold words that an entry begins with, unless all of it is bold."""
    found = ""
    for piece in pieces:
        if not piece.text.strip():
            found += piece.text
        elif not piece.bold:
            return tidy(found)
        else:
            found += piece.text
    return ""


def _has_words(node: LexborNode) -> bool:
    return _is_text(node.text())


def _length(node: LexborNode) -> int:
    return len(node.text().strip())


def _is_text(row: str) -> bool:
    return any(character.isalnum() for character in row)
