"""The layer around a WSGI application (Django, Flask, Bottle, Pyramid)."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .client import Tollkeeper
from .metering import (
    Caller,
    FeatureOf,
    Headers,
    Incoming,
    QuantityOf,
    RateLimits,
    Refusal,
    Rules,
    fault,
    no_key,
    quota_headers,
    quota_refusal,
    refused_by,
    too_many,
)
from .model import ApiError, QuotaExceeded

Environ = dict[str, Any]
Write = Callable[[bytes], object]
StartResponse = Callable[..., Write]
WSGIApp = Callable[[Any, Any], Iterable[bytes]]
_FIRST_REFUSED = 400


class TollkeeperWSGI:
    """Verifies the key of every request, limits, meters, and tells where the caller stands in headers.

        app.wsgi_app = TollkeeperWSGI(app.wsgi_app, toll, feature="prompts")

    `toll` has an operator key. The rest is in `Rules`. Bodies pass untouched, streamed ones as they come.
    """

    def __init__(
        self,
        app: WSGIApp,
        toll: Tollkeeper,
        *,
        feature: FeatureOf = None,
        quantity: QuantityOf = 1,
        count: str = "all",
        public: tuple[str, ...] = (),
        rate_group: str | None = "api",
    ) -> None:
        self._app = app
        self._toll = toll
        self._rules = Rules(feature, quantity, count, public, rate_group)
        self._rates = RateLimits(rate_group)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one WSGI request."""
        incoming = _incoming(environ)
        if self._rules.is_public(incoming.path):
            return self._app(environ, start_response)
        admitted = self._admit(incoming)
        if isinstance(admitted, Refusal):
            start_response(admitted.line, admitted.headers)
            return [admitted.body]
        caller, headers = admitted
        environ["tollkeeper"] = caller
        if caller.feature is None or self._rules.count == "all":
            return self._app(environ, _adding(start_response, headers))
        return self._counted(environ, start_response, caller, headers)

    def _admit(self, incoming: Incoming) -> tuple[Caller, Headers] | Refusal:
        """Let a request in, counted already where all are counted; or return why not."""
        key = incoming.key
        if key is None:
            return no_key()
        feature, quantity = self._rules.metered(incoming)
        afterwards = self._rules.count == "success" and feature is not None and quantity > 0
        try:
            found = self._toll.verify_key(key, feature if afterwards else None, quantity if afterwards else 1)
            refused = refused_by(found)
            if refused is not None:
                return refused
            caller = Caller(
                found.organization or "", found.plan, found.key_id, found.permissions, feature, quantity, found.usage
            )
            self._learn_rates()
            allowed, headers = self._rates.hit(caller.organization, caller.plan)
            if not allowed:
                return too_many(headers)
            if feature is not None and not afterwards:
                headers += self._count(caller)
        except QuotaExceeded as error:
            return quota_refusal(error, None)
        except ApiError as error:
            return fault(error)
        return caller, headers

    def _learn_rates(self) -> None:
        if self._rates.are_due():
            with contextlib.suppress(ApiError):
                self._rates.learn(self._toll.plans())

    def _count(self, caller: Caller) -> Headers:
        if caller.feature is None or caller.quantity <= 0:
            return quota_headers(caller.balance)
        caller.balance = self._toll.track(caller.feature, caller.quantity, customer=caller.organization)
        return quota_headers(caller.balance)

    def _counted(
        self, environ: Environ, start_response: StartResponse, caller: Caller, headers: Headers
    ) -> Iterable[bytes]:
        start = _Start(start_response, lambda status: self._settle(status, caller, headers))
        body = self._app(environ, start)
        if start.called:
            replaced = start.send()
            if replaced is None:
                return body  # as the application made it: streamed, or a file the server sends by itself
            _close(body)
            return [replaced]
        return _Late(body, start)

    def _settle(self, status: int, caller: Caller, headers: Headers) -> Headers | Refusal:
        """Count when the answer starts well; return what is added to it, or the answer in its place."""
        if status >= _FIRST_REFUSED:
            return headers
        try:
            return headers + self._count(caller)
        except QuotaExceeded as error:
            return quota_refusal(error, caller.balance)
        except ApiError as error:
            return fault(error)


class _Start:
    """The `start_response` an application sees: it is passed on once it is settled what the answer is."""

    def __init__(self, start_response: StartResponse, settle: Callable[[int], Headers | Refusal]) -> None:
        self._start_response = start_response
        self._settle = settle
        self._told: tuple[str, Headers, Any] | None = None
        self._write: Write | None = None
        self._replaced: bytes | None = None

    @property
    def called(self) -> bool:
        """Whether the application has said how its answer starts."""
        return self._told is not None

    def __call__(self, status: str, headers: Headers, exc_info: Any = None) -> Write:
        """Take the start of an answer; once one was passed on, another only replaces it as WSGI says it may."""
        if self._write is not None and exc_info:
            return self._start_response(status, headers, exc_info)
        self._told = (status, headers, exc_info)
        return self._write_now

    def send(self) -> bytes | None:
        """Settle, and start the answer; return the body of the one that takes its place, or None."""
        if self._write is None and self._told is not None:
            status, headers, exc_info = self._told
            settled = self._settle(int(status[:3]))
            if isinstance(settled, Refusal):
                self._replaced = settled.body
                self._write = self._start_response(settled.line, settled.headers)
            else:
                more = (exc_info,) if exc_info else ()
                self._write = self._start_response(status, [*headers, *settled], *more)
        return self._replaced

    def _write_now(self, data: bytes) -> object:
        """The old way to send a body."""
        if self.send() is None and self._write is not None:
            return self._write(data)
        return None


class _Late:
    """The body of an application that says how its answer starts only when its body is read."""

    def __init__(self, body: Iterable[bytes], start: _Start) -> None:
        self._body = body
        self._start = start

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._body:
            replaced = self._start.send()
            if replaced is not None:
                yield replaced
                return
            yield chunk
        replaced = self._start.send()
        if replaced is not None:
            yield replaced

    def close(self) -> None:
        """End the application's body, as WSGI wants it."""
        _close(self._body)


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()


def _incoming(environ: Environ) -> Incoming:
    headers = {
        name[5:].replace("_", "-").lower(): str(value) for name, value in environ.items() if name.startswith("HTTP_")
    }
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return Incoming(environ["REQUEST_METHOD"], path or "/", headers)


def _adding(start_response: StartResponse, headers: Headers) -> StartResponse:
    def start(status: str, own: Headers, exc_info: Any = None) -> Write:
        more = (exc_info,) if exc_info else ()
        return start_response(status, [*own, *headers], *more)

    return start
