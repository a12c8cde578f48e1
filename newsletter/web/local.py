"""Pages that need no sign-in because whoever reads them sits at this computer."""

import ipaddress
import re

from fastapi import Request
from starlette.exceptions import HTTPException

_LOOPBACK_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_PROXY_HEADERS = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip"})


def is_local(request: Request) -> bool:
    """Tell whether the request comes straight from a browser on this computer.

    The peer must be loopback and the host name too: a page from elsewhere can make a browser
    here ask its own name (DNS rebinding), and a proxy here speaks for anybody.
    """
    return _from_loopback(request) and _for_loopback(request) and not _through_proxy(request)


async def local_only(request: Request) -> None:
    """Refuse everybody else with 403; declared on the router, so no spelling gets round it."""
    if not is_local(request):
        raise HTTPException(403)


async def own_button_only(request: Request) -> None:
    """Refuse with 403 a form that somebody else's page made the browser here post.

    The browser says so itself, in a header that no page can write.
    """
    if request.headers.getlist("sec-fetch-site") != ["same-origin"]:
        raise HTTPException(403)


def _from_loopback(request: Request) -> bool:
    try:
        peer = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    mapped = peer.ipv4_mapped if isinstance(peer, ipaddress.IPv6Address) else None
    return (mapped or peer).is_loopback


def _for_loopback(request: Request) -> bool:
    hosts = request.headers.getlist("host")
    return len(hosts) == 1 and _LOOPBACK_HOST.fullmatch(hosts[0]) is not None


def _through_proxy(request: Request) -> bool:
    # nginx, left to itself, adds no header and asks for 127.0.0.1, but in HTTP/1.0,
    # which no browser has spoken for twenty years.
    return request.scope["http_version"] == "1.0" or any(
        name in _PROXY_HEADERS or name.startswith("x-forwarded") for name in request.headers
    )
