"""The corpus: small bulletins as staff paste them, each with what is right to read in it.

    tests/samples/LANGUAGE/NAME.EXT          the bulletin, as UTF-8 text that anyone can review
    tests/samples/LANGUAGE/NAME.EXT.toml     what a careful colleague reads and remarks

The second says what is right, not what the program gives today.  Its keys:

    about           why the sample is here
    encoding, bom, newlines    the bytes that are made of the first: "cp1251", true, "crlf"
    told = false    the reader is not told the language
    times           how often the third line is there, of a text too long to be reviewed
    sent            the day on which it went out to its list before
    title, direction, sensitivity
    story           a letter for each block: Paragraph, Quotation, Heading, List, Image (picture),
                    Button, Divider, Note, Columns
    points          lines "kind | date | group | text"
    scriptures      lines "OSIS", "OSIS | invalid" or "OSIS | invalid | suggested OSIS"
    findings        lines "place | severity | rule"
    names           lines "kind | real | published" of the register of pseudonyms
    present, absent words that must be somewhere in what goes out, and nowhere in it

A place is a line number, or "words of the line" in quotation marks where the format has no
lines that people count, or * where nothing of the bulletin is left to point at.  Blockers and
warnings are listed in full.  Notes count only in samples that list the rule.
"""

import json
import re
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path
from typing import Any

from newsletter.bulletin import (
    Bulletin,
    Button,
    Columns,
    Divider,
    Heading,
    ItemList,
    Note,
    Paragraph,
    Picture,
    Quotation,
    bulletin_json,
    read_bulletin,
)
from newsletter.checks import Facts, Finding, Severity, check
from newsletter.names import Kind, Names, Pseudonym
from newsletter.rendering import Templates, render, weight_of
from newsletter.site import shipped_templates
from newsletter.verses import compared
from tests.bulletins import LOOK
from tests.corpus.package import package

SAMPLES = Path(__file__).parents[1] / "samples"
SIGNS = {
    Paragraph: "P",
    Quotation: "Q",
    Heading: "H",
    ItemList: "L",
    Picture: "I",
    Button: "B",
    Divider: "D",
    Note: "N",
    Columns: "C",
}
EXPECTED = ".toml"
_NEWLINES = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}
_KINDS = {"thanks": "thanksgiving"}  # shorter to write and to review


@dataclass(frozen=True)
class Sample:
    """A bulletin of the corpus and what is right to read in it."""

    path: Path
    right: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """Folder and file: "ru/letter.docx.xml"."""
        return self.path.relative_to(SAMPLES).as_posix()

    @property
    def language(self) -> str:
        """The folder's name."""
        return self.path.parent.name

    @property
    def format(self) -> str:
        """The ending of the file that staff would drop: "docx" for a ".docx.xml"."""
        return self.file_name.rpartition(".")[2].replace("markdown", "md")

    @property
    def file_name(self) -> str:
        """What staff would call the file."""
        return self.path.name.removesuffix(".xml") if self.is_package else self.path.name

    @property
    def is_package(self) -> bool:
        """Whether the file is the source of a Word file."""
        return self.path.name.endswith(".docx.xml")

    def bytes(self) -> bytes:
        """What staff would hand in."""
        text = self.path.read_text(encoding="utf-8")
        if self.is_package:
            return package(text)
        if times := self.right.get("times"):
            lines = text.split("\n")
            lines[2] = " ".join([lines[2]] * times)
            text = "\n".join(lines)
        text = text.replace("\n", _NEWLINES[self.right.get("newlines", "lf")])
        mark = "\ufeff" if self.right.get("bom") else ""
        return (mark + text).encode(self.right.get("encoding", "utf-8"))

    def read(self) -> Bulletin:
        """Return what the product reads in it."""
        language = self.language if self.right.get("told", True) else None
        return compared(read_bulletin(self.bytes(), self.file_name, language))

    def facts(self) -> Facts:
        """Return what its checks are told: names, when it was sent, what its mail weighs."""
        weight = None
        if "times" in self.right:
            weight = weight_of(self.read(), LOOK, templates())
        sent = self.right.get("sent")
        rows = _rows(self.right.get("names", ""), 3)
        names = Names(Pseudonym(Kind(kind), real, published) for kind, real, published in rows)
        return Facts(
            already_sent_at=datetime.combine(sent, time(7), UTC) if sent else None,
            html_bytes=weight,
            names=names if rows else None,
            file_name=self.file_name,
        )


