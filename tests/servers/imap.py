"""An IMAP server with one folder, which can also break the rules."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from newsletter import config
from tests.servers.process import HOST, Certificate, certificate, lines, server_process

Security = Literal["none", "starttls", "tls"]
USERNAME, PASSWORD = "bounces@example.org", 'für "uns"'


@dataclass(frozen=True)
class ImapServer:
    """A running server, its mails and its record."""

    port: int
    folder: Path
    security: Security
    certificate: Certificate | None

    def settings(self, folder: str = "INBOX") -> config.Imap:
        """Return the settings that lead to this server."""
        return config.Imap(
            host=HOST, port=self.port, security=self.security, username=USERNAME, folder=folder
        )

    def put(self, *mails: bytes) -> None:
        """Deliver mails."""
        number = len(list((self.folder / "mails").iterdir()))
        for at, mail in enumerate(mails, start=number + 1):
            (self.folder / "mails" / f"{at:04}").write_bytes(mail)

    def flags(self) -> list[set[str]]:
        """Return the flags of each mail."""
        given: list[set[str]] = [set() for _ in (self.folder / "mails").iterdir()]
        for line in lines(self.folder / "imap.jsonl", "store"):
            given[line["number"] - 1].add(line["flag"])
        return given

    def heard(self) -> list[str]:
        """Return every command line, without what signs in."""
        return [line["line"] for line in lines(self.folder / "imap.jsonl", "command")]

    def plan(self, **faults: str) -> None:
        """Let these commands fail: `plan(FETCH="cut")`, `"refuse"`, or a line to say instead."""
        (self.folder / "plan.json").write_text(json.dumps(faults))


@contextmanager
def imap_server(
    folder: Path,
    security: Security = "none",
    *,
    plain: bool = True,
    shown: Certificate | None = None,
) -> Iterator[ImapServer]:
    """Run an IMAP server; without `plain` people sign in by LOGIN only."""
    if security != "none" and shown is None:
        shown = certificate(folder)
    (folder / "mails").mkdir()
    options = {
        "folder": str(folder),
        "security": security,
        "certificate": str(shown.chain) if shown else "",
        "username": USERNAME,
        "password": PASSWORD,
        "plain": plain,
    }
    with server_process("tests.servers.imap_scripted", options) as port:
        server = ImapServer(port, folder, security, shown)
        server.plan()
        yield server
