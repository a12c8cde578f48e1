"""What the file itself tells: how it was written down, and what does not belong to the text."""

import re
from collections.abc import Iterator

from newsletter.bulletin import Bulletin
from newsletter.bulletin.decoding import ENCODINGS
from newsletter.bulletin.model import TURNING
from newsletter.bulletin.prose import tidy
from newsletter.checks.model import Finding, Mend, Severity
from newsletter.checks.reading import few_words, texts
from newsletter.checks.rules import remark
from newsletter.checks.scrambled import find_scrambled, unscrambled

_FIELD = re.compile(
    r"\{\{[^{}\n]{1,60}\}\}|\{%[^{}\n]{1,60}%\}"  # Jinja, Handlebars, Liquid
    r"|\*\|[A-Z][A-Z0-9_:]*\|\*|\|(?:FNAME|LNAME|NAME|EMAIL)\|"  # Mailchimp; Markdown eats stars
    r"|%%[\w .-]{1,40}%%|%recipient\.\w+%"
    r"|«\w+_\w+»"  # Word
    r"|(?i:(?:<<|[\[{])(?:first|last|full)[ _-]?name(?:>>|[\]}])|\{name\})"
)


def encoding(bulletin: Bulletin) -> Iterator[Finding]:
    """The file is not UTF-8."""
    if bulletin.encoding != "utf-8":
        name = ENCODINGS.get(bulletin.encoding, bulletin.encoding)
        yield remark(
            "encoding",
            1,
            f"The file was read as {name}: look at the accents and quotation marks, and save it as "
            "UTF-8 if any are wrong.",
            severity=Severity.NOTE,
        )


def broken_characters(bulletin: Bulletin) -> Iterator[Finding]:
    """Characters that a program read wrongly before the file reached us."""
    for line in bulletin.lines:
        if place := find_scrambled(line.text):
            start, end = place
            mended = unscrambled(line.text)
            yield remark(
                "encoding",
                line.number,
                f"Line {line.number} holds broken characters "
                f"({few_words(line.text[max(0, start - 15) : end + 15])}): "
                "type them again, or save the original as UTF-8.",
                mend=None
                if mended == line.text
                else Mend(line.number, line.text, mended, "broken characters put right"),
            )


def artefact_lines(bulletin: Bulletin) -> Iterator[Finding]:
    """Lines of a web page or a mail program."""
    texts = {line.number: line.text for line in bulletin.lines}
    for number in bulletin.residue:
        text = texts.get(number, "")
        yield remark(
            "artefact-line",
            number,
            f"Line {number} looks left over from a web page or a mail program "
            f"({few_words(text)}): delete it.",
            mend=Mend(number, text, None, f"{few_words(text)} removed"),
        )


def merge_fields(bulletin: Bulletin) -> Iterator[Finding]:
    """What another program would have put a name in the place of."""
    for line, text, _ in texts(bulletin):
        if field := _FIELD.search(text):
            yield remark(
                "merge-field",
                line,
                f"Line {line} holds a field of another program (“{field[0]}”), and everybody would "
                "read it as it is: take it out. The mail greets each reader by name.",
            )


def language_guessed(bulletin: Bulletin) -> Iterator[Finding]:
    """Nobody named the language."""
    if bulletin.language_guessed:
        yield remark(
            "language-guessed",
            1,
            f"Nobody named the language; by its words it is {_named(bulletin.language)}: if that "
            "is wrong, put the language's code into the file's name, as in letter.fa.txt.",
        )


_LANGUAGES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "pt": "Portuguese",
    "ar": "Arabic", "fa": "Farsi", "ur": "Urdu", "ko": "Korean", "zh": "Chinese", "ru": "Russian",
}  # fmt: skip


def _named(language: str) -> str:
    base = language.partition("-")[0].lower()
    return _LANGUAGES.get(base, f"the one with the code {language}")


# --- what a reader left out --------------------------------------------------------------


def leftovers(bulletin: Bulletin) -> Iterator[Finding]:
    """What was in the file and is not in the bulletin."""
    lines = {line.number: line.text for line in bulletin.lines}
    read = "\n".join(text for _, text, _ in texts(bulletin)) if bulletin.leftovers else ""
    for left in bulletin.leftovers:
        one, several, advice = _TURNED if left.what == TURNING else _LEFT[left.kind]
        what = (one if left.count == 1 else several).format(
            count=left.count, what=left.what or "something"
        )
        near = tidy(lines.get(left.line, "")) if left.kind in _PLACED else ""
        if near not in read:
            near = ""  # a line as it stood in the source may hold what was left out
        where = (
            f" ({'near' if left.count == 1 else 'the first near'} {few_words(near)})"
            if near
            else ""
        )
        yield remark(left.kind, left.line, f"{what[0].upper()}{what[1:]}{where}: {advice}.")


# Of these it matters where they stood, and nobody counts the lines of a Word file or a page.
_PLACED = ("tracked-changes", "review-comment", "hidden-text", "not-taken", "image-unusable")
_TURNED = (
    "the file holds an invisible mark that turns the direction of text, which is left out",
    "the file holds {count} invisible marks that turn the direction of text, which are left out",
    "look in the preview whether the words stand in their order, and type them anew if not",
)
_LEFT = {
    "tracked-changes": (
        "the file holds a change that nobody has accepted or refused",
        "the file holds {count} changes that nobody has accepted or refused",
        "what was added counts, what was deleted is left out, so look whether it reads as meant",
    ),
    "review-comment": (
        "the file holds a comment, which is left out",
        "the file holds {count} comments, which are left out",
        "read what it says before this goes out",
    ),
    "hidden-text": (
        "the file holds text that is set to be hidden, which is left out",
        "the file holds hidden text in {count} places, which is left out",
        "if it belongs to the bulletin, let it show; else delete it",
    ),
    "not-taken": (
        "{what} could not be taken and will be missing from the mail",
        "{count} times {what} could not be taken and will be missing from the mail",
        "write what matters in it as text",
    ),
    "tracker-removed": (
        "an invisible picture that reports who reads was taken out",
        "{count} invisible pictures that report who reads were taken out",
        "nothing need be done",
    ),
    "remote-image": (
        "a picture lies on a web server and is left out, for fetching it would tell who reads",
        "{count} pictures lie on a web server and are left out, for fetching them would tell who "
        "reads",
        "put the picture into the file itself if it matters",
    ),
    "boilerplate-removed": (
        "a part of the web page that is not the bulletin (menu, footer) was left out",
        "{count} parts of the web page that are not the bulletin (menu, footer) were left out",
        "look whether anything is missing",
    ),
    "tracking-parameters-removed": (
        "a web address carried a mark that tells who follows it, and it was taken off",
        "{count} web addresses carried marks that tell who follows them, and they were taken off",
        "try the link once",
    ),
    "image-unusable": (
        "a picture was left out, because {what}",
        "{count} pictures were left out, each because {what}",
        "save it anew as JPEG or PNG and put it in again",
    ),
}
