"""What staff are told: each thing once, again until it is accepted, nobody named."""

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from newsletter.message import MessageForm, Recipient
from newsletter.notices import (
    FIRST_WAIT,
    LEASE,
    STALE,
    TRIES,
    Lines,
    submit_notices,
    tell,
    tell_what_waits,
)
from newsletter.providers.base import Answer, Intent, Outcome, boot_clock
from newsletter.tables import Notice, Pace
from subscribers.database import reading, writing
from subscribers.privacy import Keys
from tests.conftest import NOON
from tests.office import HARVEST_BLOCKED, HARVEST_MENDED, NURSES, Office, desk_for

ANNA, BEN = "anna@example.org", "ben@example.org"


class Post:
    """A provider that keeps what it accepts and refuses what it is told to."""

    name = "post"
    label = "the post"
    connections = 1
    batch_limit = turn_size = 1
    repeatable = False
    answer_within = timedelta(seconds=60)

    def __init__(self, **answers: Answer) -> None:
        self.answers = answers  # by the name before the @; ACCEPTED where none is given
        self.letters: list[tuple[str, bytes]] = []
        self.asked: list[str] = []
        self.closed = 0

    def connect(self) -> "Post":
        return self

    def submit(
        self,
        form: MessageForm,
        recipients: Sequence[Recipient],
        intent: Intent,
        ahead: Recipient | None = None,
    ) -> list[Outcome]:
        assert boot_clock() < intent.start_by < intent.answer_by
        (recipient,) = recipients
        self.asked.append(recipient.address)
        answer = self.answers.get(recipient.address.partition("@")[0], Answer.ACCEPTED)
        if answer is Answer.ACCEPTED:
            self.letters.append((recipient.address, form.copy_for(recipient)))
        return [Outcome(recipient.delivery_id, answer)]

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def office(warm_engine: Engine, keys: Keys) -> Office:
    return Office(warm_engine, desk_for(keys, 1, notify=(ANNA, BEN)))


def told(office: Office, key: str, subject: str = "A slot came up empty") -> bool:
    with writing(office.engine) as session:
        return tell(session, office.desk.keys, key, subject, ["It came.", "Look."], office.now)


def submitted(
    office: Office, post: Post, second: Post | None = None, lines: Lines | None = None
) -> int:
    desk = office.desk
    return submit_notices(
        office.engine, desk.keys, desk.settings, post, desk.templates, office.now, second, lines
    )


def notice(office: Office) -> Notice:
    with reading(office.engine) as session:
        return session.scalars(select(Notice)).one()


def test_each_thing_is_told_once(office: Office) -> None:
    post = Post()

    news = [told(office, "slot-empty/1"), told(office, "slot-empty/1", "Changed")]
    done = [submitted(office, post), submitted(office, post)]

    assert news == [True, False]
    assert done == [1, 0]
    assert [address for address, _ in post.letters] == [ANNA, BEN]
    assert post.closed == 1


def test_a_notice_is_a_whole_mail_to_one_person_and_sealed_until_then(office: Office) -> None:
    post = Post()
    told(office, "slot-empty/1")

    assert b"came" not in notice(office).body
    submitted(office, post)

    letter = post.letters[0][1]
    assert b"Subject: A slot came up empty" in letter
    assert letter.count(ANNA.encode()) == 1
    assert BEN.encode() not in letter
    assert b"List-Unsubscribe" not in letter


def test_what_is_not_accepted_is_tried_again_for_those_only_who_lack_it(office: Office) -> None:
    post = Post(ben=Answer.UNKNOWN)
    told(office, "slot-empty/1")

    first = submitted(office, post)
    early = submitted(office, post)
    office.now += FIRST_WAIT
    post.answers = {}
    second = submitted(office, post)

    assert (first, early, second) == (0, 0, 1)
    assert post.asked == [ANNA, BEN, BEN]
    assert notice(office).submitted_at == office.now


