"""What stands around every page: a limit on what comes in, headers on what goes out."""

import logging
import traceback

from fastapi.datastructures import Headers
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsletter.web.pages import Web, error_page, facing

MAX_BODY_BYTES = 64 * 1024
MAX_EVENTS_BYTES = 2 * 1024 * 1024  # providers tell of many copies at once
_EVENTS = "/events/"
_HEADERS = {
    "Referrer-Policy": "no-referrer",  # the token in the address must not travel on
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_log = logging.getLogger(__name__)


class Shield:
    """The outermost layer: large bodies get 413, our mistakes 500, all answers headers.

    Large is over 64 kB, over 2 MB for events.

    A mistake is logged by its kind and place.  Its message may quote what somebody sent, and
    the address of the page holds a token: neither is ever logged.
    """

    def __init__(self, app: ASGIApp, web: Web) -> None:
        self._app = app
        self._web = web

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        web = facing(self._web, Headers(scope=scope).get("host", ""))
        send = _with_headers(send, web)
        try:
            events = scope.get("path", "").startswith(_EVENTS)
            most = MAX_EVENTS_BYTES if events else MAX_BODY_BYTES
            body = await _read(Headers(scope=scope), receive, most)
        except ClientDisconnect:
            return  # half a form could name another list than the whole one
        if body is None:
            answer = error_page(web, 413)
            answer.headers["Connection"] = "close"  # the rest of the body is not wanted
            await answer(scope, receive, send)
            return
        try:
            await self._app(scope, _replay(body, receive), send)
        except Exception as error:  # noqa: BLE001  (the last place that can answer at all)
            _log.error("page failed: %s", _kind_and_place(error))
            await error_page(web, 500)(scope, receive, send)


def _with_headers(send: Send, web: Web) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", web.policy)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers


async def _read(headers: Headers, receive: Receive, most: int) -> bytes | None:
    """Return the whole body, None when it is, or says it will be, too large."""
    announced = headers.get("content-length", "0")
    if len(announced) > 9 or int(announced) > most:
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > most:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    unread = [body]

    async def receive_again() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await receive()

    return receive_again


def _kind_and_place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name}, line {frame.lineno} of {frame.filename}"
