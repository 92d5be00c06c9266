"""The clients. Both send the same calls and share every decision; only waiting differs."""

import itertools
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Self, TypeVar

import httpx

from . import calls
from .calls import Call, Interval, When, Wish, unreachable
from .leases import TTL_SECONDS, Held, holding
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
from .subscribing import Subscribing

T = TypeVar("T")

TIMEOUT_SECONDS = 10.0
CONNECT_SECONDS = 3.0
FLUSH_SECONDS = 2.0
_OPERATOR = "tk_op_"
DEFAULT_RETRY = Retry()
DEFAULT_KEEP = Keep()

Outage = OnOutage | str | Mapping[str, OnOutage | str]


def options_of(base_url: str, key: str, timeout: float) -> dict[str, Any]:
    """How to reach the server."""
    times = httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))
    return {"base_url": base_url, "headers": {"Authorization": f"Bearer {key}"}, "timeout": times}


def what_is_soft(key: str) -> Call[Any]:
    """An operator's features are those of the plans; a customer's are its own."""
    return calls.plans() if key.startswith(_OPERATOR) else calls.limits(None)


def need(spool: Spool | None) -> Spool:
    """Return the spool, which must be there."""
    if spool is None:
        raise ValueError("record() keeps usage in a spool: give the client one, spool=Spool(directory).")
    return spool


