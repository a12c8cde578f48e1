"""Word files (.docx): their parts are cleaned, mammoth makes a page of them, which is read.

Tracked deletions are dropped and insertions kept.  Text that nobody sees, comments, text boxes,
notes and embedded objects are taken out before anything else sees them, and told.  Lines are
paragraphs, numbered from 1.
"""

import io
import zipfile
from collections.abc import Iterator

from lxml import etree

from newsletter.bulletin.archive import Archive, damaged
from newsletter.bulletin.model import Leftover, LeftoverKind
from newsletter.bulletin.reading import Reading
from newsletter.bulletin.web_page import DIVIDER, page_reading
from newsletter.bulletin.word_package import Package
from newsletter.bulletin.word_styles import Styles, attribute
from newsletter.errors import UnreadableInput

_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='caption'] => p.caption:fresh
p[style-name='Caption'] => p.caption:fresh
p[style-name='Quote'] => blockquote:fresh
p[style-name='Intense Quote'] => blockquote:fresh
p[style-name='List Bullet 2'] => ul|ol > li > ul > li:fresh
p[style-name='List Bullet 3'] => ul|ol > li > ul > li:fresh
p[style-name='List Number 2'] => ul|ol > li > ol > li:fresh
p[style-name='List Number 3'] => ul|ol > li > ol > li:fresh
p[style-name='List Continue'] => ul|ol > li > p:fresh
"""
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TAKEN_OUT = (
    "{*}del", "{*}moveFrom", "{*}ins", "{*}moveTo", "{*}r", "{*}commentReference",
    "{*}footnoteReference", "{*}endnoteReference", "{*}AlternateContent", "{*}drawing", "{*}pict",
    "{*}object", "{*}sdt", "{*}oMath", "{*}altChunk", "{*}contentPart",
)  # fmt: skip
_WRAPPERS = (
    "{*}ins", "{*}moveTo", "{*}customXml", "{*}fldSimple", "{*}dir", "{*}bdo", "{*}smartTag",
    "{*}ruby", "{*}rubyBase", "{*}AlternateContent", "{*}Choice", "{*}Fallback",
)  # fmt: skip
_INSIDE_A_RUN = ("r", "rPr", "pPr", "AlternateContent", "Choice", "Fallback")
_NOTES = {"footnoteReference": "a footnote", "endnoteReference": "an endnote"}
_IN_A_DRAWING = (
    ("txbxContent", "a text box"),
    ("chart", "a chart"),
    ("relIds", "a diagram"),
    ("wgp", "a group of pictures"),
    ("imagedata", "a picture that is not in the file"),
    ("blip", "a picture that is not in the file"),
)

_What = tuple[LeftoverKind, str]


def read_word_file(source: bytes, language: str) -> Reading:
    """Return what a Word file says."""
    with Archive(source) as archive:
        package = Package(archive)
        properties = tuple(package.properties())  # of the text as it came
        cleaned = _Cleaned(package)
        html = _html(package, cleaned)
        apart = list(_headers(package))
        if not any(kind == "review-comment" for kind, _ in cleaned.marks.values()):
            apart += _comments(package)
    reading = page_reading(html, pictures=cleaned.pictures, marks=cleaned.marks)
    return Reading(
        lines=reading.lines,
        passages=reading.passages,
        pictures=reading.pictures,
        leftovers=(*reading.leftovers, *apart),
        properties=properties,
    )


class _Cleaned:
    """The text without what must not be read; a bookmark stands where something was."""

    def __init__(self, package: Package) -> None:
        self.marks: dict[str, _What] = {}  # by the name of the bookmark
        self.pictures: dict[str, bytes] = {}
        self._package = package
        self._styles = Styles(package)
        body = package.document
        for mark in list(body.iter("{*}bookmarkStart", "{*}bookmarkEnd", "{*}rt")):
            _remove(mark)
        for choice in list(body.iter("{*}AlternateContent")):
            if not _has(choice, "txbxContent"):
                _choose(choice)
        for element in list(body.iter(*_TAKEN_OUT)):
            if not _is_within(element, body):
                continue  # gone with what it was in
            if _local(element) == "r":
                self._see(element)
                continue
            if (what := self._what(element)) is not None:
                self._mark(element, what)
            if self._goes(element):
                _remove(element)
        for paragraph in filter(_is_ruled, body.iter("{*}p")):
            paragraph.append(_bookmark(DIVIDER))
        _unlink(body, package)
        etree.strip_tags(body, *_WRAPPERS)
        _slim(body)

    def _see(self, run: etree._Element) -> None:
        """Take a run out that nobody sees."""
        if self._styles.hides(run):
            if _shows(run):
                self._mark(run, ("hidden-text", ""))
            _remove(run)

    def _what(self, element: etree._Element) -> _What | None:
        """Return what is told of an element, if anything."""
        match name := _local(element):
            case "del" | "moveFrom" | "ins" | "moveTo":
                return ("tracked-changes", "") if _has(element, "r") else None
            case "commentReference":
                return "review-comment", ""
            case "footnoteReference" | "endnoteReference":
                return "not-taken", _NOTES[name]
            case "object" | "altChunk":
                return "not-taken", "an embedded object"
            case "sdt":
                return (
                    ("not-taken", "a field that nobody filled in") if _is_empty(element) else None
                )
            case "oMath":
                return "not-taken", "a formula"
            case "contentPart":
                return "not-taken", "a drawing"
            case "AlternateContent" | "drawing" | "pict":
                return self._drawn(element)
        return None

    def _drawn(self, element: etree._Element) -> _What | None:
        """Return what a drawing is that is no picture in the file; keep the picture of one."""
        if _has(element, "txbxContent"):
            return "not-taken", "a text box"
        if _local(element) == "AlternateContent":
            return None  # what is in it has its own turn
        blips = list(element.iter("{*}blip", "{*}imagedata"))
        direct = _has(element, "imagedata") or any(
            _local(pic.getparent()) == "graphicData" for pic in element.iter("{*}pic")
        )
        if len(blips) == 1 and direct:
            links = [attribute(blips[0], name) for name in ("embed", "id")]
            for link in filter(None, links):
                if (data := self._package.bytes_of(link)) is not None:
                    self.pictures[link] = data
                    return None
            target, outside = self._package.links.get(attribute(blips[0], "link"), ("", False))
            if outside and target.startswith("http"):
                return "remote-image", ""
        if _local(element) == "pict" and not blips and not _has(element, "t"):
            return None  # a line, or a shape without words
        names = {_local(child) for child in element.iter()}
        return "not-taken", next(
            (what for name, what in _IN_A_DRAWING if name in names), "a drawing"
        )

    def _goes(self, element: etree._Element) -> bool:
        match _local(element):
            case "ins" | "moveTo":
                return False
            case "del":  # beneath a paragraph's or a row's properties it marks these as deleted
                return _local(element.getparent()) not in ("rPr", "trPr")
            case "sdt":
                return _is_empty(element)
            case "AlternateContent" | "drawing" | "pict":
                return self._drawn(element) is not None
        return True

    def _mark(self, element: etree._Element, what: _What) -> None:
        name = f"out-{len(self.marks)}"
        self.marks[name] = what
        mark = _bookmark(name)
        place, around = element, element.getparent()
        while around is not None and _local(around) in _INSIDE_A_RUN:
            place, around = around, around.getparent()
        place.addprevious(mark)


def _html(package: Package, cleaned: _Cleaned) -> str:
    """Return the text as mammoth writes it, from parts that hold nothing but text."""
    import mammoth  # no other command has to wait for it

    def source_of(image: object) -> dict[str, str]:
        with image.open() as file:  # type: ignore[attr-defined]  # mammoth has no types
            return {"src": "picture:" + file.read().decode()}

    try:
        result = mammoth.convert_to_html(
            io.BytesIO(_repacked(package, cleaned.pictures)),
            style_map=_STYLES,
            convert_image=mammoth.images.img_element(source_of),
            id_prefix="",
        )
    except (UnreadableInput, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - whatever it stumbles over, the file is not as Word writes it
        raise damaged() from None
    return str(result.value)


def _repacked(package: Package, pictures: dict[str, bytes]) -> bytes:
    """Return a Word file of the cleaned text, its styles and its lists; pictures are names."""
    links = [
        f'<Relationship Id="{_escaped(id_)}" Type="{_LINK}" Target="{_escaped(target)}" '
        'TargetMode="External"/>'
        for id_, (target, outside) in package.links.items()
        if outside
    ]
    links += [
        f'<Relationship Id="{_escaped(id_)}" Type="{_IMAGE}" Target="media/{n}"/>'
        for n, id_ in enumerate(pictures)
    ]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", etree.tostring(package.document))
        archive.writestr(
            "word/_rels/document.xml.rels",
            f'<Relationships xmlns="{_LINKS}">{"".join(links)}</Relationships>',
        )
        for n, id_ in enumerate(pictures):
            archive.writestr(f"word/media/{n}", id_)
        for name in ("styles.xml", "numbering.xml"):
            for part in package.parts(name)[:1]:
                _slim(part)
                archive.writestr(f"word/{name}", etree.tostring(part))
    return out.getvalue()


_LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
_LINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"
_IMAGE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


# What only tells how things look is most of a Word file, and mammoth is slow.
_NAMES = """
    rFonts color sz szCs lang kern spacing w position highlight shd u effect bdr bCs i iCs noProof
    ind jc contextualSpacing keepNext keepLines widowControl pBdr tabs textAlignment outlineLvl
    autoSpaceDE autoSpaceDN adjustRightInd suppressAutoHyphens suppressLineNumbers rPrChange
    pPrChange proofErr lastRenderedPageBreak sectPr tblPr tblGrid tcW tcBorders tblStylePr
    latentStyles docDefaults uiPriority qFormat unhideWhenUsed semiHidden rsid next link lvlText
    lvlJc nsid multiLevelType tmpl
