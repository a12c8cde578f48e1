"""`/events/sendgrid`: what SendGrid signed is kept before it is answered, nothing else is."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from newsletter.config import SendGrid
from newsletter.errors import Problem
from newsletter.events import apply_waiting
from newsletter.events.store import opened
from newsletter.providers.reported import EventKind, NotGenuine
from newsletter.providers.sendgrid.events import SIGNATURE, TIMESTAMP, Webhook
from newsletter.site import Site
from newsletter.tables import DeliveryState, ProviderEvent
from newsletter.web import serve
from newsletter.web.shield import MAX_EVENTS_BYTES
from subscribers.database import reading, writing
from subscribers.privacy import Purpose
from tests.conftest import NOON
from tests.faults.figures import Figures
from tests.pages import ask, site_in, site_on
from tests.signed import NOW, Gone, Signer, became, hand_over_all, posted

SIGNER, ROTATED = Signer(), Signer()
PATH = "/events/sendgrid"


def listening(site: Site, *keys: str) -> Site:
    """Return the site with these keys for events in its settings."""
    provider = site.settings.provider.model_copy(
        update={"sendgrid": SendGrid(webhook_public_keys=keys)}
    )
    return replace(site, settings=site.settings.model_copy(update={"provider": provider}))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = site_in(tmp_path_factory.mktemp("site"))
    yield listening(made, SIGNER.public_key, ROTATED.public_key)
    made.engine.dispose()


@pytest.fixture(scope="module")
def port(site: Site) -> Iterator[int]:
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        yield running.port


@pytest.fixture(scope="module")
def gone(site: Site) -> Gone:
    with writing(site.engine) as session:
        return hand_over_all(session, site.keys, 60, DeliveryState.UNKNOWN)


def about(site: Site, gone: Gone, at: int, event: str = "delivered", **more: Any) -> dict[str, Any]:
    """Return an event of the issue's `at`th copy as SendGrid writes it."""
    return {
        "email": "miriam@example.org",
        "event": event,
        "sg_event_id": f"{event}-{at}",
        "sg_message_id": "abc.filter",
        "timestamp": 1795435100,
        "category": ["i1"],
        "pb_d": site.keys.token(Purpose.DELIVERY, gone.deliveries[at]),
        "pb_a": str(gone.attempt_id),
    } | more


def kept(site: Site) -> int:
    with reading(site.engine) as session:
        return session.scalars(select(func.count()).select_from(ProviderEvent)).one()


# --- what is genuine ------------------------------------------------------------------


def test_the_signatures_that_sendgrid_made_hold(shared: Path) -> None:
    vectors = json.loads((shared / "sendgrid/webhook_signature_vectors.json").read_text())
    found = []
    for vector in vectors["vectors"]:
        webhook = Webhook([SIGNER.public_key, vector["public_key"]])
        body = base64.b64decode(vector["body_base64"])
        found += webhook.read([vector["signature"]], [vector["timestamp"]], body)
        for other in (body.strip(), json.dumps(json.loads(body)).encode(), body + b" "):
            with pytest.raises(NotGenuine):
                webhook.read([vector["signature"]], [vector["timestamp"]], other)

    # A full mailbox is a block: refused now, and nothing against the address.
    assert [event.kind.value for event in found] == ["dropped-bounced", "processed", "blocked"]
    assert {event.token for event in found} == {None}
    assert all(event.address and event.happened_at.year in (2020, 2021) for event in found)


