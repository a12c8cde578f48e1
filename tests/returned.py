"""Mails that come back, in the shapes in which mail systems write them.  All people invented."""

from dataclasses import dataclass
from email.utils import format_datetime

from newsletter.providers.returns import sign
from subscribers.privacy import Keys, Purpose
from tests.audiences import MONDAY

RETURN_PATH = "bounces@example.org"
MIRIAM = "miriam@example.net"
ARRIVED = format_datetime(MONDAY)


@dataclass(frozen=True)
class Copy:
    """The copy that comes back."""

    token: str
    address: str = MIRIAM

    @property
    def path(self) -> str:
        """Its signed return path."""
        return sign(RETURN_PATH, self.token)

    @property
    def headers(self) -> str:
        return (
            f"Return-Path: <{self.path}>\n"
            "From: Prayer Network <prayer@example.org>\n"
            f"To: Miriam <{self.address}>\n"
            f"Message-ID: <{self.token}@example.org>\n"
            "Subject: A light by the river\n"
            'Content-Type: multipart/alternative; boundary="=_b"\n'
        )

    @property
    def whole(self) -> str:
        return (
            f"{self.headers}\n--=_b\nContent-Type: text/plain\n\nPlease pray.\n"
            "--=_b\nContent-Type: text/html\n\n<p>Please pray.</p>\n--=_b--\n"
        )


def copy_of(keys: Keys, delivery_id: int, address: str = MIRIAM) -> Copy:
    """Return the copy of one delivery of a site."""
    return Copy(keys.token(Purpose.DELIVERY, delivery_id), address)


def _report(head: str, said: str, fields: str, original: str, kind: str = "message/rfc822") -> str:
    return (
        f"{head}MIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="XX"\n\n'
        f"--XX\nContent-Type: text/plain; charset=us-ascii\n\n{said}\n\n"
        f"--XX\nContent-Type: message/delivery-status\n\n{fields}\n"
        f"--XX\nContent-Type: {kind}\n\n{original}\n--XX--\n"
    )


def postfix(
    copy: Copy,
    status: str = "5.1.1",
    said: str = "550 5.1.1 <miriam@example.net>: Recipient address rejected: User unknown",
    action: str = "failed",
    arrived: str = ARRIVED,
    final: str = "",
) -> bytes:
    """As Postfix writes it for a copy that another server refused."""
    return _report(
        "Return-Path: <>\n"
        f"X-Original-To: {copy.path}\nDelivered-To: {copy.path}\n"
        "Date: Mon, 23 Nov 2026 10:00:03 +0000 (UTC)\n"
        "From: MAILER-DAEMON@mx.example.org (Mail Delivery System)\n"
        "Subject: Undelivered Mail Returned to Sender\n"
        f"To: {copy.path}\nAuto-Submitted: auto-replied\n",
        "This is the mail system at host mx.example.org.",
        "Reporting-MTA: dns; mx.example.org\nX-Postfix-Queue-ID: 4Zx9Qq1k\n"
        f"X-Postfix-Sender: rfc822; {copy.path}\nArrival-Date: {arrived}\n\n"
        f"Final-Recipient: rfc822; {final or copy.address}\n"
        f"Original-Recipient: rfc822;{final or copy.address}\nAction: {action}\n"
        f"Status: {status}\nRemote-MTA: dns; mail.example.net\nDiagnostic-Code: smtp; {said}\n",
        copy.whole,
    ).encode()


def exim(copy: Copy) -> bytes:
    """As Exim writes it: a vague status, and the reply in a diagnostic code of many lines."""
    return _report(
        "Return-path: <>\n"
        f"Envelope-to: {copy.path.upper()}\n"
        f"X-Failed-Recipients: {copy.address}\nAuto-Submitted: auto-replied\n"
        "From: Mail Delivery System <Mailer-Daemon@mx.example.org>\n"
        f"To: {copy.path.upper()}\n"
        "Subject: Mail delivery failed: returning message to sender\n",
        "This message was created automatically by mail delivery software.",
        "Reporting-MTA: dns; mx.example.org\n\n"
        f"Action: failed\nFinal-Recipient: rfc822;{copy.address}\nStatus: 5.0.0\n"
        "Remote-MTA: dns; mail.example.net\n"
        "Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does\n"
        "\tnot exist. 550 5.1.1 https://support.example.net/?p=NoSuchUser\n",
        copy.headers,
        "text/rfc822-headers",
    ).encode()


