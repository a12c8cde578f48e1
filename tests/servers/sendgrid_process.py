"""A process shaped like SendGrid's `POST /v3/mail/send`.

Started by `tests.servers.sendgrid.sendgrid_server`.  Refuses what SendGrid's pages say that
it refuses, with its words as far as they are known.
"""

import json
import re
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.servers.process import HOST, announce, append

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
RESERVED = re.compile(
    r"x-sg-id|x-sg-eid|received|dkim-signature|content-type|content-transfer-encoding|to|from"
    r"|subject|reply-to|cc|bcc",
    re.IGNORECASE,
)


class Listener(ThreadingHTTPServer):
    """Knows the options, and counts the requests since the plan was set."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__((HOST, 0), Desk)
        self.options = options
        self.counting = threading.Lock()
        self.plan_mark = ""
        self.count = 0

    def next_request(self) -> tuple[int, dict[str, Any]]:
        """Return the number of this request under the plan, and the plan."""
        with self.counting:
            path = Path(self.options["plan"])
            written = path.read_text()
            mark = f"{path.stat().st_mtime_ns} {written}"
            if mark != self.plan_mark:
                self.plan_mark, self.count = mark, 0
            self.count += 1
            return self.count, json.loads(written)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is no news."""


class Desk(BaseHTTPRequestHandler):
    """Takes one request."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def do_POST(self) -> None:
        number, plan = self.server.next_request()
        self.note({"kind": "request", "path": self.path, "headers": dict(self.headers)})
        mishap = next((m for m in plan["mishaps"] if m["nth"] in (0, number)), None)
        if mishap and mishap["unread"]:
            self.close_connection = True
            return
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        if mishap:
            self.misbehave(mishap, raw)
        else:
            self.decide(raw, plan)

    def decide(self, raw: bytes, plan: dict[str, Any]) -> None:
        if self.headers["Authorization"] != f"Bearer {self.server.options['key']}":
            words = "The provided authorization grant is invalid, expired, or revoked"
            self.answer(401, {}, fault_list((words, None)))
        elif faults := list(faults_of(raw, plan["refuse"])):
            self.answer(400, {}, fault_list(*faults))
        elif plan["choke"] and any(
            plan["choke"] in to["email"]
            for person in json.loads(raw)["personalizations"]
            for to in person["to"]
        ):
            self.answer(400, {}, fault_list(("Bad Request", None)))
        elif json.loads(raw).get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
            self.answer(200, {}, "")
        else:
            self.answer(202, {"X-Message-Id": self.take(raw)}, "")

    def misbehave(self, mishap: dict[str, Any], raw: bytes) -> None:
        self.close_connection = True
        time.sleep(mishap["wait"])
        if mishap["take"]:
            self.take(raw)
        if mishap["raw"]:
            self.wfile.write(mishap["raw"].encode())
        elif mishap["status"]:
            self.answer(mishap["status"], mishap["headers"], mishap["body"])
        if mishap["then"] == "silence":
            self.rfile.read()

    def take(self, raw: bytes) -> str:
        reference = f"{time.time_ns():x}"
        self.note({"kind": "taken", "reference": reference, "body": json.loads(raw)})
        return reference

    def answer(self, status: int, headers: dict[str, str], body: str) -> None:
        data = body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def note(self, line: dict[str, Any]) -> None:
        append(self.server.options["record"], line)

    def log_message(self, *_: object) -> None:
        """Nothing: the record tells."""


def fault_list(*faults: tuple[str, str | None]) -> str:
    """Return SendGrid's way of saying what is wrong."""
    errors = [{"message": message, "field": field, "help": None} for message, field in faults]
    return json.dumps({"errors": errors})


def faults_of(raw: bytes, refuse: str) -> Iterator[tuple[str, str | None]]:
    """Yield message and field of what SendGrid would not take."""
    body = json.loads(raw)
    people = body.get("personalizations", [])
    if not 1 <= len(people) <= 1000:
        yield "1 to 1000 personalizations are allowed", "personalizations"
    for at, person in enumerate(people):
        yield from faults_of_person(person, f"personalizations.{at}", refuse)
    if total(people) > 50_000:
        yield "Substitutions may not exceed 50000 bytes", None
    addresses = [to["email"].lower() for person in people for to in person["to"]]
    if len(addresses) != len(set(addresses)):
        yield "Each email address should be unique", "personalizations"
    if [part["type"] for part in body.get("content", [])] != ["text/plain", "text/html"]:
        yield "text/plain comes first, then text/html", "content"
    if not body.get("subject"):
        yield "The subject is required", "subject"


def faults_of_person(
    person: dict[str, Any], field: str, refuse: str
) -> Iterator[tuple[str, str | None]]:
    for at, to in enumerate(person["to"]):
        if not ADDRESS.fullmatch(to["email"]) or (refuse and refuse in to["email"]):
            yield "Does not contain a valid address.", f"{field}.to.{at}.email"
    if total([person]) > 10_000:
        yield "Substitutions may not exceed 10000 bytes", f"{field}.substitutions"
    for name, value in person.get("headers", {}).items():
        if RESERVED.fullmatch(name) or not isinstance(value, str) or not name.isascii():
            yield f"The header {name} is not allowed", f"{field}.headers.{name}"
    if not all(value and isinstance(value, str) for value in person["custom_args"].values()):
        yield "Bad Request", None


def total(people: list[dict[str, Any]]) -> int:
    return sum(
        len(tag.encode()) + len(value.encode())
        for person in people
        for tag, value in person.get("substitutions", {}).items()
    )


def main(options: dict[str, Any]) -> None:
    """Listen for ever."""
    listener = Listener(options)
    if options["certificate"]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options["certificate"])
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
    announce(listener.server_address[1])
    listener.serve_forever()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
