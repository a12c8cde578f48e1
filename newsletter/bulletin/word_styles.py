"""What a Word file's styles say of a run: above all whether anybody sees it."""

from collections.abc import Iterator

from lxml import etree

from newsletter.bulletin.colours import TINY_POINTS, WHITE, Colour, blend, colour_of
from newsletter.bulletin.word_package import Package

_DEEPEST = 20  # styles that are based on each other in a circle
_HIGHLIGHTS = {"black": "000000", "white": "FFFFFF", "none": ""}
_CELLS = ("tc", "tr", "tbl")

_Said = dict[str, etree._Element]  # properties by their names


class Styles:
    """The styles of one file, and the runs that nobody sees by them or by themselves."""

    def __init__(self, package: Package) -> None:
        self._styles: dict[str, etree._Element] = {}
        self._usual = ""  # the style of paragraphs that name none
        self._defaults: _Said = {}
        for root in package.parts("styles.xml"):
            for defaults in root.findall("{*}docDefaults/{*}rPrDefault/{*}rPr"):
                self._defaults |= _said(defaults)
            for style in root.iter("{*}style"):
                name = attribute(style, "styleId")
                self._styles[name] = style
                usual = attribute(style, "default") not in ("", "0", "false")
                if usual and attribute(style, "type") == "paragraph":
                    self._usual = name
        self._known: dict[tuple[str, str], _Said] = {}
        page = package.document.find("{*}background")
        self._page = WHITE if page is None else colour_of(attribute(page, "color"))

    def hides(self, run: etree._Element) -> bool:
        """Whether nobody sees a run: hidden, in the colour of what is behind it, or tiny."""
        paragraph = next(run.iterancestors("{*}p"), None)
        said = self._of_run(run, paragraph)
        if "vanish" in said and value(said["vanish"]) not in ("0", "false", "off"):
            return True
        size = value(said.get("sz", said.get("szCs")))
        if size.isdecimal() and int(size) <= 2 * TINY_POINTS:  # in half points
            return True
        colour = colour_of(value(said["color"])) if "color" in said else None
        return colour is not None and blend(colour, self._behind(said, paragraph))

    def _of_run(self, run: etree._Element, paragraph: etree._Element | None) -> _Said:
        """Return what is said of a run's characters; what stands nearest to it counts."""
        said = self._defaults | self._of_style(self._style_of(paragraph), "rPr")
        own = run.find("{*}rPr")
        if own is None:
            return said
        mine = _said(own)
        return said | self._of_style(value(mine.get("rStyle")), "rPr") | mine

    def _behind(self, said: _Said, paragraph: etree._Element | None) -> Colour | None:
        """Return the colour behind a run; None where it cannot be told."""
        highlight = value(said.get("highlight"))
        if highlight not in ("", "none"):
            return colour_of(_HIGHLIGHTS.get(highlight, ""))
        for shade in self._shades(said, paragraph):
            if shade is None:
                return None
            if (fill := attribute(shade, "fill")) not in ("", "auto"):
                return colour_of(fill) if value(shade) in ("", "clear", "nil") else None
            if value(shade) == "solid":
                return colour_of(attribute(shade, "color"))
        return self._page

    def _shades(
        self, said: _Said, paragraph: etree._Element | None
    ) -> Iterator[etree._Element | None]:
        """Yield what may fill the place behind a run, the nearest first; None: who knows."""
        if (shade := said.get("shd")) is not None:
            yield shade
        if paragraph is None:
            return
        around = [_said(own) for own in paragraph.iterfind("{*}pPr")]
        around.append(self._of_style(self._style_of(paragraph), "pPr"))
        for cell in paragraph.iterancestors(*(f"{{*}}{name}" for name in _CELLS)):
            around += [_said(own) for own in cell.iterfind(f"{{*}}{etree.QName(cell).localname}Pr")]
        for properties in around:
            if self._fills(value(properties.get("tblStyle"))):
                yield None
            if (shade := properties.get("shd")) is not None:
                yield shade

    def _style_of(self, paragraph: etree._Element | None) -> str:
        named = value(paragraph.find("{*}pPr/{*}pStyle")) if paragraph is not None else ""
        return named if named in self._styles else self._usual

    def _of_style(self, name: str, part: str) -> _Said:
        """Return what a style says, and those that it is based on, farthest first."""
        if (name, part) not in self._known:
            said: _Said = {}
            based = name
            for _ in range(_DEEPEST):
                style = self._styles.get(based)
                if style is None:
                    break
                if (properties := style.find(f"{{*}}{part}")) is not None:
                    said = _said(properties) | said
                based = value(style.find("{*}basedOn"))
            self._known[name, part] = said
        return self._known[name, part]

    def _fills(self, name: str) -> bool:
        """Whether a style of tables colours cells."""
        for _ in range(_DEEPEST):
            style = self._styles.get(name)
            if style is None:
                return False
            if next(style.iter("{*}shd"), None) is not None:
                return True
            name = value(style.find("{*}basedOn"))
        return False


def _said(properties: etree._Element) -> _Said:
    return {str(child.tag).rpartition("}")[2]: child for child in properties}


def attribute(element: etree._Element, name: str) -> str:
    """Return an attribute, whatever its namespace; "" where there is none."""
    found = (v for key, v in element.attrib.items() if str(key).rpartition("}")[2] == name)
    return str(next(found, ""))


def value(element: etree._Element | None) -> str:
    """Return the attribute `val`, which says what an element of properties sets."""
    return "" if element is None else attribute(element, "val")
