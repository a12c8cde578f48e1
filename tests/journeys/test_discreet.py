"""A reader at risk, from the settings to the mailbox and back by the link in the mail."""

from email import message_from_bytes
from pathlib import Path

from newsletter.site import open_site
from newsletter.web.app import serve
from tests.conftest import NOON
from tests.journeys.conftest import TrialSite
from tests.pages import ask

BULLETIN = """Harvest in the valley

A small church met for the first time in spring. They shared bread and sang together.

  • Give thanks for the welcome they found.
  • Pray for the children of the village.
"""
PEOPLE = """email,name,style
anna@example.net,Anna,
mary@example.net,Mary,discreet
ruth@example.net,Ruth,plain
"""
OURS = ("Prayer Network", "prayer@", "example.org", "127.0.0.1:8000", "weekly", "Example Street")


def test_a_discreet_reader_is_written_to_and_leaves_without_a_name_of_ours(
    site: TrialSite, tmp_path: Path
) -> None:
    for name, text in (("harvest.txt", BULLETIN), ("people.csv", PEOPLE)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    site.configure(
        discreet__name="Anna Ek",
        discreet__email="letters@quiet.example",
        discreet__url="http://quiet.example:8080",
        discreet__postal_address="PO Box 1, Leeds",
    )
    site("subscribers", "import", tmp_path / "people.csv", "--basis", "explicit-consent")
    bulletin = site("bulletin", "add", tmp_path / "harvest.txt", "--json").json["id"]
    issue = site("issue", "draft", bulletin, "--at", "now", "--json").json

    assert site("dispatch", "--once").status == 0

    assert [each["style"] for each in issue["editions"]] == ["standard", "plain", "discreet"]
    copies = [path.read_bytes() for path in (site.folder / "mailbox/new").iterdir()]
    kinds = {
        message_from_bytes(raw)["To"]: message_from_bytes(raw).get_content_type() for raw in copies
    }
    assert kinds == {
        '"Anna" <anna@example.net>': "multipart/alternative",
        '"Mary" <mary@example.net>': "multipart/alternative",
        '"Ruth" <ruth@example.net>': "text/plain",
    }
    [(mary, raw)] = [
        (mail, raw)
        for raw, mail in zip(copies, map(message_from_bytes, copies), strict=True)
        if "mary@" in str(mail["To"])
    ]
    parts = [bytes(part.get_payload(decode=True) or b"").decode() for part in mary.walk()]
    seen = "\n".join([raw.decode(), *parts, *map(str, mary.values())])
    assert not [name for name in OURS if name in seen]
    assert mary["Subject"] == f"Letter {issue['id']}"
    link = str(mary["List-Unsubscribe"]).strip("<>")
    assert link.startswith("http://quiet.example:8080/u/")

    place = open_site(site.folder)
    path, host = link.removeprefix("http://quiet.example:8080"), {"Host": "quiet.example:8080"}
    with serve(place, lambda: NOON, "127.0.0.1", 0) as running:
        page = ask(running.port, "GET", path, headers=host)
        left = ask(running.port, "POST", path, "List-Unsubscribe=One-Click", host)
    place.engine.dispose()

    assert (page.status, left.status) == (200, 200)
    assert not [name for name in OURS if name in page.text + left.text]
    shown = site("subscribers", "show", "mary@example.net").out
    assert "Reads the discreet mail." in shown
