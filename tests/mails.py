"""One mail of every kind, as it leaves, and the keys that sign it."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from newsletter.config import Organisation, Sender, Settings
from newsletter.message import (
    Letter,
    MessageForm,
    bulletin_envelope,
    bulletin_form,
    letter_envelope,
    letter_form,
    notice_envelope,
    notice_form,
)
from newsletter.providers.smtp import Signer
from newsletter.providers.smtp.dkim import SigningKey
from newsletter.rendering import (
    RenderedEmail,
    render,
    render_confirmation,
    render_goodbye,
    render_notice,
    render_welcome,
)
from tests.bulletins import ALL, LOOK
from tests.copies import NOON, person
from tests.message_rules import Kind
from tests.office import TEMPLATES

SAYS = (LOOK.postal_address, LOOK.organisation)
SETTINGS = Settings(
    organisation=Organisation(url="https://prayer.example.org"),
    sender=Sender(email="prayer@example.org", reply_to="office@example.org"),
)
READER = person(1, "miriam.s@example.net", "Miriam")


@cache
def edition(language: str) -> RenderedEmail:
    [bulletin] = [each for each in ALL if each.language == language]
    return render(bulletin, LOOK, TEMPLATES)


def bulletin(language: str = "en", kind: Kind = "bulletin") -> MessageForm:
    envelope = bulletin_envelope(
        SETTINGS.model_copy(
            update={"provider": SETTINGS.provider.model_copy(update={"kind": "smtp"})}
        ),
        list_name="weekly",
        list_title="Weekly Prayer",
        list_id=1,
        issue_id=2,
        kind="test" if kind == "test" else "bulletin",
    )
    return bulletin_form(edition(language), envelope, NOON)


def notice() -> MessageForm:
    email = render_notice("A slot is empty", ["Friday, 07:00.", "Add one."], LOOK, TEMPLATES)
    return notice_form(email, notice_envelope(SETTINGS), NOON)


def letter(kind: Letter, language: str = "en") -> MessageForm:
    render_letter = {
        "confirmation": render_confirmation,
        "welcome": render_welcome,
        "goodbye": render_goodbye,
    }[kind]
    email = render_letter(language, LOOK, TEMPLATES)
    return letter_form(email, letter_envelope(SETTINGS, kind, "weekly"), NOON)


def mail(kind: Kind) -> bytes:
    """Return a good, signed mail of a kind."""
    match kind:
        case "notice":
            form = notice()
        case "confirmation" | "welcome" | "goodbye":
            form = letter(kind)
        case _:
            form = bulletin(kind=kind)
    return signer().signatures(form, READER, 1_795_600_000) + form.copy_for(READER)


@cache
def rsa_key(bits: int = 2048) -> RSAPrivateKey:
    return generate_private_key(65537, bits)


@cache
def ed25519_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@cache
def signer(domain: str = "example.org") -> Signer:
    """Return who signs with both keys."""
    keys = (SigningKey("news", rsa_key()), SigningKey("news-ed", ed25519_key()))
    return Signer(domain, keys)
