"""DKIM: verified by dkimpy on what a server received; whatever is changed afterwards fails."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from dkim.canonicalization import CanonicalizationPolicy
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from newsletter import config, message
from newsletter.config import Settings, read_secrets
from newsletter.errors import Problem
from newsletter.message import (
    Envelope,
    Identity,
    bulletin_form,
    notice_envelope,
    notice_form,
)
from newsletter.providers import provider_for, second_route_for
from newsletter.providers.base import Provider
from newsletter.providers.smtp import Signer, SmtpRelay, read_signer
from newsletter.rendering import RenderedEmail, Shell, Slot
from newsletter.site import Site
from subscribers.database import open_engine
from subscribers.privacy import Keys
from subscribers.style import Style
from tests.copies import EMAIL, NOON, form, hand_over, leave, people, person
from tests.mails import ed25519_key, rsa_key, signer
from tests.servers.smtp import SmtpServer, smtp_server

SENDER = "prayer@example.org"
NOW = 1_795_600_000


def signatures(raw: bytes) -> list[dict[str, str]]:
    """Return the tags of each DKIM-Signature, in their order."""
    head = raw.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ").decode()
    values = re.findall(r"^DKIM-Signature: (.*)$", head, re.MULTILINE)
    return [
        {name.strip(): value for name, _, value in (tag.partition("=") for tag in line.split(";"))}
        for line in values
    ]


def holds(raw: bytes, which: int, who: Signer | None = None) -> bool:
    """Whether dkimpy, which knows the published records, believes a signature."""
    records = (who or signer()).dns_records()

    def ask(name: bytes, timeout: int = 5) -> bytes:
        return records.get(name.decode().rstrip("."), "").encode()

    try:
        return dkim.DKIM(raw).verify(which, dnsfunc=ask) is True
    except dkim.DKIMException:
        return False


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpServer]:
    folder, offers = tmp_path_factory.mktemp("smtp"), ("PIPELINING", "8BITMIME", "SMTPUTF8")
    with smtp_server(folder, scripted=True, offers=offers) as server:
        yield server


@pytest.fixture
def server(running: SmtpServer) -> SmtpServer:
    running.forget()
    return running


# --- what a server received -----------------------------------------------------------


def test_both_signatures_hold_on_what_the_server_received(server: SmtpServer) -> None:
    readers = [
        *(person(1, name="..."), person(2, name="  김민준 \t 감사  "), person(3, name=None)),
        *(person(4, "jörg@example.org"), person(5, name='Lee, Ann "Ph.D."'), person(6)),
    ]

    hand_over(SmtpRelay(server.settings(messages_per_intent=2), "", signer()), readers)

    received = [taken.data for taken in server.taken()]
    assert len(received) == 6
    assert b"\r\n.Pray.\r\n" in received[0]
    for raw, reader in zip(received, readers, strict=True):
        assert raw.endswith(form().copy_for(reader))
        assert [found["a"] for found in signatures(raw)] == ["rsa-sha256", "ed25519-sha256"]
        assert [holds(raw, 0), holds(raw, 1)] == [True, True]


def test_aiosmtpd_receives_it_signed_as_well(tmp_path: Path) -> None:
    with smtp_server(tmp_path) as other:
        hand_over(SmtpRelay(other.settings(), "", signer()), people(2))

        assert [holds(taken.data, no) for taken in other.taken() for no in (0, 1)] == 4 * [True]


@pytest.mark.parametrize("which", [0, 1])
def test_one_key_makes_one_signature(server: SmtpServer, which: int) -> None:
    alone = Signer("example.org", signer().keys[which : which + 1])

    hand_over(SmtpRelay(server.settings(), "", alone), [person(1)])

    [taken] = server.taken()
    assert len(signatures(taken.data)) == 1
    assert holds(taken.data, 0, alone)


def test_without_keys_nothing_is_added(server: SmtpServer) -> None:
    hand_over(SmtpRelay(server.settings(), ""), [person(1)])

    assert server.taken()[0].data == form().copy_for(person(1))


def test_each_try_is_signed_with_its_own_time(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = SmtpRelay(server.settings(), "", signer())
    for hours in (0, 5):
        monkeypatch.setattr(time, "time", lambda hours=hours: NOW + hours * 3600 + 0.9)
        hand_over(relay, [person(1)])
    monkeypatch.undo()

    first, second = (taken.data for taken in server.taken())
    assert {found["t"] for found in signatures(first)} == {str(NOW)}
    assert {found["t"] for found in signatures(second)} == {str(NOW + 5 * 3600)}
    assert holds(second, 0)
    assert (
        first.rpartition(b"DKIM-Signature")[2].partition(b"From:")[2]
        == (second.rpartition(b"DKIM-Signature")[2].partition(b"From:")[2])
    )


def test_a_copy_under_another_identity_names_nobody_else(server: SmtpServer) -> None:
    neutral = Envelope(
        "bulletin",
        Identity(
            "Anna", "letters@example.net", None, "https://letters.example.net", "b@example.net"
        ),
        practice=False,
        list_name="letters",
    )
    shell = Shell(("<p>Hello.</p>\n",), ())
    edition = bulletin_form(RenderedEmail("A letter", shell, shell, "en"), neutral, NOON)
    reader = replace(person(1, "reader@example.com"), unsubscribe_url="https://example.net/u/1")
    connection = SmtpRelay(server.settings(), "", signer()).connect()

    connection.submit(edition, [reader], leave())
    connection.close()

    [taken] = server.taken()
    assert taken.data == edition.copy_for(reader)  # not signed: our domain would stand in it
    assert taken.sender.startswith("b+")
    told = " ".join([*server.heard(), taken.data.decode()])
    assert not re.search(r"example\.org|prayer|network", told, re.IGNORECASE)


# --- what it covers -------------------------------------------------------------------


def signed(recipient_name: str | None = "Anna") -> bytes:
    reader = person(1, name=recipient_name)
    return signer().signatures(form(), reader, NOW) + form().copy_for(reader)


def header_names(raw: bytes) -> list[str]:
    head = raw.partition(b"\r\n\r\n")[0].decode()
    return [name.lower() for name in re.findall(r"^([!-9;-~]+):", head, re.MULTILINE)]


def test_the_tags_are_those_we_mean() -> None:
    for found in signatures(signed()):
        assert set(found) == {"v", "a", "c", "d", "s", "t", "h", "bh", "b"}  # no l=, no x=
        assert (found["v"], found["c"], found["d"]) == ("1", "relaxed/relaxed", "example.org")
        assert found["t"] == str(NOW)


def test_every_header_is_signed_but_what_servers_may_change() -> None:
    raw = signed()

    named = [name.strip() for name in signatures(raw)[0]["h"].split(":")]
    assert set(header_names(raw)) - set(named) == {"dkim-signature", "precedence"}
    twice = {name for name in named if named.count(name) == 2}
    assert twice >= {"from", "list-unsubscribe", "list-unsubscribe-post", "subject", "list-id"}
    assert named.count("cc") == 1  # there is none, and none may be added


def test_a_notice_is_signed_and_nobody_can_add_a_way_to_leave() -> None:
    email = RenderedEmail("Look", Shell(("<p>x</p>\n",), ()), Shell(("x\n",), ()), "en")
    notice = notice_form(email, notice_envelope(Settings()), NOON)
    reader = replace(person(1), unsubscribe_url="")

    raw = signer().signatures(notice, reader, NOW) + notice.copy_for(reader)

    named = [name.strip() for name in signatures(raw)[0]["h"].split(":")]
    assert holds(raw, 0)
    assert named.count("list-unsubscribe") == 1
    assert not holds(b"List-Unsubscribe: <https://example.com>\r\n" + raw, 0)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    "line",
    [
        "From: Somebody <other@example.org>",
        "Subject: Another",
        "To: other@example.net",
        "Cc: other@example.net",
        "Reply-To: other@example.net",
        "Date: Fri, 27 Nov 2026 08:00:00 +0000",
        "Message-ID: <x@example.org>",
        "Content-Type: text/plain",
        "List-Unsubscribe: <https://example.com/u>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "List-Id: <other.example.org>",
    ],
)
def test_a_second_header_in_front_breaks_it(line: str, which: int) -> None:
    assert not holds(line.encode() + b"\r\n" + signed(), which)


def test_what_servers_add_on_the_way_does_not_break_it() -> None:
    raw = signed()
    relayed = b"Received: from x by y; Fri, 27 Nov 2026 07:00:00 +0000\r\n" + raw

    for passed_on in (
        relayed,
        relayed.replace(b"\r\nPrecedence: bulk", b""),
        raw.replace(b"\r\n", b"\n"),  # as a mailbox keeps it
        raw.replace(b"\r\nSubject: ", b"\r\nSUBJECT:  "),
        raw.replace(b"?=\r\n =?", b"?=\r\n\t =?"),
        raw.replace(b"List-Owner: ", b"List-Owner:\r\n "),
        raw + b"\r\n\r\n",
    ):
        assert [holds(passed_on, 0), holds(passed_on, 1)] == [True, True]


RAW = re.compile(rb"[!-~]")  # spaces and line ends may change on the way


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_other_byte_breaks_it(data: st.DataObject) -> None:
    raw = signed()
    begin = raw.index(b"\r\nFrom:") + 2
    unsigned = range(raw.index(b"Precedence"), raw.index(b"MIME-Version"))
    at = data.draw(st.integers(begin, len(raw) - 1))
    assume(at not in unsigned and RAW.fullmatch(raw[at : at + 1]))

    changed = bytearray(raw)
    changed[at] ^= 1
    assert not holds(bytes(changed), 1)


@pytest.mark.parametrize("which", [0, 1])
def test_every_header_and_every_line_of_the_body_counts(which: int) -> None:
    raw = signed()
    lines = raw[raw.index(b"\r\nFrom:") + 2 :].split(b"\r\n")

    kept = []
    for no, line in enumerate(lines):
        if not line.strip():
            continue
        altered = [*lines[:no], line[:-1] + (b"x" if line[-1:] != b"x" else b"y"), *lines[no + 1 :]]
        before = raw[: raw.index(b"\r\nFrom:") + 2]
        if holds(before + b"\r\n".join(altered), which):
            kept.append(line)
    assert kept == [b"Precedence: bulk"]


TEXTS = st.text(st.sampled_from(". \t\n\r=xé\u3000"), max_size=60)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, min_size=3, max_size=3), TEXTS)
@example(["  ", " \n \n", "\t"], " a  b ")
def test_the_relaxed_form_is_what_others_make_of_the_whole_message(
    literals: list[str], name: str
) -> None:
    shell = Shell((*literals[:2], literals[2] + "\n"), (Slot.GREETING, Slot.UNSUBSCRIBE))
    edition = form(RenderedEmail("  two   spaces ", shell, shell, "ko"))
    reader = person(1, name=name)

    headers, body = edition.relaxed_for(reader)

    relaxed = CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
    parsed, whole = dkim.rfc822_parse(edition.copy_for(reader))
    assert body == relaxed.canonicalize_body(whole)
    assert [headers[key] + b"\r\n" for key, _ in relaxed.canonicalize_headers(parsed)] == [
        key + b":" + value for key, value in relaxed.canonicalize_headers(parsed)
    ]


def test_what_is_the_same_in_every_copy_is_relaxed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    edition, relaxed = form(), list[bytes]()

    def noted(head: bytes) -> dict[bytes, bytes]:
        relaxed.append(head)
        return relax(head)

    relax = message._relaxed_headers
    monkeypatch.setattr(message, "_relaxed_headers", noted)

    for reader in people(3):
        edition.relaxed_for(reader)

    assert [b"Subject:" in head for head in relaxed] == [True, False, False, False]


# --- keys and settings ----------------------------------------------------------------


def pem(
    private: RSAPrivateKey | Ed25519PrivateKey | ec.EllipticCurvePrivateKey,
    lock: KeySerializationEncryption | None = None,
) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock or NoEncryption())


def kept(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def read(
    folder: Path, sender: str = SENDER, pems: Mapping[str, str] | None = None, **written: str
) -> Signer:
    found = read_signer(config.Dkim.model_validate(written), pems or {}, folder, sender)
    assert found is not None
    return found


def test_without_a_section_nothing_is_signed(tmp_path: Path) -> None:
    assert read_signer(config.Dkim(), {"rsa": ""}, tmp_path, SENDER) is None


def test_keys_come_from_files_in_the_site_and_are_read_once(
    tmp_path: Path, server: SmtpServer
) -> None:
    files = [
        kept(tmp_path / "rsa.pem", pem(rsa_key())),
        kept(tmp_path / "ed.pem", pem(ed25519_key())),
    ]
    found = read(
        tmp_path,
        rsa_selector="news",
        rsa_key_file="rsa.pem",
        ed25519_selector="news-ed",
        ed25519_key_file=str(files[1]),
    )
    relay = SmtpRelay(server.settings(), "", found)
    for file in files:
        file.unlink()

    hand_over(relay, [person(1)])

    assert found.dns_records() == signer().dns_records()
    assert holds(server.taken()[0].data, 0)
    assert "private" not in repr(vars(relay)).lower()


def test_a_key_of_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_SECRET_KEY", "x")
    monkeypatch.setenv("DKIM_RSA_KEY", pem(rsa_key()).decode())
    file = kept(tmp_path / "mounted", pem(ed25519_key()), 0o444)
    monkeypatch.setenv("DKIM_ED25519_KEY_FILE", str(file))

    secrets = read_secrets(tmp_path)
    found = read(
        tmp_path,
        pems=secrets.dkim,
        rsa_selector="news",
        rsa_key_file="missing.pem",
        ed25519_selector="news-ed",
    )

    assert found.dns_records() == signer().dns_records()
    assert secrets.second_dkim == {"rsa": "", "ed25519": ""}
    assert "PRIVATE" not in repr(secrets)


@pytest.mark.parametrize(
    ("sender", "domain", "signs_as"),
    [
        (SENDER, "", "example.org"),
        ("prayer@News.Example.org", "", "news.example.org"),
        ("prayer@news.example.org", "example.org", "example.org"),
        (SENDER, "mail.Example.org", "mail.example.org"),
        ("prayer@straße.de", "", "xn--strae-oqa.de"),
    ],
)
def test_the_domain_is_the_senders_or_one_that_fits(
    tmp_path: Path, sender: str, domain: str, signs_as: str
) -> None:
    found = read(
        tmp_path, sender, {"rsa": pem(rsa_key()).decode()}, rsa_selector="news", domain=domain
    )

    assert found.domain == signs_as


@pytest.mark.parametrize("domain", ["example.net", "ample.org", "notexample.org"])
def test_a_domain_that_does_not_fit_the_sender_is_refused(tmp_path: Path, domain: str) -> None:
    with pytest.raises(Problem, match=f"{domain} under .* cannot sign for the sender: "):
        read(tmp_path, SENDER, {"rsa": pem(rsa_key()).decode()}, rsa_selector="n", domain=domain)


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "cannot be read .no such file or directory"),
    "a folder": (lambda path: path.mkdir(), "cannot be read .is a directory"),
    "seen by others": (
        lambda p: kept(p, pem(rsa_key()), 0o640),
        "may be read by others: chmod 600",
    ),
    "no key": (
        lambda path: kept(path, b"geheim"),
        "is no private key of that kind, .*genpkey -algorithm RSA",
    ),
    "another kind": (
        lambda path: kept(path, pem(ed25519_key())),
        "is no private key of that kind, .*genpkey -algorithm RSA",
    ),
    "a third kind": (
        lambda path: kept(path, pem(ec.generate_private_key(ec.SECP256R1()))),
        "is no private key of that kind, .*genpkey -algorithm RSA",
    ),
    "locked": (
        lambda path: kept(path, pem(rsa_key(), BestAvailableEncryption(b"geheim"))),
        "without a passphrase: make",
    ),
    "short": (
        lambda path: kept(path, pem(rsa_key(1024))),
        "has 1024 bits, .* 2048: make one with openssl",
    ),
}


@pytest.mark.parametrize("fault", BAD_FILES)
def test_a_key_that_cannot_be_used_is_one_sentence(tmp_path: Path, fault: str) -> None:
    make, words = BAD_FILES[fault]
    make(tmp_path / "rsa.pem")

    with pytest.raises(Problem, match=words) as refused:
        read(tmp_path, rsa_selector="news", rsa_key_file="rsa.pem")

    assert "geheim" not in str(refused.value)
    assert str(refused.value).startswith(f"The DKIM key {tmp_path / 'rsa.pem'} ")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"domain": "example.org"}, "a domain under .* and no key"),
        ({"rsa_selector": "news"}, "a rsa_selector under .* and no key"),
        ({"ed25519_key_file": "ed.pem"}, "no ed25519_selector under"),
    ],
)
def test_half_a_section_is_one_sentence(
    tmp_path: Path, written: dict[str, str], words: str
) -> None:
    with pytest.raises(Problem, match=words):
        read(tmp_path, SENDER, None, **written)


@pytest.mark.parametrize(
    "written",
    [
        {"domain": "example"},
        {"domain": "straße.de"},
        {"domain": "example.org; t=y"},
        {"rsa_selector": "news 1"},
        {"rsa_selector": "-news"},
        {"rsa_selector": "a" * 64},
        {"ed25519_selector": "news;"},
        {"rsa_key": "geheim"},
    ],
)
def test_names_that_the_dns_cannot_hold_are_refused(written: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"write |Extra inputs"):
        config.Dkim.model_validate(written)


def _site(folder: Path, written: dict[str, object], **secrets: dict[str, str]) -> Site:
    chosen = Settings.model_validate(written)
    given = config.Secrets("5a" * 32, "", "", **secrets)  # type: ignore[arg-type]  # only keys
    return Site(folder, chosen, given, Keys("5a" * 32), open_engine("sqlite://"))


def test_the_settings_lead_to_signed_mail_on_both_roads(tmp_path: Path, server: SmtpServer) -> None:
    smtp = server.settings().model_dump() | {"dkim": {"rsa_selector": "news"}}
    written: dict[str, object] = {
        "provider": {"kind": "smtp", "smtp": smtp},
        "staff": {"second_route": {"kind": "smtp", "smtp": smtp}},
    }
    keys = {"rsa": pem(rsa_key()).decode()}
    site = _site(tmp_path, written, dkim=keys, second_dkim=keys)
    roads: list[Provider | None] = [provider_for(site), second_route_for(site)]

    for road in roads:
        assert road is not None
        hand_over(road, [person(1)])

    assert [holds(taken.data, 0) for taken in server.taken()] == [True, True]


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("hills@example.org", True),
        ("news@hills.example.org", True),  # below the domain that signs: DMARC, relaxed
        ("news@hills.example.net", False),
    ],
)
def test_a_list_whose_mail_our_keys_cannot_sign_is_refused(
    tmp_path: Path, address: str, taken: bool
) -> None:
    written: dict[str, object] = {
        "provider": {
            "kind": "smtp",
            "smtp": {"host": "localhost", "dkim": {"rsa_selector": "news"}},
        },
        "sender": {"email": "prayer@example.org"},
        "lists": {"hills": {"sender_email": address}},
    }
    site = _site(tmp_path, written, dkim={"rsa": pem(rsa_key()).decode()})

    if taken:
        assert provider_for(site)
    else:
        with pytest.raises(Problem, match=r"list hills would go out unsigned.*\[lists\.hills\]"):
            provider_for(site)


def test_the_discreet_mail_has_keys_of_its_own(tmp_path: Path, server: SmtpServer) -> None:
    kept(tmp_path / "quiet.pem", pem(rsa_key()))
    discreet: dict[str, object] = {
        "email": "letters@quiet.example",
        "url": "https://letters.quiet.example",
        "dkim": {"rsa_selector": "quiet", "rsa_key_file": "quiet.pem"},
    }
    smtp = server.settings().model_dump() | {"dkim": {"rsa_selector": "news"}}
    written = {
        "organisation": {"url": "http://127.0.0.1:8000"},
        "provider": {"kind": "smtp", "smtp": smtp},
        "discreet": discreet,
    }
    keys = {"rsa": pem(rsa_key()).decode()}
    ours = form()
    quiet = form(sender_email="letters@quiet.example", reply_to=None)
    quiet = bulletin_form(EMAIL, replace(quiet.envelope, style=Style.DISCREET), NOON)
    connection = provider_for(_site(tmp_path, written, dkim=keys)).connect()

    for each in (ours, quiet):
        connection.submit(each, [person(1)], leave())
    connection.close()

    domains = [re.findall(rb"\bd=([^;]+);", taken.data) for taken in server.taken()]
    assert domains == [[b"example.org"], [b"quiet.example"]]
    discreet["dkim"] = {"rsa_selector": "quiet"}
    with pytest.raises(Problem, match=r"rsa_selector under \[discreet\.dkim\] and no key"):
        provider_for(_site(tmp_path, written, dkim=keys))


def test_a_second_road_without_its_key_is_one_sentence(tmp_path: Path) -> None:
    smtp = {"dkim": {"rsa_selector": "news"}}
    site = _site(tmp_path, {"staff": {"second_route": {"kind": "smtp", "smtp": smtp}}})

    with pytest.raises(Problem, match=r"\[staff\.second_route\].* a rsa_selector under"):
        second_route_for(site)


# --- the page that says how -----------------------------------------------------------

HOW_TO = (Path(__file__).parents[1] / "docs/how-to/sign-your-mail.md").read_text()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_the_lines_of_the_how_to_make_keys_and_print_our_records(tmp_path: Path) -> None:
    [make, show] = re.findall(r"```sh\n(.*?)```", HOW_TO, re.DOTALL)

    subprocess.run(["sh", "-e", "-c", make], cwd=tmp_path, check=True, capture_output=True)
    shown = subprocess.run(
        ["sh", "-e", "-c", show], cwd=tmp_path, check=True, capture_output=True, text=True
    )

    found = read(
        tmp_path,
        rsa_selector="news2026",
        rsa_key_file="dkim-rsa.pem",
        ed25519_selector="news2026ed",
        ed25519_key_file="dkim-ed25519.pem",
    )
    assert set(shown.stdout.splitlines()) == set(found.dns_records().values())
    assert all(name in HOW_TO for name in found.dns_records())
