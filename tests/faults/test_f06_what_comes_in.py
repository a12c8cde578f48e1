"""F6: the disk is full for what comes in from outside, and for the backup."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from newsletter.backup import back_up
from newsletter.cli import run
from newsletter.config import SendGrid
from newsletter.errors import Problem
from newsletter.intake import Intake
from newsletter.issue import open_desk
from newsletter.site import Site, open_site
from newsletter.tables import Bulletin, ProviderEvent
from newsletter.web import serve
from subscribers.database import Base, DatabaseUnavailable, open_engine, reading
from subscribers.privacy import Keys, Purpose
from subscribers.tables import Subscriber, SubscriptionState
from tests.conftest import NOON
from tests.faults.figures import Figures
from tests.faults.full_disk import full_disk
from tests.faults.sizes import count
from tests.office import NURSES
from tests.pages import SITE_KEY, add_person, ask, link, post, site_on, states
from tests.signed import Signer, posted

pytestmark = pytest.mark.fault("F6")

SIGNER = Signer()
ROUNDS = count(1, 10)


def told_of(number: int) -> bytes:
    """Return a body with fifty events about a delivery that there is not."""
    about = {"pb_d": Keys(SITE_KEY).token(Purpose.DELIVERY, 1_000_000), "pb_a": "1000000"}
    event = about | {"event": "processed", "timestamp": 1795435100}
    return posted([event | {"sg_event_id": f"{number}-{at}"} for at in range(50)])


def rows_of(site: Site, model: type[Base]) -> int:
    with reading(site.engine) as session:
        return session.scalars(select(func.count()).select_from(model)).one()


def test_what_is_posted_is_refused_until_there_is_room(
    sqlite_url: str, tmp_path: Path, figures: Figures
) -> None:
    """A provider, and whoever leaves, is told to come again, and nothing is half kept."""
    site = site_on(open_engine(sqlite_url), tmp_path)
    account = SendGrid(webhook_public_keys=(SIGNER.public_key,))
    provider = site.settings.provider.model_copy(update={"sendgrid": account})
    settings = site.settings.model_copy(update={"provider": provider})
    site = Site(site.folder, settings, site.secrets, site.keys, site.engine)
    people = [add_person(site, f"reader{n}@example.org") for n in range(ROUNDS)]

    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        for number, person in enumerate(people):
            body = told_of(number)
            kept = rows_of(site, ProviderEvent)

            with full_disk():
                events = ask(running.port, "POST", "/events/sendgrid", body, SIGNER.headers(body))
                leaving = post(running.port, link(site, person), "List-Unsubscribe=One-Click")
                page = ask(running.port, "GET", link(site, person))

            assert (events.status, leaving.status, page.status) == (503, 503, 200)
            assert events.headers["retry-after"]
            assert rows_of(site, ProviderEvent) == kept
            assert states(site, person) == [SubscriptionState.ACTIVE]
            again = ask(running.port, "POST", "/events/sendgrid", body, SIGNER.headers(body))
            assert (again.status, post(running.port, link(site, person)).status) == (204, 200)
            assert rows_of(site, ProviderEvent) == kept + 50
            assert states(site, person) == [SubscriptionState.UNSUBSCRIBED]

    site.engine.dispose()
    figures("F6", rounds=ROUNDS, posts_refused=2 * ROUNDS, half_kept=0)


@pytest.fixture
def made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "site"
    assert run(["init", str(folder)]) == 0
    assert run(["list", "add", "weekly", "--site", str(folder)]) == 0
    return folder


@pytest.fixture
def command(made: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Return what runs a command on the site and returns its status and its complaint."""

    def ask_for(*arguments: object) -> tuple[int, str]:
        capsys.readouterr()
        status = run([*map(str, arguments), "--site", str(made)])
        return status, capsys.readouterr().err

    return ask_for


def is_one_sentence(said: str) -> bool:
    return said.count("\n") == 1 and "disk" in said and "Traceback" not in said


def test_an_import_is_refused_whole_and_done_when_there_is_room(
    made: Path, tmp_path: Path, command: Callable[..., tuple[int, str]], figures: Figures
) -> None:
    people = tmp_path / "people.csv"
    people.write_text("email\n" + "".join(f"reader{n}@example.org\n" for n in range(500)))
    importing = ("subscribers", "import", people, "--list", "weekly", "--basis", "explicit-consent")
    site = open_site(made)

    with full_disk():
        refused, said = command(*importing)

    assert refused == 1
    assert is_one_sentence(said)
    assert rows_of(site, Subscriber) == 0
    assert command(*importing)[0] == 0
    assert rows_of(site, Subscriber) == 500
    site.engine.dispose()
    figures("F6", imports=1, half_done=0)


def test_a_bulletin_stays_in_the_folder_until_there_is_room(made: Path, figures: Figures) -> None:
    site = open_site(made)
    intake = Intake(site, open_desk(site), lambda: NOON, settled_for=timedelta())
    file = site.bulletins / "nurses.txt"
    file.write_bytes(NURSES)

    with full_disk(), pytest.raises(DatabaseUnavailable, match="disk"):
        intake.look()

    assert list(site.bulletins.iterdir()) == [file]
    assert rows_of(site, Bulletin) == 0
    assert [taken.accepted for taken in intake.look()] == [True]
    assert rows_of(site, Bulletin) == 1
    site.engine.dispose()
    figures("F6", bulletins=1, half_done=0)


def test_a_backup_is_refused_and_leaves_the_last_one_alone(
    made: Path, tmp_path: Path, command: Callable[..., tuple[int, str]], figures: Figures
) -> None:
    backup = tmp_path / "backup.tar"
    assert command("backup", backup) == (0, "")
    before = backup.read_bytes()
    site = open_site(made)  # a service has the database open: else not even that has room

    with full_disk():
        refused, said = command("backup", backup)
        with pytest.raises(Problem, match="space left"):  # the site's disk has room, the other none
            back_up(site, backup, NOON)

    assert refused == 1
    assert is_one_sentence(said)
    assert backup.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar", "site"]
    assert command("backup", backup) == (0, "")
    site.engine.dispose()
    figures("F6", backups=2, half_done=0)
