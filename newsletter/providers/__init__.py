"""Who takes mail from us: one file or folder for each vendor.  The only list of vendors is here."""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter.config import SECOND_PREFIX, SendGrid, Settings, Smtp
from newsletter.errors import Problem
from newsletter.providers.base import Holding, Provider, is_loopback
from newsletter.providers.free_mail import refuse_free_mail
from newsletter.providers.practice import Practice
from newsletter.providers.reported import Records
from newsletter.providers.smtp import DISCREET_TABLE, Signer, Signers, SmtpRelay, read_signer
from newsletter.site import Site

if TYPE_CHECKING:
    from newsletter.providers.returns.imap import Imap
    from newsletter.providers.returns.maildir import Maildir
    from newsletter.providers.sendgrid.events import Webhook

__all__ = [
    "holding_for",
    "label_for",
    "mailbox_for",
    "provider_for",
    "records_for",
    "sandbox_for",
    "second_route_for",
    "tells_outcome",
    "webhook_for",
]


def provider_for(site: Site) -> Provider:
    """Return the provider that the settings of `site` choose; opens nothing.

    Raises:
        Problem: a key is missing or cannot be used, something secret would cross a network in
            the clear, the sender's address is one that nobody may send for, or the links in
            the mail would lead nowhere.
    """
    settings, secrets = site.settings.provider, site.secrets
    if settings.kind == "practice":
        return Practice(site.mailbox)
    refuse_free_mail(site.settings)
    _refuse_local_pages(site.settings)
    if settings.kind == "smtp":
        signer = _signer(site, settings.smtp, secrets.dkim)
        _refuse_unsigned(site.settings, signer)
        signers = Signers(signer, _discreet_signer(site))
        return SmtpRelay(settings.smtp, secrets.smtp_password, signers)
    return _sendgrid(settings.sendgrid, secrets.sendgrid_api_key)


def sandbox_for(site: Site) -> Provider | None:
    """Return what looks at a mail without sending it, None where only sending tells.

    Raises:
        Problem: as `provider_for`.
    """
    provider_for(site)
    if site.settings.provider.kind != "sendgrid":
        return None
    from newsletter.providers.sendgrid import Sandbox

    return Sandbox(site.settings.provider.sendgrid, site.secrets.sendgrid_api_key)


def label_for(site: Site, practice: bool) -> str:
    """Return who takes the mail of an issue, for screens; needs no key.

    The settings may have changed since: what went out for real is never said to be practice,
    nor the other way round.
    """
    settings = site.settings.provider
    if practice:
        return Practice.label
    match settings.kind:
        case "practice":
            return "the provider of that time"
        case "smtp":
            return f"the mail server {settings.smtp.host}"
        case "sendgrid":
            return "SendGrid"


def records_for(site: Site) -> Records | None:
    """Return what can be asked afterwards, None where the provider keeps no records for us.

    Raises:
        Problem: as `provider_for`.
    """
    if site.settings.provider.kind != "sendgrid":
        return None
    from newsletter.providers.sendgrid.records import SendGridRecords

    return SendGridRecords(site.settings.provider.sendgrid, site.secrets.sendgrid_api_key)


def holding_for(site: Site) -> Holding | None:
    """Return what takes copies before their time and can stop them, None where nothing does.

    Also while the settings ask for none: what was handed over before can still be stopped.

    Raises:
        Problem: as `provider_for`.
    """
    if site.settings.provider.kind != "sendgrid":
        return None
    from newsletter.providers.sendgrid.holding import SendGridHolding

    return SendGridHolding(site.settings.provider.sendgrid, site.secrets.sendgrid_api_key)


def webhook_for(site: Site) -> "Webhook | None":
    """Return what opens SendGrid's events, None while no key to verify them is set.

    Whichever provider is chosen now: events of what SendGrid took before still come.

    Raises:
        Problem: a key under [provider.sendgrid] webhook_public_keys cannot be read.
    """
    keys = site.settings.provider.sendgrid.webhook_public_keys
    if not keys:
        return None
    from newsletter.providers.sendgrid.events import Webhook

    return Webhook(keys)


