"""The glossary's words, and only they, name things in the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

AVOIDED = {
    "backend", "blacklist", "blast", "broadcast", "bullet", "campaign", "chunk", "contact",
    "cron", "esp", "hook", "lint", "member", "post", "sent", "stats", "user", "violation",
    "utils", "helpers", "manager", "services",
}  # fmt: skip
ALLOWED = {
    "already_sent_at",  # the interface calls the rule `already-sent`
    "already_sent",
    "not_sent",  # nothing left this machine: that is what it says
    "_post",  # the HTTP method
}
ROOT = Path(__file__).parents[1]
SOURCES = sorted([*ROOT.glob("newsletter/**/*.py"), *ROOT.glob("subscribers/**/*.py")])


def names_in(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def parts_of(name: str) -> list[str]:
    return re.findall(r"[a-z]+|[A-Z][a-z]*", name)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_are_words_of_the_glossary(source: Path) -> None:
    names = [source.stem, *names_in(ast.parse(source.read_text(encoding="utf-8")))]

    avoided = {
        name
        for name in names
        if name not in ALLOWED and AVOIDED & {part.lower() for part in parts_of(name)}
    }
    assert not avoided


def test_the_glossary_has_every_avoided_word() -> None:
    glossary = (ROOT / "docs/glossary.md").read_text(encoding="utf-8").lower()

    missing = {word for word in AVOIDED if word not in glossary}
    assert missing == {"utils", "helpers", "manager", "services"}
