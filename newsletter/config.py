"""The settings of a site: `newsletter.toml`, overridden by the environment; secrets apart."""

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from newsletter.colours import as_hex, unreadable
from newsletter.errors import UnreadableInput
from subscribers.lists import LIST_NAME

SETTINGS_FILE = "newsletter.toml"
KEY_FILE = "secret.key"
KEY_VARIABLE = "NEWSLETTER_SECRET_KEY"
ENV_PREFIX = "NEWSLETTER__"
SECOND_PREFIX = "SECOND_ROUTE_"  # of the secrets of [staff.second_route]
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


@cache
def known_zones() -> frozenset[str]:
    """Return the names of all time zones; the first call looks at a thousand files."""
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in known_zones():
        near = difflib.get_close_matches(name, known_zones(), n=1)
        raise ValueError(
            f"{name!r} is no time zone" + (f"; did you mean {near[0]!r}?" if near else "")
        )
    return name


def _web_address(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise ValueError("the address must begin with https://")
    return url.rstrip("/")


def _web_address_or_none(url: str) -> str:
    return url and _web_address(url)


def _web_address_to_call(url: str) -> str:
    address = urlsplit(url)
    plain = address.scheme == "http" and address.hostname in LOOPBACK_HOSTS
    if not address.hostname or not (address.scheme == "https" or plain):
        raise ValueError("the address must begin with https://")
    return url


def _one_line(text: str) -> str:
    if any(ord(c) < 32 or c in "\x7f\x85\u2028\u2029" for c in text):
        raise ValueError("line breaks and control characters are not allowed here")
    return text


def _return_path(address: str) -> str:
    # Before the @ there must be room for the token of each copy: 64 letters in all.
    if address and not _RETURN_PATH.fullmatch(address):
        raise ValueError("write an address with at most 20 letters before the @")
    return address


_RETURN_PATH = re.compile(
    r"[A-Za-z0-9!#$%&'*/=?^_`{|}~.-]{1,20}@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+", re.ASCII
)


def _domain(name: str) -> str:
    if name and not re.fullmatch(rf"{_LABEL}(?:\.{_LABEL})+", name, re.ASCII):
        raise ValueError("write a domain as the DNS has it, for example example.org")
    return name


def _selector(name: str) -> str:
    if name and not re.fullmatch(rf"{_LABEL}(?:\.{_LABEL})*", name, re.ASCII):
        raise ValueError("write letters, digits and hyphens only, for example news2026")
    return name


_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def _folder_name(name: str) -> str:
    if not re.fullmatch(r"[ !#-\[\]-~]+", name):
        raise ValueError("only ASCII without quotation marks and backslashes can be used here")
    return name


def _feed(written: str) -> str:
    words = written.split()
    address = urlsplit(words[-1] if words else "")
    if len(words) > 2 or address.scheme not in ("https", "http") or not address.hostname:
        raise ValueError('write "https://..." or, with several lists, "LIST https://..."')
    if address.username is not None or address.password is not None:
        raise ValueError("an address with a password in it cannot be used: it would end up in logs")
    return written


def _hand_over(minutes: int) -> int:
    if minutes and not 25 <= minutes <= 60:
        raise ValueError("write 0 for no hand-over before the time, or 25 to 60 minutes")
    return minutes


def _mail_address(address: str) -> str:
    if address and not _MAIL_ADDRESS.fullmatch(address):
        raise ValueError("write a mail address, its domain as the DNS has it: news@example.org")
    return address


_MAIL_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+", re.ASCII
)


def _logo_file(name: str) -> str:
    if name and PurePath(name).suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise ValueError("name a PNG or a JPEG file in the site's folder, for example logo.png")
    return name


def _list_name(name: str) -> str:
    if not LIST_NAME.fullmatch(name):
        raise ValueError("a list is named by 1 to 40 of a-z, 0-9 and -")
    return name


