"""How somebody's mail is made: the same words for everybody, in one of four styles."""

import difflib
import enum

from subscribers.errors import UnreadableInput


class Style(enum.IntEnum):
    """A style; its label is what commands and files call it."""

    STANDARD = 1
    LARGE = 2  # large print
    PLAIN = 3  # text only, no HTML at all
    DISCREET = 4  # names nobody: for readers whom the mail itself may put in danger

    @property
    def label(self) -> str:
        """As written on the command line, in files and in editions: `large`."""
        return self.name.lower()


_NAMED = {
    name: style
    for style, names in {
        Style.STANDARD: "standard normal default",
        Style.LARGE: "large large-print largeprint",
        Style.PLAIN: "plain text plain-text text-only",
        Style.DISCREET: "discreet discrete neutral",
    }.items()
    for name in names.split()
}


def style_named(written: str) -> Style:
    """Return the style that is written in one of its usual ways.

    Raises:
        UnreadableInput: there is none of that name.
    """
    name = "-".join(written.lower().split())
    if style := _NAMED.get(name):
        return style
    near = difflib.get_close_matches(name, _NAMED, n=1)
    hint = f"did you mean {_NAMED[near[0]].label}? " if near else ""
    choices = ", ".join(style.label for style in Style)
    raise UnreadableInput(f"The style is not known: {hint}write one of {choices}.")


def style_for(chosen: Style | None, forced: Style | None) -> Style:
    """Return the style that somebody gets on a list that forces one, or none.

    Who chose the discreet mail has it everywhere: a list never takes it away.
    """
    if chosen is Style.DISCREET:
        return chosen
    return forced or chosen or Style.STANDARD
