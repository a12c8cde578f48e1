"""How it looks: a bulletin becomes an email whose merge fields are still open.

Jinja fills the templates once for each edition, with random markers where people differ;
premailer moves the style sheet into the elements, once, fenced in; then both texts are cut
at the markers.  One person's copy is a join of strings: what is put in is never read again,
so a name cannot become a tag, a template or somebody else's link.
"""

from newsletter.rendering.edition import (
    HTML_LIMIT,
    Templates,
    TooHeavy,
    html_bytes,
    render,
    render_confirmation,
    render_goodbye,
    render_notice,
    render_welcome,
    weight_of,
)
from newsletter.rendering.look import Look, discreet_look, look_of
from newsletter.rendering.overrides import check_overriding
from newsletter.rendering.photos import MOST_PHOTOS, logo_from
from newsletter.rendering.shell import (
    Photo,
    RenderedEmail,
    Shell,
    Slot,
    SlotValues,
    clean_name,
    merge,
    slot_values,
    with_photos,
)
from newsletter.rendering.sources import check_source
from newsletter.rendering.words import TRANSLATED

__all__ = [
    "HTML_LIMIT",
    "MOST_PHOTOS",
    "TRANSLATED",
    "Look",
    "Photo",
    "RenderedEmail",
    "Shell",
    "Slot",
    "SlotValues",
    "Templates",
    "TooHeavy",
    "check_overriding",
    "check_source",
    "clean_name",
    "discreet_look",
    "html_bytes",
    "logo_from",
    "look_of",
    "merge",
    "render",
    "render_confirmation",
    "render_goodbye",
    "render_notice",
    "render_welcome",
    "slot_values",
    "weight_of",
    "with_photos",
]
