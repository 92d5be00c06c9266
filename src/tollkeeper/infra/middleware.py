"""The outermost layer of every process that speaks HTTP: request id, headers, body limit, log line, last resort."""

import re
import time
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import Histogram
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tollkeeper.kit import new_id

from .answers import Header
from .problems import PayloadTooLargeError
from .versions import VERSION_HEADER, VERSION_LINE, version_headers

log = structlog.get_logger("tollkeeper.access")

MAX_BODY_BYTES = 1024 * 1024
_SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_SERVER_ERROR = 500

SECONDS = Histogram(
    "tollkeeper_http_request_seconds",
    "Time to answer, in seconds, by status.",
    ["status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_SECONDS_OF = {status: SECONDS.labels(str(status)) for status in (0, 200, 201, 204, 303, 401, 402, 404, 422, 429, 503)}

AnswerError = Callable[[Request, Exception], Awaitable[Response]]

BASE_HEADERS: list[Header] = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"x-xss-protection", b"0"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
# What is data, not a page, may run nothing and is not kept; pages set these two themselves.
DATA_HEADERS = [
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]


def base_headers(*, https: bool) -> list[Header]:
    """Return the headers of every answer."""
    return [*BASE_HEADERS, *([HSTS] if https else [])]


def sane_request_id(sent: bytes) -> bool:
    """Whether a request id that was sent may be echoed."""
    return _SANE_REQUEST_ID.fullmatch(sent) is not None


def observe(status: int, seconds: float) -> None:
    """Count an answer and the time it took."""
    (_SECONDS_OF.get(status) or SECONDS.labels(str(status))).observe(seconds)


class Edge:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, *, answer_error: AnswerError, https: bool) -> None:
        """`https` adds Strict-Transport-Security; `answer_error` makes an answer from an exception nobody handled."""
        self._app = app
        self._answer_error = answer_error
        self._headers = base_headers(https=https)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # the same answer; the server leaves its body out
        started = time.perf_counter()
        sent_id, size, version = _read_headers(scope)
        request_id = sent_id or new_id().hex.encode()
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        status = 0
        own = [(b"x-request-id", request_id)]
        own += [VERSION_LINE] if scope["path"].startswith("/api/") else []

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(message, own)
            await send(message)

        try:
            _refuse_if_too_large(size or 0)
            own[1:] = version_headers(version) if version is not None and len(own) > 1 else own[1:]
            # The server itself holds a body to the length it declared; only one without needs counting.
            await self._app(scope, receive if size is not None else _counted(receive), answer)
        except Exception as error:  # noqa: BLE001 - the last resort: no trace leaves the process, none is lost
            if not status:  # otherwise the application has answered, and logged, what it then let through
                response = await self._answer_error(Request(scope, receive), error)
                await response(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - started
            if not scope["state"].get("stays_open"):  # it lasts as long as somebody looks, which says nothing of us
                observe(status, seconds)
            if status == _SERVER_ERROR:  # other 5xx are weather, which whoever met it has logged once
                log.error("request failed", **_described(scope, status, seconds))

    def _add_headers(self, message: Message, own: list[Header]) -> None:
        headers = message["headers"]
        names = [name for name, _ in headers]
        headers += self._headers
        headers += own
        headers += [pair for pair in DATA_HEADERS if pair[0] not in names]


def _read_headers(scope: Scope) -> tuple[bytes | None, int | None, bytes | None]:
    """Return the request id, when a sane one was sent, the declared size of the body, and the version asked for."""
    request_id = size = version = None
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            size = int(value)
        elif name == b"x-request-id" and sane_request_id(value):
            request_id = value
        elif name == VERSION_HEADER:
            version = value
    return request_id, size, version


def _refuse_if_too_large(size: int) -> None:
    if size > MAX_BODY_BYTES:
        raise PayloadTooLargeError(f"The body has {size} bytes or more; {MAX_BODY_BYTES} are allowed.")


def _counted(receive: Receive) -> Receive:
    received = 0

    async def count() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        _refuse_if_too_large(received)
        return message

    return count


def _described(scope: Scope, status: int, seconds: float) -> dict[str, object]:
    return {
        "request_id": scope["state"]["request_id"],
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
    }
