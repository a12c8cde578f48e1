"""What a language's table of names holds."""

from typing import NamedTuple


class Names(NamedTuple):
    """How a language writes references.  Words are separated by spaces, patterns by `|`.

    `books` has a line for each book, `Matt: Matthew?, Matt, Mt`: first the usual name.  A name
    with "?" is also an everyday word or a person's name and is believed only where more speaks
    for it, one with "??" only with a verse; one in lower case may be written so; a number before
    a name may be written in every way of `ordinals`.
    """

    books: str
    between: str = ":"  # chapter and verse in the usual form
    marks: str = ":."  # what may stand there
    usual: str = ":"  # of these what nobody would remark on
    chapter: str = ""  # patterns of words before the number of a chapter
    verse: str = ""  # patterns of words before the number of a verse
    chapter_after: str = ""  # and behind it: "5장"
    verse_after: str = ""
    to: str = ""  # patterns of words between the ends of a range
    also: str = ""  # patterns of words between the parts of a list
    onward: str = ""  # patterns behind "25": and what follows
    ordinals: tuple[str, str, str] = ("", "", "")
    follows: str = ""  # words that close a bare number: "Mark 2 is", but not "Mark 2 copies"
    quantity: str = ""  # patterns of what makes "2.5" or "10:30" something else
    letters: str = "alphabet"  # "alphabet": names begin with a capital; "bare": there is none;
    # "ideographs": no space between words either
    name_of_chapter: str = "{book} {chapter}"  # display of a whole chapter
    single: str = "{book} {verse}"  # display of a verse of a book with one chapter
