"""The staff's plain list of issues with their reports, and a button to stop: on this computer only.

Nothing else can be done here, and a GET changes nothing.
"""

from contextlib import suppress
from dataclasses import dataclass

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.errors import NotAllowed
from newsletter.forecast import foresee
from newsletter.issue import (
    Actor,
    IssueView,
    describe,
    desk_for_stopping,
    pause,
    style_of,
    waivers_in,
)
from newsletter.providers import label_for
from newsletter.rendering import (
    RenderedEmail,
    SlotValues,
    merge,
    slot_values,
    with_photos,
)
from newsletter.report import Report, report
from newsletter.tables import Edition, Issue, IssueState, OutcomeKind, Reason
from newsletter.web.local import local_only, own_button_only
from newsletter.web.pages import Here, Web, error_page, number_in, page
from subscribers.database import reading, writing
from subscribers.privacy import Keys, Purpose
from subscribers.style import Style

PAGE_LENGTH = 20
_READ = ["GET", "HEAD"]
# The edition shows as it was approved, in a frame that may run, load and submit nothing.
_EMAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'; sandbox"
)
_STATES = {
    IssueState.DRAFT: "Draft",
    IssueState.AWAITING_APPROVAL: "Waiting for approval",
    IssueState.SCHEDULED: "Scheduled",
    IssueState.SENDING: "Going out now",
    IssueState.PAUSED: "Paused",
    IssueState.COMPLETED: "Completed",
    IssueState.CANCELLED: "Cancelled",
}
_EXCLUSIONS = {
    Reason.UNSUBSCRIBED: "unsubscribed",
    Reason.SUPPRESSED: "never to be mailed",
    Reason.ALREADY_RECEIVED: "already had this bulletin",
    Reason.CANCELLED: "cancelled in time",
    Reason.NO_DISCREET_EDITION: "read the discreet mail, and there was none",
}
_OUTCOMES = {
    OutcomeKind.DELIVERED: "delivered",
    OutcomeKind.DEFERRED: "delayed",
    OutcomeKind.BOUNCED: "came back",
    OutcomeKind.COMPLAINED: "called it spam",
}

_STAFF = Actor("", "page")  # whoever sits at this computer

router = APIRouter(prefix="/staff/issues", dependencies=[Depends(local_only)])


@dataclass(frozen=True)
class Line:
    """One line of a sum."""

    words: str
    count: int


@dataclass(frozen=True)
class IssuePage:
    """An issue with its report, in words."""

    view: IssueView
    state: str
    audience: int
    exclusions: tuple[Line, ...]
    deliveries: int
    sending: tuple[Line, ...]
    outcomes: tuple[Line, ...]  # empty: nothing was reported
    unknown: int
    silence: tuple[str, ...]  # how many of the unknown the provider's log does not know
    twice: tuple[str, ...]  # how many received it twice
    forecast: tuple[str, ...]  # who waits for another day, and how long it takes
    waived: tuple[str, ...]  # what of the checks somebody let pass, and who

    @property
    def has_started(self) -> bool:
        """Whether the audience is fixed."""
        return self.audience > 0 or self.view.state in (IssueState.SENDING, IssueState.COMPLETED)

    @property
    def can_stop(self) -> bool:
        """Whether mail goes out, or would by itself."""
        return self.view.state in (IssueState.SENDING, IssueState.SCHEDULED)


@router.api_route("", methods=_READ)
def list_issues(web: Here, before: str = "") -> Response:
    """Show the newest issues, or those older than the issue numbered `before`."""
    last = number_in(before)
    with reading(web.site.engine) as session:
        ids = list(
            session.scalars(
                select(Issue.id)
                .where(Issue.id < last if last is not None else Issue.id > 0)
                .order_by(Issue.id.desc())
                .limit(PAGE_LENGTH + 1)
            )
        )
        shown = [_issue_page(session, web, issue_id) for issue_id in ids[:PAGE_LENGTH]]
    older = ids[PAGE_LENGTH - 1] if len(ids) > PAGE_LENGTH else None
    return page(web, "staff/issues.html.j2", issues=shown, older=older, newest=last is None)


@router.api_route("/{issue_id}", methods=_READ)
def show_issue(issue_id: str, web: Here) -> Response:
    """Show one issue: its report as a sum, and the email as approved."""
    with reading(web.site.engine) as session:
        number = _existing(session, issue_id)
        if number is None:
            return error_page(web, 404)
        issue = _issue_page(session, web, number)
        editions = _editions(session, web.site.keys, number)
        text = _as_text(web, editions[0], style_of(session, number)) if editions else ""
    answer = page(web, "staff/issue.html.j2", issue=issue, editions=editions, text=text)
    answer.headers["Content-Security-Policy"] = web.policy + "; frame-src 'self'"
    return answer


