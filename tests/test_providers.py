"""The settings choose the provider."""

import ipaddress
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.config import Secrets, Settings
from newsletter.errors import Problem
from newsletter.providers import provider_for, second_route_for
from newsletter.providers.base import in_words, is_loopback, is_usable, is_used_up
from newsletter.providers.free_mail import is_free_mail
from newsletter.site import Site
from subscribers.database import open_engine
from subscribers.privacy import Keys


def site(folder: Path, kind: str, key: str = "SG.x") -> Site:
    """Return a site that sends through one kind of provider."""
    url = "https://prayer.example.org"
    chosen = Settings.model_validate({"provider": {"kind": kind}, "organisation": {"url": url}})
    secrets = Secrets("5a" * 32, key, "")
    return Site(folder, chosen, secrets, Keys("5a" * 32), open_engine("sqlite://"))


@pytest.mark.parametrize("kind", ["practice", "smtp", "sendgrid"])
def test_every_kind_of_the_settings_has_its_provider(tmp_path: Path, kind: str) -> None:
    assert provider_for(site(tmp_path, kind)).name == kind


def test_a_missing_key_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="SENDGRID_API_KEY"):
        provider_for(site(tmp_path, "sendgrid", key=""))


# --- a second road for staff -------------------------------------------------------------


def site_with(folder: Path, settings: Mapping[str, object], **secrets: Any) -> Site:
    """Return a site with these settings and secrets."""
    chosen = Settings.model_validate(settings)
    given = Secrets("5a" * 32, "SG.x", "", **secrets)
    return Site(folder, chosen, given, Keys("5a" * 32), open_engine("sqlite://"))


def test_without_a_setting_there_is_no_second_road(tmp_path: Path) -> None:
    assert second_route_for(site(tmp_path, "smtp")) is None


@pytest.mark.parametrize("kind", ["smtp", "sendgrid"])
def test_the_second_road_has_settings_and_secrets_of_its_own(tmp_path: Path, kind: str) -> None:
    route = {"kind": kind, "smtp": {"host": "other.example.org", "username": "staff"}}
    place = site_with(
        tmp_path,
        {"staff": {"second_route": route}},
        second_sendgrid_api_key="SG.y",
        second_smtp_password="z",
    )

    road = second_route_for(place)

    assert road is not None
    assert road.name == kind
    assert kind != "smtp" or road.label == "the mail server other.example.org"


@pytest.mark.parametrize("kind", ["smtp", "sendgrid"])
def test_a_second_road_without_its_secret_is_one_sentence(tmp_path: Path, kind: str) -> None:
    route = {"kind": kind, "smtp": {"username": "staff"}}
    place = site_with(tmp_path, {"staff": {"second_route": route}})

    with pytest.raises(Problem, match=r"\[staff\.second_route\].*with SECOND_ROUTE_ before"):
        second_route_for(place)


# --- senders that nobody may send for -------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "free"),
    [
        ("letters@gmail.com", True),
        ("letters@GoogleMail.com", True),
        ("letters@yahoo.co.uk", True),
        ("letters@yahoo.com.br", True),
        ("letters@hotmail.fr", True),
        ("letters@outlook.com", True),
        ("letters@live.nl", True),
        ("letters@aol.com", True),
        ("letters@icloud.com", True),
        ("letters@me.com", True),
        ("letters@gmx.net", True),
        ("letters@gmx.at", True),
        ("letters@web.de", True),
        ("letters@mail.ru", True),
        ("letters@qq.com", True),
        ("letters@163.com", True),
        ("letters@proton.me", True),
        ("letters@protonmail.com", True),
        ("letters@example.org", False),
        ("letters@live.example.org", False),
        ("gmail.com@example.org", False),
        ("letters@mail.gmx-church.org", False),
        ("letters@yahoo.church", False),
        ("letters@home.com", False),
    ],
)
def test_free_mail_is_known_by_its_domain(address: str, free: bool) -> None:
    assert is_free_mail(address) is free


@pytest.mark.parametrize("kind", ["smtp", "sendgrid"])
def test_a_free_mail_sender_is_refused_for_real_mail(tmp_path: Path, kind: str) -> None:
    settings = {"provider": {"kind": kind}, "sender": {"email": "canary@gmail.com"}}

    with pytest.raises(Problem, match=r"free mail service.*\[sender\]") as refusal:
        provider_for(site_with(tmp_path, settings))

    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize(
    ("discreet", "sentence"),
    [
        ({"email": "anna@gmail.com"}, r"free mail service.*\[discreet\]"),
        ({"url": "http://letters.example.net"}, r"would lead to http.*url under \[discreet\]"),
    ],
)
def test_the_discreet_mail_is_refused_where_it_would_arrive_nowhere(
    tmp_path: Path, discreet: dict[str, str], sentence: str
) -> None:
    settings = {
        "provider": {"kind": "smtp"},
        "organisation": {"url": "https://prayer.example.org"},
        "discreet": discreet,
    }

    with pytest.raises(Problem, match=sentence):
        provider_for(site_with(tmp_path, settings))