def exchange(copy: Copy) -> bytes:
    """As Exchange writes it: mixed case, HTML, and the copy's Message-ID as the only trace."""
    return _report(
        "From: <postmaster@example.com>\nTo: <prayer@example.org>\n"
        "Subject: Undeliverable: A light by the river\n"
        "X-MS-Exchange-Message-Is-Ndr:\nAuto-Submitted: auto-replied\n",
        "Your message couldn't be delivered.",
        "Reporting-MTA: dns;AM0PR01MB1234.example.com\nReceived-From-MTA: dns;mx.example.org\n"
        f"Arrival-Date: {ARRIVED}\n\n"
        f"Final-Recipient: rfc822;{copy.address}\nAction: failed\nStatus: 5.1.10\n"
        "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by\n"
        " SMTP address lookup\n",
        copy.headers.replace(copy.path, "somebody.else@example.org"),
    ).encode()


def gmail(copy: Copy, status: str = "5.2.2", diagnostic: str = "") -> bytes:
    """As Gmail writes it, after it had taken the copy."""
    said = diagnostic or (
        "smtp; 552-5.2.2 The email account that you tried to reach is over quota.\n"
        " 552 5.2.2  https://support.example.com/mail/?p=OverQuotaPerm"
    )
    return _report(
        f"Delivered-To: {copy.path}\nReturn-Path: <>\n"
        "From: Mail Delivery Subsystem <mailer-daemon@example.com>\n"
        f"To: {copy.path}\nAuto-Submitted: auto-replied\n"
        "Subject: Delivery Status Notification (Failure)\n"
        f"References: <{copy.token}@example.org>\nIn-Reply-To: <{copy.token}@example.org>\n"
        f"X-Failed-Recipients: {copy.address}\n",
        "** Message not delivered **",
        f"Reporting-MTA: dns; example.com\nArrival-Date: {ARRIVED}\n"
        "X-Original-Message-ID: <x>\n\n"
        f"Final-Recipient: rfc822; {copy.address}\nAction: failed\nStatus: {status}\n"
        f"Diagnostic-Code: {said}\nLast-Attempt-Date: {ARRIVED}\n",
        copy.whole,
    ).encode()


def delayed(copy: Copy) -> bytes:
    """A notice that somebody keeps trying."""
    return postfix(copy, "4.4.1", "connect to mail.example.net[192.0.2.7]:25: timed out", "delayed")


def delivered(copy: Copy, action: str = "delivered") -> bytes:
    """A notice of success."""
    return postfix(copy, "2.0.0", "250 2.0.0 Ok: queued as 4Zy", action)


def beyond_ascii(copy: Copy) -> bytes:
    """A report of RFC 6533, about an address beyond ASCII."""
    return (
        postfix(copy)
        .replace(b"message/delivery-status", b"message/global-delivery-status")
        .replace(b"message/rfc822", b"message/global")
        .replace(b"rfc822; miriam", "utf-8; mirjám".encode())
    )


def complaint(copy: Copy, kind: str = "abuse") -> bytes:
    """A complaint with everything in it (RFC 5965), as a large receiver sends it."""
    return (
        "From: <feedback@arf.example.com>\nTo: <abuse@example.org>\n"
        "Subject: FW: A light by the river\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="YY"\n\n'
        "--YY\nContent-Type: text/plain\n\nThis is an email abuse report.\n\n"
        "--YY\nContent-Type: message/feedback-report\n\n"
        f"Feedback-Type: {kind}\nUser-Agent: Feedback/1.0\nVersion: 1\n"
        f"Original-Mail-From: <{copy.path}>\nOriginal-Rcpt-To: <{copy.address}>\n"
        f"Arrival-Date: {ARRIVED}\nReported-Domain: example.org\n\n"
        f"--YY\nContent-Type: message/rfc822\nContent-Disposition: inline\n\n{copy.whole}\n--YY--\n"
    ).encode()


