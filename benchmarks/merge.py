"""What one person's copy costs: merge, complete message, ready for SMTP, signed; the usual way.

    .venv/bin/python benchmarks/merge.py [--kilobytes 26] [--photo 200]

Prints microseconds for each recipient and the ratio to rendering with Jinja, styling with
premailer and building an `EmailMessage` for everyone.
"""

import argparse
import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

import jinja2
import premailer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from newsletter.bulletin import Bulletin, Paragraph, PointKind, PrayerPoint
from newsletter.message import Envelope, Identity, Recipient, bulletin_form
from newsletter.providers.smtp import Signer
from newsletter.providers.smtp.dkim import SigningKey
from newsletter.rendering import Look, Photo, Templates, html_bytes, merge, render
from newsletter.site import shipped_templates

SENTENCE = "The families in the valley met again this week, and the children sang. "
# What a user would write without this product: one small template, for everyone anew.
USUAL = """<!DOCTYPE html><html><head><title>{{ title }}</title><style>
body { margin: 0; background-color: #f3f1ec; font-family: Arial, sans-serif; }
h1 { font-size: 28px; color: #17384d; } p { margin: 0 0 18px; font-size: 17px; }
a { color: #0b5a86; } ul { padding-left: 24px; } li { margin: 0 0 16px; }
@media (max-width: 520px) { h1 { font-size: 25px; } }
</style></head><body><h1>{{ title }}</h1><p>Dear {{ name }},</p>
{% for text in paragraphs %}<p>{{ text }}</p>
{% endfor %}<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>"""
LOOK = Look("Prayer Network", "1 Example Street", "Weekly Prayer", "https://prayer.example.org", "")


def bulletin_of(paragraphs: int) -> Bulletin:
    """Return an invented bulletin."""
    point = PrayerPoint(
        "Pray for the valley. Snow has come.", "Pray for the valley.", PointKind.PETITION, 9
    )
    return Bulletin(
        title="Harvest in the hills",
        language="en",
        direction="ltr",
        summary=SENTENCE.strip(),
        blocks=tuple(Paragraph(SENTENCE * 5, no) for no in range(paragraphs)),
        points=(point,) * 3,
        scriptures=(),
        lines=(),
    )


def microseconds(act: Callable[[int], object], times: int) -> float:
    """Return the best of five rounds, for each call."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for no in range(times):
            act(no)
        best = min(best, time.perf_counter() - start)
    return best / times * 1e6


def recipient(no: int) -> Recipient:
    """Return an invented person."""
    token = f"A{no:022}"
    return Recipient(
        no,
        token,
        f"reader{no}@example.org",
        "Zoë Ångström" if no % 2 else "Miriam",
        f"https://prayer.example.org/u/{token}",
        f"https://prayer.example.org/p/{token}",
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kilobytes", type=int, default=26, help="size of the HTML part")
    parser.add_argument("--photo", type=int, default=0, help="kilobytes of a photo, 0 for none")
    given = parser.parse_args()
    wanted = given.kilobytes * 1000
    templates = Templates([shipped_templates()])
    bulletin = bulletin_of(1)
    while html_bytes(email := render(bulletin, LOOK, templates)) < wanted:
        bulletin = bulletin_of(len(bulletin.blocks) + 1)
    if given.photo:
        photo = Photo("0@photo", "image/jpeg", os.urandom(1000 * given.photo))
        email = replace(email, photos=(photo,))
    envelope = Envelope(
        "bulletin",
        Identity("Prayer Network", "prayer@example.org", None, "https://prayer.example.org"),
        *(False, "weekly", "Weekly Prayer", 1, 1),
    )
    form = bulletin_form(email, envelope, datetime.now(UTC))
    people = [recipient(no) for no in range(2000)]

    def merge_one(no: int) -> str:
        return merge(email.html, form.values_for(people[no])[0])

    def message_one(no: int) -> bytes:
        return form.copy_for(people[no])

    def wire_one(no: int) -> bytes:
        return b"".join(form.pieces_for(people[no]))

    keys = (
        SigningKey("rsa", generate_private_key(65537, 2048)),
        SigningKey("ed25519", Ed25519PrivateKey.generate()),
    )

    def signed_with(*chosen: SigningKey) -> Callable[[int], object]:
        signer = Signer("example.org", chosen)
        return lambda no: signer.signatures(form, people[no], 1_800_000_000)

    usual_page = jinja2.Environment(autoescape=True).from_string(USUAL)
    paragraphs = [block.text for block in bulletin.blocks if isinstance(block, Paragraph)]
    premailer.transform("<p>warm</p>", cssutils_logging_level=logging.CRITICAL)

    def usual_one(no: int) -> bytes:
        person = people[no]
        page = usual_page.render(
            title=bulletin.title,
            name=person.name,
            paragraphs=paragraphs,
            unsubscribe_url=person.unsubscribe_url,
        )
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"] = "prayer@example.org", person.address
        message["Subject"] = bulletin.title
        message.set_content("\n\n".join(paragraphs))
        message.add_alternative(premailer.transform(page), subtype="html")
        return message.as_bytes()

    print(f"HTML part {html_bytes(email):,} bytes, message {len(message_one(0)):,} bytes")
    usual = microseconds(usual_one, 20)
    for name, act, goal in (
        ("merge", merge_one, 20),
        ("complete message", message_one, 50),
        ("ready for SMTP", wire_one, 50),
        ("DKIM, RSA", signed_with(keys[0]), None),
        ("DKIM, Ed25519", signed_with(keys[1]), None),
        ("DKIM, both", signed_with(*keys), None),
    ):
        cost = microseconds(act, len(people))
        beside = f"(goal {goal})" if goal else "(on top)"
        print(
            f"{name:<18}{cost:>10.1f} us {beside:<9}"
            f"{usual / cost:>8,.0f} times less than the usual way"
        )
    print(f"{'the usual way':<18}{usual:>10.1f} us")


if __name__ == "__main__":
    main()
