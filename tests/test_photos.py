"""Pictures on their way from a bulletin to its readers."""

import email.policy
import json
import os
import random
import tracemalloc
from base64 import b64decode, b64encode
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

import dkim
import pytest
from PIL import Image, ImageDraw
from sqlalchemy import Engine

from newsletter.bulletin import Bulletin, Picture
from newsletter.checks import check
from newsletter.cli import bulletins as commands
from newsletter.dispatch.freeze import open_edition
from newsletter.errors import Problem
from newsletter.issue import stored_email
from newsletter.message import bulletin_form
from newsletter.providers.sendgrid import SendGrid, requests_for, sending
from newsletter.providers.smtp import SmtpRelay
from newsletter.rendering import (
    MOST_PHOTOS,
    Photo,
    RenderedEmail,
    Templates,
    html_bytes,
    merge,
    render,
    with_photos,
)
from newsletter.rendering import photos as module
from newsletter.rendering.inlining import Reading
from newsletter.rendering.photos import PHOTO_LIMIT, PHOTOS_LIMIT, photos_of, scaled
from newsletter.rendering.words import words_of
from newsletter.site import shipped_templates
from newsletter.tables import Edition
from subscribers.database import reading
from subscribers.privacy import Keys
from tests import mails
from tests.bulletins import ALL, ARABIC, ENGLISH, LOOK
from tests.copies import NOON, form, leave, people, person
from tests.message_rules import broken_rules
from tests.office import Office, desk_for
from tests.servers.sendgrid import KEY, sendgrid_server
from tests.servers.smtp import smtp_server
from tests.test_metadata import SECRET, jpeg, png
from tests.word_files import drawn as drawn_by_word
from tests.word_files import paragraph, word_file