class Tollkeeper(Subscribing):
    """A client for programs that wait. Safe to share between threads; close it, or use it with `with`.

    Args:
        base_url: where the server is.
        key: a customer's key, or an operator's; an operator names the `customer` in every call about one.
        timeout: seconds, for each try.
        retry: how often and how soon a call is tried again.
        on_outage: what `track` and `check` do while the server does not answer, for all features or by feature.
        keep: how long answers are believed.
        spool: keeps the use of features that are let through during an outage, and what is given to `record`.
        transport: how requests travel; None: over the network.
    """

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
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        options = options_of(base_url, key, timeout)
        self._http = httpx.Client(**options, transport=transport)
        self._retry = retry
        self._guard = Guard(on_outage, keep, spool)
        self._what_is_soft = what_is_soft(key)
        self._sending = httpx.Client(**options, transport=transport) if spool else None
        self._replay = replay_of(spool, self._sending, self._guard) if spool and self._sending else None
        if self._replay:
            self._replay.wake()

    @property
    def spool(self) -> Spool | None:
        """The spool this client was given."""
        return self._guard.spool

    def track(
        self,
        feature: str,
        count: int = 1,
        *,
        idempotency_key: str | None = None,
        at: datetime | None = None,
        customer: str | None = None,
    ) -> Balance:
        """Use `count` of a feature; it is on the server's disk when this returns, or on ours when `spooled`.

        Raises:
            QuotaExceeded: a hard limit would be passed; nothing was recorded.
            Unavailable: all tries failed and the feature is closed during an outage; with the same `idempotency_key`
                it can be sent again without counting twice.
            ApiError: refused for another reason, which it says.
        """
        call = calls.track(feature, count, idempotency_key=idempotency_key, at=at, customer=customer)
        self._guard.note_use(feature, customer)
        if self._guard.skips(feature):
            return self._guard.instead_of_track(call)
        try:
            balance = self._send(call)
        except Unavailable:
            if not self._guard.lets_through(feature):
                raise
            return self._guard.instead_of_track(call)
        self._learn()
        return balance

    def record(
        self,
        feature: str,
        count: int = 1,
        *,
        idempotency_key: str | None = None,
        at: datetime | None = None,
        customer: str | None = None,
    ) -> str:
        """Keep a use in the spool, to be sent in the background; it is on this machine's disk when this returns.

        No limit is asked: what a hard limit refuses later is set aside as a dead letter. Returns the idempotency key.

        Raises:
            SpoolFullError: there is no room.
            SpoolError: the disk failed.
        """
        key = idempotency_key or calls.new_key()
        need(self.spool).append(feature, count, customer=customer, at=at, idempotency_key=key)
        return key

    def set(
        self,
        feature: str,
        value: int,
        *,
        idempotency_key: str | None = None,
        at: datetime | None = None,
        customer: str | None = None,
    ) -> Balance:
        """Say what a gauge, such as seats taken, stands at; what does not rise is always taken.

        Raises:
            QuotaExceeded: it would rise past a hard limit; nothing was recorded.
            Unavailable: all tries failed; with the same `idempotency_key` it can be sent again.
            ApiError: the feature is no gauge, or refused for another reason, which it says.
        """
        call = calls.set_gauge(feature, value, idempotency_key=idempotency_key, at=at, customer=customer)
        return self._send(call)

    def check(self, feature: str, count: int = 1, *, customer: str | None = None) -> Check:
        """Ask whether `count` of a feature may be used; records nothing.

        Raises:
            Unavailable: all tries failed and the feature is closed during an outage.
        """
        recent = self._guard.recent_check(feature, count, customer)
        if recent is not None:
            return recent
        degraded = Check(True, Balance(feature, degraded=True), degraded=True)
        if self._guard.skips(feature):
            return degraded
        try:
            answer = self._send(calls.check(feature, count, customer=customer))
        except Unavailable:
            if not self._guard.lets_through(feature):
                raise
            return degraded
        self._learn()
        return self._guard.note_check(customer, answer.check())

    def verify_key(self, key: str, feature: str | None = None, quantity: int = 1) -> Verification:
        """Tell whose key it is and whether it is good, with `feature` also whether so much may be used; operators only.

        Answers are kept for a few seconds (see Keep). While the server does not answer, an older one is told, `stale`.

        Raises:
            Unavailable: all tries failed, and nothing is known of the key.
        """
        name = name_of(key, feature, quantity)
        recent = self._guard.recent_verification(name)
        if recent is not None:
            return recent
        try:
            return self._guard.note_verification(name, self._send(calls.verify_key(key, feature, quantity)))
        except Unavailable:
            stale = self._guard.stale_verification(name)
            if stale is None:
                raise
            return stale

    def usage(self, *, customer: str | None = None) -> list[Balance]:
        """Where every metered feature stands."""
        return self._send(calls.usage(customer)).data

    def history(
        self,
        feature: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        bucket: str = "day",
        customer: str | None = None,
    ) -> History:
        """The use of one feature over time, by `hour` or `day`; by default of the last 30 days."""
        found = self._send(calls.history(feature, start=start, end=end, bucket=bucket, customer=customer)).history
        assert found is not None  # noqa: S101 - a feature was named, so there is one
        return found

    def limits(self, *, customer: str | None = None) -> list[Entitlement]:
        """Every entitlement, switches and settings included."""
        return self._send(calls.limits(customer)).data

    def plans(self) -> list[Plan]:
        """Every public plan."""
        return self._send(calls.plans()).data

    def checkout(
        self,
        plan: str,
        interval: Interval | None = None,
        *,
        success_url: str | None = None,
        cancel_url: str | None = None,
        customer: str | None = None,
    ) -> Page:
        """Open a hosted page on which the plan is bought."""
        call = calls.checkout(plan, interval, success_url=success_url, cancel_url=cancel_url, customer=customer)
        return self._send(call)

    def portal(self, *, return_url: str | None = None, customer: str | None = None) -> Page:
        """Open a hosted page for payment methods, invoices and cancellation."""
        return self._send(calls.portal(return_url, customer))

    def subscription(self, *, customer: str | None = None) -> Subscription:
        """The plan that may be used now, and the subscription behind it."""
        return self._send(calls.subscription(customer))

    def preview_change(self, wish: Wish, *, customer: str | None = None) -> Preview:
        """What a change would cost; changes nothing."""
        return self._send(calls.preview(wish, customer))

    def change(self, wish: Wish, *, customer: str | None = None) -> Subscription:
        """Change plan, interval or quantity."""
        return self._send(calls.change(wish, customer))

    def cancel_change(self, *, customer: str | None = None) -> Subscription:
        """Take back a change that was to come when the period ends."""
        return self._send(calls.cancel_change(customer))

    def cancel(self, *, at: When = "period_end", customer: str | None = None) -> Subscription:
        """End the subscription."""
        return self._send(calls.cancel(at, customer))

    def resume(self, *, customer: str | None = None) -> Subscription:
        """Take back a cancellation that has not happened yet."""
        return self._send(calls.resume(customer))

    def create_customer(self, name: str, *, external_id: str | None = None) -> Customer:
        """Create a customer; operators only."""
        return self._send(calls.create_customer(name, external_id))

    def customer(self, reference: str) -> Customer:
        """One customer by id or external id; operators only."""
        return self._send(calls.customer_of(reference))

    def lease(self, name: str, *, ttl: int = TTL_SECONDS, customer: str | None = None) -> AbstractContextManager[Held]:
        """Hold a lease of this work while inside: `with toll.lease("previews") as held:`; renew it when it runs long.

        Args:
            name: the kind of work, as in `concurrency` of the plan.
            ttl: seconds until it ends by itself, should nobody give it back; 1 to 86,400.
            customer: operators only.

        Raises:
            TooManyAtOnce: as much of it is under way as the plan allows.
            Unavailable: all tries failed.
        """
        return holding(self._send, self._send, name, ttl, customer)

    def _learn(self) -> None:
        if self._guard.should_learn():
            try:
                self._guard.learn(self._send(self._what_is_soft, NO_RETRY).data)
            except ApiError:
                return  # asked again soon

    def _send(self, call: Call[T], retry: Retry | None = None) -> T:
        for attempt in itertools.count():
            outcome: Outcome
            try:
                outcome = self._http.request(
                    call.method, call.path, json=call.body, params=call.query, headers=call.headers
                )
            except httpx.RequestError as error:
                outcome = error
            wait = (retry or self._retry).wait(attempt, outcome)
            if wait is None:
                return read(self._guard, call, outcome)
            time.sleep(wait)
        raise AssertionError("unreachable")

    def flush(self, timeout: float = FLUSH_SECONDS) -> bool:
        """Wait until the spool is empty, at most `timeout` seconds; False: something is left, and stays on disk."""
        return self._replay.flush(timeout) if self._replay else True

    def close(self) -> None:
        """End the connections, and the sending of the spool: what it still holds is sent by the next client."""
        if self._replay:
            self._replay.close()
        if self._sending:
            self._sending.close()
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read(guard: Guard, call: Call[T], outcome: Outcome) -> T:
    """Read what a call came to, and note whether the server is there."""
    if isinstance(outcome, httpx.RequestError):
        guard.answered(well=False)
        raise unreachable(outcome)
    guard.answered(well=not outcome.is_server_error)
    return call.read(outcome)