@cache
def samples() -> tuple[Sample, ...]:
    """Return the whole corpus, by name."""
    return tuple(
        Sample(path.with_suffix(""), tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(SAMPLES.glob(f"*/*{EXPECTED}"))
    )


# --- what is right, and what is read -----------------------------------------------------

Row = tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """What is told of a sample: its points, passages and findings."""

    points: list[Row]  # kind, date, group, text
    passages: list[Row]  # OSIS, "" or "invalid"
    findings: list[Row]  # place, severity, rule


def right(sample: Sample) -> Rows:
    """Return what a careful colleague tells."""
    points = _rows(sample.right.get("points", ""), 4)
    return Rows(
        points=[(_KINDS.get(kind, kind), *rest) for kind, *rest in points],
        passages=[row[:2] for row in _rows(sample.right.get("scriptures", ""), 3)],
        findings=_rows(sample.right.get("findings", ""), 3),
    )


def right_suggestions(sample: Sample) -> dict[str, str]:
    """Return the passages for which another is suggested, with that one."""
    rows = _rows(sample.right.get("scriptures", ""), 3)
    return {osis: suggestion for osis, _, suggestion in rows if suggestion}


def _rows(table: str, columns: int) -> list[Row]:
    cells = [
        [cell.strip() for cell in line.split("|", columns - 1)]
        for line in table.strip().splitlines()
    ]
    return [(*row, *[""] * (columns - len(row))) for row in cells]


def found(sample: Sample, bulletin: Bulletin) -> Rows:
    """Return what the product tells."""
    return Rows(
        points=[(p.kind.value, p.date or "", p.group or "", p.text) for p in bulletin.points],
        passages=[(s.osis, "" if s.valid else "invalid") for s in bulletin.scriptures],
        findings=_found_findings(sample, bulletin),
    )


def _found_findings(sample: Sample, bulletin: Bulletin) -> list[Row]:
    """Return the findings that count, each at the place that the sample names it by."""
    expected = right(sample).findings
    rules = {rule for _, _, rule in expected}
    return [
        (_place(finding, expected, bulletin), finding.severity.value, finding.rule)
        for finding in check(bulletin, sample.facts())
        if finding.severity is not Severity.NOTE or finding.rule in rules
    ]


def _place(finding: Finding, expected: list[Row], bulletin: Bulletin) -> str:
    """Return the right place that the finding is at, or else its line."""
    texts = [line.text for line in bulletin.lines if line.number == finding.line]
    for place, _, rule in expected:
        words = re.fullmatch(r'"(.+)"', place)
        if rule == finding.rule and (
            place == "*" or (words is not None and any(words[1] in text for text in texts))
        ):
            return place
    return str(finding.line)


def outside(bulletin: Bulletin) -> dict[str, str]:
    """Return what is told of a bulletin as a whole."""
    return {
        "language": bulletin.language,
        "direction": bulletin.direction,
        "sensitivity": bulletin.sensitivity.value,
        "title": bulletin.title,
        "story": story(bulletin),
    }


def right_outside(sample: Sample) -> dict[str, str]:
    """Return what is right to tell of it."""
    usual = {"direction": "ltr", "sensitivity": "public", "story": ""}
    told = {key: sample.right[key] for key in (*usual, "title") if key in sample.right}
    return {"language": sample.language, **usual, **told}


def story(bulletin: Bulletin) -> str:
    """Return a letter for each block."""
    return "".join(SIGNS[type(block)] for block in bulletin.blocks)


def goes_out(bulletin: Bulletin) -> str:
    """Return all that anybody gets to see of it: as data, and as the parts of a mail."""
    told = json.dumps(bulletin_json(bulletin), ensure_ascii=False)
    return f"{told}\n{render(bulletin, LOOK, templates())!r}"


def out_of_place(sample: Sample, bulletin: Bulletin) -> list[str]:
    """Return words that are missing in what goes out, and words that must not be in it."""
    present, absent = sample.right.get("present", []), sample.right.get("absent", [])
    text = goes_out(bulletin) if present or absent else ""
    return [f"missing: {words}" for words in present if words not in text] + [
        f"must not be there: {words}" for words in absent if words in text
    ]


@cache
def templates() -> Templates:
    """Return the templates, read once."""
    return Templates([shipped_templates()])


# --- how near the two are ----------------------------------------------------------------


@dataclass
class Tally:
    """What was right, what was found, and what was both."""

    right: int = 0
    found: int = 0
    both: int = 0

    def add(self, right: list[Row], found: list[Row]) -> None:
        """Count one sample's rows; a row twice counts twice."""
        self.right += len(right)
        self.found += len(found)
        self.both += sum((Counter(right) & Counter(found)).values())

    @property
    def precision(self) -> float:
        """How much of what was found is right."""
        return self.both / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """How much of what is right was found."""
        return self.both / self.right if self.right else 1.0

    @property
    def perfect(self) -> bool:
        """Whether nothing is missing and nothing is wrong."""
        return self.right == self.found == self.both
