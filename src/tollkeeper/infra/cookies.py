"""Cookies of security: how they are named, and where browsers may send them.

Over https a name begins with `__Host-`: browsers take such a cookie from this very host alone, so that no sibling
domain and nobody on the line can plant one. Over http, for local use, browsers would refuse it: the name is plain.
"""

from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .http import base_url_of

_HOST_PREFIX = "__Host-"


def cookie_name(name: str, *, https: bool) -> str:
    """Return what a cookie is called in the browser."""
    return _HOST_PREFIX + name if https else name


def is_https(request: Request) -> bool:
    """Whether customers reach this server over https."""
    return base_url_of(request).startswith("https://")


def sent_cookie(request: Request, name: str) -> str:
    """Return what the browser sent; empty when it sent nothing."""
    return request.cookies.get(cookie_name(name, https=is_https(request)), "")


def keep_cookie(request: Request, response: Response, name: str, value: str, life: timedelta | None = None) -> None:
    """Have the browser keep something no script can read; without `life` until it is closed."""
    seconds = None if life is None else int(life.total_seconds())
    response.set_cookie(**_same(request, name), value=value, max_age=seconds)


def forget_cookie(request: Request, response: Response, name: str) -> None:
    """Have the browser forget it."""
    response.delete_cookie(**_same(request, name))


def _same(request: Request, name: str) -> dict[str, Any]:
    # Over loopback without `Secure`, since browsers then need no https.
    https = is_https(request)
    return {
        "key": cookie_name(name, https=https),
        "path": "/",
        "secure": https or not _is_loopback(request),
        "httponly": True,
        "samesite": "lax",
    }


def _is_loopback(request: Request) -> bool:
    host = request.url.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
