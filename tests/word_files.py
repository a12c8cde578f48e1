"""Word files made in memory, as small as they can be."""

import io
import zipfile
from collections.abc import Mapping

_NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"'
)
_LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def paragraph(inner: str, style: str = "") -> str:
    """Return a paragraph; `inner` without markup is one run."""
    named = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{named}{inner if inner.startswith('<') else run(inner)}</w:p>"


def run(text: str, properties: str = "") -> str:
    """Return a run of characters."""
    return (
        f"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"
        if properties
        else f"<w:r><w:t xml:space='preserve'>{text}</w:t></w:r>"
    )


def drawn(link: str = "rIdP", alt: str = "", how: str = "embed", name: str = "Picture 1") -> str:
    """Return a run with a picture."""
    return (
        f'<w:r><w:drawing><wp:inline><wp:docPr id="1" name="{name}" descr="{alt}"/><a:graphic>'
        f"<a:graphicData><pic:pic><pic:blipFill><a:blip r:{how}={link!r}/></pic:blipFill></pic:pic>"
        "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    )


def word_file(
    *paragraphs: str,
    parts: Mapping[str, str | bytes] | None = None,
    links: Mapping[str, tuple[str, str]] | None = None,
    doctype: str = "",
) -> bytes:
    """Return a .docx; `parts` by name hold "{ns}" for the namespaces, `links` kind and target."""
    kept: dict[str, str | bytes] = {
        "_rels/.rels": _relationships({"rId1": ("officeDocument", "word/document.xml")}),
        "word/document.xml": (
            f"<?xml version='1.0'?>{doctype}<w:document {_NAMESPACES}><w:body>"
            f"{''.join(paragraphs)}</w:body></w:document>"
        ),
        "word/_rels/document.xml.rels": _relationships(links or {}),
    }
    for name, part in (parts or {}).items():
        kept[name] = part.replace("{ns}", _NAMESPACES) if isinstance(part, str) else part
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in kept.items():
            archive.writestr(name, part)
    return out.getvalue()


def _relationships(links: Mapping[str, tuple[str, str]]) -> str:
    each = "".join(
        f'<Relationship Id="{id_}" Type="{_KINDS}{kind}" Target="{target}"'
        + (' TargetMode="External"/>' if "://" in target else "/>")
        for id_, (kind, target) in links.items()
    )
    return f'<Relationships xmlns="{_LINKS}">{each}</Relationships>'
