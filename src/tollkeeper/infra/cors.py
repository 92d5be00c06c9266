"""Calls from pages of other origins: only of those the settings name, and never with cookies."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
TAKEN = ("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Request-Id", "API-Version")
SHOWN = (
    "API-Version",
    "Content-Disposition",
    "ETag",
    "Idempotent-Replayed",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
)
SECONDS_KEPT = 600


class Cors:
    """Lets pages of other origins call the API with a key or token of their own.

    Cookies are never taken from them (`Access-Control-Allow-Credentials` is not sent), so that no page elsewhere acts
    for who happens to be logged in here. Pages and forms have no CORS at all.
    """

    def __init__(self, app: ASGIApp, origins: list[str]) -> None:
        """`origins` as browsers send them, `https://host[:port]`; `*` is any."""
        self._app = app
        self._open = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=TAKEN,
            expose_headers=SHOWN,
            max_age=SECONDS_KEPT,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        is_api = scope["type"] == "http" and scope["path"].startswith("/api/")
        app: ASGIApp = self._open if is_api else self._app
        await app(scope, receive, send)