def _malformed() -> dict[str, tuple[bytes, dict[str, str]]]:
    body = posted([{"event": "delivered"}])
    good = SIGNER.headers(body)
    stamp, signature = good[TIMESTAMP], good[SIGNATURE]
    stranger = Signer().headers(body)
    moved = posted([{"event": "bounce"}])
    raw = base64.b64decode(signature)
    signed = {
        name: (odd, SIGNER.headers(odd))
        for name, odd in {
            "no JSON": b"hello",
            "no list": b'{"event": "delivered"}',
            "empty": b"",
            "cut short": body[:-6],
            "not UTF-8": b"[\xff\xfe]",
            "endlessly nested": b"[" * 50_000,
        }.items()
    }
    return {
        "unsigned": (body, {}),
        "no timestamp": (body, {SIGNATURE: signature}),
        "no signature": (body, {TIMESTAMP: stamp}),
        "empty signature": (body, good | {SIGNATURE: ""}),
        "not base64": (body, good | {SIGNATURE: "%%%"}),
        "base64 with a gap": (body, good | {SIGNATURE: signature[:8] + " " + signature[8:]}),
        "not DER": (body, good | {SIGNATURE: base64.b64encode(b"x" * 70).decode()}),
        "cut signature": (body, good | {SIGNATURE: base64.b64encode(raw[:-1]).decode()}),
        "somebody else's": (body, stranger),
        "another body": (moved, good),
        "another time": (body, good | {TIMESTAMP: "1795435201"}),
        "a digit moved into the body": (stamp[-1:].encode() + body, good | {TIMESTAMP: stamp[:-1]}),
        "time in words": (body, good | {TIMESTAMP: "yesterday"}),
        "time with a sign": (body, good | {TIMESTAMP: "+795435200"}),
        "time in Arabic digits": (body, good | {TIMESTAMP: "1795435200 "[:9] + "x"}),
        "time of eleven digits": (body, SIGNER.headers(body, "17954352000")),
        **signed,
    }


@pytest.mark.parametrize("name", _malformed())
def test_what_is_not_genuine_is_refused_and_not_kept(site: Site, port: int, name: str) -> None:
    body, headers = _malformed()[name]
    before = kept(site)

    answer = ask(port, "POST", PATH, body, headers)

    assert answer.status == 403
    assert kept(site) == before


def test_two_signatures_are_none() -> None:
    body = posted([])
    headers = SIGNER.headers(body)

    with pytest.raises(NotGenuine):
        Webhook([SIGNER.public_key]).read(2 * [headers[SIGNATURE]], [headers[TIMESTAMP]], body)


def test_without_a_key_there_is_nothing_to_speak_to(engine: Engine, tmp_path: Path) -> None:
    body = posted([{"event": "delivered"}])

    with serve(site_on(engine, tmp_path), lambda: NOON, "127.0.0.1", 0) as running:
        answer = ask(running.port, "POST", PATH, body, SIGNER.headers(body))

    assert answer.status == 404


@pytest.mark.parametrize("key", ["", "%%", "MFkw", base64.b64encode(b"x" * 91).decode()])
def test_a_key_that_cannot_be_read_stops_the_start(site: Site, key: str) -> None:
    with pytest.raises(Problem, match="webhook_public_keys"):
        serve(listening(site, SIGNER.public_key, key), lambda: NOON, "127.0.0.1", 0)


@pytest.mark.parametrize("signer", [SIGNER, ROTATED], ids=["old key", "new key"])
@pytest.mark.parametrize("stamp", ["1000000000", "1795435200"])
def test_every_key_holds_and_a_late_try_too(
    site: Site, port: int, signer: Signer, stamp: str
) -> None:
    body = posted([])

    assert ask(port, "POST", PATH, body, signer.headers(body, stamp)).status == 204


def test_nothing_but_a_post_is_taken(port: int) -> None:
    assert ask(port, "GET", PATH).status == 405


def test_bodies_are_taken_up_to_two_megabytes(port: int) -> None:
    body = b"[" + b" " * (MAX_EVENTS_BYTES - 2) + b"]"
    too_long = {"Content-Length": str(MAX_EVENTS_BYTES + 1)}

    assert ask(port, "POST", PATH, body, SIGNER.headers(body)).status == 204
    assert ask(port, "POST", PATH, None, too_long).status == 413


# --- what is kept ---------------------------------------------------------------------


