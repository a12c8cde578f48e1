"""The colours of a mail, in light and in dark: what a site gives, the rest derived, all readable.

A site names few colours.  Whatever it leaves out is derived from them, so that every text on
every surface reaches `LEAST`; what it names itself is taken as it is, or refused with the
nearest colour that would do.
"""

import colorsys
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

LEAST = 4.5  # contrast of text with what is behind it: WCAG 2.2, 1.4.3
_SEEN = 3.0  # of a bar or a line: 1.4.11
_EASY = 7.0  # 1.4.6: aimed at where we choose
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")

Given = Mapping[str, str]  # by the names of `NAMED`: #rrggbb


@dataclass(frozen=True)
class Palette:
    """The colours of one scheme, each `#rrggbb`."""

    page: str  # around the sheet; no text stands on it
    sheet: str
    panel: str  # behind a verse, on the sheet
    note: str  # behind a note
    text: str
    heading: str
    muted: str  # captions and the footer
    link: str
    accent: str  # bars and lines: nothing to read
    button: str
    on_button: str
    line: str

    def surfaces(self) -> dict[str, str]:
        """Return what text stands on, by what people call it."""
        return {
            "the sheet": self.sheet,
            "the panel of verses": self.panel,
            "the panel of notes": self.note,
        }


LIGHT = Palette(
    page="#f3f1ec",
    sheet="#ffffff",
    panel="#f7f3ea",
    note="#e9f0f4",
    text="#22292f",
    heading="#17384d",
    muted="#5a6169",
    link="#0b5a86",
    accent="#c08a2d",
    button="#0b5a86",
    on_button="#ffffff",
    line="#ddd8cc",
)
DARK = Palette(
    page="#14181b",
    sheet="#1e2428",
    panel="#2a3136",
    note="#26343d",
    text="#e6e3dc",
    heading="#f4ead6",
    muted="#b9b7b0",
    link="#8ccdf0",
    accent="#d9a54a",
    button="#8ccdf0",
    on_button="#14181b",
    line="#3a4248",
)
NAMED = ("accent", "heading", "link", "button", "text", "sheet", "page")  # what a site may name
_TONES = ("accent", "heading", "link", "button")  # of the light scheme, kept in the dark
_TEXTS = ("text", "heading", "link", "muted")


@dataclass(frozen=True)
class Unreadable:
    """A colour of the settings with which something could not be read."""

    scheme: str  # light or dark
    name: str  # of the setting to change, one of `NAMED`
    colour: str  # of the text
    behind: str  # the surface, as people call it
    surface: str
    nearest: str  # the nearest colour for the setting with which it can be read

    def __str__(self) -> str:
        """Say which colour on which, how far it is off, and what would do."""
        ratio = int(100 * contrast(self.colour, self.surface)) / 100
        return (
            f"{self.colour} on {self.behind}, {self.surface}, has a contrast of {ratio}:1, and "
            f"{LEAST}:1 is the least for all to read; the nearest {self.name} that passes is "
            f"{self.nearest}"
        )


def as_hex(written: str) -> str:
    """Return a colour as `#rrggbb` in small letters.

    Raises:
        ValueError: it is not written as #rgb or #rrggbb.
    """
    if not _HEX.fullmatch(written):
        raise ValueError("write a colour as # and six digits of 0-9 and a-f, for example #0b5a86")
    digits = written[1:].lower()
    return "#" + (digits if len(digits) == 6 else "".join(2 * digit for digit in digits))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def palettes(light: Given, dark: Given) -> tuple[Palette, Palette]:
    """Return the colours for light and for dark: those given, and the others derived.

    Who gives a dark sheet for the light scheme has one look for both.
    """
    lit, unlit = _wishes(light, dark)
    return lit.palette(), unlit.palette()


@dataclass(frozen=True)
class Inks:
    """What links and buttons are in, each `#rrggbb`."""

    link: str
    button: str
    on_button: str


def inks_on(palette: Palette, surfaces: tuple[str, ...]) -> Inks:
    """Return the links and buttons of a mail, made readable on surfaces that are not a mail's.

    A button may also be written in its colour, on nothing but these.
    """
    button = _readable(palette.button, surfaces, LEAST)
    return Inks(_readable(palette.link, surfaces, LEAST), button, ink_on(button))


def unreadable(light: Given, dark: Given) -> Unreadable | None:
    """Return the first colour given with which something could not be read, or None."""
    lit, unlit = _wishes(light, dark)
    return lit.fault("light") or unlit.fault("dark")


