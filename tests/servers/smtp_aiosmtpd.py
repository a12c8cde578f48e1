"""A process: aiosmtpd with a record.  Started by `tests.servers.smtp.smtp_server`."""

import asyncio
import json
import ssl
import sys
import time
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.process import HOST, announce, append


class Recorder:
    """Takes everything, after writing it down."""

    def __init__(self, record: str, dead: str, maildir: str) -> None:
        self.record = record
        self.dead = dead
        self.maildir = maildir

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        number = id(envelope)
        append(
            self.record,
            {
                "kind": "message",
                "sender": envelope.mail_from,
                "recipients": envelope.rcpt_tos,
                "data": content.decode("latin-1"),
                "encrypted": session.ssl is not None,
                "user": str(session.auth_data or ""),
            },
        )
        if self.dead and self.dead in envelope.rcpt_tos[0]:
            bounce(Path(self.maildir), str(envelope.mail_from), envelope.rcpt_tos[0], content)
        return f"250 2.0.0 Ok: queued as {number:X}"


def bounce(maildir: Path, sender: str, recipient: str, content: bytes) -> None:
    """Deliver a report to the sender of a message, as a host does that finds out later."""
    head = (
        f"Return-Path: <>\nDelivered-To: {sender}\nFrom: MAILER-DAEMON@mail.example.org\n"
        f"To: {sender}\nSubject: Undelivered Mail Returned to Sender\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="XX"\n\n'
        "--XX\nContent-Type: text/plain\n\nIt could not be delivered.\n"
        "--XX\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example.org\n\n"
        f"Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown\n\n--XX\nContent-Type: message/rfc822\n\n"
    )
    name = f"{time.time_ns()}.1.mail"
    (maildir / "tmp" / name).write_bytes(head.encode() + content + b"\n--XX--\n")
    (maildir / "tmp" / name).rename(maildir / "new" / name)


async def serve(options: dict[str, Any]) -> None:
    """Listen for ever."""
    context = None
    if options["certificate"]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options["certificate"])

    def authenticate(
        _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        wanted = LoginPassword(options["username"].encode(), options["password"].encode())
        if data == wanted:
            return AuthResult(success=True, auth_data=options["username"])
        return AuthResult(success=False, handled=False)

    def conversation() -> SMTP:
        return SMTP(
            Recorder(options["record"], options["dead"], options["maildir"]),
            hostname="mail.example.org",
            tls_context=context if options["security"] == "starttls" else None,
            require_starttls=options["security"] == "starttls",
            auth_required=bool(options["username"]),
            auth_require_tls=options["security"] == "starttls",
            authenticator=authenticate if options["username"] else None,
        )

    implicit = context if options["security"] == "tls" else None
    server = await asyncio.get_running_loop().create_server(conversation, HOST, 0, ssl=implicit)
    announce(server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
