"""The folder: what is dropped in, what becomes of it, and where it lies afterwards."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter.bulletin import LARGEST_BYTES
from newsletter.config import Secrets
from newsletter.intake import Intake, Taken
from newsletter.issue import approve, cancel
from newsletter.issue.register import register
from newsletter.names import Kind, Pseudonym
from newsletter.site import Site
from newsletter.tables import Bulletin, Issue, IssueState
from subscribers.database import open_engine, reading, writing
from subscribers.errors import Problem
from subscribers.privacy import Keys
from tests.office import (
    HARVEST,
    HARVEST_BLOCKED,
    HARVEST_MENDED,
    IN_PERSIAN,
    LIBRARY,
    NURSES,
    PAUL,
    RUTH,
    Office,
    desk_for,
)
from tests.word_files import paragraph, word_file

FRIDAY = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)


_STORY = "<p>They met &amp; sang.</p><ul><li>Pray for rain.</li></ul>"
_ITEM = f"<title>The hills</title><description><![CDATA[{_STORY}]]></description>"
KINDS = {
    ".docx": word_file(paragraph("The hills"), paragraph("They met."), paragraph("• Pray.")),
    ".html": f"<html><h1>The hills</h1>{_STORY}</html>".encode(),
    ".xml": f"<rss version='2.0'><channel><item>{_ITEM}</item></channel></rss>".encode(),
    ".md": b"---\ntitle: The hills\n---\n\nThey met.\n\n* Pray for rain.\n",
}


class Folder(Office):
    """A site's folder that is looked into with a clock of our own."""

    def __init__(self, site: Site, office: Office) -> None:
        super().__init__(office.engine, office.desk, office.now)
        self.site = site
        self.path = site.bulletins
        self.intake = self.new_intake()

    def new_intake(self) -> Intake:
        return Intake(self.site, self.desk, lambda: self.now)

    def drop(self, source: bytes = HARVEST, name: str = "harvest.txt") -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source)
        return path

    def look(self) -> list[Taken]:
        """Look, wait until what lies there has settled, look again."""
        first = self.intake.look()
        self.later(seconds=6)
        return first + self.intake.look()

    def found(self) -> set[str]:
        """Return every file in the folder, the sentences left out."""
        names = {str(p.relative_to(self.path)) for p in self.path.rglob("*") if not p.is_dir()}
        return {name for name in names if not name.endswith(".why.txt")}

    def bulletins(self) -> int:
        with reading(self.engine) as session:
            return len(session.scalars(select(Bulletin)).all())

    def issues(self) -> int:
        with reading(self.engine) as session:
            return len(session.scalars(select(Issue)).all())


def folder_with(
    tmp_path: Path, sqlite_url: str, keys: Keys, approvals: int = 0, *, practice: bool = False
) -> Folder:
    office = Office(open_engine(sqlite_url), desk_for(keys, approvals, practice=practice))
    site = Site(tmp_path, office.desk.settings, Secrets("", "", ""), keys, office.engine)
    site.bulletins.mkdir()
    return Folder(site, office)


@pytest.fixture
def folder(tmp_path: Path, sqlite_url: str, keys: Keys) -> Folder:
    return folder_with(tmp_path, sqlite_url, keys)


def test_a_file_becomes_an_issue_in_the_next_free_slot_and_moves_with_its_sentence(
    folder: Folder,
) -> None:
    list_id = folder.add_list()
    folder.subscribe(list_id, 2)
    folder.drop()

    (taken,) = folder.look()

    assert taken.accepted
    assert taken.path == folder.path / "taken" / "harvest.txt"
    assert taken.path.read_bytes() == HARVEST
    why = folder.path / "taken" / "harvest.txt.why.txt"
    assert why.read_text() == (
        f"Taken as bulletin {taken.bulletin_id}: issue {taken.issue_id} for Weekly goes out "
        "Friday 27 November 2026, 07:00 Europe/London to 2 people.\n"
    )
    assert taken.issue_id is not None
    assert folder.view(taken.issue_id).due_at == FRIDAY
    assert folder.look() == []


