"""A process: a small IMAP server (RFC 3501).  Started by `tests.servers.imap.imap_server`."""

import base64
import json
import re
import shlex
import socket
import ssl
import sys
import threading
from pathlib import Path
from typing import Any

from tests.servers.process import HOST, announce, append


class Gone(Exception):
    """The conversation is over."""


class Conversation:
    """One client."""

    def __init__(self, sock: socket.socket, options: dict[str, Any]) -> None:
        self.options = options
        self.folder = Path(options["folder"])
        self.record = str(self.folder / "imap.jsonl")
        self.encrypted = False
        self.signed_in = False
        self.take(sock)
        if options["security"] == "tls":
            self.encrypt()

    def take(self, sock: socket.socket) -> None:
        self.sock = sock
        self.file = sock.makefile("rb")

    def encrypt(self) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.options["certificate"])
        self.take(context.wrap_socket(self.sock, server_side=True))
        self.encrypted = True

    def run(self) -> None:
        """Talk until one side has enough."""
        try:
            self.say("* OK ready")
            while line := self.file.readline().decode("latin-1").rstrip("\r\n"):
                tag, _, command = line.partition(" ")
                self.obey(tag, command)
        except (Gone, OSError):
            pass
        finally:
            self.sock.close()

    def say(self, line: str, raw: bytes = b"") -> None:
        self.sock.sendall(line.encode("latin-1") + raw + b"\r\n")

    def obey(self, tag: str, command: str) -> None:
        words = command.split(" ")
        verb = words[1].upper() if words[0].upper() == "UID" else words[0].upper()
        signs_in = verb in ("LOGIN", "AUTHENTICATE")
        append(self.record, {"kind": "command", "line": verb if signs_in else command})
        if fault := json.loads((self.folder / "plan.json").read_text()).get(verb):
            self.misbehave(tag, fault)
        elif not self.signed_in and verb in ("SELECT", "SEARCH", "FETCH", "STORE"):
            self.say(f"{tag} BAD not signed in")
        else:
            getattr(self, verb.lower(), self.unknown)(tag, command)

    def misbehave(self, tag: str, fault: str) -> None:
        if fault == "cut":
            raise Gone
        self.say(f"{tag} NO not today" if fault == "refuse" else fault.replace("TAG", tag))

    def unknown(self, tag: str, _command: str) -> None:
        self.say(f"{tag} BAD what?")

    def capability(self, tag: str, _command: str) -> None:
        offers = ["IMAP4rev1"]
        if self.options["plain"]:
            offers.append("AUTH=PLAIN")
        if self.options["security"] == "starttls" and not self.encrypted:
            offers.append("STARTTLS")
        self.say(f"* CAPABILITY {' '.join(offers)}")
        self.say(f"{tag} OK done")

    def starttls(self, tag: str, _command: str) -> None:
        self.say(f"{tag} OK go ahead")
        self.encrypt()

    def authenticate(self, tag: str, _command: str) -> None:
        self.say("+ ")
        given = base64.b64decode(self.file.readline()).decode().split("\0")[1:]
        self.let_in(tag, given)

    def login(self, tag: str, command: str) -> None:
        self.let_in(tag, shlex.split(command)[1:])

    def let_in(self, tag: str, given: list[str]) -> None:
        self.signed_in = given == [self.options["username"], self.options["password"]]
        self.say(f"{tag} OK welcome" if self.signed_in else f"{tag} NO who are you?")

    def select(self, tag: str, command: str) -> None:
        if command.split(" ", 1)[1] != '"INBOX"':
            self.say(f"{tag} NO there is no such folder")
            return
        self.say(f"* {len(self.mails())} EXISTS")
        self.say(f"{tag} OK [READ-WRITE] selected")

    def search(self, tag: str, command: str) -> None:
        assert command.upper() == "UID SEARCH UNSEEN UNFLAGGED UNDELETED"
        given = self.flags()
        found = [str(at) for at in self.mails() if not given.get(at)]
        self.say("* SEARCH" + "".join(f" {at}" for at in found))
        self.say(f"{tag} OK done")

    def fetch(self, tag: str, command: str) -> None:
        found = re.fullmatch(r"UID FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", command)
        assert found is not None
        number, most = int(found[1]), int(found[2])
        if mail := self.mails().get(number):
            part = mail.read_bytes()[:most]
            self.say(f"* {number} FETCH (FLAGS ())")  # as other clients make servers say
            self.say(f"* {number} FETCH (UID {number} BODY[]<0> {{{len(part)}}}\r\n", part + b")")
        self.say(f"{tag} OK done")

    def store(self, tag: str, command: str) -> None:
        found = re.fullmatch(r"UID STORE ([\d,]+) \+FLAGS\.SILENT \((\\\w+)\)", command)
        assert found is not None
        for number in found[1].split(","):
            append(self.record, {"kind": "store", "number": int(number), "flag": found[2]})
        self.say(f"{tag} OK done")

    def logout(self, tag: str, _command: str) -> None:
        self.say("* BYE")
        self.say(f"{tag} OK done")
        raise Gone

    def mails(self) -> dict[int, Path]:
        return {int(path.name): path for path in sorted((self.folder / "mails").iterdir())}

    def flags(self) -> dict[int, list[str]]:
        given: dict[int, list[str]] = {}
        record = Path(self.record)
        for line in map(json.loads, record.read_text().splitlines() if record.exists() else []):
            if line["kind"] == "store":
                given.setdefault(line["number"], []).append(line["flag"])
        return given


def converse(sock: socket.socket, options: dict[str, Any]) -> None:
    try:
        Conversation(sock, options).run()
    except OSError:  # no agreement about TLS
        sock.close()


def main(options: dict[str, Any]) -> None:
    """Listen for ever."""
    with socket.create_server((HOST, 0)) as listener:
        announce(listener.getsockname()[1])
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=converse, args=(sock, options), daemon=True).start()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
