"""Processes that dispatch and can be killed: forked from one that has imported everything."""

import multiprocessing
import multiprocessing.connection
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import NamedTuple

from newsletter import config
from newsletter.config import Settings
from newsletter.dispatch.engine import Dispatcher
from newsletter.message import MessageForm, Recipient
from newsletter.providers.base import Connection, Intent, Outcome
from newsletter.providers.practice import Practice
from newsletter.providers.smtp import SmtpRelay
from subscribers.database import open_engine
from subscribers.privacy import Keys
from tests.scripted import Scripted

SITE_KEY = "5a" * 32
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


class Work(NamedTuple):
    """What a process shall do."""

    url: str
    folder: Path
    practice: bool
    failpoint: str = ""
    connections: int = 1
    turn_size: int = 5
    pause: float = 0.0  # seconds, before the provider answers
    waits: float = 10.0  # seconds that an intent, and then an answer, is good for
    smtp: config.Smtp | None = None  # a mail server instead of the record
    per_day: int | None = None


class SlowPractice(Practice):
    """The practice provider, and then a pause before its answer."""

    def __init__(self, mailbox: Path, pause: float) -> None:
        super().__init__(mailbox)
        self._pause = pause

    def connect(self) -> Connection:
        return _Slow(super().connect(), self._pause)


class _Slow:
    def __init__(self, inner: Connection, pause: float) -> None:
        self._inner = inner
        self._pause = pause
        self.close = inner.close

    def submit(
        self,
        form: MessageForm,
        recipients: Sequence[Recipient],
        intent: Intent,
        ahead: Recipient | None = None,
    ) -> list[Outcome]:
        outcomes = self._inner.submit(form, recipients, intent, ahead)
        time.sleep(self._pause)
        return outcomes


def dispatcher_for(work: Work) -> Dispatcher:
    """Return a dispatcher for the work: to the practice mailbox, or to a record of takings."""
    provider: Practice | Scripted | SmtpRelay = SlowPractice(work.folder / "mailbox", work.pause)
    if work.smtp:
        provider = SmtpRelay(work.smtp, "")
    elif not work.practice:
        provider = Scripted(work.folder / "record", after=lambda _call: time.sleep(work.pause))
    provider.connections = work.connections
    provider.turn_size = work.turn_size
    provider.answer_within = timedelta(seconds=work.waits)
    return Dispatcher(
        open_engine(work.url),
        Keys(SITE_KEY),
        Settings(provider=config.Provider(per_day=work.per_day)),
        provider,
        lambda: datetime.now(UTC),
        start_within=timedelta(seconds=work.waits),
    )


def start(work: Work) -> ForkServerProcess:
    """Start a process that works until nothing is left; return once it is about to begin."""
    ready, told = _processes.Pipe(duplex=False)
    process = _processes.Process(target=_dispatch, args=(work, told), daemon=True)
    process.start()
    ready.recv()
    return process


def _dispatch(work: Work, told: multiprocessing.connection.Connection) -> None:
    os.environ["NEWSLETTER_FAILPOINT"] = work.failpoint
    dispatcher = dispatcher_for(work)
    told.send("ready")
    dispatcher.run_once()
