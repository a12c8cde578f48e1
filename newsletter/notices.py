"""What staff are told by mail, each thing once."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.tables import Notice
from subscribers.privacy import Keys


def tell(
    session: Session,
    keys: Keys,
    key: str,
    subject: str,
    paragraphs: Sequence[str],
    now: datetime,
) -> None:
    """Write one notice; nothing happens when its key was used before."""
    if session.scalar(select(Notice.id).where(Notice.key == key)) is None:
        body = json.dumps({"subject": subject, "paragraphs": list(paragraphs)})
        sealed = keys.encrypt(body, "notice.body", key.encode())
        session.add(Notice(key=key, created_at=now, body=sealed, due_at=now))
        session.flush()