def test_what_is_kept_can_be_opened_and_applied(site: Site, port: int, gone: Gone) -> None:
    body = posted([about(site, gone, 0), about(site, gone, 1, "processed")])

    answer = ask(port, "POST", PATH, body, SIGNER.headers(body))

    assert (answer.status, answer.text) == (204, "")
    with reading(site.engine) as session:
        row = session.scalars(
            select(ProviderEvent).where(ProviderEvent.event_id == "delivered-0")
        ).one()
    address, raw = opened(site.keys, row.event_id, row.body)
    assert address == "miriam@example.org"
    assert json.loads(raw)["sg_message_id"] == "abc.filter"
    assert apply_waiting(site.engine, site.keys, NOW) == 2
    assert became(site.engine, gone.deliveries[0]).state is DeliveryState.SUBMITTED


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"event": "bounce", "type": "bounce"}, EventKind.BOUNCED),
        ({"event": "bounce"}, EventKind.BOUNCED),
        ({"event": "bounce", "type": "blocked"}, EventKind.BLOCKED),
        ({"event": "dropped", "reason": "Invalid"}, EventKind.DROPPED_BOUNCED),
        ({"event": "dropped", "reason": "Bounced Address"}, EventKind.DROPPED_BOUNCED),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, EventKind.DROPPED_UNSUBSCRIBED),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, EventKind.DROPPED_COMPLAINED),
        (
            {"event": "dropped", "reason": "Recipient List over Package Quota"},
            EventKind.DROPPED_QUOTA,
        ),
        ({"event": "dropped", "reason": "Spam Content"}, EventKind.DROPPED),
        ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, EventKind.DROPPED),
        ({"event": "dropped"}, EventKind.DROPPED),
        ({"event": "spamreport"}, EventKind.COMPLAINED),
        ({"event": "unsubscribe"}, EventKind.UNSUBSCRIBED),
        ({"event": "group_unsubscribe", "pb_d": "x"}, EventKind.UNSUBSCRIBED),
        ({"event": "group_unsubscribe"}, None),
        ({"event": "group_resubscribe", "pb_d": "x"}, None),
        ({"event": "open", "pb_d": "x"}, None),
        ({"event": "click", "pb_d": "x"}, None),
        ({"event": "account_status_change"}, None),
        ({"event": ["delivered"]}, None),
        ({}, None),
    ],
)
def test_sendgrids_words_become_ours_and_nobody_is_watched(
    entry: dict[str, Any], kind: EventKind | None
) -> None:
    body = posted([entry])
    headers = SIGNER.headers(body)

    found = Webhook([SIGNER.public_key]).read([headers[SIGNATURE]], [headers[TIMESTAMP]], body)

    assert [event.kind for event in found] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sg_event_id", None),
        ("sg_event_id", 7),
        ("sg_event_id", "x" * 101),
        ("sg_event_id", "\u0661"),
        ("timestamp", True),
        ("timestamp", "soon"),
        ("timestamp", 10**20),
        ("pb_a", 7),
        ("pb_a", "\u0661"),
        ("pb_a", "9" * 30),
        ("email", 7),
        ("email", "\ud800@x.org"),
        ("pb_d", ["x"]),
    ],
)
def test_odd_values_in_a_genuine_event_do_no_harm(
    site: Site, port: int, gone: Gone, field: str, value: object
) -> None:
    body = posted(
        [about(site, gone, 2, "bounce", **{field: value}), {"event": 3}, about(site, gone, 2)]
    )

    assert ask(port, "POST", PATH, body, SIGNER.headers(body)).status == 204
    apply_waiting(site.engine, site.keys, NOW)


@pytest.mark.fault("F12")
def test_fifty_at_once_are_all_kept_and_each_event_once(
    site: Site, port: int, gone: Gone, figures: Figures
) -> None:
    before = kept(site)
    bodies = [
        posted([about(site, gone, 10 + (no + at) % 50, "deferred") for at in range(20)])
        for no in range(50)
    ]
    answers: list[int] = []

    def send(body: bytes) -> None:
        answers.append(ask(port, "POST", PATH, body, SIGNER.headers(body)).status)

    threads = [threading.Thread(target=send, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == 50 * [204]
    assert kept(site) - before == 50
    assert apply_waiting(site.engine, site.keys, NOW) == 50
    assert became(site.engine, gone.deliveries[10]).state is DeliveryState.SUBMITTED
    figures("F12", posts_at_once=50, events=50 * 20, kept=50, applied=50)


def test_the_log_names_nobody(
    site: Site, port: int, gone: Gone, caplog: pytest.LogCaptureFixture
) -> None:
    body = posted([about(site, gone, 3, "bounce")])

    with caplog.at_level("DEBUG"):
        ask(port, "POST", PATH, body, SIGNER.headers(body))
        ask(port, "POST", PATH, body)
        apply_waiting(site.engine, site.keys, NOW)

    assert "events kept" in caplog.text
    assert "events refused" in caplog.text
    for word in ("miriam", "example.org", "abc.filter", about(site, gone, 3)["pb_d"]):
        assert word not in caplog.text
