"""That the benchmarks still fit the product; nothing is measured here."""

from importlib import import_module
from pathlib import Path

import pytest

from newsletter.providers.sendgrid import requests_for
from tests.copies import form, people

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_each_can_be_started(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)

    assert import_module(name).__doc__


def test_the_mail_that_is_measured_can_be_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    measured = form(import_module("crowd").email_of(5))

    copy = measured.copy_for(people(1)[0])
    [request] = requests_for(measured, people(3), attempt_id=1, most=3)

    assert 4_000 < len(copy) < 8_000
    assert len(request.people) == 3
