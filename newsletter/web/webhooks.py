"""Where providers tell what became of the mail.  Nothing is believed that is not signed."""

import logging

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from newsletter.dispatch.failpoint import failpoint
from newsletter.events import keep
from newsletter.providers import webhook_for
from newsletter.providers.reported import NotGenuine
from newsletter.web.pages import Web
from subscribers.database import writing

router = APIRouter()
_log = logging.getLogger(__name__)


def open_webhooks(app: FastAPI, web: Web) -> None:
    """Let `app` take events; without a key to verify them the address does not exist.

    Raises:
        Problem: a key in the settings cannot be read.
    """
    app.state.webhook = webhook_for(web.site)
    app.include_router(router)


@router.post("/events/sendgrid")
async def take_events(request: Request) -> Response:
    """Keep SendGrid's events and answer 204 once they are durable; they are applied later.

    403 for whatever SendGrid did not sign: it will not be told what was wrong with it.
    """
    if request.app.state.webhook is None:
        raise HTTPException(404)
    body = await request.body()
    return await run_in_threadpool(_take, request, body)


def _take(request: Request, body: bytes) -> Response:
    # Imported late, as everything of the vendor's is: the names of its two headers.
    from newsletter.providers.sendgrid.events import SIGNATURE, TIMESTAMP

    web: Web = request.app.state.web
    webhook = request.app.state.webhook
    headers = request.headers
    try:
        events = webhook.read(headers.getlist(SIGNATURE), headers.getlist(TIMESTAMP), body)
    except NotGenuine:
        _log.warning("events refused provider=%s bytes=%d", webhook.provider, len(body))
        raise HTTPException(403) from None
    with writing(web.site.engine) as session:
        kept = keep(session, web.site.keys, webhook.provider, events, web.clock())
        failpoint("events-written")
    failpoint("events-kept")
    _log.info("events kept provider=%s told=%d kept=%d", webhook.provider, len(events), kept)
    return Response(status_code=204)