def test_practice_is_said(tmp_path: Path, sqlite_url: str, keys: Keys) -> None:
    folder = folder_with(tmp_path, sqlite_url, keys, practice=True)
    folder.add_list()
    folder.drop()

    assert "practice: nothing leaves this machine" in folder.look()[0].sentence


def test_a_file_that_grows_is_left_until_it_has_stopped(folder: Folder) -> None:
    folder.add_list()
    path = folder.drop(HARVEST[:50])
    taken = []
    for end in (80, 120, len(HARVEST)):
        taken += folder.intake.look()
        folder.later(seconds=4)
        path.write_bytes(HARVEST[:end])
    taken += folder.intake.look()
    folder.later(seconds=4)
    taken += folder.intake.look()
    assert taken == []

    folder.later(seconds=1)

    (done,) = folder.intake.look()
    assert done.path.read_bytes() == HARVEST


def test_a_file_that_changes_between_look_and_reading_waits(folder: Folder) -> None:
    folder.add_list()
    path = folder.drop(HARVEST[:50])
    folder.intake.look()
    folder.later(seconds=6)
    os.utime(path, ns=(1, 1))

    assert folder.intake.look() == []


def test_a_file_that_was_taken_away_in_time_is_forgotten(folder: Folder) -> None:
    folder.add_list()
    path = folder.drop()
    folder.intake.look()
    path.unlink()
    folder.later(seconds=6)

    assert folder.intake.look() == []
    path.write_bytes(HARVEST)
    assert folder.intake.look() == []


@pytest.mark.parametrize(
    "name",
    [
        *(".harvest.txt", "~$harvest.docx", "harvest.txt~", "harvest.txt.tmp", "a.part"),
        *("#harvest.txt#", "harvest.txt.crdownload", ".harvest.txt.swp", "old.why.txt"),
        *("taken/harvest.txt", "refused/harvest.txt", "weekly/deeper/harvest.txt"),
    ],
)
def test_what_is_not_meant_for_us_is_left_where_it_is(folder: Folder, name: str) -> None:
    folder.add_list()
    path = folder.drop(name=name)

    assert folder.look() == []
    assert path.exists()


def test_no_folder_is_no_trouble(folder: Folder) -> None:
    folder.path.rmdir()

    assert folder.look() == []


# --- which list ---------------------------------------------------------------------------


def test_the_folder_of_a_list_says_which(folder: Folder) -> None:
    folder.add_list("daily")
    weekly = folder.add_list("weekly")
    folder.drop(name="weekly/harvest.txt")

    (taken,) = folder.look()

    assert taken.path == folder.path / "weekly" / "taken" / "harvest.txt"
    assert taken.issue_id is not None
    assert folder.view(taken.issue_id).list_id == weekly


@pytest.mark.parametrize(
    ("lists", "name", "words"),
    [
        ((), "harvest.txt", "newsletter list add"),
        (("daily", "weekly"), "harvest.txt", "daily, weekly"),
        (("daily", "weekly"), "montly/harvest.txt", "no list montly.*daily, weekly"),
        ((), "weekly/harvest.txt", "none yet"),
    ],
)
def test_without_a_list_it_is_refused_with_what_to_do(
    folder: Folder, lists: tuple[str, ...], name: str, words: str
) -> None:
    for one in lists:
        folder.add_list(one)
    path = folder.drop(name=name)

    (refused,) = folder.look()

    assert not refused.accepted
    assert refused.path == path.parent / "refused" / path.name
    assert folder.bulletins() == 0
    with pytest.raises(Problem, match=words):
        raise Problem(refused.sentence)


# --- what it says -------------------------------------------------------------------------


def test_what_cannot_be_read_is_refused_and_the_rest_is_taken(folder: Folder) -> None:
    folder.add_list()
    folder.drop(b"", "a.txt")
    folder.drop(b"\x00\x01\x02\x03" * 50, "b.txt")
    folder.drop(HARVEST, "c.pdf")
    folder.drop(HARVEST, "d.txt")

    taken = folder.look()

    assert [one.accepted for one in taken] == [False, False, False, True]
    assert all(one.sentence.endswith(".") for one in taken)
    assert folder.found() == {"refused/a.txt", "refused/b.txt", "refused/c.pdf", "taken/d.txt"}


