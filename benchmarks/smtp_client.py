"""The SMTP client by itself, without a database, beside what one would use instead.

    .venv/bin/python benchmarks/smtp_client.py [--messages 3000] [--rounds 3] [--sessions 10]

Everybody sends to Debian's `smtp-sink` on loopback, in turns, three times; the table holds the
medians: messages a second, our own CPU time for each, and how many times faster the product
is.  `smtp-source` is written in C and sends the same bytes to everybody.  Then the same at 50
ms for each reply, to a server of our own: there only round trips count.

The product, smtplib and aiosmtplib get the same finished bytes; Django renders and builds each
message, and the naive script also styles it and opens a connection for it.

Needs smtp-sink and smtp-source: apt-get install postfix (it need not run).
"""

import argparse
import asyncio
import logging
import os
import resource
import shutil
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import aiosmtplib
import django
import jinja2
import premailer
from django.conf import settings as django_settings
from django.core import mail

from newsletter import config
from newsletter.message import Envelope, Identity, MessageForm, Recipient, bulletin_form
from newsletter.providers.base import Answer, Intent, boot_clock
from newsletter.providers.smtp import SmtpRelay
from newsletter.rendering import RenderedEmail, Shell, Slot

HOST = "127.0.0.1"
SENDER = "prayer@example.org"
REPLY_SECONDS = 0.05
ANSWERS = {
    b"EHLO": b"250-slow\r\n250 PIPELINING\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}
SENTENCE = "The families in the valley met again this week, and the children sang. "
PAGE = """<!DOCTYPE html><html><head><title>{{ title }}</title><style>
body { margin: 0; background-color: #f3f1ec; font-family: Arial, sans-serif; }
h1 { font-size: 28px; color: #17384d; } p { margin: 0 0 18px; font-size: 17px; }
a { color: #0b5a86; } @media (max-width: 520px) { h1 { font-size: 25px; } }
</style></head><body><h1>{{ title }}</h1><p>Dear {{ name }},</p>
{% for text in paragraphs %}<p>{{ text }}</p>
{% endfor %}<p><a href="{{ url }}">Unsubscribe</a></p></body></html>"""

People = Sequence[Recipient]
Send = Callable[[int, MessageForm, People, int], None]
"""Called with the port, the edition, whom to send to and how many sessions."""


# --- the product ----------------------------------------------------------------------


def product(port: int, form: MessageForm, people: People, sessions: int) -> None:
    """Hand over one message for each intent, as the dispatcher does."""
    relay = SmtpRelay(config.Smtp(host=HOST, port=port, security="none", connections=sessions), "")

    def one_session(share: People) -> None:
        connection = relay.connect()
        for person, following in zip(share, [*share[1:], None], strict=True):
            now = boot_clock()
            intent = Intent(0, now + 10, now + 700)
            [outcome] = connection.submit(form, [person], intent, following)
            if outcome.answer is not Answer.ACCEPTED:
                raise RuntimeError(outcome.sentence)
        connection.close()

    in_threads(one_session, people, sessions)


# --- what one would use instead -------------------------------------------------------


def smtplib_kept(port: int, form: MessageForm, people: People, sessions: int) -> None:
    """Send finished bytes with smtplib, on connections that stay open."""

    def one_session(share: People) -> None:
        with smtplib.SMTP(HOST, port, "localhost") as client:
            for person in share:
                client.sendmail(SENDER, [person.address], form.copy_for(person))

    in_threads(one_session, people, sessions)


def aiosmtplib_kept(port: int, form: MessageForm, people: People, sessions: int) -> None:
    """Send finished bytes with aiosmtplib, on connections that stay open."""

    async def one_session(share: People) -> None:
        client = aiosmtplib.SMTP(hostname=HOST, port=port, use_tls=False, start_tls=False)
        async with client:
            for person in share:
                await client.sendmail(SENDER, [person.address], form.copy_for(person))

    async def all_sessions() -> None:
        await asyncio.gather(*(one_session(share) for share in shares(people, sessions)))

    asyncio.run(all_sessions())


def django_mail(port: int, form: MessageForm, people: People, sessions: int) -> None:
    """Render each page and let Django send them, a connection for each hundred."""
    page = jinja2.Environment(autoescape=True).from_string(PAGE)
    paragraphs = form.email.text.literals[1].split("\n\n")

    def message_for(person: Recipient) -> mail.EmailMultiAlternatives:
        message = mail.EmailMultiAlternatives(
            form.subject, "\n\n".join(paragraphs), SENDER, [person.address]
        )
        html = page.render(
            title=form.subject, name=person.name, paragraphs=paragraphs, url=person.unsubscribe_url
        )
        message.attach_alternative(html, "text/html")
        return message

    def one_session(share: People) -> None:
        for at in range(0, len(share), 100):
            backend = mail.get_connection(host=HOST, port=port)
            backend.send_messages([message_for(person) for person in share[at : at + 100]])

    in_threads(one_session, people, sessions)


def naive(port: int, form: MessageForm, people: People, _sessions: int) -> None:
    """Do what a script does: render, style, build and connect for everyone anew."""
    paragraphs = form.email.text.literals[1].split("\n\n")
    for person in people:
        html = (
            jinja2.Environment(autoescape=True)
            .from_string(PAGE)
            .render(
                title=form.subject,
                name=person.name,
                paragraphs=paragraphs,
                url=person.unsubscribe_url,
            )
        )
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"] = SENDER, person.address
        message["Subject"] = form.subject
        message.set_content("\n\n".join(paragraphs))
        message.add_alternative(premailer.transform(html), subtype="html")
        with smtplib.SMTP(HOST, port, "localhost") as client:
            client.send_message(message)


def smtp_source(port: int, form: MessageForm, people: People, sessions: int) -> None:
    """Run Debian's load generator: as many bytes, the same for everybody."""
    size = len(form.copy_for(people[0]))
    command = ["smtp-source", "-d", "-s", str(sessions), "-m", str(len(people)), "-l", str(size)]
    addresses = ["-f", SENDER, "-t", "reader@example.net", f"{HOST}:{port}"]
    subprocess.run([*command, *addresses], check=True)


# --- measuring ------------------------------------------------------------------------


@dataclass(frozen=True)
class Sender:
    """One row of the table."""

    name: str
    send: Send
    share: float = 1.0  # of the messages: the slow ones need not send them all


SENDERS = (
    Sender("the product", product),
    Sender("smtp-source (C)", smtp_source),
    Sender("smtplib, kept open", smtplib_kept, 0.3),
    Sender("aiosmtplib, kept open", aiosmtplib_kept, 0.3),
    Sender("Django send_messages", django_mail, 0.1),
    Sender("naive script", naive, 0.03),
)


def in_threads(work: Callable[[People], None], people: People, sessions: int) -> None:
    """Give each of `sessions` threads its share."""
    errors: list[BaseException] = []

    def guarded(share: People) -> None:
        try:
            work(share)
        except BaseException as error:  # noqa: BLE001  raised by the thread that waits
            errors.append(error)

    threads = [
        threading.Thread(target=guarded, args=(share,)) for share in shares(people, sessions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def shares(people: People, sessions: int) -> list[People]:
    """Return the people in as many parts."""
    return [people[no::sessions] for no in range(min(sessions, len(people)))]


def edition(size: int) -> MessageForm:
    """Return an edition whose every copy has about `size` bytes on the wire."""
    envelope = Envelope(
        "bulletin",
        Identity("Prayer Network", SENDER, None, "https://prayer.example.org"),
        *(False, "weekly", "Weekly Prayer", 1, 1),
    )
    paragraphs = [SENTENCE.strip()]
    while True:
        text = "\n\n".join(paragraphs)
        html = "".join(f"<p>{paragraph}</p>\n" for paragraph in paragraphs)
        slots = (Slot.GREETING, Slot.UNSUBSCRIBE, Slot.PREFERENCES)
        email = RenderedEmail(
            "Harvest in the hills",
            Shell(
                ("<html><body><p>", f"</p>{html}<a href='", "'>x</a> <a href='", "'>y</a>"), slots
            ),
            Shell(("", text, "\n", "\n"), slots),
            "en",
        )
        form = bulletin_form(email, envelope, datetime.now(UTC))
        if len(form.copy_for(reader(1))) >= size:
            return form
        paragraphs.append(SENTENCE * 3)


def reader(no: int) -> Recipient:
    """Return an invented person."""
    token = f"A{no:022}"
    links = (f"https://prayer.example.org/{way}/{token}" for way in "up")
    return Recipient(no, token, f"reader{no}@example.net", "Miriam", *links)


def measure(
    sender: Sender, port: int, form: MessageForm, people: People, sessions: int
) -> tuple[float, float]:
    """Return messages a second and microseconds of CPU for each message."""
    some = people[: max(sessions, int(len(people) * sender.share))]
    start, busy = time.perf_counter(), cpu_seconds()
    sender.send(port, form, some, sessions)
    seconds, busy = time.perf_counter() - start, cpu_seconds() - busy
    return len(some) / seconds, busy / len(some) * 1e6


def cpu_seconds() -> float:
    """Return the CPU time of this process and of those it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def table(
    senders: Sequence[Sender], port: int, size: int, people: People, sessions: int, rounds: int
) -> None:
    """Measure in turns and print the medians; each ratio is the median of those of a round."""
    form = edition(size)
    for sender in senders:
        measure(sender, port, form, people[:sessions], sessions)  # imports, caches, connections
    found = [
        [measure(sender, port, form, people, sessions) for sender in senders] for _ in range(rounds)
    ]
    print(f"\n{len(form.copy_for(people[0])):,} bytes a message, {sessions} sessions")
    print(f"{'':<24}{'messages/s':>12}{'CPU us':>10}{'product':>12}{'CPU':>9}")
    for at, sender in enumerate(senders):
        rates, costs = zip(*(row[at] for row in found), strict=True)
        ratio = statistics.median(row[0][0] / row[at][0] for row in found)
        less = statistics.median(row[at][1] / row[0][1] for row in found)
        print(
            f"{sender.name:<24}{statistics.median(rates):>12,.0f}{statistics.median(costs):>10,.0f}"
            f"{ratio:>11.2f}x{less:>8.1f}x"
        )


# --- servers --------------------------------------------------------------------------


@contextmanager
def smtp_sink(folder: Path) -> Iterator[int]:
    """Run smtp-sink and give its port."""
    (folder / "main.cf").write_text("inet_protocols = ipv4\n")
    os.environ["MAIL_CONFIG"] = str(folder)
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    with running(["smtp-sink", *user, f"{HOST}:{port}", "200"], port):
        yield port


@contextmanager
def slow_server() -> Iterator[int]:
    """Run a server that is 50 ms away, and give its port."""
    port = free_port()
    with running([sys.executable, __file__, "--slow-server", str(port)], port):
        yield port


@contextmanager
def running(command: Sequence[str], port: int) -> Iterator[None]:
    """Run a server, wait until it listens, and end it afterwards."""
    with subprocess.Popen(command) as process:
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex((HOST, port)) == 0:
                        break
                time.sleep(0.05)
            yield
        finally:
            process.kill()


def free_port() -> int:
    """Return a port that nobody uses at this moment."""
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def serve_slowly(port: int) -> None:
    """Take everything; whatever arrives together is answered together, 50 ms later."""
    with socket.create_server((HOST, port), backlog=200) as listener:
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=converse_slowly, args=(sock,), daemon=True).start()


def converse_slowly(sock: socket.socket) -> None:
    """Talk to one client until it leaves."""
    heard, in_data, said = b"", False, b"220 slow ESMTP\r\n"
    with sock, suppress(OSError):
        while True:
            if said:
                time.sleep(REPLY_SECONDS)
                sock.sendall(said)
            if not (more := sock.recv(1 << 20)):
                return
            heard, in_data, said = understood(heard + more, in_data)


def understood(heard: bytes, in_data: bool) -> tuple[bytes, bool, bytes]:
    """Return what is left of the input, whether it belongs to a message, and the answers."""
    said = b""
    while True:
        before, end, rest = heard.partition(b"\r\n.\r\n" if in_data else b"\r\n")
        if not end:
            return heard, in_data, said
        heard = rest
        if in_data:
            in_data, answer = False, b"250 ok\r\n"
        else:
            in_data = before.upper() == b"DATA"
            answer = ANSWERS.get(before[:4].upper(), b"250 ok\r\n")
        said += answer


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=3000, help="for the fastest; others less")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--slow-server", type=int, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.slow_server:
        serve_slowly(wanted.slow_server)
    logging.disable()
    django_settings.configure(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend")
    django.setup()
    people = [reader(no) for no in range(wanted.messages)]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    if shutil.which("smtp-sink") is None:
        print("smtp-sink is not installed (apt-get install postfix): only the slow server is used.")
    else:
        with tempfile.TemporaryDirectory() as folder, smtp_sink(Path(folder)) as port:
            Path(folder).chmod(0o755)
            for size in (5_000, 30_000):
                table(SENDERS, port, size, people, wanted.sessions, wanted.rounds)
    with slow_server() as port:
        print(f"\nat {REPLY_SECONDS * 1000:.0f} ms for each reply; the goal is 3.5 times smtplib")
        slow = [
            Sender("the product", product),
            Sender("smtplib, kept open", smtplib_kept, 0.3),
            Sender("aiosmtplib, kept open", aiosmtplib_kept, 0.3),
            Sender("naive script", naive, 0.03),
        ]
        table(slow, port, 30_000, people[:600], wanted.sessions, wanted.rounds)


if __name__ == "__main__":
    main()
