"""Pictures out of a file: taken where every mail program shows them, else told."""

import io
import warnings
from base64 import b64decode
from urllib.parse import unquote_to_bytes

from PIL import Image

from newsletter.bulletin.metadata import MOST_PIXELS
from newsletter.bulletin.model import Picture

MAX_BYTES = 8_000_000
_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}
_OTHER_KINDS = (  # what their first bytes say
    (b"RIFF", "it is of a kind that mail programs do not show (WebP)"),
    (b"II*\0", "it is of a kind that mail programs do not show (TIFF)"),
    (b"MM\0*", "it is of a kind that mail programs do not show (TIFF)"),
    (b"BM", "it is of a kind that mail programs do not show (BMP)"),
    (b"\x01\0\0\0", "it is a drawing of a kind that mail programs do not show (EMF)"),
    (b"\xd7\xcd\xc6\x9a", "it is a drawing of a kind that mail programs do not show (WMF)"),
    (b"<svg", "it is a drawing of a kind that mail programs do not show (SVG)"),
    (b"<?xml", "it is a drawing of a kind that mail programs do not show (SVG)"),
)


def picture_of(data: bytes, alt: str, line: int, caption: str = "") -> Picture | str:
    """Return the picture, or why it cannot be used, as a clause for `image-unusable`."""
    if len(data) > MAX_BYTES:
        return f"it is larger than {MAX_BYTES // 1_000_000} MB"
    for signature, what in _OTHER_KINDS:
        if data.startswith(signature):
            return what
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes: we look at them ourselves
            with Image.open(io.BytesIO(data), formats=tuple(_TYPES)) as image:
                width, height, kind = image.width, image.height, image.format
                if width * height <= MOST_PIXELS:
                    image.verify()
    except Exception:  # noqa: BLE001 - whatever its decoder stumbles over, it is no picture
        return "it is damaged"
    if width * height > MOST_PIXELS:
        return f"it has more than {MOST_PIXELS // 1_000_000} million dots"
    return Picture(data, _TYPES[str(kind)], alt, caption, line)


def picture_in(address: str, alt: str, line: int, caption: str = "") -> Picture | str:
    """Return the picture that a `data:` address holds, or why it cannot be used."""
    kind, _, data = address.partition(",")
    try:
        whole = b64decode(data) if kind.lower().endswith("base64") else unquote_to_bytes(data)
    except ValueError:
        whole = b""
    return picture_of(whole, alt, line, caption)
