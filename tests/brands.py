"""Two invented organisations with a look of their own: one light, one dark in both schemes."""

from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from newsletter.config import Settings
from newsletter.rendering import Look, look_of

BRANDS = ("light-brand", "dark-brand")
_NAMES = {"light-brand": "Three Wells Fellowship", "dark-brand": "Lantern Prayer Watch"}
_TOML = {
    "light-brand": {
        "fonts": "book",
        "heading_fonts": "book",
        "footer": ("Registered charity 1234567", "Friends of the wells since 1953"),
        "light": {"accent": "#7a1f3d"},
    },
    "dark-brand": {
        "heading_fonts": "sans",
        "footer": ("Lantern Prayer Watch is run by volunteers.",),
        "light": {"sheet": "#13232f", "page": "#0b1720", "accent": "#e8b04a"},
    },
}


@cache
def branded(name: str) -> Look:
    """Return the look of one of `BRANDS`, with its logo."""
    ink = {"light-brand": "#7a1f3d", "dark-brand": "#f4ead6"}[name]
    return look_of(settings_of(name), "Weekly Prayer", "", drawn_logo(_NAMES[name], ink))


def settings_of(name: str) -> Settings:
    """Return the settings of one of `BRANDS`."""
    return Settings.model_validate(
        {
            "organisation": {
                "name": _NAMES[name],
                "postal_address": "1 Example Street, London",
                "url": "https://prayer.example.org",
            },
            "sender": {"name": _NAMES[name], "email": "prayer@example.org"},
            "brand": _TOML[name],
        }
    )


def drawn_logo(name: str, ink: str, ground: str | None = None) -> bytes:
    """Return a logo as PNG: a mark and a name in `ink`, on nothing unless `ground` is given."""
    font = ImageFont.load_default(72)
    width = 150 + int(font.getlength(name))
    image = Image.new("RGBA", (width, 120), ground or (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((4, 8, 108, 112), outline=ink, width=9)
    draw.arc((30, 34, 82, 150), 180, 360, fill=ink, width=9)
    draw.text((136, 16), name, fill=ink, font=font)
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