"""
_LOOKS = tuple(f"{{*}}{name}" for name in _NAMES.split())


def _slim(root: etree._Element) -> None:
    """Take out what only tells how things look."""
    etree.strip_elements(root, *_LOOKS, with_tail=False)
    for style in root.iter("{*}style"):
        if style.get(f"{{{_W}}}type") is None:
            style.set(f"{{{_W}}}type", "paragraph")
    for twice in root.iter("{*}dstrike"):
        twice.tag = f"{{{_W}}}strike"
    for run in list(root.iter("{*}r")):
        if (properties := run.find("{*}rPr")) is not None and not len(properties):
            run.remove(properties)
        _join(run)


def _join(run: etree._Element) -> None:
    """Join a run to the one before it: Word cuts them wherever somebody once typed."""
    before = run.getprevious()
    if before is None or _local(before) != "r" or not (len(before) == len(run) == 1):
        return
    if _local(before[0]) == _local(run[0]) == "t":
        before[0].text = (before[0].text or "") + (run[0].text or "")
        before[0].set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        _remove(run)


# --- what stands apart from the text -----------------------------------------------------


def _comments(package: Package) -> Iterator[Leftover]:
    count = sum(len(list(root.iter("{*}comment"))) for root in package.parts("comments.xml"))
    if count:
        yield Leftover("review-comment", 1, count)


def _headers(package: Package) -> Iterator[Leftover]:
    parts = [*package.parts("header"), *package.parts("footer")]
    count = sum(any(map(str.isalpha, _text(part))) for part in parts)
    if count:
        yield Leftover("not-taken", 1, count, "a header or footer")


# --- elements ----------------------------------------------------------------------------


def _local(element: etree._Element | None) -> str:
    return "" if element is None else str(element.tag).rpartition("}")[2]


def _text(element: etree._Element) -> str:
    return "".join(text.text or "" for text in element.iter("{*}t"))


def _has(element: etree._Element, name: str) -> bool:
    return next(element.iter(f"{{*}}{name}"), None) is not None


def _bookmark(name: str) -> etree._Element:
    return etree.Element(f"{{{_W}}}bookmarkStart", {f"{{{_W}}}name": name})


def _is_ruled(paragraph: etree._Element) -> bool:
    """Whether a line is drawn under a paragraph: what Word makes of three dashes, or one drawn."""
    if any(attribute(rect, "hr") == "t" for rect in paragraph.iter("{*}rect")):
        return True
    line = paragraph.find("{*}pPr/{*}pBdr/{*}bottom")
    return line is not None and attribute(line, "val") not in ("nil", "none")


def _shows(run: etree._Element) -> bool:
    return _has(run, "drawing") or any(map(str.isalnum, _text(run)))


def _is_empty(field: etree._Element) -> bool:
    """Whether a field to fill in shows no more than that it is one."""
    return field.find("{*}sdtPr/{*}showingPlcHdr") is not None


def _unlink(root: etree._Element, package: Package) -> None:
    """Take links away that lead nowhere; their words are there all the same."""
    for link in root.iter("{*}hyperlink"):
        for key in list(link.attrib):
            if str(key).endswith("}id") and link.attrib[key] not in package.links:
                del link.attrib[key]


def _choose(element: etree._Element) -> None:
    """Keep one of two forms of the same thing: that with a picture, which old programs read."""
    forms = list(element)
    best = next(
        (one for one in reversed(forms) if _has(one, "imagedata") or _has(one, "blip")), None
    )
    for form in forms:
        if form is not (best if best is not None else forms[0]):
            _remove(form)


def _is_within(element: etree._Element, root: etree._Element) -> bool:
    return next(element.iterancestors(root.tag), None) is root


def _remove(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
