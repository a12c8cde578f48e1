"""What a picture carries unseen: where and by whom it was taken.  It is always taken off.

JPEG, PNG, GIF and WebP are taken apart into their segments, and only those that make the
picture itself are kept, byte by byte: nothing is encoded anew, except where a picture is
stored lying on its side and only its metadata says so.
"""

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO

from PIL import ExifTags, Image, ImageOps, JpegImagePlugin

from newsletter.bulletin.model import Block, Bulletin, Leftover, Paragraph, Picture, Property

MOST_PIXELS = 50_000_000
_DECODED = 20_000_000  # pixels; a JPEG may have more, for it can be decoded at a fraction
_MOST_TEXT = 100_000  # characters of one segment that are searched for names
_MOST_UNPACKED = 1_000_000  # bytes
_ORIENTATION = 0x0112
_UPRIGHT = 1


class UnusablePicture(ValueError):
    """Why a picture cannot be used, as a clause: "it is damaged"."""


@dataclass(frozen=True)
class _Parted:
    """A picture taken apart."""

    kept: bytes
    dropped: tuple[tuple[str, bytes], ...]  # what it is called, and its bytes
    width: int
    height: int


def without_metadata(bulletin: Bulletin) -> Bulletin:
    """Return the bulletin with all its pictures stripped, and what they carried as properties.

    A picture that cannot be used is left out and told; its caption stays.
    """
    if not any(isinstance(block, Picture) for block in bulletin.blocks):
        return bulletin
    blocks: list[Block] = []
    properties, leftovers = [*bulletin.properties], [*bulletin.leftovers]
    for block in bulletin.blocks:
        if not isinstance(block, Picture):
            blocks.append(block)
            continue
        try:
            picture, found = stripped(block)
        except UnusablePicture as problem:
            leftovers.append(Leftover("image-unusable", block.line, what=str(problem)))
            if block.caption:
                blocks.append(Paragraph(block.caption, block.line))
        else:
            blocks.append(picture)
            properties += found
    return replace(
        bulletin,
        blocks=tuple(blocks),
        properties=tuple(properties),
        leftovers=tuple(leftovers),
    )


def stripped(picture: Picture) -> tuple[Picture, tuple[Property, ...]]:
    """Return the picture, upright and without metadata, and what its metadata said.

    Gone are EXIF with its thumbnail, XMP, IPTC, colour profiles, comments, text, times, and
    whatever stands behind the picture's end.  The media type is that of the bytes.

    Raises:
        UnusablePicture: no picture that mail programs show, damaged, or far too large.
    """
    media_type, part = _kind(picture.data)
    try:
        parted = part(picture.data)
    except (IndexError, ValueError):
        raise UnusablePicture("it is damaged") from None
    if not 0 < parted.width * parted.height <= MOST_PIXELS:
        raise UnusablePicture(f"it has more than {MOST_PIXELS // 1_000_000} million dots")
    if media_type != "image/jpeg" and parted.width * parted.height > _DECODED:
        raise UnusablePicture(f"it has more than {_DECODED // 1_000_000} million dots as no JPEG")
    try:
        properties = tuple(_properties(picture, parted))
        upright = _turned(picture.data)
        kept = parted.kept if upright is None else part(upright).kept
        _decode(kept)
    except Exception:  # noqa: BLE001 - whatever its decoder stumbles over, it is no picture
        raise UnusablePicture("it is damaged") from None
    return replace(picture, data=kept, media_type=media_type), properties


def _kind(data: bytes) -> tuple[str, Callable[[bytes], _Parted]]:
    for signature, media_type, part in _KINDS:
        if signature.match(data):
            return media_type, part
    raise UnusablePicture("it is no JPEG, PNG, GIF or WebP")


def _decode(data: bytes) -> None:
    with Image.open(BytesIO(data)) as image:
        image.draft("RGB", (64, 64))  # of a JPEG: an eighth of its size is enough to see
        image.load()


def _turned(data: bytes) -> bytes | None:
    """Return the picture turned as its metadata says, None where it lies as it should."""
    with Image.open(BytesIO(data)) as image:
        orientation = image.getexif().get(_ORIENTATION, _UPRIGHT)
        if orientation == _UPRIGHT or getattr(image, "n_frames", 1) > 1:
            return None
        image.load()
        out = BytesIO()
        turned = ImageOps.exif_transpose(image)
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            # With its own tables next to nothing is lost.
            sampling = max(0, JpegImagePlugin.get_sampling(image))
            turned.save(out, "JPEG", qtables=image.quantization, subsampling=sampling)
        elif image.format == "WEBP":
            turned.save(out, "WEBP", lossless=b"VP8L" in data[:64], quality=95)
        else:
            turned.save(out, "PNG")
        return out.getvalue()


