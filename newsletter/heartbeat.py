"""A sign of life: one GET to an address that somebody watches, and who notices when it stops."""

import http.client
import urllib.request


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody: the address was chosen by people."""

    def redirect_request(self, *_: object) -> None:
        return None


PATIENCE_SECONDS = 10.0


def beat(url: str) -> bool:
    """Call `url` once and return whether it answered with success.  Never raises for a network."""
    opener = urllib.request.build_opener(_Stay)
    request = urllib.request.Request(url, headers={"User-Agent": "prayer-newsletter"})  # noqa: S310  https, or loopback: config says so
    try:
        with opener.open(request, timeout=PATIENCE_SECONDS) as answer:
            return bool(200 <= answer.status < 300)
    except (OSError, http.client.HTTPException):
        return False
