"""Copies that SendGrid holds until `send_at`: one batch id, and one way to cancel them.

SendGrid keeps ten cancellations at a time.  One that is deleted before its time revives the
mail; later than ten minutes before it, a cancellation is not certain to hold.
"""

import http.client
import json
import re
import time
from datetime import timedelta

from newsletter import config
from newsletter.providers.base import boot_clock, in_words
from newsletter.providers.reported import NoAnswer
from newsletter.providers.sendgrid.line import Line, NothingLeft, Said, check, clock_of, tls_context

START_SECONDS = 5.0
ANSWER_SECONDS = 10.0
CLOCKS_DIFFER = timedelta(minutes=1)
_STOPS = "user/scheduled_sends"


class SendGridHolding:
    """One thread's batch ids and cancellations."""

    name = "sendgrid"
    label = "SendGrid"

    def __init__(self, settings: config.SendGrid, key: str) -> None:
        """Read the settings; opens nothing.

        Raises:
            Problem: as `SendGrid`.
        """
        check(settings.base_url, key)
        self.ahead = timedelta(minutes=settings.hand_over_minutes)
        self._line = Line(settings.base_url, key, tls_context(settings.base_url))

    def close(self) -> None:
        self._line.cut()

    def new_batch(self) -> str:
        said = self._call("post", "mail/batch", {})
        if isinstance(said, str):
            raise NoAnswer(said, stopped=self._line.closed)
        batch_id = _value_of(said, "batch_id")
        if said.status != 201 or not re.fullmatch(r"[A-Za-z0-9][!-~]{0,99}", batch_id):
            raise NoAnswer(f"SendGrid gave no batch id ({said.status}).")
        # A stop must come in time by the clock of those who let the copies go.
        theirs = clock_of(said)
        if theirs is None or abs(theirs - time.time()) > CLOCKS_DIFFER.total_seconds():
            raise NoAnswer("This machine's clock and SendGrid's differ: set it right.")
        return batch_id

    def stop(self, batch_id: str, start_by: float) -> bool | None:
        asked = {"batch_id": batch_id, "status": "cancel"}
        said = self._call("post", _STOPS, asked, start_by)
        if isinstance(said, Said) and said.status == 201:
            return True
        # Cancelled before, in doubt, or refused: what SendGrid shows decides.
        shown = self.is_stopped(batch_id)
        if isinstance(said, str) or not 400 <= said.status < 500 or said.status == 408:
            return shown or None  # the request may still be on its way
        if shown is None and said.status in (401, 403):
            return False  # the key may not cancel, and never could
        return shown

    def is_stopped(self, batch_id: str) -> bool | None:
        said = self._call("get", f"{_STOPS}/{batch_id}")
        if isinstance(said, str) or said.status not in (200, 404):
            return None
        if said.status == 404:
            return False
        try:
            return any(
                entry["batch_id"] == batch_id and entry["status"] == "cancel"
                for entry in json.loads(said.body)
            )
        except (ValueError, RecursionError, KeyError, TypeError):
            return None

    def forget(self, batch_id: str) -> bool:
        said = self._call("delete", f"{_STOPS}/{batch_id}")
        return isinstance(said, Said) and said.status in (204, 404)

    def _call(
        self,
        method: str,
        path: str,
        body: dict[str, str] | None = None,
        start_by: float | None = None,
    ) -> Said | str:
        """Return what SendGrid said, or in words why it said nothing."""
        written = None if body is None else json.dumps(body).encode()
        start_by = boot_clock() + START_SECONDS if start_by is None else start_by
        try:
            return self._line.call(
                method, path, written, start_by=start_by, patience=ANSWER_SECONDS
            )
        except NothingLeft as nothing:
            return nothing.outcome.sentence
        except (OSError, http.client.HTTPException) as error:
            return f"SendGrid gave no whole answer ({in_words(error)})."


def _value_of(said: Said, name: str) -> str:
    try:
        return str(json.loads(said.body)[name])
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""
