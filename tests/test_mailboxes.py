"""Where bounces come to: a Maildir and an IMAP server.  Read once, never emptied."""

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.config import Bounces, Imap, Settings
from newsletter.errors import Problem
from newsletter.providers import mailbox_for, tells_outcome
from newsletter.providers.reported import NoAnswer
from newsletter.providers.returns import MOST_BYTES
from newsletter.providers.returns import imap as imap_module
from newsletter.providers.returns.imap import Imap as ImapMailbox
from newsletter.providers.returns.maildir import Maildir
from newsletter.site import Site
from tests.pages import site_in
from tests.servers.imap import PASSWORD, ImapServer, Security, imap_server
from tests.servers.process import certificate, trusting


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for name in ("tmp", "new", "cur"):
        (tmp_path / "bounces" / name).mkdir(parents=True)
    return tmp_path / "bounces"


# --- Maildir --------------------------------------------------------------------------


def test_what_was_understood_becomes_read_and_the_rest_stays_for_a_person(maildir: Path) -> None:
    for name in ("1.a.host", "2.b.host", "3.c:2,F"):
        (maildir / "new" / name).write_bytes(name.encode())
    mailbox = Maildir(maildir)

    [found] = mailbox.waiting(9)
    mailbox.file(["1.a.host", "3.c:2,F"], ["2.b.host"])
    mailbox.file(["1.a.host"], ["2.b.host"])  # by another process, say

    assert found == [(name, name.encode()) for name in ("1.a.host", "2.b.host", "3.c:2,F")]
    assert list(mailbox.waiting(9)) == []
    assert {path.name for path in (maildir / "cur").iterdir()} == {
        "1.a.host:2,S",
        "2.b.host:2,",
        "3.c:2,S",
    }


def test_only_the_beginning_of_ordinary_files_is_read(maildir: Path) -> None:
    (maildir / "new" / "big").write_bytes(b"x" * (MOST_BYTES + 1))
    (maildir / "new" / ".hidden").write_bytes(b"x")
    (maildir / "new" / "link").symlink_to("/etc/passwd")
    os.mkfifo(maildir / "new" / "pipe")

    [[(name, beginning)]] = Maildir(maildir).waiting(9)

    assert (name, len(beginning)) == ("big", MOST_BYTES)


def test_a_mail_that_another_process_took_is_passed_over(maildir: Path) -> None:
    for name in ("1", "2", "3"):
        (maildir / "new" / name).write_bytes(name.encode())

    waiting = Maildir(maildir).waiting(1)
    first = next(waiting)
    (maildir / "new" / "2").unlink()

    assert [first, *waiting] == [[("1", b"1")], [], [("3", b"3")]]


def test_a_maildir_that_is_closed_ends_at_the_next_mail(maildir: Path) -> None:
    for name in ("1", "2"):
        (maildir / "new" / name).write_bytes(b"")
    mailbox = Maildir(maildir)

    waiting = mailbox.waiting(1)
    next(waiting)
    mailbox.close()

    assert list(waiting) == []


def test_a_maildir_that_is_none_is_said_in_words(maildir: Path) -> None:
    (maildir / "new" / "1").write_bytes(b"")
    (maildir / "cur").rmdir()
    with pytest.raises(NoAnswer, match="no such file or directory"):
        Maildir(maildir).file(["1"], [])
    with pytest.raises(NoAnswer, match=r"correct maildir under \[bounces\]"):
        list(Maildir(maildir / "new").waiting(9))


# --- IMAP -----------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ImapServer]:
    with imap_server(tmp_path) as server:
        yield server


def drained(server: ImapServer) -> list[tuple[str, bytes]]:
    """Read all, and leave every second mail to a person."""
    mailbox = ImapMailbox(server.settings(), PASSWORD)
    found: list[tuple[str, bytes]] = []
    for portion in mailbox.waiting(3):
        found += portion
        names = [name for name, _ in portion]
        odd = [name for name in names if int(name) % 2]
        mailbox.file(odd, [name for name in names if name not in odd])
    return found


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_mails_are_read_and_marked_over_every_kind_of_line(
    tmp_path: Path, security: Security
) -> None:
    with imap_server(tmp_path, security) as server:
        server.put(b"one\r\n", b"two\r\n" * 1000, b"", b"x" * (MOST_BYTES + 1))
        with trusting(server.certificate.authorities if server.certificate else None):
            found = drained(server)
            again = drained(server)
            server.put(b"five")
            later = drained(server)

        assert [name for name, _ in found] == ["1", "2", "3", "4"]
        assert [len(mail) for _, mail in found] == [5, 5000, 0, MOST_BYTES]
        assert (again, later) == ([], [("5", b"five")])
        assert server.flags() == [{r"\Seen"}, {r"\Flagged"}, {r"\Seen"}, {r"\Flagged"}, {r"\Seen"}]
        assert server.heard()[-1] == "LOGOUT"


def test_a_server_without_plain_gets_a_login(tmp_path: Path) -> None:
    with imap_server(tmp_path, plain=False) as server:
        server.put(b"one")
        with pytest.raises(NoAnswer, match="no IMAP"):  # LOGIN knows ASCII only
            drained(server)
        mailbox = ImapMailbox(server.settings(), "something else")
        with pytest.raises(NoAnswer, match="does not let us in"):
            list(mailbox.waiting(9))

    assert server.heard().count("LOGIN") == 1