TEMPLATES = Templates([shipped_templates()])
MEADOW = "Children in the meadow"


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Return what no encoder makes small: the hardest picture there is."""
    dots = random.Random(7).randbytes(width * height * len(mode))
    return Image.frombytes(mode, (width, height), dots)


def soft(width: int, height: int) -> Image.Image:
    """Return something like a photo, with shades and some structure."""
    return noise(width // 40 + 1, height // 40 + 1).resize(
        (width, height), Image.Resampling.BICUBIC
    )


def drawn(mode: str = "RGB", size: tuple[int, int] = (1600, 900)) -> Image.Image:
    """Return a map: few colours, sharp edges; in RGBA the page shines through."""
    image = Image.new(mode, size)
    draw = ImageDraw.Draw(image)
    draw.ellipse((100, 100, size[0] - 100, size[1] - 100), fill="#c08a2d", outline="#17384d")
    draw.line((0, 0, *size), fill="#0b5a86", width=9)
    return image


def saved(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def picture(data: bytes, alt: str = "A meadow", caption: str = MEADOW, line: int = 7) -> Picture:
    return Picture(data, "image/jpeg", alt, caption, line)


PHOTO = saved(soft(1400, 900), quality=92)
OTHER = saved(soft(300, 200), quality=80)


def with_pictures(*pictures: Picture, bulletin: Bulletin = ENGLISH) -> Bulletin:
    return replace(bulletin, blocks=(bulletin.blocks[0], *pictures, *bulletin.blocks[1:]))


def rendered(*pictures: Picture, bulletin: Bulletin = ENGLISH) -> RenderedEmail:
    return render(with_pictures(*pictures, bulletin=bulletin), LOOK, TEMPLATES)


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def images_in(raw: bytes) -> list[EmailMessage]:
    message = message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return [
        part
        for part in message.walk()
        if isinstance(part, EmailMessage) and part.get_content_maintype() == "image"
    ]


def source_of_images(html: str) -> list[dict[str, str]]:
    class Images(Reading):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            super().handle_starttag(tag, attrs)
            if tag == "img":
                found.append({name: value or "" for name, value in attrs})

    found: list[dict[str, str]] = []
    Images(html)
    return found


# --- scaling --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "dots", "shown"),
    [
        ((4000, 3000), (1072, 804), (536, 402)),
        ((3000, 4000), (1050, 1400), (525, 700)),
        ((1072, 600), (1072, 600), (536, 300)),
        ((700, 350), (700, 350), (536, 268)),
        ((200, 100), (200, 100), (200, 100)),
        ((5000, 2), (1072, 1), (536, 1)),
    ],
)
def test_a_photo_has_twice_the_dots_it_is_shown_with_and_is_never_made_larger(
    size: tuple[int, int], dots: tuple[int, int], shown: tuple[int, int]
) -> None:
    made = scaled(picture(saved(soft(*size))))

    assert opened(made.photo.data).size == dots
    assert (made.width, made.height) == shown


@pytest.mark.parametrize(
    ("mode", "most"), [("RGB", PHOTOS_LIMIT // MOST_PHOTOS), ("L", 100_000), ("RGBA", PHOTO_LIMIT)]
)
def test_the_hardest_picture_fits(mode: str, most: int) -> None:
    data = saved(noise(1100, 1400, mode), "PNG", compress_level=1)

    made = scaled(picture(data), most)

    assert len(made.photo.data) <= most
    assert made.photo.media_type == "image/jpeg"
    assert (made.width, made.height) == (536, 682)


def test_quality_goes_before_sharpness() -> None:
    image = saved(noise(540, 350).resize((1080, 700), Image.Resampling.BICUBIC), quality=95)
    least_worse = len(scaled(picture(image), 10_000_000).photo.data)

    made = scaled(picture(image), least_worse - 1)

    assert opened(made.photo.data).size == (1072, 695)
    assert len(made.photo.data) < least_worse


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_a_drawing_stays_sharp(kind: str) -> None:
    made = scaled(picture(saved(drawn(), kind, **({"lossless": True} if kind == "WEBP" else {}))))

    assert made.photo.media_type == "image/png"
    assert opened(made.photo.data).format == "PNG"
    assert opened(made.photo.data).convert("RGB").getpixel((536, 150)) == (192, 138, 45)


def test_what_is_transparent_stays_so_and_lies_on_white_where_it_must_be_a_jpeg() -> None:
    clear = scaled(picture(saved(drawn("RGBA"), "PNG")))
    hard = noise(800, 600, "RGBA")
    hard.paste((0, 0, 0, 0), (0, 0, 400, 600))
    on_white = scaled(picture(saved(hard, "PNG")))

    assert opened(clear.photo.data).convert("RGBA").getpixel((5, 300)) == (0, 0, 0, 0)
    assert on_white.photo.media_type == "image/jpeg"
    assert opened(on_white.photo.data).getpixel((50, 300)) == (255, 255, 255)


@pytest.mark.parametrize(
    "image",
    [
        soft(400, 300).convert("CMYK"),
        soft(400, 300).convert("L"),
        soft(400, 300).convert("1"),
        soft(400, 300).convert("P"),
        soft(400, 300).convert("LA"),
        Image.linear_gradient("L").convert("I").point(lambda value: value * 256).convert("I;16"),
    ],
    ids=lambda image: image.mode,
)
def test_every_kind_of_dots_becomes_what_mail_programs_show(image: Image.Image) -> None:
    made = opened(scaled(picture(saved(image, "JPEG" if image.mode == "CMYK" else "PNG")))
                  .photo.data)  # fmt: skip

    low, high = made.convert("L").getextrema()
    assert made.mode in ("RGB", "P")
    assert high - low > 60  # type: ignore[operator]  # of one channel


def test_of_a_picture_that_moves_the_first_frame_is_shown() -> None:
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "blue")]
    moving = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])

    made = opened(scaled(picture(moving)).photo.data)

    assert getattr(made, "n_frames", 1) == 1
    assert made.convert("RGB").getpixel((20, 20)) == (255, 0, 0)


@pytest.mark.parametrize("data", [jpeg(), png()], ids=["jpeg", "png"])
def test_nothing_that_a_file_carries_unseen_is_in_the_photo(data: bytes) -> None:
    planted = (SECRET.encode(), SECRET.encode("utf-16-le"), SECRET.encode("utf-16-be"))
    assert any(words in data for words in planted)

    made = scaled(picture(data)).photo.data

    assert not any(words in made for words in planted)
    assert not opened(made).getexif()
    assert not {"icc_profile", "exif", "comment", "xmp"} & opened(made).info.keys()


def test_the_same_picture_gives_the_same_bytes_and_other_names_do_not_matter() -> None:
    first = scaled(picture(PHOTO))
    module._made.clear()

    again = scaled(picture(PHOTO, "Somewhere", "Else", 99))

    assert again == first
    assert again is not first


def test_a_picture_is_scaled_once_for_all_editions(monkeypatch: pytest.MonkeyPatch) -> None:
    module._made.clear()
    first = scaled(picture(PHOTO))
    monkeypatch.setattr(module, "_scaled", None)

    assert scaled(picture(PHOTO)) is first


def test_few_pictures_are_remembered() -> None:
    for no in range(2 * MOST_PHOTOS):
        scaled(picture(saved(Image.new("RGB", (10 + no, 10)))))

    assert len(module._made) <= MOST_PHOTOS


def test_a_damaged_picture_and_one_that_fits_nowhere_are_told_by_line() -> None:
    with pytest.raises(Problem, match=r"picture in line 7 cannot be read: save it anew"):
        scaled(picture(PHOTO[:5000]))
    with pytest.raises(Problem, match=r"picture in line 7 cannot be made smaller than 1 kB"):
        scaled(picture(PHOTO), 1000)


def test_many_pictures_share_what_a_mail_carries_and_the_rest_is_told() -> None:
    hard = [picture(saved(noise(700 + no, 500), quality=95), line=no) for no in range(12)]
    bulletin = replace(ENGLISH, blocks=(*ENGLISH.blocks, *hard))

    made = photos_of(bulletin)
    email = render(bulletin, LOOK, TEMPLATES)
    [finding] = [each for each in check(bulletin) if each.rule == "image-unusable"]

    assert [each is None for each in made] == [False] * 10 + [True] * 2
    assert sum(len(photo.data) for photo in email.photos) <= PHOTOS_LIMIT
    assert len(email.photos) == MOST_PHOTOS
    assert "".join(email.html.literals).count(MEADOW) == 12
    assert "".join(email.text.literals).count(f"[Photo: {MEADOW}]") == 12
    assert finding.line == 10
    assert "10 pictures, so the last 2 are left out" in finding.message


def test_beyond_them_a_picture_without_words_leaves_nothing_empty_behind() -> None:
    pictures = [picture(OTHER)] * MOST_PHOTOS

    email = rendered(*pictures, picture(OTHER, "", " "))

    assert email == rendered(*pictures)


# --- what is read ---------------------------------------------------------------------


def test_the_page_shows_a_photo_with_its_size_its_words_and_nothing_fetched() -> None:
    email = rendered(picture(PHOTO))
    html = "".join(email.html.literals)

    [shown] = source_of_images(html)
    [photo] = email.photos
    assert shown["src"] == f"cid:{photo.content_id}"
    assert (shown["width"], shown["height"], shown["alt"]) == ("536", "345", "A meadow")
    # A width in per cent keeps a page narrow on which no picture is loaded, too.
    assert "width:100%" in shown["style"].replace(" ", "")
    assert "max-width:536px" in shown["style"].replace(" ", "")
    assert "height:auto" in shown["style"].replace(" ", "")
    assert Reading(html).fetches == set()
    assert MEADOW in Reading(html).text
    assert f"[Photo: {MEADOW}]" in "".join(email.text.literals)


@pytest.mark.parametrize(
    ("alt", "caption", "read", "text"),
    [
        ("A meadow", MEADOW, "A meadow", f"[Photo: {MEADOW}]"),
        ("A meadow", "", "A meadow", "[Photo: A meadow]"),
        ("", MEADOW, "", f"[Photo: {MEADOW}]"),
        (MEADOW, MEADOW, "", f"[Photo: {MEADOW}]"),
        ("", "", "Photo", "[Photo]"),
        ("Miriam at home.JPG", "", "Photo", "[Photo]"),
        ("  ", " ", "Photo", "[Photo]"),
    ],
)
def test_who_sees_no_picture_is_told_once(alt: str, caption: str, read: str, text: str) -> None:
    email = rendered(picture(PHOTO, alt, caption))

    [shown] = source_of_images("".join(email.html.literals))
    assert shown["alt"] == read
    assert f"\n{text}\n" in "".join(email.text.literals)


def test_words_at_a_picture_cannot_become_markup() -> None:
    email = rendered(picture(PHOTO, '"><script>x</script>', "<b>Luke</b> & {{ greeting }}"))
    html = "".join(email.html.literals)

    [shown] = source_of_images(html)
    assert shown["alt"] == '"><script>x</script>'
    assert "<script" not in html
    assert "<b>" not in html
    assert "<b>Luke</b> & {{ greeting }}" in Reading(html).text


@pytest.mark.parametrize("bulletin", ALL, ids=lambda each: each.language)
def test_the_word_for_a_photo_is_the_readers(bulletin: Bulletin) -> None:
    email = rendered(picture(PHOTO), bulletin=bulletin)

    assert f"[{words_of(bulletin.language).photo}: {MEADOW}]" in "".join(email.text.literals)


def test_from_right_to_left_a_photo_and_its_caption_stand_at_the_right() -> None:
    html = "".join(rendered(picture(PHOTO), bulletin=ARABIC).html.literals)

    cell = html.partition("<img")[0].rpartition("<td")[2]
    assert "text-align:right" in cell.replace(" ", "")


def test_pictures_do_not_count_for_what_gmail_clips() -> None:
    plain, shown = rendered(), rendered(picture(PHOTO))

    assert html_bytes(shown) - html_bytes(plain) < 1500 < len(shown.photos[0].data)


def test_a_picture_shown_twice_is_attached_once() -> None:
    email = rendered(picture(PHOTO), picture(OTHER, "Other"), picture(PHOTO, "Again"))

    assert len(email.photos) == 2
    assert len(source_of_images("".join(email.html.literals))) == 3


def test_the_preview_for_a_browser_holds_its_photos() -> None:
    email = rendered(picture(PHOTO))

    html = with_photos("".join(email.html.literals), email.photos)

    [shown] = source_of_images(html)
    kind, _, data = shown["src"].partition(";base64,")
    assert kind == "data:image/jpeg"
    assert b64decode(data) == email.photos[0].data


# --- as bytes -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bulletin", "test"])
def test_a_copy_is_a_faultless_message_and_its_photos_come_back_exactly(kind: Any) -> None:
    email_ = rendered(picture(PHOTO, "Miriam.jpg"), picture(saved(drawn(), "PNG")))
    edition = replace(mails.bulletin(kind=kind).envelope)
    made = bulletin_form(email_, edition, NOON)

    raw = made.copy_for(mails.READER)

    assert broken_rules(raw, kind, says=mails.SAYS) == []
    message = message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    text, related = message.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert related.get_content_type() == "multipart/related"
    assert related.get_param("type") == "text/html"
    in_html, _ = made.values_for(mails.READER)
    page, *photos = related.iter_parts()
    assert page.get_content().replace("\r\n", "\n") == merge(email_.html, in_html)
    assert [photo.get_content() for photo in photos] == [each.data for each in email_.photos]
    assert [photo.get_content_type() for photo in photos] == ["image/jpeg", "image/png"]
    assert [photo["Content-ID"] for photo in photos] == [
        f"<{each.content_id}>" for each in email_.photos
    ]
    assert [photo.get_content_disposition() for photo in photos] == ["inline", "inline"]
    assert [photo.get_filename() for photo in photos] == ["photo-1.jpg", "photo-2.png"]
    as_it_was = email.policy.compat32.clone(linesep="\r\n", max_line_length=None)
    assert message_from_bytes(raw, policy=as_it_was).as_bytes() == raw


def test_names_at_a_picture_are_nowhere_in_what_identifies_it() -> None:
    raw = bulletin_form(
        rendered(picture(PHOTO, "Miriam.jpg")), mails.bulletin().envelope, NOON
    ).copy_for(mails.READER)

    [photo] = images_in(raw)
    assert b"Miriam.jpg" not in raw
    assert {*photo.keys()} == {
        *("Content-Type", "Content-Transfer-Encoding", "Content-ID", "Content-Disposition")
    }
    name, _, domain = photo["Content-ID"][1:-1].partition("@")
    assert (len(name), domain) == (24, "photo")
    assert int(name, 16)


def test_without_pictures_the_bytes_and_the_hash_are_as_they_were() -> None:
    raw = mails.bulletin().copy_for(mails.READER)

    assert b"related" not in raw
    assert "photos" not in json.loads(mails.edition("en").to_json())


def test_the_base64_is_in_memory_once_and_never_once_a_person() -> None:
    email_ = replace(
        mails.edition("en"), photos=(Photo("0@photo", "image/jpeg", os.urandom(200_000)),)
    )
    made = bulletin_form(email_, mails.bulletin().envelope, NOON)
    made.relaxed_for(mails.READER)
    readers = people(200)

    tracemalloc.start()
    pieces = [made.pieces_for(reader) for reader in readers]
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    large = {id(piece) for each in pieces for piece in each if len(piece) > 100_000}
    assert len(large) == 1
    assert id(made._body.photos) in large
    assert made._body.photos is made._stuffed_body.photos is made._relaxed[1].photos
    assert used < 200 * 8_000


def test_on_the_wire_dots_are_doubled_and_the_rest_is_the_same() -> None:
    made = bulletin_form(rendered(picture(PHOTO)), mails.bulletin().envelope, NOON)

    wire = b"".join(made.pieces_for(mails.READER))

    unstuffed = wire.replace(b"\r\n..", b"\r\n.")
    assert unstuffed == made.copy_for(mails.READER)


def test_a_signature_covers_the_photos() -> None:
    made = bulletin_form(rendered(picture(PHOTO)), mails.bulletin().envelope, NOON)
    signer = mails.signer()
    raw = signer.signatures(made, mails.READER, 1_795_600_000) + made.copy_for(mails.READER)
    records = signer.dns_records()

    def found(name: bytes, timeout: int = 5) -> str:
        return records[name.decode().rstrip(".")]

    line = made._body.photos.split(b"\r\n")[8]
    spoilt = raw.replace(line, line[::-1])
    assert dkim.verify(raw, dnsfunc=found)
    assert not dkim.verify(spoilt, dnsfunc=found)


# --- stored ---------------------------------------------------------------------------


def test_an_edition_comes_back_from_its_stored_form_and_its_hash_holds_the_photos() -> None:
    email_ = rendered(picture(PHOTO))
    other = replace(email_, photos=(replace(email_.photos[0], data=b"else"),))

    assert RenderedEmail.from_json(email_.to_json()) == email_
    assert other.hash() != email_.hash()
    assert rendered(picture(PHOTO)).to_json() == email_.to_json()


def illustrated(data: bytes) -> bytes:
    """Return a Word file with a picture and its caption."""
    return word_file(
        paragraph("Harvest in the valley", "Title"),
        paragraph("The barley is in."),
        paragraph(drawn_by_word("rIdP", alt="A meadow", name="Miriam.jpg")),
        paragraph(MEADOW, "Caption"),
        paragraph("* Pray for rain."),
        parts={
            "word/media/p.jpg": data,
            "word/styles.xml": "<w:styles {ns}><w:style w:type='paragraph' w:styleId='Caption'>"
            "<w:name w:val='caption'/></w:style></w:styles>",
        },
        links={"rIdP": ("image", "media/p.jpg")},
    )


def test_what_was_approved_goes_out_with_its_photos(warm_engine: Engine, keys: Keys) -> None:
    office = Office(warm_engine, desk_for(keys))
    list_id = office.add_list()
    office.subscribe(list_id, 1)
    issue_id = office.issue(list_id, illustrated(jpeg()), "harvest.docx")

    with reading(office.engine) as session:
        stored = stored_email(session, keys, issue_id)
        row = session.get_one(Edition, (issue_id, 0))
        approved = open_edition(keys, issue_id, 0, row.email, row.hash)

    assert approved == stored
    [photo] = stored.photos
    assert SECRET.encode() not in photo.data
    assert opened(photo.data).format == "JPEG"


def test_a_preview_is_whole_in_a_browser_and_in_a_mail_program(tmp_path: Path) -> None:
    source = tmp_path / "harvest.docx"
    source.write_bytes(illustrated(PHOTO))

    commands.preview(source, tmp_path / "out")

    [shown] = source_of_images((tmp_path / "out" / "email.html").read_text())
    [attached] = images_in((tmp_path / "out" / "message.eml").read_bytes())
    assert shown["src"] == (f"data:image/jpeg;base64,{b64encode(attached.get_content()).decode()}")
    assert f"[Photo: {MEADOW}]" in (tmp_path / "out" / "email.txt").read_text()
    assert b"Miriam.jpg" not in (tmp_path / "out" / "message.eml").read_bytes()


# --- handed over ----------------------------------------------------------------------


def test_an_smtp_server_gets_it_byte_for_byte(tmp_path: Path) -> None:
    made = form(rendered(picture(PHOTO), picture(OTHER)))
    with smtp_server(tmp_path) as server:
        connection = SmtpRelay(server.settings(), "").connect()

        connection.submit(made, [person(1), person(2)][:1], leave())
        connection.close()

        [taken] = server.taken()
    assert taken.data == made.copy_for(person(1))
    assert [each.get_content() for each in images_in(taken.data)] == [
        each.data for each in made.email.photos
    ]


def test_sendgrid_gets_each_photo_once_for_all_of_a_request(tmp_path: Path) -> None:
    made = form(rendered(picture(PHOTO, "Miriam.jpg"), picture(OTHER)))
    with sendgrid_server(tmp_path) as server:
        connection = SendGrid(server.settings(), KEY).connect()

        outcomes = connection.submit(made, people(120), leave())
        connection.close()

        [body], copies = server.bodies(), server.copies()
    assert {outcome.answer.value for outcome in outcomes} == {"accepted"}
    assert [b64decode(each.pop("content")) for each in body["attachments"]] == [
        each.data for each in made.email.photos
    ]
    assert body["attachments"] == [
        {
            "type": "image/jpeg",
            "filename": f"photo-{no}.jpg",
            "disposition": "inline",
            "content_id": photo.content_id,
        }
        for no, photo in enumerate(made.email.photos, start=1)
    ]
    assert len(copies) == 120
    assert all(f"cid:{made.email.photos[0].content_id}" in copy.html for copy in copies)


def test_sendgrid_requests_with_photos_keep_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = Photo("0@photo", "image/jpeg", os.urandom(PHOTO_LIMIT))
    made = form(replace(rendered(), photos=(photo,) * 5))
    shared = len(next(requests_for(made, people(1), 77, 500)).body)
    monkeypatch.setattr(sending, "MAX_BODY", shared + 50_000)

    requests = list(requests_for(made, people(400), 77, 500))

    assert shared < 1_500_000
    assert 1 < len(requests) < 20
    assert sum(len(request.people) for request in requests) == 400
    assert all(len(request.body) <= sending.MAX_BODY for request in requests)
