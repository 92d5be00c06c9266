"""The client for asyncio: the same calls and decisions as `client`, awaited."""

import asyncio
import functools
import itertools
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Self, TypeVar

import httpx

from . import calls
from .calls import Call, Interval, When, Wish
from .client import (
    DEFAULT_KEEP,
    DEFAULT_RETRY,
    FLUSH_SECONDS,
    TIMEOUT_SECONDS,
    Outage,
    need,
    options_of,
    read,
    what_is_soft,
)
from .leases import TTL_SECONDS, HeldAsync, holding_async
from .model import (
    ApiError,
    Balance,
    Check,
    Customer,
    Entitlement,
    History,
    Page,
    Plan,
    Preview,
    Subscription,
    Unavailable,
    Verification,
)
from .outage import Guard, Keep, OnOutage, name_of, replay_of
from .retry import NO_RETRY, Outcome, Retry
from .spool import Spool
from .subscribing import AsyncSubscribing

T = TypeVar("T")


class AsyncTollkeeper(AsyncSubscribing):
    """The same for asyncio. What waits for the disk does so in a thread; the spool is sent by a thread, too."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        retry: Retry = DEFAULT_RETRY,
        on_outage: Outage = OnOutage.AUTO,
        keep: Keep = DEFAULT_KEEP,
        spool: Spool | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        options = options_of(base_url, key, timeout)
        self._http = httpx.AsyncClient(**options, transport=transport)
        self._retry = retry
        self._guard = Guard(on_outage, keep, spool)
        self._what_is_soft = what_is_soft(key)
        self._sending = httpx.Client(**options) if spool else None
        self._replay = replay_of(spool, self._sending, self._guard) if spool and self._sending else None
        if self._replay:
            self._replay.wake()

    @property
    def spool(self) -> Spool | None:
        """See Tollkeeper.spool."""
        return self._guard.spool

    async def track(
        self,
        feature: str,
        count: int = 1,
        *,
        idempotency_key: str | None = None,
        at: datetime | None = None,
        customer: str | None = None,
    ) -> Balance:
        """See Tollkeeper.track."""
        call = calls.track(feature, count, idempotency_key=idempotency_key, at=at, customer=customer)
        self._guard.note_use(feature, customer)
        if self._guard.skips(feature):
            return await asyncio.to_thread(self._guard.instead_of_track, call)
        try:
            balance = await self._send(call)
        except Unavailable:
            if not self._guard.lets_through(feature):
                raise
            return await asyncio.to_thread(self._guard.instead_of_track, call)
        await self._learn()
        return balance

    async def record(
        self,
        feature: str,
        count: int = 1,
        *,
        idempotency_key: str | None = None,
        at: datetime | None = None,
        customer: str | None = None,
    ) -> str:
        """See Tollkeeper.record."""
        key = idempotency_key or calls.new_key()
        append = functools.partial(need(self.spool).append, customer=customer, at=at, idempotency_key=key)
        await asyncio.to_thread(append, feature, count)
        return key

    async def set(
        self,
        feature: str,
        value: int,
        *,
        idempotency_key: str | None = None,
        at: datetime | None = None,
        customer: str | None = None,
    ) -> Balance:
        """See Tollkeeper.set."""
        call = calls.set_gauge(feature, value, idempotency_key=idempotency_key, at=at, customer=customer)
        return await self._send(call)

    async def check(self, feature: str, count: int = 1, *, customer: str | None = None) -> Check:
        """See Tollkeeper.check."""
        recent = self._guard.recent_check(feature, count, customer)
        if recent is not None:
            return recent
        degraded = Check(True, Balance(feature, degraded=True), degraded=True)
        if self._guard.skips(feature):
            return degraded
        try:
            answer = await self._send(calls.check(feature, count, customer=customer))
        except Unavailable:
            if not self._guard.lets_through(feature):
                raise
            return degraded
        await self._learn()
        return self._guard.note_check(customer, answer.check())

    async def verify_key(self, key: str, feature: str | None = None, quantity: int = 1) -> Verification:
        """See Tollkeeper.verify_key."""
        name = name_of(key, feature, quantity)
        recent = self._guard.recent_verification(name)
        if recent is not None:
            return recent
        try:
            return self._guard.note_verification(name, await self._send(calls.verify_key(key, feature, quantity)))
        except Unavailable:
            stale = self._guard.stale_verification(name)
            if stale is None:
                raise
            return stale

    async def usage(self, *, customer: str | None = None) -> list[Balance]:
        """See Tollkeeper.usage."""
        return (await self._send(calls.usage(customer))).data

    async def history(
        self,
        feature: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        bucket: str = "day",
        customer: str | None = None,
    ) -> History:
        """See Tollkeeper.history."""
        found = (
            await self._send(calls.history(feature, start=start, end=end, bucket=bucket, customer=customer))
        ).history
        assert found is not None  # noqa: S101 - a feature was named, so there is one
        return found

    async def limits(self, *, customer: str | None = None) -> list[Entitlement]:
        """See Tollkeeper.limits."""
        return (await self._send(calls.limits(customer))).data

    async def plans(self) -> list[Plan]:
        """See Tollkeeper.plans."""
        return (await self._send(calls.plans())).data

    async def checkout(
        self,
        plan: str,
        interval: Interval | None = None,
        *,
        success_url: str | None = None,
        cancel_url: str | None = None,
        customer: str | None = None,
    ) -> Page:
        """See Tollkeeper.checkout."""
        call = calls.checkout(plan, interval, success_url=success_url, cancel_url=cancel_url, customer=customer)
        return await self._send(call)

    async def portal(self, *, return_url: str | None = None, customer: str | None = None) -> Page:
        """See Tollkeeper.portal."""
        return await self._send(calls.portal(return_url, customer))

    async def subscription(self, *, customer: str | None = None) -> Subscription:
        """See Tollkeeper.subscription."""
        return await self._send(calls.subscription(customer))

    async def preview_change(self, wish: Wish, *, customer: str | None = None) -> Preview:
        """See Tollkeeper.preview_change."""
        return await self._send(calls.preview(wish, customer))

    async def change(self, wish: Wish, *, customer: str | None = None) -> Subscription:
        """See Tollkeeper.change."""
        return await self._send(calls.change(wish, customer))

    async def cancel_change(self, *, customer: str | None = None) -> Subscription:
        """See Tollkeeper.cancel_change."""
        return await self._send(calls.cancel_change(customer))

    async def cancel(self, *, at: When = "period_end", customer: str | None = None) -> Subscription:
        """See Tollkeeper.cancel."""
        return await self._send(calls.cancel(at, customer))

    async def resume(self, *, customer: str | None = None) -> Subscription:
        """See Tollkeeper.resume."""
        return await self._send(calls.resume(customer))

    async def create_customer(self, name: str, *, external_id: str | None = None) -> Customer:
        """See Tollkeeper.create_customer."""
        return await self._send(calls.create_customer(name, external_id))

    async def customer(self, reference: str) -> Customer:
        """See Tollkeeper.customer."""
        return await self._send(calls.customer_of(reference))

    def lease(
        self, name: str, *, ttl: int = TTL_SECONDS, customer: str | None = None
    ) -> AbstractAsyncContextManager[HeldAsync]:
        """See Tollkeeper.lease; `async with`."""
        return holding_async(self._send, self._send, name, ttl, customer)

    async def _learn(self) -> None:
        if self._guard.should_learn():
            try:
                self._guard.learn((await self._send(self._what_is_soft, NO_RETRY)).data)
            except ApiError:
                return  # asked again soon

    async def _send(self, call: Call[T], retry: Retry | None = None) -> T:
        for attempt in itertools.count():
            outcome: Outcome
            try:
                outcome = await self._http.request(
                    call.method, call.path, json=call.body, params=call.query, headers=call.headers
                )
            except httpx.RequestError as error:
                outcome = error
            wait = (retry or self._retry).wait(attempt, outcome)
            if wait is None:
                return read(self._guard, call, outcome)
            await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    async def flush(self, timeout: float = FLUSH_SECONDS) -> bool:  # noqa: ASYNC109 - a bound, not a cancellation
        """See Tollkeeper.flush."""
        return await asyncio.to_thread(self._replay.flush, timeout) if self._replay else True

    async def aclose(self) -> None:
        """See Tollkeeper.close."""
        if self._replay:
            await asyncio.to_thread(self._replay.close)
        if self._sending:
            self._sending.close()
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
