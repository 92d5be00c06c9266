"""Webhooks on their way: signed, in order per endpoint while it answers, tried again for three days."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Sequence
from dataclasses import replace

import httpx

from stripe_twin.core.bodies import body
from stripe_twin.core.json import Json
from stripe_twin.core.store import Delivery
from stripe_twin.core.twin import Twin

log = logging.getLogger("stripe_twin")
RETRY_SECONDS = (1, 5, 30, 300)
LATER_SECONDS = 3_600
GIVE_UP_SECONDS = 3 * 86_400
_TIMEOUT_SECONDS = 10
_PATIENCE_SECONDS = 1.0
_BATCH = 200


def secrets_of(endpoint: Json, now: float) -> list[str]:
    """The secrets that sign now: the endpoint's own, and rolled ones until their time is over."""
    old = [kept["secret"] for kept in endpoint.get("_old_secrets", []) if kept["until"] > now]
    return [endpoint["_secret"], *old]


def signature(body: bytes, secrets: Sequence[str], timestamp: int) -> str:
    """The `Stripe-Signature` header: one `v1` for each secret in force."""
    signed = b"%d.%s" % (timestamp, body)
    marks = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={mark}" for mark in marks)])


def retry_delay(attempts: int) -> int:
    """Seconds until the next try after that many failed ones."""
    return RETRY_SECONDS[attempts - 1] if attempts <= len(RETRY_SECONDS) else LATER_SECONDS


class Dispatcher:
    """Sends due deliveries. Each endpoint has its own lane, so that a slow one holds up nobody else.

    In a lane the next event starts when the one before it was answered, or after a second of silence.
    """

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.lanes: dict[str, asyncio.Task[None]] = {}
        self.under_way: dict[int, asyncio.Task[None]] = {}
        self.client = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False, follow_redirects=False)

    async def run(self) -> None:
        """Forever: open a lane for every endpoint with something due, then sleep until more is due or committed."""
        while True:
            self.twin.committed.clear()
            for delivery in self._due():
                if delivery.endpoint not in self.lanes:
                    self.lanes[delivery.endpoint] = asyncio.create_task(self._lane(delivery.endpoint))
            try:
                await asyncio.wait_for(self.twin.committed.wait(), self._pause())
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Drop what is under way; it is sent again after the next start."""
        tasks = [*self.lanes.values(), *self.under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.client.aclose()

    def _pause(self) -> float:
        """Seconds until the next delivery is due; an hour when none is. What is under way wakes us when it ends."""
        waiting = [
            d.next_at for d in self.twin.store.due_deliveries(float("inf"), _BATCH) if d.id not in self.under_way
        ]
        soonest = min((at for at in waiting if at is not None), default=None)
        return LATER_SECONDS if soonest is None else max(0.01, soonest - self.twin.clock.now())

    def _due(self, endpoint: str | None = None) -> list[Delivery]:
        found = self.twin.store.due_deliveries(self.twin.clock.now(), _BATCH + len(self.under_way))
        return [d for d in found if d.id not in self.under_way and endpoint in (None, d.endpoint)]

    async def _lane(self, endpoint: str) -> None:
        try:
            while due := self._due(endpoint):
                tasks = {d.id: asyncio.create_task(self._attempt(d)) for d in due[: self.twin.misdelivery.concurrent]}
                self.under_way.update(tasks)
                await asyncio.wait(tasks.values(), timeout=_PATIENCE_SECONDS)
        finally:
            del self.lanes[endpoint]
            self.twin.committed.set()

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            await self._send(delivery)
        except Exception:
            log.exception("delivery %s could not be recorded", delivery.id)
            raise
        finally:
            del self.under_way[delivery.id]
            self.twin.committed.set()

    async def _send(self, delivery: Delivery) -> None:
        unit = self.twin.reading()
        endpoint = unit.store.get(delivery.endpoint, "webhook_endpoint")
        event = unit.store.get(delivery.event, "event")
        if endpoint is None or event is None or endpoint["status"] != "enabled":
            self._record(
                replace(delivery, status="canceled", next_at=None, last_error="the endpoint is gone or disabled")
            )
            return
        sent_at = self.twin.clock.now()
        status, problem = await self._post(endpoint, body(unit, event, endpoint, self.twin.misdelivery))
        if problem is None:
            self._record(
                replace(delivery, status="succeeded", next_at=None, last_status=status, last_error=None), tried=True
            )
        else:
            self._record(self._postponed(delivery, event, sent_at, status, problem), tried=True)

    def _postponed(self, delivery: Delivery, event: Json, sent_at: float, status: int | None, problem: str) -> Delivery:
        """The delivery after a failed try, its next one counted from when this one was sent.

        Counted from the answer, a clock advanced while the answer was under way would put the next try off by as much.
        """
        next_at: float | None = sent_at + retry_delay(delivery.attempts + 1)
        if next_at is not None and next_at - event["created"] > GIVE_UP_SECONDS:
            next_at = None
        return replace(
            delivery,
            status="failed" if next_at is None else "pending",
            next_at=next_at,
            last_status=status,
            last_error=problem,
        )

    def _record(self, delivery: Delivery, *, tried: bool = False) -> None:
        now = self.twin.clock.now()
        updated = replace(delivery, attempts=delivery.attempts + tried, updated=now)
        with self.twin.store.transaction():
            if tried:
                self.twin.store.add_attempt(delivery.id, now, delivery.last_status, delivery.last_error)
            self.twin.store.save_delivery(updated)

    async def _post(self, endpoint: Json, content: bytes) -> tuple[int | None, str | None]:
        """The status of the answer and what went wrong, None when it was a 2xx."""
        clock = self.twin.clock
        if self.twin.misdelivery.down:
            return None, "ConnectError: made unreachable by /_twin/misdelivery"
        timestamp = int(clock.now() if self.twin.misdelivery.signature_clock == "virtual" else clock.wall())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Accept": "*/*; q=0.5, application/xml",
            "Stripe-Signature": signature(content, secrets_of(endpoint, clock.now()), timestamp),
        }
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                answer = await self.client.post(endpoint["url"], content=content, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            return None, f"{type(error).__name__}: {error}".strip(": ")
        if answer.is_success:
            return answer.status_code, None
        return answer.status_code, f"answered {answer.status_code}"
