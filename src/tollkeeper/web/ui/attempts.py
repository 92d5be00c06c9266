"""What a browser keeps while it is away at another service: the proof that it is the one that left."""

from fastapi import Request
from starlette.responses import Response

from tollkeeper.identity.elsewhere import ATTEMPT_LIFE
from tollkeeper.infra import forget_cookie, keep_cookie, sent_cookie

_COOKIE = "tk_elsewhere"


def keep_attempt(request: Request, response: Response, kept: str) -> Response:
    """Have the browser keep a sealed attempt until it is back."""
    keep_cookie(request, response, _COOKIE, kept, ATTEMPT_LIFE)
    response.headers["cache-control"] = "no-store"
    return response


def kept_attempt(request: Request) -> str:
    """Return what the browser kept; empty when it kept nothing."""
    return sent_cookie(request, _COOKIE)


def end_attempt(request: Request, response: Response) -> Response:
    """Have the browser forget its attempt, however it ended."""
    forget_cookie(request, response, _COOKIE)
    response.headers["cache-control"] = "no-store"
    return response