@dataclass(frozen=True)
class _Wish:
    """What a site asks of one scheme."""

    given: Given  # taken as it is
    tones: Given  # made as light or dark as it takes to be read
    sheet: str  # where none is given

    def palette(self) -> Palette:
        sheet = self.given.get("sheet", self.sheet)
        usual = DARK if _is_dark(sheet) else LIGHT
        usual_sheet = sheet == usual.sheet
        brand = self.given.get("accent") or self.tones.get("accent")
        aim = LEAST if brand else _SEEN
        accent = self.given.get("accent") or _readable(brand or usual.accent, (sheet,), aim)
        panel, note = self._panels(sheet, accent, usual)
        surfaces = (sheet, panel, note)

        def chosen(name: str, aim: float, tone: str | None) -> str:
            wished = self.tones.get(name) or tone or getattr(usual, name)
            return self.given.get(name) or _readable(wished, surfaces, aim)

        button = self.given.get("button") or chosen("button", LEAST, brand)
        shade = 0.3 if usual is DARK else 0.06
        return Palette(
            page=self.given.get("page")
            or (usual.page if usual_sheet else mixed(sheet, "#000000", shade)),
            sheet=sheet,
            panel=panel,
            note=note,
            text=chosen("text", _EASY, None),
            heading=chosen("heading", _EASY, brand),
            muted=_readable(usual.muted, surfaces, LEAST),
            link=chosen("link", LEAST, brand),
            accent=accent,
            button=button,
            on_button=ink_on(button),
            line=usual.line if usual_sheet else mixed(sheet, ink_on(sheet), 0.18),
        )

    def _panels(self, sheet: str, accent: str, usual: Palette) -> tuple[str, str]:
        if sheet == usual.sheet and accent == usual.accent:
            return usual.panel, usual.note
        if usual is DARK:  # a tint of the accent would be mud
            return mixed(sheet, "#ffffff", 0.06), mixed(sheet, "#ffffff", 0.1)
        return mixed(sheet, accent, 0.1), mixed(sheet, "#000000", 0.06)

    def fault(self, scheme: str) -> Unreadable | None:
        """Return the first colour given with which something could not be read."""
        made = self.palette()
        surfaces = made.surfaces()
        for behind, surface in surfaces.items():
            for name in _TEXTS:
                colour = getattr(made, name)
                if contrast(colour, surface) >= LEAST:
                    continue
                near = (
                    _passing(colour, tuple(surfaces.values()), LEAST)
                    if name in self.given
                    else None
                )
                if near:
                    return Unreadable(scheme, name, colour, behind, surface, near)
                # Nothing that could be chosen can be read on it.
                near = nearest(made.sheet, self._carries) or LIGHT.sheet
                return Unreadable(scheme, "sheet", colour, behind, surface, near)
        return None

    def _carries(self, sheet: str) -> bool:
        made = _Wish({**self.given, "sheet": sheet}, self.tones, sheet).palette()
        surfaces = tuple(made.surfaces().values())
        return all(_worst(getattr(made, name), surfaces) >= LEAST for name in _TEXTS)


def _wishes(light: Given, dark: Given) -> tuple[_Wish, _Wish]:
    if _is_dark(light.get("sheet", LIGHT.sheet)):
        return _Wish(light, {}, LIGHT.sheet), _Wish({**light, **dark}, {}, LIGHT.sheet)
    tones = {name: light[name] for name in _TONES if name in light}
    return _Wish(light, {}, LIGHT.sheet), _Wish(dark, tones, DARK.sheet)


def _readable(colour: str, surfaces: tuple[str, ...], aim: float) -> str:
    """Return the nearest colour of its hue with at least this contrast, or the best there is."""
    found = _passing(colour, surfaces, aim)
    if found is None and aim > LEAST:
        found = _passing(colour, surfaces, LEAST)
    return found or max(("#000000", "#ffffff"), key=lambda each: _worst(each, surfaces))


def _passing(colour: str, surfaces: tuple[str, ...], aim: float) -> str | None:
    return nearest(colour, lambda each: _worst(each, surfaces) >= aim)


def nearest(colour: str, passes: Callable[[str], bool]) -> str | None:
    """Return the colour of the same hue that passes, as little lighter or darker as can be."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in _parts(colour)))
    for away in _steps(lightness):
        rgb = colorsys.hls_to_rgb(hue, away, saturation)
        tried = colour if away == lightness else _hex(*(round(255 * part) for part in rgb))
        if passes(tried):
            return tried
    return None


def _steps(lightness: float) -> Iterator[float]:
    yield lightness
    for step in range(1, 256):
        for away in (lightness - step / 255, lightness + step / 255):
            if 0 <= away <= 1:
                yield away
    yield from (0.0, 1.0)


def _worst(colour: str, surfaces: tuple[str, ...]) -> float:
    return min(contrast(colour, surface) for surface in surfaces)


def ink_on(colour: str) -> str:
    """Return what is written with on a colour.  On any, black or white reaches 4.58."""
    inks = ("#ffffff", DARK.page, "#000000")
    return next((ink for ink in inks if contrast(ink, colour) >= LEAST), inks[-1])


def _is_dark(colour: str) -> bool:
    return contrast(colour, "#ffffff") > contrast(colour, "#000000")


def mixed(one: str, other: str, share: float) -> str:
    """Return `one` with a share of `other` in it."""
    pairs = zip(_parts(one), _parts(other), strict=True)
    return _hex(*(round(a + (b - a) * share) for a, b in pairs))


def _luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2.2), 0 of black to 1 of white."""
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(red: int, green: int, blue: int) -> str:
    return f"#{red:02x}{green:02x}{blue:02x}"