# --- segments ----------------------------------------------------------------------------

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_OF_THE_PICTURE = _FRAMES | {0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD}
_END_OF_IMAGE, _SCAN = 0xD9, 0xDA
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _jpeg(data: bytes) -> _Parted:
    """ITU T.81, Annex B."""
    kept, dropped = [data[:2]], []
    place, width, height = 2, 0, 0
    while True:
        place, marker, body = _jpeg_segment(data, place)
        if marker == _END_OF_IMAGE:
            break
        if marker in _FRAMES:
            height, width = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
        keeps, drops = _jpeg_kept(marker, body)
        kept.append(keeps)
        dropped.append((_jpeg_name(marker, body), drops))
        if marker == _SCAN:
            following = _NEXT_MARKER.search(data, place)
            if following is None:
                raise ValueError("cut off")
            kept.append(data[place : following.start()])
            place = following.start()
    dropped.append(("trailer", data[place:]))
    return _Parted(b"".join(kept) + b"\xff\xd9", tuple(dropped), width, height)


def _jpeg_segment(data: bytes, place: int) -> tuple[int, int, bytes]:
    """Return where the next segment begins, the marker of this one, and its body."""
    if data[place] != 0xFF:
        raise ValueError("no marker")
    while data[place] == 0xFF:
        place += 1
    marker = data[place]
    if marker == _END_OF_IMAGE:
        return place + 1, marker, b""
    length = int.from_bytes(data[place + 1 : place + 3])
    body = data[place + 3 : place + 1 + length]
    if length < 2 or len(body) != length - 2:
        raise ValueError("cut off")
    return place + 1 + length, marker, body


def _jpeg_kept(marker: int, body: bytes) -> tuple[bytes, bytes]:
    """Divide a segment into what makes the picture, as it is written again, and the rest."""
    size = 0
    if marker in _OF_THE_PICTURE:
        size = len(body)
    elif (marker == 0xE0 and body[:5] == b"JFIF\0") or (marker == 0xEE and body[:5] == b"Adobe"):
        size = 12  # resolution; how colours are meant
    keeps = body[:size] + (b"\0\0" if marker == 0xE0 else b"")  # without JFIF's thumbnail
    written = bytes((0xFF, marker)) + (len(keeps) + 2).to_bytes(2) + keeps
    return written if size else b"", body[size:]


def _jpeg_name(marker: int, body: bytes) -> str:
    if marker == 0xFE:
        return "comment"
    known = {b"Exif": "Exif", b"http": "XMP", b"Phot": "IPTC", b"ICC_": "ICC"}
    return known.get(body[:4], f"APP{marker & 15}")


_PNG_KEPT = {  # with the most bytes that each may have
    b"IHDR": 13, b"PLTE": 768, b"tRNS": 256, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"sBIT": 4,
    b"IDAT": None, b"acTL": 8, b"fcTL": 26, b"fdAT": None, b"IEND": 0,
}  # fmt: skip


def _png(data: bytes) -> _Parted:
    """W3C PNG, section 5."""
    kept, dropped = [data[:8]], []
    place, kind = 8, b""
    while kind != b"IEND":
        length = int.from_bytes(data[place : place + 4])
        chunk = data[place : place + 12 + length]
        kind, body, check = chunk[4:8], chunk[8:-4], chunk[-4:]
        if len(chunk) != 12 + length or zlib.crc32(kind + body) != int.from_bytes(check):
            raise ValueError("cut off or changed")
        place += len(chunk)
        most = _PNG_KEPT.get(kind, -1)
        if most is None or length <= most:
            kept.append(chunk)
        else:
            dropped.append((kind.decode("latin-1"), _unpacked(kind, body)))
    header = kept[1]
    if header[4:8] != b"IHDR":
        raise ValueError("no header")
    width, height = int.from_bytes(header[8:12]), int.from_bytes(header[12:16])
    return _Parted(b"".join(kept), (*dropped, ("trailer", data[place:])), width, height)


def _unpacked(kind: bytes, body: bytes) -> bytes:
    """Return a chunk with what is packed in it unpacked, as far as that goes."""
    keyword, _, rest = body.partition(b"\0")
    packed = b""
    if kind in (b"zTXt", b"iCCP"):
        packed = rest[1:]
    elif kind == b"iTXt" and rest[:1] == b"\1":
        packed = rest[2:].split(b"\0", 2)[-1]
    if not packed:
        return body
    try:
        return keyword + b"\n" + zlib.decompressobj().decompress(packed, _MOST_UNPACKED)
    except zlib.error:
        return body


def _gif(data: bytes) -> _Parted:
    """GIF89a, CompuServe 1990."""
    place = 13 + _table(data[10])
    kept, dropped = [data[:place]], []
    while (sign := data[place]) != 0x3B:
        start = place
        if sign == 0x2C:
            place = _past_blocks(data, place + 11 + _table(data[place + 9]))
            kept.append(data[start:place])
        elif sign == 0x21:
            label = data[place + 1]
            place = _past_blocks(data, place + 2)
            whole = data[start:place]
            if label == 0xF9 and len(whole) == 8:
                kept.append(whole)
            elif label == 0xFF and whole[3:14] in (b"NETSCAPE2.0", b"ANIMEXTS1.0"):
                kept.append(whole[:14] + b"\3\1" + whole[16:18] + b"\0")  # how often it repeats
            else:
                dropped.append(("comment" if label == 0xFE else "extension", whole))
        else:
            raise ValueError("no block")
    width, height = int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    trailer = ("trailer", data[place + 1 :])
    return _Parted(b"".join(kept) + b"\x3b", (*dropped, trailer), width, height)