@pytest.mark.parametrize(
    "answer", [Answer.TRY_LATER, Answer.REFUSED, Answer.SENDER_FAULT, Answer.UNKNOWN]
)
def test_after_five_tries_it_is_given_up(office: Office, answer: Answer) -> None:
    post = Post(anna=answer, ben=answer)
    told(office, "slot-empty/1")

    for _ in range(TRIES + 2):
        submitted(office, post)
        office.later(hours=2)

    assert post.asked == [ANNA, BEN] * TRIES
    assert (notice(office).due_at, notice(office).submitted_at) == (None, None)


class Broken(Post):
    """A provider that breaks its promise never to raise."""

    def submit(
        self,
        form: MessageForm,
        recipients: Sequence[Recipient],
        intent: Intent,
        ahead: Recipient | None = None,
    ) -> list[Outcome]:
        raise RuntimeError("the process ends here")


def test_after_a_crash_in_the_middle_it_is_taken_up_again(office: Office) -> None:
    broken, post = Broken(), Post()
    told(office, "slot-empty/1")
    with pytest.raises(RuntimeError):
        submitted(office, broken)

    at_once = submitted(office, post)
    office.now += LEASE
    later = submitted(office, post)

    assert (at_once, later, broken.closed) == (0, 1, 1)


def test_a_notice_that_always_breaks_us_is_given_up_too(office: Office) -> None:
    told(office, "slot-empty/1")

    for _ in range(TRIES):
        with pytest.raises(RuntimeError):
            submitted(office, Broken())
        office.now += LEASE

    assert submitted(office, Post()) == 0
    assert notice(office).due_at is None


def test_two_programs_never_hand_over_the_same_notice(office: Office) -> None:
    posts = [Post(), Post(), Post()]
    for n in range(5):
        told(office, f"slot-empty/{n}")
    threads = [threading.Thread(target=submitted, args=(office, post)) for post in posts]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sum(len(post.letters) for post in posts) == 10
    letters = [
        letter.split(b"Message-ID: ")[1].split()[0] for p in posts for _, letter in p.letters
    ]
    assert len(set(letters)) == 10


def test_with_nobody_named_news_waits_and_goes_stale(warm_engine: Engine, keys: Keys) -> None:
    nobody, somebody = (
        Office(warm_engine, desk_for(keys)),
        Office(warm_engine, desk_for(keys, notify=(ANNA,))),
    )
    post = Post()
    told(nobody, "old")
    assert submitted(nobody, post) == 0
    nobody.now = somebody.now = NOON + STALE
    told(nobody, "new")
    somebody.later(seconds=1)

    assert submitted(somebody, post) == 1
    assert len(post.letters) == 1


# --- a second road ------------------------------------------------------------------------


def test_what_the_provider_does_not_accept_goes_by_the_second_road_at_once(
    office: Office,
) -> None:
    first, second = Post(ben=Answer.SENDER_FAULT), Post()
    told(office, "slot-empty/1")

    done = submitted(office, first, second)

    assert done == 1
    assert [address for address, _ in first.letters] == [ANNA]
    assert [address for address, _ in second.letters] == [BEN]
    assert (first.closed, second.closed) == (1, 1)


class Silent(Post):
    """A provider that answers nothing until its line is cut."""

    def __init__(self) -> None:
        super().__init__()
        self.cut, self.reached = threading.Event(), threading.Event()

    def submit(
        self,
        form: MessageForm,
        recipients: Sequence[Recipient],
        intent: Intent,
        ahead: Recipient | None = None,
    ) -> list[Outcome]:
        self.asked.append(recipients[0].address)
        self.reached.set()
        assert self.cut.wait(20)
        return [Outcome(recipients[0].delivery_id, Answer.TRY_LATER)]

    def close(self) -> None:
        super().close()
        self.cut.set()


def test_whoever_stops_does_not_wait_for_a_silent_server(office: Office) -> None:
    told(office, "first")
    told(office, "second")
    silent, second, lines = Silent(), Silent(), Lines()
    handing_over = threading.Thread(target=submitted, args=(office, silent, second, lines))

    handing_over.start()
    assert silent.reached.wait(20)
    lines.close()
    handing_over.join(20)

    assert not handing_over.is_alive()
    assert silent.asked == second.asked == [ANNA, BEN]  # of the first notice, and in no time
    post = Post()
    office.now += LEASE
    assert submitted(office, post, lines=lines) == 0
    assert submitted(office, post) == 2
    assert len(post.letters) == 4


