"""The practice mailbox: a Maildir, one file a copy, nothing leaves the machine."""

import mailbox
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.config import Settings
from newsletter.message import MessageForm, Recipient, bulletin_envelope, bulletin_form
from newsletter.providers.base import Answer, Intent, Outcome, boot_clock
from newsletter.providers.practice import Practice
from newsletter.tables import Reason
from tests.audiences import email_in

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def form() -> MessageForm:
    envelope = bulletin_envelope(
        Settings(), list_name="weekly", list_title="Weekly", list_id=1, issue_id=1
    )
    return bulletin_form(email_in("en"), envelope, NOON)


def recipient(number: int, address: str | None = None) -> Recipient:
    return Recipient(
        delivery_id=number,
        token=f"token-{number}",
        address=address or f"person{number}@example.org",
        name=f"Person {number}",
        unsubscribe_url="https://example.org/u/x",
        preferences_url="https://example.org/p/x",
    )


def intent(attempt_id: int = 1) -> Intent:
    return Intent(attempt_id, boot_clock() + 60, boot_clock() + 120)


def submit(folder: Path, form: MessageForm, *people: Recipient) -> list[Outcome]:
    return Practice(folder).connect().submit(form, people, intent())


def test_any_mail_program_can_read_it(tmp_path: Path, form: MessageForm) -> None:
    submit(tmp_path / "mailbox", form, recipient(1), recipient(2))

    with_readers_eyes = mailbox.Maildir(tmp_path / "mailbox", create=False)
    assert sorted(str(copy["To"]) for copy in with_readers_eyes) == [
        '"Person 1" <person1@example.org>',
        '"Person 2" <person2@example.org>',
    ]


def test_a_mailbox_is_begun_when_its_last_folder_is_there(
    tmp_path: Path, form: MessageForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    mkdir = Path.mkdir

    def die_after_two(self: Path, mode: int, exist_ok: bool) -> None:
        if len(made) == 3:  # the mailbox itself and two of its folders
            raise SystemExit
        made.append(self)
        mkdir(self, mode, exist_ok=exist_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "mkdir", die_after_two)
        with pytest.raises(SystemExit):
            submit(tmp_path / "mailbox", form, recipient(1))

    outcomes = submit(tmp_path / "mailbox", form, recipient(1))

    assert [outcome.answer for outcome in outcomes] == [Answer.ACCEPTED]


def test_handing_over_again_leaves_one_copy(tmp_path: Path, form: MessageForm) -> None:
    for _ in range(2):
        outcomes = submit(tmp_path, form, recipient(1))

    assert [outcome.answer for outcome in outcomes] == [Answer.ACCEPTED]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["token-1"]


def test_a_copy_that_was_read_stays_where_the_reader_put_it(
    tmp_path: Path, form: MessageForm
) -> None:
    connection = Practice(tmp_path).connect()
    connection.submit(form, [recipient(1)], intent())
    (tmp_path / "new/token-1").rename(tmp_path / "cur/token-1:2,S")

    connection.submit(form, [recipient(1), recipient(2)], intent())

    assert [path.name for path in (tmp_path / "cur").iterdir()] == ["token-1:2,S"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["token-2"]


def test_nobody_else_may_read_it(tmp_path: Path, form: MessageForm) -> None:
    submit(tmp_path / "mailbox", form, recipient(1))

    assert (tmp_path / "mailbox").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "mailbox/new/token-1").stat().st_mode & 0o777 == 0o600


def test_nothing_is_handed_over_after_its_time(tmp_path: Path, form: MessageForm) -> None:
    late = Intent(1, boot_clock() - 1, boot_clock() + 60)

    outcomes = Practice(tmp_path / "mailbox").connect().submit(form, [recipient(1)], late)

    assert [outcome.answer for outcome in outcomes] == [Answer.TRY_LATER]
    assert not (tmp_path / "mailbox").exists()


def test_an_address_that_cannot_stand_in_a_header_fails_alone(
    tmp_path: Path, form: MessageForm
) -> None:
    outcomes = submit(tmp_path, form, recipient(1, "no address\r\nBcc: x"), recipient(2))

    assert [outcome.answer for outcome in outcomes] == [Answer.REFUSED, Answer.ACCEPTED]
    assert outcomes[0].reason is Reason.ADDRESS_UNUSABLE


def test_a_mailbox_that_cannot_be_written_stops_the_issue(
    tmp_path: Path, form: MessageForm
) -> None:
    (tmp_path / "mailbox").write_text("in the way")

    outcomes = submit(tmp_path / "mailbox", form, recipient(1), recipient(2))

    assert {outcome.answer for outcome in outcomes} == {Answer.SENDER_FAULT}
    assert {outcome.delivery_id for outcome in outcomes} == {1, 2}
    assert "practice mailbox cannot be written" in outcomes[0].sentence


def test_copies_written_before_the_disk_was_full_count(tmp_path: Path, form: MessageForm) -> None:
    submit(tmp_path, form)
    (tmp_path / "tmp/token-2.1").mkdir()  # as good as a full disk: the second file cannot be made

    outcomes = submit(tmp_path, form, *(recipient(number) for number in (1, 2, 3)))

    answers = {outcome.delivery_id: outcome.answer for outcome in outcomes}
    assert answers == {
        1: Answer.ACCEPTED,
        2: Answer.SENDER_FAULT,
        3: Answer.SENDER_FAULT,
    }


def test_copies_that_are_not_durable_do_not_count(
    tmp_path: Path, form: MessageForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(tmp_path, form)
    folder_opened = os.open

    def refuse(path: str, flags: int, *more: int) -> int:
        if flags & os.O_DIRECTORY:
            raise OSError(5, "Input/output error")
        return folder_opened(path, flags, *more)

    monkeypatch.setattr(os, "open", refuse)

    outcomes = submit(tmp_path, form, recipient(1))

    assert [outcome.answer for outcome in outcomes] == [Answer.SENDER_FAULT]


def test_what_the_dead_left_unfinished_is_cleared_up(tmp_path: Path, form: MessageForm) -> None:
    submit(tmp_path, form)
    old, fresh = tmp_path / "tmp/token-8.1", tmp_path / "tmp/token-9.1"
    for path in (old, fresh):
        path.write_bytes(b"half")
    two_days_ago = datetime.now(UTC).timestamp() - timedelta(days=2).total_seconds()
    os.utime(old, (two_days_ago, two_days_ago))

    submit(tmp_path, form, recipient(1))

    assert [path.name for path in (tmp_path / "tmp").iterdir()] == ["token-9.1"]


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    connection = Practice(tmp_path).connect()

    connection.close()
    connection.close()