Line = Annotated[str, AfterValidator(_one_line)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
LogoFile = Annotated[Line, AfterValidator(_logo_file)]
Colour = Annotated[str, AfterValidator(as_hex)]
Font = Literal["sans", "serif", "book", "wide"]
FeedAddress = Annotated[Line, AfterValidator(_feed)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
AddressToCall = Annotated[str, AfterValidator(_one_line), AfterValidator(_web_address_to_call)]


class Section(BaseModel):
    """A table of newsletter.toml; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Organisation(Section):
    """Who writes."""

    name: Line = "Prayer Network"
    postal_address: Line = ""
    url: WebAddress = "http://127.0.0.1:8000"
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    language: Line = "en"


class Sender(Section):
    """The From line."""

    name: Line = "Prayer Network"
    email: Line = "prayer@example.org"
    reply_to: Line | None = None


class Colours(Section):
    """Colours of one scheme; what is left out is derived."""

    accent: Colour | None = None
    heading: Colour | None = None
    link: Colour | None = None
    button: Colour | None = None
    text: Colour | None = None
    sheet: Colour | None = None
    page: Colour | None = None

    @property
    def given(self) -> dict[str, str]:
        """Those that are named."""
        return self.model_dump(exclude_none=True)


class Brand(Section):
    """How mails look: all of it may be left out."""

    logo: LogoFile = ""  # relative to the site's folder
    fonts: Font = "sans"
    heading_fonts: Font = "serif"
    footer: Annotated[tuple[Line, ...], Field(max_length=6)] = ()
    light: Colours = Colours()
    dark: Colours = Colours()

    @model_validator(mode="after")
    def _can_be_read(self) -> "Brand":
        fault = unreadable(self.light.given, self.dark.given)
        if fault is not None:
            below = (fault.scheme, fault.name)  # which setting of [brand] it is
            raise PydanticCustomError(
                "unreadable", "{sentence}", {"sentence": str(fault), "below": below}
            )
        return self


class OwnSender(Section):
    """What the mail of one mailing list has of its own; what is left out is everybody's."""

    sender_name: Line | None = None
    sender_email: MailAddress | None = None
    reply_to: MailAddress | None = None  # empty: answers go to the sender
    logo: LogoFile | None = None  # empty: none


class Database(Section):
    """Where the truth lies."""

    url: str = "sqlite:///newsletter.db"


class Dkim(Section):
    """The keys that sign mail by SMTP; none of them: nothing is signed here."""

    domain: Annotated[str, AfterValidator(_domain)] = ""  # empty: the sender's
    rsa_selector: Annotated[str, AfterValidator(_selector)] = ""
    rsa_key_file: Line = ""  # relative to the site's folder
    ed25519_selector: Annotated[str, AfterValidator(_selector)] = ""
    ed25519_key_file: Line = ""


class Discreet(Section):
    """The From line and pages for readers at risk; nothing here may name the ministry."""

    name: Line = ""
    email: MailAddress = ""
    url: Annotated[Line, AfterValidator(_web_address_or_none)] = ""
    postal_address: Line = ""
    return_path: Annotated[str, AfterValidator(_return_path)] = ""  # as [provider.smtp] has one
    dkim: Dkim = Dkim()  # of the domain of email; [provider.smtp.dkim] never signs this mail


class Smtp(Section):
    """An SMTP relay."""

    host: str = "localhost"
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    allow_plain: bool = False
    username: str = ""
    connections: Annotated[int, Field(ge=1, le=200)] = 10
    return_path: Annotated[str, AfterValidator(_return_path)] = ""
    messages_per_intent: Annotated[int, Field(ge=1, le=10)] = 1
    dkim: Dkim = Dkim()


class SendGrid(Section):
    """Twilio SendGrid's v3 API."""

    base_url: WebAddress = "https://api.sendgrid.com"
    batch_size: Annotated[int, Field(ge=1, le=500)] = 500
    connections: Annotated[int, Field(ge=1, le=16)] = 4
    webhook_public_keys: tuple[str, ...] = ()
    hand_over_minutes: Annotated[int, AfterValidator(_hand_over)] = 0


class Provider(Section):
    """Who takes mail from us."""

    kind: Literal["practice", "smtp", "sendgrid"] = "practice"
    per_second: Annotated[float, Field(ge=0.01)] | None = None
    per_day: Annotated[int, Field(gt=0)] | None = None
    per_month: Annotated[int, Field(gt=0)] | None = None
    warm_up_from: date | None = None  # first day of a new sending domain
    smtp: Smtp = Smtp()
    sendgrid: SendGrid = SendGrid()


class Imap(Section):
    """A mailbox on a mail server."""

    host: str = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 993
    security: Literal["tls", "starttls", "none"] = "tls"
    username: Line = ""
    folder: Annotated[str, AfterValidator(_folder_name)] = "INBOX"


class Bounces(Section):
    """The mailbox that the return path leads to; a Maildir or an IMAP server, or neither."""

    maildir: str = ""
    imap: Imap = Imap()


class ApprovalRules(Section):
    """How many people say yes, and how long there is to stop it."""

    approvals: Annotated[int, Field(ge=0, le=2)] = 0
    wait_before_sending_minutes: Annotated[int, Field(ge=0, le=10080)] = 10


class SecondRoute(Section):
    """Another way for mail to staff, for when the provider itself is what fails."""

    kind: Literal["smtp", "sendgrid"]
    smtp: Smtp = Smtp()
    sendgrid: SendGrid = SendGrid()


class Staff(Section):
    """Who is told, and how."""

    notify: tuple[Line, ...] = ()
    second_route: SecondRoute | None = None
    heartbeat_url: AddressToCall | None = None  # called once a minute while the service is well


class Intake(Section):
    """Where bulletins come from."""

    folder: str = "bulletins"
    feeds: tuple[FeedAddress, ...] = ()  # "URL", or "LIST URL" where there are several lists


class Web(Section):
    """The web server."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    trusted_proxies: tuple[str, ...] = ()


class Settings(BaseSettings):
    """All of newsletter.toml; `NEWSLETTER__PROVIDER__KIND=smtp` and the like win over it."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENV_PREFIX, env_nested_delimiter="__"
    )

    organisation: Organisation = Organisation()
    sender: Sender = Sender()
    brand: Brand = Brand()
    lists: dict[Annotated[str, AfterValidator(_list_name)], OwnSender] = {}
    discreet: Discreet = Discreet()
    database: Database = Database()
    provider: Provider = Provider()
    bounces: Bounces = Bounces()
    approval: ApprovalRules = ApprovalRules()
    staff: Staff = Staff()
    intake: Intake = Intake()
    web: Web = Web()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then what the file says; nothing else."""
        return env_settings, init_settings

    @property
    def practice(self) -> bool:
        """Whether nothing leaves this machine."""
        return self.provider.kind == "practice"

    def logo_of(self, list_name: str) -> str:
        """Return the name of the file with a list's logo: its own, else [brand]'s; or ""."""
        own = self.lists.get(list_name, OwnSender()).logo
        return self.brand.logo if own is None else own

    def sender_of(self, list_name: str) -> Sender:
        """Return whom the mail of a list comes from: its own, else [sender]."""
        own = self.lists.get(list_name, OwnSender())
        everybodys = self.sender
        return Sender(
            name=everybodys.name if own.sender_name is None else own.sender_name,
            email=everybodys.email if own.sender_email is None else own.sender_email,
            reply_to=everybodys.reply_to if own.reply_to is None else own.reply_to or None,
        )

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's time zone."""
        return ZoneInfo(self.organisation.timezone)


@dataclass(frozen=True)
class Secrets:
    """Read from the environment or files, never from the TOML; never shown."""

    site_key: str = field(repr=False)
    sendgrid_api_key: str = field(repr=False)
    smtp_password: str = field(repr=False)
    second_sendgrid_api_key: str = field(default="", repr=False)  # of [staff.second_route]
    second_smtp_password: str = field(default="", repr=False)
    imap_password: str = field(repr=False, default="")
    dkim: Mapping[str, str] = field(repr=False, default_factory=dict)  # PEM, by rsa and ed25519
    second_dkim: Mapping[str, str] = field(repr=False, default_factory=dict)


def read_settings(folder: Path) -> Settings:
    """Return the settings of the site in `folder`.

    Raises:
        UnreadableInput: no settings file, broken TOML, an unknown key (the nearest known one
            is named) or a value that does not fit.
    """
    path = folder / SETTINGS_FILE
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UnreadableInput(
            f"There is no {SETTINGS_FILE} in {folder}: go to the site's folder, name it with "
            "--site, or make one with newsletter init."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnreadableInput(f"{path} is not valid TOML: {error}.") from None
    except OSError as error:
        raise UnreadableInput(
            f"{path} cannot be read ({error.strerror}): it must be a file that this user may read."
        ) from None
    _refuse_unknown_variables()
    try:
        return Settings(**written)
    except ValidationError as error:
        raise UnreadableInput(_first_fault(error, path)) from None
    except SettingsError:
        raise UnreadableInput(
            f"A {ENV_PREFIX}... environment variable cannot be read: lists are written as JSON, "
            'for example ["a@example.org"].'
        ) from None


def read_secrets(folder: Path) -> Secrets:
    """Return the secrets: from `NAME`, else from the file that `NAME_FILE` names.

    The site key may also lie in `secret.key` in the site.

    Raises:
        UnreadableInput: a file that is named cannot be read, or there is no site key.
    """
    site_key = _secret(KEY_VARIABLE) or _key_file(folder / KEY_FILE)
    return Secrets(
        site_key,
        _secret("SENDGRID_API_KEY"),
        _secret("SMTP_PASSWORD"),
        _secret(SECOND_PREFIX + "SENDGRID_API_KEY"),
        _secret(SECOND_PREFIX + "SMTP_PASSWORD"),
        _secret("IMAP_PASSWORD"),
        _dkim_keys(),
        _dkim_keys(SECOND_PREFIX),
    )


def has_key(folder: Path) -> bool:
    """Return whether the environment or the site in `folder` gives a site key."""
    named = (os.environ.get(name) for name in (KEY_VARIABLE, KEY_VARIABLE + "_FILE"))
    return any(named) or (folder / KEY_FILE).exists()


def _secret(name: str) -> str:
    if value := os.environ.get(name):
        return value.strip()
    if path := os.environ.get(name + "_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise UnreadableInput(
                f"The file named by {name}_FILE cannot be read: check that it exists and that "
                "this user may read it."
            ) from None
    return ""


def _dkim_keys(prefix: str = "") -> dict[str, str]:
    return {kind: _secret(f"{prefix}DKIM_{kind.upper()}_KEY") for kind in ("rsa", "ed25519")}


def _key_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UnreadableInput(
            f"The site key {path} cannot be read: put it back from your copy, or name it by "
            "NEWSLETTER_SECRET_KEY_FILE; without it the subscribers cannot be read."
        ) from None


def _first_fault(error: ValidationError, path: Path) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    place = (*fault["loc"], *fault.get("ctx", {}).get("below", ()))
    name = ".".join(str(part) for part in place)
    where = f"The setting {name} in {path} (or in the environment)"
    if fault["type"] != "extra_forbidden":
        return f"{where} does not fit: {fault['msg']}."
    if name.rpartition(".")[2] in _SECRET_NAMES:
        return (
            f"{where} does not belong there: secrets come from {', '.join(_SECRETS)} in the "
            "environment, or from a file that ..._FILE names."
        )
    return f"{where} is not known{_nearest(name)}."


_SECRETS = (
    *("SENDGRID_API_KEY", "SMTP_PASSWORD", "IMAP_PASSWORD", "DKIM_RSA_KEY", "DKIM_ED25519_KEY"),
    KEY_VARIABLE,
)
_SECRET_NAMES = {"api_key", "key", "password", "secret", "secret_key", "token"}


def _refuse_unknown_variables() -> None:
    for name in os.environ:
        if name.startswith(ENV_PREFIX):
            setting = name.removeprefix(ENV_PREFIX).lower().replace("__", ".")
            if setting.partition(".")[0] not in Settings.model_fields:
                raise UnreadableInput(
                    f"The environment variable {name} sets nothing{_nearest(setting)}."
                )


def _nearest(name: str) -> str:
    known = [*_names(Settings)]
    if name.startswith("lists."):
        known += _names(OwnSender, f"{name.rpartition('.')[0]}.")
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}" if near else ""


def _names(model: type[BaseModel], prefix: str = "") -> Iterable[str]:
    for name, info in model.model_fields.items():
        yield prefix + name
        kinds: tuple[Any, ...] = (info.annotation,)
        if get_origin(info.annotation) is not dict:  # whose keys are the site's own
            kinds += get_args(info.annotation)  # X | None
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _names(kind, f"{prefix}{name}.")


def settings_text(
    *,
    organisation: str = "Prayer Network",
    postal_address: str = "1 Example Street, London",
    sender_email: str = "prayer@example.org",
    timezone: str = "UTC",
    approvals: int = 0,
    wait_minutes: int = 10,
    notify: Iterable[str] = (),
) -> str:
    """Return a newsletter.toml for a new site, with a remark beside what is not plain."""
    name, told = _toml(organisation), ", ".join(_toml(address) for address in notify)
    return f"""\
# The settings of this site.  Any key can come from the environment, which then wins:
# NEWSLETTER__PROVIDER__KIND=smtp.  Secrets never stand here: SENDGRID_API_KEY, SMTP_PASSWORD
# and IMAP_PASSWORD come from the environment, or from a file named by SENDGRID_API_KEY_FILE ...

[organisation]
name = {name}
postal_address = {_toml(postal_address)}   # stands in every mail; the law asks for it
url = "http://127.0.0.1:8000"              # public address of the web pages: https://...
timezone = {_toml(timezone)}
language = "en"

[sender]
name = {name}
email = {_toml(sender_email)}
# reply_to = "office@example.org"
# [lists.weekly]                          # a sender, a reply address and a logo of its own
# [brand]                                 # logo, colours, fonts: how-to/brand-your-mail.md
# [discreet]                              # for readers at risk: how-to/readers-at-risk.md

[database]
url = "sqlite:///newsletter.db"           # relative to this folder; or postgresql+psycopg://...

[provider]
kind = "practice"                         # practice (nothing leaves this machine) | smtp | sendgrid
# per_second = 14                         # leave out: as fast as the provider takes it
# per_day = 10000                         # an issue that is larger goes on over several days
# per_month = 50000
# warm_up_from = 2026-11-01               # a new sending domain: its first day

[provider.smtp]
host = "localhost"
port = 587
security = "starttls"                     # starttls | tls | none (loopback only)
username = ""
connections = 10
# return_path = "bounces@example.org"     # what cannot be delivered comes back to it: [bounces]
# messages_per_intent = 4                 # faster; after a crash up to 4 not certain a connection
# [provider.smtp.dkim]                    # if your server does not sign: how-to/sign-your-mail.md

[provider.sendgrid]
base_url = "https://api.sendgrid.com"     # EU: https://api.eu.sendgrid.com
batch_size = 500
connections = 4

[approval]
approvals = {approvals}                             # 0 | 1 | 2; the author never counts
wait_before_sending_minutes = {wait_minutes}          # time to stop it

[staff]
notify = [{told}]                               # told by mail when something needs a person

[intake]
folder = "bulletins"                      # bulletins/LIST/name.txt; with one list no subfolder
# feeds = ["https://example.org/feed"]    # every 30 minutes; with several lists "LIST https://..."

[web]
host = "127.0.0.1"
port = 8000
"""


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