def _table(flags: int) -> int:
    """Return the bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _past_blocks(data: bytes, place: int) -> int:
    while size := data[place]:
        place += 1 + size
    return place + 1


_WEBP_KEPT = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF")
_WEBP_FLAGS = 0x10 | 0x02  # transparency, animation; not profile, EXIF, XMP


def _webp(data: bytes) -> _Parted:
    """The WebP container (RFC 9649)."""
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    kept, dropped, size = [], [], (0, 0)
    for kind, body in _pieces(data[12:end]):
        if kind not in _WEBP_KEPT:
            dropped.append((kind.decode("latin-1").strip(), body))
            continue
        size = max(size, _webp_size(kind, body))
        if kind == b"VP8X":
            body = bytes((body[0] & _WEBP_FLAGS, 0, 0, 0)) + body[4:10]
        elif kind == b"ANMF":
            frames = [each for each in _pieces(body[16:]) if each[0] in _WEBP_KEPT]
            body = body[:16] + b"".join(_piece(*each) for each in frames)
        kept.append(_piece(kind, body))
    whole = b"WEBP" + b"".join(kept)
    return _Parted(
        b"RIFF" + len(whole).to_bytes(4, "little") + whole,
        (*dropped, ("trailer", data[end:])),
        *size,
    )


def _pieces(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(data):
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        body = data[place + 8 : place + 8 + length]
        if len(body) != length:
            raise ValueError("cut off")
        yield data[place : place + 4], body
        place += 8 + length + length % 2


def _piece(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


def _webp_size(kind: bytes, body: bytes) -> tuple[int, int]:
    if kind == b"VP8X":
        return (
            int.from_bytes(body[4:7], "little") + 1,
            int.from_bytes(body[7:10], "little") + 1,
        )
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if kind == b"VP8 ":
        return (
            int.from_bytes(body[6:8], "little") & 0x3FFF,
            int.from_bytes(body[8:10], "little") & 0x3FFF,
        )
    return 0, 0


_KINDS = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg", _jpeg),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png", _png),
    (re.compile(rb"GIF8[79]a"), "image/gif", _gif),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp", _webp),
)

# --- what the metadata said --------------------------------------------------------------

_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.IFD1)
_RUN = re.compile(r"[^\x00-\x1f\x7f-\x9f\ufffd]{3,}")
_WIDE = re.compile(rb"(?:[\x20-\x7e]\0){3,}|(?:\0[\x20-\x7e]){3,}")


def _properties(picture: Picture, parted: _Parted) -> Iterator[Property]:
    """Yield what is searched for names: the tags of EXIF, and all text in what was dropped."""
    with Image.open(BytesIO(picture.data)) as image:
        exif = image.getexif()
        tags = [(ExifTags.TAGS.get(tag, str(tag)), value) for tag, value in exif.items()]
        for directory in _DIRECTORIES:
            names = ExifTags.GPSTAGS if directory is ExifTags.IFD.GPSInfo else ExifTags.TAGS
            found = exif.get_ifd(directory)
            tags += [(names.get(tag, str(tag)), value) for tag, value in found.items()]
        position = _position(exif.get_ifd(ExifTags.IFD.GPSInfo))
    for name, value in [*tags, *position]:
        if text := _said(name, value):
            yield Property(name, text[:_MOST_TEXT], picture.line)
    for name, segment in parted.dropped:
        if text := _readable(segment):
            yield Property(name, text[:_MOST_TEXT], picture.line)


def _said(name: str, value: object) -> str:
    if not isinstance(value, bytes):
        return str(value).strip("\0 ")
    if name.startswith("XP"):  # Windows writes its own tags so
        return value.decode("utf-16-le", "replace").strip("\0")
    if value.startswith(b"UNICODE\0"):
        return " ".join(value[8:].decode(order, "replace") for order in ("utf-16-le", "utf-16-be"))
    return _readable(value)


def _position(gps: dict[int, object]) -> Iterable[tuple[str, str]]:
    """Return the place as people write it: "51.50735, -0.12776"."""
    try:
        parts = [
            sum(float(part) / 60**n for n, part in enumerate(gps[tag])) * sign  # type: ignore[arg-type,var-annotated]
            for tag, sign in (
                (2, -1 if gps.get(1) == "S" else 1),
                (4, -1 if gps.get(3) == "W" else 1),
            )
        ]
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return []
    return [("GPSPosition", f"{parts[0]:.5f}, {parts[1]:.5f}")]


def _readable(data: bytes) -> str:
    """Return the text in `data`, whatever the encoding it is in."""
    data = data[: 4 * _MOST_TEXT]
    wide = [each[0].replace(b"\0", b"").decode("latin-1") for each in _WIDE.finditer(data)]
    narrow = data.decode("utf-8", "replace")
    if "\ufffd" in narrow:
        narrow += "\n" + data.decode("latin-1")
    return " ".join(dict.fromkeys(run.strip() for run in _RUN.findall("\n".join([narrow, *wide]))))
