"""Templates of a site's own, tried on a bulletin that has everything before people see them.

Whatever the sample says must be said by both parts, as words; what the law and the readers need
must be there; and the frame must leave room for a bulletin.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from selectolax.lexbor import LexborHTMLParser, LexborNode

from newsletter.bulletin import (
    Bulletin,
    Button,
    Columns,
    Divider,
    Heading,
    ItemList,
    Note,
    Paragraph,
    Picture,
    PointKind,
    PrayerPoint,
    Quotation,
    Scripture,
)
from newsletter.bulletin.web_looks import LOOKS
from newsletter.bulletin.web_signs import Sheet, flat, is_hidden
from newsletter.errors import Problem
from newsletter.rendering.edition import (
    Templates,
    html_bytes,
    render,
    render_confirmation,
    render_goodbye,
    render_notice,
    render_welcome,
)
from newsletter.rendering.inlining import Reading
from newsletter.rendering.look import Look
from newsletter.rendering.shell import RenderedEmail, Slot, merge, slot_values

FRAME_LIMIT = 40_000  # bytes of HTML around a bulletin of one line
STYLE_LIMIT = 8_000  # bytes of one style sheet that stays in the head; more, and Gmail drops it

# A character that is markup in HTML and none in text: it must come out as it went in.
_LOOK = Look(
    organisation="Wells & <Hills>",
    postal_address="1 <Well> Lane",
    list_title="Letters & <Prayers>",
    website="https://wells.example.org",
    sender_name="Wells",
    footer=("Charity <7> & Co",),
)
_UP = "https://wells.example.org/up"
_DOT = (  # the smallest picture there is: one dot, as PNG
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a4944415478da63680000008200817ad8d54e0000000049454e44ae426082"
)


@dataclass(frozen=True)
class _Needed:
    what: str  # as people call it
    words: str  # in both parts; "" where it is no words
    field: str  # what shows it, in a template
    markup: str = ""  # what the HTML holds in their place

    def stands_in(self, shown: str, html: str) -> bool:
        """Whether one part has it, by the words that it shows; `html` is "" for the text."""
        if html and self.markup:
            return self.markup in html
        return _pressed(self.words) in _pressed(shown)


_OF_ALL = (
    _Needed("the name of the organisation", _LOOK.organisation, "look.organisation"),
    _Needed("the postal address", _LOOK.postal_address, "look.postal_address"),
    _Needed("the lines of the footer", _LOOK.footer[0], "look.footer"),
)
_OF_A_BULLETIN = (
    _Needed("the title", "Harvest & <hope>", "bulletin.title"),
    _Needed("paragraphs", "They read <Luke> & sang.", "block.texts of story"),
    _Needed("quotations", "We were <afraid> & cold.", "block.texts of story"),
    _Needed("headings", "What <comes> next", "block.texts of story"),
    _Needed("lists", "Sunday: <morning> & evening", "block.texts of story"),
    _Needed("captions of pictures", "The <hills> & the road", "block.photo.caption of story"),
    _Needed("groups of prayer points", "For <families>", "group of point_groups"),
    _Needed("prayer points", "Pray for the <road>.", "point.lead"),
    _Needed("the rest of prayer points", "Snow & <ice> came.", "point.rest"),
    _Needed("words of scripture", "You did it & <more> to me.", "verse.quotation"),
    _Needed("references of scripture", "Matthew 25:40", "verse.written"),
    _Needed("translations of scripture", "The <New> & Old", "verse.translation"),
    _Needed("words on buttons", "Come <up> & see", "block.texts of story"),
    _Needed("notes", "The <road> & the bridge are shut.", "block.texts of story"),
    _Needed("the first of two columns", "In the <north> & east", "block.texts of story"),
    _Needed("the second of two columns", "In the <south> & west", "block.beside of story"),
    # A template that shows the first of several would pass otherwise, and so would a dead button.
    _Needed("the second paragraph of quotations", "So we <sang> & prayed.", "all block.texts"),
    _Needed("the second line of lists", "Monday: <rest> & mending", "all block.texts"),
    _Needed("the second paragraph of notes", "Come by <boat> & train.", "all block.texts"),
    _Needed("the labels of notes", "Please <note> & act", "block.label of story"),
    _Needed("the second paragraph of a column", "It <snows> & blows.", "all block.texts"),
    _Needed("the days of prayer points", "Friday 4 December", "point.label"),
    _Needed("the addresses of buttons", _UP, "block.url of story", f'href="{_UP}"'),
    _Needed("the descriptions of pictures", "", "block.photo.alt of story", 'alt="Hills &amp; a'),
    _Needed("the title of the list", _LOOK.list_title, "look.list_title"),
    *_OF_ALL,
)
_OF_A_LETTER = (
    _Needed("the title of the list", _LOOK.list_title, "look.list_title"),
    *_OF_ALL,
)
_OF_A_NOTICE = (
    _Needed("the subject", "No <bulletin> & no slot", "subject"),
    _Needed("what is told", "Add <one> & go on.", "paragraphs"),
    _Needed("the reason for the mail", "You receive this because", "because"),
    *_OF_ALL,
)
_TITLE, _PARAGRAPH, _QUOTATION, _HEADING, _ITEM, _CAPTION, _GROUP, _LEAD, _REST, _VERSE, *_APART = (
    needed.words for needed in _OF_A_BULLETIN
)
_TRANSLATION, _BUTTON, _NOTE, _NORTH, _SOUTH = _APART[1:6]  # behind the reference
_SANG, _MENDING, _BOAT, _LABEL, _SNOW = _APART[6:11]
_SAMPLE = Bulletin(
    title=_TITLE,
    language="en",
    direction="ltr",
    summary=_PARAGRAPH,
    blocks=(
        Paragraph(_PARAGRAPH, 1),
        Quotation((_QUOTATION, _SANG), 2),
        Heading(_HEADING, 3),
        ItemList((_ITEM, _MENDING), 4),
        Picture(bytes.fromhex(_DOT), "image/png", "Hills & a road", _CAPTION, 5),
        Button(_BUTTON, _UP, 6),
        Note(_LABEL, (_NOTE, _BOAT), 6, (6, 6)),
        Columns((_NORTH, _SNOW), (_SOUTH,), 6, (6, 6, 6)),
        Divider(6),
        Paragraph("And so on.", 6),
    ),
    points=(
        PrayerPoint(f"{_LEAD} {_REST}", _LEAD, PointKind.PETITION, 7, "2026-12-04", _GROUP),
        PrayerPoint("Give thanks.", "Give thanks.", PointKind.THANKSGIVING, 8),
    ),
    scriptures=(Scripture("Matthew 25:40", "Matt.25.40", True, 9, _VERSE, _TRANSLATION),),
    lines=(),
)
_BARE = replace(_SAMPLE, blocks=_SAMPLE.blocks[:1], points=(), scriptures=(), summary="")
_RIGHT_TO_LEFT = replace(_BARE, language="ar", direction="rtl")


def check_overriding(templates: Templates) -> None:
    """Do nothing where the site's own templates make mails that may go out.

    Nothing is tried where the site has none: it takes a tenth of a second.

    Raises:
        Problem: one of them leaves something out, hides how to leave, takes what people wrote
            for HTML, fetches something, is too heavy, or cannot be filled.
    """
    if not templates.overriding:
        return
    _check("bulletin", render(_SAMPLE, _LOOK, templates), _OF_A_BULLETIN, templates)
    nameless = replace(_LOOK, organisation="", postal_address="", list_title="", website="")
    for bare in (_BARE, _RIGHT_TO_LEFT):
        _refuse_heavy(render(bare, nameless, templates), templates)
    for kind, render_letter in (
        ("confirmation", render_confirmation),
        ("welcome", render_welcome),
        ("goodbye", render_goodbye),
    ):
        _check(kind, render_letter("en", _LOOK, templates), _OF_A_LETTER, templates)
    paragraphs = [_OF_A_NOTICE[1].words]
    notice = render_notice(_OF_A_NOTICE[0].words, paragraphs, _LOOK, templates)
    _check("notice", notice, _OF_A_NOTICE, templates)


def _check(
    kind: str, email: RenderedEmail, needed: tuple[_Needed, ...], templates: Templates
) -> None:
    urls = [f"https://{which}.example.org" for which in ("x", "y", "z")]
    in_html, in_text = slot_values("Miriam", "en", *urls)
    page = merge(email.html, in_html)
    body = page.partition("<body")[2]
    read = Reading(f"<body{body}").text
    parts = (("HTML", read, "html"), ("text", merge(email.text, in_text), "txt"))
    for part, shown, ending in parts:
        culprit = _culprit(f"email/{kind}.{ending}.j2", templates)
        for each in needed:
            if part == "HTML" and any(tag in body.lower() for tag in _tags(each.words)):
                raise Problem(
                    f"The HTML part of a {kind} takes {each.what} for HTML: include nothing but "
                    f"templates whose names end in .html.j2 in {culprit}."
                )
            if not each.stands_in(shown, body if part == "HTML" else ""):
                raise Problem(
                    f"The {part} part of a {kind} leaves {each.what} out, or some letters of it: "
                    f"put {each.field} into {culprit} as the one we ship does."
                )
    if Slot.UNSUBSCRIBE in email.html.slots and not _shows(page, in_html[Slot.UNSUBSCRIBE]):
        raise Problem(
            f"The HTML part of a {kind} hides the unsubscribe link or leaves its words empty: show "
            f"it in {_culprit(f'email/{kind}.html.j2', templates)} as the one we ship does."
        )
    if not email.subject:
        raise Problem(
            f"The subject of a {kind} is empty: mend the template email/{kind}.subject.j2."
        )


def _shows(page: str, url: str) -> bool:
    """Whether words that link to an address are seen; styles for some screens are not asked."""
    tree = LexborHTMLParser(page)
    sheet = Sheet(tree, LOOKS)
    return any(
        any(character.isalnum() for character in node.text(deep=False))
        and not any(_hides(each, sheet) for each in _around(node))
        for link in tree.css("a")
        if link.attributes.get("href") == url
        for node in link.traverse(include_text=True)
        if node.is_text_node
    )


def _around(node: LexborNode) -> Iterator[LexborNode]:
    while (parent := node.parent) is not None and parent.is_element_node:
        yield parent
        node = parent


def _hides(element: LexborNode, sheet: Sheet) -> bool:
    style = flat(element.attributes.get("style"))
    return is_hidden(element.attributes, style) or element.mem_id in sheet.hidden


def _refuse_heavy(email: RenderedEmail, templates: Templates) -> None:
    if html_bytes(email) > FRAME_LIMIT:
        raise Problem(
            f"The HTML around a bulletin of one line weighs {html_bytes(email) // 1000} kB, more "
            f"than {FRAME_LIMIT // 1000} kB: make it smaller in "
            f"{_culprit('email/bulletin.html.j2', templates)}, or Gmail hides the end of a letter."
        )
    for sheet in _sheets(email):
        if len(sheet.encode()) > STYLE_LIMIT:
            raise Problem(
                f"A style sheet in the head weighs {len(sheet.encode())} bytes, and Gmail drops "
                f"one of more than {STYLE_LIMIT}: make it smaller in "
                f"{_culprit('email/head.css.j2', templates)}."
            )


def _sheets(email: RenderedEmail) -> Iterator[str]:
    html = "".join(email.html.literals)
    return (found[1] for found in re.finditer(r"<style[^>]*>(.*?)</style>", html, re.DOTALL))


def _culprit(name: str, templates: Templates) -> str:
    """Return the template of the site's own that it must be: `name`, or what it is made of."""
    if name in templates.overriding:
        return f"the template {name}"
    return f"the site's own templates ({', '.join(templates.overriding)})"


def _tags(words: str) -> list[str]:
    return [tag.lower() for tag in re.findall(r"<\w+>", words)]


def _pressed(text: str) -> str:
    return "".join(text.split())
