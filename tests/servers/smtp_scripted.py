"""A process: an SMTP server that breaks the rules on command.

Started by `tests.servers.smtp.smtp_server(scripted=True)`.  It reads its plan anew at each
connection: a list of `tests.servers.smtp.Fault`, and in which manner it speaks.
"""

import base64
import json
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.servers.process import HOST, announce, append

NOBODY = "554 5.5.1 no valid recipients\n"


class Gone(Exception):
    """The conversation is over."""


class Plan:
    """The faults, and how often each position was reached since they were set."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.written = ""
        self.reached: Counter[str] = Counter()
        self.lock = threading.Lock()

    def read(self) -> None:
        """Take over what the file says now."""
        with self.lock:
            written = self.path.read_text()
            mark = f"{self.path.stat().st_mtime_ns} {written}"
            if mark != self.written:
                self.written, self.reached = mark, Counter()
                plan = json.loads(written)
                self.faults: list[dict[str, Any]] = plan["faults"]
                self.manner: str = plan["manner"]

    def fault(self, at: str, recipient: str) -> dict[str, Any] | None:
        """Return the fault that holds here and now."""
        with self.lock:
            self.reached[at] += 1
            for fault in self.faults:
                due = fault["nth"] in (0, self.reached[at])
                if fault["at"] == at and due and fault["to"] in recipient:
                    return fault
        return None


class Conversation:
    """One client."""

    def __init__(self, sock: socket.socket, options: dict[str, Any], plan: Plan) -> None:
        self.sock = sock
        self.options = options
        self.plan = plan
        self.encrypted = False
        self.user = ""
        self.sender = ""
        self.recipient = ""
        self.refused = False  # the recipient
        self.read = b""  # from the client, and not understood yet
        self.unsaid = b""

    def run(self) -> None:
        """Talk until one side has enough."""
        append(self.options["record"], {"kind": "connection"})
        try:
            if self.options["security"] == "tls":
                self.encrypt()
            self.answer("connect", "220 mail.example.org ESMTP\n")
            while line := self.line():
                words = line.decode("latin-1").rstrip("\r\n")
                append(self.options["record"], {"kind": "command", "line": words})
                self.obey(words)
        except (Gone, OSError):
            pass
        finally:
            self.sock.close()
            append(self.options["record"], {"kind": "end"})

    def line(self) -> bytes:
        """Return the next line, or nothing when the client has left."""
        while b"\n" not in self.read:
            self.flush()
            try:
                more = self.sock.recv(65536)
            except ConnectionError:  # a client that leaves with answers unread resets
                return b""
            if not more:
                return b""
            self.read += more
        line, _, self.read = self.read.partition(b"\n")
        return line + b"\n"

    def obey(self, words: str) -> None:
        verb = words.split(" ")[0].upper()
        if verb == "EHLO":
            self.answer("ehlo", self.offers())
        elif verb == "STARTTLS":
            self.answer("starttls", "220 2.0.0 go ahead\n")
            self.encrypt()
        elif verb == "AUTH":
            self.sign_in(words)
        elif verb in ("MAIL", "RCPT", "DATA"):
            self.proceed(verb, words)
        elif verb == "QUIT":
            self.say("221 2.0.0 Bye\n")
            self.flush()
            raise Gone
        else:
            self.answer(verb.lower(), "250 2.0.0 Ok\n")

    def proceed(self, verb: str, words: str) -> None:
        named = words.partition("<")[2].partition(">")[0]
        if verb == "MAIL":
            self.sender = named if self.answer("mail", "250 2.1.0 Ok\n") else ""
            self.refused = True
        elif not self.sender:
            self.say("503 5.5.1 MAIL first\n")
        elif verb == "RCPT":
            self.recipient = named
            self.refused = not self.answer("rcpt", "250 2.1.5 Ok\n")
        elif self.answer("data", NOBODY if self.refused else "354 go on\n") and not self.refused:
            self.take_data()

    def offers(self) -> str:
        offers = ["mail.example.org", *self.options["offers"]]
        if self.options["security"] == "starttls" and not self.encrypted:
            offers.append("STARTTLS")
        if self.options["username"]:
            offers.append("AUTH CRAM-MD5 PLAIN LOGIN")
        return "".join(
            f"250{' ' if at == len(offers) else '-'}{offer}\n"
            for at, offer in enumerate(offers, start=1)
        )

    def sign_in(self, words: str) -> None:
        if words.upper().startswith("AUTH LOGIN"):
            given = [self.ask("VXNlcm5hbWU6"), self.ask("UGFzc3dvcmQ6")]
        else:
            given = base64.b64decode(words.split(" ")[2]).decode().split("\0")[1:]
        if given == [self.options["username"], self.options["password"]]:
            self.user = given[0]
            self.answer("auth", "235 2.7.0 Welcome\n")
        else:
            self.say("535 5.7.8 Error: authentication failed\n")

    def ask(self, question: str) -> str:
        self.say(f"334 {question}\n")
        return base64.b64decode(self.line()).decode()

    def take_data(self) -> None:
        self.fault("body")
        lines: list[bytes] = []
        while (line := self.line()) != b".\r\n":
            if not line:
                append(
                    self.options["record"],
                    {
                        "kind": "abandoned",
                        "recipient": self.recipient,
                        "bytes": len(b"".join(lines) + self.read),
                    },
                )
                raise Gone
            lines.append(line[1:] if line.startswith(b".") else line)
        append(self.options["record"], {"kind": "dot", "recipient": self.recipient})
        data = b"".join(lines).decode("latin-1")
        fault = self.plan.fault("dot", self.recipient)
        if fault is None or fault["take"] or not (fault["reply"] or fault["then"] != "go on"):
            append(
                self.options["record"],
                {
                    "kind": "message",
                    "sender": self.sender,
                    "recipients": [self.recipient],
                    "data": data,
                    "encrypted": self.encrypted,
                    "user": self.user,
                },
            )
        if fault is None or not self.misbehave(fault):
            self.say("250 2.0.0 Ok: queued as 4Zx9Qq1k\n")

    def answer(self, at: str, usual: str) -> bool:
        """Say the usual, or do what the plan says; return whether it was the usual."""
        if self.fault(at):
            return False
        self.say(usual)
        return True

    def fault(self, at: str) -> bool:
        fault = self.plan.fault(at, self.recipient)
        return fault is not None and self.misbehave(fault)

    def misbehave(self, fault: dict[str, Any]) -> bool:
        append(self.options["record"], {"kind": "fault", "at": fault["at"]})
        time.sleep(fault["wait"])
        if fault["reply"]:
            self.say(fault["reply"])
        if fault["then"] == "silence":
            self.flush()
            while self.sock.recv(65536):
                pass
        if fault["then"] != "go on" or fault["reply"].startswith("421"):
            self.flush()
            raise Gone
        return bool(fault["reply"])

    def say(self, text: str) -> None:
        self.unsaid += text.replace("\n", "\r\n").encode()
        if self.plan.manner != "one packet":
            self.flush()

    def flush(self) -> None:
        """Let out what was said: with "one packet" only when nothing is left to read."""
        said, self.unsaid = self.unsaid, b""
        if self.plan.manner == "byte by byte":
            for at in range(len(said)):
                self.sock.sendall(said[at : at + 1])
        elif said:
            self.sock.sendall(said)

    def encrypt(self) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.options["certificate"])
        self.flush()
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.encrypted = True


def main(options: dict[str, Any]) -> None:
    """Listen for ever."""
    plan = Plan(options["plan"])
    with socket.create_server((HOST, 0)) as listener:
        announce(listener.getsockname()[1])
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plan.read()
            conversation = Conversation(sock, options, plan)
            threading.Thread(target=conversation.run, daemon=True).start()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
