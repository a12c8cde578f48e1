"""What can be put right without asking: a copy of a text source with every certain mend made.

Pure.  A rule says what would mend its finding; here it is done, line by line, and the copy
is read again until nothing is left to mend.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from newsletter.bulletin import Bulletin, normal_text, read_bulletin
from newsletter.bulletin.links import untracked
from newsletter.bulletin.prose import tidy
from newsletter.checks import Finding, Mend, check
from newsletter.errors import NotAllowed

TEXT_ENDINGS = frozenset({".txt", ".md", ".markdown"})

_ROUNDS = 10  # a mend may lay another one bare; two or three are usual
_LINE = re.compile(r"(\s*(?:[^\w\s]+\s+|\(?\d{1,2}[.)]\s+)?)(.*?)(\s*)", re.DOTALL)
_UNEVEN = re.compile("[\u00a0\u202f]|[^\\S\t]{2,}")


@dataclass(frozen=True)
class Mended:
    """A mended copy: read again, it gives none of the findings that were mended."""

    text: str  # with LF line ends
    mends: tuple[Mend, ...]  # with lines of the source
    bulletin: Bulletin  # the copy, read
    findings: tuple[Finding, ...]  # what remains, with lines of the copy


def refuse_what_is_no_text(file_name: str) -> None:
    """Do nothing for a text file.

    Raises:
        NotAllowed: a file that only the program that made it can change.
    """
    if PurePath(file_name).suffix.lower() not in TEXT_ENDINGS:
        raise NotAllowed(
            f"{PurePath(file_name).name} is no text file, so nothing in it was mended: put right "
            "what is said above in the program that made it, or save it as text (.txt) first."
        )


def mended_name(file_name: str) -> str:
    """Return the name of the copy: a language in the name stays at its end.

    "harvest.txt" gives "harvest.mended.txt", "harvest.fa.md" gives "harvest.mended.fa.md".
    """
    path = PurePath(file_name)
    stem, dot, language = path.stem.rpartition(".")
    if stem and re.fullmatch(r"[a-z]{2,3}(?:-\w+)*", language, re.IGNORECASE):
        return f"{stem}.mended{dot}{language}{path.suffix}"
    return f"{path.stem}.mended{path.suffix}"


def mended_copy(bulletin: Bulletin, file_name: str) -> Mended:
    """Return the source of a bulletin that came as text, mended.

    Words are never touched: what is left over goes, and how it is written down is put right.
    """
    made: list[Mend] = []
    lines = [(line.number, line.text) for line in bulletin.lines]  # numbered as in the source
    if bulletin.encoding != "utf-8":
        made.append(Mend(1, "", "", "the copy is written as UTF-8"))
        bulletin = _read(lines, file_name, bulletin)
    for _ in range(_ROUNDS):
        wanted = [*_of_findings(check(bulletin)), *_tracking(bulletin)]
        lines, done = _changed(lines, wanted)
        if not done:
            break
        made += done
        bulletin = _read(lines, file_name, bulletin)
    evened, done = _changed(lines, list(_spaces(bulletin)))
    if done and normal_text(read := _read(evened, file_name, bulletin)) == normal_text(bulletin):
        lines, bulletin = evened, read
        made += done
    text = "\n".join(text for _, text in lines)
    return Mended(
        text, tuple(sorted(made, key=lambda mend: mend.line)), bulletin, tuple(check(bulletin))
    )


def _read(lines: Sequence[tuple[int, str]], file_name: str, before: Bulletin) -> Bulletin:
    source = "\n".join(text for _, text in lines).encode()
    read = read_bulletin(source, PurePath(file_name).name, before.language)
    return replace(read, language_guessed=before.language_guessed)


def _changed(
    lines: Sequence[tuple[int, str]], mends: Sequence[Mend]
) -> tuple[list[tuple[int, str]], list[Mend]]:
    """Return the lines after the mends, and the mends made, with lines of the source.

    A line whose text a mend before it has changed waits for the next round.
    """
    changed: list[tuple[int, str] | None] = list(lines)
    done: list[Mend] = []
    for mend in mends:
        place = mend.line - 1
        now = changed[place] if place < len(changed) else None
        if now is None or now[1] != mend.old:
            continue
        changed[place] = None if mend.new is None else (now[0], mend.new)
        done.append(replace(mend, line=now[0]))
    return [line for line in changed if line is not None], done


def _of_findings(findings: Sequence[Finding]) -> Iterator[Mend]:
    yield from (finding.mend for finding in findings if finding.mend is not None)


# --- mends that need no finding: readers see no difference -------------------------------


def _tracking(bulletin: Bulletin) -> Iterator[Mend]:
    """Take off web addresses what tells who follows them."""
    for line in bulletin.lines:
        mended = untracked(line.text)
        if mended != line.text:
            yield Mend(
                line.number, line.text, mended, "marks that tell who follows a link taken off"
            )


def _spaces(bulletin: Bulletin) -> Iterator[Mend]:
    """Make double and no-break spaces single ones, where typography wants no others."""
    for line in bulletin.lines:
        found = _LINE.fullmatch(line.text)
        if found is None or "\t" in found[2] or not _UNEVEN.search(found[2]):
            continue
        mended = found[1] + tidy(found[2]) + found[3]
        if mended != line.text:
            yield Mend(line.number, line.text, mended, "spaces made single")