def test_staff_are_told_once_of_a_file_that_was_not_taken_and_nothing_of_its_text(
    folder: Folder,
) -> None:
    folder.add_list()
    for _ in range(2):
        folder.drop(HARVEST, "harvest.pdf")
        folder.look()
    folder.drop(HARVEST + b"\n\nMore.", "harvest.pdf")
    folder.look()

    assert [key.partition("/")[0] for key in folder.notices()] == ["file", "file"]
    said = " ".join(folder.notice_texts())
    assert "This kind of file cannot be read as a bulletin" in said
    assert "goes out as planned" in said
    assert "harvest" not in said.lower()


def test_a_new_version_that_is_too_heavy_is_told_and_the_one_before_stays(folder: Folder) -> None:
    folder.add_list()
    folder.drop()
    (taken,) = folder.look()
    folder.drop(HARVEST.replace(b"sacks.", b"sacks. " + b"Long. " * 20_000))

    (refused,) = folder.look()

    assert not refused.accepted
    assert (folder.bulletins(), folder.issues()) == (1, 1)
    assert taken.issue_id is not None
    assert folder.state(taken.issue_id) is IssueState.SCHEDULED
    assert len(folder.notices()) == 1
    assert "Gmail hides what goes beyond 102 kB" in folder.notice_texts()[0]


def test_a_file_that_may_not_be_moved_is_told_once_and_left(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, target: Path) -> None:
        raise PermissionError

    folder.add_list()
    folder.drop(HARVEST, "harvest.pdf")
    monkeypatch.setattr(Path, "rename", refuse)

    assert folder.look() == folder.look() == []
    assert folder.found() == {"harvest.pdf"}
    assert len(folder.notices()) == 2  # that it was not taken, and that it cannot be moved
    assert "cannot be read or moved" in folder.notice_texts()[1]


def test_a_blocked_bulletin_is_refused_told_and_becomes_no_issue(folder: Folder) -> None:
    folder.add_list()
    folder.drop(HARVEST_BLOCKED)

    (refused,) = folder.look()

    assert not refused.accepted
    assert "is blocked (line" in refused.sentence
    assert (folder.bulletins(), folder.issues()) == (1, 0)
    assert folder.notices() == [f"blocked/{refused.bulletin_id}"]


def test_a_bulletin_that_is_too_heavy_is_stored_told_and_becomes_no_issue(folder: Folder) -> None:
    folder.add_list()
    folder.drop(HARVEST.replace(b"sacks.", b"sacks. " + b"Long. " * 20_000))

    (refused,) = folder.look()

    assert not refused.accepted
    assert "Gmail hides what goes beyond 102 kB" in refused.sentence
    assert (folder.bulletins(), folder.issues()) == (1, 0)
    assert folder.notices() == [f"blocked/{refused.bulletin_id}"]


def test_once_mended_and_put_back_it_goes_out(folder: Folder) -> None:
    folder.add_list()
    folder.drop(HARVEST_BLOCKED)
    folder.look()
    folder.drop(HARVEST)

    (taken,) = folder.look()

    assert taken.accepted
    assert taken.issue_id is not None
    assert folder.state(taken.issue_id) is IssueState.SCHEDULED


def test_the_same_blocked_file_again_is_refused_again_and_told_once(folder: Folder) -> None:
    folder.add_list()
    for _ in range(2):
        folder.drop(HARVEST_BLOCKED)
        folder.look()

    assert folder.found() == {"refused/harvest.txt", "refused/harvest (2).txt"}
    assert len(folder.notices()) == 1


def test_the_same_content_twice_is_not_sent_twice(folder: Folder) -> None:
    folder.add_list()
    folder.drop()
    (first,) = folder.look()
    folder.drop(name="copy.txt")

    (again,) = folder.look()

    assert again.accepted
    assert (again.bulletin_id, again.issue_id) == (first.bulletin_id, first.issue_id)
    assert "was there already" in again.sentence
    assert "Friday 27 November 2026, 07:00" in again.sentence
    assert folder.issues() == 1


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (IssueState.SENDING, "is going out"),
        (IssueState.PAUSED, "has begun and is paused"),
        (IssueState.COMPLETED, "went out"),
    ],
)
def test_the_same_content_after_it_went_out_says_so(
    folder: Folder, state: IssueState, words: str
) -> None:
    folder.add_list()
    folder.drop()
    (first,) = folder.look()
    assert first.issue_id is not None
    folder.begin(first.issue_id, state)
    folder.drop()

    (again,) = folder.look()

    assert words in again.sentence
    assert folder.issues() == 1


