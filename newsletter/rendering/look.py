"""Whose mail it is, and how it looks: names, colours, fonts, logo and footer."""

from dataclasses import dataclass

from newsletter.colours import DARK, LIGHT, Palette, palettes
from newsletter.config import Font, Settings
from newsletter.rendering.photos import Logo, logo_from
from newsletter.rendering.words import Typeface, typeface_of

# Fonts that are there already, in each system; a mail fetches none.
_STACKS: dict[Font, str] = {
    "sans": Typeface.fonts,
    "serif": Typeface.heading_fonts,
    "book": "Palatino Linotype, Palatino, Book Antiqua, URW Palladio L, Georgia, serif",
    "wide": "Verdana, Tahoma, DejaVu Sans, Geneva, sans-serif",
}


@dataclass(frozen=True)
class Look:
    """What an edition says and shows besides the bulletin."""

    organisation: str
    postal_address: str
    list_title: str  # "" leaves the sentence about it out
    website: str  # URL, or ""
    sender_name: str
    light: Palette = LIGHT
    dark: Palette = DARK
    fonts: Font = "sans"
    heading_fonts: Font = "serif"
    footer: tuple[str, ...] = ()  # lines below the address
    logo: Logo | None = None

    def typeface(self, language: str) -> Typeface:
        """Return what a mail in this language is set in: what its script asks for comes first."""
        asked = typeface_of(language)
        if asked.fonts != Typeface.fonts:
            return asked
        return Typeface(_STACKS[self.fonts], _STACKS[self.heading_fonts], asked.leading)


def look_of(
    settings: Settings, list_title: str, list_name: str = "", logo: bytes | None = None
) -> Look:
    """Return the look that the settings give to the bulletins of a list.

    `logo` is the file that `settings.logo_of(list_name)` names.

    Raises:
        Problem: the logo cannot be read.
    """
    brand = settings.brand
    light, dark = palettes(brand.light.given, brand.dark.given)
    return Look(
        organisation=settings.organisation.name,
        postal_address=settings.organisation.postal_address,
        list_title=list_title,
        website=settings.organisation.url,
        sender_name=settings.sender_of(list_name).name,
        light=light,
        dark=dark,
        fonts=brand.fonts,
        heading_fonts=brand.heading_fonts,
        footer=brand.footer,
        logo=logo_from(logo, (light.sheet, dark.sheet)) if logo else None,
    )


def discreet_look(settings: Settings) -> Look:
    """Return the look of the discreet mail: [discreet], and nothing of the ministry's."""
    discreet = settings.discreet
    return Look(
        organisation=discreet.name,
        postal_address=discreet.postal_address,
        list_title="",
        website=discreet.url,
        sender_name=discreet.name,
    )
