"""A bulletin as the JSON that `bulletin check --json` prints."""

from newsletter.bulletin.model import (
    Block,
    Bulletin,
    Button,
    Columns,
    Divider,
    Heading,
    ItemList,
    Note,
    Paragraph,
    Picture,
    Quotation,
)


def bulletin_json(bulletin: Bulletin) -> dict[str, object]:
    """Return the `bulletin` part of `bulletin check --json`, ready to be dumped."""
    return {
        "title": bulletin.title,
        "language": bulletin.language,
        "direction": bulletin.direction,
        "summary": bulletin.summary,
        "blocks": [_block(block) for block in bulletin.blocks],
        "points": [
            {
                "text": point.text,
                "lead": point.lead,
                "kind": point.kind.value,
                "date": point.date,
                "group": point.group,
            }
            for point in bulletin.points
        ],
        "scriptures": [
            {
                "written": scripture.written,
                "osis": scripture.osis,
                "valid": scripture.valid,
                "suggestion": scripture.suggestion,
                "quotation": scripture.quotation,
            }
            for scripture in bulletin.scriptures
        ],
    }


def _block(block: Block) -> dict[str, object]:
    match block:
        case Paragraph(text):
            return {"kind": "paragraph", "text": text}
        case Quotation(paragraphs):
            return {"kind": "quotation", "paragraphs": list(paragraphs)}
        case Heading(text):
            return {"kind": "heading", "text": text}
        case ItemList(items):
            return {"kind": "list", "items": list(items)}
        case Picture(alt=alt, caption=caption):
            return {"kind": "picture", "alt": alt, "caption": caption}
        case Button(text, url):
            return {"kind": "button", "text": text, "url": url}
        case Divider():
            return {"kind": "divider"}
        case Note(label, paragraphs):
            return {"kind": "note", "label": label, "paragraphs": list(paragraphs)}
        case Columns(first, second):
            return {"kind": "columns", "columns": [list(first), list(second)]}
