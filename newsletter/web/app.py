"""The web application and the server that runs it."""

import contextlib
import logging
import socket
import threading
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import uvicorn
from anyio import to_thread
from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.telemetry import TelemetryConfig
from sqlalchemy import select
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from newsletter.errors import Problem
from newsletter.site import Site
from newsletter.web import issues, public, webhooks
from newsletter.web.pages import Here, Web, error_page, facing, open_web
from newsletter.web.shield import Shield
from subscribers.database import DatabaseUnavailable, reading
from subscribers.tables import SiteMark

STOP_WITHIN = timedelta(seconds=2)
_RETRY_AFTER = timedelta(seconds=60)
# The dispatcher shares this process's pool of database connections: most are left to it.
_HANDLER_THREADS = 6
# FastAPI reports each request, with its path, to whatever OpenTelemetry finds: a path is a token.
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
_log = logging.getLogger(__name__)


def create_app(site: Site, clock: Callable[[], datetime]) -> FastAPI:
    """Return the application that shows `site`; its pages act at the time `clock` tells."""
    app = FastAPI(
        openapi_url=None,  # and with it the pages that would load scripts from elsewhere
        redirect_slashes=False,  # one address for one page
        lifespan=_few_threads,
        telemetry=_NO_TELEMETRY,
    )
    app.state.web = web = open_web(site, clock)
    app.include_router(public.router)
    app.include_router(issues.router)
    webhooks.open_webhooks(app, web)
    app.add_api_route("/healthz", _health, methods=["GET", "HEAD"])
    app.add_api_route("/readyz", _readiness, methods=["GET", "HEAD"])
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(DatabaseUnavailable, _unavailable)
    app.add_exception_handler(PoolTimeout, _unavailable)
    app.add_middleware(Shield, web=web)
    return app


@contextlib.asynccontextmanager
async def _few_threads(_app: FastAPI) -> AsyncIterator[None]:
    to_thread.current_default_thread_limiter().total_tokens = _HANDLER_THREADS
    yield


def _health(web: Here) -> Response:
    """Answer 200 while the database answers, else 503."""
    with reading(web.site.engine) as session:
        session.execute(select(1))
    return PlainTextResponse("ok\n")


def _readiness(web: Here) -> Response:
    """Answer 200 when the database is this site's, under this key, else 503."""
    with reading(web.site.engine) as session:
        mark = session.get(SiteMark, 1)
    ready = mark is not None and mark.key_fingerprint == web.site.keys.fingerprint()
    return PlainTextResponse("ok\n") if ready else PlainTextResponse("unavailable\n", 503)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (what it was registered for)
    answer = error_page(_facing(request), error.status_code)
    answer.headers.update(error.headers or {})  # Allow, of 405
    return answer


async def _unavailable(request: Request, _error: Exception) -> Response:
    _log.warning("page not shown: the database is unavailable")
    retry = {"Retry-After": str(_RETRY_AFTER // timedelta(seconds=1))}
    if request.url.path in ("/healthz", "/readyz"):
        return PlainTextResponse("unavailable\n", 503, retry)
    answer = error_page(_facing(request), 503)
    answer.headers.update(retry)
    return answer


def _facing(request: Request) -> Web:
    return facing(request.app.state.web, request.headers.get("host", ""))


class RunningServer:
    """A web server in a thread of its own.  Leaving its `with` block stops it."""

    def __init__(self, app: FastAPI, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="critical",  # the shield tells what goes wrong, without quoting
                access_log=False,  # every line would hold a token
                proxy_headers=False,  # the peer is who connected, whatever a header says
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._listener = listener
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._listener:
            self._server.run(sockets=[self._listener])

    def stop(self) -> None:
        """Finish the requests under way, for two seconds at most; harmless when repeated."""
        self._server.should_exit = True
        self._thread.join(STOP_WITHIN.total_seconds())

    def wait(self) -> None:
        """Block until the server has stopped."""
        self._thread.join()

    def __enter__(self) -> "RunningServer":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


def serve(site: Site, clock: Callable[[], datetime], host: str, port: int) -> RunningServer:
    """Start serving `site` and return at once; port 0 lets the system choose one.

    Connections are taken from the moment this returns.

    Raises:
        Problem: the address cannot be listened on.
    """
    return RunningServer(create_app(site, clock), _listen(host, port))


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _kind, _protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=128)
    except OSError as error:
        raise Problem(
            f"The web pages cannot listen on {host} port {port} ({_cause(error)}): choose "
            "another under [web], or stop the program that has it."
        ) from None


def _cause(error: OSError) -> str:
    """Return what the system says; Python adds the address to it."""
    return (error.strerror or type(error).__name__).partition(" (while")[0]
