"""One edition: templates filled once, styled once, cut at the markers."""

import itertools
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from newsletter.bulletin import (
    Block,
    Bulletin,
    Button,
    Columns,
    Direction,
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
    opening_salutation,
    without_marks,
)
from newsletter.errors import Problem
from newsletter.languages import base_language
from newsletter.rendering.days import in_digits, in_words
from newsletter.rendering.inlining import Reading, inline_css
from newsletter.rendering.look import Look
from newsletter.rendering.photos import Scaled, photos_of
from newsletter.rendering.plain import tied, wrap
from newsletter.rendering.shell import NO_HTML, RenderedEmail, Shell, Slot, put_in
from newsletter.rendering.sources import check_source, place_of
from newsletter.rendering.words import Words, direction_of, is_translated, words_of
from subscribers.style import Style

HTML_LIMIT = 102_000  # bytes; Gmail hides what comes after, the unsubscribe link among it

_SLOT_BYTES = 200  # what a filled slot is taken to weigh
_LARGER = 22 / 17  # large print: 17 pixels become 22
_SIZE = re.compile(r"((?<![\w-])(?:font-size|line-height):\s*)(\d+)px")
_STAFF_REASON = "You receive this because you are named in the settings of the prayer newsletter."
_SAID = re.compile(r">[^<]+")
_CLOSE = re.compile(r"(?<=\d) (?=[^\W\d_])|(?<=\d\.) (?=[^\W\d_])| (?=[—–] )")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_FILE_NAME = re.compile(r".*\.(?:jpe?g|png|gif|webp|bmp|tiff?|heic|svg)", re.IGNORECASE | re.DOTALL)
_URL = re.compile(r"https?://[^\s<>\"“”«»]+[^\s<>\"“”«».,:;!?)\]'’]")
# A full stop at the end of a heading; "St." and "Co." keep theirs, and so does "…".
_OF_A_BULLETIN = (Slot.GREETING, Slot.UNSUBSCRIBE, Slot.PREFERENCES)
_SLOT_NAMES = {  # as templates call them
    Slot.GREETING: "greeting",
    Slot.UNSUBSCRIBE: "unsubscribe_url",
    Slot.PREFERENCES: "preferences_url",
    Slot.ACTION: "action_url",
}
_FULL_STOP = re.compile(r"(?:(?<=\w{3})\.|[。۔])\s*$")