def test_what_people_cancelled_is_not_brought_back_by_its_file(folder: Folder) -> None:
    folder.add_list()
    folder.drop()
    (first,) = folder.look()
    assert first.issue_id is not None
    with writing(folder.engine) as session:
        cancel(session, folder.desk, first.issue_id, RUTH, folder.now)
    folder.drop()

    (again,) = folder.look()

    assert "was cancelled" in again.sentence
    assert folder.issues() == 1


def test_what_was_sent_for_practice_can_be_dropped_in_again_for_real(
    tmp_path: Path, sqlite_url: str, keys: Keys
) -> None:
    folder = folder_with(tmp_path, sqlite_url, keys, practice=True)
    folder.add_list()
    folder.drop()
    (practice,) = folder.look()
    assert practice.issue_id is not None
    folder.begin(practice.issue_id, IssueState.COMPLETED)
    folder.drop()
    folder.look()
    assert folder.issues() == 1
    folder.desk = desk_for(keys)
    folder.intake = folder.new_intake()
    folder.drop()

    (real,) = folder.look()

    assert real.issue_id not in (None, practice.issue_id)
    assert "goes out" in real.sentence


def test_an_approval_that_waits_is_in_the_sentence(
    tmp_path: Path, sqlite_url: str, keys: Keys
) -> None:
    folder = folder_with(tmp_path, sqlite_url, keys, approvals=1)
    folder.add_list()
    folder.drop()

    (taken,) = folder.look()

    assert "waits for approval (0 of 1) and is due Friday 27 November" in taken.sentence


def test_a_new_version_takes_its_place_and_says_of_what(folder: Folder) -> None:
    folder.add_list()
    folder.drop()
    (first,) = folder.look()
    folder.drop(HARVEST_MENDED)

    (second,) = folder.look()

    assert second.issue_id == first.issue_id
    assert f"a new version of {first.bulletin_id}: issue" in second.sentence
    assert folder.found() == {"taken/harvest.txt", "taken/harvest (2).txt"}


def test_a_new_version_that_is_blocked_is_refused_and_holds_the_issue(folder: Folder) -> None:
    folder.add_list()
    folder.drop()
    folder.look()
    folder.drop(HARVEST_BLOCKED)

    (second,) = folder.look()

    assert not second.accepted
    assert "is blocked and a draft again, due Friday" in second.sentence
    assert second.issue_id is not None
    assert folder.state(second.issue_id) is IssueState.DRAFT


def test_a_translation_dropped_later_joins_the_issue_and_voids_its_approval(
    keys: Keys, folder: Folder
) -> None:
    folder.desk = desk_for(keys, approvals=1)
    folder.intake = folder.new_intake()
    list_id = folder.add_list()
    for language, people in (("en", 3), ("fa", 2)):
        folder.subscribe(list_id, people, language)
    folder.drop()
    (first,) = folder.look()
    assert first.issue_id is not None
    with writing(folder.engine) as session:
        approve(session, folder.desk, first.issue_id, by=PAUL, now=folder.now)
    approved = folder.state(first.issue_id)

    folder.drop(IN_PERSIAN, "harvest.fa.txt")
    (farsi,) = folder.look()

    assert approved is IssueState.SCHEDULED
    assert farsi.issue_id == first.issue_id
    assert farsi.sentence.startswith(
        "Taken as bulletin 2, a further language (Persian): issue 1 for Weekly waits for "
        "approval (0 of 1) and is due Friday 27 November 2026, 07:00 Europe/London. In English, "
        "which serves everybody else, too: 3 people; in Persian: 2 people."
    )