@pytest.mark.parametrize(
    ("command", "fault", "words"),
    [
        ("AUTHENTICATE", "refuse", "does not let us in"),
        ("SELECT", "refuse", "refuses the folder"),
        ("SEARCH", "refuse", "does not let us in"),
        ("SEARCH", "* SEARCH one two\r\nTAG OK done", "no IMAP"),
        ("SEARCH", "cut", "broke off"),
        ("FETCH", "cut", "broke off"),
        ("FETCH", "* 1 FETCH (BODY[] {99", "broke off"),
        ("FETCH", "HTTP/1.1 400 Bad Request", "broke off"),
        ("STORE", "refuse", "does not let us in"),
        ("STORE", "cut", "broke off"),
    ],
)
def test_a_fault_of_the_server_is_said_in_words(
    server: ImapServer, monkeypatch: pytest.MonkeyPatch, command: str, fault: str, words: str
) -> None:
    monkeypatch.setattr(imap_module, "SECONDS", 0.5)
    server.put(b"one")
    server.plan(**{command: fault})

    with pytest.raises(NoAnswer, match=words) as silence:
        drained(server)

    assert "check [bounces.imap]" in str(silence.value)
    assert not silence.value.stopped
    assert server.flags() == [set()]
    server.plan()
    assert drained(server) == [("1", b"one")]


def test_a_mail_that_is_gone_meanwhile_is_passed_over(server: ImapServer) -> None:
    server.put(b"one", b"two")
    server.plan(FETCH="TAG OK done")

    assert drained(server) == []
    assert server.flags() == [set(), set()]


def test_a_folder_of_another_name_is_asked_for(server: ImapServer) -> None:
    mailbox = ImapMailbox(server.settings("Came back"), PASSWORD)

    with pytest.raises(NoAnswer):
        list(mailbox.waiting(9))
    assert 'SELECT "Came back"' in server.heard()


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = Imap(host="127.0.0.1", port=port, security="none", username="x")

    with pytest.raises(NoAnswer, match="connection refused"):
        list(ImapMailbox(settings, "secret").waiting(9))


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_signed_gets_no_password(
    tmp_path: Path, security: Security
) -> None:
    shown = certificate(tmp_path, "somewhere.else")
    with imap_server(tmp_path, security, shown=shown) as server:
        with trusting(shown.authorities), pytest.raises(NoAnswer, match="certificate"):
            drained(server)

        assert not {"LOGIN", "AUTHENTICATE"} & set(server.heard())


def test_a_server_that_takes_encryption_away_gets_no_password(tmp_path: Path) -> None:
    with imap_server(tmp_path) as server:
        settings = server.settings().model_copy(update={"security": "starttls"})
        with pytest.raises(NoAnswer):
            list(ImapMailbox(settings, PASSWORD).waiting(9))

        assert not {"LOGIN", "AUTHENTICATE"} & set(server.heard())


def test_hanging_up_from_another_thread_is_nobodys_fault(server: ImapServer) -> None:
    server.put(b"one", b"two")
    server.plan(STORE="* OK wait")  # and no more
    mailbox = ImapMailbox(server.settings(), PASSWORD)
    waiting = mailbox.waiting(1)
    [(name, _)] = next(waiting)
    timer = threading.Timer(0.2, mailbox.close)
    timer.start()

    with pytest.raises(NoAnswer) as in_store:
        mailbox.file([name], [])
    with pytest.raises(NoAnswer) as in_search:
        next(waiting)
    with pytest.raises(NoAnswer) as afterwards:
        next(mailbox.waiting(9))

    timer.join()
    assert in_store.value.stopped
    assert in_search.value.stopped
    assert afterwards.value.stopped


# --- which one ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = site_in(tmp_path_factory.mktemp("site"))
    yield made
    made.engine.dispose()


def with_bounces(site: Site, kind: str, bounces: Bounces, password: str = "") -> Site:
    settings = Settings(provider={"kind": kind}, bounces=bounces.model_dump())
    secrets = replace(site.secrets, imap_password=password)
    return replace(site, settings=settings, secrets=secrets)


def test_the_settings_choose_the_mailbox(site: Site) -> None:
    none = with_bounces(site, "smtp", Bounces())
    maildir = with_bounces(site, "smtp", Bounces(maildir="returned"))
    imap = Imap(host="imap.example.org", username="bounces")
    server = with_bounces(site, "sendgrid", Bounces(imap=imap), "secret")

    assert mailbox_for(none) is None
    assert isinstance(mailbox_for(maildir), Maildir)
    assert isinstance(mailbox_for(server), ImapMailbox)
    found = [tells_outcome(each, practice=False) for each in (none, maildir, server)]
    assert found == [False, True, False]
    assert not tells_outcome(maildir, practice=True)
    practising = with_bounces(site, "practice", Bounces(maildir="returned"))
    assert not tells_outcome(practising, practice=False)


@pytest.mark.parametrize(
    ("bounces", "password", "words"),
    [
        (Bounces(maildir="a", imap=Imap(host="b")), "", "two mailboxes"),
        (Bounces(maildir="mailbox"), "", "mailbox of practice"),
        (Bounces(imap=Imap(host="b", username="c")), "", "IMAP_PASSWORD"),
        (Bounces(imap=Imap(host="b", username="c")), "se\r\ncret", "IMAP_PASSWORD"),
        (Bounces(imap=Imap(host="b")), "secret", "username"),
        (Bounces(imap=Imap(host="b", username="c", security="none")), "secret", "in the clear"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    site: Site, bounces: Bounces, password: str, words: str
) -> None:
    with pytest.raises(Problem, match=words):
        mailbox_for(with_bounces(site, "smtp", bounces, password))
