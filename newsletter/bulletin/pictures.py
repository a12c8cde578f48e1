"""Pictures out of a file: taken where every mail program shows them, else told."""

import io
import warnings
from base64 import b64decode
from urllib.parse import unquote_to_bytes

from PIL import Image

from newsletter.bulletin.model import Picture

MAX_BYTES = 8_000_000
_MOST_PIXELS = 60_000_000
_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}
_OTHER_KINDS = (  # what their first bytes say
    (b"RIFF", "a picture of a kind that mail programs do not show (WebP)"),
    (b"II*\0", "a picture of a kind that mail programs do not show (TIFF)"),
    (b"MM\0*", "a picture of a kind that mail programs do not show (TIFF)"),
    (b"BM", "a picture of a kind that mail programs do not show (BMP)"),
    (b"\x01\0\0\0", "a drawing of a kind that mail programs do not show (EMF)"),
    (b"\xd7\xcd\xc6\x9a", "a drawing of a kind that mail programs do not show (WMF)"),
    (b"<svg", "a drawing of a kind that mail programs do not show (SVG)"),
    (b"<?xml", "a drawing of a kind that mail programs do not show (SVG)"),
)


def picture_of(data: bytes, alt: str, line: int, caption: str = "") -> Picture | str:
    """Return the picture, or what it is instead, for a leftover `not-taken`."""
    if len(data) > MAX_BYTES:
        return f"a picture larger than {MAX_BYTES // 1_000_000} MB"
    for signature, what in _OTHER_KINDS:
        if data.startswith(signature):
            return what
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes: we look at them ourselves
            with Image.open(io.BytesIO(data), formats=tuple(_TYPES)) as image:
                width, height, kind = image.width, image.height, image.format
                if width * height <= _MOST_PIXELS:
                    image.verify()
    except Exception:  # noqa: BLE001 - whatever its decoder stumbles over, it is no picture
        return "a picture that is damaged"
    if width * height > _MOST_PIXELS:
        return f"a picture of more than {_MOST_PIXELS // 1_000_000} million dots"
    return Picture(data, _TYPES[str(kind)], alt, caption, line)


def picture_in(address: str, alt: str, line: int, caption: str = "") -> Picture | str:
    """Return the picture that a `data:` address holds, or what it is instead."""
    kind, _, data = address.partition(",")
    try:
        whole = b64decode(data) if kind.lower().endswith("base64") else unquote_to_bytes(data)
    except ValueError:
        whole = b""
    return picture_of(whole, alt, line, caption)
