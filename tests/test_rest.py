"""Send the rest: failed and cancelled people, those who joined since, and nobody else."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from newsletter.dispatch import the_rest
from newsletter.dispatch.freeze import ApprovalVoid
from newsletter.errors import NotAllowed
from newsletter.providers.base import Answer
from newsletter.tables import Delivery, Edition, Issue, IssueState, Reason
from subscribers.consent import choose_style
from subscribers.database import writing
from subscribers.privacy import Keys
from subscribers.style import Style
from subscribers.tables import Subscription, SubscriptionState
from tests.aftermath import EXCLUDED, FAILED, PENDING, SUBMITTED, UNKNOWN, Aftermath, aftermath
from tests.audiences import add_bulletin, add_issue, add_list, add_people, subscribe, suppress


@pytest.fixture
def after(warm_engine: Engine, keys: Keys, tmp_path: Path) -> Aftermath:
    """Five people: one refused, one cancelled, one unknown, two have it."""
    after = aftermath(warm_engine, keys, tmp_path)
    refused, cancelled, unknown = after.people[:3]
    after.answers = {
        refused: Answer.REFUSED,
        cancelled: Answer.TRY_LATER,
        unknown: Answer.UNKNOWN,
    }
    after.send()
    after.change(
        lambda: (
            update(Delivery)
            .where(Delivery.subscriber_id == cancelled)
            .values(state=EXCLUDED, reason=Reason.CANCELLED, due_at=None)
        )
    )
    after.answers = {}
    after.later(hours=1)
    after.send()
    assert after.issue().state is IssueState.COMPLETED
    return after


@pytest.mark.transition("t")
@pytest.mark.transition("u")
def test_failed_and_cancelled_people_get_one_more_go(after: Aftermath) -> None:
    refused, cancelled, unknown, *others = after.people

    found = after.send_rest()

    assert (found.failed, found.cancelled, found.unknown, found.joined) == (1, 1, 1, 0)
    assert after.states() == {PENDING: 2, UNKNOWN: 1, SUBMITTED: 2}
    assert after.issue().state is IssueState.SENDING
    after.send()
    assert after.states() == {SUBMITTED: 4, UNKNOWN: 1}
    assert after.taken() == dict.fromkeys((refused, cancelled, unknown, *others), 1)
    assert after.acts() == {"issue rest sent": "command"}
    assert after.issue().state is IssueState.COMPLETED


def test_a_dry_run_says_the_same_and_changes_nothing(after: Aftermath) -> None:
    before = after.states()

    with writing(after.engine) as session:
        said = the_rest(session, after.issue_id)

    assert after.states() == before
    assert after.send_rest() == said
    assert after.send_rest().taken == 0


def test_a_cancelled_issue_goes_on_for_those_whom_the_cancelling_left_out(
    engine: Engine, keys: Keys, tmp_path: Path
) -> None:
    after = aftermath(engine, keys, tmp_path)
    after.answers = dict.fromkeys(after.people[:3], Answer.TRY_LATER)
    after.send()
    after.set_issue(IssueState.CANCELLED)
    after.send()  # the sweep closes it
    assert after.states() == {EXCLUDED: 3, SUBMITTED: 2}
    after.answers = {}

    assert after.send_rest().cancelled == 3
    after.send()

    assert after.states() == {SUBMITTED: 5}
    assert after.taken() == dict.fromkeys(after.people, 1)


def test_who_left_or_must_not_be_mailed_stays_as_they_are(after: Aftermath) -> None:
    refused, cancelled = after.people[:2]
    with writing(after.engine) as session:
        suppress(session, after.keys, refused)
        session.execute(
            update(Subscription)
            .where(Subscription.subscriber_id == cancelled)
            .values(state=SubscriptionState.UNSUBSCRIBED)
        )

    found = after.send_rest()

    assert (found.taken, found.left_out) == (0, 2)
    assert after.state_of(refused) is FAILED
    assert after.delivery(cancelled).reason is Reason.CANCELLED
    assert after.issue().state is IssueState.COMPLETED
    assert after.acts() == {}


def test_who_turned_to_the_discreet_mail_is_left_out_where_there_is_none(
    after: Aftermath,
) -> None:
    refused, cancelled = after.people[:2]
    with writing(after.engine) as session:
        choose_style(session, refused, Style.DISCREET)
        choose_style(session, cancelled, Style.PLAIN)

    found = after.send_rest()

    assert (found.failed, found.cancelled, found.left_out) == (0, 1, 1)
    assert after.state_of(refused) is FAILED
    assert after.state_of(cancelled) is PENDING


def test_who_has_the_bulletin_through_another_list_stays_left_out(after: Aftermath) -> None:
    with writing(after.engine) as session:
        other_list = add_list(session, "monthly")
        subscribe(session, other_list, after.people[:1])
        bulletin = session.get_one(Issue, after.issue_id).bulletin_id
        other = add_issue(session, after.keys, other_list, bulletin)
    after.send()

    assert after.taken()[after.people[0]] == 1
    found = after.send_rest()

    assert other != after.issue_id
    assert (found.failed, found.left_out) == (0, 1)


def test_who_has_it_by_a_late_answer_is_not_sent_it_again(after: Aftermath) -> None:
    after.evidence(after.people[0])

    found = after.send_rest()

    assert (found.failed, found.left_alone) == (0, 1)


def test_a_paused_issue_stays_paused(after: Aftermath) -> None:
    after.set_issue(IssueState.PAUSED)

    after.send_rest()

    assert after.issue().state is IssueState.PAUSED


def test_an_issue_that_has_not_begun_has_no_rest(
    engine: Engine, keys: Keys, tmp_path: Path
) -> None:
    after = aftermath(engine, keys, tmp_path)

    with pytest.raises(NotAllowed, match="has not begun"):
        after.send_rest()


def test_only_the_bytes_that_were_approved_go_out(after: Aftermath) -> None:
    after.change(lambda: update(Edition).values(hash=b"x" * 32))

    with pytest.raises(ApprovalVoid):
        after.send_rest()

    assert after.state_of(after.people[0]) is FAILED


# --- those who joined since -------------------------------------------------------------------


def test_those_who_joined_since_are_offered_and_taken_apart(after: Aftermath) -> None:
    with writing(after.engine) as session:
        joined = add_people(session, after.keys, after.list_id, 12, language="de")
        add_people(session, after.keys, after.list_id, 1, state=SubscriptionState.PENDING)
        gone = SubscriptionState.UNSUBSCRIBED
        add_people(session, after.keys, after.list_id, 1, state=gone)  # joined, and left again
        suppress(session, after.keys, joined[0])
    after.people += joined
    with writing(after.engine) as session:
        assert the_rest(session, after.issue_id).joined == 12

    assert after.send_to_joined() == 12

    assert after.report().audience == 17
    assert after.states() == {PENDING: 11, EXCLUDED: 2, FAILED: 1, UNKNOWN: 1, SUBMITTED: 2}
    after.send()
    assert after.taken() == dict.fromkeys((*after.people[2:5], *joined[1:]), 1)
    assert after.issue().state is IssueState.COMPLETED
    assert after.send_to_joined() == 0
    assert after.acts() == {"issue sent to those who joined since": "command"}


def test_joined_people_who_have_the_bulletin_already_are_left_out(after: Aftermath) -> None:
    with writing(after.engine) as session:
        other_list = add_list(session, "monthly")
        joined = add_people(session, after.keys, other_list, 1)
        bulletin = session.get_one(Issue, after.issue_id).bulletin_id
        add_issue(session, after.keys, other_list, bulletin)
        add_bulletin(session, other_list, "another")
    after.send()
    with writing(after.engine) as session:
        subscribe(session, after.list_id, joined)
    after.people += joined

    assert after.send_to_joined() == 1
    after.send()

    assert after.taken()[joined[0]] == 1
    assert after.delivery(joined[0]).reason is Reason.ALREADY_RECEIVED
