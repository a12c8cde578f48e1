from datetime import date
from pathlib import Path

import pytest

from newsletter.config import (
    KEY_FILE,
    SETTINGS_FILE,
    Sender,
    Settings,
    has_key,
    read_secrets,
    read_settings,
)
from newsletter.errors import UnreadableInput

FULL = """\
[organisation]
name = "Prayer Network"
postal_address = "1 Example Street, London"
url = "https://prayer.example.org/"
timezone = "Europe/London"
language = "en"

[sender]
name = "Prayer Network"
email = "prayer@example.org"
reply_to = "office@example.org"

[lists.weekly]
sender_name = "Weekly Prayer"
sender_email = "weekly@example.org"
reply_to = ""

[discreet]
name = "Anna"
email = "letters@example.net"
url = "https://letters.example.net"
postal_address = "PO Box 1, London"

[database]
url = "sqlite:///newsletter.db"

[provider]
kind = "practice"
per_second = 14
per_day = 10000
per_month = 50000
warm_up_from = 2026-11-01

[provider.smtp]
host = "localhost"
port = 587
security = "starttls"
username = ""
connections = 10
return_path = "bounces@example.org"

[provider.sendgrid]
base_url = "https://api.sendgrid.com"
batch_size = 500
connections = 4
webhook_public_keys = []
hand_over_minutes = 25

[bounces]
maildir = ""

[bounces.imap]
host = ""
port = 993
security = "tls"
username = ""
folder = "INBOX"

[approval]
approvals = 0
wait_before_sending_minutes = 10

[staff]
notify = []
heartbeat_url = "https://watch.example.org/ping/1234"

[staff.second_route]
kind = "smtp"

[staff.second_route.smtp]
host = "other.example.org"

[intake]
folder = "bulletins"
feeds = ["weekly https://example.org/feed?a=b"]

[web]
host = "127.0.0.1"
port = 8000
trusted_proxies = []
"""


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEWSLETTER_SECRET_KEY", "SENDGRID_API_KEY", "SMTP_PASSWORD", "IMAP_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name + "_FILE", raising=False)


def _read(folder: Path, toml: str) -> Settings:
    (folder / SETTINGS_FILE).write_text(toml, encoding="utf-8")
    return read_settings(folder)


def test_every_documented_setting_is_read(tmp_path: Path) -> None:
    settings = _read(tmp_path, FULL)

    assert settings.organisation.url == "https://prayer.example.org"
    assert settings.zone.key == "Europe/London"
    assert settings.practice
    assert settings.discreet.name == "Anna"
    assert settings.provider.warm_up_from == date(2026, 11, 1)
    assert settings.staff.second_route is not None
    assert settings.staff.second_route.smtp.port == 587


@pytest.mark.parametrize(
    ("of_its_own", "sender"),
    [
        ("", Sender(name="All", email="all@example.org", reply_to="office@example.org")),
        (
            'sender_name = "Weekly"',
            Sender(name="Weekly", email="all@example.org", reply_to="office@example.org"),
        ),
        (
            'sender_name = "W"\nsender_email = "w@example.net"\nreply_to = "r@example.net"',
            Sender(name="W", email="w@example.net", reply_to="r@example.net"),
        ),
        ('reply_to = ""', Sender(name="All", email="all@example.org")),
    ],
)
def test_a_list_has_the_sender_of_all_but_for_what_it_names(
    tmp_path: Path, of_its_own: str, sender: Sender
) -> None:
    everybodys = 'name = "All"\nemail = "all@example.org"\nreply_to = "office@example.org"'

    settings = _read(tmp_path, f"[sender]\n{everybodys}\n[lists.weekly]\n{of_its_own}\n")

    assert settings.sender_of("weekly") == sender
    assert settings.sender_of("monthly") == settings.sender


def test_an_empty_file_is_a_practice_site(tmp_path: Path) -> None:
    settings = _read(tmp_path, "")

    assert settings == Settings()
    assert settings.practice
    assert settings.zone.key == "UTC"


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER__PROVIDER__KIND", "smtp")
    monkeypatch.setenv("NEWSLETTER__PROVIDER__SMTP__PORT", "2525")
    monkeypatch.setenv("NEWSLETTER__STAFF__NOTIFY", '["a@example.org", "b@example.org"]')

    settings = _read(tmp_path, FULL)

    assert settings.provider.kind == "smtp"
    assert not settings.practice
    assert (settings.provider.smtp.port, settings.provider.smtp.host) == (2525, "localhost")
    assert settings.staff.notify == ("a@example.org", "b@example.org")
    assert settings.provider.per_day == 10000


