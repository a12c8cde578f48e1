"""Bad input: one clear sentence, the promised exit status, nothing half done."""

import os
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from newsletter.bulletin import LARGEST_BYTES
from newsletter.cli import app
from tests.journeys.conftest import Command, TrialSite, people_csv

GOOD = """Harvest in the valley

A small church met for the first time in spring. They shared bread and sang together.

  • Give thanks for the welcome they found.
  • Pray for the children of the village.
"""


@pytest.fixture
def bulletin(tmp_path: Path) -> Path:
    path = tmp_path / "harvest.txt"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "written", "words"),
    [
        ("missing.txt", None, "There is no file"),
        ("empty.txt", b"", "no words"),
        ("blank.txt", b" \n\n\t\n", "no words"),
        ("binary.txt", bytes(range(256)) * 20, "text"),
        ("letter.docx", b"PK\x03\x04", "damaged"),
        ("letter.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".docx"),
        ("huge.html", bytes(LARGEST_BYTES + 1), "20 MB"),
    ],
)
def test_a_file_that_cannot_be_read_is_wrong_use(
    newsletter: Command, tmp_path: Path, name: str, written: bytes | None, words: str
) -> None:
    if written is not None:
        (tmp_path / name).write_bytes(written)

    said = newsletter("bulletin", "check", tmp_path / name)

    assert said.status == 2
    assert words in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_bulletin_without_prayer_points_is_blocked(newsletter: Command, tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text("A title\n\nOnly a story.\n", encoding="utf-8")

    said = newsletter("bulletin", "check", path, "--json")

    assert said.status == 1
    assert [finding["rule"] for finding in said.json["findings"]] == ["no-prayer-points"]


def test_one_of_a_kind_is_counted_as_one(newsletter: Command, tmp_path: Path) -> None:
    path = tmp_path / "harvest.txt"
    path.write_text("Harvest\n\nThey read Psalm 23.\n\n• Pray for rain.\n", encoding="utf-8")

    said = newsletter("bulletin", "check", path)

    assert "1 block, 1 prayer point, 1 scripture reference." in said.out


def test_a_files_name_tells_its_language(newsletter: Command, tmp_path: Path) -> None:
    path = tmp_path / "harvest.de.txt"
    path.write_text("Ernte\n\n• Betet um Regen.\n", encoding="utf-8")

    said = newsletter("bulletin", "check", path, "--json")

    assert said.status == 0
    assert said.json["bulletin"]["language"] == "de"
    assert len(said.json["bulletin"]["points"]) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("bogus",),
        ("issue", "report", "one"),
        ("issue", "report", "99"),
        ("issue", "draft", "99"),
        ("bulletin", "show", "99"),
        ("subscribers", "import", "missing.csv", "--basis", "explicit-consent"),
        ("list", "show", "--list", "other"),
        ("subscribers", "show", "nobody@example.org"),
        ("subscribers", "unsubscribe", "nobody@example.org"),
    ],
)
def test_wrong_use_is_one_sentence(site: TrialSite, arguments: tuple[str, ...]) -> None:
    said = site(*arguments)

    assert said.status == 2
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_an_unknown_setting_names_the_nearest(site: TrialSite) -> None:
    settings = site.folder / "newsletter.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("[provider]\nkind", "[provider]\nkin"), encoding="utf-8")

    said = site("list", "show")

    assert said.status == 2
    assert "provider.kin" in said.err
    assert "provider.kind" in said.err


def test_outside_a_site_commands_say_where_to_go(newsletter: Command, tmp_path: Path) -> None:
    said = newsletter("issue", "show", "1", "--site", tmp_path)

    assert said.status == 2
    assert "newsletter init" in said.err


def test_a_wrong_site_key_stops_everything(site: TrialSite) -> None:
    (site.folder / "secret.key").write_text("ab" * 32, encoding="utf-8")

    said = site("list", "show")

    assert said.status == 1
    assert "secret.key" in said.err


