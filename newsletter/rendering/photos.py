"""Pictures made small enough for a mail.  Pure, and once for each edition, never for a person.

A picture is shown at most 536 pixels wide and holds twice as many dots, for sharp screens.
It is always encoded anew, so that nothing of its file but what is seen goes out.
"""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

from PIL import Image

from newsletter.bulletin import Bulletin, Picture
from newsletter.colours import DARK, contrast, ink_on
from newsletter.errors import Problem
from newsletter.rendering.shell import Photo

MOST_PHOTOS = 10  # in one mail; what comes after is told by its caption
PHOTO_LIMIT = 200_000  # bytes of one
PHOTOS_LIMIT = 1_000_000  # bytes of all in one mail, which share it alike

_SHOWN = (536, 700)  # CSS pixels, at most: the width of the text, and less than a screen
_DOTS = (2 * _SHOWN[0], 2 * _SHOWN[1])
_SHARES = (1.0, 0.75, 0.5, 0.35, 0.25)  # of the dots: less sharp before it is left out
_QUALITIES = (85, 78, 70, 60, 50)
_FEW = 256  # colours
_KEPT = MOST_PHOTOS  # 1 MB
_LOGO = (240, 80)  # CSS pixels, at most
LOGO_LIMIT = 40_000  # bytes
_DRAWN = 96  # of 255: less is the edge of a shape
_TOLD = 1.8  # contrast of a shape with its ground
_ENOUGH = 0.9
_PAPER = "#ffffff"

_lock = threading.Lock()


@dataclass(frozen=True)
class Scaled:
    """A photo, and how large it is shown."""

    photo: Photo
    width: int  # CSS pixels
    height: int


@dataclass(frozen=True)
class Logo(Scaled):
    """A logo, and the colour behind it where it would be lost on the sheet of a scheme."""

    plate: str = ""  # #rrggbb
    ink: str = ""  # of its words on that plate, where it is not shown


_made: dict[tuple[bytes, int], Scaled] = {}


