"""The dispatcher on real databases: what it hands over, and to whom."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from newsletter.config import Settings
from newsletter.dispatch.engine import Dispatcher
from newsletter.providers.practice import Practice
from newsletter.tables import DeliveryState
from subscribers.database import reading, writing
from subscribers.privacy import Keys
from tests.audiences import MONDAY, add_issue, add_list, add_people, states_of


def clock() -> datetime:
    return MONDAY


def practice_dispatcher(engine: Engine, keys: Keys, mailbox: Path) -> Dispatcher:
    return Dispatcher(engine, keys, Settings(), Practice(mailbox), clock)


def test_everyone_gets_one_copy(engine: Engine, keys: Keys, tmp_path: Path) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 137)
        issue_id = add_issue(session, keys, list_id)

    tally = practice_dispatcher(engine, keys, tmp_path / "mailbox").run_once()

    assert len(list((tmp_path / "mailbox/new").iterdir())) == 137
    assert tally.changes == {DeliveryState.SUBMITTED: 137}
    assert (tally.started, tally.completed, tally.left) == ([issue_id], [issue_id], 0)
    with reading(engine) as session:
        assert states_of(session, issue_id) == {DeliveryState.SUBMITTED: 137}
