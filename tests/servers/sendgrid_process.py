"""A process shaped like SendGrid: `POST /v3/mail/send`, its log and its suppression lists.

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
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.servers.process import HOST, announce, append, lines

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
RESERVED = re.compile(
    r"x-sg-id|x-sg-eid|received|dkim-signature|content-type|content-transfer-encoding|to|from"
    r"|subject|reply-to|cc|bcc",
    re.IGNORECASE,
)
STOPS = "/v3/user/scheduled_sends"
LISTS = ("bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes")
SHOWN = (
    "from_email",
    "sg_message_id",
    "subject",
    "to_email",
    "reason",
    "status",
    "sg_message_id_created_at",
)
TERM = re.compile(
    r"(?P<field>categories) IN \('(?P<category>[^']+)'\)"
    r"|(?P<name>to_email) = '(?P<email>[^']+)'"
    r"|sg_message_id_created_at (?P<sign>[<>]=?) TIMESTAMP \"(?P<moment>[0-9TZ:-]+)\""
)


def holds(term: re.Match[str], message: dict[str, Any]) -> bool:
    """Tell whether a message meets one condition of a query."""
    if term["category"]:
        return term["category"] in message.get("categories", [])
    if term["email"]:
        return bool(message["to_email"] == term["email"])
    created = datetime.fromisoformat(message["sg_message_id_created_at"])
    moment = datetime.fromisoformat(term["moment"])
    signs = {
        ">": created > moment,
        "<": created < moment,
        ">=": created >= moment,
        "<=": created <= moment,
    }
    return signs[term["sign"]]


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

    def do_GET(self) -> None:
        number, plan = self.server.next_request()
        self.note({"kind": "request", "path": self.path, "headers": dict(self.headers)})
        mishap = self.mishap_in(plan, number)
        path = urlsplit(self.path)
        if mishap:
            self.misbehave(mishap, b"")
        elif not self.is_known():
            self.refuse_key()
        elif path.path.startswith("/v3/logs/"):
            self.show_message(unquote(path.path.removeprefix("/v3/logs/")), plan)
        elif path.path.startswith(STOPS + "/"):
            batch_id = path.path.removeprefix(STOPS + "/")
            found = [{"batch_id": batch_id, "status": s} for s in [self.stopped().get(batch_id)]]
            self.answer(200, {}, json.dumps([entry for entry in found if entry["status"]]))
        elif (name := path.path.removeprefix("/v3/suppression/")) in LISTS:
            self.show_list(plan["lists"].get(name, []), dict(parse_qsl(path.query)))
        else:
            self.answer(404, {}, fault_list(("Not found", None)))

    def show_list(self, entries: list[dict[str, Any]], query: dict[str, str]) -> None:
        limit, offset = int(query.get("limit", 500)), int(query.get("offset", 0))
        if not 1 <= limit <= 500:
            self.answer(400, {}, fault_list(("limit must be 1 to 500", "limit")))
            return
        since = int(query.get("start_time", 0))
        found = [entry for entry in entries if entry["created"] >= since]
        self.answer(200, {}, json.dumps(found[offset : offset + limit]))

    def show_message(self, message_id: str, plan: dict[str, Any]) -> None:
        found = [m for m in self.messages(plan) if m["sg_message_id"] == message_id]
        if not found:
            self.answer(404, {}, fault_list(("message not found", None)))
            return
        shown = {**found[0], "events": [], "api_key_id": "", "client_ip": ""}
        self.answer(200, {}, json.dumps(shown))

    def search(self, raw: bytes, plan: dict[str, Any]) -> None:
        """Answer a query of the log: no custom arguments, no pages, the newest first."""
        asked = json.loads(raw)
        terms = [TERM.fullmatch(term) for term in asked["query"].split(" AND ")]
        if not 1 <= asked["limit"] <= 1000 or not all(terms):
            self.answer(400, {}, fault_list(("invalid query", "query")))
            return
        found = [
            {name: message.get(name) for name in SHOWN}
            for message in sorted(
                self.messages(plan), key=lambda m: m["sg_message_id_created_at"], reverse=True
            )
            if all(holds(term, message) for term in terms if term)
        ]
        self.answer(200, {}, json.dumps({"messages": found[: asked["limit"]]}))

    def messages(self, plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield from plan["log"]
        for line in lines(Path(self.server.options["record"]), "taken"):
            for at, person in enumerate(line["body"]["personalizations"]):
                yield {
                    "from_email": line["body"]["from"]["email"],
                    "sg_message_id": f"{line['reference']}.filterdrecv/{at}.0",
                    "subject": line["body"]["subject"],
                    "to_email": person["to"][0]["email"],
                    "status": "processed",
                    "sg_message_id_created_at": line["at"],
                    "categories": line["body"]["categories"],
                    "custom_args": person["custom_args"],
                }

    def mishap_in(self, plan: dict[str, Any], number: int) -> dict[str, Any] | None:
        return next(
            (
                mishap
                for mishap in plan["mishaps"]
                if mishap["nth"] in (0, number) and self.path.startswith(mishap["path"])
            ),
            None,
        )

    def is_known(self) -> bool:
        return bool(self.headers["Authorization"] == f"Bearer {self.server.options['key']}")

    def refuse_key(self) -> None:
        words = "The provided authorization grant is invalid, expired, or revoked"
        self.answer(401, {}, fault_list((words, None)))

    def do_POST(self) -> None:
        number, plan = self.server.next_request()
        self.note({"kind": "request", "path": self.path, "headers": dict(self.headers)})
        mishap = self.mishap_in(plan, number)
        if mishap and mishap["unread"]:
            self.close_connection = True
            return
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        if mishap:
            self.misbehave(mishap, raw)
        elif not self.is_known():
            self.refuse_key()
        elif self.path == "/v3/logs":
            self.search(raw, plan)
        elif self.path == "/v3/mail/batch":
            batch_id = f"b{time.time_ns():x}"
            self.note({"kind": "batch", "batch_id": batch_id})
            self.answer(201, {}, json.dumps({"batch_id": batch_id}))
        elif self.path == STOPS:
            self.stop(raw)
        else:
            self.decide(raw, plan)

    def do_DELETE(self) -> None:
        number, plan = self.server.next_request()
        self.note({"kind": "request", "path": self.path, "headers": dict(self.headers)})
        if mishap := self.mishap_in(plan, number):
            self.misbehave(mishap, b"")
            return
        batch_id = self.path.removeprefix(STOPS + "/")
        known = batch_id in self.stopped()
        if known:
            self.note({"kind": "stop", "batch_id": batch_id, "status": ""})
        self.answer(204 if known else 404, {}, "")

    def stop(self, raw: bytes) -> None:
        """Keep one cancellation in mind; ten at a time, and never twice."""
        asked, stopped = json.loads(raw), self.stopped()
        known = [line["batch_id"] for line in lines(Path(self.server.options["record"]), "batch")]
        if asked["batch_id"] not in known or asked["status"] not in ("pause", "cancel"):
            self.answer(400, {}, fault_list(("invalid batch id", "batch_id")))
        elif asked["batch_id"] in stopped or len(stopped) >= 10:
            self.answer(400, {}, fault_list(("batch id already exists or maximum reached", None)))
        else:
            self.note({"kind": "stop", **asked})
            self.answer(201, {}, raw.decode())

    def stopped(self) -> dict[str, str]:
        """Return the status of each batch that is paused or cancelled now."""
        found: dict[str, str] = {}
        for line in lines(Path(self.server.options["record"]), "stop"):
            found[line["batch_id"]] = line["status"]
        return {batch_id: status for batch_id, status in found.items() if status}

    def decide(self, raw: bytes, plan: dict[str, Any]) -> None:
        if faults := list(faults_of(raw, plan["refuse"])):
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
            self.stop_unseen(raw) if self.path == STOPS else self.take(raw)
        self.note({"kind": "mishap"})
        time.sleep(mishap["wait_after"])
        if mishap["drip"]:
            for letter in mishap["raw"]:
                self.wfile.write(letter.encode())
                time.sleep(mishap["drip"])
        elif mishap["raw"]:
            self.wfile.write(mishap["raw"].encode())
        elif mishap["status"]:
            self.answer(mishap["status"], mishap["headers"], mishap["body"])
        if mishap["then"] == "silence":
            self.rfile.read()

    def stop_unseen(self, raw: bytes) -> None:
        self.note({"kind": "stop", **json.loads(raw)})

    def take(self, raw: bytes) -> str:
        reference = f"{time.time_ns():x}"
        at = datetime.now(UTC).isoformat()
        self.note({"kind": "taken", "reference": reference, "at": at, "body": json.loads(raw)})
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
