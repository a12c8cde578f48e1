"""Mailing lists: made, renamed, found by name."""

import re
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers.errors import Problem, UnreadableInput
from subscribers.style import Style
from subscribers.tables import MailingList

LIST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


def add_list(
    session: Session, name: str, title: str | None, now: datetime, style: Style | None = None
) -> MailingList:
    """Make a list.  `name` appears in commands, folders and List-Id; `title` in mails.

    `style` is forced on all its readers; None leaves it to each of them.

    Raises:
        UnreadableInput: the name does not fit.
        Problem: it exists already.
    """
    if not LIST_NAME.fullmatch(name):
        raise UnreadableInput(
            f"The list name {name!r} does not fit: use 1 to 40 of a-z, 0-9 and -, for example "
            "weekly-prayer."
        )
    if session.scalar(select(MailingList.id).where(MailingList.name == name)) is not None:
        raise Problem(f"There is a list {name} already: choose another name, or change that one.")
    titled_as = titled(name if title is None else title)
    made = MailingList(name=name, title=titled_as, created_at=now, style=style)
    session.add(made)
    session.flush()
    return made


def titled(title: str) -> str:
    """Return a title that fits a mail header: one line of 1 to 200 characters.

    Raises:
        UnreadableInput: it is empty, too long, or holds control characters.
    """
    title = title.strip()
    if not title or len(title) > 200 or any(ord(c) < 32 for c in title):
        raise UnreadableInput("A list's title is one line of 1 to 200 characters.")
    return title


def find_list(session: Session, name: str | None) -> MailingList:
    """Return the list called `name`; without a name, the only one there is.

    Raises:
        UnreadableInput: no such list (those there are get named), or there are several.
    """
    lists = session.scalars(select(MailingList).order_by(MailingList.name)).all()
    if not lists:
        raise UnreadableInput("There is no list yet: make one with newsletter list add NAME.")
    names = ", ".join(each.name for each in lists)
    if name is None:
        if len(lists) > 1:
            raise UnreadableInput(f"There are several lists: name one with --list ({names}).")
        return lists[0]
    for each in lists:
        if each.name == name:
            return each
    raise UnreadableInput(f"There is no list {name}: there is {names}.")
