"""Every kind of mail in every language and style, as it would reach a subscriber."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from io import BytesIO
from itertools import product
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from newsletter.bulletin import Bulletin, Picture, read_bulletin
from newsletter.message import (
    Envelope,
    Identity,
    Kind,
    bulletin_form,
    letter_form,
    notice_form,
    sample_recipient,
)
from newsletter.rendering import (
    Look,
    RenderedEmail,
    Templates,
    merge,
    render,
    render_confirmation,
    render_goodbye,
    render_notice,
    render_welcome,
)
from newsletter.site import shipped_templates
from subscribers.style import Style
from tests.brands import BRANDS, branded
from tests.bulletins import LOOK
from tests.message_rules import broken_rules

LETTERS = Path(__file__).parent / "letters"
LANGUAGES = tuple(sorted(file.suffixes[0][1:] for file in LETTERS.glob("harvest.*.txt")))
DISCREET = Look(
    organisation="Anna",
    postal_address="PO Box 1, London",
    list_title="",
    website="https://letters.example.net",
    sender_name="Anna",
)
TEMPLATES = Templates([shipped_templates()])
SENT = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)
NEXT = date(2026, 12, 4)
MANY = 40  # prayer points of a long bulletin
LONG_WORD = "Gemeindepartnerschaftsvereinbarungen"  # wider than a phone


@dataclass(frozen=True)
class Mail:
    """One complete copy, as sent and as its reader's program shows it."""

    kind: Kind
    language: str
    style: str
    sample: str  # what is in it
    html: str
    text: str
    raw: bytes = field(repr=False)
    unsubscribe_url: str = ""  # "": nothing to leave
    pictures: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)  # by content id

    @property
    def name(self) -> str:
        """What tables call it."""
        return " ".join(filter(None, (self.kind, self.language, self.style, self.sample)))

    def broken(self) -> list[str]:
        """Return the rules of tests/message_rules.py that its bytes break."""
        look = _look(self.style, self.sample)
        says = (look.organisation, look.postal_address)
        return broken_rules(self.raw, self.kind, text_only=self.style == "plain", says=says)


def matrix(languages: Sequence[str] = LANGUAGES, styles: Iterable[Style] = Style) -> Iterator[Mail]:
    """Yield every kind of mail to a reader, samples, two brands, and a notice to staff."""
    for style in styles:
        for language in languages:
            look = _look(style.label)
            yield _mail("bulletin", render(letter(language), look, TEMPLATES, style, 7), style)
            yield _mail(
                "confirmation", render_confirmation(language, look, TEMPLATES, style), style
            )
            yield _mail("welcome", render_welcome(language, look, TEMPLATES, style, NEXT), style)
            yield _mail("goodbye", render_goodbye(language, look, TEMPLATES, style), style)
        for language in _sampled(languages):
            for sample, bulletin in samples(language):
                yield _mail("bulletin", render(bulletin, look, TEMPLATES, style, 7), style, sample)
    for brand, language in product(BRANDS, _sampled(languages)):
        look = branded(brand)
        yield _mail("bulletin", render(letter(language), look, TEMPLATES), sample=brand)
        yield _mail("goodbye", render_goodbye(language, look, TEMPLATES), sample=brand)
    notice = render_notice(
        "Nothing is planned for Friday",
        [
            "The list Weekly Prayer has no bulletin for Friday 27 November 2026, 07:00.",
            "Put one into the folder bulletins, or skip the day.",
        ],
        LOOK,
        TEMPLATES,
    )
    yield _mail("notice", notice)


def _sampled(languages: Sequence[str]) -> list[str]:
    """Return those that stand for a direction each."""
    return [language for language in ("en", "ar") if language in languages]


def _look(style: str, sample: str = "") -> Look:
    if sample in BRANDS:
        return branded(sample)
    return DISCREET if style == "discreet" else LOOK


def letter(language: str) -> Bulletin:
    """Return the same bulletin in any of the languages."""
    source = (LETTERS / f"harvest.{language}.txt").read_bytes()
    return read_bulletin(source, "harvest.txt", language)


def samples(language: str) -> Iterator[tuple[str, Bulletin]]:
    """Yield what few hold: pictures, everything that stands apart, forty points and a long word."""
    bulletin = letter(language)
    blocks = bulletin.blocks
    photo = Picture(hills(), "image/jpeg", "Hills & a road <east>", bulletin.title, 5)
    way = Picture(badge(), "image/png", "The way over the pass", "", 7)
    yield "photo", replace(bulletin, blocks=(*blocks[:2], photo, *blocks[2:], way))
    source = (LETTERS / f"apart.{language}.md").read_bytes()
    yield "blocks", read_bulletin(source, "apart.md", language)
    title = f"{bulletin.title}: {LONG_WORD}"
    yield "long", replace(bulletin, title=title, points=(bulletin.points * MANY)[:MANY])


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


def _mail(
    kind: Kind, email: RenderedEmail, style: Style = Style.STANDARD, sample: str = ""
) -> Mail:
    discreet = style is Style.DISCREET
    look = _look(style.label, sample)
    sender = Identity(
        look.sender_name,
        "letters@example.net" if discreet else "prayer@example.org",
        None if discreet else "office@example.org",
        look.website,
    )
    envelope = Envelope(kind, sender, practice=False, style=style)
    make = notice_form if kind == "notice" else letter_form
    if kind == "bulletin":
        make = bulletin_form
        title = "" if discreet else LOOK.list_title
        name = "l1" if discreet else "weekly"
        envelope = replace(envelope, list_name=name, list_title=title, list_id=1, issue_id=1)
    form = make(email, envelope, SENT)
    recipient = sample_recipient(look.website)
    in_html, in_text = form.values_for(recipient)
    return Mail(
        kind=kind,
        language=email.language,
        style=style.label,
        sample=sample,
        html="" if email.text_only else merge(email.html, in_html),
        text=merge(email.text, in_text),
        raw=form.copy_for(recipient),
        unsubscribe_url=recipient.unsubscribe_url if kind in ("bulletin", "welcome") else "",
        pictures={each.content_id: (each.media_type, each.data) for each in email.photos},
    )