def test_a_translation_that_comes_too_late_goes_to_nobody(folder: Folder) -> None:
    folder.add_list()
    folder.drop()
    (first,) = folder.look()
    assert first.issue_id is not None
    folder.begin(first.issue_id, IssueState.COMPLETED)
    folder.drop(IN_PERSIAN, "harvest.fa.txt")
    (late,) = folder.look()
    folder.later(hours=25)
    folder.drop(IN_PERSIAN.replace("جوهای".encode(), "گندم".encode()), "harvest.fa.txt")

    (next_week,) = folder.look()  # a name that comes every week

    assert (late.accepted, late.issue_id) == (True, None)
    assert "is a translation for issue 1, which has begun: it goes to nobody" in late.sentence
    assert next_week.issue_id is not None


def test_a_translation_that_lies_beside_its_original_is_taken_after_it(folder: Folder) -> None:
    folder.add_list()
    folder.drop(IN_PERSIAN, "harvest.fa.txt")
    folder.drop()

    original, farsi = folder.look()

    assert original.path.name == "harvest.txt"
    assert farsi.issue_id == original.issue_id is not None
    assert "Nothing of it" not in original.sentence + farsi.sentence


def test_a_translation_that_comes_first_gives_the_original_its_place(folder: Folder) -> None:
    folder.add_list()
    folder.drop(IN_PERSIAN, "harvest.fa.txt")
    (alone,) = folder.look()
    folder.drop()

    (original,) = folder.look()

    assert original.issue_id == alone.issue_id
    assert "Nothing of it is in English" in alone.sentence
    assert alone.issue_id is not None
    assert [each.language for each in folder.view(alone.issue_id).readers] == ["en", "fa"]


@pytest.mark.parametrize("ending", [".docx", ".html", ".xml", ".md"])
def test_every_kind_of_file_is_taken(folder: Folder, ending: str) -> None:
    folder.add_list()
    folder.drop(KINDS[ending], f"harvest{ending}")

    (taken,) = folder.look()

    assert taken.sentence.startswith("Taken as bulletin 1: issue 1 ")
    assert folder.found() == {f"taken/harvest{ending}"}


def test_a_held_draft_is_called_a_draft(folder: Folder) -> None:
    list_id = folder.add_list()
    folder.draft(list_id, folder.add(list_id).id, hold=True)
    folder.drop()

    assert "is a draft, due Friday" in folder.look()[0].sentence


def test_without_a_cadence_it_is_kept_and_staff_choose_the_time(folder: Folder) -> None:
    folder.add_list(cadence=None)
    folder.drop()

    (taken,) = folder.look()

    assert taken.accepted
    assert "no cadence" in taken.sentence
    assert (folder.bulletins(), folder.issues()) == (1, 0)
    assert folder.notices() == [f"no-slot/{taken.bulletin_id}"]


# --- files that are no texts, crashes, two processes ----------------------------------------


def test_links_devices_and_huge_files_are_refused(folder: Folder, tmp_path: Path) -> None:
    folder.add_list()
    secret = tmp_path / "secret.txt"
    secret.write_bytes(HARVEST)
    (folder.path / "a.txt").symlink_to(secret)
    os.mkfifo(folder.path / "b.txt")
    with (folder.path / "c.txt").open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    (folder.path / "elsewhere").symlink_to(tmp_path, target_is_directory=True)

    refused = folder.look()

    assert [one.accepted for one in refused] == [False, False, False, False]
    assert folder.bulletins() == 0
    assert secret.read_bytes() == HARVEST
    assert ["link" in one.sentence for one in refused] == [True, True, False, True]


def test_a_name_that_is_taken_gets_a_number_and_nothing_is_overwritten(folder: Folder) -> None:
    folder.add_list()
    (folder.path / "taken").mkdir()
    (folder.path / "taken" / "harvest.txt").write_text("put here by hand")
    (folder.path / "taken" / "harvest (2).txt.why.txt").write_text("left behind")
    folder.drop()

    (taken,) = folder.look()

    assert taken.path.name == "harvest (3).txt"
    assert (folder.path / "taken" / "harvest.txt").read_text() == "put here by hand"