class _Compiled(jinja2.BytecodeCache):
    """What this process has compiled, kept with a checksum of its source."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        if code := self._code.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_compiled = _Compiled()


class Templates:
    """The templates of all mails, read and compiled once; safe to share between threads."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Read `email/*.j2` from the folders; a file in an earlier one wins.

        The last folder holds those we ship: what others hold is the site's own, and looked at.

        Raises:
            Problem: a template is missing, cannot be read, is not valid Jinja, or holds what no
                mail may hold.
        """
        # The site's folder may be in other hands than its settings.
        self._environment = ImmutableSandboxedEnvironment(
            loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(folder) for folder in folders]),
            autoescape=jinja2.select_autoescape(("html.j2", "css.j2")),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            bytecode_cache=_compiled,
            cache_size=-1,
        )
        self._environment.filters |= {
            "wrapped": wrap,
            "linked": _linked,
            "without_stop": _without_stop,
            "naming": _naming,
        }
        found = [
            name for name in self._environment.list_templates(["j2"]) if name.startswith("email/")
        ]
        needed = [
            f"email/{kind}.{part}.j2"
            for kind in ("bulletin", "confirmation", "welcome", "goodbye", "notice")
            for part in ("subject", "html", "txt")
        ]
        for name in (*needed, *found):
            self._get(name)
        own = {
            name: next((folder for folder in folders[:-1] if (folder / name).exists()), None)
            for name in found
        }
        self.overriding = tuple(name for name, folder in own.items() if folder)
        self.shipped: Templates = Templates(folders[-1:]) if self.overriding else self
        for name, folder in own.items():
            if folder:
                check_source(self._environment, name, (folder / name).read_text("utf-8"))

    def fill(self, name: str, context: Mapping[str, Any]) -> str:
        """Return the filled template.

        Raises:
            Problem: the template asks for something that is not there.
        """
        try:
            return self._get(name).render(context)
        except Exception as error:  # noqa: BLE001  (whatever a template makes it raise)
            said = str(error) if isinstance(error, jinja2.TemplateError) else type(error).__name__
            raise Problem(
                f"The template {place_of(error) or name} cannot be filled: {said.rstrip('.')}."
            ) from None

    def _get(self, name: str) -> jinja2.Template:
        try:
            return self._environment.get_template(name)
        except jinja2.TemplateNotFound as error:
            raise Problem(
                f"The template {error.name} is missing: put it back into the templates folder."
            ) from None
        except jinja2.TemplateSyntaxError as error:
            raise Problem(
                f"The template {error.name or name} is not valid in line {error.lineno}: "
                f"{error.message}."
            ) from None
        except (OSError, UnicodeDecodeError):
            raise Problem(f"The template {name} cannot be read: save it as UTF-8.") from None


class TooHeavy(Problem):
    """The HTML is heavier than `HTML_LIMIT`."""

    def __init__(self, size: int) -> None:
        super().__init__(
            f"The email would weigh {size // 1000} kB and Gmail hides what goes "
            f"beyond {HTML_LIMIT // 1000} kB: shorten the bulletin or send it as two."
        )
        self.html_bytes = size


def weight_of(bulletin: Bulletin, look: Look, templates: Templates) -> int:
    """Return what the HTML of the standard edition weighs in bytes, also if too heavy to send.

    Raises:
        Problem: as `render`, for all other reasons.
    """
    try:
        return html_bytes(render(bulletin, look, templates))
    except TooHeavy as heavy:
        return heavy.html_bytes


def render(
    bulletin: Bulletin,
    look: Look,
    templates: Templates,
    style: Style = Style.STANDARD,
    number: int = 0,
) -> RenderedEmail:
    """Return the email of one edition; the same input gives an equal email.

    Its pictures are scaled here, once for the edition.  Both parts hold the greeting, the
    unsubscribe and the preferences slot; one in the style *plain* has no HTML part.  The
    subject of a discreet one holds `number` and nothing of the bulletin, whose title stands
    below the greeting; it is made of templates that we ship.

    Raises:
        TooHeavy: the HTML is heavier than `HTML_LIMIT`.
        Problem: a template that the site overrides left a slot out, fetches something, or
            cannot be filled or styled; a picture that no mail can carry.
    """
    bulletin = without_marks(bulletin)
    words = words_of(bulletin.language)
    marks = _Marks()
    title: list[_Part] = []
    if style is Style.DISCREET:
        title = [_Part("heading", (bulletin.title,))]
        shown = in_digits(number, bulletin.language) if number else ""
        subject = words.letter.format(number=shown).strip()
        bulletin = replace(bulletin, title=subject, summary=subject)
    scaled = () if style is Style.PLAIN else photos_of(bulletin)
    story = list(_story(bulletin, scaled, words))
    before, _, after = words.because.partition("{list}")
    context = _page(bulletin.language, bulletin.direction, look) | {
        "bulletin": bulletin,
        "words": words,
        "style": style.label,
        "story": [*title, *story],
        "point_groups": list(_point_groups(bulletin, words)),
        # A bulletin that ends in a heading has named its points itself.
        "own_heading": not (bulletin.blocks and isinstance(bulletin.blocks[-1], Heading)),
        "verses": _verses(bulletin),
        "because": (before, after),
        "reason": put_in(words.because, "{list}", look.list_title),  # the same as plain text
        **{_SLOT_NAMES[slot]: marks.of(slot) for slot in _OF_A_BULLETIN},
    }
    email = _fill("bulletin", context, templates, marks, _OF_A_BULLETIN, style, bulletin.title)
    # A picture that is shown twice is attached once.
    once = {each.photo.content_id: each.photo for each in scaled if each}
    _refuse_hidden(email, once)
    return replace(
        email, photos=tuple(({each.content_id: each for each in email.photos} | once).values())
    )


def render_notice(
    subject: str, paragraphs: Sequence[str], look: Look, templates: Templates
) -> RenderedEmail:
    """Return a mail to staff, in English and the same for everyone: it has no slots.

    Raises:
        Problem: as `render`.
    """
    context = _page("en", "ltr", look) | {
        "subject": subject,
        "paragraphs": paragraphs,
        "because": _STAFF_REASON,
    }
    return _fill("notice", context, templates, _Marks(), required=())


def render_confirmation(
    language: str, look: Look, templates: Templates, style: Style = Style.STANDARD
) -> RenderedEmail:
    """Return the mail that asks whether somebody wants the list; its slot is the action.

    It greets nobody by name: whoever entered the address may have entered any name.  A look
    without the title of a list makes it, as the others, a letter from its sender.

    Raises:
        Problem: as `render`.
    """
    return _letter("confirmation", language, look, templates, style, (Slot.ACTION,))


def render_welcome(
    language: str,
    look: Look,
    templates: Templates,
    style: Style = Style.STANDARD,
    next_on: date | None = None,
) -> RenderedEmail:
    """Return the first mail of a list: when the next one comes, how to choose, how to leave.

    Its slots are those of a bulletin.

    Raises:
        Problem: as `render`.
    """
    return _letter("welcome", language, look, templates, style, _OF_A_BULLETIN, next_on)


def render_goodbye(
    language: str, look: Look, templates: Templates, style: Style = Style.STANDARD
) -> RenderedEmail:
    """Return the last mail of a list, with the way back; its slots are greeting and action.

    Raises:
        Problem: as `render`.
    """
    return _letter("goodbye", language, look, templates, style, (Slot.GREETING, Slot.ACTION))


def _letter(
    kind: str,
    language: str,
    look: Look,
    templates: Templates,
    style: Style,
    slots: Sequence[Slot],
    next_on: date | None = None,
) -> RenderedEmail:
    language = language if is_translated(language) else "en"
    words = words_of(language)
    title, title_direction = look.list_title, "auto"
    if not title:  # a discreet mail names no list
        title_direction = direction_of(language)
        title = words.letter_from.format(name=look.sender_name)
        look = replace(look, list_title=put_in(words.letter_from, "{name}", look.sender_name))
    marks = _Marks()
    context = _page(language, direction_of(language), look) | {
        "words": words,
        "style": style.label,
        "title_direction": title_direction,
        "next_on": in_words(next_on.isoformat(), language) if next_on else "",
        **{_SLOT_NAMES[slot]: marks.of(slot) for slot in slots},
    }
    neutral = {
        "confirmation": words.confirm_subject,
        "welcome": words.welcome_subject,
        "goodbye": words.goodbye_subject,
    }[kind]
    return _fill(kind, context, templates, marks, slots, style, neutral.replace("{list}", title))


def html_bytes(email: RenderedEmail) -> int:
    """Return what the HTML part of a copy weighs, before it is encoded for transport."""
    literals = sum(len(literal.encode()) for literal in email.html.literals)
    return literals + _SLOT_BYTES * len(email.html.slots)


def _refuse_hidden(email: RenderedEmail, photos: Iterable[str]) -> None:
    html = "".join(email.html.literals)
    if any(f"cid:{content_id}" not in html for content_id in photos):
        raise Problem(
            "The template email/bulletin.html.j2 leaves pictures of the bulletin out: put "
            "{{ parts.photo(block.photo) }} back into it, for blocks whose kind is photo."
        )


class _Marks:
    """Stand-ins for slots while templates are filled: letters and digits nobody can guess."""

    def __init__(self) -> None:
        self._secret = secrets.token_hex(8)
        self._slots = tuple(Slot)

    def of(self, slot: Slot) -> str:
        return f"zq{self._secret}{self._slots.index(slot):02}qz"

    def cut(self, text: str, required: Sequence[Slot], name: str) -> Shell:
        pieces = re.split(f"zq{self._secret}([0-9]{{2}})qz", text)
        shell = Shell(tuple(pieces[::2]), tuple(self._slots[int(no)] for no in pieces[1::2]))
        for slot in required:
            if slot not in shell.slots:
                raise Problem(
                    f"The template {name} has no {slot} field: put it back, every copy needs it."
                )
        return shell


def _fill(
    kind: str,
    context: Mapping[str, Any],
    templates: Templates,
    marks: _Marks,
    required: Sequence[Slot],
    style: Style = Style.STANDARD,
    neutral: str = "",
) -> RenderedEmail:
    if style is Style.DISCREET:
        templates, subject = templates.shipped, neutral  # a site may be known by its own
    else:
        subject = _clean(" ".join(templates.fill(f"email/{kind}.subject.j2", context).split()))
    context = {**context, "subject": subject}
    text = _clean(templates.fill(f"email/{kind}.txt.j2", context))
    html, page, logo = NO_HTML, "", context["look"].logo
    if style is not Style.PLAIN:
        page = _clean(templates.fill(f"email/{kind}.html.j2", context))
        page = re.sub(r"\n\s*", "\n", page).strip() + "\n"
        larger = context["look"].typeface(context["language"]).larger
        page = _enlarged(page, larger * (_LARGER if style is Style.LARGE else 1))
        page = _tied(page)
        _refuse_fetching(page)
        html = marks.cut(inline_css(page), required, f"email/{kind}.html.j2")
    email = RenderedEmail(
        subject=subject,
        html=html,
        text=marks.cut(
            re.sub(r"\n{4,}", "\n\n\n", text).strip() + "\n", required, f"email/{kind}.txt.j2"
        ),
        language=context["language"],
        photos=(logo.photo,) if logo and f"cid:{logo.photo.content_id}" in page else (),
    )
    if html_bytes(email) > HTML_LIMIT:
        raise TooHeavy(html_bytes(email))
    return email


def _enlarged(page: str, times: float) -> str:
    """Return the page with its letters and lines so many times as large."""
    return _SIZE.sub(lambda size: f"{size[1]}{round(int(size[2]) * times)}px", page)


def _tied(page: str) -> str:
    """Return the page with its words tied: numbers to what they count, dashes to what was said.

    A phone would set "4" at the end of a line and "December" on the next.
    """
    head, body, rest = page.partition("<body")  # a style sheet has its own spaces
    return head + body + _SAID.sub(lambda said: tied(_CLOSE.sub("\u00a0", said[0])), rest)


def _page(language: str, direction: Direction, look: Look) -> dict[str, Any]:
    typeface = look.typeface(language)
    ltr = direction == "ltr"
    return {
        "language": language,
        "direction": direction,
        "start": "left" if ltr else "right",
        "end": "right" if ltr else "left",
        "fonts": typeface.fonts,
        "heading_fonts": typeface.heading_fonts,
        "leading": typeface.leading,
        # Korean is read in words; by default a phone breaks it between any two syllables.
        # Elsewhere a word longer than a line is broken: it would make all lines as wide.
        "word_break": "keep-all" if base_language(language) == "ko" else "break-word",
        # What marks fixed words that are English for want of a translation.
        "foreign": "" if is_translated(language) else Markup(' lang="en" dir="ltr"'),
        "look": look,
        "light": look.light,
        "dark": look.dark,
    }


def _refuse_fetching(page: str) -> None:
    if fetches := Reading(page).fetches:
        raise Problem(
            f"The email's template loads {', '.join(sorted(fetches))}: a mail program would "
            "tell somebody who opened it, so take it out."
        )


def _clean(text: str) -> str:
    """Return `text` with LF line ends and without characters that no mail may hold."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _naming(sentence: str, title: str) -> str:
    return put_in(sentence, "{list}", title)