def test_the_second_road_is_not_opened_without_need(office: Office) -> None:
    first, second = Post(), Post()
    told(office, "slot-empty/1")

    submitted(office, first, second)

    assert second.closed == 0


def test_what_the_provider_does_wrong_is_told_by_another_road(office: Office) -> None:
    first, second = Post(), Post(ben=Answer.TRY_LATER)
    with writing(office.engine) as session:
        tell(
            session,
            office.desk.keys,
            "issue-paused/1",
            "Issue 1 has stopped",
            ["The key is wrong."],
            office.now,
            provider_fails=True,
        )

    submitted(office, first, second)

    assert [address for address, _ in second.letters] == [ANNA]
    assert [address for address, _ in first.letters] == [BEN]


def test_while_the_provider_is_in_doubt_all_is_told_by_another_road(office: Office) -> None:
    first, second = Post(), Post()
    with writing(office.engine) as session:
        session.add(Pace(provider="post", breaker_until=office.now))
    told(office, "slot-empty/1")

    submitted(office, first, second)

    assert (len(first.letters), len(second.letters)) == (0, 2)


def test_a_notice_of_an_earlier_version_is_still_read(office: Office) -> None:
    post = Post()
    body = '{"subject": "A slot", "paragraphs": ["It came."], "had": []}'
    with writing(office.engine) as session:
        sealed = office.desk.keys.encrypt(body, "notice.body", b"slot-empty/1")
        session.add(Notice(key="slot-empty/1", created_at=NOON, body=sealed, tries=0, due_at=NOON))

    assert submitted(office, post) == 1


# --- what waits ---------------------------------------------------------------------------


def letters(office: Office) -> list[str]:
    with writing(office.engine) as session:
        tell_what_waits(session, office.desk, office.now)
    post = Post(ben=Answer.TRY_LATER)
    submitted(office, post)
    return [letter.replace(b"=\r\n", b"").decode() for _, letter in post.letters]


def test_an_approval_that_waits_is_told_once_for_each_version(office: Office) -> None:
    list_id = office.add_list()
    office.subscribe(list_id, 2)
    issue_id = office.issue(list_id)

    (letter,) = letters(office)
    again = letters(office)
    office.add(list_id, HARVEST_MENDED)
    changed = letters(office)

    assert f"Subject: Issue {issue_id} waits for approval" in letter
    assert "Friday 27 November 2026, 07:00 Europe/London" in letter.replace("\r\n", " ")
    assert f"newsletter issue approve {issue_id}" in letter.replace("\r\n", " ")
    assert "Harvest" not in letter
    assert (len(again), len(changed)) == (0, 1)


def test_two_missing_approvals_are_counted(warm_engine: Engine, keys: Keys) -> None:
    office = Office(warm_engine, desk_for(keys, 2, notify=(ANNA,)))
    office.issue(office.add_list())

    assert "2 more people" in letters(office)[0].replace("\r\n", " ")


def test_a_blocked_issue_is_told_without_a_word_of_the_bulletin(office: Office) -> None:
    issue_id = office.issue(office.add_list(), HARVEST_BLOCKED)

    (letter,) = letters(office)

    assert f"Subject: Issue {issue_id} is blocked" in letter
    assert "Mend the bulletin" in letter.replace("\r\n", " ")
    assert "barley" not in letter


def test_a_draft_whose_time_passed_while_it_was_blocked_needs_a_time(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id, HARVEST_BLOCKED)
    office.later(days=5)
    office.add(list_id, HARVEST_MENDED)

    assert f"Subject: Issue {issue_id} needs a time" in letters(office)[0]


def test_what_staff_hold_or_have_scheduled_is_no_news(warm_engine: Engine, keys: Keys) -> None:
    office = Office(warm_engine, desk_for(keys, notify=(ANNA,)))
    list_id = office.add_list()
    office.issue(list_id)
    office.draft(list_id, office.add(list_id, NURSES, "nurses.txt").id, hold=True)

    assert letters(office) == []
