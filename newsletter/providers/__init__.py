"""Who takes mail from us: one file or folder for each vendor.  The only list of vendors is here."""

from newsletter.providers.base import Provider
from newsletter.providers.practice import Practice
from newsletter.providers.smtp import SmtpRelay
from newsletter.site import Site

__all__ = ["label_for", "provider_for"]


def provider_for(site: Site) -> Provider:
    """Return the provider that the settings of `site` choose; opens nothing.

    Raises:
        Problem: a key is missing, or something secret would cross a network in the clear.
    """
    settings, secrets = site.settings.provider, site.secrets
    match settings.kind:
        case "practice":
            return Practice(site.mailbox)
        case "smtp":
            return SmtpRelay(settings.smtp, secrets.smtp_password)
        case "sendgrid":
            # Imported here: the SDK takes a third of a second that no other site has to wait.
            from newsletter.providers.sendgrid import SendGrid

            return SendGrid(settings.sendgrid, secrets.sendgrid_api_key)


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
