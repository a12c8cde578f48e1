"""`newsletter bulletin preview`: each style, without a site and in one."""

from pathlib import Path

import pytest

from newsletter.cli.bulletins import preview
from subscribers.errors import UnreadableInput
from tests.email_check.matrix import LETTERS
from tests.message_rules import broken_rules

LETTER = LETTERS / "harvest.en.txt"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand where no site is."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("style", ["standard", "large", "discreet"])
def test_a_preview_is_a_complete_copy_in_the_style(style: str, tmp_path: Path) -> None:
    preview(LETTER, tmp_path / "out", style=style)

    page = (tmp_path / "out/email.html").read_text(encoding="utf-8")
    raw = (tmp_path / "out/message.eml").read_bytes()
    assert broken_rules(raw, "bulletin") == []
    assert ("font-size:17px" in page) == (style != "large")
    assert (b'From: "Anna" <letters@example.net>' in raw) == (style == "discreet")
    assert ("Weekly prayer" in page) == (style != "discreet")


def test_a_plain_preview_has_no_page_and_leaves_no_older_one_behind(tmp_path: Path) -> None:
    preview(LETTER, tmp_path / "out")
    preview(LETTER, tmp_path / "out", style="plain")

    assert {file.name for file in (tmp_path / "out").iterdir()} == {"email.txt", "message.eml"}
    raw = (tmp_path / "out/message.eml").read_bytes()
    assert broken_rules(raw, "bulletin", text_only=True) == []


def test_a_style_that_is_none_is_told() -> None:
    with pytest.raises(UnreadableInput, match="did you mean large"):
        preview(LETTER, Path("out"), style="lrge")


def test_a_discreet_preview_says_where_it_names_the_ministry(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "newsletter.toml").write_text(
        '[organisation]\nname = "Hill Country Prayer Network"\n'
        'url = "https://prayer.example.org"\n\n[sender]\nemail = "prayer@example.org"\n\n'
        '[discreet]\nname = "Anna"\nemail = "letters@example.net"\n'
        'url = "https://letters.example.net"\npostal_address = "PO Box 1, London"\n'
    )
    letter = tmp_path / "letter.txt"
    letter.write_text("Snow\n\nThe Hill Country Prayer Network thanks you.\n\n* Pray for rain.\n")

    preview(letter, tmp_path / "out", style="discreet")

    assert "names the ministry" in capsys.readouterr().out