def complaint_without_people(copy: Copy) -> bytes:
    """A complaint whose people were taken out: only the Message-ID is left."""
    return (
        complaint(copy)
        .replace(copy.path.encode(), b"redacted")
        .replace(b"Original-Mail-From: <redacted>\n", b"")
        .replace(copy.address.encode(), b"redacted@example.net")
        .replace(b"message/rfc822", b"text/rfc822-headers")
    )


def qmail(copy: Copy, said: str = "Sorry, no mailbox here by that name. (#5.1.1)") -> bytes:
    """As qmail writes it, for people only."""
    return (
        f"Delivered-To: {copy.path}\nFrom: MAILER-DAEMON@mx.example.net\nTo: {copy.path}\n"
        "Subject: failure notice\n\n"
        "Hi. This is the qmail-send program at mx.example.net.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        f"<{copy.address}>:\n{said}\n\n"
        f"--- Below this line is a copy of the message.\n\n{copy.whole}"
    ).encode()


def old_exim(copy: Copy, said: str = "550 No such person here: user unknown") -> bytes:
    """As Exim wrote it before it knew reports."""
    return (
        f"Envelope-to: {copy.path}\nX-Failed-Recipients: {copy.address}\n"
        "Auto-Submitted: auto-replied\nFrom: Mail Delivery System <Mailer-Daemon@mx.example.net>\n"
        f"To: {copy.path}\nSubject: Mail delivery failed: returning message to sender\n\n"
        "A message that you sent could not be delivered to one or more of its recipients.\n\n"
        f"  {copy.address}\n    SMTP error from remote mail server after RCPT TO:\n    {said}\n\n"
        "------ This is a copy of the message, including all the headers. ------\n\n"
        f"{copy.whole}"
    ).encode()


def warning(copy: Copy) -> bytes:
    """A delay notice for people only."""
    return old_exim(
        copy,
        "451 4.7.1 try again later\n\nNo action is required on your part. We will keep trying.",
    )


def out_of_office(copy: Copy, how: str = "Auto-Submitted: auto-replied") -> bytes:
    """Somebody's holiday, sent to the return path; with a telephone number."""
    return (
        f"Return-Path: <>\nDelivered-To: {copy.path}\nFrom: Miriam <{copy.address}>\n"
        f"To: {copy.path}\nSubject: Away: A light by the river\n{how}\n\n"
        "I am away until Monday. Ring 555 010 4477, room 5.1.1.\n"
    ).encode()


def letter(copy: Copy) -> bytes:
    """Somebody who answers to the return path, by hand."""
    return (
        f"Delivered-To: {copy.path}\nFrom: Miriam <{copy.address}>\nTo: {copy.path}\n"
        "Subject: Re: A light by the river\n\nThank you. We prayed.\n"
    ).encode()


def garbage() -> bytes:
    """Bytes that are no mail at all."""
    return bytes(range(256)) * 40


def deeply_nested(copy: Copy) -> bytes:
    """Parts in parts in parts, around a report."""
    inner = postfix(copy)
    for depth in range(300):
        head = f'Content-Type: multipart/mixed; boundary="n{depth}"\n\n--n{depth}\n'.encode()
        inner = head + inner
    return inner


def mails_in_mails(copy: Copy) -> bytes:
    """Mails as the bodies of mails, without any boundary."""
    return b"Content-Type: message/rfc822\n\n" * 5000 + postfix(copy)


def huge(copy: Copy) -> bytes:
    """A report with a copy of 5 MB behind it."""
    return (
        postfix(copy).replace(b"Please pray.", b"Please pray. " * 80 + b"\n", 1) + b"x" * 5_000_000
    )
