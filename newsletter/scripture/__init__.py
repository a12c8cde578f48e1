"""Where a text refers to the Bible: references as OSIS, whether they exist, what they say.

    canon        which verses there are, as each language's Bibles count
    names        what the books are called: one table for each language
    spelling     a table ready to read with, made when its language is first met
    find         prose -> references
    unread       prose -> what means a reference and cannot be read
    match        a quotation -> does it stand where it says, and where else?
    translations what they are called: does a text say which one it quotes?
    display      OSIS -> "Matthew 25:40", "Matthäus 25,40"

Pure: words in, references out.  The text that quotations are compared with is an argument.
Values are NamedTuples, which cost a start of the program a tenth of what dataclasses do.
"""

from newsletter.scripture.canon import CANON
from newsletter.scripture.display import book_name, reference_name
from newsletter.scripture.find import Reference, find_references
from newsletter.scripture.translations import example_translation, names_translation
from newsletter.scripture.unread import find_unread

__all__ = [
    "CANON",
    "Reference",
    "book_name",
    "example_translation",
    "find_references",
    "find_unread",
    "names_translation",
    "reference_name",
]
