"""What people would use instead: the same message to the same sink."""

import asyncio
import os
import smtplib
import subprocess
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import jinja2
import premailer
from sinks import HOST, find_postfix, postfix_environment

from newsletter.message import Recipient

SENDER = "prayer@example.org"
_USUAL = """<html><head><style>
body { font-family: Georgia, serif; color: #222 } p { margin: 0 0 16px; line-height: 1.5 }
h1 { font-size: 24px } .small { font-size: 12px; color: #666 }
</style></head><body><h1>{{ title }}</h1><p>Dear {{ name }},</p>
{% for paragraph in paragraphs %}<p>{{ paragraph }}</p>{% endfor %}
<p class="small"><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>"""


class Story:
    """The text of the mail, and the template that a script would fill with it."""

    def __init__(self, paragraphs: Sequence[str]) -> None:
        self._paragraphs = paragraphs
        self._page = jinja2.Environment(autoescape=True).from_string(_USUAL)

    def page_for(self, person: Recipient) -> str:
        """Return the page as Jinja gives it."""
        return self._page.render(
            title="Pray with us this week",
            name=person.name,
            paragraphs=self._paragraphs,
            unsubscribe_url=person.unsubscribe_url,
        )

    def text(self) -> str:
        """Return the plain part."""
        return "\n\n".join(self._paragraphs)


def naive(port: int, people: Sequence[Recipient], story: Story) -> None:
    """Jinja, premailer, EmailMessage and a new connection for everyone."""
    for person in people:
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"] = SENDER, person.address
        message["Subject"] = "Pray with us this week"
        message.set_content(story.text())
        message.add_alternative(premailer.transform(story.page_for(person)), subtype="html")
        with smtplib.SMTP(HOST, port) as server:
            server.send_message(message)


def django(port: int, people: Sequence[Recipient], story: Story) -> None:
    """Django's send_messages: a page for everyone, a connection for a hundred."""
    from django.conf import settings
    from django.core.mail import EmailMultiAlternatives, get_connection

    if not settings.configured:
        settings.configure(EMAIL_HOST=HOST, DEFAULT_CHARSET="utf-8", USE_TZ=True)
    for first in range(0, len(people), 100):
        mails = []
        for person in people[first : first + 100]:
            mail = EmailMultiAlternatives(
                "Pray with us this week", story.text(), SENDER, [person.address]
            )
            mail.attach_alternative(story.page_for(person), "text/html")
            mails.append(mail)
        backend = "django.core.mail.backends.smtp.EmailBackend"
        get_connection(backend, host=HOST, port=port).send_messages(mails)


def aiosmtplib(port: int, people: Sequence[Recipient], body: bytes, connections: int) -> None:
    """Send finished bytes by aiosmtplib on several connections."""
    from aiosmtplib import SMTP as Client  # noqa: N811

    async def converse(share: Sequence[Recipient]) -> None:
        async with Client(hostname=HOST, port=port, start_tls=False) as client:
            for person in share:
                await client.sendmail(SENDER, [person.address], body)

    async def all_at_once() -> None:
        await asyncio.gather(*(converse(people[no::connections]) for no in range(connections)))

    asyncio.run(all_at_once())


def smtplib_kept(port: int, people: Sequence[Recipient], body: bytes) -> None:
    """Send finished bytes by smtplib on one connection."""
    with smtplib.SMTP(HOST, port) as server:
        for person in people:
            server.sendmail(SENDER, [person.address], body)


def smtp_source(folder: Path, port: int, count: int, size: int, connections: int) -> float | None:
    """Run Postfix's generator; return its seconds of processor time, None if it is missing."""
    program = find_postfix("smtp-source")
    if program is None:
        return None
    before = os.times()
    command = [program, "-d", "-s", str(connections), "-m", str(count), "-l", str(size)]
    command += ["-f", SENDER, "-t", "person1@example.org", f"{HOST}:{port}"]
    subprocess.run(command, env=postfix_environment(folder), check=True)
    after = os.times()
    used = after.children_user - before.children_user
    return used + after.children_system - before.children_system
