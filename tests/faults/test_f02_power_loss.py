"""F2: the power goes while mail is on the way, at any write or sync.

The whole dispatcher runs on a disk that forgets what was not synced.  At each cut the image of
the disk is opened as after a restart, beside the record of that moment, and the issue is
finished: whose intent was lost is handed over twice.
"""

import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from newsletter import original
from newsletter.config import Settings
from newsletter.dispatch.engine import Dispatcher
from newsletter.tables import Delivery, DeliveryState
from subscribers.database import open_engine, reading
from tests.audiences import address_of
from tests.faults.figures import Figures
from tests.faults.oracle import KEYS, prepare
from tests.faults.power import Disk, Image
from tests.faults.sizes import SIZE, count, dice
from tests.scripted import Scripted

pytestmark = pytest.mark.fault("F2")


@pytest.fixture(autouse=True)
def same_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The images stand for one and the same disk; that ours lie elsewhere makes no copies of them.

    Otherwise the product would refuse to send from a database that knows less than its witness.
    """
    monkeypatch.setattr(original, "_told_by", lambda *_seen: None)


PEOPLE = count(40, 120)
CUTS = count(5, 60, 300)


@dataclass
class After:
    """What a restart finds and does after one cut."""

    is_whole: bool
    handed_over: int  # at the cut
    forgotten: int  # of those, whose intent is lost
    twice: int  # in the record when the issue is finished


def cuts_of(url: str, folder: Path, journal: str, synchronous: str) -> list[After]:
    """Run an issue on the forgetful disk; return what a restart would find at each cut."""
    prepare(url, PEOPLE)
    record = folder / "record"
    images: list[tuple[Image, str]] = []

    def at_cut(image: Image) -> None:
        # The thread that commits is in here, so nothing of what it now writes has been sent.
        witnesses = {path.name: path.read_bytes() for path in folder.glob("*.witness.*")}
        images.append((image | witnesses, record.read_text() if record.exists() else ""))

    # A person costs about six writes and syncs, so this is three times what is needed.
    disk = Disk(dice("F2", journal, synchronous), CUTS / (2 * PEOPLE), CUTS, at_cut)
    engine = disk.engine(folder / "newsletter.db", journal, synchronous)
    disk.armed = True
    dispatch(engine, record)
    disk.armed = False
    engine.dispose()
    assert len(images) > CUTS // 2
    again = folder / "again"
    again.mkdir()
    restarted = open_engine(f"sqlite:///{again / 'newsletter.db'}")
    return [after(restarted, again, image, taken) for image, taken in images]


def dispatch(engine: Engine, record: Path) -> None:
    provider = Scripted(record, connections=2, turn_size=1)
    Dispatcher(engine, KEYS, Settings(), provider, lambda: datetime.now(UTC)).run_once()


def after(engine: Engine, folder: Path, image: Image, taken: str) -> After:
    engine.dispose()
    shutil.rmtree(folder)
    folder.mkdir()
    for name, content in image.items():
        (folder / name).write_bytes(content)
    record = folder / "record"
    record.write_text(taken)
    with reading(engine) as session:
        whole = session.connection().exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        intended = session.scalars(
            select(Delivery.subscriber_id).where(Delivery.state != DeliveryState.PENDING)
        ).all()
    dispatch(engine, record)
    copies = Counter(record.read_text().split())
    assert len(copies) <= PEOPLE
    return After(
        whole,
        handed_over=len(taken.split()),
        forgotten=len(set(taken.split()) - {address_of(number) for number in intended}),
        twice=sum(number > 1 for number in copies.values()),
    )


def note(figures: Figures, found: list[After]) -> None:
    figures(
        "F2",
        cuts=len(found),
        handed_over=sum(one.handed_over for one in found),
        damaged=sum(not one.is_whole for one in found),
        intents_lost=sum(one.forgotten for one in found),
        twice=sum(one.twice for one in found),
    )


def test_a_power_cut_loses_no_intent(sqlite_url: str, tmp_path: Path, figures: Figures) -> None:
    found = cuts_of(sqlite_url, tmp_path, "WAL", "FULL")  # what `open_engine` asks for

    note(figures, found)
    assert sum(one.handed_over for one in found) > 0
    assert all(one.is_whole for one in found)
    assert sum(one.forgotten for one in found) == 0
    assert sum(one.twice for one in found) == 0


def test_a_disk_that_syncs_less_would_lose_them(
    sqlite_url: str, tmp_path: Path, figures: Figures
) -> None:
    found = cuts_of(sqlite_url, tmp_path, "WAL", "NORMAL")

    note(figures, found)
    assert sum(one.forgotten for one in found) > 0
    assert sum(one.twice for one in found) > 0


@pytest.mark.skipif(SIZE == "sample", reason="for comparison only: the product never runs so")
@pytest.mark.parametrize("synchronous", ["EXTRA", "FULL"])
def test_the_older_journal(
    sqlite_url: str, tmp_path: Path, figures: Figures, synchronous: str
) -> None:
    found = cuts_of(sqlite_url, tmp_path, "DELETE", synchronous)

    note(figures, found)
    assert all(one.is_whole for one in found)
    assert synchronous == "FULL" or sum(one.forgotten for one in found) == 0
