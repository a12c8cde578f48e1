"""What SendGrid can be asked afterwards: its log of messages, and whom it will not mail."""

import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from newsletter import config
from newsletter.message import category_of
from newsletter.providers.base import boot_clock, in_words
from newsletter.providers.reported import EventKind, Listed, Logged, NoAnswer
from newsletter.providers.sendgrid.events import drop_of
from newsletter.providers.sendgrid.line import (
    ANSWER_SECONDS,
    Line,
    NothingLeft,
    Said,
    check,
    tls_context,
)

PAGE = 500  # entries of a list: the most there are in one answer

# Blocks are no list of addresses never to be mailed: SendGrid itself goes on mailing them.
_LISTS = (
    ("bounces", EventKind.BOUNCED),
    ("invalid_emails", EventKind.BOUNCED),
    ("spam_reports", EventKind.COMPLAINED),
    ("unsubscribes", EventKind.UNSUBSCRIBED),
)
_STATUSES = {
    "processed": EventKind.PROCESSED,
    "delivered": EventKind.DELIVERED,
    "deferred": EventKind.DEFERRED,
    "bounced": EventKind.BOUNCED,
    "blocked": EventKind.BLOCKED,
}


class SendGridRecords:
    """One thread's questions to SendGrid."""

    name = "sendgrid"
    label = "SendGrid"
    log_limit = 1000

    def __init__(self, settings: config.SendGrid, key: str) -> None:
        """Read the settings; opens nothing.

        Raises:
            Problem: as `SendGrid`.
        """
        check(settings.base_url, key)
        self._line = Line(settings.base_url, key, tls_context(settings.base_url))

    def close(self) -> None:
        self._line.cut()

    # --- the log ----------------------------------------------------------------------

    def logged(
        self, after: datetime, before: datetime, *, issue_id: int, address: str | None = None
    ) -> Sequence[Logged] | None:
        terms = [
            f"categories IN ('{category_of(issue_id)}')",
            f"sg_message_id_created_at >= {_timestamp(after)}",
            f"sg_message_id_created_at <= {_timestamp(before)}",
        ]
        if address is not None:
            if "'" in address or "\\" in address:
                return None  # how to write it in a query is not documented
            terms.append(f"to_email = '{address}'")
        return self._messages(" AND ".join(terms), self.log_limit)

    def log_reaches(self, moment: datetime) -> bool:
        return bool(self._messages(f"sg_message_id_created_at > {_timestamp(moment)}", 1))

    def attempt_of(self, message_id: str) -> tuple[str, int] | None:
        found = self._ask("get", f"logs/{quote(message_id, safe='')}", "the log")
        carried = found.get("custom_args") if isinstance(found, dict) else None
        if not isinstance(carried, dict):
            return None
        token, attempt = carried.get("pb_d"), carried.get("pb_a")
        if not isinstance(token, str) or not isinstance(attempt, str) or not attempt.isdecimal():
            return "", 0  # it carries something, and nothing of ours
        return token, int(attempt)

    def _messages(self, query: str, limit: int) -> list[Logged]:
        body = json.dumps({"query": query, "limit": limit}).encode()
        found = self._ask("post", "logs", "the log", body)
        messages = found.get("messages") if isinstance(found, dict) else None
        if not isinstance(messages, list):
            raise NoAnswer(_UNREADABLE)
        return [logged for message in messages if (logged := _logged(message)) is not None]

    # --- the lists --------------------------------------------------------------------

    def listed(self, since: datetime | None) -> Iterator[Sequence[Listed]]:
        for name, kind in _LISTS:
            offset = 0
            while True:
                query: dict[str, object] = {"limit": PAGE, "offset": offset}
                if since is not None:
                    query["start_time"] = int(since.timestamp())
                page = self._ask("get", f"suppression/{name}", "the suppression lists", None, query)
                if not isinstance(page, list):
                    raise NoAnswer(_UNREADABLE)
                yield [entry for each in page if (entry := _listed(each, kind)) is not None]
                if len(page) < PAGE:
                    break
                offset += PAGE

    def _ask(
        self,
        method: str,
        path: str,
        what: str,
        body: bytes | None = None,
        query: Mapping[str, object] | None = None,
    ) -> Any:
        start_by = boot_clock() + ANSWER_SECONDS
        try:
            said = self._line.call(method, path, body, query, start_by=start_by)
        except NothingLeft as nothing:
            sentence = nothing.outcome.sentence
            raise NoAnswer(sentence, stopped=self._line.closed) from None
        except (OSError, http.client.HTTPException) as error:
            sentence = f"SendGrid gave no whole answer ({in_words(error)})."
            raise NoAnswer(sentence, stopped=self._line.closed) from None
        if said.status != 200:
            raise _refusal(said, what)
        try:
            return json.loads(said.body)
        except (ValueError, RecursionError):
            raise NoAnswer(_UNREADABLE) from None


_UNREADABLE = "SendGrid answered something that cannot be read."


def _refusal(said: Said, what: str) -> NoAnswer:
    if said.status in (401, 403):
        return NoAnswer(
            f"SendGrid does not let this key read {what} ({said.status}): give the key that right "
            "in SendGrid's settings.",
            forbidden=True,
        )
    return NoAnswer(f"SendGrid did not show {what} ({said.status}).", said.wait())


def _timestamp(moment: datetime) -> str:
    return f'TIMESTAMP "{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"'


def _logged(message: Any) -> Logged | None:
    try:
        status = message["status"]
        kind = drop_of(message.get("reason")) if status == "dropped" else _STATUSES[status]
        created_at = datetime.fromisoformat(message["sg_message_id_created_at"])
        return Logged(
            message_id=str(message["sg_message_id"]),
            address=str(message["to_email"]),
            kind=kind,
            created_at=created_at if created_at.tzinfo else created_at.replace(tzinfo=UTC),
            raw=json.dumps(message, separators=(",", ":")).encode(),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _listed(entry: Any, kind: EventKind) -> Listed | None:
    try:
        since = datetime.fromtimestamp(int(entry["created"]), UTC)
        return Listed(str(entry["email"]), kind, since)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