def _without_stop(title: str) -> str:
    return _FULL_STOP.sub("", title)


def _linked(text: str) -> Markup:
    """Return `text` as HTML with its web addresses made links, exactly as they are."""
    pieces: list[Markup] = []
    end = 0
    for match in _URL.finditer(text):
        url = escape(match[0])
        pieces += (
            escape(text[end : match.start()]),
            Markup('<a class="link" href="{0}">{0}</a>').format(url),
        )
        end = match.end()
    return Markup().join((*pieces, escape(text[end:])))


# --- what the templates are given -----------------------------------------------------------


@dataclass(frozen=True)
class _Part:
    kind: str
    texts: tuple[str, ...]
    photo: "_Shown | None" = None
    url: str = ""  # of a button
    label: str = ""  # of a note; "" for the usual word
    beside: tuple[str, ...] = ()  # the second of two columns
    headed: bool = False  # both columns begin with what names them


@dataclass(frozen=True)
class _Shown:
    content_id: str
    width: int  # CSS pixels
    height: int
    alt: str  # "" only where the caption says it
    caption: str


@dataclass(frozen=True)
class _Point:
    label: str  # "Friday 27 November: ", "Thanksgiving: ", or "": with its space
    lead: str  # set bold; "" where nothing is
    rest: str  # with its leading space


