"""Word files from readable sources: one XML file that holds the parts, zipped in memory.

    <package xmlns:w="...">
      <part name="word/document.xml"><w:document>...</w:document></part>
      <picture name="word/media/image1.png" id="rId10"/>
      <link id="rId11" target="https://..."/>
    </package>

Content types and relationships follow from the names; styles and numbering are Word's usual
ones where the source has none of its own: w:numId 1 is a list with signs, 2 one with numbers.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from xml.etree import ElementTree as ET

_OFFICE = "http://schemas.openxmlformats.org"
_RELATIONSHIPS = f"{_OFFICE}/officeDocument/2006/relationships"
_PACKAGE = f"{_OFFICE}/package/2006"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_NAMESPACES = {
    "w": f"{_OFFICE}/wordprocessingml/2006/main",
    "r": _RELATIONSHIPS,
    "wp": f"{_OFFICE}/drawingml/2006/wordprocessingDrawing",
    "a": f"{_OFFICE}/drawingml/2006/main",
    "pic": f"{_OFFICE}/drawingml/2006/picture",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    "mc": f"{_OFFICE}/markup-compatibility/2006",
    "v": "urn:schemas-microsoft-com:vml",
    "cp": f"{_PACKAGE}/metadata/core-properties",
    "dc": "http://purl.org/dc/elements/1.1/",
}
_ROOTS = {  # parts of the file as a whole: how they are related to it, and their type
    "word/document.xml": (f"{_RELATIONSHIPS}/officeDocument", f"{_WORD}.document.main+xml"),
    "docProps/core.xml": (
        f"{_PACKAGE}/relationships/metadata/core-properties",
        "application/vnd.openxmlformats-package.core-properties+xml",
    ),
}
# What Word writes into every file of its own: named styles, a list with signs, one with numbers.
_STYLES = f"""<w:styles xmlns:w="{_NAMESPACES["w"]}">
<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="Heading2"><w:name w:val="heading 2"/></w:style>
<w:style w:type="paragraph" w:styleId="Quote"><w:name w:val="Quote"/></w:style>
<w:style w:type="paragraph" w:styleId="ListParagraph"><w:name w:val="List Paragraph"/></w:style>
</w:styles>"""
_LEVEL = '<w:lvl w:ilvl="{}"><w:numFmt w:val="{}"/><w:lvlText w:val="{}"/></w:lvl>'
_NUMBERING = "".join(
    (
        f'<w:numbering xmlns:w="{_NAMESPACES["w"]}">',
        '<w:abstractNum w:abstractNumId="0">',
        *(_LEVEL.format(level, "bullet", "\uf0b7") for level in range(3)),
        '</w:abstractNum><w:abstractNum w:abstractNumId="1">',
        *(_LEVEL.format(level, "decimal", f"%{level + 1}.") for level in range(3)),
        '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>',
        '<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num></w:numbering>',
    )
)
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def package(source: str) -> bytes:
    """Return the .docx that `source` describes."""
    for prefix, namespace in _NAMESPACES.items():
        ET.register_namespace(prefix, namespace)
    root = ET.fromstring(source)  # noqa: S314 -- a sample of our own
    parts = {
        "word/styles.xml": _XML.encode() + _STYLES.encode(),
        "word/numbering.xml": _XML.encode() + _NUMBERING.encode(),
    }
    parts |= {
        part.get("name", ""): _XML.encode() + ET.tostring(part[0], "utf-8")
        for part in root.iter("part")
    }
    pictures = {picture.get("id", ""): picture.get("name", "") for picture in root.iter("picture")}
    links = {link.get("id", ""): link.get("target", "") for link in root.iter("link")}
    related = [
        *(("r" + _kind(name), _related(name), _within(name)) for name in parts if _belongs(name)),
        *((number, f"{_RELATIONSHIPS}/image", _within(name)) for number, name in pictures.items()),
        *((number, f"{_RELATIONSHIPS}/hyperlink", target) for number, target in links.items()),
    ]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("[Content_Types].xml", _content_types(parts))
        roots = [("r" + _kind(name), _ROOTS[name][0], name) for name in parts if name in _ROOTS]
        zipped.writestr("_rels/.rels", _relationships(roots))
        zipped.writestr("word/_rels/document.xml.rels", _relationships(related))
        for name, data in parts.items():
            zipped.writestr(name, data)
        for name in pictures.values():
            zipped.writestr(name, png(64, 48))
    return file.getvalue()


def png(width: int, height: int) -> bytes:
    """Return a small picture of one colour."""
    row = b"\0" + bytes((96, 128, 96)) * width
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _png_part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            _png_part(b"IDAT", zlib.compress(row * height)),
            _png_part(b"IEND", b""),
        )
    )


def _png_part(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _kind(name: str) -> str:
    """Return "numbering" for "word/numbering.xml", "header" for "word/header1.xml"."""
    return name.rpartition("/")[2].removesuffix(".xml").rstrip("0123456789")


def _belongs(name: str) -> bool:
    return name.startswith("word/") and name not in _ROOTS


def _related(name: str) -> str:
    return f"{_RELATIONSHIPS}/{_kind(name)}"


def _within(name: str) -> str:
    return name.removeprefix("word/")


def _content_types(parts: Iterable[str]) -> str:
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{_type(name)}"/>' for name in parts
    )
    return (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="png" ContentType="image/png"/>{overrides}</Types>'
    )


def _type(name: str) -> str:
    return _ROOTS[name][1] if name in _ROOTS else f"{_WORD}.{_kind(name)}+xml"


def _relationships(related: Iterable[tuple[str, str, str]]) -> str:
    lines = "".join(
        f'<Relationship Id="{number}" Type="{kind}" Target="{target}"'
        + (' TargetMode="External"/>' if ":" in target else "/>")
        for number, kind, target in related
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{lines}</Relationships>'