def test_a_death_between_decision_and_move_sends_nothing_twice(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.add_list()
    folder.drop()
    (folder.path / "taken").write_text("a file where the folder should be")
    assert folder.look() == []
    assert folder.look() == []
    assert (folder.bulletins(), folder.issues()) == (1, 1)
    assert caplog.text.count("cannot be read or moved") == 1
    assert "harvest" not in caplog.text
    (folder.path / "taken").unlink()
    folder.intake = folder.new_intake()

    (taken,) = folder.look()

    assert taken.accepted
    assert "Friday 27 November 2026, 07:00" in taken.sentence
    assert (folder.bulletins(), folder.issues()) == (1, 1)


def test_two_processes_that_find_the_same_files_make_one_issue_of_each(folder: Folder) -> None:
    folder.add_list()
    for name, text in (("a.txt", HARVEST), ("b.txt", NURSES), ("c.txt", LIBRARY)):
        folder.drop(text, name)
    intakes = [folder.new_intake() for _ in range(3)]
    for intake in intakes:
        intake.look()
    folder.later(seconds=6)
    taken: list[Taken] = []
    threads = [
        threading.Thread(target=lambda i=intake: taken.extend(i.look())) for intake in intakes
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert (folder.bulletins(), folder.issues()) == (3, 3)
    assert sorted(one.path.name for one in taken) == ["a.txt", "b.txt", "c.txt"]
    assert folder.found() == {"taken/a.txt", "taken/b.txt", "taken/c.txt"}
    sentences = {p.name for p in (folder.path / "taken").glob("*.why.txt")}
    assert sentences == {"a.txt.why.txt", "b.txt.why.txt", "c.txt.why.txt"}


def test_a_database_that_is_away_leaves_the_file_for_later(folder: Folder, tmp_path: Path) -> None:
    folder.add_list()
    folder.drop()
    folder.intake.look()
    folder.later(seconds=6)
    broken = Site(
        tmp_path,
        folder.desk.settings,
        folder.site.secrets,
        folder.desk.keys,
        open_engine(f"sqlite:///{tmp_path / 'nowhere' / 'newsletter.db'}"),
    )
    away = Intake(broken, folder.desk, lambda: folder.now, settled_for=timedelta())

    with pytest.raises(Problem):
        away.look()

    assert folder.found() == {"harvest.txt"}
    assert len(folder.intake.look()) == 1


def test_with_nothing_to_wait_for_the_first_look_takes_it(folder: Folder) -> None:
    folder.add_list()
    folder.drop()

    taken = Intake(folder.site, folder.desk, lambda: folder.now, settled_for=timedelta()).look()

    assert len(taken) == 1


def test_a_real_bulletin_is_refused_with_its_lines_and_goes_out_once_mended(
    folder: Folder, shared: Path
) -> None:
    folder.add_list()
    source = (shared / "samples" / "north-korea.txt").read_bytes()
    folder.drop(source, "north-korea.txt")
    (refused,) = folder.look()
    mended = source.replace(b"Matthew 2 vs 40", b"Matthew 25 vs 40").split(b"The message will be")[
        0
    ]
    folder.drop(mended, "north-korea.txt")

    (taken,) = folder.look()

    assert "is blocked (lines 21, 24)" in refused.sentence
    assert taken.accepted
    assert "goes out Friday 27 November 2026, 07:00 Europe/London" in taken.sentence
    assert folder.issues() == 1


def test_a_file_that_holds_a_real_name_is_refused_and_the_name_is_written_nowhere(
    folder: Folder,
) -> None:
    folder.add_list()
    with writing(folder.engine) as session:
        mill = Pseudonym(Kind.NAME, "The Old Mill", "Anna")
        register(session, folder.desk.keys, mill, RUTH, folder.now)
    folder.drop()
    folder.drop(NURSES, "TheOldMill.txt")

    taken = folder.look()

    assert [one.accepted for one in taken] == [False, False]
    assert "The name of the file holds a name that is published as “Anna”" in taken[0].sentence
    assert "Line 4 holds a name that is published as “Anna”" in taken[1].sentence
    assert "mill" not in "".join(one.sentence for one in taken).lower()
    assert folder.issues() == 0
