"""Pictures lose what they carry unseen, and nothing else."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

import newsletter.bulletin as bulletins
from newsletter.bulletin import Bulletin, Paragraph, Picture, Property, read_bulletin, stripped
from newsletter.bulletin.metadata import MOST_PIXELS, UnusablePicture, without_metadata

SECRET = "Zebediah Quill"
PLANTED = (SECRET.encode(), SECRET.encode("utf-16-le"), SECRET.encode("utf-16-be"))


def drawing(mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Image.Image:
    """Return a picture whose left half is dark and whose right half is light."""
    image = Image.new(mode, size, 0)
    image.paste(Image.new(mode, (size[0] // 2, size[1]), "white"), (size[0] // 2, 0))
    return image


def exif(orientation: int = 1) -> Image.Exif:
    found = Image.Exif()
    found[0x010F] = SECRET  # Make
    found[0x013B] = SECRET  # Artist
    found[0x9C9D] = SECRET.encode("utf-16-le") + b"\0\0"  # XPAuthor
    found[0x0112] = orientation
    inner = found.get_ifd(0x8769)
    inner[0x9286] = b"UNICODE\0" + SECRET.encode("utf-16-be")  # UserComment
    inner[0x927C] = b"\1\2" + SECRET.encode() + b"\3"  # MakerNote
    place = found.get_ifd(0x8825)
    place[1], place[2] = "S", (33.0, 30.0, 49.0)
    place[3], place[4] = "E", (36.0, 16.0, 30.0)
    return found


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def jpeg(orientation: int = 1) -> bytes:
    made = saved(drawing(), "JPEG", exif=exif(orientation), quality=90, comment=SECRET.encode())
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>" + SECRET.encode() + b"</x>")
    iptc = segment(
        0xED, b"Photoshop 3.0\0" + b"8BIM\4\4\0\0\0\x10\x1c\2\x50\0\x0e" + SECRET.encode()
    )
    profile = segment(0xE2, b"ICC_PROFILE\0\1\1" + SECRET.encode("utf-16-be"))
    other = segment(0xEB, SECRET.encode())
    thumbnail = segment(0xE0, b"JFXX\0\x10" + SECRET.encode())
    return made[:2] + thumbnail + xmp + iptc + profile + other + made[2:] + SECRET.encode()


def png(orientation: int = 1) -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", SECRET)
    text.add_text("Comment", SECRET, zip=True)
    text.add_itxt("Title", SECRET, zip=True)
    text.add_itxt("XML:com.adobe.xmp", SECRET)
    made = saved(drawing(), "PNG", exif=exif(orientation), pnginfo=text)
    own = chunk(b"prVt", SECRET.encode()) + chunk(b"tIME", b"\x07\xea\1\1\1\1\1")
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(SECRET.encode()))
    return made[:33] + own + profile + made[33:] + SECRET.encode()


def gif(_: int = 1) -> bytes:
    frames = [drawing(), drawing().transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    made = saved(
        frames[0], "GIF", save_all=True, append_images=frames[1:], comment=SECRET.encode(), loop=0
    )
    xmp = b"\x21\xff\x0bXMP DataXMP" + bytes((len(SECRET),)) + SECRET.encode() + b"\0"
    loop = b"\x21\xff\x0bNETSCAPE2.0\3\1\0\0" + bytes((len(SECRET),)) + SECRET.encode() + b"\0"
    return made[:-1] + xmp + loop + b"\x3b" + SECRET.encode()


def webp(orientation: int = 1) -> bytes:
    made = saved(
        drawing(), "WEBP", lossless=True, exif=exif(orientation), xmp=b"<x>" + SECRET.encode()
    )
    return made + SECRET.encode()


MAKERS = [jpeg, png, gif, webp]


def picture(data: bytes, media_type: str = "image/jpeg") -> Picture:
    return Picture(data, media_type, "A school", "The new school", 7)


def pixels(data: bytes) -> tuple[tuple[int, int], bytes]:
    with Image.open(BytesIO(data)) as image:
        return image.size, image.convert("RGB").tobytes()


@pytest.mark.parametrize("make", MAKERS)
def test_nothing_planted_is_left_in_the_bytes(make: Callable[[], bytes]) -> None:
    data = make()
    assert PLANTED[0] in data

    clean, properties = stripped(picture(data))

    assert not any(planted in clean.data for planted in PLANTED)
    assert not any(word in clean.data for word in (b"Exif", b"xmp", b"XMP", b"Photoshop", b"ICC"))
    assert any(SECRET in each.value for each in properties)
    assert SECRET not in repr(properties)


@pytest.mark.parametrize("make", MAKERS)
def test_the_picture_itself_is_the_same_to_the_last_dot(make: Callable[[], bytes]) -> None:
    data = make()

    clean, _ = stripped(picture(data))

    assert pixels(clean.data) == pixels(data)
    assert (clean.alt, clean.caption, clean.line) == ("A school", "The new school", 7)
    assert stripped(clean) == (clean, ())


@pytest.mark.parametrize(
    ("make", "media_type"),
    [(jpeg, "image/jpeg"), (png, "image/png"), (gif, "image/gif"), (webp, "image/webp")],
)
def test_the_media_type_is_that_of_the_bytes(make: Callable[[], bytes], media_type: str) -> None:
    assert stripped(picture(make(), "image/bmp"))[0].media_type == media_type


def test_a_moving_picture_still_moves() -> None:
    with Image.open(BytesIO(stripped(picture(gif()))[0].data)) as image:
        assert getattr(image, "n_frames", 1) == 2
        assert image.info["loop"] == 0


@pytest.mark.parametrize("make", [jpeg, png, webp])
def test_a_picture_that_lies_on_its_side_is_turned_first(make: Callable[[int], bytes]) -> None:
    clean, _ = stripped(picture(make(6)))  # to be shown a quarter turn clockwise

    with Image.open(BytesIO(clean.data)) as image:
        assert image.size == (32, 48)
        top, bottom = (image.convert("L").getpixel((16, y)) for y in (8, 40))
        assert isinstance(top, int)
        assert isinstance(bottom, int)
        assert top < 20
        assert bottom > 235
    assert not any(planted in clean.data for planted in PLANTED)


def test_every_place_where_a_name_can_hide_is_searched() -> None:
    found = {
        each.name
        for make in MAKERS
        for each in stripped(picture(make()))[1]
        if SECRET in each.value
    }

    assert found >= {
        "Make", "Artist", "XPAuthor", "UserComment", "MakerNote", "XMP", "IPTC", "ICC", "APP0",
        "APP11", "comment", "trailer", "tEXt", "zTXt", "iTXt", "iCCP", "prVt", "extension",
    }  # fmt: skip


def test_the_place_is_given_as_people_write_it() -> None:
    properties = stripped(picture(jpeg()))[1]

    assert Property("GPSPosition", "-33.51361, 36.27500", 7) in properties


def test_a_place_that_is_half_there_is_no_place() -> None:
    half = Image.Exif()
    half.get_ifd(0x8825)[2] = (33.0, 30.0, 49.0)

    properties = stripped(picture(saved(drawing(), "JPEG", exif=half)))[1]

    assert "GPSPosition" not in [each.name for each in properties]


# --- what is no picture ---------------------------------------------------------------------


def enormous_png(side: int = 40_000) -> bytes:
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no JPEG, PNG, GIF or WebP"),
        (b"BM" + b"\0" * 50, "no JPEG, PNG, GIF or WebP"),
        (b"<svg xmlns='x'/>", "no JPEG, PNG, GIF or WebP"),
        (enormous_png(), f"more than {MOST_PIXELS // 1_000_000} million dots"),
        (enormous_png(5_000), "more than 20 million dots as no JPEG"),
        (b"GIF89a" + b"\xff" * 4 + b"\0\0\0\x3b", "million dots"),
        (jpeg()[:400], "damaged"),
        (saved(drawing(), "JPEG")[:-40], "damaged"),
        (saved(drawing(), "PNG")[:-20], "damaged"),
        (saved(drawing(), "PNG").replace(b"IDAT", b"IDAU"), "damaged"),
        (saved(drawing("P"), "GIF")[:-30], "damaged"),
        (saved(drawing(), "WEBP")[:-20], "damaged"),
        (b"\xff\xd8\xff\xd9", "dots"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), "damaged"),
    ],
)
def test_what_cannot_be_used_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnusablePicture, match=reason):
        stripped(picture(data))


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from([make() for make in MAKERS]),
    st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=6)), max_size=4),
    st.integers(0, 3000),
)
def test_any_bytes_are_a_clean_picture_or_unusable(
    data: bytes, changes: list[tuple[int, bytes]], length: int
) -> None:
    for place, change in changes:
        data = data[:place] + change + data[place + len(change) :]

    for each in (data, data[:length]):
        try:
            clean, _ = stripped(picture(each))
        except UnusablePicture:
            continue
        assert stripped(clean) == (clean, ())


# --- in a bulletin --------------------------------------------------------------------------


def letter(*data: bytes) -> Bulletin:
    read = read_bulletin(b"Letter\n\nThe school is open.\n\n* Pray for rain.\n", "a.txt")
    return replace(read, blocks=(*read.blocks, *(picture(each) for each in data)))


def test_the_pictures_of_a_bulletin_are_stripped_and_what_they_said_is_kept_apart() -> None:
    clean = without_metadata(letter(jpeg(), png()))

    assert [type(block) for block in clean.blocks] == [Paragraph, Picture, Picture]
    assert SECRET not in repr(clean)
    assert {each.line for each in clean.properties} == {7}
    assert clean.leftovers == ()


def test_a_picture_that_cannot_be_used_leaves_its_caption_and_is_told() -> None:
    bare = replace(picture(b"?"), caption="")
    bulletin = letter(b"?")

    clean = without_metadata(replace(bulletin, blocks=(*bulletin.blocks, bare)))

    assert clean.blocks[1:] == (Paragraph("The new school", 7),)
    assert [(each.kind, each.line) for each in clean.leftovers] == [("image-unusable", 7)] * 2


def test_no_reader_gets_a_picture_past_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = letter(jpeg())
    monkeypatch.setattr(bulletins, "build", lambda *_: made)

    read = read_bulletin(b"Letter\n\n* Pray.", "a.txt")

    assert not any(
        planted in block.data
        for block in read.blocks
        if isinstance(block, Picture)
        for planted in PLANTED
    )
    assert read.properties