def test_a_list_with_a_free_mail_sender_is_refused_by_its_setting(tmp_path: Path) -> None:
    settings = {"provider": {"kind": "smtp"}, "lists": {"hills": {"sender_email": "x@gmail.com"}}}

    with pytest.raises(Problem, match=r"free mail service.*sender_email under \[lists\.hills\]"):
        provider_for(site_with(tmp_path, settings))


def test_a_free_mail_sender_may_practise(tmp_path: Path) -> None:
    place = site_with(tmp_path, {"sender": {"email": "letters@gmail.com"}})

    assert provider_for(place).name == "practice"


# --- links that nobody could follow ----------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("http://127.0.0.1:8000", {"kind": "sendgrid"}),
        ("http://127.0.0.1:8000", {"kind": "smtp", "smtp": {"host": "mail.example.org"}}),
        ("http://prayer.example.org", {"kind": "smtp", "smtp": {"host": "localhost"}}),
        ("http://prayer.example.org", {"kind": "sendgrid"}),
    ],
)
def test_real_mail_needs_pages_that_its_readers_reach(
    tmp_path: Path, url: str, provider: Mapping[str, object]
) -> None:
    place = site_with(tmp_path, {"organisation": {"url": url}, "provider": provider})

    with pytest.raises(Problem, match=rf"lead to {url}, .* url under \[organisation\]"):
        provider_for(place)


@pytest.mark.parametrize(
    "provider",
    [
        {"kind": "practice"},
        {"kind": "smtp", "smtp": {"host": "127.0.0.1"}},
        {"kind": "sendgrid", "sendgrid": {"base_url": "http://127.0.0.1:9000"}},
    ],
)
def test_a_trial_on_one_machine_needs_no_public_pages(
    tmp_path: Path, provider: Mapping[str, object]
) -> None:
    assert provider_for(site_with(tmp_path, {"provider": provider}))


@pytest.mark.parametrize(
    ("words", "used_up"),
    [
        ("Maximum credits exceeded", True),
        ("You have exceeded your messaging limits", True),
        ("550 5.4.5 Daily user sending limit exceeded", True),
        ("550 5.4.5 Daily SMTP relay limit exceeded for user", True),
        ("554 sending quota exceeded", True),
        ("550 You have exceeded your daily sending allowance", True),
        ("552 5.2.2 mailbox over quota", False),
        ("552 5.2.2 quota exceeded", False),
        ("550 5.1.1 no such user", False),
        ("550 5.2.1 The account is disabled", False),
        ("access forbidden", False),
    ],
)
def test_what_is_about_our_allowance_is_known_by_its_words(words: str, used_up: bool) -> None:
    assert is_used_up(words) is used_up


@pytest.mark.parametrize(
    ("address", "usable"),
    [
        ("anna@example.org", True),
        ("o'neil+news=x@xn--bcher-kva.example", True),
        ("a" * 64 + "@example.org", True),
        ("a" * 65 + "@example.org", False),
        ("a@" + 63 * "b." + "c" * 130, False),
        ("josé@example.org", False),
        ("a@bücher.example", False),
        ('"a b"@example.org', False),
        ("a@example.org>", False),
        ("a@example.org\r\nDATA", False),
        ("a@example.org\n", False),
        ("a@@example.org", False),
        ("@example.org", False),
        ("a@", False),
        ("", False),
    ],
)
def test_only_what_can_go_on_the_wire_is_usable(address: str, usable: bool) -> None:
    assert is_usable(address) is usable


@settings(deadline=None)
@given(st.text())
def test_nothing_usable_holds_what_ends_a_command(text: str) -> None:
    address = f"a{text}@example.org"

    assert not is_usable(address) or not set(address) & set('<>\r\n\0 \t"\\')


@settings(deadline=None)
@given(st.ip_addresses())
def test_loopback_is_what_the_standard_says(address: ipaddress.IPv4Address) -> None:
    assert is_loopback(str(address)) == address.is_loopback


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError("timed out"), "no answer in time"),
        (URLError(ConnectionResetError(104, "Connection reset by peer")), "connection reset by"),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER: reader@example.org"), "tls failed"),
        (OSError("secret.example.org"), "the connection broke"),
        (ValueError("secret"), "the connection broke"),
    ],
)
def test_a_fault_is_named_without_whom_it_met(error: Exception, words: str) -> None:
    assert in_words(error).lower().startswith(words)
