"""UTF-8 that was once read as Windows-1252, and characters that a program gave up on."""

import re

# Signs as they come out: ’ “ ” • … and the like; accents; no-break space, « », °; a byte-order
# mark; four letters or more of another alphabet; what is put where nothing could be read.
_SCRAMBLED = re.compile(
    "ï»¿|â€[\u0080-\u017f\u2018-\u203a\u20ac\u2122]|Ã[\u0080-\u00bf\u0192\u0160\u2030]"
    "|Â[\u00a0«»°]|(?:[ÐÑØÙÚÛ][\u0080-\u00bf\u0152-\u017e\u0192\u02c6\u02dc\u2013-\u2122]){4,}"
    "|(?:[ãäåæçèéêëì][^\x00-\x7f\ufffd]{2}){3,}|\ufffd"
)
_RUN = re.compile("[^\x00-\x7f\ufffd]+")


def find_scrambled(text: str) -> tuple[int, int] | None:
    """Return where the first broken characters stand."""
    for found in _SCRAMBLED.finditer(text):
        if not _is_meant(found[0], text[max(0, found.start() - 1) : found.start()]):
            return found.start(), found.end()
    return None


def unscrambled(text: str) -> str:
    """Return `text` with every run of broken characters read again, where that is possible."""
    if find_scrambled(text) is None:
        return text
    return _RUN.sub(
        lambda run: _read_again(run[0], text[max(0, run.start() - 1) : run.start()]), text
    )


def _read_again(run: str, before: str) -> str:
    if _SCRAMBLED.search(run) is None or _is_meant(run, before):
        return run
    try:
        return b"".join(map(_byte, run)).decode("utf-8").removeprefix("\ufeff")
    except UnicodeError:
        return run


def _byte(character: str) -> bytes:
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")  # the five bytes that Windows-1252 does not define


def _is_meant(run: str, before: str) -> bool:
    """Whether somebody wrote it so: a word in capitals before a closing mark, as in «MAÇÃ»."""
    return run in ("Ã»", "Â»") and before.isupper()
