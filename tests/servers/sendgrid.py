"""A server shaped like SendGrid, with the real limits and faults on command."""

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from email.header import Header
from pathlib import Path
from typing import Any, Literal

from newsletter import config
from tests.servers.process import HOST, Certificate, certificate, lines, server_process

KEY = "SG.tests-only.0123456789"


@dataclass(frozen=True)
class Mishap:
    """What the server does to a request instead of taking it."""

    status: int = 0  # 0: no answer
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    take: bool = False  # it is taken all the same
    raw: str = ""  # these bytes are sent instead of an answer
    drip: float = 0  # seconds between two of those bytes
    then: Literal["close", "silence"] = "close"
    nth: int = 0  # only the nth request from now, 1 being the first; 0: every one
    wait: float = 0  # seconds before all this
    wait_after: float = 0  # seconds between taking it, or not, and the answer
    unread: bool = False  # the connection closes before the body was read
    path: str = ""  # only what is asked under it


@dataclass(frozen=True)
class Copy:
    """One person's copy as SendGrid would make it of a request that it took."""

    address: str
    name: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    custom_args: Mapping[str, str]
    reference: str
    sender: Mapping[str, str]
    reply_to: Mapping[str, str]
    attachments: Sequence[Mapping[str, str]] = ()

    def message(self) -> bytes:
        """Return it as the mail that SendGrid writes, with a Date and a Message-ID of its own."""
        token = self.custom_args["pb_d"]
        domain = self.sender["email"].rpartition("@")[2]
        own = {
            "From": _mailbox(self.sender),
            "Reply-To": _mailbox(self.reply_to) if self.reply_to else "",
            "To": _mailbox({"email": self.address, "name": self.name}),
            "Subject": Header(self.subject, "utf-8", maxlinelen=76, header_name="Subject").encode(
                linesep="\r\n"
            ),
            "Date": "Fri, 27 Nov 2026 07:00:00 +0000",
            "Message-ID": f"<{token}@{domain}>",
            "MIME-Version": "1.0",
            "Content-Type": 'multipart/alternative; boundary="=_x"',
        }
        written = {name: value for name, value in own.items() if value} | dict(self.headers)
        head = "".join(f"{name}: {value}\r\n" for name, value in written.items())
        page = _part("html", self.html)
        if self.attachments:
            inside = page.replace("--=_x", "--=_y") + "".join(map(_attached, self.attachments))
            page = (
                '--=_x\r\nContent-Type: multipart/related; boundary="=_y"\r\n\r\n'
                f"{inside}--=_y--\r\n\r\n"
            )
        return f"{head}\r\n{_part('plain', self.text)}{page}--=_x--\r\n".encode()


@dataclass(frozen=True)
class SendGridServer:
    """A running server and its record."""

    base_url: str
    record: Path
    plan_file: Path
    certificate: Certificate | None

    def settings(self, batch_size: int = 500, hand_over_minutes: int = 0) -> config.SendGrid:
        """Return the settings that lead to this server."""
        return config.SendGrid(
            base_url=self.base_url, batch_size=batch_size, hand_over_minutes=hand_over_minutes
        )

    def plan(
        self,
        *mishaps: Mishap,
        refuse: str = "",
        choke: str = "",
        lists: Mapping[str, list[dict[str, Any]]] | None = None,
        log: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Let these mishaps hold, and a 400 for every address that holds `refuse`.

        For one that holds `choke` the 400 does not say whose fault it is.  `lists` are the
        suppression lists; `log` are messages beside those that were taken here.
        """
        plan = {
            "mishaps": [asdict(mishap) for mishap in mishaps],
            "refuse": refuse,
            "choke": choke,
            "lists": lists or {},
            "log": log,
        }
        whole = self.plan_file.with_suffix(".new")
        whole.write_text(json.dumps(plan))
        whole.replace(self.plan_file)

    def forget(self) -> None:
        """Empty the record and the plan."""
        self.record.unlink(missing_ok=True)
        self.plan()

    def requests(self) -> list[dict[str, Any]]:
        """Return path and headers of every request, taken or not."""
        return lines(self.record, "request")

    def mishaps(self) -> int:
        """Return how many requests met a mishap after they were read."""
        return len(lines(self.record, "mishap"))

    def bodies(self) -> list[dict[str, Any]]:
        """Return the body of every request that was taken."""
        return [line["body"] for line in lines(self.record, "taken")]

    def stops(self) -> dict[str, str]:
        """Return what was last said of each batch that was ever cancelled; "" for forgotten."""
        return {line["batch_id"]: line["status"] for line in lines(self.record, "stop")}

    def gone_out(self, at: datetime) -> Counter[str]:
        """Return how often each address has a copy at that moment: none that is held or stopped.

        A copy whose batch was cancelled is thrown away, whether it came before or after that.
        """
        stopped = {batch_id for batch_id, status in self.stops().items() if status}
        return Counter(
            person["to"][0]["email"]
            for body in self.bodies()
            if body.get("send_at", 0) <= at.timestamp() and body.get("batch_id") not in stopped
            for person in body["personalizations"]
        )

    def copies(self) -> list[Copy]:
        """Return every copy that was taken, its substitutions made."""
        return [
            copy
            for line in lines(self.record, "taken")
            for copy in _copies(line["body"], line["reference"])
        ]


def _copies(body: dict[str, Any], reference: str) -> Iterator[Copy]:
    text, html = (part["value"] for part in body["content"])
    for person in body["personalizations"]:
        values = person.get("substitutions", {})
        yield Copy(
            person["to"][0]["email"],
            person["to"][0].get("name", ""),
            body["subject"],
            _merge(text, values),
            _merge(html, values),
            person.get("headers", {}),
            person["custom_args"],
            reference,
            body["from"],
            body.get("reply_to", {}),
            body.get("attachments", ()),
        )


def _mailbox(person: Mapping[str, str]) -> str:
    name = Header(person["name"], "utf-8").encode(linesep="\r\n") if person.get("name") else ""
    return f"{name} <{person['email']}>".lstrip()


def _part(kind: str, text: str) -> str:
    encoded = base64.encodebytes(text.encode()).decode().replace("\n", "\r\n")
    return (
        f'--=_x\r\nContent-Type: text/{kind}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n"
    )


def _attached(one: Mapping[str, str]) -> str:
    lines = base64.encodebytes(base64.b64decode(one["content"])).decode().replace("\n", "\r\n")
    return (
        f"--=_y\r\nContent-Type: {one['type']}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-ID: <{one['content_id']}>\r\n"
        f'Content-Disposition: {one["disposition"]}; filename="{one["filename"]}"\r\n\r\n{lines}'
    )


def _merge(text: str, values: Mapping[str, str]) -> str:
    for tag, value in values.items():
        text = text.replace(tag, value)
    return text


@contextmanager
def sendgrid_server(
    folder: Path, *, encrypted: bool = False, shown: Certificate | None = None
) -> Iterator[SendGridServer]:
    """Run the server; it knows one key, `KEY`."""
    if encrypted and shown is None:
        shown = certificate(folder)
    record, plan = folder / "sendgrid.jsonl", folder / "sendgrid-plan.json"
    options = {
        "record": str(record),
        "plan": str(plan),
        "key": KEY,
        "certificate": str(shown.chain) if shown else "",
    }
    with server_process("tests.servers.sendgrid_process", options) as port:
        scheme = "https" if shown else "http"
        server = SendGridServer(f"{scheme}://{HOST}:{port}", record, plan, shown)
        server.plan()
        yield server
