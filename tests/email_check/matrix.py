"""Every kind of mail in every language and style, as it would reach a subscriber."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageOps

from newsletter.bulletin import Bulletin, Picture, read_bulletin
from newsletter.message import Envelope, Identity, bulletin_form, notice_form, sample_recipient
from newsletter.rendering import Look, RenderedEmail, Templates, merge, render, render_notice
from newsletter.site import shipped_templates
from tests.message_rules import Kind, broken_rules

LETTERS = Path(__file__).parent / "letters"
LANGUAGES = tuple(sorted(file.suffixes[0][1:] for file in LETTERS.glob("*.txt")))
LOOK = Look(
    organisation="Prayer & Mercy Network",
    postal_address="1 Example Street, London",
    list_title="Weekly Prayer",
    website="https://prayer.example.org",
    sender_name="Prayer Network",
)
SENT = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Mail:
    """One complete copy, as sent and as its reader's program shows it."""

    kind: Kind
    language: str
    style: str
    html: str
    text: str
    raw: bytes = field(repr=False)
    unsubscribe_url: str = ""  # "": nothing to leave
    pictures: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)  # by content id

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.kind} {self.language} {self.style}"

    def broken(self) -> list[str]:
        """Return the rules of tests/message_rules.py that its bytes break."""
        says = (LOOK.organisation, LOOK.postal_address)
        return broken_rules(self.raw, self.kind, text_only=self.style == "plain", says=says)


def matrix() -> Iterator[Mail]:
    """Yield a copy of everything there is."""
    templates = Templates([shipped_templates()])
    for language in LANGUAGES:
        source = (LETTERS / f"harvest.{language}.txt").read_bytes()
        bulletin = read_bulletin(source, "harvest.txt", language)
        yield _bulletin(render(bulletin, LOOK, templates))
    yield _bulletin(render(with_picture("en"), LOOK, templates), "photo")
    yield _bulletin(render(with_picture("ar"), LOOK, templates), "photo")
    yield _notice(
        render_notice(
            "Nothing is planned for Friday",
            [
                "The list Weekly Prayer has no bulletin for Friday 27 November 2026, 07:00.",
                "Put one into the folder bulletins, or skip the day.",
            ],
            LOOK,
            templates,
        )
    )


def with_picture(language: str) -> Bulletin:
    """Return the bulletin with a picture of hills, and one of a map, small and transparent."""
    bulletin = read_bulletin(
        (LETTERS / f"harvest.{language}.txt").read_bytes(), "harvest.txt", language
    )
    photo = Picture(hills(), "image/jpeg", "Hills & a road <east>", bulletin.title, 5)
    way = Picture(badge(), "image/png", "The way over the pass", "", 7)
    blocks = bulletin.blocks
    return replace(bulletin, blocks=(*blocks[:2], photo, *blocks[2:], way))


def hills(size: tuple[int, int] = (1600, 1067)) -> bytes:
    """Return a photo, drawn: hills in the evening."""
    width, height = size
    sky = Image.linear_gradient("L").resize(size)
    image = ImageOps.colorize(sky, "#7c93b8", "#f3d9a4")
    draw = ImageDraw.Draw(image)
    for no, colour in enumerate(("#7d8a86", "#56695f", "#2f4638")):
        tops = [
            (x, height * (0.5 + 0.14 * no + 0.07 * math.sin(x / width * (5 + 3 * no) + 2 * no)))
            for x in range(0, width + 20, 20)
        ]
        draw.polygon([(0, height), *tops, (width, height)], fill=colour)
    out = BytesIO()
    image.save(out, "JPEG", quality=92)
    return out.getvalue()


def badge() -> bytes:
    """Return a small drawing that the page shines through."""
    image = Image.new("RGBA", (160, 120))
    draw = ImageDraw.Draw(image)
    draw.ellipse((8, 8, 152, 112), outline="#c08a2d", width=6)
    draw.line([(24, 80), (70, 44), (96, 70), (136, 40)], fill="#0b8a5a", width=6)
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _bulletin(email: RenderedEmail, style: str = "standard") -> Mail:
    form = bulletin_form(email, _envelope("bulletin"), SENT)
    recipient = sample_recipient(LOOK.website)
    in_html, in_text = form.values_for(recipient)
    return Mail(
        kind="bulletin",
        language=email.language,
        style=style,
        html=merge(email.html, in_html),
        text=merge(email.text, in_text),
        raw=form.copy_for(recipient),
        unsubscribe_url=recipient.unsubscribe_url,
        pictures={each.content_id: (each.media_type, each.data) for each in email.photos},
    )


def _notice(email: RenderedEmail) -> Mail:
    form = notice_form(email, _envelope("notice"), SENT)
    return Mail(
        kind="notice",
        language=email.language,
        style="standard",
        html=merge(email.html, {}),
        text=merge(email.text, {}),
        raw=form.copy_for(sample_recipient(LOOK.website)),
    )


def _envelope(kind: Literal["bulletin", "notice"]) -> Envelope:
    return Envelope(
        kind=kind,
        sender=Identity(LOOK.sender_name, "prayer@example.org", "office@example.org", LOOK.website),
        practice=False,
        list_name="weekly",
        list_title=LOOK.list_title,
        list_id=1,
        issue_id=1,
    )
