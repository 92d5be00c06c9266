"""The clients. Both speak through the same description of calls; only waiting differs."""

import asyncio
import itertools
import random
import time
import uuid
from dataclasses import dataclass
from typing import Any, Self

import httpx

from .model import Balance, Check, Unavailable, error_of, read_balance, read_check

TRIES = 4
FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 20.0
TIMEOUT_SECONDS = 10.0
_TRY_AGAIN = frozenset({429, 502, 503, 504})
_REFUSED = 400


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    body: dict[str, Any] | None = None
    query: dict[str, str] | None = None


def _track(feature: str, count: int, idempotency_key: str | None, customer: str | None) -> _Call:
    key = idempotency_key or uuid.uuid4().hex
    body = {"feature": feature, "count": count, "idempotency_key": key, "customer": customer}
    return _Call("POST", "/api/usage/track", {name: value for name, value in body.items() if value is not None})


def _check(feature: str, count: int, customer: str | None) -> _Call:
    body = {"feature": feature, "count": count, "customer": customer}
    return _Call("POST", "/api/usage/check", {name: value for name, value in body.items() if value is not None})


def _usage(customer: str | None) -> _Call:
    return _Call("GET", "/api/usage", query={"customer": customer} if customer else None)


def _options(base_url: str, key: str, timeout: float) -> dict[str, Any]:
    return {"base_url": base_url, "headers": {"Authorization": f"Bearer {key}"}, "timeout": timeout}


def _wait(attempt: int, outcome: httpx.Response | httpx.TransportError) -> float | None:
    """Return how long to wait before the next try (seconds); None: do not try again."""
    if attempt + 1 >= TRIES:
        return None
    told = ""
    if isinstance(outcome, httpx.Response):
        if outcome.status_code not in _TRY_AGAIN:
            return None
        told = outcome.headers.get("Retry-After", "")
    wait = float(told) if told.isdigit() else FIRST_WAIT_SECONDS * 2**attempt * random.uniform(0.5, 1.5)
    return wait if wait <= LONGEST_WAIT_SECONDS else None


def _read(outcome: httpx.Response | httpx.TransportError) -> Any:
    if isinstance(outcome, httpx.TransportError):
        raise Unavailable(0, {"code": "unreachable", "detail": f"The server could not be reached: {outcome}"})
    if outcome.status_code >= _REFUSED:
        is_problem = "json" in outcome.headers.get("Content-Type", "")
        raise error_of(outcome.status_code, outcome.json() if is_problem else {})
    return outcome.json()


class Tollkeeper:
    """A client for programs that wait. Safe to share between threads; close it, or use it with `with`."""

    def __init__(self, base_url: str, key: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        """`timeout` is in seconds, for each try."""
        self._http = httpx.Client(**_options(base_url, key, timeout))

    def track(
        self, feature: str, count: int = 1, *, idempotency_key: str | None = None, customer: str | None = None
    ) -> Balance:
        """Use `count` of a feature; it is on the server's disk when this returns.

        Raises:
            QuotaExceeded: a hard limit would be passed; nothing was recorded.
            Unavailable: all tries failed; with the same `idempotency_key` it can be sent again without counting twice.
            ApiError: refused for another reason, which it says.
        """
        return read_balance(self._send(_track(feature, count, idempotency_key, customer)))

    def check(self, feature: str, count: int = 1, *, customer: str | None = None) -> Check:
        """Ask whether `count` of a feature may be used; records nothing."""
        return read_check(self._send(_check(feature, count, customer)))

    def usage(self, *, customer: str | None = None) -> list[Balance]:
        """Where every metered feature stands."""
        return [read_balance(each) for each in self._send(_usage(customer))["data"]]

    def _send(self, call: _Call) -> Any:
        for attempt in itertools.count():
            outcome: httpx.Response | httpx.TransportError
            try:
                outcome = self._http.request(call.method, call.path, json=call.body, params=call.query)
            except httpx.TransportError as error:
                outcome = error
            wait = _wait(attempt, outcome)
            if wait is None:
                return _read(outcome)
            time.sleep(wait)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncTollkeeper:
    """The same for asyncio."""

    def __init__(self, base_url: str, key: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        """`timeout` is in seconds, for each try."""
        self._http = httpx.AsyncClient(**_options(base_url, key, timeout))

    async def track(
        self, feature: str, count: int = 1, *, idempotency_key: str | None = None, customer: str | None = None
    ) -> Balance:
        """See Tollkeeper.track."""
        return read_balance(await self._send(_track(feature, count, idempotency_key, customer)))

    async def check(self, feature: str, count: int = 1, *, customer: str | None = None) -> Check:
        """See Tollkeeper.check."""
        return read_check(await self._send(_check(feature, count, customer)))

    async def usage(self, *, customer: str | None = None) -> list[Balance]:
        """See Tollkeeper.usage."""
        return [read_balance(each) for each in (await self._send(_usage(customer)))["data"]]

    async def _send(self, call: _Call) -> Any:
        for attempt in itertools.count():
            outcome: httpx.Response | httpx.TransportError
            try:
                outcome = await self._http.request(call.method, call.path, json=call.body, params=call.query)
            except httpx.TransportError as error:
                outcome = error
            wait = _wait(attempt, outcome)
            if wait is None:
                return _read(outcome)
            await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
