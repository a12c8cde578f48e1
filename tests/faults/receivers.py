"""Who receives the mail in these tests, and the record of each: the oracle."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.vendors import PASSWORD, Taken, from_message
from tests.faults.processes import Kind, Work
from tests.servers.sendgrid import Mishap, SendGridServer, sendgrid_server
from tests.servers.smtp import Fault, SmtpServer, smtp_server

KINDS: tuple[Kind, ...] = ("practice", "smtp", "sendgrid")


@dataclass(frozen=True)
class Receiver:
    """One who receives, and what they have."""

    to: Kind
    folder: Path
    taken: Callable[[], Counter[Taken]]
    at: str = ""
    server: SmtpServer | SendGridServer | None = None

    @property
    def repeatable(self) -> bool:
        """Whether handing over again leaves one copy."""
        return self.to == "practice"

    def work(self, url: str, **more: Any) -> Work:
        """Return work that goes here."""
        return Work(url, self.folder, self.to, self.at, **more)

    @property
    def mail(self) -> SmtpServer:
        """The mail server."""
        assert isinstance(self.server, SmtpServer)
        return self.server

    @property
    def api(self) -> SendGridServer:
        """The server shaped like SendGrid's."""
        assert isinstance(self.server, SendGridServer)
        return self.server

    def grown(self) -> int:
        """Return a number that grows with what was taken, quicker to have than the record."""
        if self.server is not None:
            return self.server.record.stat().st_size if self.server.record.exists() else 0
        record, mailbox = self.folder / "record", self.folder / "mailbox/new"
        return len(list(mailbox.glob("*"))) + (record.stat().st_size if record.exists() else 0)

    def slowly(self, seconds: float) -> None:
        """Let every answer take that long from now on, so that kills fall into calls."""
        if self.to == "smtp":
            self.mail.plan(Fault("dot", wait=seconds))
        elif self.to == "sendgrid":
            took = {"X-Message-Id": "a1b2"}
            self.api.plan(Mishap(202, took, take=True, wait_after=seconds))

    def usual(self) -> None:
        """Let everything go as it should."""
        if self.server is not None:
            self.server.plan()

    def forget(self) -> None:
        """Empty the record, and let everything go as it should."""
        if self.server is not None:
            self.server.forget()
        shutil.rmtree(self.folder / "mailbox", ignore_errors=True)
        (self.folder / "record").unlink(missing_ok=True)


@contextmanager
def receiver(
    to: Kind, folder: Path, username: str = "", offers: Sequence[str] = ("PIPELINING",)
) -> Iterator[Receiver]:
    """Run the server that `to` needs, if it needs one; with a user name, it wants a sign-in."""
    if to == "smtp":
        with smtp_server(
            folder, scripted=True, username=username, password=PASSWORD, offers=offers
        ) as mail:
            yield Receiver(to, folder, lambda: _of_mail(mail), str(mail.port), mail)
    elif to == "sendgrid":
        with sendgrid_server(folder) as api:
            yield Receiver(to, folder, lambda: _of_api(api), api.base_url, api)
    elif to == "practice":
        yield Receiver(to, folder, lambda: _of_files(folder / "mailbox/new"))
    else:
        yield Receiver(to, folder, lambda: _of_lines(folder / "record"))


def _of_mail(server: SmtpServer) -> Counter[Taken]:
    return Counter(from_message(message.data) for message in server.taken())


def _of_api(server: SendGridServer) -> Counter[Taken]:
    return Counter(Taken(copy.address, copy.custom_args["pb_d"]) for copy in server.copies())


def _of_files(mailbox: Path) -> Counter[Taken]:
    return Counter(from_message(path.read_bytes()) for path in mailbox.glob("*"))


def _of_lines(record: Path) -> Counter[Taken]:
    if not record.exists():
        return Counter()
    return Counter(Taken(*line.split()) for line in record.read_text().splitlines())
