"""One contract for every provider, held against the record of whoever is at the other end."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from newsletter.providers.base import Answer, Outcome
from newsletter.tables import Reason
from tests.contract.vendors import VENDORS, Taken, Vendor
from tests.copies import form, hand_over, leave, people, person


@pytest.fixture(scope="module", params=VENDORS)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Vendor]:
    with VENDORS[request.param](tmp_path_factory.mktemp("vendor")) as vendor:
        yield vendor


@pytest.fixture
def vendor(running: Vendor) -> Vendor:
    running.forget()
    return running


def test_everybody_gets_one_outcome_and_one_copy(vendor: Vendor) -> None:
    readers = people(12)

    outcomes = hand_over(vendor.provider, readers)

    assert Counter(o.delivery_id for o in outcomes) == Counter(r.delivery_id for r in readers)
    assert {o.answer for o in outcomes} == {Answer.ACCEPTED}
    assert {o.reason for o in outcomes} == {None}
    assert sorted(vendor.taken(), key=lambda taken: taken.token) == [
        Taken(reader.address, reader.token) for reader in readers
    ]


def test_an_address_that_nobody_can_take_is_refused_and_the_others_go(vendor: Vendor) -> None:
    if vendor.provider.name == "practice":
        pytest.skip("a file takes every address")
    bad = ["jos\u00e9@example.net", "a@b@example.net", "nobody", "x>\r\nRCPT TO:<y@example.net"]
    readers = [person(1), *(person(9 + at, address) for at, address in enumerate(bad)), person(2)]

    outcomes = hand_over(vendor.provider, readers)

    refused = {o.delivery_id for o in outcomes if o.reason is Reason.ADDRESS_UNUSABLE}
    assert refused == {9, 10, 11, 12}
    assert {taken.address for taken in vendor.taken()} == {
        "reader1@example.net",
        "reader2@example.net",
    }


def test_after_start_by_nothing_is_handed_over(vendor: Vendor) -> None:
    outcomes = hand_over(vendor.provider, people(3), leave(start_within=-0.001))

    assert [o.answer for o in outcomes] == 3 * [Answer.TRY_LATER]
    assert vendor.taken() == []


def test_nobody_to_send_to_is_no_trouble(vendor: Vendor) -> None:
    connection = vendor.provider.connect()

    assert connection.submit(form(), [], leave()) == []
    connection.close()


def test_closing_twice_or_unused_does_no_harm(vendor: Vendor) -> None:
    unused, used = vendor.provider.connect(), vendor.provider.connect()
    used.submit(form(), [person(1)], leave())

    for connection in (unused, used, used):
        connection.close()


def test_two_conversations_at_once_do_not_meet(vendor: Vendor) -> None:
    readers = people(30)
    outcomes: list[Outcome] = []
    threads = [
        threading.Thread(target=lambda part=part: outcomes.extend(hand_over(vendor.provider, part)))
        for part in (readers[:15], readers[15:])
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(o.delivery_id for o in outcomes) == list(range(1, 31))
    assert Counter(taken.address for taken in vendor.taken()) == Counter(
        reader.address for reader in readers
    )


def test_every_trouble_has_its_answer_and_no_more_than_one_try(
    vendor: Vendor, subtests: pytest.Subtests
) -> None:
    for trouble in vendor.troubles:
        with subtests.test(trouble.name):
            vendor.forget()
            trouble.begin()
            reader = person(5, name="Miriam Geheim")

            outcomes = hand_over(vendor.provider, [reader], leave(answer_within=0))

            assert [(o.answer, o.reason) for o in outcomes] == [(trouble.answer, trouble.reason)]
            assert vendor.taken() == trouble.taken * [Taken(reader.address, reader.token)]
            assert vendor.tries() <= 1
            sentence = outcomes[0].sentence
            assert (outcomes[0].answer is Answer.ACCEPTED) == (sentence == "")
            assert not sentence or sentence[-1] == "."
            assert not any(word in sentence for word in (reader.address, "Miriam", "\n"))


def test_a_wrong_key_is_one_sentence_and_fails_nobody(vendor: Vendor) -> None:
    if vendor.wrong_key is None:
        pytest.skip("needs no key")

    outcomes = hand_over(vendor.wrong_key, people(2))

    assert {o.answer for o in outcomes} == {Answer.SENDER_FAULT}
    [sentence] = {o.sentence for o in outcomes}
    assert "SMTP_PASSWORD" in sentence or "SENDGRID_API_KEY" in sentence
    assert vendor.taken() == []


def test_logs_hold_neither_secrets_nor_people(
    vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        hand_over(vendor.provider, [person(1, "miriam@example.net", "Miriam Geheim")])

    assert vendor.taken()
    for word in (*vendor.secrets, "miriam", "Miriam", person(1).token):
        assert word not in caplog.text


def test_a_provider_says_what_the_dispatcher_needs(vendor: Vendor) -> None:
    provider = vendor.provider

    assert provider.name in ("practice", "smtp", "sendgrid")
    assert 1 <= provider.turn_size <= provider.batch_limit
    assert provider.connections >= 1
    assert provider.label
    assert provider.answer_within.total_seconds() > 0


def test_a_conversation_can_be_used_again_after_a_pause(vendor: Vendor) -> None:
    connection = vendor.provider.connect()
    first = connection.submit(form(), [person(1)], leave())
    time.sleep(0.05)
    second = connection.submit(form(), [person(2)], leave())
    connection.close()

    assert [o.answer for o in first + second] == 2 * [Answer.ACCEPTED]