def photos_of(bulletin: Bulletin) -> tuple[Scaled | None, ...]:
    """Return a photo for each picture of a bulletin in its order, None beyond `MOST_PHOTOS`.

    The same pictures give the same bytes.

    Raises:
        Problem: a picture cannot be read, or cannot be made small enough.
    """
    pictures = [block for block in bulletin.blocks if isinstance(block, Picture)]
    taken = pictures[:MOST_PHOTOS]
    most = min(PHOTO_LIMIT, PHOTOS_LIMIT // max(1, len(taken)))
    return (
        *(scaled(picture, most) for picture in taken),
        *(None for _ in pictures[MOST_PHOTOS:]),
    )


def scaled(picture: Picture, most: int = PHOTO_LIMIT) -> Scaled:
    """Return a picture as a JPEG or PNG of at most `most` bytes.

    The last ones are remembered: a bulletin is weighed, drafted, and has several editions.
    What has few colours or is transparent stays sharp as PNG where that fits.  Of a picture
    that moves the first frame is shown.

    Raises:
        Problem: it cannot be read, or cannot be made small enough.
    """
    key = (hashlib.sha256(picture.data).digest(), most)
    with _lock:
        found = _made.get(key)
    if found is None:
        found = _scaled(picture, most)
        with _lock:
            while len(_made) >= _KEPT:
                del _made[next(iter(_made))]
            _made[key] = found
    return found


def _scaled(picture: Picture, most: int) -> Scaled:
    try:
        with Image.open(BytesIO(picture.data)) as image:
            width, height = _within(image.size, _SHOWN)
            image.draft("RGB", _within(image.size, _DOTS))  # a large JPEG is not decoded whole
            flat = _is_flat(image)
            plain = _plain(image)
    except Exception:  # noqa: BLE001 - whatever its decoder stumbles over, it is no picture
        raise Problem(
            f"The picture in line {picture.line} cannot be read: save it anew as JPEG or PNG and "
            "put it in again."
        ) from None
    for media_type, data in _forms(plain, flat):
        if len(data) <= most:
            # Opaque, the same in every copy, and of no use but to find the part of this mail.
            name = hashlib.sha256(b"photo" + data).hexdigest()[:24]
            return Scaled(Photo(f"{name}@photo", media_type, data), width, height)
    raise Problem(
        f"The picture in line {picture.line} cannot be made smaller than {most // 1000} kB: save "
        "it smaller and put it in again."
    )


@lru_cache(8)
def logo_from(data: bytes, sheets: tuple[str, str]) -> Logo:
    """Return the logo in a file, PNG or JPEG, small enough for each mail to carry.

    `sheets` are the colours it stands on, in light and in dark.  Where it is transparent and
    would be lost on one of them, or on paper, it is given a ground: one of the others if it can be.

    Raises:
        Problem: it cannot be read.
    """
    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
            width, height = _within(image.size, _LOGO)
            flat = _is_flat(image)
            plain = _plain(image, (2 * _LOGO[0], 2 * _LOGO[1]))
    except Exception:  # noqa: BLE001 - whatever its decoder stumbles over, it is no picture
        raise Problem(
            "The logo cannot be read: save it anew as PNG or JPEG, or correct its name under "
            "[brand] or [lists.NAME] in newsletter.toml."
        ) from None
    plate = _plate(plain, sheets)
    if plate:
        plain = Image.alpha_composite(Image.new("RGBA", plain.size, plate), plain).convert("RGB")
    media_type, encoded = next(
        (form for form in _forms(plain, flat) if len(form[1]) <= LOGO_LIMIT), ("", b"")
    )
    name = hashlib.sha256(b"photo" + encoded).hexdigest()[:24]
    photo = Photo(f"{name}@photo", media_type, encoded)
    return Logo(photo, width, height, plate, ink_on(plate) if plate else "")


def _plate(logo: Image.Image, sheets: tuple[str, str]) -> str:
    """Return the ground that a logo needs, "" where it needs none."""
    grounds = (*sheets, _PAPER, DARK.sheet)
    if logo.mode != "RGBA" or all(_seen_on(logo, each) >= _ENOUGH for each in grounds[:3]):
        return ""
    return max(grounds, key=lambda ground: _seen_on(logo, ground))


def _seen_on(logo: Image.Image, sheet: str) -> float:
    """Return how much of what is drawn can be told from the sheet: 0 to 1."""
    drawn = logo.getchannel("A").point(lambda alpha: 255 if alpha > _DRAWN else 0)
    few = logo.convert("RGB").quantize(16)
    colours = few.getpalette() or []
    counts = few.histogram(drawn)
    seen = sum(
        count
        for no, count in enumerate(counts)
        if count and contrast("#" + bytes(colours[3 * no : 3 * no + 3]).hex(), sheet) >= _TOLD
    )
    return seen / (sum(counts) or 1)


def _within(size: tuple[int, int], most: tuple[int, int]) -> tuple[int, int]:
    """Return the size made to fit, its shape kept; never larger than it is."""
    share = min(1.0, most[0] / size[0], most[1] / size[1])
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def _is_flat(image: Image.Image) -> bool:
    """Whether it is a drawing, a map or a logo, as far as its colours tell."""
    return (
        image.format in ("PNG", "GIF", "WEBP")
        and not image.mode.startswith("I")
        and image.getcolors(_FEW) is not None
    )


def _plain(image: Image.Image, most: tuple[int, int] = _DOTS) -> Image.Image:
    """Return the picture in RGB, in RGBA where something shines through; nothing else in it."""
    if image.mode.startswith("I"):  # 16 bits for each dot: a conversion would cut, not scale
        grey = image.convert("I").point([value >> 8 for value in range(1 << 16)], "L")
        plain: Image.Image = grey.convert("RGB")
    elif image.has_transparency_data:
        plain = image.convert("RGBA")
        if plain.getchannel("A").getextrema() == (255, 255):
            plain = plain.convert("RGB")
    else:
        plain = image.convert("RGB")
    plain = plain.resize(_within(plain.size, most), Image.Resampling.LANCZOS)
    plain.info.clear()
    return plain


def _forms(plain: Image.Image, flat: bool) -> Iterator[tuple[str, bytes]]:
    """Yield forms, the best first."""
    if flat or plain.mode == "RGBA":
        yield "image/png", _png(plain)
        yield "image/png", _png(plain.quantize(_FEW, Image.Quantize.FASTOCTREE))
    if plain.mode == "RGBA":
        white = Image.new("RGBA", plain.size, "white")
        plain = Image.alpha_composite(white, plain).convert("RGB")
    for share in _SHARES:
        size = (max(1, round(plain.width * share)), max(1, round(plain.height * share)))
        smaller = plain if share == 1 else plain.resize(size, Image.Resampling.LANCZOS)
        for quality in _QUALITIES:
            yield "image/jpeg", _jpeg(smaller, quality)


def _png(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
    return out.getvalue()
