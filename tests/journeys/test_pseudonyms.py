"""`newsletter pseudonym ...`: the register from the command line."""

import io
from pathlib import Path

import pytest

from tests.journeys.conftest import TrialSite

TEXT = """Harvest in the valley

We visited Kim Min-jun, and sang together.

  • Give thanks for the welcome we found.
  • Pray for the children of the village.
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def bulletin(tmp_path: Path) -> Path:
    path = tmp_path / "harvest.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_real_name_is_asked_for_and_blocks_the_bulletin(
    site: TrialSite, bulletin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site("bulletin", "add", bulletin)
    drafted = site("issue", "draft", "1", "--json")
    assert drafted.json["state"] == "scheduled"
    monkeypatch.setattr("sys.stdin", Terminal("Kim Min-jun\n"))

    said = site("pseudonym", "add", "Anna", "--json")

    assert said.json == {"id": 1, "kind": "name", "published": "Anna", "held": [1], "begun": []}
    assert "What is real" in said.err
    assert site("issue", "show", "1", "--json").json["state"] == "draft"
    shown = site("bulletin", "show", "1").out
    assert "a name that is published as “Anna”" in shown


def test_a_check_looks_for_real_names_where_it_knows_the_site(
    site: TrialSite, bulletin: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("Kim Min-jun\n"))
    site("pseudonym", "add", "Anna")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    named = site("bulletin", "check", bulletin, "--json")
    monkeypatch.chdir(site.folder)
    inside = site.command("bulletin", "check", bulletin)
    monkeypatch.chdir(elsewhere)
    outside = site.command("bulletin", "check", bulletin, "--json")

    assert (named.status, named.json["names_checked"]) == (1, True)
    assert [finding["rule"] for finding in named.json["findings"]] == ["name-at-risk"]
    assert inside.status == 1
    assert "a name that is published as “Anna”" in inside.out
    assert (outside.status, outside.json["names_checked"]) == (0, False)
    assert outside.json["findings"] == []


def test_a_check_says_when_it_could_not_look_for_real_names(
    site: TrialSite, bulletin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.folder / "secret.key").rename(site.folder / "elsewhere.key")
    monkeypatch.chdir(site.folder)

    inside = site.command("bulletin", "check", bulletin)
    named = site("bulletin", "check", bulletin)

    assert inside.status == 0
    assert "Real names were not looked for: " in inside.out
    assert named.status == 2


def test_the_register_is_listed_and_entries_removed(
    site: TrialSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert site("pseudonym", "list").out == "The register is empty.\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("Nam Khem\nthe north\n"))
    assert site("pseudonym", "add", "--kind", "place", "--by", "ruth@example.org").status == 0
    monkeypatch.setattr("sys.stdin", Terminal("+82 10-1234-5678\n\n"))
    assert "as a phone" in site("pseudonym", "add").out
    assert site("pseudonym", "add", "37.5665, 126.9780", "").status == 0

    listed = site("pseudonym", "list").out.splitlines()
    kinds = [each["kind"] for each in site("pseudonym", "list", "--json").json["pseudonyms"]]

    assert listed[0].startswith("1  place  Nam Khem -> the north  (ruth@example.org, 20")
    assert "-> (left out)" in listed[1]
    assert kinds == ["place", "phone", "link"]
    assert site("pseudonym", "remove", "1").status == 0
    assert site("pseudonym", "remove", "1").status == 2
    assert len(site("pseudonym", "list").out.splitlines()) == 2


@pytest.mark.parametrize(
    "words", [("Kim", "Min-jun", "Anna"), ("K", "Anna"), ("Anna K", "Anna K.")]
)
def test_wrong_use_is_a_sentence_without_the_name(site: TrialSite, words: tuple[str, ...]) -> None:
    said = site("pseudonym", "add", *words)

    assert said.status == 2
    assert said.err.count("\n") == 1
    assert "Kim" not in said.err
    assert "Anna" not in said.err
