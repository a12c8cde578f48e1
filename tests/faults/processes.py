"""Processes that dispatch and can be killed: forked from one that has imported everything."""

import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sqlalchemy import Engine

from newsletter import config
from newsletter.config import Settings
from newsletter.dispatch.engine import Dispatcher
from newsletter.message import MessageForm, Recipient
from newsletter.providers.base import Connection, Intent, Outcome, Provider
from newsletter.providers.practice import Practice
from newsletter.providers.sendgrid import SendGrid
from newsletter.providers.smtp import SmtpRelay
from subscribers.database import open_engine
from subscribers.privacy import Keys
from tests.contract.vendors import PASSWORD
from tests.scripted import Scripted
from tests.servers.sendgrid import KEY

SITE_KEY = "5a" * 32
Kind = Literal["practice", "record", "smtp", "sendgrid"]
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


class Work(NamedTuple):
    """What a process shall do."""

    url: str
    folder: Path
    to: Kind
    at: str = ""  # the port of the mail server, the base URL of SendGrid's
    failpoint: str = ""
    connections: int = 1
    turn_size: int = 5  # SMTP has its own
    pause: float = 0.0  # seconds, before practice or the record answers
    waits: float = 10.0  # seconds that an intent, and then an answer, is good for
    per_second: float | None = None
    per_day: int | None = None
    username: str = ""  # at the mail server
    lasts: bool = False  # until a SIGTERM; else until nothing is left
    ahead: timedelta = timedelta()  # how far its clock is ahead


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


def provider_for(work: Work) -> Provider:
    """Return the provider that leads to where the work goes."""
    if work.to == "smtp":
        relay = config.Smtp(
            host="127.0.0.1",
            port=int(work.at),
            security="none",
            username=work.username,
            connections=work.connections,
        )
        return SmtpRelay(relay, PASSWORD)
    if work.to == "sendgrid":
        account = config.SendGrid(
            base_url=work.at, batch_size=work.turn_size, connections=work.connections
        )
        return SendGrid(account, KEY)
    provider: Practice | Scripted = SlowPractice(work.folder / "mailbox", work.pause)
    if work.to == "record":
        provider = Scripted(
            work.folder / "record",
            after=lambda _call: time.sleep(work.pause),
            line=lambda recipient: f"{recipient.address} {recipient.token}",
        )
    provider.connections = work.connections
    provider.turn_size = work.turn_size
    return provider


def dispatcher_for(work: Work, engine: Engine | None = None) -> Dispatcher:
    """Return a dispatcher for the work, on an engine of its own if none is given."""
    provider = provider_for(work)
    provider.answer_within = timedelta(seconds=work.waits)
    return Dispatcher(
        engine or open_engine(work.url),
        Keys(SITE_KEY),
        Settings(provider=config.Provider(per_second=work.per_second, per_day=work.per_day)),
        provider,
        lambda: datetime.now(UTC) + work.ahead,
        start_within=timedelta(seconds=work.waits),
    )


def fork(act: Callable[..., None], *arguments: object) -> tuple[ForkServerProcess, Any]:
    """Start a process; return it and the first thing it tells through its last argument."""
    listening, told = _processes.Pipe(duplex=False)
    process = _processes.Process(target=act, args=(*arguments, told), daemon=True)
    process.start()
    told.close()  # ours: if the process ends without a word, that is heard
    return process, listening.recv()


def start(work: Work) -> ForkServerProcess:
    """Start a process that does the work; return once it is about to begin."""
    return fork(_dispatch, work)[0]


def killed(process: ForkServerProcess) -> bool:
    """End a process at once, wherever it is; return whether it still ran."""
    ran = process.exitcode is None
    process.kill()
    process.join()
    return ran


def stands_still(pid: int | None) -> bool:
    """Return whether every thread of a process has stopped: that takes a moment."""
    stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rpartition(") ")[2][0] == "T" for stat in stats)


def stop_between_two_writes(process: ForkServerProcess, database: Path) -> int:
    """Stop a process where it does not hold the one lock that all writers need."""
    assert process.pid is not None
    for _ in range(1000):
        os.kill(process.pid, signal.SIGSTOP)
        wait_for(lambda: stands_still(process.pid))
        other = sqlite3.connect(database, timeout=0, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            os.kill(process.pid, signal.SIGCONT)
            time.sleep(0.001)
        else:
            return process.pid
        finally:
            other.close()
    raise AssertionError("it writes all the time")


def wait_for(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Return when it holds; it has to."""
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "it did not come to pass"
        time.sleep(0.005)


def finish(work: Work) -> float:
    """Start again, as an operator would; return how many seconds it took to the end."""
    began = time.monotonic()
    dispatcher = dispatcher_for(work)
    dispatcher.run_once()
    dispatcher.engine.dispose()
    return time.monotonic() - began


def _dispatch(work: Work, told: multiprocessing.connection.Connection) -> None:
    os.environ["NEWSLETTER_FAILPOINT"] = work.failpoint
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    logging.basicConfig(filename=work.folder / f"log.{os.getpid()}", level=logging.INFO)
    dispatcher = dispatcher_for(work)
    told.send("ready")
    if work.lasts:
        dispatcher.run(stop)
    else:
        dispatcher.run_once(stop=stop)
