from sqlalchemy import Engine, select

from subscribers.database import reading, writing
from subscribers.privacy import Keys, Purpose
from subscribers.tables import MailingList
from tests.conftest import NOON


def test_a_token_opens_only_for_its_own_purpose(keys: Keys) -> None:
    token = keys.token(Purpose.UNSUBSCRIBE, 77)

    assert keys.open_token(Purpose.UNSUBSCRIBE, token) == 77
    assert keys.open_token(Purpose.PREFERENCES, token) is None


def test_a_row_written_is_read_again(engine: Engine) -> None:
    with writing(engine) as session:
        session.add(MailingList(name="weekly", title="Weekly", created_at=NOON))

    with reading(engine) as session:
        assert session.scalars(select(MailingList.created_at)).one() == NOON
