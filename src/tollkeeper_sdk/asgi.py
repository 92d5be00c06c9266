"""The layer around an ASGI application (FastAPI, Starlette, Django, Quart, Litestar)."""

import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .aio import AsyncTollkeeper
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

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

_POLICY_VIOLATION = 1008
_FIRST_REFUSED = 400


class _RefusedAtStart(Exception):  # noqa: N818 - ends the application's call, nobody sees it
    """The answer was replaced when it started."""


class TollkeeperASGI:
    """Verifies the key of every request, limits, meters, and tells where the caller stands in headers.

        app = TollkeeperASGI(app, toll, feature="prompts")

    `toll` has an operator key. The rest is in `Rules`. Bodies pass untouched, streamed ones as they come.
    Websockets are refused (or passed by, unmetered and unverified, with `websockets="pass"`).
    """

    def __init__(
        self,
        app: ASGIApp,
        toll: AsyncTollkeeper,
        *,
        feature: FeatureOf = None,
        quantity: QuantityOf = 1,
        count: str = "all",
        public: tuple[str, ...] = (),
        rate_group: str | None = "api",
        websockets: str = "refuse",
    ) -> None:
        self._app = app
        self._toll = toll
        self._rules = Rules(feature, quantity, count, public, rate_group, websockets)
        self._rates = RateLimits(rate_group)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "websocket" and self._rules.websockets == "refuse":
            await _refuse_websocket(scope, receive, send)
        elif scope["type"] != "http" or self._rules.is_public(scope["path"]):
            await self._app(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        admitted = await self._admit(_incoming(scope))
        if isinstance(admitted, Refusal):
            await _answer(send, admitted)
            return
        caller, headers = admitted
        scope["state"] = {**scope.get("state", {}), "tollkeeper": caller}
        if caller.feature is None or self._rules.count == "all":
            await self._app(scope, receive, _adding(send, headers))
            return
        with contextlib.suppress(_RefusedAtStart):
            await self._app(scope, receive, self._counting(send, caller, headers))

    async def _admit(self, incoming: Incoming) -> tuple[Caller, Headers] | Refusal:
        """Let a request in, counted already where all are counted; or return why not."""
        key = incoming.key
        if key is None:
            return no_key()
        feature, quantity = self._rules.metered(incoming)
        afterwards = self._rules.count == "success" and feature is not None and quantity > 0
        try:
            found = await self._toll.verify_key(key, feature if afterwards else None, quantity if afterwards else 1)
            refused = refused_by(found)
            if refused is not None:
                return refused
            caller = Caller(
                found.organization or "", found.plan, found.key_id, found.permissions, feature, quantity, found.usage
            )
            await self._learn_rates()
            allowed, headers = self._rates.hit(caller.organization, caller.plan)
            if not allowed:
                return too_many(headers)
            if feature is not None and not afterwards:
                headers += await self._count(caller)
        except QuotaExceeded as error:
            return quota_refusal(error, None)
        except ApiError as error:
            return fault(error)
        return caller, headers

    async def _learn_rates(self) -> None:
        if self._rates.are_due():
            with contextlib.suppress(ApiError):
                self._rates.learn(await self._toll.plans())

    async def _count(self, caller: Caller) -> Headers:
        if caller.feature is None or caller.quantity <= 0:
            return quota_headers(caller.balance)
        caller.balance = await self._toll.track(caller.feature, caller.quantity, customer=caller.organization)
        return quota_headers(caller.balance)

    def _counting(self, send: Send, caller: Caller, headers: Headers) -> Send:
        """Count when the answer starts well, and replace it when a hard limit refuses that."""

        async def count(message: Message) -> None:
            if message["type"] != "http.response.start":
                await send(message)
                return
            told = headers
            if message["status"] < _FIRST_REFUSED:
                try:
                    told = headers + await self._count(caller)
                except QuotaExceeded as error:
                    await _answer(send, quota_refusal(error, caller.balance))
                    raise _RefusedAtStart from None
                except ApiError as error:
                    await _answer(send, fault(error))
                    raise _RefusedAtStart from None
            await _adding(send, told)(message)

        return count


def _incoming(scope: Scope) -> Incoming:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Incoming(scope["method"], scope["path"], headers)


def _adding(send: Send, headers: Headers) -> Send:
    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            more = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await send(message)

    return add


async def _answer(send: Send, answer: Refusal) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _refuse_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse in the handshake: with words where the server can send them, with 403 where it cannot."""
    await receive()
    reason = "Websockets are not metered here."
    if "websocket.http.response" in scope.get("extensions", {}):
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": reason.encode()})
    else:
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": reason})