@router.post("/{issue_id}/stop", dependencies=[Depends(own_button_only)])
def stop_issue(issue_id: str, web: Here) -> Response:
    """Pause an issue, as `newsletter issue pause` does, and show it."""
    site = web.site
    with writing(site.engine) as session:
        number = _existing(session, issue_id)
        if number is None:
            return error_page(web, 404)
        with suppress(NotAllowed):  # it is over or stopped by now: its page says so
            pause(session, desk_for_stopping(site), number, _STAFF, web.clock())
    return RedirectResponse(f"../{number}", 303)


@router.api_route("/{issue_id}/email", methods=_READ)
def show_email(issue_id: str, web: Here, edition: str = "0") -> Response:
    """Show the HTML of one edition as a sample subscriber would get it."""
    with reading(web.site.engine) as session:
        number = _existing(session, issue_id)
        editions = {} if number is None else _editions(session, web.site.keys, number)
        email = editions.get(no := number_in(edition))
        if number is None or no is None or email is None:
            return error_page(web, 404)
        style = style_of(session, number, no)
    in_html, in_text = _sample_values(web, email.language, style)
    html = with_photos(merge(email.html, in_html), email.photos)
    return Response(
        merge(email.text, in_text) if email.text_only else html,
        media_type="text/plain" if email.text_only else "text/html",
        headers={"Content-Security-Policy": _EMAIL_POLICY},
    )


def _existing(session: Session, issue_id: str) -> int | None:
    return session.scalar(select(Issue.id).where(Issue.id == number_in(issue_id)))


def _issue_page(session: Session, web: Web, issue_id: int) -> IssuePage:
    view = describe(session, web.site.keys, web.site.settings, issue_id)
    counts = report(session, issue_id)
    forecast = foresee(session, web.site.settings, view, web.clock())
    reported = sum(counts.outcome.values())
    provider = label_for(web.site, counts.practice)
    return IssuePage(
        view=view,
        state=_STATES[view.state],
        audience=counts.audience,
        exclusions=tuple(Line(_EXCLUSIONS[key], count) for key, count in counts.exclusions.items()),
        deliveries=counts.deliveries,
        sending=_sending(counts, provider),
        outcomes=tuple(Line(words, counts.outcome[key]) for key, words in _OUTCOMES.items())
        if reported
        else (),
        unknown=counts.sending["unknown"],
        silence=tuple(counts.silence_sentences(provider)),
        twice=tuple(counts.twice_sentences()),
        forecast=tuple(forecast.sentences()) if forecast else (),
        waived=tuple(
            waiver.sentence(web.site.settings.zone)
            for waiver in waivers_in(session, web.site.keys, issue_id)
        ),
    )


def _sending(counts: Report, provider: str) -> tuple[Line, ...]:
    sending = counts.sending
    taker = "put into the practice mailbox" if counts.practice else f"handed over to {provider}"
    lines = (
        Line(taker, sending["submitted"]),
        Line("not certain", sending["unknown"]),
        Line("failed", sending["failed"]),
        Line("being handed over now", sending["in_flight"]),
        Line("waiting", sending["pending"] + sending["claimed"]),
    )
    return lines[:3] + tuple(line for line in lines[3:] if line.count)


def _editions(session: Session, keys: Keys, issue_id: int) -> dict[int | None, RenderedEmail]:
    rows = session.execute(
        select(Edition.no, Edition.email).where(Edition.issue_id == issue_id).order_by(Edition.no)
    )
    return {
        no: RenderedEmail.from_json(
            keys.decrypt(sealed, "edition.email", f"{issue_id}/{no}".encode())
        )
        for no, sealed in rows
    }


def _as_text(web: Web, email: RenderedEmail, style: Style) -> str:
    return merge(email.text, _sample_values(web, email.language, style)[1])


def _sample_values(web: Web, language: str, style: Style) -> tuple[SlotValues, SlotValues]:
    settings, token = web.site.settings, web.site.keys.token(Purpose.SAMPLE, 0)
    url = settings.discreet.url if style is Style.DISCREET else settings.organisation.url
    return slot_values(None, language, f"{url}/u/{token}", f"{url}/p/{token}")
