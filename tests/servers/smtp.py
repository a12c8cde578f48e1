"""Two SMTP servers: aiosmtpd, which keeps the rules, and a scripted one, which breaks them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from newsletter import config
from tests.servers.process import HOST, Certificate, certificate, lines, server_process

Security = Literal["none", "starttls", "tls"]
Manner = Literal["as it comes", "one packet", "byte by byte"]
Position = Literal[
    "connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "dot", "rset"
]


@dataclass(frozen=True)
class Fault:
    """What the scripted server does instead of its duty when a conversation reaches `at`."""

    at: Position
    reply: str = ""  # sent as it is, with CRLF for every line feed; empty: nothing is said
    then: Literal["go on", "cut", "silence"] = "go on"
    take: bool = False  # at the dot: the message is taken all the same
    nth: int = 0  # only the nth time that `at` is reached, 1 being the first; 0: every time
    wait: float = 0  # seconds before all this; with no reply and "go on", the usual one follows
    to: str = ""  # only while the recipient's address holds this


@dataclass(frozen=True)
class Taken:
    """A message that the server took, with its envelope."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes  # dots unstuffed
    encrypted: bool
    user: str


@dataclass(frozen=True)
class SmtpServer:
    """A running server and its record."""

    port: int
    record: Path
    plan_file: Path
    security: Security
    username: str
    certificate: Certificate | None
    host: str = HOST

    def settings(self, connections: int = 1, messages_per_intent: int = 1) -> config.Smtp:
        """Return the settings that lead to this server."""
        return config.Smtp(
            host=self.host,
            port=self.port,
            security=self.security,
            username=self.username,
            connections=connections,
            messages_per_intent=messages_per_intent,
        )

    def taken(self) -> list[Taken]:
        """Return every message taken so far."""
        return [
            Taken(
                line["sender"],
                tuple(line["recipients"]),
                line["data"].encode("latin-1"),
                line["encrypted"],
                line["user"],
            )
            for line in lines(self.record, "message")
        ]

    def heard(self) -> list[str]:
        """Return every command line that the scripted server heard."""
        return [line["line"] for line in lines(self.record, "command")]

    def dots(self) -> list[str]:
        """Return whose final dot the scripted server read, answered or not."""
        return [line["recipient"] for line in lines(self.record, "dot")]

    def abandoned(self) -> list[tuple[str, int]]:
        """Return for whom the client left after a 354 without a dot, and how many bytes it sent."""
        left = lines(self.record, "abandoned")
        return [(line["recipient"], line["bytes"]) for line in left]

    def conversations(self) -> int:
        """Return how many conversations the scripted server had."""
        return len(lines(self.record, "connection"))

    def faults(self) -> int:
        """Return how often the scripted server did what the plan says."""
        return len(lines(self.record, "fault"))

    def ended(self) -> int:
        """Return how many conversations of the scripted server are over."""
        return len(lines(self.record, "end"))

    def plan(self, *faults: Fault, manner: Manner = "as it comes") -> None:
        """Let these faults hold for the conversations to come; counting starts anew.

        `manner`: each reply by itself, those to one group of commands together, or in bytes.
        """
        whole = self.plan_file.with_suffix(".new")
        plan = {"faults": [asdict(fault) for fault in faults], "manner": manner}
        whole.write_text(json.dumps(plan))
        whole.replace(self.plan_file)

    def forget(self) -> None:
        """Empty the record and the plan."""
        self.record.unlink(missing_ok=True)
        self.plan()


@contextmanager
def smtp_server(
    folder: Path,
    *,
    security: Security = "none",
    username: str = "",
    password: str = "",
    scripted: bool = False,
    offers: Sequence[str] = ("8BITMIME",),
    shown: Certificate | None = None,
    dead: str = "",
    maildir: Path | None = None,
) -> Iterator[SmtpServer]:
    """Run an SMTP server: aiosmtpd, or with `scripted` one that obeys `SmtpServer.plan`.

    The scripted one understands whole groups of commands, and `offers` what it is told to.
    Aiosmtpd takes what is for an address with `dead` in it, and drops a bounce into `maildir`.
    """
    if security != "none" and shown is None:
        shown = certificate(folder)
    record, plan = folder / "smtp.jsonl", folder / "smtp-plan.json"
    options = {
        "record": str(record),
        "plan": str(plan),
        "security": security,
        "certificate": str(shown.chain) if shown else "",
        "username": username,
        "password": password,
        "offers": offers,
        "dead": dead,
        "maildir": str(maildir or ""),
    }
    module = "smtp_scripted" if scripted else "smtp_aiosmtpd"
    with server_process(f"tests.servers.{module}", options) as port:
        server = SmtpServer(port, record, plan, security, username, shown)
        server.plan()
        yield server
