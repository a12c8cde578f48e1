"""The parts of a Word file (OOXML), read so that nothing in them can do harm."""

import posixpath
from collections.abc import Iterator

from lxml import etree

from newsletter.bulletin.archive import Archive, damaged
from newsletter.bulletin.model import Property
from newsletter.bulletin.web_source import too_deep
from newsletter.errors import UnreadableInput

DEEPEST = 120  # elements within each other; Word writes about thirty
_MOST_PROPERTIES = 200
_CUSTOM = ("docProps/custom.xml",)
_SAID_BY_PEOPLE = {
    *("creator", "lastModifiedBy", "title", "subject", "description", "keywords", "category"),
    *("contentStatus", "Company", "Manager", "Template", "HyperlinkBase"),
}
_PICTURE_NAME = ("{*}cNvPr", "{*}docPr")
_AUTHORS = ("{*}ins", "{*}del", "{*}comment", "{*}moveFrom", "{*}moveTo")


class Package:
    """A Word file's parts, by what they are for."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._read: dict[str, etree._Element] = {}
        self.main = self._main_part()
        self.document = self.xml(self.main)
        # By id: where it leads, and whether that is outside of the file.
        self.links = dict(self._links(self.main))

    def xml(self, name: str) -> etree._Element:
        """Return a part's root element, always the same one.

        Raises:
            UnreadableInput: it is not there, damaged, defines entities, or is nested too deeply.
        """
        if name in self._read:
            return self._read[name]
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
        )
        try:
            root = etree.fromstring(self._archive.read(name), parser)
        except etree.XMLSyntaxError as error:
            raise (too_deep() if "depth" in str(error) else damaged()) from None
        if root.getroottree().docinfo.internalDTD is not None:
            raise UnreadableInput(
                "The Word file defines entities of its own, which Word never does: copy its text "
                "into a new document."
            )
        if root.xpath(f"boolean({'/*' * DEEPEST})"):
            raise too_deep()
        self._read[name] = root
        return root

    def part(self, name: str) -> etree._Element | None:
        """Return a part's root element, or None where there is no such part."""
        return self.xml(name) if name in self._archive.names else None

    def parts(self, start: str) -> list[etree._Element]:
        """Return the root elements of the XML beside the text whose names begin so."""
        folder = posixpath.dirname(self.main)
        beside = (posixpath.join(folder, start), ".xml")
        names = sorted(
            name
            for name in self._archive.names
            if name.startswith(beside[0]) and name.endswith(beside[1])
        )
        return [self.xml(name) for name in names]

    def bytes_of(self, link: str) -> bytes | None:
        """Return what a link leads to inside of the file, or None."""
        target, outside = self.links.get(link, ("", True))
        return None if outside or target not in self._archive.names else self._archive.read(target)

    def properties(self) -> Iterator[Property]:
        """Yield what the file says unseen: its authors, its names, the names of its pictures."""
        for name in ("docProps/core.xml", "docProps/app.xml", *_CUSTOM):
            part = self.part(name)
            for element in part if part is not None else ():
                named = element.get("name") or _local(element)
                value = "".join(map(str, element.itertext())).strip()
                counts = name in _CUSTOM or named in _SAID_BY_PEOPLE
                if counts and any(character.isalpha() for character in value):
                    yield Property(named, value)
        seen: set[tuple[str, str]] = set()
        for root in (self.document, *self.parts("comments")):
            for element in root.iter(*_AUTHORS):
                seen.update(("author", value) for value in _attributes(element, "author"))
            for element in root.iter(*_PICTURE_NAME):
                seen.update(("picture", value) for value in _attributes(element, "name", "title"))
        for name, value in sorted(seen)[:_MOST_PROPERTIES]:
            yield Property(name, value)

    def _main_part(self) -> str:
        links = dict(self._links(""))
        root = self.part("_rels/.rels")
        for link in root if root is not None else ():
            if str(link.get("Type", "")).endswith("/officeDocument"):
                return links[str(link.get("Id"))][0]
        return "word/document.xml"

    def _links(self, part: str) -> Iterator[tuple[str, tuple[str, bool]]]:
        folder, name = posixpath.split(part)
        root = self.part(posixpath.join(folder, "_rels", f"{name}.rels"))
        for link in root if root is not None else ():
            target = str(link.get("Target", ""))
            outside = link.get("TargetMode") == "External"
            if not outside:
                target = posixpath.normpath(posixpath.join(folder, target)).lstrip("/")
            yield str(link.get("Id")), (target, outside)


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def _attributes(element: etree._Element, *names: str) -> Iterator[str]:
    for key, value in element.attrib.items():
        if etree.QName(key).localname in names and value.strip():
            yield str(value)