def _story(bulletin: Bulletin, scaled: Sequence[Scaled | None], words: Words) -> Iterator[_Part]:
    photos = iter(scaled)
    greeted = opening_salutation(bulletin)  # the mail greets by name: once is enough
    for block in bulletin.blocks:
        part = _part(block)
        if not isinstance(block, Picture):
            if block is not greeted:
                yield part
        else:
            found = next(photos, None)
            # Those who see no picture are told that there is one.
            said = words.label(words.photo, part.texts[0]) if part.texts else words.photo
            if found:
                yield _Part("photo", (f"[{said}]",), _shown_as(block, found, words))
            elif part.texts:
                yield _Part("paragraph", (f"[{said}]",))


def _shown_as(picture: Picture, scaled: Scaled, words: Words) -> _Shown:
    alt, caption = _described(picture.alt), picture.caption.strip()
    if alt == caption:
        alt = ""  # not read aloud twice
    return _Shown(
        scaled.photo.content_id,
        scaled.width,
        scaled.height,
        alt if alt or caption else words.photo,
        caption,
    )


def _described(alt: str) -> str:
    """Return what a picture shows; the name of a file, which may tell more than it, is no words."""
    return "" if _FILE_NAME.fullmatch(alt.strip()) else alt.strip()


def _part(block: Block) -> _Part:
    match block:
        case Paragraph(text):
            return _Part("paragraph", (text,))
        case Heading(text):
            return _Part("heading", (text,))
        case Quotation(paragraphs):
            return _Part("quotation", paragraphs)
        case ItemList(items):
            return _Part("list", items)
        case Picture(alt=alt, caption=caption):
            words = caption.strip() or _described(alt)
            return _Part("photo", (words,) if words else ())
        case Button(text, url):
            return _Part("button", (text,), url=url)
        case Divider():
            return _Part("divider", ())
        case Note(label, paragraphs):
            return _Part("note", paragraphs, label=label)
        case Columns(first, second, headed=headed):
            return _Part("columns", first, beside=second, headed=headed)