def test_a_list_that_is_no_json_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSLETTER__STAFF__NOTIFY", "canary@example.org")

    with pytest.raises(UnreadableInput, match="lists are written as JSON") as refusal:
        _read(tmp_path, FULL)

    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ('[organization]\nname = "x"\n', "organization .* did you mean organisation"),
        ('[organisation]\nnmae = "x"\n', r"organisation\.nmae .* did you mean organisation\.name"),
        ('[provider.smpt]\nhost = "x"\n', r"provider\.smpt .* did you mean provider\.smtp"),
        ("[approval]\napproval = 1\n", r"did you mean approval\.approvals"),
        (
            '[staff.second_route]\nkind = "smtp"\n[staff.second_route.smpt]\nhost = "x"\n',
            r"did you mean staff\.second_route\.smtp",
        ),
        (
            '[lists.weekly]\nsender_nmae = "x"\n',
            r"lists\.weekly\.sender_nmae .* did you mean lists\.weekly\.sender_name",
        ),
        ('[list.weekly]\nsender_name = "x"\n', r"did you mean lists"),
        ("zzzzqqqq = 1\n", r"zzzzqqqq in .* is not known\.$"),
    ],
)
def test_an_unknown_setting_names_the_nearest_known_one(
    tmp_path: Path, toml: str, named: str
) -> None:
    with pytest.raises(UnreadableInput, match=named):
        _read(tmp_path, toml)


@pytest.mark.parametrize(
    ("variable", "named"),
    [
        ("NEWSLETTER__PROVIDR__KIND", r"NEWSLETTER__PROVIDR__KIND .* did you mean provider\.kind"),
        ("NEWSLETTER__PROVIDER__KINDE", r"provider\.kinde .* did you mean provider\.kind"),
    ],
)
def test_an_unknown_variable_names_the_nearest_known_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, named: str
) -> None:
    monkeypatch.setenv(variable, "smtp")

    with pytest.raises(UnreadableInput, match=named):
        _read(tmp_path, FULL)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        (
            '[provider.smtp]\nreturn_path = "bounces"\n',
            r"provider\.smtp\.return_path .* 20 letters",
        ),
        ('[provider.smtp]\nreturn_path = "a+b@example.org"\n', "20 letters"),
        ("[bounces.imap]\nfolder = '\"x\"'\n", r"bounces\.imap\.folder .* only ASCII"),
        (
            '[lists.weekly]\nsender_email = "weekly"\n',
            r"lists\.weekly\.sender_email .* mail address",
        ),
        ('[lists."My list"]\nsender_name = "x"\n', r"lists\.My list.* 1 to 40 of a-z"),
        ("[provider.smtp]\nmessages_per_intent = 11\n", r"messages_per_intent .* 10"),
        ("[provider.sendgrid]\nhand_over_minutes = 24\n", r"write 0 .* or 25 to 60 minutes"),
        ("[provider.sendgrid]\nhand_over_minutes = 61\n", r"write 0 .* or 25 to 60 minutes"),
        ('[provider]\nkind = "pigeon"\n', r"provider\.kind .* 'practice', 'smtp' or 'sendgrid'"),
        ("[approval]\napprovals = 3\n", r"approval\.approvals"),
        ('[organisation]\ntimezone = "Europe/Londn"\n', "did you mean 'Europe/London'"),
        ('[organisation]\ntimezone = "zzz"\n', r"'zzz' is no time zone\.$"),
        ('[organisation]\nurl = "prayer.example.org"\n', "must begin with https://"),
        ('[sender]\nname = "x\\nBcc: y"\n', "line breaks and control characters"),
        ('[sender]\nname = "x\\u2028y"\n', "line breaks and control characters"),
        ("[provider]\nper_second = 0\n", r"provider\.per_second"),
        ('[provider]\nwarm_up_from = "soon"\n', r"provider\.warm_up_from"),
        ('[staff]\nheartbeat_url = "http://watch.example.org/"\n', "must begin with https://"),
        ('[staff]\nheartbeat_url = "file:///etc/passwd"\n', "must begin with https://"),
        ('[intake]\nfeeds = [""]\n', r"intake\.feeds\.0 .*LIST https"),
        ('[intake]\nfeeds = ["https://a.test/x", "file:///x"]\n', r"intake\.feeds\.1 "),
        ('[intake]\nfeeds = ["a b https://a.test/"]\n', "with several lists"),
        ('[intake]\nfeeds = ["https://a:b@a.test/"]\n', "a password in it"),
        ("provider = 3\n", "provider in"),
        ("[provider\n", "is not valid TOML"),
    ],
)
def test_a_value_that_does_not_fit_is_one_sentence(tmp_path: Path, toml: str, said: str) -> None:
    with pytest.raises(UnreadableInput, match=said) as refusal:
        _read(tmp_path, toml)

    assert "\n" not in str(refusal.value)
    assert SETTINGS_FILE in str(refusal.value)