def test_a_csv_with_broken_rows_takes_the_good_ones(site: TrialSite, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("E-Mail;Name\nanna@example.org;Anna\nnobody;X\n", encoding="utf-8")

    said = site("subscribers", "import", path, "--basis", "explicit-consent", "--json")

    assert said.status == 1
    assert said.json["added"] == 1
    assert [row["row"] for row in said.json["refused"]] == [3]


def test_a_locked_database_is_one_sentence(
    site: TrialSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subscribers.database.BUSY_TIMEOUT", timedelta(milliseconds=200))
    people_csv(tmp_path / "people.csv", 3)
    holder = sqlite3.connect(site.folder / "newsletter.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    said = site("subscribers", "import", tmp_path / "people.csv", "--basis", "explicit-consent")

    holder.execute("ROLLBACK")
    holder.close()
    assert said.status == 1
    assert "in use" in said.err
    assert said.err.count("\n") <= 2


def test_a_preview_that_cannot_be_written_is_one_sentence(
    newsletter: Command, bulletin: Path
) -> None:
    said = newsletter("bulletin", "preview", bulletin, "--out", bulletin / "preview")

    assert said.status == 1
    assert f"{bulletin}/preview cannot be used (Not a directory)" in said.err
    assert said.err.count("\n") == 1


def test_the_site_may_be_named_before_the_command(site: TrialSite) -> None:
    assert site.command("--site", site.folder, "list", "show").status == 0


def test_the_version_is_told(newsletter: Command) -> None:
    assert newsletter("--version").out == "0.1.0\n"


def test_without_a_command_the_help_is_printed(newsletter: Command) -> None:
    assert "Every day" in newsletter("--help").out
    assert newsletter().status == 2


def test_the_site_may_be_named_by_the_environment(site: TrialSite) -> None:
    os.environ["NEWSLETTER_SITE"] = str(site.folder)

    assert site.command("list", "show").status == 0


def test_every_command_and_every_group_shows_an_example(newsletter: Command) -> None:
    commands: list[tuple[tuple[str, ...], Any]] = [(("newsletter",), get_command(app))]
    without = []
    while commands:
        path, command = commands.pop()
        if f"Example: {' '.join(path)}" not in (command.help or ""):
            without.append(path)
        inner = getattr(command, "commands", {})
        commands += [((*path, name), each) for name, each in inner.items()]

    assert without == []
    assert "Example: newsletter issue show 3" in newsletter("issue", "--help").out


def test_a_style_is_chosen_for_a_person_and_forced_on_a_list(
    site: TrialSite, bulletin: Path, tmp_path: Path
) -> None:
    people = people_csv(tmp_path / "people.csv", 2)
    site("subscribers", "import", people, "--basis", "explicit-consent")
    one = "reader1@example.org"

    said = [
        site("subscribers", "change", one, "--style", "large print"),
        site("subscribers", "change", one, "--style", "large"),
        site("subscribers", "change", "nobody@example.org", "--style", "plain"),
        site("subscribers", "change", one, "--style", "gross"),
    ]
    shown = site("subscribers", "show", one)
    drafted = site(
        "issue", "draft", site("bulletin", "add", bulletin, "--json").json["id"], "--json"
    )
    before = drafted.json["editions"]
    changed = site("list", "change", "weekly", "--style", "plain")
    listed = site("list", "show")

    assert [each.status for each in said] == [0, 0, 2, 2]
    assert [each.out for each in said[:2]] == [
        "Done: the large mail from now on.\n",
        "Nothing to do: it was so already.\n",
    ]
    assert "Reads the large mail." in shown.out
    assert [each["style"] for each in before] == ["standard", "large"]
    assert changed.status == 0
    assert "always plain" in listed.out
    kept = "The list weekly goes to everybody in one style, plain: newsletter list change weekly"
    assert kept in site("subscribers", "change", one, "--style", "large").out
    assert kept not in site("subscribers", "change", one, "--style", "plain").out
    after = site("issue", "show", drafted.json["id"], "--json").json["editions"]
    assert [each["style"] for each in after] == ["plain"]
    assert site("list", "change", "weekly", "--style", "chosen").status == 0
    lacking = [
        site("list", "add", "at-risk", "--style", "discreet"),
        site("list", "change", "weekly", "--style", "discreet"),
        site("subscribers", "change", one, "--style", "discreet"),
    ]
    waits = "No discreet mail can be made yet, and issues wait for it: name, email, url and"
    assert [(each.status, waits in each.out) for each in lacking] == 3 * [(0, True)]
    assert "always discreet" in site("list", "show", "--list", "at-risk").out


def test_a_list_with_a_sender_of_its_own_says_so(site: TrialSite) -> None:
    settings = site.folder / "newsletter.toml"
    own = '\n[lists.weekly]\nsender_name = "Hills"\nsender_email = "hills@example.org"\n'
    before = site("list", "show", "--json").json["lists"][0]["sender"]
    settings.write_text(settings.read_text(encoding="utf-8") + own, encoding="utf-8")

    said = site("list", "show")

    assert before is None
    assert "  from Hills <hills@example.org>\n" in said.out
    assert site("list", "show", "--json").json["lists"][0]["sender"]["email"] == "hills@example.org"


def test_an_issue_is_shown_and_cancelled_where_a_template_is_broken(
    site: TrialSite, bulletin: Path
) -> None:
    number = site("bulletin", "add", bulletin, "--json").json["id"]
    issue = site("issue", "draft", number, "--json").json["id"]
    (site.folder / "templates/email").mkdir()
    (site.folder / "templates/email/base.html.j2").write_text("{% if %}")

    refused = site("issue", "move", issue, "--at", "2036-11-27T07:00")
    shown = site("issue", "show", issue)
    cancelled = site("issue", "cancel", issue)

    assert (refused.status, shown.status, cancelled.status) == (1, 0, 0)
    assert "email/base.html.j2 is not valid in line 1" in refused.err