def _point_groups(bulletin: Bulletin, words: Words) -> Iterator[tuple[str, list[_Point]]]:
    # Bold first sentences guide the eye; where points have no more than one, all would shout.
    bold = any(point.lead != point.text for point in bulletin.points)
    # Among petitions a thanksgiving is worth naming; where all give thanks it is not.
    kinds = {point.kind for point in bulletin.points}
    for group, points in itertools.groupby(bulletin.points, key=lambda point: point.group):
        yield (
            group or "",
            [
                _Point(_label(point, bulletin.language, words, kinds), *_lead_and_rest(point, bold))
                for point in points
            ],
        )


def _lead_and_rest(point: PrayerPoint, bold: bool) -> tuple[str, str]:
    if bold and point.lead and point.text.startswith(point.lead):
        return point.lead, point.text.removeprefix(point.lead)
    return "", point.text


def _label(point: PrayerPoint, language: str, words: Words, kinds: set[PointKind]) -> str:
    labels = [in_words(point.date, language)] if point.date else []
    if point.kind is PointKind.THANKSGIVING and len(kinds) > 1:
        labels.append(words.thanksgiving)
    if not labels:
        return ""
    label = " · ".join(labels)
    # It begins a line; not upper(), which Georgian has for whole words only.
    return words.label(label[0].title() + label[1:])


def _verses(bulletin: Bulletin) -> list[Scripture]:
    """Return the passages that stand on their own; those within the story are read there."""
    parts = [_part(block) for block in bulletin.blocks]
    told = "\n".join(
        (
            *(text for part in parts for text in (*part.texts, *part.beside)),
            *(f"{point.group or ''}\n{point.text}" for point in bulletin.points),
        )
    )
    apart = [
        verse for verse in bulletin.scriptures if (verse.quotation or verse.written) not in told
    ]
    # A list ("Matt 5:3; 6:9") is several references of one wording: it stands there once.
    once = {(verse.line, verse.written): verse for verse in reversed(apart)}
    return list(reversed(once.values()))
