import resource
import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from newsletter.config import KEY_FILE, SETTINGS_FILE
from newsletter.errors import Problem, UnreadableInput
from newsletter.migrations import upgrade
from newsletter.site import create_site, open_site, shipped_templates, upgrade_site
from subscribers.database import open_engine, reading
from subscribers.privacy import KeyMismatch, new_site_key
from subscribers.tables import SiteMark

SETTINGS = '[organisation]\nname = "Prayer Network"\n'


def test_a_new_site_opens_again(tmp_path: Path) -> None:
    made = create_site(tmp_path / "site", SETTINGS)
    made.engine.dispose()

    site = open_site(tmp_path / "site")

    assert site.settings.organisation.name == "Prayer Network"
    assert site.folder == tmp_path / "site"
    assert site.bulletins.is_dir()
    assert site.template_folders == (site.folder / "templates", shipped_templates())
    assert site.mailbox == site.folder / "mailbox"
    assert {path.name for path in site.folder.iterdir()} >= {
        SETTINGS_FILE,
        KEY_FILE,
        "bulletins",
        "templates",
        "newsletter.db",
    }
    site.engine.dispose()


def test_the_key_is_for_this_user_only(tmp_path: Path) -> None:
    create_site(tmp_path, SETTINGS).engine.dispose()

    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert "key" not in repr(open_site(tmp_path).secrets).replace("site_key", "").lower()


@pytest.mark.parametrize("way", ["NEWSLETTER_SECRET_KEY", "NEWSLETTER_SECRET_KEY_FILE"])
def test_a_key_that_is_given_is_not_written_into_the_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    elsewhere = tmp_path / "key"
    elsewhere.write_text(new_site_key())
    monkeypatch.setenv(way, str(elsewhere) if way.endswith("FILE") else elsewhere.read_text())

    create_site(tmp_path / "site", SETTINGS).engine.dispose()

    assert not (tmp_path / "site" / KEY_FILE).exists()


def test_a_wrong_key_refuses_the_start(tmp_path: Path) -> None:
    create_site(tmp_path, SETTINGS).engine.dispose()
    key = new_site_key()
    (tmp_path / KEY_FILE).write_text(key)

    for act in (open_site, upgrade_site):
        with pytest.raises(KeyMismatch, match="does not belong to the database") as refusal:
            act(tmp_path)
        assert key not in str(refusal.value)


def test_a_missing_key_refuses_the_start(tmp_path: Path) -> None:
    create_site(tmp_path, SETTINGS).engine.dispose()
    (tmp_path / KEY_FILE).unlink()

    with pytest.raises(UnreadableInput, match="put it back from your copy"):
        open_site(tmp_path)


def test_a_second_site_in_the_same_folder_changes_nothing(tmp_path: Path) -> None:
    create_site(tmp_path, SETTINGS).engine.dispose()
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}

    with pytest.raises(Problem, match=r"a site in .* already"):
        create_site(tmp_path, "")

    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("room_bytes", [30, 70, 100_000])
def test_a_site_for_which_there_is_no_room_is_made_by_trying_again(
    tmp_path: Path, room_bytes: int
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, hard))
    try:
        with pytest.raises(Problem, match="then try again"):
            create_site(tmp_path, SETTINGS + "#" * 80)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / SETTINGS_FILE).exists()

    create_site(tmp_path, SETTINGS).engine.dispose()

    open_site(tmp_path).engine.dispose()


def test_a_site_cannot_be_made_where_a_file_lies(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("A note.")

    with pytest.raises(Problem, match=r"cannot be made \(Not a directory\)"):
        create_site(tmp_path / "site", SETTINGS)

    assert (tmp_path / "site").read_text() == "A note."


def test_a_missing_database_is_not_made_by_opening(tmp_path: Path) -> None:
    create_site(tmp_path, SETTINGS).engine.dispose()
    for file in tmp_path.glob("newsletter.db*"):
        file.unlink()

    with pytest.raises(Problem, match="There is no database at"):
        open_site(tmp_path)

    assert list(tmp_path.glob("newsletter.db*")) == []


def test_a_site_whose_making_was_cut_short_is_finished_by_an_upgrade(tmp_path: Path) -> None:
    create_site(tmp_path, SETTINGS).engine.dispose()
    for file in tmp_path.glob("newsletter.db*"):
        file.unlink()
    engine = open_engine(f"sqlite:///{tmp_path / 'newsletter.db'}")
    upgrade(engine)
    engine.dispose()
    with pytest.raises(Problem, match="never finished: run newsletter upgrade"):
        open_site(tmp_path)

    upgrade_site(tmp_path)
    upgrade_site(tmp_path)

    open_site(tmp_path).engine.dispose()


def test_an_older_database_opens_after_an_upgrade_only(tmp_path: Path) -> None:
    site = create_site(tmp_path, SETTINGS)
    with site.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    site.engine.dispose()

    with pytest.raises(Problem, match="run newsletter upgrade"):
        open_site(tmp_path)


@pytest.mark.parametrize("name", ["with space", "what? 100% #1 & more", "молитва"])
def test_a_site_may_lie_in_an_oddly_named_folder(tmp_path: Path, name: str) -> None:
    create_site(tmp_path / name, SETTINGS).engine.dispose()

    assert (tmp_path / name / "newsletter.db").is_file()
    open_site(tmp_path / name).engine.dispose()


def test_a_site_can_keep_its_truth_in_postgresql(tmp_path: Path, empty_postgres_url: str) -> None:
    settings = f'{SETTINGS}[database]\nurl = "{empty_postgres_url}"\n'

    site = create_site(tmp_path, settings)

    with reading(site.engine) as session:
        mark = session.get(SiteMark, 1)
    assert mark is not None
    assert mark.key_fingerprint == site.keys.fingerprint()
    assert list(tmp_path.glob("*.db*")) == []
    site.engine.dispose()


def test_a_database_url_that_is_none_is_refused(tmp_path: Path) -> None:
    create_site(tmp_path, SETTINGS).engine.dispose()
    (tmp_path / SETTINGS_FILE).write_text('[database]\nurl = "newsletter.db"\n')

    with pytest.raises(UnreadableInput, match="database URL cannot be read"):
        open_site(tmp_path)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse.sshfs"])
def test_a_sqlite_file_on_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    folder = tmp_path / "a share"
    create_site(folder, SETTINGS).engine.dispose()
    mounts = tmp_path / "mounts"
    place = str(folder).replace(" ", "\\040")
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nnas:/share {place} {kind} rw 0 0\n")
    monkeypatch.setattr("newsletter.site._MOUNTS", str(mounts))

    for act in (open_site, upgrade_site):
        with pytest.raises(Problem, match=rf"network file system \({kind}\)"):
            act(folder)


def test_a_system_without_a_list_of_mounts_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.site._MOUNTS", str(tmp_path / "none"))

    create_site(tmp_path / "site", SETTINGS).engine.dispose()


def test_templates_that_ship_lie_in_the_checkout_or_in_the_package() -> None:
    assert shipped_templates().name == "templates"
