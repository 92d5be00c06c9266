"""The outermost layer of every process that speaks HTTP: request id, headers, body limit, log line, last resort."""

import re
import time
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tollkeeper.kit import new_id

from .problems import PayloadTooLargeError

log = structlog.get_logger("tollkeeper.access")

MAX_BODY_BYTES = 1024 * 1024
_SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_SERVER_ERROR = 500

REQUESTS = Counter("tollkeeper_http_requests", "Requests answered.", ["status"])
SECONDS = Histogram(
    "tollkeeper_http_request_seconds",
    "Time to answer, in seconds.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_COUNTED = {status: REQUESTS.labels(str(status)) for status in (200, 201, 204, 303, 401, 402, 404, 422, 429, 500, 503)}

AnswerError = Callable[[Request, Exception], Awaitable[Response]]

BASE_HEADERS: list[tuple[bytes, bytes]] = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"x-xss-protection", b"0"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
]
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
DATA_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class Edge:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, *, answer_error: AnswerError, https: bool) -> None:
        """`https` adds Strict-Transport-Security; `answer_error` makes an answer from an exception nobody handled."""
        self._app = app
        self._answer_error = answer_error
        self._headers = [*BASE_HEADERS, *([HSTS] if https else [])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        exchange = _Exchange(scope, receive, send, self._headers, request_id)
        try:
            exchange.refuse_declared_size()
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:  # noqa: BLE001 - the last resort: no trace leaves the process, none is lost
            await self._recover(exchange, error)
        finally:
            exchange.finish()
            structlog.contextvars.clear_contextvars()

    async def _recover(self, exchange: "_Exchange", error: Exception) -> None:
        request = Request(exchange.scope, exchange.receive)
        response = await self._answer_error(request, error)
        if not exchange.status:
            await response(exchange.scope, exchange.receive, exchange.send)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SANE_REQUEST_ID.fullmatch(value):
            sent: str = value.decode()
            return sent
    return new_id().hex


class _Exchange:
    """One request and its answer passing through."""

    __slots__ = ("_headers", "_receive", "_received", "_send", "request_id", "scope", "started", "status")

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, headers: list[tuple[bytes, bytes]], request_id: str
    ) -> None:
        self.scope = scope
        self.request_id = request_id
        self.status = 0
        self.started = time.perf_counter()
        self._receive = receive
        self._send = send
        self._headers = headers
        self._received = 0

    def refuse_declared_size(self) -> None:
        for name, value in self.scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > MAX_BODY_BYTES:
                raise PayloadTooLargeError(f"The body has {int(value)} bytes; {MAX_BODY_BYTES} are allowed.")

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > MAX_BODY_BYTES:
                raise PayloadTooLargeError(f"The body has more than {MAX_BODY_BYTES} bytes.")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message["headers"] = list(message.get("headers", ()))
            names = {name for name, _ in headers}
            headers.extend(self._headers)
            headers.append((b"x-request-id", self.request_id.encode()))
            if b"content-security-policy" not in names:
                headers.append(DATA_POLICY)
            if b"cache-control" not in names:
                headers.append((b"cache-control", b"no-store"))
        await self._send(message)

    def finish(self) -> None:
        seconds = time.perf_counter() - self.started
        (_COUNTED.get(self.status) or REQUESTS.labels(str(self.status))).inc()
        SECONDS.observe(seconds)
        if self.status >= _SERVER_ERROR or log.is_enabled_for(10):
            log.log(
                40 if self.status >= _SERVER_ERROR else 10,
                "request",
                method=self.scope["method"],
                path=self.scope["path"],
                status=self.status,
                milliseconds=round(seconds * 1000, 1),
            )