def second_route_for(site: Site) -> Provider | None:
    """Return the other way for mail to staff, None where the settings name none.

    Raises:
        Problem: as `provider_for`; it names [staff.second_route].
    """
    route, secrets = site.settings.staff.second_route, site.secrets
    if route is None:
        return None
    try:
        if route.kind == "smtp":
            signer = _signer(site, route.smtp, secrets.second_dkim)
            return SmtpRelay(route.smtp, secrets.second_smtp_password, signer)
        return _sendgrid(route.sendgrid, secrets.second_sendgrid_api_key)
    except Problem as problem:
        raise Problem(
            "The second road of the staff's mail, [staff.second_route], cannot be used; its "
            f"settings and secrets are named like those of the provider, with {SECOND_PREFIX} "
            f"before the secrets. {problem}"
        ) from None


def mailbox_for(site: Site) -> "Imap | Maildir | None":
    """Return the mailbox that bounces and complaints come to, None while none is set.

    Whichever provider is chosen now: what the mail server took before still comes back.

    Raises:
        Problem: it cannot be told which, a password is missing, or it would be seen by others.
    """
    bounces = site.settings.bounces
    if bounces.maildir and bounces.imap.host:
        raise Problem("There are two mailboxes under [bounces]: keep maildir, or [bounces.imap].")
    if bounces.imap.host:
        from newsletter.providers.returns.imap import Imap

        return Imap(bounces.imap, site.secrets.imap_password)
    if not bounces.maildir:
        return None
    from newsletter.providers.returns.maildir import Maildir

    folder = site.folder / bounces.maildir
    if folder.resolve() == site.mailbox.resolve():
        raise Problem(
            "The mailbox of practice is none for bounces: correct maildir under [bounces]."
        )
    return Maildir(folder)


def tells_outcome(site: Site, practice: bool) -> bool:
    """Return whether anybody tells afterwards what became of the mail of an issue."""
    settings = site.settings
    if practice:
        return False
    match settings.provider.kind:
        case "practice":
            return False
        case "smtp":
            return bool(settings.bounces.maildir or settings.bounces.imap.host)
        case "sendgrid":
            return bool(settings.provider.sendgrid.webhook_public_keys)


def _refuse_local_pages(settings: Settings) -> None:
    """Say no to real mail whose way to unsubscribe nobody takes (RFC 8058 asks for https)."""
    provider = settings.provider
    host = provider.smtp.host if provider.kind == "smtp" else provider.sendgrid.base_url
    for table, url in (("organisation", settings.organisation.url), ("discreet", _url(settings))):
        if url.startswith("https://"):
            continue
        if all(is_loopback(urlsplit(each).hostname or each) for each in (host, url)):
            continue  # a trial: the whole of it is on this machine
        raise Problem(
            f"The unsubscribe links of real mail would lead to {url}, which receivers do not "
            f"take: set url under [{table}] to the public address of the pages, https://..."
        )


def _url(settings: Settings) -> str:
    return settings.discreet.url or settings.organisation.url


def _signer(site: Site, settings: Smtp, keys: Mapping[str, str]) -> Signer | None:
    return read_signer(settings.dkim, keys, site.folder, site.settings.sender.email)


def _discreet_signer(site: Site) -> Signer | None:
    discreet = site.settings.discreet
    if not discreet.email:
        return None
    return read_signer(discreet.dkim, {}, site.folder, discreet.email, DISCREET_TABLE)


def _refuse_unsigned(settings: Settings, signer: Signer | None) -> None:
    """Say no to a list whose mail our keys could not sign while that of the others is signed."""
    for list_name in settings.lists:
        if signer and not signer.signs_for(settings.sender_of(list_name).email):
            raise Problem(
                f"The mail of the list {list_name} would go out unsigned, and receivers take "
                f"that for forged: set sender_email under [lists.{list_name}] to an address at "
                f"{signer.domain}, or let the mail server sign for every domain and take the "
                "keys out of [provider.smtp.dkim]."
            )


def _sendgrid(settings: SendGrid, key: str) -> Provider:
    # Imported here: the SDK takes a third of a second that no other site has to wait.
    from newsletter.providers import sendgrid

    return sendgrid.SendGrid(settings, key)
