"""What is installed is exactly what `requirements.lock` pins."""

import importlib.metadata
import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = (Path(__file__).parents[1] / "requirements.lock").read_text(encoding="utf-8")


def test_an_extra_that_a_package_asks_for_is_pinned_with_it() -> None:
    """Else pip looks for the newest version of the extra, and refuses it for want of a hash."""
    pinned = {
        canonicalize_name(requirement.name): requirement.extras
        for requirement in map(Requirement, re.findall(r"^[^\s#][^;\\\n]*", LOCK, re.MULTILINE))
    }
    asked = [
        requirement
        for name in pinned
        for requirement in _requirements_of(name)
        if requirement.extras and canonicalize_name(requirement.name) in pinned
    ]

    assert asked
    assert [str(r) for r in asked if not r.extras <= pinned[canonicalize_name(r.name)]] == []


def test_the_lock_names_no_address() -> None:
    assert "://" not in LOCK


def _requirements_of(name: str) -> list[Requirement]:
    try:
        found = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:  # for another system or Python
        return []
    requirements = map(Requirement, found)
    return [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
