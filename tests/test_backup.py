"""What a backup holds, and what is refused: unit by unit; the journeys do the whole."""

import json
import shutil
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import text

from newsletter.backup import back_up, restore
from newsletter.config import SETTINGS_FILE
from newsletter.errors import NotAllowed, Problem, UnreadableInput
from newsletter.migrations import alembic_config, latest
from newsletter.site import Site, create_site, open_site, upgrade_site
from subscribers.database import open_engine
from tests.conftest import NOON

SETTINGS = '[organisation]\nname = "Prayer Network"\n'


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return create_site(tmp_path / "site", SETTINGS)


@pytest.fixture
def file(site: Site, tmp_path: Path) -> Path:
    back_up(site, tmp_path / "letter.tar", NOON)
    return tmp_path / "letter.tar"


def rewritten(file: Path, **changed: bytes | None) -> Path:
    """Write the archive anew with members changed, added or (None) left out."""
    with tarfile.open(file) as archive:
        members = {entry.name: archive.extractfile(entry) for entry in archive}
        content = {name: data.read() for name, data in members.items() if data}
    content |= {name.replace("__", "/"): data for name, data in changed.items()}  # type: ignore[misc]
    with tarfile.open(file, "w") as archive:
        for name, data in content.items():
            if data is not None:
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, BytesIO(data))
    return file


def test_a_restored_site_opens_with_its_key(site: Site, file: Path, tmp_path: Path) -> None:
    made = restore(file, tmp_path / "again")
    shutil.copy(site.folder / "secret.key", made.folder)

    opened = open_site(made.folder)

    assert (made.made_at, made.has_key, made.older_schema) == (NOON, False, False)
    assert opened.settings.organisation.name == "Prayer Network"
    opened.engine.dispose()


def test_logos_in_the_sites_folder_come_back(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.png").write_bytes(b"elsewhere")
    lists = {
        "hills": "pictures/hills.png",
        "wells": "templates/wells.png",
        "rivers": "../elsewhere.png",
        "roads": "missing.png",
    }
    settings = "".join(f'[lists.{name}]\nlogo = "{logo}"\n' for name, logo in lists.items())
    site = create_site(tmp_path / "site", f'{SETTINGS}[brand]\nlogo = "./own.png"\n{settings}')
    (site.folder / "pictures").mkdir()
    there = ("own.png", "pictures/hills.png", "templates/wells.png")
    for name in there:
        (site.folder / name).write_bytes(name.encode())

    back_up(site, tmp_path / "letter.tar", NOON)
    made = restore(tmp_path / "letter.tar", tmp_path / "new" / "again").folder

    assert [(made / name).read_text() for name in there] == list(there)
    assert {str(path.relative_to(made)) for path in made.rglob("*.png")} == set(there)
    assert list((tmp_path / "new").rglob("elsewhere.png")) == []
    site.engine.dispose()


def test_an_older_backup_is_overwritten_whole_or_not_at_all(site: Site, file: Path) -> None:
    back_up(site, file, NOON)

    assert tarfile.is_tarfile(file)
    assert list(file.parent.glob("letter.tar.*")) == []


def test_a_backup_that_cannot_be_written_leaves_nothing(site: Site, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="could not be written"):
        back_up(site, tmp_path / "missing" / "letter.tar", NOON)

    assert list(tmp_path.glob("missing*")) == []


def test_postgresql_names_its_own_way(tmp_path: Path, empty_postgres_url: str) -> None:
    url = f'[database]\nurl = "{empty_postgres_url}"\n'
    site = create_site(tmp_path / "site", SETTINGS + url)

    with pytest.raises(NotAllowed, match="pg_dump"):
        back_up(site, tmp_path / "letter.tar", NOON)

    site.engine.dispose()
    assert not (tmp_path / "letter.tar").exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"backup.json": None},
        {"backup.json": b"[]"},
        {"backup.json": b"not json"},
        {"backup.json": json.dumps({"format": 99}).encode()},
        {"newsletter.db": None},
        {"newsletter.toml": None},
        {"newsletter.toml": b"[organisation"},
    ],
)
def test_half_a_backup_is_refused_and_leaves_nothing(
    file: Path, tmp_path: Path, changed: dict[str, bytes | None]
) -> None:
    with pytest.raises(UnreadableInput):
        restore(rewritten(file, **changed), tmp_path / "again")

    assert list(tmp_path.glob("again/*")) == []


def test_a_cut_off_backup_is_refused_and_leaves_nothing(file: Path, tmp_path: Path) -> None:
    file.write_bytes(file.read_bytes()[:20_000])

    with pytest.raises(UnreadableInput, match="no whole backup"):
        restore(file, tmp_path / "again")

    assert list(tmp_path.glob("again/*")) == []


def test_nothing_is_written_outside_the_new_folder(file: Path, tmp_path: Path) -> None:
    strange = {"templates__..__..__evil": b"x", "..__evil": b"x", "bulletins__evil.txt": b"x"}

    restore(rewritten(file, **strange), tmp_path / "again")

    assert list(tmp_path.rglob("*evil*")) == []


def test_a_database_of_that_name_is_never_overwritten(site: Site, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    settings = site.folder / SETTINGS_FILE
    settings.write_text(f'{SETTINGS}[database]\nurl = "sqlite:///{elsewhere}"\n')
    upgrade_site(site.folder)
    back_up(open_site(site.folder), tmp_path / "letter.tar", NOON)
    before = elsewhere.read_bytes()

    with pytest.raises(NotAllowed, match="which is there already"):
        restore(tmp_path / "letter.tar", tmp_path / "again")

    assert elsewhere.read_bytes() == before
    assert list((tmp_path / "again").iterdir()) == []


def test_settings_that_name_a_server_are_refused(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSLETTER__DATABASE__URL", "postgresql+psycopg://nowhere/x")

    with pytest.raises(NotAllowed, match="no SQLite file"):
        restore(file, tmp_path / "again")


def test_a_folder_that_cannot_be_written_is_one_sentence(file: Path, tmp_path: Path) -> None:
    (tmp_path / "again").write_text("a file")

    with pytest.raises(Problem, match="could not be written"):
        restore(file, tmp_path / "again" / "site")


# --- upgrades ---------------------------------------------------------------------------------


def older_site(folder: Path) -> Path:
    """Return a site whose database is at the first revision."""
    from alembic import command

    create_site(folder, SETTINGS).engine.dispose()
    for path in folder.glob("newsletter.db*"):
        path.unlink()
    engine = open_engine(f"sqlite:///{folder / 'newsletter.db'}")
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
    with engine.begin() as connection:
        connection.execute(text("UPDATE sqlite_sequence SET seq = seq"))
    engine.dispose()
    return folder


def test_an_upgrade_keeps_what_was_there_before(tmp_path: Path) -> None:
    folder = older_site(tmp_path / "site")

    copy = upgrade_site(folder, NOON)

    assert copy == folder / f"newsletter.db.before-{latest()}-20261123T120000"
    kept = open_engine(f"sqlite:///{copy}")
    with kept.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0001"
    kept.dispose()
    open_site(folder).engine.dispose()


def test_an_upgrade_with_nothing_to_do_copies_nothing(site: Site) -> None:
    assert upgrade_site(site.folder, NOON) is None


def test_an_upgrade_makes_no_original_of_a_copy(site: Site, file: Path, tmp_path: Path) -> None:
    made = restore(file, tmp_path / "again")
    shutil.copy(site.folder / "secret.key", made.folder)

    upgrade_site(made.folder, NOON)

    assert list(made.folder.glob("*.witness.*")) == []
