"""`newsletter bulletin preview`: each style, without a site and in one."""

from pathlib import Path

import pytest

from newsletter.cli.bulletins import preview
from newsletter.intake import list_folder
from newsletter.site import create_site
from subscribers.database import writing
from subscribers.errors import UnreadableInput
from subscribers.lists import add_list
from subscribers.style import Style
from tests.brands import drawn_logo
from tests.conftest import NOON
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


def test_a_preview_says_what_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Pray with us\n\nPray for rain.\n\nPlease close this window\n", "utf-8")

    preview(letter, tmp_path / "out")

    assert "close this window" not in (tmp_path / "out/email.txt").read_text("utf-8")
    assert (
        "leaves out 1 line that looks left over from a web page or a mail program: newsletter "
        "bulletin check tells which."
    ) in " ".join(capsys.readouterr().out.split())


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


# --- inside a site --------------------------------------------------------------------------


SITE = """
[organisation]
name = "Three Wells Fellowship"
postal_address = "1 Example Street"
url = "https://prayer.example.org"

[brand]
logo = "wells.png"

[brand.light]
accent = "#7a1f3d"

[lists.hills]
sender_name = "Prayer for the Hills"
sender_email = "hills@example.org"
logo = ""
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a site with the lists weekly and hills, where hills is in large print."""
    folder = tmp_path / "site"
    site = create_site(folder, SITE)
    (folder / "wells.png").write_bytes(drawn_logo("Three Wells", "#7a1f3d"))
    with writing(site.engine) as session:
        add_list(session, "weekly", "The Weekly Wells", NOON)
        add_list(session, "hills", "Hill Letters", NOON, Style.LARGE)
    site.engine.dispose()
    monkeypatch.chdir(folder)
    return folder


def shown(
    folder: Path, place: str, capsys: pytest.CaptureFixture[str], style: str | None = None
) -> tuple[str, str, str]:
    """Preview a file that lies there; return the page, the message, and what was said."""
    letter = folder / place / "letter.txt"
    letter.parent.mkdir(parents=True, exist_ok=True)
    letter.write_bytes(LETTER.read_bytes())
    preview(letter, folder / "out", style=style)
    page = (folder / "out/email.html").read_text(encoding="utf-8")
    message = (folder / "out/message.eml").read_text(encoding="utf-8")
    return page, message, capsys.readouterr().out


@pytest.mark.parametrize("place", ["bulletins/hills", "bulletins/hills/taken"])
def test_a_preview_looks_as_what_is_sent_to_the_list_whose_folder_the_file_is_in(
    folder: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    page, message, said = shown(folder, place, capsys)

    assert "It is for the list hills." in said
    assert 'From: "Prayer for the Hills" <hills@example.org>' in message
    assert 'List-Id: "Hill Letters" <hills.' in message
    assert "Hill Letters" in page
    assert "<img" not in page  # it has no logo
    assert "font-size:17px" not in page  # large print
    assert "another style" in shown(folder, place, capsys, style="standard")[2]


def test_a_preview_of_another_list_has_the_look_of_all(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, message, _ = shown(folder, "bulletins/weekly", capsys)

    assert "The Weekly Wells" in page
    assert 'alt="Three Wells Fellowship"' in page
    assert "font-size:17px" in page
    assert "hills" not in message


@pytest.mark.parametrize(
    ("place", "doubt"),
    [
        (".", "Nothing says which list it is for: in bulletins/LIST its folder does (hills, week"),
        ("bulletins", "Nothing says which list it is for"),
        ("bulletins/hils", "There is no list hils: it looks like no list's."),
    ],
)
def test_a_preview_says_where_no_list_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], place: str, doubt: str
) -> None:
    page, _, said = shown(folder, place, capsys)

    assert doubt in said.replace("\n", "")
    assert "Weekly prayer" in page


def test_with_one_list_a_preview_is_for_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = create_site(tmp_path / "one", '[organisation]\nlanguage = "de"\n')
    with writing(site.engine) as session:
        add_list(session, "only", "Wochenbrief", NOON)
    site.engine.dispose()
    letter = tmp_path / "note.txt"
    letter.write_text("Amen\n\n* 12 34\n", encoding="utf-8")  # in no language that a word tells

    preview(letter, tmp_path / "out", site=site.folder)

    page = (tmp_path / "out/email.html").read_text(encoding="utf-8")
    assert '<html lang="de"' in page
    assert "Wochenbrief" in page


def test_a_site_without_a_list_leaves_no_doubt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = create_site(tmp_path / "new", "")
    site.engine.dispose()

    preview(LETTER, tmp_path / "out", site=site.folder)

    said = capsys.readouterr().out.replace("\n", "")
    assert said == f"email.html, email.txt and message.eml are in {tmp_path / 'out'}."


def test_a_preview_works_where_the_database_does_not_and_says_what_it_could_not_ask(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "newsletter.db").unlink()

    page, message, said = shown(folder, "bulletins/hills", capsys)

    assert "Title and style of its list were not looked up" in said
    assert "hills@example.org" in message
    assert "<img" not in page


def test_a_file_elsewhere_is_in_no_lists_folder(tmp_path: Path) -> None:
    bulletins = tmp_path / "bulletins"

    said = [list_folder(bulletins, bulletins / each) for each in ("a.txt", "x/a.txt", "x/y/a.txt")]

    assert said == ["", "x", ""]
    assert list_folder(bulletins, tmp_path / "elsewhere/weekly/a.txt") == ""