@pytest.mark.parametrize(
    "toml",
    [
        '[provider.sendgrid]\napi_key = "SG.canary"\n',
        '[provider.smtp]\npassword = "canary"\n',
        'secret_key = "canary"\n',
    ],
)
def test_a_secret_in_the_settings_is_sent_elsewhere_and_not_shown(
    tmp_path: Path, toml: str
) -> None:
    with pytest.raises(UnreadableInput, match=r"secrets come from .*SENDGRID_API_KEY") as refusal:
        _read(tmp_path, toml)

    assert "canary" not in str(refusal.value)


def test_a_folder_without_settings_is_no_site(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UnreadableInput, match=r"There is no newsletter\.toml in"):
            read_settings(folder)


def test_settings_that_are_no_text_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_bytes(b"\xff\xfe\x00")

    with pytest.raises(UnreadableInput, match="is not valid TOML"):
        read_settings(tmp_path)


def test_settings_that_cannot_be_read_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).mkdir()

    with pytest.raises(UnreadableInput, match=r"cannot be read \(Is a directory\)"):
        read_settings(tmp_path)


# --- secrets --------------------------------------------------------------------------


def test_secrets_come_from_variables_and_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / KEY_FILE).write_text("site-key\n")
    (tmp_path / "smtp").write_text("from-file\n")
    monkeypatch.setenv("SENDGRID_API_KEY", " from-variable ")
    monkeypatch.setenv("SMTP_PASSWORD_FILE", str(tmp_path / "smtp"))
    monkeypatch.setenv("IMAP_PASSWORD", "from-a-third")

    secrets = read_secrets(tmp_path)

    assert (secrets.site_key, secrets.sendgrid_api_key, secrets.smtp_password) == (
        "site-key",
        "from-variable",
        "from-file",
    )
    assert secrets.imap_password == "from-a-third"
    assert repr(secrets) == "Secrets()"


def test_the_second_road_has_secrets_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / KEY_FILE).write_text("site-key\n")
    (tmp_path / "smtp").write_text("from-file\n")
    monkeypatch.setenv("SECOND_ROUTE_SENDGRID_API_KEY", "from-variable")
    monkeypatch.setenv("SECOND_ROUTE_SMTP_PASSWORD_FILE", str(tmp_path / "smtp"))

    secrets = read_secrets(tmp_path)

    assert secrets.second_sendgrid_api_key == "from-variable"
    assert secrets.second_smtp_password == "from-file"
    assert repr(secrets) == "Secrets()"


def test_a_heartbeat_may_stay_on_this_machine(tmp_path: Path) -> None:
    settings = _read(tmp_path, '[staff]\nheartbeat_url = "http://127.0.0.1:9000/ping"\n')

    assert settings.staff.heartbeat_url == "http://127.0.0.1:9000/ping"


def test_a_variable_wins_over_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / KEY_FILE).write_text("in-the-site")
    monkeypatch.setenv("NEWSLETTER_SECRET_KEY_FILE", str(tmp_path / "missing"))
    monkeypatch.setenv("NEWSLETTER_SECRET_KEY", "in-a-variable")

    assert read_secrets(tmp_path).site_key == "in-a-variable"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_secret_file_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / KEY_FILE).write_bytes(content)

    with pytest.raises(UnreadableInput, match="put it back from your copy"):
        read_secrets(tmp_path)

    monkeypatch.setenv("NEWSLETTER_SECRET_KEY_FILE", str(tmp_path / KEY_FILE))
    with pytest.raises(UnreadableInput, match="NEWSLETTER_SECRET_KEY_FILE cannot be read"):
        read_secrets(tmp_path)


def test_a_site_has_a_key_in_one_of_three_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not has_key(tmp_path)
    with monkeypatch.context() as variables:
        variables.setenv("NEWSLETTER_SECRET_KEY", "x")
        assert has_key(tmp_path)
    with monkeypatch.context() as variables:
        variables.setenv("NEWSLETTER_SECRET_KEY_FILE", "x")
        assert has_key(tmp_path)
    (tmp_path / KEY_FILE).touch()
    assert has_key(tmp_path)
